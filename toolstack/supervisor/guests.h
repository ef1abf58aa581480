/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Private to supervisor/: who is looked after. Filled from the records and intents of /run/xlite
 * and from nothing else, so that the next supervisor has the same.
 */
#ifndef SUPERVISOR_GUESTS_H
#define SUPERVISOR_GUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "domain/runfile.h"

struct xen;

enum guest_state {
	GUEST_MADE,		/* or its create was killed: looked at when due */
	GUEST_LIVES,
	GUEST_ENDED,		/* or its restart was cut off: a child is due */
	GUEST_WORKING,		/* and does it */
	GUEST_HELD,		/* its restart is for later: another child, when due */
	GUEST_DONE,		/* nothing more to do about it */
};

/* Store events about drives carry this and the domid. */
#define GUESTS_DRIVES_TOKEN "drives "

/* What a child is to see to (successor.h). */
enum guest_matter { MATTER_END, MATTER_MODEL, MATTER_EJECT };

struct guest_model {
	int pid, fd;		/* 0: it has none that is known; -1: has ended */
	int64_t ended;		/* when that was noticed (wait_now_ms); 0: not */
	bool told;		/* a child has seen to it */
};

/* CD drives, which its kernel may eject. */
struct guest_drives {
	bool watched, fresh;	/* fresh: the first event is the watch's own */
	bool eject;		/* it wants one of them empty */
	int64_t again;		/* when they are to be watched again; 0: not */
};

struct guest {
	char *name;
	struct runfile_record record;	/* ENDED, WORKING: of the domain that has ended */
	enum guest_state state;
	int64_t due;		/* MADE, ENDED, HELD: when (wait_now_ms) */
	unsigned int restarts;	/* ENDED, HELD: for the successor's record */
	unsigned int tries;	/* children that were killed */
	bool gone;		/* its record has: the next look tells whether the domain has, too */
	bool failed;		/* the child of its end: nothing more to do unless it lives again */
	enum guest_matter matter;	/* ENDED, WORKING, HELD */
	bool waited;		/* ENDED, WORKING: it was held */
	struct guest_model model;
	struct guest_drives drives;
	pid_t child;
};

struct guests {
	struct xen *xen;	/* borrowed */
	struct guest *items;
	size_t nr, cap;
	int models;		/* epoll: readable when a QEMU has ended */
};

#define GUESTS_INIT { .models = -1 }

int guests_init(struct guests *guests, struct xen *xen, struct err *err) must_check;
void guests_free(struct guests *guests);

void guests_drop(struct guests *guests, struct guest *guest);

/*
 * NAME's record is there, is another one, or has gone (told: and why has been told). A QEMU is
 * watched from here on.
 */
int guests_take_record(struct guests *guests, const char *name, bool told, struct err *err)
	must_check;

/* All records and intents, at the start and when events were lost. */
int guests_take_all(struct guests *guests, struct err *err) must_check;

/* Marks those whose QEMU has ended. */
void guests_take_models(struct guests *guests);

/* The store tells something of domid's drives. */
void guests_take_drives(struct guests *guests, uint32_t domid);

/*
 * Watches drives again whose time has come, and tells of guests whose create was killed. Store
 * events may be waiting afterwards.
 */
void guests_do_due(struct guests *guests);
/* When there is more of that, or INT64_MAX. */
int64_t guests_next_due(const struct guests *guests);

#endif
