/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory for a domain that is about to be made: what is coming back by itself is waited for, and
 * where xl.conf's autoballoon says so, domain 0 gives what is missing. Sizes in KiB.
 */
#ifndef DOMAIN_ROOM_H
#define DOMAIN_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct xen;

/* What autoballoon="auto" is on a host whose Xen was started with this command line. Pure. */
bool room_auto(const char *xen_commandline);

/*
 * What was made room for one create. With autoballoon lock is xl's lock file, locked against all
 * other creates, xl's too. Leaving its scope gives domain 0 back what it gave, unless the room is
 * used: declared before what destroys the unfinished domain. A create that is killed gives nothing
 * back, as one of xl's.
 */
struct room {
	struct xen *xen;
	int lock;
	uint64_t before_kb, after_kb;	/* domain 0's size; equal: it gave nothing */
};

#define ROOM_INIT { .lock = -1 }

/* Returns when need_kb are free. -ENOMEM: they are not, domain 0 has what it had before; -EINTR. */
int room_make(struct xen *xen, uint64_t need_kb, struct room *room, struct err *err) must_check;

/*
 * The memory is the new domain's: others may look for theirs. A PV or PVH guest has all of it when
 * it is built; for an HVM guest the lock is held until its devices are connected, hotplug scripts
 * too, since QEMU still takes a video card's memory while these run.
 */
void room_unlock(struct room *room);

/* The domain stays. */
void room_used(struct room *room);

void scoped_room(struct room *room);

/*
 * Whether that could be: 0, and *dom0_kb is what domain 0 would be asked for; -ENOMEM. Takes
 * nothing from anybody, and waits as well for what is coming back.
 */
int room_check(struct xen *xen, uint64_t need_kb, uint64_t *dom0_kb, struct err *err) must_check;

#endif
