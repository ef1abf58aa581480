/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain's devices: from the config's structs to store nodes and the host's side,
 * and back. What domain/ and cmd/ know of devices; kind.h is for the kinds.
 *
 * A set is filled before its domain exists, so that a config with a bad device
 * costs nothing, and is carried through the create:
 *
 *	devices_prepare()	defaults, checks, backends chosen; nothing changed yet
 *	devices_open()		the domid is known: loop devices, ears for new links
 *	devices_nodes()		pure: what to write into the store
 *	devices_connect()	after that: links, scripts, QEMU; each has its time
 *
 * Leaving a set's scope closes descriptors and undoes nothing in the store: what stands
 * there is found again by devices_list(), also after a kill, and removed by
 * devices_remove(), the one way down for create, detach and destroy.
 */
#ifndef DEVICES_DEVICE_H
#define DEVICES_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

struct device;
struct device_kind;
struct disk;
struct json_t;
struct links;
struct qemu;
struct store_nodes;
struct xen;

/* As long as a backend may take, and as long as a script may (libxl's limits). */
enum { DEVICE_WAIT_MS = 10000, DEVICE_SCRIPT_MS = 40000 };

struct devices {
	struct xen *xen;		/* borrowed; the store is open */
	/* domain_lookup(), for backend=: given by the caller */
	int (*find_domain)(struct xen *xen, const char *word, uint32_t *domid, struct err *err);
	uint32_t domid;			/* set by devices_open() */
	enum domain_type type;
	const char *name;		/* borrowed: the domain's name */
	const struct domain_config *config;	/* borrowed; NULL for a device that is attached */
	struct device *items;		/* owned, in the order they are written */
	size_t nr;
	bool live;			/* attached to a domain that exists */
	/* NULL, or told of each device that cannot be, which is left out, instead of failing */
	void (*refused)(const struct err *err, void *arg);
	void *refused_arg;
	struct links *links;		/* links.h; NULL until a vif needs it */
	struct qemu *qemu;		/* qemu.h; NULL when none was started */
	int model_state;		/* devices_save_model(), borrowed: QEMU goes on from it; 0: new */
};

#define DEVICES_INIT { .items = NULL }

void scoped_devices(struct devices *set);

/* All kinds, in the order in which libxl adds them. */
extern const struct device_kind *const device_kinds[];
extern const size_t device_kinds_nr;

/* By the name of its frontend folder ("vbd"); NULL when there is none. */
const struct device_kind *device_kind_find(const char *name);

/*
 * Looks at every device of config and decides all that its nodes need. Writes into config
 * what a later start must find again (devids, generated MACs). What is wrong is
 * said with the device's name: a file that is missing, a bridge, two with one vdev, a
 * disk that somebody else writes to. Warnings go to the log.
 */
int devices_prepare(struct devices *set, struct xen *xen, struct domain_config *config,
		    struct err *err) must_check;

/*
 * The same for one device that a running domain shall get: item is e.g. a struct disk, index a
 * number for one that comes without. The caller has set type.
 */
int devices_prepare_one(struct devices *set, struct xen *xen, uint32_t domid,
			const struct device_kind *kind, void *item, unsigned int index,
			struct err *err) must_check;

int devices_open(struct devices *set, uint32_t domid, struct err *err) must_check;

/* Pure, for before the domain's own nodes: what one that had this number may have left there. */
void devices_stale(const struct devices *set, uint32_t domid, struct store_nodes *nodes);

/*
 * Adds both ends of every device and libxl's copy: frontends before backends, each
 * backend's state last.
 */
void devices_nodes(const struct devices *set, struct store_nodes *nodes);

/*
 * The path of its image or device on this host, as the config has it; NULL where its target is none:
 * QEMU's own kinds, a script's, another domain's, names in /dev ("phy:NAME").
 */
const char *disk_file(const struct disk *disk);

/* Its script, unless it is the default one, whose work is done here; or NULL. */
const char *disk_script(const struct disk *disk);

/* Whether QEMU takes a target for a file's name: "nbd://host" and "rbd:pool/image" are none. */
bool disk_is_file_name(const char *target);

/* How many nodes the domain will own because of its devices: xenstored has a quota. */
size_t devices_guest_nodes(const struct devices *set);

/* The number of the first. */
uint32_t devices_first_id(const struct devices *set);

/*
 * Starts QEMU for an HVM guest, and when a device needs one, and does not wait for it: call as
 * early as the domain's memory layout stands. First come the disks that QEMU opens itself
 * and that a script has to make. Nothing when none is needed, or one runs already.
 */
int devices_start(struct devices *set, struct err *err) must_check;

/*
 * Where there are no such disks, for a new HVM guest: QEMU's process comes into being, which takes
 * its time; then the nodes by which it is found again, to be written, after the domain's folder,
 * before devices_start() lets it go.
 */
int devices_spawn_model(struct devices *set, struct err *err) must_check;
int devices_model_nodes(struct devices *set, struct store_nodes *nodes,
			struct err *err) must_check;

/* Pure: what an HVM guest's QEMU is told that it cannot do, whatever the host. */
int devices_check_config(const struct domain_config *config, struct err *err) must_check;

/* Whether there are such disks: their backends' nodes have to stand before. */
bool devices_before_model(const struct devices *set);

/* Whether that started one, with or without success: who undoes this set stops it. */
bool devices_started_model(const struct devices *set);

/*
 * Brings the host's side up and waits for it: blkback has opened its disk, links are
 * on their bridge, scripts have run, QEMU answers. Each device has DEVICE_WAIT_MS, a script
 * DEVICE_SCRIPT_MS. -EINTR when the user interrupted.
 */
int devices_connect(struct devices *set, struct err *err) must_check;

/*
 * Kinds of which a domain has one device at most, that is added to (PCI): instead of
 * nodes, start and connect for one that stands. A failure leaves it as it was.
 */
bool device_kind_grows(const struct device_kind *kind);
int devices_grow(struct devices *set, struct err *err) must_check;

/* One device of a domain as the toolstack's own copy in the store has it. */
struct device_entry {
	const struct device_kind *kind;	/* NULL: none that we know */
	char kind_name[16];		/* frontend folder: "vbd" */
	char backend_kind[16];		/* backend folder: "qdisk" */
	uint32_t domid, devid, backend_domid;
	char *frontend, *backend, *copy;	/* owned; store paths without '/' at the end */
};

struct device_list {
	struct device_entry *items;
	size_t nr;
};

#define DEVICE_LIST_INIT { .items = NULL }

void scoped_device_list(struct device_list *list);

/*
 * Every device below /libxl/DOMID/device but console 0, kind by kind and each in the order
 * in which they came, as xl lists them. An entry whose copy names no backend of this domain is left
 * out with a log line: nothing outside /libxl, /local/domain/B/backend/KIND/DOMID and ~ is ever
 * touched.
 */
int devices_list(struct xen *xen, uint32_t domid, struct device_list *list,
		 struct err *err) must_check;

/* The entry of that kind and number, or NULL. */
const struct device_entry *device_list_find(const struct device_list *list,
					    const struct device_kind *kind, uint32_t devid);

enum device_remove {
	DEVICE_REMOVE_ASK,	/* the guest has to agree: its frontend closes, or -EBUSY */
	DEVICE_REMOVE_FORCE,	/* ask, and at the deadline remove it without the guest */
	DEVICE_REMOVE_DEAD,	/* the guest never runs again: close its frontends for it */
};

/*
 * Takes devices down: all are told at once, one deadline waits for all, then scripts
 * and nodes go. -EBUSY (ASK) names the device and the states that block it; its online
 * node is back then. Idempotent: an entry half removed is removed.
 */
int devices_remove(struct xen *xen, const struct device_entry *entries, size_t nr,
		   enum device_remove how, int timeout_ms, struct err *err) must_check;

/* Pure: removes all that domid can have of backends in this domain, found in no list or not. */
void devices_backend_roots(uint32_t domid, struct store_nodes *nodes);

/*
 * set has one cdrom, prepared by devices_prepare_one(): its medium, or none, replaces that of
 * the drive entry, whose QEMU has DEVICE_WAIT_MS for it. A failure after the old one is out says that
 * the drive is empty.
 */
int devices_change_medium(struct devices *set, const struct device_entry *entry,
			  struct err *err) must_check;

/* The empty folders that a removal which was cut off may leave of a kind. */
void devices_prune(struct xen *xen, uint32_t domid, const struct device_kind *kind);

/* Kills the QEMU that serves domid and removes its nodes; nothing when there is none. */
int devices_stop_model(struct xen *xen, uint32_t domid, struct err *err) must_check;

/*
 * Stops an HVM guest's QEMU and has it say all that it knows of its devices: *state, a file in
 * memory, the caller's, for the one that takes over.
 */
int devices_save_model(struct xen *xen, uint32_t domid, int *state, struct err *err) must_check;

/* An HVM guest that sleeps (ACPI S3) goes on; -EREMOTEIO in QEMU's words when it does not sleep. */
int devices_wake(struct xen *xen, uint32_t domid, struct err *err) must_check;

/*
 * An HVM guest's machine gets its first nr vcpus plugged in; its kernel has to bring them up.
 * -EOPNOTSUPP when it has more: QEMU takes none out.
 */
int devices_plug_vcpus(struct xen *xen, uint32_t domid, unsigned int nr,
		       struct err *err) must_check;

/*
 * Pure: libxl's JSON of a domain and one device of it. _add replaces one of the same number;
 * _remove says whether there was any; _keeps whether that kind stands there at all.
 */
bool device_json_keeps(const struct device_kind *kind);
bool device_json_has(const struct device_kind *kind, const struct json_t *config, uint32_t devid);
bool device_json_remove(const struct device_kind *kind, struct json_t *config, uint32_t devid);
int device_json_add(const struct device_kind *kind, struct json_t *config, const void *item,
		    uint32_t devid, struct err *err) must_check;

/*
 * Sets the host's end of a vif up or down, and that of its emulated card: while it is down
 * nothing passes. -ENOENT when the domain has no such vif; -EOPNOTSUPP when another domain has
 * its backend. Nothing remembers it: a reboot makes a new link, which is up.
 */
int nic_set_link(struct xen *xen, uint32_t domid, uint32_t devid, bool up,
		 struct err *err) must_check;

/* Where a domain's VNC server listens. Owned strings; password NULL when there is none. */
struct vnc_address {
	char *host, *password;
	int display;			/* port - 5900 */
};

void scoped_vnc_address(struct vnc_address *address);

/* What stands in the store since QEMU's start, also by xl; -ENOENT: it has no VNC server. */
int vnc_find(struct xen *xen, uint32_t domid, struct vnc_address *address,
	     struct err *err) must_check;

/*
 * vnc_can_change() says why not before anybody is asked for a password; -EOPNOTSUPP: this QEMU
 * has none. The change lasts as long as that QEMU.
 */
int vnc_can_change(struct xen *xen, uint32_t domid, struct err *err) must_check;
int vnc_change_password(struct xen *xen, uint32_t domid, const char *password,
			struct err *err) must_check;

/* Runs a line of QEMU's own monitor; *output (free() it) is what it prints. */
int devices_monitor(struct xen *xen, uint32_t domid, const char *command, char **output,
		    struct err *err) must_check;

/*
 * A domain's QEMU, checked against that process's words: *pidfd (the caller closes it) polls
 * readable once it has ended. *pid is 0 where it never had one, *pidfd -1 where it has ended.
 */
int devices_open_model(struct xen *xen, uint32_t domid, int *pid, int *pidfd,
		       struct err *err) must_check;

/* Which of nr domains have or had one, asked at once: has[i] for domids[i]. */
int devices_have_models(const uint32_t *domids, size_t nr, bool *has, struct err *err) must_check;

/* What the QEMU of a guest of that name said last, as ": LINE; LINE" or "". */
void devices_model_said(const char *name, char *text, size_t size);

/*
 * Watches a domain's QEMU; none is no error. The descriptor (-1: none) polls readable once it has
 * ended; then what it said last can be had, as ": LINE; LINE".
 */
struct model_watch;

int devices_watch_model(struct xen *xen, uint32_t domid, struct model_watch **watch,
			struct err *err) must_check;
int model_watch_fd(const struct model_watch *watch);
const char *model_watch_said(struct model_watch *watch, int *pid);
void scoped_model_watch(struct model_watch **watch);

/* Before a domain is unpaused: lets a QEMU go on that waits for it. Nothing when there is none. */
int devices_resume_model(struct xen *xen, uint32_t domid, struct err *err) must_check;

/* "disk 'xvda'", "vif 0": for messages. */
const char *device_label(const struct device_kind *kind, uint32_t devid, char *buf, size_t size);

/* XenbusState, xen/io/xenbus.h: "Connected"; "?" for what is no state. */
const char *device_state_name(unsigned int state);

#endif
