/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk that only its script= brings up, on this host for a while: for a bootloader, before there
 * is a domain. libxl makes it a disk of dom0's; here the script is called alone, with nodes of the
 * same names where no backend looks (XENBUS_PATH is an absolute path then).
 */
#ifndef DEVICES_DISKBORROW_H
#define DEVICES_DISKBORROW_H

#include <limits.h>

#include "base/err.h"

struct disk;
struct xen;

struct disk_borrow {
	struct xen *xen;	/* NULL: nothing to give back */
	char script[PATH_MAX];
	char nodes[64];		/* what the script is told, and what it answers */
	char path[96];		/* the block device that it made */
};

#define DISK_BORROW_INIT { .xen = NULL }

/*
 * Has its script (disk_script()) add it, for reading, at most DEVICE_SCRIPT_MS. -EINTR when the
 * user interrupted. After a failure, too, the script has been told to remove it.
 */
int disk_borrow(struct xen *xen, const struct disk *disk, struct disk_borrow *out,
		struct err *err) must_check;
/* Has the script remove it; only a warning when that fails. */
void scoped_disk_borrow(struct disk_borrow *b);

/*
 * The same for what processes left that were killed: report() gets each disk's target. The first
 * failure after having tried all.
 */
int disk_borrow_cleanup(struct xen *xen, void (*report)(const char *target),
			struct err *err) must_check;

#endif
