/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xenbus.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "kind.h"
#include "xen/store.h"

static const struct device_kind *const kinds[] = { &device_disk, &device_nic };

enum progress { SERVED_NEW, SERVED_UP, SERVED_FAILED };

struct served {
	const struct device_kind *kind;
	uint32_t domid, devid;		/* of the guest */
	enum progress progress;
	int keep;			/* what goes with the device (a loop device); -1 */
	bool there;			/* at the last look */
};

struct driver {
	struct xen *xen;
	uint32_t self;
	struct served *items;
	size_t nr, cap;
};

static void back_path(const struct driver *d, const struct served *s, char path[DEVICE_PATH_LEN])
{
	snprintf(path, DEVICE_PATH_LEN, "/local/domain/%u/backend/%s/%u/%u", d->self,
		 s->kind->backends[0], s->domid, s->devid);
}

/* As of a device of the toolstack's domain, whose copy in the store is its backend. */
static struct device_entry entry_of(const struct served *s, char *back)
{
	struct device_entry entry = {
		.kind = s->kind, .domid = s->domid, .devid = s->devid, .backend = back,
		.copy = back,
	};

	snprintf(entry.backend_kind, sizeof(entry.backend_kind), "%s", s->kind->backends[0]);
	return entry;
}

static struct served *find(struct driver *d, const struct device_kind *kind, uint32_t domid,
			   uint32_t devid)
{
	for (size_t i = 0; i < d->nr; i++) {
		struct served *s = &d->items[i];

		if (s->kind == kind && s->domid == domid && s->devid == devid)
			return s;
	}
	return NULL;
}

static int add(struct driver *d, const struct device_kind *kind, uint32_t domid, uint32_t devid,
	       struct err *err)
{
	struct served *s = find(d, kind, domid, devid);

	if (!s && d->nr == d->cap) {
		size_t cap = d->cap ? 2 * d->cap : 16;
		struct served *grown = reallocarray(d->items, cap, sizeof(*grown));

		if (!grown)
			return fail_nomem(err);
		d->items = grown;
		d->cap = cap;
	}
	if (!s) {
		s = &d->items[d->nr++];
		*s = (struct served){ .kind = kind, .domid = domid, .devid = devid, .keep = -1 };
	}
	s->there = true;
	return 0;
}

static void drop(struct driver *d, struct served *s)
{
	scoped_fd(&s->keep);
	*s = d->items[--d->nr];
}

/* The numbers below path; names that are none are not ours. */
static int list_numbers(struct xen *xen, const char *path, uint32_t **out, size_t *nr,
			struct err *err)
{
	char **names = NULL;
	unsigned int nr_names = 0;
	int rc = store_list(xen, NULL, path, &names, &nr_names, err);

	*nr = 0;
	*out = NULL;
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	*out = calloc(nr_names + 1, sizeof(**out));
	for (unsigned int i = 0; *out && i < nr_names; i++) {
		uint64_t number;

		if (str_to_u64(names[i], UINT32_MAX, &number) == 0)
			(*out)[(*nr)++] = (uint32_t)number;
	}
	store_list_free(names);
	return *out ? 0 : fail_nomem(err);
}

static int look_at_guest(struct driver *d, const struct device_kind *kind, uint32_t domid,
			 struct err *err)
{
	scoped(free) uint32_t *devids = NULL;
	char path[DEVICE_PATH_LEN];
	size_t nr;
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/backend/%s/%u", d->self, kind->backends[0],
		 domid);
	rc = list_numbers(d->xen, path, &devids, &nr, err);
	for (size_t i = 0; i < nr && rc == 0; i++)
		rc = add(d, kind, domid, devids[i], err);
	return rc;
}

/* Which devices there are now. */
static int look(struct driver *d, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < d->nr; i++)
		d->items[i].there = false;
	for (size_t k = 0; k < ARRAY_SIZE(kinds) && rc == 0; k++) {
		scoped(free) uint32_t *domids = NULL;
		char path[DEVICE_PATH_LEN];
		size_t nr;

		snprintf(path, sizeof(path), "/local/domain/%u/backend/%s", d->self,
			 kinds[k]->backends[0]);
		rc = list_numbers(d->xen, path, &domids, &nr, err);
		for (size_t i = 0; i < nr && rc == 0; i++)
			rc = look_at_guest(d, kinds[k], domids[i], err);
	}
	for (size_t i = d->nr; rc == 0 && i-- > 0;) {
		if (!d->items[i].there)
			drop(d, &d->items[i]);
	}
	return rc;
}

static void take_down(struct driver *d, struct served *s)
{
	char back[DEVICE_PATH_LEN], dir[DEVICE_PATH_LEN], label[64];
	struct device_entry entry = entry_of(s, back);
	struct err err;
	int rc = 0;

	back_path(d, s, back);
	if (s->progress == SERVED_UP)
		rc = s->kind->disconnect(d->xen, &entry, &err);
	if (rc == 0)
		rc = store_rm(d->xen, NULL, back, &err);
	device_label(s->kind, s->devid, label, sizeof(label));
	if (rc < 0)
		log_warn("domain %u: %s: %s", s->domid, label, err.msg);
	else
		log_info("domain %u: %s is gone", s->domid, label);
	snprintf(dir, sizeof(dir), "%s", back);
	*strrchr(dir, '/') = '\0';
	device_prune_folder(d->xen, dir);
	drop(d, s);
}

/*
 * As Xen's scripts do, for whoever waits for the device. Not every script says that it is done, and a
 * device without that word is a new one.
 */
static int tell(struct driver *d, const char *back, const char *failure, struct err *err)
{
	const struct device_word words[] = {
		{ "hotplug-error", failure }, { "hotplug-status", failure ? "error" : "connected" },
	};
	scoped(free) char *status = NULL;
	int rc = device_read(d->xen, back, "hotplug-status", &status, err);

	if (rc < 0 || (!failure && status && *status))
		return rc;
	return device_tell(d->xen, back, "state", NULL, words, ARRAY_SIZE(words), err);
}

static void bring_up(struct driver *d, struct served *s)
{
	char back[DEVICE_PATH_LEN], label[64];
	struct device_entry entry = entry_of(s, back);
	struct err err, untold;
	int rc;

	back_path(d, s, back);
	rc = s->kind->serve(d->xen, &entry, &s->keep, &err);
	/* The next devd does it. */
	if (rc == -EINTR)
		return;
	s->progress = rc < 0 ? SERVED_FAILED : SERVED_UP;
	device_label(s->kind, s->devid, label, sizeof(label));
	if (rc < 0)
		log_warn("domain %u: %s: %s", s->domid, label, err.msg);
	else
		log_info("domain %u: %s is up", s->domid, label);
	if (tell(d, back, rc < 0 ? err.msg : NULL, &untold) < 0)
		log_warn("domain %u: %s: %s", s->domid, label, untold.msg);
}

/* What state it is in decides; what is gone meanwhile the next look finds. */
static int step(struct driver *d, struct served *s, struct err *err)
{
	scoped(free) char *state = NULL, *online = NULL, *status = NULL;
	char back[DEVICE_PATH_LEN];
	unsigned int now;
	int rc;

	back_path(d, s, back);
	rc = device_read(d->xen, back, "state", &state, err);
	if (rc == 0)
		rc = device_read(d->xen, back, "online", &online, err);
	if (rc == 0)
		rc = device_read(d->xen, back, "hotplug-status", &status, err);
	if (rc < 0 || !state)
		return rc;
	now = device_parse_state(state);
	/* One that was removed and made again while we looked elsewhere. */
	if (now == XenbusStateInitWait && (!status || !*status)) {
		scoped_fd(&s->keep);
		s->keep = -1;
		s->progress = SERVED_NEW;
	}
	/* By an earlier one of us. */
	if (s->progress == SERVED_NEW && status && strcmp(status, "connected") == 0)
		s->progress = SERVED_UP;
	if (now == XenbusStateClosed && online && strcmp(online, "0") == 0)
		take_down(d, s);
	else if (now == XenbusStateInitWait && s->progress == SERVED_NEW)
		bring_up(d, s);
	return 0;
}

static int watch(struct driver *d, struct err *err)
{
	uint64_t self;
	char path[64];
	/* Relative: of the domain that asks. */
	int rc = store_read_u64(d->xen, NULL, "domid", &self, err);

	if (rc < 0)
		return fail_in(err, "cannot find out which domain this is");
	if (self == 0)
		return fail(err, EINVAL, "this is the toolstack's domain, which looks after its own "
			    "backends: devd is for driver domains");
	d->self = (uint32_t)self;
	snprintf(path, sizeof(path), "/local/domain/%u/backend", d->self);
	return store_watch(d->xen, path, "backend", err);
}

int driver_open(struct xen *xen, struct driver **driver, struct err *err)
{
	struct driver *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return fail_nomem(err);
	d->xen = xen;
	rc = watch(d, err);
	if (rc < 0)
		driver_close(d);
	else
		*driver = d;
	return rc;
}

int driver_serve(struct driver *d, struct err *err)
{
	for (;;) {
		scoped(free) char *token = NULL;
		int rc = store_wait_event(d->xen, -1, &token, err);

		/* One look for all that have come. */
		while (rc == 0) {
			scoped(free) char *more = NULL;

			rc = store_take_event(d->xen, &more, err);
			if (rc <= 0)
				break;
			rc = 0;
		}
		if (rc == 0)
			rc = look(d, err);
		/* From the end: what goes is replaced by the last. */
		for (size_t i = d->nr; rc == 0 && i-- > 0;)
			rc = step(d, &d->items[i], err);
		if (rc < 0)
			return rc;
	}
}

void driver_close(struct driver *d)
{
	if (!d)
		return;
	while (d->nr)
		drop(d, &d->items[0]);
	free(d->items);
	free(d);
}
