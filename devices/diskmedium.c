/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another medium in a running HVM guest's cdrom drive, by the steps of libxl (libxl_disk.c): out
 * with the old one, the store says empty, the new one is opened here and handed over, the store
 * says so. QEMU's name for the drive is the same with both toolstacks.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "diskplan.h"
#include "qemu.h"
#include "qmp.h"
#include "xen/nodes.h"
#include "xen/store.h"

enum { DRIVE_LEN = 24 };

static int check_drive(struct xen *xen, const struct device_entry *entry, struct err *err)
{
	scoped(free) char *path = str_format("%s/device-type", entry->copy), *type = NULL;
	int rc = path ? store_read(xen, NULL, path, &type, err) : fail_nomem(err);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc < 0 || strcmp(type, "cdrom") != 0)
		return fail(err, EINVAL, "it is no cdrom drive");
	if (entry->backend_domid != 0 || strcmp(entry->backend_kind, "qdisk") != 0)
		return fail(err, EOPNOTSUPP, "it is not QEMU's but has its backend at %s",
			    entry->backend);
	return 0;
}

static int write_medium(const struct device_entry *entry, const char *params, struct err *err)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	const char *const folders[] = { entry->backend, entry->copy };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		store_nodes_add(&nodes, STORE_INHERIT, folders[i], "type", "qdisk");
		store_nodes_add(&nodes, STORE_INHERIT, folders[i], "params", "%s", params);
	}
	return store_nodes_commit(&nodes, entry->domid, err);
}

static int eject(struct qmp *qmp, const char *drive, int64_t deadline, struct err *err)
{
	scoped(json) json_t *args = json_pack("{s:s}", "id", drive);

	return args ? qmp_run(qmp, "eject", args, deadline, NULL, err) : fail_nomem(err);
}

/* QEMU may be in a place where it cannot open files: it gets ours. */
static int insert(struct qmp *qmp, const char *drive, int fd, int64_t deadline, struct err *err)
{
	scoped(json) json_t *change = NULL;
	char name[QMP_FILE_LEN];
	int rc = qmp_give_fd(qmp, fd, deadline, name, err);

	if (rc < 0)
		return rc;
	change = json_pack("{s:s, s:s, s:s}", "id", drive, "filename", name, "format", "raw");
	return change ? qmp_run(qmp, "blockdev-change-medium", change, deadline, NULL, err) :
		fail_nomem(err);
}

int devices_change_medium(struct devices *set, const struct device_entry *entry, struct err *err)
{
	const struct device *dev = &set->items[0];
	const struct disk_plan *plan = dev->plan;
	const struct disk *disk = dev->item;
	int64_t deadline = wait_deadline(DEVICE_WAIT_MS);
	scoped(qmp) struct qmp qmp = QMP_INIT;
	bool empty = disk->format == DISK_FORMAT_EMPTY;
	char drive[DRIVE_LEN];
	int rc = check_drive(set->xen, entry, err);

	snprintf(drive, sizeof(drive), "ide-%u", entry->devid);
	if (rc == 0 && !empty && plan->fd < 0)
		rc = fail(err, EINVAL, "'%.200s' is not opened here but by QEMU: "
			  "give a file's whole path", disk->target);
	if (rc == 0)
		rc = qemu_talk(set->xen, set->domid, deadline, &qmp, err);
	if (rc == 0)
		rc = eject(&qmp, drive, deadline, err);
	if (rc < 0)
		return rc;
	rc = write_medium(entry, "", err);
	if (rc == 0 && empty)
		return 0;
	if (rc == 0)
		rc = insert(&qmp, drive, plan->fd, deadline, err);
	if (rc == 0)
		rc = write_medium(entry, plan->params, err);
	if (rc == -EINTR || rc == -ETIMEDOUT)	/* QEMU may have heard it all the same */
		return fail_in(err, "its drive may be empty now");
	return rc < 0 ? fail_in(err, "its drive is empty now") : 0;
}
