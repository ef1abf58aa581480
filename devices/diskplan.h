/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a disk of a config becomes: who serves it, what its nodes say, as what QEMU shows it.
 * Private to disk.c and disk*.c.
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

/* As what QEMU shows it to an HVM guest; only when the device is emulated. */
enum disk_shown {
	DISK_SHOWN_IDE, DISK_SHOWN_AHCI, DISK_SHOWN_SCSI, DISK_SHOWN_CDROM, DISK_SHOWN_FLOPPY,
};

struct disk_plan {
	enum disk_served served;
	enum disk_backend backend;	/* PHY or QDISK */
	char *params;			/* owned; what the script or QEMU takes */
	char *script;			/* owned; absolute; NULL for QEMU */
	char *device;			/* owned; a block device's path without links; or what
					 * the script made, for QEMU */
	struct stat st;			/* of the file or device; st_mode 0: not looked at */
	int fd;				/* keeps others off; -1: none */
	struct loop loop;
	enum disk_shown shown;
	uint32_t unit;			/* its place on that controller, from 0 */
};

/* device_kind's prepare() and free_plan(). */
int disk_prepare(struct devices *set, struct device *dev, unsigned int index,
		 struct err *err) must_check;
void disk_free_plan(struct device *dev);

/* Emulated disks: diskqemu.c */

/* Once its backend is chosen: whether and where QEMU shows it to the guest; dev->emulated. */
int disk_show(const struct devices *set, struct device *dev, struct err *err) must_check;

/* device_kind's qemu_args(). */
void disk_qemu_args(const struct devices *set, const struct device *dev, struct qemu_args *args);

#endif
