/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "kind.h"
#include "link.h"
#include "qemu.h"
#include "xen/nodes.h"
#include "xen/xen.h"

void scoped_devices(struct devices *set)
{
	int saved = errno;

	for (size_t i = 0; i < set->nr; i++) {
		if (set->items[i].kind->free_plan)
			set->items[i].kind->free_plan(&set->items[i]);
	}
	free(set->items);
	links_close(set->links);
	qemu_free(set);
	*set = (struct devices)DEVICES_INIT;
	errno = saved;
}

const struct device_kind *device_kind_find(const char *name)
{
	for (size_t i = 0; i < device_kinds_nr; i++) {
		if (strcmp(device_kinds[i]->name, name) == 0)
			return device_kinds[i];
	}
	return NULL;
}

static size_t nr_items(const struct domain_config *config, const struct device_kind *kind)
{
	size_t nr = *(const size_t *)((const char *)config + kind->nr_items);

	return kind->joint && nr > 1 ? 1 : nr;
}

static void *nth_item(const struct domain_config *config, const struct device_kind *kind, size_t i)
{
	return *(char *const *)((const char *)config + kind->items) + i * kind->item_size;
}

/* Every one in the set so far of the same kind has another number. */
static int check_number(const struct devices *set, const struct device *dev, struct err *err)
{
	char label[64];

	for (const struct device *other = set->items; other < dev; other++) {
		if (other->kind == dev->kind && other->devid == dev->devid)
			return fail(err, EEXIST, "%s: there are two of it",
				    device_label(dev->kind, dev->devid, label,
						 sizeof(label)));
	}
	return 0;
}

static int prepare_next(struct devices *set, const struct device_kind *kind, void *item,
			unsigned int index, struct err *err)
{
	struct device *dev = &set->items[set->nr++];
	int rc;

	*dev = (struct device){ .kind = kind, .item = item, .devid = index };
	rc = kind->prepare(set, dev, index, err);
	if (rc == 0)
		rc = check_number(set, dev, err);
	if (rc == 0 || !set->refused || rc == -EINTR || rc == -ENOMEM)
		return rc;
	set->refused(err, set->refused_arg);
	if (kind->free_plan)
		kind->free_plan(dev);
	set->nr--;
	return 0;
}

/* What libxl gives every HVM guest that does not forbid it, beside its emulated ones. */
static int prepare_hvm_vkb(struct devices *set, const struct domain_config *config,
			   struct err *err)
{
	if (config->type != DOMAIN_HVM || config->hvm.vkb_device == TRI_FALSE)
		return 0;
	return prepare_next(set, &device_vkb, NULL, 0, err);
}

/* An HVM guest has a display and a keyboard of its own: xl passes over these in silence. */
static bool not_for_hvm(const struct device_kind *kind, const struct domain_config *config)
{
	if (kind == &device_vfb && config->nr_vfbs)
		log_warn("vfb= is ignored: an hvm guest's display is that of vnc=, sdl= and spice=");
	/* Each vfb brings a vkb with it. */
	if (kind == &device_vkb && config->nr_vkbs > config->nr_vfbs)
		log_warn("vkb= is ignored: an hvm guest has a keyboard of its own");
	return kind == &device_vfb || kind == &device_vkb;
}

int devices_prepare(struct devices *set, struct xen *xen, struct domain_config *config,
		    struct err *err)
{
	size_t nr = 0;
	int rc = 0;

	for (size_t k = 0; k < device_kinds_nr; k++)
		nr += nr_items(config, device_kinds[k]);
	set->items = calloc(nr + 2, sizeof(*set->items));
	if (!set->items)
		return fail_nomem(err);
	set->xen = xen;
	set->type = config->type;
	set->name = config->name;
	set->config = config;
	for (size_t k = 0; k < device_kinds_nr && rc == 0; k++) {
		const struct device_kind *kind = device_kinds[k];

		if (kind == &device_vkb)
			rc = prepare_hvm_vkb(set, config, err);
		if (set->type == DOMAIN_HVM && not_for_hvm(kind, config))
			continue;
		for (size_t i = 0; i < nr_items(config, kind) && rc == 0; i++)
			rc = prepare_next(set, kind, nth_item(config, kind, i), (unsigned int)i,
					  err);
	}
	return rc == 0 ? qemu_check(set, err) : rc;
}

int devices_prepare_one(struct devices *set, struct xen *xen, uint32_t domid,
			const struct device_kind *kind, void *item, unsigned int index,
			struct err *err)
{
	int rc;

	set->items = calloc(1, sizeof(*set->items));
	if (!set->items)
		return fail_nomem(err);
	set->xen = xen;
	set->domid = domid;
	set->live = true;
	rc = prepare_next(set, kind, item, index, err);
	return rc == 0 ? qemu_check(set, err) : rc;
}

int devices_open(struct devices *set, uint32_t domid, struct err *err)
{
	int rc = 0;

	set->domid = domid;
	for (size_t i = 0; i < set->nr && rc == 0; i++) {
		struct device *dev = &set->items[i];

		if (dev->kind->open)
			rc = dev->kind->open(set, dev, err);
	}
	return rc;
}

static bool needs_model(const struct devices *set)
{
	if (set->type == DOMAIN_HVM && !set->live)
		return true;
	for (size_t i = 0; i < set->nr; i++) {
		if (set->items[i].needs_qemu)
			return true;
	}
	return false;
}

uint32_t devices_first_id(const struct devices *set)
{
	return set->items[0].devid;
}

typedef int (*connect_fn)(struct devices *set, struct device *dev, int64_t deadline,
			  struct err *err);

static int connect_one(struct devices *set, struct device *dev, connect_fn connect, struct err *err)
{
	/* The kernel makes one backend after the other: each may take so long. */
	int rc = connect ? connect(set, dev, wait_deadline(DEVICE_WAIT_MS), err) : 0;
	char label[64];

	if (rc < 0)
		return fail_in(err, "%s", device_label(dev->kind, dev->devid, label, sizeof(label)));
	return wait_interrupted() ? fail(err, EINTR, "interrupted") : 0;
}

bool device_kind_grows(const struct device_kind *kind)
{
	return kind->grow;
}

int devices_grow(struct devices *set, struct err *err)
{
	struct device *dev = &set->items[0];
	char label[64];

	/* One that was interrupted has undone itself; after that it is too late. */
	if (dev->kind->grow(set, dev, wait_deadline(DEVICE_WAIT_MS), err) < 0)
		return fail_in(err, "%s", device_label(dev->kind, dev->devid, label, sizeof(label)));
	return 0;
}

bool devices_before_model(const struct devices *set)
{
	for (size_t i = 0; i < set->nr; i++) {
		if (set->items[i].before_model)
			return true;
	}
	return false;
}

int devices_spawn_model(struct devices *set, struct err *err)
{
	return qemu_spawn(set, err);
}

int devices_model_nodes(struct devices *set, struct store_nodes *nodes, struct err *err)
{
	return qemu_nodes(set, nodes, err);
}

int devices_start(struct devices *set, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < set->nr && rc == 0; i++) {
		struct device *dev = &set->items[i];

		if (!dev->before_model)
			continue;
		rc = connect_one(set, dev, dev->kind->connect, err);
		dev->connected = true;
	}
	return rc == 0 && needs_model(set) ? qemu_start(set, err) : rc;
}

int devices_connect(struct devices *set, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < set->nr && rc == 0; i++) {
		struct device *dev = &set->items[i];

		if (!dev->connected)
			rc = connect_one(set, dev, dev->kind->connect, err);
	}
	if (rc == 0 && set->qemu)
		rc = qemu_wait(set, wait_deadline(6 * DEVICE_WAIT_MS), err);
	for (size_t i = 0; i < set->nr && rc == 0; i++) {
		struct device *dev = &set->items[i];

		if (dev->emulated)
			rc = connect_one(set, dev, dev->kind->connect_emulated, err);
	}
	return rc;
}

/* Keys */

void device_front_path(const struct devices *set, const struct device *dev,
		       char path[DEVICE_PATH_LEN])
{
	snprintf(path, DEVICE_PATH_LEN, "/local/domain/%u/device/%s/%u", set->domid,
		 dev->kind->name, dev->devid);
}

void device_back_path(const struct devices *set, const struct device *dev,
		      char path[DEVICE_PATH_LEN])
{
	snprintf(path, DEVICE_PATH_LEN, "/local/domain/%u/backend/%s/%u/%u", dev->backend_domid,
		 dev->backend_kind, set->domid, dev->devid);
}

/* A value's text lives until it is in the list. */
#define ADD_FORMATTED(nodes, perm, dir, name, fmt)			\
	do {								\
		scoped(free) char *text_ = NULL;			\
		va_list ap_;						\
									\
		va_start(ap_, fmt);					\
		if (vasprintf(&text_, fmt, ap_) < 0) {			\
			text_ = NULL;					\
			(nodes)->failed = true;				\
		}							\
		va_end(ap_);						\
		if (text_)						\
			store_nodes_add(nodes, perm, dir, name, "%s", text_);	\
	} while (0)

void device_front(struct device_keys *keys, const char *name, const char *fmt, ...)
{
	ADD_FORMATTED(keys->nodes, STORE_INHERIT, keys->front, name, fmt);
}

void device_front_ro(struct device_keys *keys, const char *name, const char *fmt, ...)
{
	ADD_FORMATTED(keys->nodes, STORE_BACKEND, keys->front, name, fmt);
}

void device_back(struct device_keys *keys, const char *name, const char *fmt, ...)
{
	ADD_FORMATTED(keys->nodes, STORE_INHERIT, keys->back, name, fmt);
	if (keys->copy)
		ADD_FORMATTED(keys->nodes, STORE_INHERIT, keys->copy, name, fmt);
}

void device_back_only(struct device_keys *keys, const char *name, const char *fmt, ...)
{
	ADD_FORMATTED(keys->nodes, STORE_INHERIT, keys->back, name, fmt);
}

/* The copy's two paths first: by them a device that was half written is found again. */
static void add_device(const struct devices *set, const struct device *dev,
		       struct store_nodes *nodes)
{
	char front[DEVICE_PATH_LEN], back[DEVICE_PATH_LEN], copy[DEVICE_PATH_LEN];
	struct device_keys keys = { nodes, front, back, copy };

	device_front_path(set, dev, front);
	device_back_path(set, dev, back);
	snprintf(copy, sizeof(copy), "/libxl/%u/device/%s/%u", set->domid, dev->kind->name,
		 dev->devid);
	nodes->peer = dev->backend_domid;
	if (dev->kind->joint) {
		keys.copy = NULL;
	} else {
		store_nodes_add(nodes, STORE_INHERIT, copy, "frontend", "%s", front);
		store_nodes_add(nodes, STORE_INHERIT, copy, "backend", "%s", back);
	}
	store_nodes_add(nodes, STORE_FRONTEND, front, "", "%s", "");
	store_nodes_add(nodes, STORE_BACKEND, back, "", "%s", "");
	device_front(&keys, "backend", "%s", back);
	device_front(&keys, "backend-id", "%u", dev->backend_domid);
	device_back_only(&keys, "frontend", "%s", front);
	device_back(&keys, "frontend-id", "%u", set->domid);
	device_back(&keys, "online", "1");
	dev->kind->keys(set, dev, &keys);
	device_front(&keys, "state", "1");
	/* The backend's driver starts when it sees this one. */
	device_back(&keys, "state", "1");
	nodes->peer = 0;
}

void devices_stale(const struct devices *set, uint32_t domid, struct store_nodes *nodes)
{
	char path[DEVICE_PATH_LEN];

	for (size_t i = 0; i < set->nr; i++) {
		const struct device *dev = &set->items[i];
		size_t k = 0;

		if (dev->model_only)
			continue;
		while (set->items[k].model_only ||
		       set->items[k].backend_domid != dev->backend_domid ||
		       strcmp(set->items[k].backend_kind, dev->backend_kind) != 0)
			k++;
		if (k < i)
			continue;
		snprintf(path, sizeof(path), "/local/domain/%u/backend/%s/%u", dev->backend_domid,
			 dev->backend_kind, domid);
		store_nodes_add(nodes, STORE_REMOVED, path, "", "%s", "");
	}
}

void devices_nodes(const struct devices *set, struct store_nodes *nodes)
{
	for (size_t i = 0; i < set->nr; i++) {
		if (!set->items[i].model_only)
			add_device(set, &set->items[i], nodes);
	}
}

void devices_backend_roots(uint32_t domid, struct store_nodes *nodes)
{
	char path[DEVICE_PATH_LEN];

	for (size_t i = 0; i < device_kinds_nr; i++) {
		const struct device_kind *kind = device_kinds[i];

		for (size_t k = 0; k < ARRAY_SIZE(kind->backends) && kind->backends[k]; k++) {
			snprintf(path, sizeof(path), "/local/domain/0/backend/%s/%u",
				 kind->backends[k], domid);
			store_nodes_add(nodes, STORE_REMOVED, path, "", "%s", "");
		}
	}
}

/* Linux takes as many as the guest has vcpus, and its backends offer as many as dom0 has. */
static unsigned int nr_queues(const struct devices *set)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int vcpus = set->config ? set->config->max_vcpus : 1;

	return cpus > 0 && cpus < (long)vcpus ? (unsigned int)cpus : vcpus;
}

size_t devices_guest_nodes(const struct devices *set)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	unsigned int queues = nr_queues(set);
	size_t count = 0;
	char home[32];

	devices_nodes(set, &nodes);
	snprintf(home, sizeof(home), "/local/domain/%u/device/", set->domid);
	for (size_t i = 0; i < nodes.nr && !nodes.failed; i++) {
		if (nodes.items[i].perm != STORE_BACKEND &&
		    str_starts(nodes.items[i].path, home))
			count++;
	}
	for (size_t i = 0; i < set->nr; i++) {
		const struct device_kind *kind = set->items[i].kind;

		if (set->items[i].model_only)
			continue;
		count += kind->guest_adds + (queues > 1 ? queues * kind->guest_adds_queue : 0);
	}
	return count;
}
