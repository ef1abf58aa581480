/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared folders (xen/io/9pfs.h): QEMU is the server, and reads what to share from the store. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "base/scope.h"
#include "config/devices.h"
#include "kind.h"

/* QEMU takes any other word as it comes and then fails when the guest mounts. */
static int check_model(const char *model, struct err *err)
{
	static const char *const models[] = {
		"none", "passthrough", "mapped", "mapped-xattr", "mapped-file",
	};

	for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
		if (strcmp(model, models[i]) == 0)
			return 0;
	}
	return fail(err, EINVAL, "unknown security_model '%s', valid are none, passthrough, "
		    "mapped, mapped-xattr and mapped-file", model);
}

static int check_share(const struct p9 *p9, struct err *err)
{
	struct stat st;

	if (p9->type == P9_TYPE_XEN_9PFSD)
		return fail(err, EOPNOTSUPP, "type=xen_9pfsd is not supported, only QEMU's");
	if (!p9->path || !p9->security_model)
		return fail(err, EINVAL, "no %s=", p9->path ? "security_model" : "path");
	if (stat(p9->path, &st) < 0)
		return fail_sys(err, errno, "cannot share '%s'", p9->path);
	if (!S_ISDIR(st.st_mode))
		return fail(err, ENOTDIR, "cannot share '%s': it is not a directory", p9->path);
	return check_model(p9->security_model, err);
}

static int prepare(struct devices *set, struct device *dev, unsigned int index, struct err *err)
{
	struct p9 *p9 = dev->item;
	int rc;

	if (!p9->tag)
		return fail(err, EINVAL, "9pfs share %u has no tag=", index);
	rc = device_backend_domid(set, p9->backend_domname, p9->backend_domid,
				  &dev->backend_domid, err);
	/* What another domain shares is its own matter. */
	if (rc == 0 && dev->backend_domid == 0)
		rc = check_share(p9, err);
	if (rc < 0)
		return fail_in(err, "9pfs share '%s'", p9->tag);
	dev->devid = index;
	dev->backend_kind = "9pfs";
	dev->needs_qemu = dev->backend_domid == 0;
	return 0;
}

static void keys(const struct devices *set, const struct device *dev, struct device_keys *keys)
{
	const struct p9 *p9 = dev->item;

	(void)set;
	if (p9->path)
		device_back(keys, "path", "%s", p9->path);
	if (p9->security_model)
		device_back(keys, "security_model", "%s", p9->security_model);
	device_front(keys, "tag", "%s", p9->tag);
}

static int to_json(const void *item, json_t **out, struct err *err)
{
	return p9_to_json(item, out, err);
}

const struct device_kind device_p9 = {
	.name = "9pfs", .what = "9pfs share", .items = offsetof(struct domain_config, p9s),
	.backends = { "9pfs" },
	.nr_items = offsetof(struct domain_config, nr_p9s), .item_size = sizeof(struct p9),
	.json_list = "p9s", .json_id = "tag", .guest_adds = 10, .to_json = to_json,
	.prepare = prepare, .keys = keys,
};
