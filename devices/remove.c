/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices on their way down. What Linux's backends and QEMU do (xenbus_probe.c, blkback and
 * netback's xenbus.c, QEMU's xen-bus.c): with online=0 they close for good as soon as the
 * frontend is Closed, or has gone. They only look at the frontend, so one whose guest does not
 * run waits for ever, unless somebody writes the guest's part.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xen/io/xenbus.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "kind.h"
#include "qemu.h"
#include "xen/domctl.h"
#include "xen/nodes.h"
#include "xen/xen.h"

enum {
	ABSENT = XenbusStateReconfigured + 1,	/* a state node that is not there */
	/* A busy kernel is late: what it has not seen yet it would write errors about, afterwards. */
	PROBE_MS = 5000,	/* a kernel backend has seen its new nodes by then */
	FORCED_MS = 10000,	/* and closes within this time once its frontend is gone */
	RECHECK_MS = 200,	/* what sysfs shows comes without an event */
	PRUNE_TRIES = 8,
};

struct closing {
	const struct device_entry *entry;
	unsigned int back, front;	/* XenbusState or ABSENT */
	unsigned int was, front_was;	/* the same, before anybody was told */
	bool ours;			/* the frontend's part is written by us */
	bool done;			/* its backend is closed, or nobody's */
};

struct removal {
	struct xen *xen;
	struct closing *items;		/* owned */
	size_t nr;
	enum device_remove how;
	bool paused;			/* the guest cannot answer now */
	bool interruptible;
	bool qemu;			/* a live QEMU serves the domain */
	bool own_watches;		/* nobody else watches anything */
};

static void scoped_removal(struct removal *r)
{
	free(r->items);
}

static const char *entry_label(const struct device_entry *entry, char *buf, size_t size)
{
	if (entry->kind)
		return device_label(entry->kind, entry->devid, buf, size);
	snprintf(buf, size, "%s %u", entry->kind_name, entry->devid);
	return buf;
}

static bool is_one_of(const char *word, const char *const *words, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (strcmp(word, words[i]) == 0)
			return true;
	}
	return false;
}

static bool by_qemu(const struct device_entry *entry)
{
	static const char *const kinds[] = {
		"qdisk", "vfb", "vkbd", "console", "9pfs", "qnic", "qusb",
	};

	return entry->backend_domid == 0 &&
	       is_one_of(entry->backend_kind, kinds, ARRAY_SIZE(kinds));
}

static bool by_kernel(const struct device_entry *entry)
{
	static const char *const kinds[] = { "vbd", "vif", "pci" };

	return entry->backend_domid == 0 &&
	       is_one_of(entry->backend_kind, kinds, ARRAY_SIZE(kinds));
}

/* Whether a driver of this kernel has the device: else nobody will ever close it. */
static bool kernel_has(const struct device_entry *entry)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/xen-backend/devices/%s-%u-%u/driver",
		 entry->backend_kind, entry->domid, entry->devid);
	return access(path, F_OK) == 0;
}

static unsigned int parse_state(const char *text)
{
	return text ? device_parse_state(text) : ABSENT;
}

static const char *state_name(unsigned int state)
{
	return state == ABSENT ? "gone" : device_state_name(state);
}

/* Both ends' states of all that are not done, read at once. */
static int read_states(struct removal *r, struct err *err)
{
	scoped(free) char **paths = calloc(4 * r->nr, sizeof(*paths));
	char **values = paths ? paths + 2 * r->nr : NULL;
	size_t n = 0;
	int rc = 0;

	if (!paths)
		return fail_nomem(err);
	for (size_t i = 0; i < r->nr && rc == 0; i++) {
		if (r->items[i].done)
			continue;
		paths[n] = str_format("%s/state", r->items[i].entry->backend);
		paths[n + 1] = str_format("%s/state", r->items[i].entry->frontend);
		rc = paths[n] && paths[n + 1] ? 0 : fail_nomem(err);
		n += 2;
	}
	if (rc == 0)
		rc = store_read_many((const char *const *)paths, n, values, err);
	n = 0;
	for (size_t i = 0; i < r->nr; i++) {
		struct closing *c = &r->items[i];

		if (c->done)
			continue;
		if (rc == 0) {
			c->back = parse_state(values[n]);
			c->front = parse_state(values[n + 1]);
		}
		n += 2;
	}
	for (size_t i = 0; i < 2 * r->nr; i++) {
		free(paths[i]);
		free(values[i]);
	}
	return rc;
}

/* Whether nobody has to be waited for any more. */
static bool is_closed(const struct removal *r, const struct closing *c)
{
	const struct device_entry *entry = c->entry;

	if (c->back == ABSENT)
		return true;
	/* Its toolstack (devd) removes the folder when it has finished with it. */
	if (entry->backend_domid != 0)
		return false;
	if (c->back == XenbusStateClosed)
		return true;
	if (by_qemu(entry))
		return !r->qemu || strcmp(entry->backend_kind, "console") == 0;
	return by_kernel(entry) && c->back != XenbusStateInitialising && !kernel_has(entry);
}

/* A kernel that has yet to see a device would write into the folder after it was removed. */
static bool is_probed(const struct removal *r, const struct closing *c)
{
	(void)r;
	return !by_kernel(c->entry) || c->back != XenbusStateInitialising;
}

static void progress(const struct removal *r)
{
	char label[64];

	for (size_t i = 0; i < r->nr; i++) {
		const struct closing *c = &r->items[i];

		if (c->done || is_closed(r, c))
			continue;
		log_info("waiting for %s of domain %u to close (frontend %s, backend %s)",
			 entry_label(c->entry, label, sizeof(label)), c->entry->domid,
			 state_name(c->front), state_name(c->back));
		return;
	}
}

/* What has come is forgotten: the states are read after this. */
static int drop_events(struct removal *r, struct err *err)
{
	int rc;

	do {
		scoped(free) char *token = NULL;

		rc = store_take_event(r->xen, &token, err);
	} while (rc > 0);
	return rc;
}

/* Until something has changed below a watched folder, or it is time to look again. */
static void wait_change(struct removal *r, int64_t until)
{
	struct pollfd pfd = { .fd = store_fd(r->xen), .events = POLLIN };
	int64_t left = until - wait_now_ms();

	/* Not wait_poll(): undoing what was interrupted has to wait as well. */
	poll(&pfd, 1, left > RECHECK_MS ? RECHECK_MS : left > 0 ? (int)left : 0);
}

/* -ETIMEDOUT and -EINTR have no message. */
static int wait_all(struct removal *r, bool (*ready)(const struct removal *r,
						    const struct closing *c),
		    int64_t deadline, struct err *err)
{
	int64_t patience = wait_deadline(WAIT_PATIENCE_MS);

	for (;;) {
		size_t left = 0;
		int rc = drop_events(r, err);

		if (rc == 0)
			rc = read_states(r, err);
		for (size_t i = 0; i < r->nr && rc == 0; i++)
			left += !r->items[i].done && !ready(r, &r->items[i]);
		if (rc < 0 || left == 0)
			return rc;
		if (r->interruptible && wait_interrupted())
			return -EINTR;
		if (wait_now_ms() >= deadline)
			return -ETIMEDOUT;
		if (wait_now_ms() >= patience) {
			progress(r);
			patience = INT64_MAX;
		}
		wait_change(r, deadline);
		/* Of many some more close meanwhile: each look is at all that are left. */
		poll(NULL, 0, (int)(left / 8));
	}
}

static void mark_done(struct removal *r)
{
	for (size_t i = 0; i < r->nr; i++)
		r->items[i].done |= is_closed(r, &r->items[i]);
}

/* "/local/domain/B/backend/KIND/D": one watch for all devices of a kind. */
static void root_of(const struct device_entry *entry, char path[DEVICE_PATH_LEN])
{
	snprintf(path, DEVICE_PATH_LEN, "/local/domain/%u/backend/%s/%u", entry->backend_domid,
		 entry->backend_kind, entry->domid);
}

static bool is_first_of_root(const struct removal *r, size_t i)
{
	const struct device_entry *entry = r->items[i].entry;

	for (size_t k = 0; k < i; k++) {
		const struct device_entry *other = r->items[k].entry;

		if (other->backend_domid == entry->backend_domid && other->domid == entry->domid &&
		    strcmp(other->backend_kind, entry->backend_kind) == 0)
			return false;
	}
	return true;
}

static int watch_all(struct removal *r, struct err *err)
{
	char path[DEVICE_PATH_LEN];
	int rc = 0;

	for (size_t i = 0; i < r->nr && rc == 0; i++) {
		if (!is_first_of_root(r, i))
			continue;
		root_of(r->items[i].entry, path);
		rc = store_watch(r->xen, path, path, err);
	}
	return rc;
}

static void unwatch_all(struct removal *r)
{
	char path[DEVICE_PATH_LEN];
	struct err ignored;

	if (r->own_watches) {
		store_watches_close(r->xen);
		return;
	}
	for (size_t i = 0; i < r->nr; i++) {
		if (!is_first_of_root(r, i))
			continue;
		root_of(r->items[i].entry, path);
		if (store_unwatch(r->xen, path, path, &ignored) < 0)
			log_debug("%s", ignored.msg);
	}
}

/* The whole set in one go. online first: a backend looks at it when the frontend is Closed. */
static int tell(struct removal *r, bool forced, struct err *err)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;

	for (size_t i = 0; i < r->nr; i++) {
		const struct closing *c = &r->items[i];

		if (c->done)
			continue;
		store_nodes_add(&nodes, STORE_INHERIT, c->entry->backend, "online", "0");
		if (c->back != XenbusStateClosed)
			store_nodes_add(&nodes, STORE_INHERIT, c->entry->backend, "state", "%d",
					XenbusStateClosing);
		if (forced)
			store_nodes_add(&nodes, STORE_REMOVED, c->entry->frontend, "", "%s", "");
		else if (c->ours && c->front != ABSENT)
			store_nodes_add(&nodes, STORE_INHERIT, c->entry->frontend, "state", "%d",
					XenbusStateClosed);
	}
	return nodes.nr ? store_nodes_write(&nodes, r->items[0].entry->domid, err) : 0;
}

/*
 * Takes back what a guest that did not agree was asked for: 1 when it has closed in this very
 * moment. A frontend that has begun to close goes on doing so: its backend's state stays.
 */
static int take_back(struct removal *r, const struct closing *c, struct err *err)
{
	scoped(free) char *back = str_format("%s/state", c->entry->backend);
	scoped(free) char *front = str_format("%s/state", c->entry->frontend);
	scoped(free) char *online = str_format("%s/online", c->entry->backend);

	if (!back || !front || !online)
		return fail_nomem(err);
	for (;;) {
		scoped(store_txn) struct store_txn txn = STORE_TXN_INIT;
		scoped(free) char *b = NULL, *f = NULL;
		char state[16];
		struct err ignored;	/* a node that is not there */
		int rc = store_txn_start(r->xen, &txn, err);

		if (rc < 0)
			return rc;
		if (store_read(r->xen, &txn, back, &b, &ignored) < 0 ||
		    parse_state(b) == XenbusStateClosed)
			return 1;
		if (store_read(r->xen, &txn, front, &f, &ignored) < 0)
			f = NULL;
		rc = store_write(r->xen, &txn, online, "1", err);
		if (rc == 0 && parse_state(b) == XenbusStateClosing &&
		    parse_state(f) == c->front_was && c->was != ABSENT) {
			snprintf(state, sizeof(state), "%u", c->was);
			rc = store_write(r->xen, &txn, back, state, err);
		}
		if (rc == 0)
			rc = store_txn_commit(&txn, err);
		if (rc != -EAGAIN)
			return rc;
	}
}

static int fail_busy(const struct removal *r, const struct closing *c, int timeout_ms,
		     struct err *err)
{
	char label[64];

	return fail(err, EBUSY, "%s: the guest still uses it%s: frontend %s, backend %s after "
		    "%d.%d s", entry_label(c->entry, label, sizeof(label)),
		    r->paused ? " and is paused" : "", state_name(c->front), state_name(c->back),
		    timeout_ms / 1000, timeout_ms % 1000 / 100);
}

/* ASK whose time is up, or whose user is: 0 when all have closed after all. */
static int give_up(struct removal *r, int why, int timeout_ms, struct err *err)
{
	const struct closing *first = NULL;

	for (size_t i = 0; i < r->nr; i++) {
		struct closing *c = &r->items[i];
		int rc;

		/* Closed in a domain whose toolstack does not clean up: ours does. */
		if (c->back == XenbusStateClosed)
			c->done = true;
		if (c->done)
			continue;
		rc = take_back(r, c, err);
		if (rc < 0)
			return rc;
		if (rc > 0)
			c->done = true;
		else if (!first)
			first = c;
	}
	if (!first)
		return 0;
	return why == -EINTR ? fail(err, EINTR, "interrupted") :
		fail_busy(r, first, timeout_ms, err);
}

/* The guest had its time: without a frontend there is nothing to wait for. */
static int force(struct removal *r, struct err *err)
{
	char label[64];
	int rc = tell(r, true, err);

	r->interruptible = false;
	if (rc == 0)
		rc = wait_all(r, is_closed, wait_deadline(FORCED_MS), err);
	if (rc < 0 && rc != -ETIMEDOUT)
		return rc;
	mark_done(r);
	for (size_t i = 0; i < r->nr; i++) {
		struct closing *c = &r->items[i];

		if (!c->done && c->back != XenbusStateClosed)
			log_warn("%s of domain %u: its backend does not close (state %s); removed all "
				 "the same", entry_label(c->entry, label, sizeof(label)),
				 c->entry->domid, state_name(c->back));
		c->done = true;
	}
	return 0;
}

static bool is_empty(struct xen *xen, const struct store_txn *txn, const char *dir, int *rc)
{
	scoped(free) char **names = NULL;
	struct err ignored;	/* an empty folder harms nobody */
	unsigned int nr = 0;

	*rc = store_list(xen, txn, dir, &names, &nr, &ignored);
	return *rc == 0 && nr == 0;
}

/* A folder of one kind's devices goes with the last of them; what fails is tried again. */
void device_prune_folder(struct xen *xen, const char *dir)
{
	for (int i = 0; i < PRUNE_TRIES; i++) {
		scoped(store_txn) struct store_txn txn = STORE_TXN_INIT;
		struct err ignored;
		int rc;

		if (!is_empty(xen, NULL, dir, &rc)) {
			if (rc == 0 || rc == -ENOENT)
				return;
			continue;
		}
		if (store_txn_start(xen, &txn, &ignored) == 0 && is_empty(xen, &txn, dir, &rc) &&
		    store_rm(xen, &txn, dir, &ignored) == 0 &&
		    store_txn_commit(&txn, &ignored) == 0)
			return;
	}
}

static void prune(struct xen *xen, const char *node)
{
	const char *slash = strrchr(node, '/');
	scoped(free) char *dir = str_format("%.*s", (int)(slash - node), node);

	if (dir)
		device_prune_folder(xen, dir);
}

void devices_prune(struct xen *xen, uint32_t domid, const struct device_kind *kind)
{
	char path[DEVICE_PATH_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(kind->backends) && kind->backends[i]; i++) {
		snprintf(path, sizeof(path), "/local/domain/0/backend/%s/%u", kind->backends[i],
			 domid);
		device_prune_folder(xen, path);
	}
	snprintf(path, sizeof(path), "/local/domain/%u/device/%s", domid, kind->name);
	device_prune_folder(xen, path);
	snprintf(path, sizeof(path), "/libxl/%u/device/%s", domid, kind->name);
	device_prune_folder(xen, path);
}

/* What the kernel wrote down about a device outlives it: the next domain of the number had it. */
static void remove_errors(struct removal *r)
{
	static const char dir[] = "/local/domain/0/error/backend";
	scoped(free) char **names = NULL;
	unsigned int nr;
	struct err ignored;	/* nearly always: none */

	if (store_list(r->xen, NULL, dir, &names, &nr, &ignored) < 0)
		return;
	for (size_t i = 0; i < r->nr; i++) {
		const struct device_entry *entry = r->items[i].entry;
		char path[128];

		if (!r->items[i].done || entry->backend_domid != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s/%u/%u", dir, entry->backend_kind, entry->domid,
			 entry->devid);
		if (store_rm(r->xen, NULL, path, &ignored) < 0)
			log_debug("%s", ignored.msg);
		/* Up to /local/domain/0/error. */
		for (int levels = 0; levels < 4; levels++) {
			prune(r->xen, path);
			*strrchr(path, '/') = '\0';
		}
	}
}

/*
 * Scripts, then the nodes. The copy, by which a removal that was cut off is found again, goes with
 * the rest or not at all; a domain that goes is found by itself.
 */
static int finish(struct removal *r, struct err *err)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	struct err first = ERR_INIT;
	char label[64];
	int rc;

	for (size_t i = r->nr; i-- > 0;) {
		const struct device_entry *entry = r->items[i].entry;
		struct err why;

		if (!r->items[i].done || !entry->kind || !entry->kind->disconnect ||
		    entry->kind->disconnect(r->xen, entry, &why) == 0)
			continue;
		r->items[i].done = false;
		device_label(entry->kind, entry->devid, label, sizeof(label));
		if (!first.code)
			(void)fail(&first, why.code, "%s: %s", label, why.msg);
	}
	for (size_t i = 0; i < r->nr; i++) {
		const struct device_entry *entry = r->items[i].entry;

		if (!r->items[i].done)
			continue;
		store_nodes_add(&nodes, STORE_REMOVED, entry->backend, "", "%s", "");
		store_nodes_add(&nodes, STORE_REMOVED, entry->frontend, "", "%s", "");
		store_nodes_add(&nodes, STORE_REMOVED, entry->copy, "", "%s", "");
	}
	rc = !nodes.nr ? 0 : (r->how == DEVICE_REMOVE_DEAD ? store_nodes_write : store_nodes_commit)
		(&nodes, r->items[0].entry->domid, err);
	remove_errors(r);
	/* Of a domain that goes, the folders go as well. */
	for (size_t i = 0; i < r->nr && rc == 0; i++) {
		if (!r->items[i].done || r->how == DEVICE_REMOVE_DEAD)
			continue;
		prune(r->xen, r->items[i].entry->backend);
		prune(r->xen, r->items[i].entry->frontend);
		prune(r->xen, r->items[i].entry->copy);
	}
	if (rc < 0 || !first.code)
		return rc;
	*err = first;
	return -first.code;
}

/* What the guest can still say, and who else is there. */
static int look(struct removal *r, const struct device_entry *entries, struct err *err)
{
	struct domctl_info info = { .domid = 0 };
	bool any_qemu = false;
	int pid = 0, rc;

	for (size_t i = 0; i < r->nr; i++) {
		r->items[i].entry = &entries[i];
		any_qemu |= by_qemu(&entries[i]);
	}
	rc = domctl_info(r->xen, entries[0].domid, &info, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	/* One that has ended never answers; one that is being migrated may go on. */
	if (rc == -ENOENT || info.dying ||
	    (info.shutdown && info.shutdown_reason != DOMCTL_SUSPEND))
		r->how = r->how == DEVICE_REMOVE_ASK ? DEVICE_REMOVE_DEAD : r->how;
	r->paused = info.paused || info.shutdown || info.dying;
	rc = any_qemu ? qemu_find(r->xen, entries[0].domid, &pid, err) : 0;
	if (rc < 0)
		return rc;
	r->qemu = pid > 0;
	rc = read_states(r, err);
	for (size_t i = 0; i < r->nr && rc == 0; i++) {
		struct closing *c = &r->items[i];

		c->was = c->back;
		c->front_was = c->front;
		/* A frontend that never began has nothing to let go of. */
		c->ours = r->how == DEVICE_REMOVE_DEAD ||
			(r->paused && c->front == XenbusStateInitialising);
	}
	return rc;
}

static int close_all(struct removal *r, int timeout_ms, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < r->nr && rc == 0; i++) {
		if (!is_probed(r, &r->items[i]))
			rc = wait_all(r, is_probed, wait_deadline(PROBE_MS), err);
	}
	if (rc < 0 && rc != -ETIMEDOUT)
		return rc == -EINTR ? fail(err, EINTR, "interrupted") : rc;
	if (r->how == DEVICE_REMOVE_FORCE && timeout_ms == 0)
		return force(r, err);
	rc = tell(r, false, err);
	if (rc == 0)
		rc = wait_all(r, is_closed, wait_deadline(timeout_ms), err);
	if (rc < 0 && rc != -ETIMEDOUT && rc != -EINTR)
		return rc;
	mark_done(r);
	if (rc == 0)
		return 0;
	if (r->how == DEVICE_REMOVE_ASK || rc == -EINTR)
		return give_up(r, rc, timeout_ms, err);
	return force(r, err);
}

int devices_remove(struct xen *xen, const struct device_entry *entries, size_t nr,
		   enum device_remove how, int timeout_ms, struct err *err)
{
	scoped(removal) struct removal r = {
		.xen = xen, .nr = nr, .how = how, .own_watches = store_fd(xen) < 0,
	};
	struct err failure = ERR_INIT;
	int rc, finished;

	if (nr == 0)
		return 0;
	r.items = calloc(nr, sizeof(*r.items));
	if (!r.items)
		return fail_nomem(err);
	rc = look(&r, entries, err);
	if (rc < 0)
		return rc;
	/* Who cannot answer is not waited for. */
	if (how == DEVICE_REMOVE_FORCE && r.paused)
		timeout_ms = 0;
	r.interruptible = r.how != DEVICE_REMOVE_DEAD && timeout_ms > 0;
	mark_done(&r);
	rc = watch_all(&r, err);
	if (rc == 0)
		rc = close_all(&r, timeout_ms, err);
	unwatch_all(&r);
	if (rc < 0)
		failure = *err;
	finished = finish(&r, err);
	if (rc < 0)
		*err = failure;
	return rc < 0 ? rc : finished;
}
