/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a kind of device supplies: a const struct in a file of its own and a row in
 * device_kinds[]. Private to devices/ and domain/attach.c.
 */
#ifndef DEVICES_KIND_H
#define DEVICES_KIND_H

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"
#include "device.h"

struct qemu_args;

/* One device of a set that is being brought up. */
struct device {
	const struct device_kind *kind;
	void *item;			/* borrowed: the config's struct (struct disk, ...) */
	uint32_t devid, backend_domid;
	const char *backend_kind;	/* folder below backend/: "vbd", "qdisk"; constant */
	bool needs_qemu;
	void *plan;			/* owned by the kind: what prepare() found out; free_plan() */
};

/* Where keys() puts its nodes. */
struct device_keys {
	struct store_nodes *nodes;
	const char *front, *back, *copy;	/* folders */
};

struct device_kind {
	const char *name;		/* frontend folder below ~/device: "vbd" */
	const char *what;		/* for messages: "disk" */
	/* the array in struct domain_config */
	size_t items, nr_items, item_size;
	/* its array in libxl's JSON, and the member that tells one from the other */
	const char *json_list, *json_id;
	unsigned int guest_adds;	/* nodes that Linux's frontend adds to its own folder */
	unsigned int guest_adds_queue;	/* and for each queue when there are several */
	int (*to_json)(const void *item, json_t **out, struct err *err);

	/*
	 * Decides and checks; sets devid, backend_domid, backend_kind, needs_qemu and
	 * plan. dev->item's place in its list is index. Changes nothing on the host.
	 */
	int (*prepare)(struct devices *set, struct device *dev, unsigned int index,
		       struct err *err);
	/* Makes what the nodes name (a loop device); undone by free_plan(). Optional. */
	int (*open)(struct devices *set, struct device *dev, struct err *err);
	/* Pure: the kind's own nodes; frontend, backend, online and state come from the caller. */
	void (*keys)(const struct devices *set, const struct device *dev,
		     struct device_keys *keys);
	/* Adds to QEMU's arguments; only asked when needs_qemu. Optional. */
	void (*qemu_args)(const struct devices *set, const struct device *dev,
			  struct qemu_args *args);
	/* Host side, until deadline (wait_now_ms). Optional. */
	int (*connect)(struct devices *set, struct device *dev, int64_t deadline,
		       struct err *err);
	/* After its backend closed or was given up, from the store alone: scripts. Optional. */
	void (*disconnect)(struct xen *xen, const struct device_entry *entry);
	void (*free_plan)(struct device *dev);
};

/* Nodes of the kind: in the frontend; there but for the guest's eyes only; in backend and copy; */
void device_front(struct device_keys *keys, const char *name, const char *fmt, ...)
	printf_like(3, 4);
void device_front_ro(struct device_keys *keys, const char *name, const char *fmt, ...)
	printf_like(3, 4);
void device_back(struct device_keys *keys, const char *name, const char *fmt, ...)
	printf_like(3, 4);
/* in the backend alone: what scripts write with xl. */
void device_back_only(struct device_keys *keys, const char *name, const char *fmt, ...)
	printf_like(3, 4);

enum { DEVICE_PATH_LEN = 96 };

/* "/local/domain/D/device/vbd/51712" and the other end. */
void device_front_path(const struct devices *set, const struct device *dev,
		       char path[DEVICE_PATH_LEN]);
void device_back_path(const struct devices *set, const struct device *dev,
		      char path[DEVICE_PATH_LEN]);

/*
 * Who has the backend: a backend= word (number or name), or else the domid that the struct
 * gives. -ENOENT names the word.
 */
int device_backend_domid(struct devices *set, const char *word, uint32_t given, uint32_t *domid,
			 struct err *err) must_check;

/*
 * Waits until the backend's state is one of the bits (1 << XenbusState). -ETIMEDOUT names
 * the state and what the backend's error node says; -ENOENT when it has gone.
 */
int device_wait_backend(struct devices *set, const struct device *dev, unsigned int states,
			int64_t deadline, struct err *err) must_check;

/*
 * Pure: the entry that a folder KIND/NUMBER of the toolstack's copy stands for, without its three
 * paths. False when frontend and backend are not exactly where such a device of domid is.
 */
bool device_entry_parse(uint32_t domid, const char *kind, const char *number, const char *frontend,
			const char *backend, struct device_entry *entry);

extern const struct device_kind device_disk, device_nic, device_vfb, device_vkb, device_channel,
	device_p9;

#endif
