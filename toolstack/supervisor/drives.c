/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drives.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "config/disk.h"
#include "domain/cdrom.h"
#include "events.h"
#include "xen/store.h"

enum { PATH_LEN = 96 };

static bool is_drive(struct xen *xen, uint32_t domid, const char *id)
{
	char path[PATH_LEN];
	uint64_t removable = 0;
	struct err ignored;	/* it has gone meanwhile */

	snprintf(path, sizeof(path), "/libxl/%u/device/vbd/%s/removable", domid, id);
	return store_read_u64(xen, NULL, path, &removable, &ignored) == 0 && removable == 1;
}

static const char *eject_path(uint32_t domid, const char *id, char path[PATH_LEN])
{
	snprintf(path, PATH_LEN, "/local/domain/%u/device/vbd/%s/eject", domid, id);
	return path;
}

static bool wants_eject(struct xen *xen, uint32_t domid, const char *id)
{
	scoped(free) char *value = NULL;
	char path[PATH_LEN];
	struct err ignored;

	return store_read(xen, NULL, eject_path(domid, id, path), &value, &ignored) == 0 &&
	       strcmp(value, "eject") == 0;
}

static int list(struct xen *xen, uint32_t domid, char ***ids, unsigned int *nr, struct err *err)
{
	char path[PATH_LEN];
	int rc;

	snprintf(path, sizeof(path), "/libxl/%u/device/vbd", domid);
	*ids = NULL;
	*nr = 0;
	rc = store_list(xen, NULL, path, ids, nr, err);
	return rc == -ENOENT ? 0 : rc;
}

int drives_any(struct xen *xen, uint32_t domid, bool eject, struct err *err)
{
	unsigned int nr;
	char **ids;
	int rc = list(xen, domid, &ids, &nr, err);

	for (unsigned int i = 0; i < nr && rc == 0; i++)
		rc = is_drive(xen, domid, ids[i]) && (!eject || wants_eject(xen, domid, ids[i]));
	store_list_free(ids);
	return rc;
}

/* The answer first: the guest waits for it. */
static int eject_one(struct xen *xen, uint32_t domid, const char *id, char **vdev, struct err *err)
{
	scoped(disk) struct disk disk = DISK_INIT;
	scoped(free) char *spec = NULL;
	char path[PATH_LEN];
	int rc = store_write(xen, NULL, eject_path(domid, id, path), "", err);

	snprintf(path, sizeof(path), "/libxl/%u/device/vbd/%s/dev", domid, id);
	if (rc == 0)
		rc = store_read(xen, NULL, path, vdev, err);
	if (rc < 0)
		return rc;
	spec = str_format("vdev=%s,access=r,devtype=cdrom,target=", *vdev);
	if (!spec)
		return fail_nomem(err);
	rc = disk_parse(spec, NULL, &disk, err);
	return rc < 0 ? rc : domain_change_cdrom(xen, domid, &disk, err);
}

int drives_eject(struct xen *xen, const char *name, uint32_t domid, struct err *err)
{
	unsigned int nr;
	char **ids;
	int rc = list(xen, domid, &ids, &nr, err);

	for (unsigned int i = 0; i < nr && rc == 0; i++) {
		scoped(free) char *vdev = NULL;

		if (!is_drive(xen, domid, ids[i]) || !wants_eject(xen, domid, ids[i]))
			continue;
		rc = eject_one(xen, domid, ids[i], &vdev, err);
		if (rc == 0)
			event_add("device", name, domid, "the guest has ejected %s", vdev);
		else
			rc = fail_in(err, "the guest ejects %s", vdev ? vdev : ids[i]);
	}
	store_list_free(ids);
	return rc;
}
