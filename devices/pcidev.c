/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PCI devices that a guest gets (xen/io/pciif.h, libxl_pci.c): xen-pciback shows their
 * configuration space to a PV guest and keeps their drivers away from them; QEMU shows
 * them to an HVM guest. Xen lets the guest use the rest: i/o ports, memory, interrupts,
 * and DMA through the IOMMU.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xenbus.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "config/pci.h"
#include "kind.h"
#include "pcidev.h"
#include "pcihost.h"
#include "xen/nodes.h"
#include "xen/passthrough.h"
#include "xen/xen.h"

/* Xen counts memory in these. */
#define PAGE_BITS 12
#define PAGE_SIZE (1U << PAGE_BITS)

static int check_new(struct devices *set, const struct pci_plan *plan, const struct pci_bdf *bdf,
		     const char *text, struct err *err)
{
	for (size_t i = 0; i < plan->nr; i++) {
		if (pci_bdf_number(&plan->functions[i].slot.bdf) == pci_bdf_number(bdf))
			return fail(err, EEXIST, "PCI device %s is given twice", text);
	}
	return pci_check_unused(set->xen, bdf, set->live ? set->domid : 0, err);
}

static int add_function(struct devices *set, struct pci_plan *plan, const struct pci_dev *dev,
			const struct pci_slot *slot, struct err *err)
{
	char text[PCI_BDF_LEN];
	int rc = pcihost_check(&slot->bdf, err);

	pci_bdf_text(&slot->bdf, text);
	if (rc == 0)
		rc = check_new(set, plan, &slot->bdf, text, err);
	if (rc < 0)
		return rc;
	if (!dev->seize && !pcihost_is_bound(&slot->bdf))
		return fail(err, EBUSY, "PCI device %s is not assignable: xen-pciback does not "
			    "hold it (pci-assignable-add %s, or seize=1)", text, text);
	plan->functions[plan->nr] = (struct pci_function){ *slot, dev, -1 };
	plan->functions[plan->nr].slot.index = (uint32_t)(plan->nr_before + plan->nr);
	plan->nr++;
	return 0;
}

/* The highest first: a guest looks at the others when it sees function 0. */
static int add_dev(struct devices *set, struct pci_plan *plan, struct pci_dev *dev,
		   struct err *err)
{
	bool all = dev->vfunc_mask == PCI_FUNC_ALL;
	struct pci_bdf bdf;
	unsigned int mask;
	int rc = pci_dev_bdf(set->xen, dev, &bdf, err);

	if (rc < 0)
		return rc;
	dev->domain = bdf.domain;
	dev->bus = bdf.bus;
	dev->dev = bdf.dev;
	dev->func = bdf.func;
	mask = all ? pcihost_functions(&bdf) : 1U << bdf.func;
	if (!mask)
		return pcihost_check(&bdf, err);
	if (all && set->type == DOMAIN_HVM && !dev->vdevfn)
		return fail(err, EINVAL, "PCI device %04x:%02x:%02x.*: all functions together need a "
			    "slot in the guest (...*@SLOT)", bdf.domain, bdf.bus, bdf.dev);
	for (uint32_t func = PCI_FUNCTIONS; rc == 0 && func-- > 0;) {
		struct pci_slot slot = { .bdf = bdf, .vdevfn = dev->vdevfn & ~7U };

		slot.bdf.func = func;
		slot.vdevfn |= all && dev->vdevfn ? func : 0;
		if (mask & 1U << func)
			rc = add_function(set, plan, dev, &slot, err);
	}
	return rc;
}

/* The domain's name is a node of the backend. */
static int read_name(struct devices *set, struct pci_plan *plan, struct err *err)
{
	char path[40];

	if (set->name) {
		plan->name = strdup(set->name);
		return plan->name ? 0 : fail_nomem(err);
	}
	snprintf(path, sizeof(path), "/local/domain/%u/name", set->domid);
	return store_read(set->xen, NULL, path, &plan->name, err);
}

static int prepare(struct devices *set, struct device *dev, unsigned int index, struct err *err)
{
	size_t nr = set->live ? 1 : set->config->nr_pcidevs;
	struct pci_plan *plan = calloc(1, sizeof(*plan));
	struct pci_dev *items = dev->item;
	int rc;

	(void)index;
	if (!plan)
		return fail_nomem(err);
	dev->plan = plan;
	dev->backend_kind = "pci";
	dev->devid = 0;
	dev->emulated = set->type == DOMAIN_HVM;
	if (set->type == DOMAIN_PVH)
		return fail(err, EOPNOTSUPP, "PVH guests cannot have PCI devices: Xen has no way to "
			    "show them one yet");
	if (set->type == DOMAIN_HVM && !set->live && set->config->dm_restrict == TRI_TRUE)
		return fail(err, EINVAL, "dm_restrict=1 and PCI devices are not possible together: "
			    "QEMU has to be root for them");
	plan->functions = calloc(nr * PCI_FUNCTIONS, sizeof(*plan->functions));
	if (!plan->functions)
		return fail_nomem(err);
	rc = read_name(set, plan, err);
	if (rc == 0 && set->live) {
		scoped(free) struct pci_slot *slots = NULL;

		rc = pci_slots(set->xen, set->domid, &slots, &plan->nr_before, err);
	}
	for (size_t i = 0; rc == 0 && i < nr; i++)
		rc = add_dev(set, plan, &items[i], err);
	return rc;
}

static void free_plan(struct device *dev)
{
	struct pci_plan *plan = dev->plan;

	if (!plan)
		return;
	for (size_t i = 0; i < plan->nr; i++)
		scoped_fd(&plan->functions[i].claim);
	free(plan->functions);
	free(plan->name);
	free(plan);
	dev->plan = NULL;
}

/* A device that was taken from its driver stays assignable, as with libxl. */
static int open_pci(struct devices *set, struct device *dev, struct err *err)
{
	struct pci_plan *plan = dev->plan;

	for (size_t i = 0; i < plan->nr; i++) {
		const struct pci_bdf *bdf = &plan->functions[i].slot.bdf;
		int rc = pci_claim(set->xen, bdf, &plan->functions[i].claim, err);

		if (rc == 0 && !pcihost_is_bound(bdf))
			rc = pci_assignable_add(set->xen, bdf, NULL, err);
		if (rc < 0)
			return rc;
		pcihost_reset(bdf);
	}
	return 0;
}

void pci_slot_nodes(const struct pci_plan *plan, const char *back, struct store_nodes *nodes)
{
	for (size_t i = 0; i < plan->nr; i++) {
		const struct pci_function *f = &plan->functions[i];
		const struct pci_dev *dev = f->dev;
		char text[PCI_BDF_LEN], key[32];

#define KEY(prefix) (snprintf(key, sizeof(key), prefix "-%u", f->slot.index), key)
		pci_bdf_text(&f->slot.bdf, text);
		store_nodes_add(nodes, STORE_INHERIT, back, KEY("key"), "%s", text);
		store_nodes_add(nodes, STORE_INHERIT, back, KEY("dev"), "%s", text);
		if (f->slot.vdevfn)
			store_nodes_add(nodes, STORE_INHERIT, back, KEY("vdevfn"), "%x",
					f->slot.vdevfn);
		if (dev->name)
			store_nodes_add(nodes, STORE_INHERIT, back, KEY("name"), "%s", dev->name);
		store_nodes_add(nodes, STORE_INHERIT, back, KEY("opts"),
				"msitranslate=%d,power_mgmt=%d,permissive=%d,rdm_policy=%s",
				dev->msitranslate, dev->power_mgmt, dev->permissive,
				dev->rdm_policy == RDM_POLICY_RELAXED ? "relaxed" : "strict");
		store_nodes_add(nodes, STORE_INHERIT, back, KEY("state"), "%d",
				XenbusStateInitialising);
#undef KEY
	}
	store_nodes_add(nodes, STORE_INHERIT, back, "num_devs", "%zu", plan->nr_before + plan->nr);
}

static void keys(const struct devices *set, const struct device *dev, struct device_keys *keys)
{
	const struct pci_plan *plan = dev->plan;

	(void)set;
	device_back_only(keys, "domain", "%s", plan->name);
	pci_slot_nodes(plan, keys->back, keys->nodes);
}

void pci_user_nodes(const struct pci_plan *plan, uint32_t domid, struct store_nodes *nodes)
{
	for (size_t i = 0; i < plan->nr; i++) {
		char path[PCI_INFO_LEN];

		store_nodes_add(nodes, STORE_INHERIT,
				pci_info_path(&plan->functions[i].slot.bdf, "", path), "domid",
				"%u", domid);
	}
}

int pci_allow(struct xen *xen, uint32_t domid, const struct pci_range *range, bool allow,
	      struct err *err)
{
	if (range->ports)
		return passthrough_ports(xen, domid, (uint32_t)range->start, (uint32_t)range->size,
					 allow, err);
	return passthrough_memory(xen, domid, range->start >> PAGE_BITS,
				  (range->size + PAGE_SIZE - 1) >> PAGE_BITS, allow, err);
}

static int give_one(struct devices *set, const struct pci_function *f, struct err *err)
{
	const struct pci_bdf *bdf = &f->slot.bdf;
	struct pci_resources res;
	int rc = pcihost_resources(bdf, &res, err);

	for (size_t i = 0; rc == 0 && i < res.nr; i++)
		rc = pci_allow(set->xen, set->domid, &res.ranges[i], true, err);
	if (rc == 0 && res.irq)
		rc = passthrough_irq(set->xen, set->domid, res.irq, true, err);
	if (rc == 0 && f->dev->permissive)
		rc = pcihost_permit(bdf, err);
	if (rc == 0)
		rc = passthrough_assign(set->xen, set->domid, pci_bdf_number(bdf),
					f->dev->rdm_policy != RDM_POLICY_RELAXED, err);
	return rc;
}

int pci_give(struct devices *set, const struct pci_plan *plan, struct err *err)
{
	char text[PCI_BDF_LEN];

	for (size_t i = 0; i < plan->nr; i++) {
		const struct pci_function *f = &plan->functions[i];

		if (give_one(set, f, err) < 0)
			return fail_in(err, "PCI device %s", pci_bdf_text(&f->slot.bdf, text));
	}
	return 0;
}

static int connect_pci(struct devices *set, struct device *dev, int64_t deadline, struct err *err)
{
	unsigned int good = 1U << XenbusStateInitialised | 1U << XenbusStateConnected;
	scoped(store_nodes) struct store_nodes users = STORE_NODES_INIT;
	int rc = device_wait_backend(set, dev, good, deadline, err);

	/* Who has them is written now that all of the backend's nodes are there, which lead to it. */
	pci_user_nodes(dev->plan, set->domid, &users);
	if (rc == 0)
		rc = store_nodes_write(&users, set->domid, err);
	return rc < 0 ? rc : pci_give(set, dev->plan, err);
}

int pci_plug(struct devices *set, struct device *dev, int64_t deadline, struct err *err)
{
	const struct pci_plan *plan = dev->plan;

	for (size_t i = 0; i < plan->nr; i++) {
		struct pci_function *f = &plan->functions[i];
		char text[PCI_BDF_LEN], back[DEVICE_PATH_LEN], path[DEVICE_PATH_LEN + 32], value[8];
		int rc = pci_qemu_add(set->domid, &f->slot.bdf, f->dev->permissive, &f->slot.vdevfn,
				      deadline, err);

		device_back_path(set, dev, back);
		snprintf(path, sizeof(path), "%s/vdevfn-%u", back, f->slot.index);
		snprintf(value, sizeof(value), "%x", f->slot.vdevfn);
		if (rc == 0)
			rc = store_write(set->xen, NULL, path, value, err);
		if (rc < 0)
			return fail_in(err, "PCI device %s", pci_bdf_text(&f->slot.bdf, text));
	}
	return 0;
}

static int disconnect(struct xen *xen, const struct device_entry *entry, struct err *err)
{
	scoped(free) struct pci_slot *slots = NULL;
	char text[PCI_BDF_LEN];
	struct err late;
	size_t nr = 0;
	int rc = pci_slots_left(xen, entry->domid, &slots, &nr, err);

	/* xen-pciback complains, in the store, when nodes go while it looks at them. */
	if (store_kernel_settle(&late) < 0)
		log_debug("%s", late.msg);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < nr; i++) {
		struct err cut;

		/* Xen takes it from a domain that ends; a detach tries again. */
		if (pci_cut(xen, entry->domid, &slots[i].bdf, &cut) < 0)
			log_warn("PCI device %s: %s", pci_bdf_text(&slots[i].bdf, text), cut.msg);
	}
	return pci_forget_all(xen, entry->domid, err);
}

static int to_json(const void *item, json_t **out, struct err *err)
{
	return pci_to_json(item, out, err);
}

static uint32_t json_member(const json_t *json, const char *name)
{
	return (uint32_t)json_integer_value(json_object_get(json, name));
}

static uint32_t json_number(const json_t *json)
{
	struct pci_bdf bdf = {
		json_member(json, "domain"), json_member(json, "bus"), json_member(json, "dev"),
		json_member(json, "func"),
	};

	return pci_bdf_number(&bdf);
}

/* The highest first, as add_dev(); their slot in the guest was for all of them together. */
static int split_entry(json_t *list, size_t at, unsigned int functions, struct err *err)
{
	for (uint32_t func = 0; func < PCI_FUNCTIONS; func++) {
		json_t *one;

		if (!(functions & 1U << func))
			continue;
		one = json_deep_copy(json_array_get(list, at));
		json_object_del(one, "vdevfn");
		if (json_object_set_new(one, "func", json_integer(func)) < 0 ||
		    json_object_set_new(one, "vfunc_mask", json_integer(1)) < 0 ||
		    json_array_insert(list, at + 1, one) < 0) {
			json_decref(one);
			return fail_nomem(err);
		}
		json_decref(one);
	}
	json_array_remove(list, at);
	return 0;
}

int pci_json_split(json_t *config, const struct pci_bdf *bdf, struct err *err)
{
	const struct pci_bdf first = { bdf->domain, bdf->bus, bdf->dev, 0 };
	json_t *list = json_object_get(config, device_pci.json_list);
	unsigned int functions = pcihost_functions(bdf);
	int rc = 0;

	for (size_t i = json_array_size(list); functions && rc == 0 && i-- > 0;) {
		const json_t *entry = json_array_get(list, i);

		if (json_member(entry, "vfunc_mask") == PCI_FUNC_ALL &&
		    json_number(entry) == pci_bdf_number(&first))
			rc = split_entry(list, i, functions, err);
	}
	return rc;
}

const struct device_kind device_pci = {
	.name = "pci", .what = "PCI devices", .joint = true, .backends = { "pci" },
	.items = offsetof(struct domain_config, pcidevs),
	.nr_items = offsetof(struct domain_config, nr_pcidevs), .item_size = sizeof(struct pci_dev),
	.json_list = "pcidevs", .json_number = json_number, .guest_adds = 3, .to_json = to_json,
	.prepare = prepare, .open = open_pci, .keys = keys, .connect = connect_pci,
	.connect_emulated = pci_plug, .grow = pci_grow, .disconnect = disconnect, .free_plan = free_plan,
};
