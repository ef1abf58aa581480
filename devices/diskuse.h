/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who uses a disk already: guests through blkback (sysfs) and QEMU (the store), this host
 * (mounts, holders, swap), loop devices by their file's inode. Two writers of one disk destroy
 * it, so the second is refused and told about the first.
 *
 * The usual answer, nobody, is had from the kernel by one or two calls on the descriptor
 * (a lease on a file, O_EXCL on a block device); all that this file reads otherwise is
 * for saying who.
 */
#ifndef DEVICES_DISKUSE_H
#define DEVICES_DISKUSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct xen;

/*
 * Takes the regular file or block device that *fd has open (a file for writing when we write,
 * a device for reading) for us, if nobody's use of it (of its partitions and its whole
 * disk, of what it is made of, of the devices upon it) conflicts: we write, or they do. Until
 * *fd, and a loop device made of it, are closed another claim by this function conflicts.
 *
 * -EBUSY names the user: "in use by guest 'web' (xvda)", "mounted on '/srv'", "held by
 * dm-3". One that is just going away is waited for until deadline; -EINTR meanwhile.
 */
int diskuse_claim(struct xen *xen, int fd, const char *path, bool readonly, int64_t deadline,
		  struct err *err) must_check;

/* One line of /proc/self/mountinfo. */
struct diskuse_mount {
	dev_t dev;
	bool readonly;
	char source[256], where[256];	/* unescaped, cut */
};

/* Pure; false for a line that is none. */
bool diskuse_parse_mount(const char *line, struct diskuse_mount *mount);

#endif
