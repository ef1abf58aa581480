/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a kind of device supplies: a const struct in a file of its own and a row in
 * device_kinds[]. Private to devices/.
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
	bool needs_qemu;		/* its backend is QEMU */
	bool emulated;			/* QEMU shows it to the guest as hardware, HVM */
	bool model_only;		/* QEMU alone knows it: nothing stands in the store */
	bool before_model;		/* connected before QEMU starts, which opens what that makes */
	bool connected;
	bool refused;			/* emulated, but QEMU has no PV twin of it */
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
	/* the array in struct domain_config; joint: all of it is one device, item is the first */
	size_t items, nr_items, item_size;
	bool joint;			/* and libxl has no copy of it in the store */
	/* its array in libxl's JSON, and the member that tells one from the other */
	const char *json_list, *json_id;
	uint32_t (*json_number)(const json_t *json);	/* instead of json_id */
	const char *backends[2];	/* the folders below backend/ that it may have; or NULL */
	unsigned int guest_adds;	/* nodes that Linux's frontend adds to its own folder */
	unsigned int guest_adds_queue;	/* and for each queue when there are several */
	int (*to_json)(const void *item, json_t **out, struct err *err);

	/*
	 * Decides and checks; sets devid, backend_domid, backend_kind, needs_qemu, emulated
	 * and plan. dev->item's place in its list is index. Changes nothing on the host.
	 */
	int (*prepare)(struct devices *set, struct device *dev, unsigned int index,
		       struct err *err);
	/* Makes what the nodes name (a loop device); undone by free_plan(). Optional. */
	int (*open)(struct devices *set, struct device *dev, struct err *err);
	/* Pure: the kind's own nodes; frontend, backend, online and state come from the caller. */
	void (*keys)(const struct devices *set, const struct device *dev,
		     struct device_keys *keys);
	/* Adds to QEMU's arguments; only asked when needs_qemu or emulated. Optional. */
	void (*qemu_args)(const struct devices *set, const struct device *dev,
			  struct qemu_args *args);
	/* Host side, until deadline (wait_now_ms). Optional. */
	int (*connect)(struct devices *set, struct device *dev, int64_t deadline,
		       struct err *err);
	/* After that, once QEMU has made what it emulates: its host side. Optional. */
	int (*connect_emulated)(struct devices *set, struct device *dev, int64_t deadline,
				struct err *err);
	/* Joint: adds what was prepared to the device that the domain has; leaves nothing. */
	int (*grow)(struct devices *set, struct device *dev, int64_t deadline, struct err *err);
	/*
	 * After its backend closed or was given up, from the store alone: scripts. A failure leaves
	 * the device listed, for another try. Optional.
	 */
	int (*disconnect)(struct xen *xen, const struct device_entry *entry, struct err *err);
	/*
	 * In a driver domain: the host's side, from the nodes that a toolstack elsewhere wrote, once
	 * the backend's driver has seen them. *keep: a descriptor to close with the device, or as it was.
	 */
	int (*serve)(struct xen *xen, const struct device_entry *entry, int *keep, struct err *err);
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

/* dir/name of a device; *value is NULL, and that no failure, when there is no such node. */
int device_read(struct xen *xen, const char *dir, const char *name, char **value,
		struct err *err) must_check;

struct device_word {
	const char *name, *value;	/* NULL: not this one */
};

/*
 * In a driver domain: writes nodes of the backend back, all or none, if it still is the one whose node
 * guard had that value (NULL: any); -ENOENT when the toolstack has removed or replaced it.
 */
int device_tell(struct xen *xen, const char *back, const char *guard, const char *value,
		const struct device_word *words, size_t nr, struct err *err) must_check;

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

/* A state node's text, which a guest may have written: XenbusStateUnknown for nonsense. */
unsigned int device_parse_state(const char *text);

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

/* Removes a folder of the store that is empty. */
void device_prune_folder(struct xen *xen, const char *dir);

/* What a backend's driver says when it gives up, in brackets; "" when it says nothing. */
void device_backend_error(struct xen *xen, const char *backend, char *buf, size_t size);

extern const struct device_kind device_disk, device_nic, device_vfb, device_vkb, device_channel,
	device_p9, device_pci;

#endif
