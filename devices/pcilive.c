/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PCI devices to and from a running guest (Linux's xen-pciback/xenbus.c, xen-pcifront.c). When
 * the two ends are connected, the toolstack writes what is new or shall go and
 * sets the backend Reconfiguring; the frontend lets go, the backend changes its part, the frontend
 * looks again and both are Connected. Before that (Initialised), and always with an
 * HVM guest, which has no frontend, the backend looks at the slots whenever a node changes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xenbus.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/pci.h"
#include "kind.h"
#include "pcidev.h"
#include "pcihost.h"
#include "xen/nodes.h"
#include "xen/passthrough.h"
#include "xen/xen.h"

/* What a slot may have in the store, by libxl and xen-pciback. */
static const char *const slot_nodes[] = {
	"key", "dev", "vdevfn", "name", "opts", "state", "vdev",
};

/* The device that a domain has, for the functions that want one that is coming up. */
struct live {
	struct devices set;
	struct device dev;
	char back[DEVICE_PATH_LEN];
	bool hvm;
};

static void live_init(struct live *live, struct xen *xen, uint32_t domid, bool hvm)
{
	live->hvm = hvm;
	live->set = (struct devices){ .xen = xen, .domid = domid, .live = true };
	live->dev = (struct device){ .kind = &device_pci, .backend_kind = "pci" };
	device_back_path(&live->set, &live->dev, live->back);
}

/* XenbusStateUnknown when there is none. */
static int read_state(struct xen *xen, const char *dir, const char *name, unsigned int *state,
		      struct err *err)
{
	scoped(free) char *text = NULL;
	int rc = device_read(xen, dir, name, &text, err);

	*state = rc == 0 && text ? device_parse_state(text) : XenbusStateUnknown;
	return rc;
}

static int slot_state(struct live *live, uint32_t index, unsigned int *state, struct err *err)
{
	char name[24];

	snprintf(name, sizeof(name), "state-%u", index);
	return read_state(live->set.xen, live->back, name, state, err);
}

static void put_slot_state(struct live *live, uint32_t index, unsigned int state,
			   struct store_nodes *nodes)
{
	char name[24];

	snprintf(name, sizeof(name), "state-%u", index);
	store_nodes_add(nodes, STORE_INHERIT, live->back, name, "%u", state);
}

/*
 * libxl sets the backend Reconfiguring for an HVM guest as well, which has no frontend that would
 * set it Connected again: xen-pciback then looks at nothing any more.
 */
static int wake_backend(struct live *live, struct err *err)
{
	char path[DEVICE_PATH_LEN + 8];
	unsigned int state;
	int rc = read_state(live->set.xen, live->back, "state", &state, err);

	if (rc < 0 || (state != XenbusStateReconfiguring && state != XenbusStateReconfigured))
		return rc;
	snprintf(path, sizeof(path), "%s/state", live->back);
	return store_write(live->set.xen, NULL, path, "3", err);
}

/*
 * What a detach that was cut off has left: xen-pciback has let go of all that are Closing, and
 * stops at the first one that it does not have. It looks at no slot that is Closed.
 */
static int retire(struct live *live, struct err *err)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	scoped(free) struct pci_slot *slots = NULL;
	size_t nr = 0;
	int rc = pci_slots(live->set.xen, live->set.domid, &slots, &nr, err);

	for (size_t i = 0; i < nr && rc == 0; i++) {
		unsigned int state;

		rc = slot_state(live, slots[i].index, &state, err);
		if (rc == 0 && state == XenbusStateClosing)
			put_slot_state(live, slots[i].index, XenbusStateClosed, &nodes);
	}
	return rc < 0 || !nodes.nr ? rc : store_nodes_commit(&nodes, live->set.domid, err);
}

/*
 * Until an earlier change is through, whoever began it. *connected: whether the two ends talk to
 * each other, and both have to be asked. *busy: it does not get through.
 */
static int settle(struct live *live, int64_t deadline, bool *connected, bool *busy,
		  struct err *err)
{
	unsigned int good = 1U << XenbusStateInitialised | 1U << XenbusStateConnected;
	unsigned int state = XenbusStateUnknown;
	int rc;

	if (live->hvm)
		rc = wake_backend(live, err);
	else
		rc = device_wait_backend(&live->set, &live->dev, good, deadline, err);
	*busy = rc == -ETIMEDOUT;
	if (*busy) {
		err->code = EBUSY;
		return fail_in(err, "an earlier change is still under way");
	}
	if (rc == 0 && !live->hvm)
		rc = read_state(live->set.xen, live->back, "state", &state, err);
	*connected = state == XenbusStateConnected;
	/* What has just been written it looks at in its own time. */
	if (rc == 0 && !*connected)
		rc = store_kernel_settle(err);
	return rc == 0 ? retire(live, err) : rc;
}

/* Until xen-pciback has done its part of what was written: the guest's may take longer. */
static int await_backend(struct live *live, bool connected, int64_t deadline, struct err *err)
{
	unsigned int ends = 1U << XenbusStateReconfigured | 1U << XenbusStateConnected |
		1U << XenbusStateClosing | 1U << XenbusStateClosed;

	if (!connected)
		return store_kernel_settle(err);
	return device_wait_backend(&live->set, &live->dev, ends, deadline, err);
}

/* Adding */

static int write_new(struct devices *set, const struct pci_plan *plan, const char *back,
		     bool connected, struct err *err)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;

	pci_slot_nodes(plan, back, &nodes);
	pci_user_nodes(plan, set->domid, &nodes);
	if (connected)
		store_nodes_add(&nodes, STORE_INHERIT, back, "state", "%d",
				XenbusStateReconfiguring);
	return store_nodes_commit(&nodes, set->domid, err);
}

/* What it cannot take it says in its error node; the slot stays as it was written. */
static int check_shown(struct live *live, const struct pci_plan *plan, struct err *err)
{
	char why[192];

	for (size_t i = 0; i < plan->nr; i++) {
		unsigned int state;
		int rc = slot_state(live, plan->functions[i].slot.index, &state, err);

		if (rc < 0)
			return rc;
		if (state == XenbusStateInitialised)
			continue;
		device_backend_error(live->set.xen, live->back, why, sizeof(why));
		return fail(err, EIO, "xen-pciback does not take it%s", why);
	}
	return 0;
}

static int bring_in(struct live *live, struct devices *set, struct device *dev, bool connected,
		    int64_t deadline, struct err *err)
{
	const struct pci_plan *plan = dev->plan;
	int rc = write_new(set, plan, live->back, connected, err);

	if (rc == 0)
		rc = pci_give(set, plan, err);
	if (rc == 0)
		rc = await_backend(live, connected, deadline, err);
	if (rc == 0)
		rc = check_shown(live, plan, err);
	if (rc == 0 && set->type == DOMAIN_HVM)
		rc = pci_plug(set, dev, deadline, err);
	return rc;
}

int pci_grow(struct devices *set, struct device *dev, int64_t deadline, struct err *err)
{
	const struct pci_plan *plan = dev->plan;
	const struct device_entry entry = { .domid = set->domid };
	scoped(free) struct pci_slot *taken = NULL;
	struct live live;
	struct err undo;
	bool connected, busy;
	size_t nr;
	int rc;

	live_init(&live, set->xen, set->domid, set->type == DOMAIN_HVM);
	rc = settle(&live, deadline, &connected, &busy, err);
	if (rc == 0)
		rc = dev->kind->open(set, dev, err);
	if (rc < 0)
		return rc;
	rc = bring_in(&live, set, dev, connected, deadline, err);
	/* Who interrupted it waits for it to be undone. */
	if (rc < 0)
		wait_forgive();
	if (rc < 0 && pci_detach(set->xen, &entry, set->type == DOMAIN_HVM,
				 plan->functions[0].dev, true, DEVICE_WAIT_MS, &taken, &nr,
				 &undo) < 0)
		log_warn("could not undo it: %s", undo.msg);
	return rc;
}

/* Removing */

/* Which of the domain's slots dev means (NULL: all), at the front of *slots; how many of how many. */
static int choose(struct xen *xen, uint32_t domid, const struct pci_dev *dev,
		  struct pci_slot **slots, size_t *chosen, size_t *nr, struct err *err)
{
	struct pci_bdf bdf = { .domain = 0 };
	int rc = dev ? pci_dev_bdf(xen, dev, &bdf, err) : 0;

	if (rc == 0)
		rc = pci_slots(xen, domid, slots, nr, err);
	if (rc < 0)
		return rc;
	*chosen = 0;
	for (size_t i = 0; i < *nr; i++) {
		struct pci_slot slot = (*slots)[i];
		struct pci_bdf same = slot.bdf;

		if (dev && dev->vfunc_mask == PCI_FUNC_ALL)
			same.func = bdf.func;
		if (dev && pci_bdf_number(&same) != pci_bdf_number(&bdf))
			continue;
		(*slots)[i] = (*slots)[*chosen];
		(*slots)[(*chosen)++] = slot;
	}
	return 0;
}

/* Of those that xen-pciback shows, at the others it would stop. *asked: there are such. */
static int ask_slots(struct live *live, const struct pci_slot *slots, size_t nr, bool connected,
		     bool *asked, struct err *err)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;

	for (size_t i = 0; i < nr; i++) {
		unsigned int state;
		int rc = slot_state(live, slots[i].index, &state, err);

		if (rc < 0)
			return rc;
		if (state == XenbusStateInitialised)
			put_slot_state(live, slots[i].index, XenbusStateClosing, &nodes);
	}
	*asked = nodes.nr > 0;
	if (!*asked)
		return 0;
	if (connected)
		store_nodes_add(&nodes, STORE_INHERIT, live->back, "state", "%d",
				XenbusStateReconfiguring);
	return store_nodes_commit(&nodes, live->set.domid, err);
}

/* A guest that has not begun to let go may go on with them. */
static int take_back(struct live *live, const struct pci_slot *slots, size_t nr, struct err *err)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	char front[DEVICE_PATH_LEN];
	unsigned int state;

	device_front_path(&live->set, &live->dev, front);
	if (read_state(live->set.xen, front, "state", &state, err) < 0)
		return -err->code;
	if (state == XenbusStateConnected) {
		for (size_t i = 0; i < nr; i++)
			put_slot_state(live, slots[i].index, XenbusStateInitialised, &nodes);
		store_nodes_add(&nodes, STORE_INHERIT, live->back, "state", "%d",
				XenbusStateConnected);
		if (store_nodes_commit(&nodes, live->set.domid, err) < 0)
			return -err->code;
	}
	return fail(err, EBUSY, "the guest does not let go of it (frontend %s)",
		    device_state_name(state));
}

/* Some of several: the guest's end, then xen-pciback's. *kept: the guest does not do its part. */
static int let_go(struct live *live, const struct pci_slot *slots, size_t nr, int64_t deadline,
		  bool *kept, struct err *err)
{
	bool connected, asked = false;
	struct err late;
	int rc = settle(live, deadline, &connected, kept, err);

	if (rc == 0)
		rc = ask_slots(live, slots, nr, connected, &asked, err);
	if (rc < 0 || !asked)
		return rc;
	rc = await_backend(live, connected, deadline, err);
	*kept = rc == -ETIMEDOUT;
	if (*kept)
		return take_back(live, slots, nr, err);
	/* The guest keeps them, unless it has begun to let go. */
	if (rc == -EINTR && take_back(live, slots, nr, &late) < 0)
		log_debug("%s", late.msg);
	return rc;
}

static uint32_t irq_of(const struct pci_bdf *bdf)
{
	struct pci_resources res;
	struct err ignored;	/* no such device any more */

	return pcihost_resources(bdf, &res, &ignored) == 0 ? res.irq : 0;
}

/* Functions of one device share interrupt lines: those of the others stay. */
static bool keeps_irq(const struct pci_slot *slots, size_t chosen, size_t nr, uint32_t irq)
{
	for (size_t i = chosen; i < nr; i++) {
		if (irq_of(&slots[i].bdf) == irq)
			return true;
	}
	return false;
}

/* What Xen let it use. An HVM guest's interrupt goes with QEMU's end of it. */
static int take_resources(struct live *live, const struct pci_bdf *bdf, bool irq, struct err *err)
{
	struct pci_resources res = { .nr = 0 };
	struct err why;
	int first = pcihost_resources(bdf, &res, err);

	/* All of them, also after one that cannot be taken. */
	for (size_t i = 0; i < res.nr; i++) {
		int rc = pci_allow(live->set.xen, live->set.domid, &res.ranges[i], false, &why);

		if (rc < 0 && first == 0) {
			first = rc;
			*err = why;
		}
	}
	if (res.irq && irq && passthrough_irq(live->set.xen, live->set.domid, res.irq, false,
					      &why) < 0 && first == 0) {
		first = -why.code;
		*err = why;
	}
	return first;
}

/*
 * All that Xen lets it do with a slot, DMA also when it keeps something else. A device that has
 * left the host has no resources.
 */
static int take_slot(struct live *live, const struct pci_bdf *bdf, bool irq, struct err *err)
{
	struct err cut;
	int rc = take_resources(live, bdf, irq, err);

	if (pci_cut(live->set.xen, live->set.domid, bdf, &cut) == 0)
		return rc == -ENOENT ? 0 : rc;
	*err = cut;
	return -cut.code;
}

static int move_node(struct xen *xen, const struct store_txn *txn, const char *back,
		     const char *node, uint32_t from, uint32_t to, struct err *err)
{
	scoped(free) char *old = str_format("%s/%s-%u", back, node, from);
	scoped(free) char *new = str_format("%s/%s-%u", back, node, to);
	scoped(free) char *value = NULL;
	int rc;

	if (!old || !new)
		return fail_nomem(err);
	rc = store_read(xen, txn, old, &value, err);
	if (rc == -ENOENT)
		return store_rm(xen, txn, new, err);
	return rc < 0 ? rc : store_write(xen, txn, new, value, err);
}

/* The slots that stay become the first ones, in their order. */
static int close_ranks(struct live *live, const bool *gone, uint32_t nr, const struct store_txn *txn,
		       struct err *err)
{
	struct xen *xen = live->set.xen;
	char path[DEVICE_PATH_LEN + 16], value[16];
	uint32_t kept = 0;
	int rc = 0;

	for (uint32_t i = 0; i < nr; i++) {
		if (gone[i])
			continue;
		for (size_t k = 0; rc == 0 && i != kept && k < ARRAY_SIZE(slot_nodes); k++)
			rc = move_node(xen, txn, live->back, slot_nodes[k], i, kept, err);
		kept++;
	}
	for (uint32_t i = kept; i < nr; i++) {
		for (size_t k = 0; rc == 0 && k < ARRAY_SIZE(slot_nodes); k++) {
			snprintf(path, sizeof(path), "%s/%s-%u", live->back, slot_nodes[k], i);
			rc = store_rm(xen, txn, path, err);
		}
	}
	snprintf(path, sizeof(path), "%s/num_devs", live->back);
	snprintf(value, sizeof(value), "%u", kept);
	return rc < 0 ? rc : store_write(xen, txn, path, value, err);
}

static int forget_slots(struct live *live, const struct pci_slot *slots, size_t chosen, size_t nr,
			struct err *err)
{
	scoped(free) bool *gone = calloc(nr, sizeof(*gone));
	int rc;

	if (!gone)
		return fail_nomem(err);
	for (size_t i = 0; i < chosen; i++)
		gone[slots[i].index] = true;
	do {
		scoped(store_txn) struct store_txn txn = STORE_TXN_INIT;

		rc = store_txn_start(live->set.xen, &txn, err);
		if (rc == 0)
			rc = close_ranks(live, gone, (uint32_t)nr, &txn, err);
		for (size_t i = 0; i < chosen && rc == 0; i++)
			rc = pci_forget(live->set.xen, &txn, live->set.domid, &slots[i].bdf, err);
		if (rc == 0)
			rc = store_txn_commit(&txn, err);
	} while (rc == -EAGAIN);
	return rc;
}

/* slots: those that go first, then those that stay; nr of all. */
static int detach_some(struct live *live, const struct pci_slot *slots, size_t chosen, size_t nr,
		       bool hvm, bool force, int64_t deadline, struct err *err)
{
	bool kept = false;
	int rc = let_go(live, slots, chosen, deadline, &kept, err);
	bool cut = rc < 0 && kept && force;
	struct err late;

	if (rc < 0 && !cut)
		return rc;
	for (size_t i = 0; i < chosen; i++) {
		uint32_t irq = irq_of(&slots[i].bdf);

		if (take_slot(live, &slots[i].bdf, !hvm && !keeps_irq(slots, chosen, nr, irq),
			      &late) < 0) {
			*err = late;
			return -late.code;
		}
	}
	if (!cut)
		return forget_slots(live, slots, chosen, nr, err);
	log_warn("domain %u: %s; it can do nothing any more, but is listed until the guest has ended",
		 live->set.domid, err->msg);
	return 0;
}

/* With the last of them the whole device goes, after what Xen let it do: its nodes lead to that. */
static int detach_all(struct live *live, const struct device_entry *entry,
		      const struct pci_slot *slots, size_t nr, bool hvm, bool force, int timeout_ms,
		      struct err *err)
{
	bool kept, connected, ask = !hvm && !force;
	int64_t deadline = wait_deadline(timeout_ms);
	int rc = ask ? let_go(live, slots, nr, deadline, &kept, err) : 0;

	/* A frontend that is not done with that would pass over being asked to close. */
	if (rc == 0 && ask)
		rc = settle(live, deadline, &connected, &kept, err);
	for (size_t i = 0; i < nr && rc == 0; i++)
		rc = take_slot(live, &slots[i].bdf, !hvm, err);
	if (rc == 0)
		rc = devices_remove(live->set.xen, entry, 1,
				    hvm || force ? DEVICE_REMOVE_FORCE : DEVICE_REMOVE_ASK,
				    hvm ? 0 : timeout_ms, err);
	return rc;
}

int pci_detach(struct xen *xen, const struct device_entry *entry, bool hvm,
	       const struct pci_dev *dev, bool force, int timeout_ms, struct pci_slot **taken,
	       size_t *nr, struct err *err)
{
	scoped(free) struct pci_slot *slots = NULL;
	int64_t deadline = wait_deadline(timeout_ms);
	size_t chosen = 0, all = 0;
	struct live live;
	int rc = choose(xen, entry->domid, dev, &slots, &chosen, &all, err);

	live_init(&live, xen, entry->domid, hvm);
	if (rc < 0)
		return rc;
	if (hvm && chosen)
		rc = pci_qemu_remove(entry->domid, slots, chosen, deadline, err);
	if (rc < 0 && force && rc != -EINTR) {
		log_warn("domain %u: %s; removed all the same", entry->domid, err->msg);
		rc = 0;
	}
	if (rc < 0)
		return rc;
	/* The undo of an attach has no entry: there were others then. */
	if (chosen == all && entry->backend)
		rc = detach_all(&live, entry, slots, chosen, hvm, force, timeout_ms, err);
	else if (chosen)
		rc = detach_some(&live, slots, chosen, all, hvm, force, deadline, err);
	if (rc < 0)
		return rc;
	*taken = take(slots);
	*nr = chosen;
	return 0;
}
