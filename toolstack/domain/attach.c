/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The order makes a kill harmless: the device stands in the store before it is in libxl's JSON
 * and is gone from the store before it is gone from there. So one that is in the
 * store alone, while we hold the lock, is what an interrupted attach left, and one that
 * is in the JSON alone what an interrupted detach left.
 */
#include "attach.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <xen/io/xenbus.h>

#include "base/json.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "devices/device.h"
#include "lookup.h"
#include "userdata.h"
#include "xen/domctl.h"
#include "xen/nodes.h"
#include "xen/store.h"
#include "xen/xen.h"

/* A domain whose devices are being changed: nobody else does meanwhile. */
struct change {
	struct xen *xen;
	const struct device_kind *kind;
	uint32_t domid;
	bool hvm;
	struct userdata ud;
	struct userdata_lock lock;
	json_t *json;			/* owned; NULL: no toolstack keeps one for this domain */
	struct device_list list;
};

#define CHANGE_INIT { .lock = USERDATA_LOCK_INIT, .list = DEVICE_LIST_INIT }

static void scoped_change(struct change *c)
{
	scoped_device_list(&c->list);
	scoped_json(&c->json);
	scoped_userdata_lock(&c->lock);
}

static int check_domain(struct change *c, struct err *err)
{
	struct domctl_info info;
	int rc;

	if (c->domid == 0)
		return fail(err, EINVAL, "Domain-0 has no frontends");
	rc = domctl_info(c->xen, c->domid, &info, err);
	if (rc < 0)
		return rc;
	if (info.dying)
		return fail(err, ENOENT, "domain %u is dying", c->domid);
	c->hvm = info.hvm;
	memcpy(c->ud.uuid, info.uuid, sizeof(c->ud.uuid));
	return 0;
}

static int change_begin(struct change *c, struct xen *xen, uint32_t domid,
			const struct device_kind *kind, struct err *err)
{
	int rc;

	c->xen = xen;
	c->kind = kind;
	c->domid = domid;
	c->ud.domid = domid;
	rc = check_domain(c, err);
	if (rc == 0)
		rc = userdata_lock(&c->ud, &c->lock, err);
	/* It may have gone while we waited. */
	if (rc == 0)
		rc = check_domain(c, err);
	if (rc < 0)
		return rc;
	rc = userdata_read(&c->ud, &c->json, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	return devices_list(xen, domid, &c->list, err);
}

/* Attach */

static int remove_one(struct change *c, const struct device_entry *entry, struct err *err)
{
	return devices_remove(c->xen, entry, 1, DEVICE_REMOVE_FORCE, 0, err);
}

static bool is_connected(struct change *c, const struct device_entry *entry)
{
	scoped(free) char *path = str_format("%s/state", entry->backend);
	uint64_t state;
	struct err ignored;	/* no state: nothing is connected */

	return path && store_read_u64(c->xen, NULL, path, &state, &ignored) == 0 &&
	       state == XenbusStateConnected;
}

/* What an attach that was killed left of this kind; it may hold what the new one wants. */
static int remove_debris(struct change *c, struct err *err)
{
	bool any = false;
	char label[64];
	int rc = 0;

	for (size_t i = 0; i < c->list.nr && c->json && rc == 0; i++) {
		const struct device_entry *entry = &c->list.items[i];

		if (entry->kind != c->kind || !device_json_keeps(c->kind) ||
		    device_json_has(c->kind, c->json, entry->devid) || is_connected(c, entry))
			continue;
		log_info("%s: removing what an interrupted attach left",
			 device_label(c->kind, entry->devid, label, sizeof(label)));
		rc = remove_one(c, entry, err);
		any = true;
	}
	if (rc < 0 || !any)
		return rc;
	scoped_device_list(&c->list);
	return devices_list(c->xen, c->domid, &c->list, err);
}

static uint32_t first_free(const struct change *c)
{
	uint32_t devid = 0;

	while (device_list_find(&c->list, c->kind, devid))
		devid++;
	return devid;
}

static int find_type(struct change *c, enum domain_type *type, struct err *err)
{
	static const enum domain_type types[] = { DOMAIN_PV, DOMAIN_PVH, DOMAIN_HVM };
	scoped(free) char *name = NULL;
	char path[40];
	int rc;

	snprintf(path, sizeof(path), "/libxl/%u/type", c->domid);
	rc = store_read(c->xen, NULL, path, &name, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	*type = c->hvm ? DOMAIN_HVM : DOMAIN_PV;
	for (size_t i = 0; i < ARRAY_SIZE(types) && rc == 0; i++) {
		if (strcmp(name, config_type_name(types[i])) == 0)
			*type = types[i];
	}
	return 0;
}

static bool has_model(struct change *c)
{
	scoped(free) char *pid = NULL;
	struct err ignored;	/* none */
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/image/device-model-pid", c->domid);
	return store_read(c->xen, NULL, path, &pid, &ignored) == 0;
}

/* Whatever the new device has in the store so far, and the QEMU that was started for it. */
static void undo(struct change *c, uint32_t devid, bool had_model)
{
	scoped(device_list) struct device_list list = DEVICE_LIST_INIT;
	const struct device_entry *entry;
	struct err err;
	char label[64];
	int rc;

	if (!had_model && devices_stop_model(c->xen, c->domid, &err) < 0)
		log_warn("domain %u: %s", c->domid, err.msg);
	rc = devices_list(c->xen, c->domid, &list, &err);
	entry = rc == 0 ? device_list_find(&list, c->kind, devid) : NULL;
	if (entry)
		rc = remove_one(c, entry, &err);
	if (rc < 0)
		log_warn("could not undo %s of domain %u: %s",
			 device_label(c->kind, devid, label, sizeof(label)), c->domid, err.msg);
}

static int write_json(struct change *c, const void *item, uint32_t devid, struct err *err)
{
	int rc;

	if (!c->json || !device_json_keeps(c->kind))
		return 0;
	rc = device_json_add(c->kind, c->json, item, devid, err);
	return rc < 0 ? rc : userdata_write(&c->ud, c->json, err);
}

static int bring_up(struct change *c, struct devices *set, struct err *err)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	int rc = devices_open(set, c->domid, err);

	if (rc < 0)
		return rc;
	devices_nodes(set, &nodes);
	rc = store_nodes_commit(&nodes, c->domid, err);
	if (rc == 0)
		rc = devices_start(set, err);
	if (rc == 0)
		rc = devices_connect(set, err);
	return rc;
}

int domain_attach(struct xen *xen, uint32_t domid, const struct device_kind *kind, void *item,
		  struct err *err)
{
	scoped(change) struct change c = CHANGE_INIT;
	scoped(devices) struct devices set = { .find_domain = domain_lookup };
	char label[64];
	uint32_t devid;
	bool had_model;
	int rc = change_begin(&c, xen, domid, kind, err);

	if (rc == 0)
		rc = remove_debris(&c, err);
	if (rc == 0)
		rc = find_type(&c, &set.type, err);
	if (rc == 0)
		rc = devices_prepare_one(&set, xen, domid, kind, item, first_free(&c), err);
	if (rc < 0)
		return rc;
	devid = devices_first_id(&set);
	if (device_list_find(&c.list, kind, devid))
		return fail(err, EEXIST, "domain %u: %s is already attached", domid,
			    device_label(kind, devid, label, sizeof(label)));
	had_model = !devices_need_model(&set) || has_model(&c);
	rc = bring_up(&c, &set, err);
	if (rc == 0)
		rc = write_json(&c, item, devid, err);
	if (rc < 0)
		undo(&c, devid, had_model);
	return rc;
}

/* Detach */

static int forget(struct change *c, uint32_t devid, bool *known, struct err *err)
{
	*known = c->json && device_json_remove(c->kind, c->json, devid);
	return *known ? userdata_write(&c->ud, c->json, err) : 0;
}

int domain_detach(struct xen *xen, uint32_t domid, const struct device_kind *kind, uint32_t devid,
		  bool force, int timeout_ms, struct err *err)
{
	scoped(change) struct change c = CHANGE_INIT;
	const struct device_entry *entry;
	bool known = false;
	char label[64];
	int rc = change_begin(&c, xen, domid, kind, err);

	if (rc < 0)
		return rc;
	entry = device_list_find(&c.list, kind, devid);
	if (entry)
		rc = devices_remove(xen, entry, 1, force ? DEVICE_REMOVE_FORCE : DEVICE_REMOVE_ASK,
				    timeout_ms, err);
	if (rc == 0)
		rc = forget(&c, devid, &known, err);
	if (rc == 0 && !entry)
		devices_prune(xen, domid, kind);
	if (rc < 0 || entry || known)
		return rc;
	return fail(err, ENOENT, "domain %u has no %s", domid,
		    device_label(kind, devid, label, sizeof(label)));
}
