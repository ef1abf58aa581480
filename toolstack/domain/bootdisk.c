/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootdisk.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "config/config.h"
#include "config/disk.h"
#include "devices/device.h"

#define INSTEAD ": " BOOT_ADVICE

void scoped_bootdisks(struct bootdisks *b)
{
	scoped_boot_disks(&b->disks);
	while (b->nr_borrowed)
		scoped_disk_borrow(&b->borrowed[--b->nr_borrowed]);
	scoped_free(&b->path);
	b->path = NULL;
}

/* -ENOMEDIUM: nothing is in it; another error says why it is not read here. */
static int check_disk(const struct disk *d, enum boot_format *format, struct err *err)
{
	int rc = 0;

	*format = BOOT_RAW;
	switch (d->format) {
	case DISK_FORMAT_RAW: break;
	case DISK_FORMAT_QCOW2: *format = BOOT_QCOW2; break;
	case DISK_FORMAT_VHD: *format = BOOT_VHD; break;
	case DISK_FORMAT_EMPTY: rc = -ENOMEDIUM; break;
	default:
		rc = fail(err, EOPNOTSUPP, "format %s is not read here, raw, qcow2 and vhd are: "
			  "`qemu-img convert -O qcow2` makes one", disk_format_name(d->format));
	}
	if (rc == -ENOMEDIUM || !d->target || !*d->target)
		return fail(err, ENOMEDIUM, "there is nothing in it");
	if (d->backend_domid || d->backend_domname)
		return fail(err, EOPNOTSUPP, "it is another domain's, and not read here" INSTEAD);
	if (rc == 0 && disk_script(d) && *format != BOOT_RAW)
		return fail(err, EOPNOTSUPP, "a script's disk is raw");
	if (rc == 0 && !disk_script(d) && !d->phy && !disk_is_file_name(d->target))
		return fail(err, EOPNOTSUPP, "'%.100s' is for QEMU to open, and not read here"
			    INSTEAD, d->target);
	return rc;
}

static int check_named(const struct disk *d, enum boot_format *format, struct err *err)
{
	int rc = check_disk(d, format, err);

	return rc < 0 ? fail_in(err, "disk %s", d->vdev) : 0;
}

int bootdisks_check(const struct domain_config *config, struct err *err)
{
	enum boot_format format;
	struct err first = ERR_INIT, why;

	for (size_t i = 0; i < config->nr_disks; i++) {
		if (check_named(&config->disks[i], &format, &why) == 0)
			return 0;
		if (!first.code || first.code == ENOMEDIUM)
			first = why;
	}
	if (!first.code)
		return fail(err, EINVAL, "the config has no disk");
	*err = first;
	return -first.code;
}

bool bootdisks_run_scripts(const struct domain_config *config)
{
	enum boot_format format;
	struct err unused;

	for (size_t i = 0; i < config->nr_disks; i++) {
		if (disk_script(&config->disks[i]) &&
		    check_disk(&config->disks[i], &format, &unused) == 0)
			return true;
	}
	return false;
}

int bootdisks_check_first(const struct domain_config *config, struct err *err)
{
	enum boot_format format;
	int rc;

	if (!config->nr_disks)
		return fail(err, EINVAL, "the config has no disk");
	rc = check_named(&config->disks[0], &format, err);
	if (rc == 0 && format != BOOT_RAW)
		return fail(err, EOPNOTSUPP, "disk %s: a program gets the first disk, which must be "
			    "raw (\"pygrub\" reads qcow2 and vhd)", config->disks[0].vdev);
	return rc;
}

static int find_path(struct xen *xen, const struct disk *d, struct bootdisks *out, struct err *err)
{
	struct disk_borrow *borrow = &out->borrowed[out->nr_borrowed];
	int rc;

	scoped_free(&out->path);
	out->path = NULL;
	if (disk_script(d)) {
		rc = disk_borrow(xen, d, borrow, err);
		if (rc < 0)
			return rc;
		out->nr_borrowed++;
		out->path = str_format("%s", borrow->path);
	} else {
		out->path = str_format("%s%s", d->phy && d->target[0] != '/' ? "/dev/" : "",
				       d->target);
	}
	return out->path ? 0 : fail_nomem(err);
}

int bootdisks_open(struct xen *xen, const struct domain_config *config, size_t max,
		   struct bootdisks *out, struct err *err)
{
	enum boot_format format;
	struct err ignored;	/* bootdisks_explain() tells */

	for (size_t i = 0; i < config->nr_disks && out->disks.nr < max &&
	     out->disks.nr < BOOT_DISKS_MAX; i++) {
		const struct disk *d = &config->disks[i];
		int rc;

		if (check_disk(d, &format, &ignored) < 0)
			continue;
		rc = find_path(xen, d, out, err);
		if (rc == 0)
			rc = bootloader_add_disk(&out->disks, out->path, format, err);
		if (rc < 0)
			return fail_in(err, "disk %s", d->vdev);
	}
	return 0;
}

void bootdisks_explain(const struct domain_config *config)
{
	enum boot_format format;
	struct err why;

	for (size_t i = 0; i < config->nr_disks; i++) {
		int rc = check_named(&config->disks[i], &format, &why);

		if (rc < 0 && rc != -ENOMEDIUM)
			log_warn("bootloader: %s", why.msg);
	}
}
