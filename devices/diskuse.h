/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who uses a disk already: guests through blkback (sysfs) and QEMU (the store), this host
 * (mounts, holders, swap), loop devices by their file's inode. Two writers of one disk destroy
 * it, so the second is refused and told about the first.
 */
#ifndef DEVICES_DISKUSE_H
#define DEVICES_DISKUSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"

struct xen;

/*
 * -EBUSY when somebody's use of what st is about (a regular file or block device, its
 * partitions and its whole disk, the devices upon it) conflicts with ours: we write, or they
 * do. The message names them: "guest 'web' (xvda)", "mounted on /srv", "held by dm-3".
 * A guest that is just dying is waited for until deadline. self: a domain whose use does
 * not count (0: none).
 */
int diskuse_check(struct xen *xen, const struct stat *st, bool readonly, uint32_t self,
		  int64_t deadline, struct err *err) must_check;

#endif
