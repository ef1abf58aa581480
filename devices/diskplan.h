/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a disk of a config becomes: who serves it, what its nodes say. Private to disk.c
 * and diskplan.c.
 */
#ifndef DEVICES_DISKPLAN_H
#define DEVICES_DISKPLAN_H

#include <sys/stat.h>

#include "config/disk.h"
#include "kind.h"
#include "loop.h"
#include "script.h"

#define DISK_DEFAULT_SCRIPT SCRIPT_DIR "/block"

/* Who brings it up. */
enum disk_served {
	DISK_BY_FILE, DISK_BY_DEVICE,	/* blkback, by us */
	DISK_BY_SCRIPT,			/* blkback, by a script */
	DISK_BY_QEMU,
	DISK_ELSEWHERE,			/* another domain's toolstack */
};

struct disk_plan {
	enum disk_served served;
	enum disk_backend backend;	/* PHY or QDISK */
	char *params;			/* owned; what the script or QEMU takes */
	char *script;			/* owned; absolute; NULL for QEMU */
	char *device;			/* owned; a block device's path without links */
	struct stat st;			/* of the file or device; st_mode 0: not looked at */
	int fd;				/* keeps others off; -1: none */
	struct loop loop;
};

/* device_kind's prepare() and free_plan(). */
int disk_prepare(struct devices *set, struct device *dev, unsigned int index,
		 struct err *err) must_check;
void disk_free_plan(struct device *dev);

#endif
