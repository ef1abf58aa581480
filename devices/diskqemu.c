/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The disks that QEMU shows an HVM guest as hardware, beside the PV twin that each has but a floppy.
 * Which disk stands where is libxl's rule (libxl_dm.c): sdX on the SCSI controller; any other name
 * by its letter, hda and xvda alike, on IDE, or on AHCI with hdtype="ahci"; a cdrom always on IDE.
 */
#include "diskplan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "qemu.h"

/* enum of libxl: hdtype */
enum { HDTYPE_AHCI = 2 };

static const struct {
	const char *name;
	unsigned int max;		/* how many there can be */
	bool readonly;			/* whether the guest can be kept from writing */
} shows[] = {
	[DISK_SHOWN_IDE] = { "IDE", 4, false },
	[DISK_SHOWN_AHCI] = { "AHCI", 6, false },
	[DISK_SHOWN_SCSI] = { "SCSI", 8, true },
	[DISK_SHOWN_CDROM] = { "IDE", 4, true },
	[DISK_SHOWN_FLOPPY] = { "floppy", 2, true },
};

static enum disk_shown choose(const struct domain_config *config, const struct disk *disk,
			      enum disk_bus bus)
{
	if (bus == DISK_BUS_FD)
		return DISK_SHOWN_FLOPPY;
	if (disk->cdrom)
		return DISK_SHOWN_CDROM;
	if (bus == DISK_BUS_SD)
		return DISK_SHOWN_SCSI;
	return config->hvm.hdtype == HDTYPE_AHCI ? DISK_SHOWN_AHCI : DISK_SHOWN_IDE;
}

/* Two names may mean one place: hda, hda1 and xvda. */
static int check_place(const struct devices *set, const struct device *dev,
		       const struct disk_plan *plan, struct err *err)
{
	for (const struct device *other = set->items; other < dev; other++) {
		const struct disk_plan *theirs = other->plan;
		const struct disk *disk = other->item;

		if (other->kind != dev->kind || !other->emulated ||
		    theirs->unit != plan->unit ||
		    strcmp(shows[theirs->shown].name, shows[plan->shown].name) != 0)
			continue;
		return fail(err, EEXIST, "disk '%.60s' is %s disk number %u already",
			    disk->vdev, shows[plan->shown].name, plan->unit + 1);
	}
	return 0;
}

/* QEMU alone has it: there is no PV floppy. */
static int check_floppy(const struct devices *set, struct device *dev, struct err *err)
{
	const struct disk *disk = dev->item;
	struct disk_plan *plan = dev->plan;

	if (set->type != DOMAIN_HVM)
		return fail(err, EINVAL, "only an hvm guest has floppy drives");
	if (set->live)
		return fail(err, EOPNOTSUPP, "floppy drives cannot be added to a running guest");
	if (disk->cdrom)
		return fail(err, EINVAL, "a floppy drive is no cdrom");
	if (disk->format != DISK_FORMAT_RAW)
		return fail(err, EINVAL, "a floppy's image is raw, not %s",
			    disk_format_name(disk->format));
	if (plan->served == DISK_BY_SCRIPT || plan->served == DISK_ELSEWHERE)
		return fail(err, EINVAL, "a floppy drive has neither a script nor a backend domain");
	plan->served = DISK_BY_QEMU;
	dev->needs_qemu = false;
	dev->model_only = true;
	return 0;
}

/* Nothing to show: the guest's PV drivers alone see it. */
static int leave_out(const struct disk *disk, const char *why)
{
	log_warn("disk '%s': %s: the guest sees it through PV drivers alone", disk->vdev, why);
	return 0;
}

int disk_show(const struct devices *set, struct device *dev, struct err *err)
{
	const struct disk *disk = dev->item;
	struct disk_plan *plan = dev->plan;
	enum disk_bus bus = DISK_BUS_XVD;
	uint32_t part;
	bool named = disk_name(disk->vdev, &bus, &plan->unit, &part) == 0;
	int rc = named && bus == DISK_BUS_FD ? check_floppy(set, dev, err) : 0;

	if (rc < 0 || set->type != DOMAIN_HVM || set->live)
		return rc;
	if (!named)
		return leave_out(disk, "no name but a number");
	plan->shown = choose(set->config, disk, bus);
	if (plan->unit >= shows[plan->shown].max) {
		if (plan->shown == DISK_SHOWN_SCSI)
			return fail(err, EINVAL, "the emulated SCSI controller takes %u disks, sda to "
				    "sd%c: name it xvd%s to have it through PV drivers alone",
				    shows[plan->shown].max, 'a' + shows[plan->shown].max - 1,
				    disk->vdev + strlen("sd"));
		log_info("disk '%s': beyond the %u emulated %s disks: the guest sees it through PV "
			 "drivers alone", disk->vdev, shows[plan->shown].max,
			 shows[plan->shown].name);
		return 0;
	}
	if (dev->backend_domid != 0)
		return leave_out(disk, "another domain serves it");
	if (!disk->readwrite && !shows[plan->shown].readonly)
		return fail(err, EINVAL, "an emulated %s disk cannot be read-only: give access w, a "
			    "cdrom, or a name that is not emulated there (sd%c, xvd%c)",
			    shows[plan->shown].name, 'a' + plan->unit,
			    'a' + plan->unit + shows[plan->shown].max);
	dev->emulated = true;
	dev->before_model = plan->served == DISK_BY_SCRIPT;
	return check_place(set, dev, plan, err);
}

/* What QEMU opens: what the script made of it, or the target. NULL: an empty drive. */
static const char *path_of(const struct disk *disk, const struct disk_plan *plan)
{
	if (plan->served == DISK_BY_SCRIPT)
		return plan->device;
	return disk->format == DISK_FORMAT_EMPTY ? NULL : disk->target;
}

static const char *format_of(const struct disk *disk, const struct disk_plan *plan)
{
	if (plan->backend != DISK_BACKEND_QDISK)
		return "raw";
	return disk->format == DISK_FORMAT_VHD ? "vpc" : disk_format_name(disk->format);
}

static void cdrom_args(const struct device *dev, const char *path, const char *format,
		       struct qemu_args *args)
{
	const struct disk_plan *plan = dev->plan;
	scoped(free) char *drive = str_format("if=none,readonly=on,id=ide-%u%s", dev->devid,
					      path ? ",file=" : "");
	scoped(free) char *after = str_format(",format=%s", format);

	if (!drive || !after)
		args->failed = true;
	else
		qemu_arg_value(args, drive, path ? path : "", path ? after : "");
	qemu_arg(args, "-device");
	qemu_arg(args, "ide-cd,id=ide-%u,drive=ide-%u,bus=ide.%u,unit=%u", dev->devid, dev->devid,
		 plan->unit / 2, plan->unit % 2);
}

/* "file=PATH" and the rest. */
static void printf_like(3, 4)
drive_arg(struct qemu_args *args, const char *path, const char *fmt, ...)
{
	scoped(free) char *rest = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&rest, fmt, ap) < 0) {
		rest = NULL;
		args->failed = true;
	}
	va_end(ap);
	qemu_arg_value(args, "file=", path, rest ? rest : "");
}

void disk_qemu_args(const struct devices *set, const struct device *dev, struct qemu_args *args)
{
	const struct disk_plan *plan = dev->plan;
	const struct disk *disk = dev->item;
	const char *path = path_of(disk, plan), *format = format_of(disk, plan);
	const char *readonly = disk->readwrite ? "off" : "on";

	(void)set;
	if (!dev->emulated)
		return;
	qemu_arg(args, "-drive");
	switch (plan->shown) {
	case DISK_SHOWN_CDROM:
		cdrom_args(dev, path, format, args);
		break;
	case DISK_SHOWN_IDE:
		drive_arg(args, path, ",if=ide,index=%u,media=disk,format=%s,cache=writeback",
			  plan->unit, format);
		break;
	case DISK_SHOWN_AHCI:
		drive_arg(args, path, ",if=none,id=ahcidisk-%u,format=%s,cache=writeback",
			  plan->unit, format);
		qemu_arg(args, "-device");
		qemu_arg(args, "ide-hd,bus=ahci0.%u,unit=0,drive=ahcidisk-%u", plan->unit,
			 plan->unit);
		break;
	case DISK_SHOWN_SCSI:
		drive_arg(args, path, ",id=scsi0-hd%u,format=%s,if=none,readonly=%s,cache=writeback",
			  plan->unit, format, readonly);
		qemu_arg(args, "-device");
		qemu_arg(args, "scsi-hd,drive=scsi0-hd%u,scsi-id=%u", plan->unit, plan->unit);
		break;
	case DISK_SHOWN_FLOPPY:
		drive_arg(args, path, ",if=floppy,index=%u,format=raw,readonly=%s", plan->unit,
			  readonly);
		break;
	}
}
