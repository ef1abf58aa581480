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
#include "base/wait.h"
#include "config/pci.h"
#include "devices/device.h"
#include "devices/pci.h"
#include "lookup.h"
#include "runfile.h"
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
	struct userdata ud;
	struct userdata_lock lock;
	enum domain_type type;		/* for who needs it */
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

/* dev NULL: all that the domain has. */
static int remove_pci(struct change *c, const struct device_entry *entry,
		      const struct pci_dev *dev, struct err *err)
{
	scoped(free) struct pci_slot *taken = NULL;
	size_t nr;

	return pci_detach(c->xen, entry, c->type == DOMAIN_HVM, dev, true, DEVICE_WAIT_MS, &taken,
			  &nr, err);
}

static int remove_one(struct change *c, const struct device_entry *entry, struct err *err)
{
	/* It stands in QEMU as well. */
	if (device_kind_grows(entry->kind) && remove_pci(c, entry, NULL, err) == 0)
		return 0;
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

/* Whatever the new device has in the store so far, and the QEMU that was started for it. */
static void undo(struct change *c, const struct devices *set, uint32_t devid)
{
	scoped(device_list) struct device_list list = DEVICE_LIST_INIT;
	const struct device_entry *entry;
	struct err err;
	char label[64];
	int rc;

	/* Who interrupted it waits for that. */
	wait_forgive();
	if (devices_started_model(set) && devices_stop_model(c->xen, c->domid, &err) < 0)
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

/* Who looks after the domain shall know the QEMU that was started for it. */
static void tell_supervisor(struct xen *xen, uint32_t domid)
{
	scoped(free) char *name = NULL;
	struct err ignored;	/* then it has no record either */

	if (domain_get_name(xen, domid, &name, &ignored) == 0 && !strchr(name, '/'))
		runfile_touch(RUNFILE_DIR, name);
}

/* More for a device that the domain has: what cannot be written down goes again. */
static int grow(struct change *c, struct devices *set, const struct device_entry *entry, void *item,
		struct err *err)
{
	struct err why;
	int rc = devices_grow(set, err);

	if (rc < 0)
		return rc;
	rc = write_json(c, item, entry->devid, err);
	if (rc == 0)
		return 0;
	wait_forgive();
	if (remove_pci(c, entry, item, &why) < 0)
		log_warn("could not undo it: %s", why.msg);
	return rc;
}

int domain_attach(struct xen *xen, uint32_t domid, const struct device_kind *kind, void *item,
		  struct err *err)
{
	scoped(change) struct change c = CHANGE_INIT;
	scoped(devices) struct devices set = { .find_domain = domain_lookup };
	const struct device_entry *there;
	char label[64];
	uint32_t devid;
	int rc = change_begin(&c, xen, domid, kind, err);

	if (rc == 0)
		rc = domain_get_type(xen, domid, &c.type, err);
	if (rc == 0)
		rc = remove_debris(&c, err);
	set.type = c.type;
	if (rc == 0)
		rc = devices_prepare_one(&set, xen, domid, kind, item, first_free(&c), err);
	if (rc < 0)
		return rc;
	devid = devices_first_id(&set);
	there = device_list_find(&c.list, kind, devid);
	if (there && device_kind_grows(kind))
		return grow(&c, &set, there, item, err);
	if (there)
		return fail(err, EEXIST, "domain %u: %s is already attached", domid,
			    device_label(kind, devid, label, sizeof(label)));
	rc = bring_up(&c, &set, err);
	if (rc == 0)
		rc = write_json(&c, item, devid, err);
	if (rc < 0)
		undo(&c, &set, devid);
	else if (devices_started_model(&set))
		tell_supervisor(xen, domid);
	return rc;
}

/* Detach */

/* What is no more in the domain, and shall not come back either. */
static int write_gone(struct change *c, const char *label, struct err *err)
{
	int rc = userdata_write(&c->ud, c->json, err);

	return rc < 0 ? fail_in(err, "%s is detached, but not for the guest's next start", label) : 0;
}

static int forget(struct change *c, uint32_t devid, bool *known, struct err *err)
{
	char label[64];

	*known = c->json && device_json_remove(c->kind, c->json, devid);
	return *known ? write_gone(c, device_label(c->kind, devid, label, sizeof(label)), err) : 0;
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

/* The nr that were taken, or what a detach of dev that was cut off left; bdf: where dev is. */
static bool forget_pci(struct change *c, const struct pci_dev *dev, struct pci_bdf bdf,
		       const struct pci_slot *taken, size_t nr)
{
	uint32_t last = dev->vfunc_mask == PCI_FUNC_ALL ? PCI_FUNCTIONS - 1 : bdf.func;
	bool known = false;

	for (size_t i = 0; c->json && i < nr; i++)
		known |= device_json_remove(c->kind, c->json, pci_bdf_number(&taken[i].bdf));
	for (; c->json && nr == 0 && bdf.func <= last; bdf.func++)
		known |= device_json_remove(c->kind, c->json, pci_bdf_number(&bdf));
	return known;
}

int domain_detach_pci(struct xen *xen, uint32_t domid, const struct pci_dev *dev, bool force,
		      int timeout_ms, struct err *err)
{
	const struct device_kind *kind = device_kind_find("pci");
	scoped(change) struct change c = CHANGE_INIT;
	scoped(free) struct pci_slot *taken = NULL;
	const struct device_entry *entry;
	char text[PCI_BDF_LEN], label[64];
	struct pci_bdf bdf;
	bool known;
	size_t nr = 0;
	int rc = change_begin(&c, xen, domid, kind, err);

	if (rc == 0)
		rc = domain_get_type(xen, domid, &c.type, err);
	if (rc == 0)
		rc = pci_dev_bdf(xen, dev, &bdf, err);
	if (rc < 0)
		return rc;
	entry = device_list_find(&c.list, kind, 0);
	if (entry)
		rc = pci_detach(xen, entry, c.type == DOMAIN_HVM, dev, force, timeout_ms, &taken, &nr,
				err);
	/* The others stay, also for the guest's next start. */
	if (rc == 0 && dev->vfunc_mask != PCI_FUNC_ALL)
		rc = pci_json_split(c.json, &bdf, err);
	if (rc < 0)
		return rc;
	known = forget_pci(&c, dev, bdf, taken, nr);
	if (!entry)
		devices_prune(xen, domid, kind);
	snprintf(label, sizeof(label), "PCI device %s", pci_bdf_text(&bdf, text));
	if (nr == 0 && !known)
		return fail(err, ENOENT, "%s is not attached to domain %u", label, domid);
	return known ? write_gone(&c, label, err) : 0;
}
