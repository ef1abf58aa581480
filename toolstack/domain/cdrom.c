/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cdrom.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "config/disk.h"
#include "devices/device.h"
#include "lookup.h"
#include "userdata.h"
#include "xen/domctl.h"
#include "xen/store.h"
#include "xen/xen.h"

/* Its QEMU must be on this host: a stub domain's is not. */
static int check_domain(struct xen *xen, uint32_t domid, struct userdata *ud, struct err *err)
{
	scoped(free) char *stub = NULL;
	struct domctl_info info;
	enum domain_type type;
	char path[64];
	int rc = domctl_info(xen, domid, &info, err);

	if (rc == 0)
		rc = domain_get_type(xen, domid, &type, err);
	if (rc < 0)
		return rc;
	if (type != DOMAIN_HVM)
		return fail(err, EINVAL, "domain %u is a %s guest: only an hvm guest has a cdrom drive "
			    "whose medium can be changed", domid, config_type_name(type));
	snprintf(path, sizeof(path), "/local/domain/%u/image/device-model-domid", domid);
	if (store_read(xen, NULL, path, &stub, err) == 0)
		return fail(err, EOPNOTSUPP, "domain %u has its device model in a stub domain", domid);
	ud->domid = domid;
	memcpy(ud->uuid, info.uuid, sizeof(ud->uuid));
	return 0;
}

/* The JSON last: where it says more than the store, every toolstack believes the store. */
static int change(struct xen *xen, const struct userdata *ud, struct disk *disk, struct err *err)
{
	const struct device_kind *kind = device_kind_find("vbd");
	scoped(device_list) struct device_list list = DEVICE_LIST_INIT;
	scoped(devices) struct devices set = { .find_domain = domain_lookup, .type = DOMAIN_HVM };
	const struct device_entry *entry;
	scoped(json) json_t *json = NULL;
	uint32_t devid = 0;
	int rc = userdata_read(ud, &json, err);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	rc = devices_list(xen, ud->domid, &list, err);
	if (rc < 0)
		return rc;
	entry = disk_devnum(disk->vdev, &devid) == 0 ? device_list_find(&list, kind, devid) : NULL;
	if (!entry)
		return fail(err, ENOENT, "domain %u has no disk '%.60s'", ud->domid, disk->vdev);
	rc = devices_prepare_one(&set, xen, ud->domid, kind, disk, 0, err);
	if (rc < 0)
		return rc;
	rc = devices_change_medium(&set, entry, err);
	if (rc < 0)
		return fail_in(err, "disk '%.60s'", disk->vdev);
	if (json)
		rc = device_json_add(kind, json, disk, devid, err);
	if (rc == 0 && json)
		rc = userdata_write(ud, json, err);
	return rc < 0 ? fail_in(err, "disk '%.60s' is changed, but not for the guest's next start",
				disk->vdev) : 0;
}

int domain_change_cdrom(struct xen *xen, uint32_t domid, struct disk *disk, struct err *err)
{
	scoped(userdata_lock) struct userdata_lock changes = USERDATA_LOCK_INIT;
	scoped(userdata_lock) struct userdata_lock lock = USERDATA_LOCK_INIT;
	struct userdata ud = { .dir = NULL };
	int rc = check_domain(xen, domid, &ud, err);

	if (rc == 0)
		rc = userdata_lock_changes(&ud, &changes, err);
	if (rc == 0)
		rc = userdata_lock(&ud, &lock, err);
	/* It may have gone while we waited. */
	if (rc == 0)
		rc = check_domain(xen, domid, &ud, err);
	return rc == 0 ? change(xen, &ud, disk, err) : rc;
}
