/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "destroy.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "devices/device.h"
#include "layout.h"
#include "lookup.h"
#include "runfile.h"
#include "userdata.h"
#include "xen/console_ring.h"
#include "xen/domctl.h"
#include "xen/nodes.h"
#include "xen/store.h"
#include "xen/xen.h"

/* How long a dead guest's last words may take through xenconsoled. */
#define DRAIN_MS 200

/* How long xenconsoled may take to connect to a guest that was just introduced. */
#define CONSOLE_MS 1000

/* How long the daemons may take to let go of a domain that is being killed. */
#define DYING_MS 500

/* Also what is there without an entry in the list: never another domain's. */
static void add_backend_roots(struct store_nodes *nodes, uint32_t domid,
			      const struct device_list *list)
{
	devices_backend_roots(domid, nodes);
	for (size_t i = 0; i < list->nr; i++) {
		const char *backend = list->items[i].backend;
		const char *slash = strrchr(backend, '/');
		char path[96];

		snprintf(path, sizeof(path), "%.*s", (int)(slash - backend), backend);
		if (i == 0 || !str_starts(list->items[i - 1].backend, path))
			store_nodes_add(nodes, STORE_REMOVED, path, "", "%s", "");
	}
}

/*
 * QEMU first: it flushes its images when it is told to end, and its backends need not be
 * waited for then. One that does not end must not keep a domain alive.
 */
static int remove_devices(struct xen *xen, uint32_t domid, struct device_list *list,
			  struct err *err)
{
	int rc = devices_stop_model(xen, domid, err);

	/* One that cannot even be killed holds nothing up; all else is tried again. */
	if (rc == -ETIMEDOUT)
		log_warn("domain %u: %s", domid, err->msg);
	else if (rc < 0)
		return rc;
	rc = devices_list(xen, domid, list, err);
	if (rc < 0)
		return rc;
	return devices_remove(xen, list->items, list->nr, DEVICE_REMOVE_DEAD, DEVICE_WAIT_MS, err);
}

static int remove_store(uint32_t domid, const char *uuid, const struct device_list *list,
			struct err *err)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	char roots[LAYOUT_ROOTS][LAYOUT_PATH_LEN];
	size_t nr = layout_roots(domid, uuid, roots);

	add_backend_roots(&nodes, domid, list);
	for (size_t i = 0; i < nr; i++)
		store_nodes_add(&nodes, STORE_REMOVED, roots[i], "", "%s", "");
	return store_nodes_write(&nodes, domid, err);
}

/*
 * xenconsoled connects some time after the introduction and then writes console/tty:
 * after the nodes were removed it would bring that one back, for good.
 */
static void wait_for_console(struct xen *xen, uint32_t domid)
{
	int64_t deadline = wait_deadline(CONSOLE_MS);
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/console/tty", domid);
	for (;;) {
		scoped(free) char *tty = NULL;
		struct err ignored;	/* no such node: nobody will write there */

		if (store_read(xen, NULL, path, &tty, &ignored) < 0 || *tty ||
		    wait_now_ms() >= deadline || !store_is_introduced(xen, domid))
			return;
		poll(NULL, 0, 5);
	}
}

/* Another domain may carry the same uuid (a migration to the same host): /vm is its too. */
static int uuid_is_shared(struct xen *xen, uint32_t domid, const uint8_t uuid[16],
			  bool *shared, struct err *err)
{
	scoped(free) struct domctl_info *list = NULL;
	size_t nr;
	int rc = domctl_list(xen, &list, &nr, err);

	if (rc < 0)
		return rc;
	*shared = false;
	for (size_t i = 0; i < nr; i++) {
		if (list[i].domid != domid && !list[i].dying &&
		    memcmp(list[i].uuid, uuid, 16) == 0)
			*shared = true;
	}
	return 0;
}

/* Most are gone in milliseconds, and with them all that they had open. */
static void let_die(struct xen *xen, uint32_t domid)
{
	int64_t deadline = wait_deadline(DYING_MS);
	struct domctl_info info;
	struct err gone;

	while (domctl_info(xen, domid, &info, &gone) == 0 && info.dying && wait_now_ms() < deadline)
		poll(NULL, 0, 5);
}

int domain_strip(struct xen *xen, uint32_t domid, const uint8_t uuid[16], struct err *err)
{
	scoped(device_list) struct device_list list = DEVICE_LIST_INIT;
	bool shared = false;
	char text[37];
	int rc;

	uuid_unparse_lower(uuid, text);
	wait_for_console(xen, domid);
	rc = remove_devices(xen, domid, &list, err);
	if (rc == 0)
		rc = uuid_is_shared(xen, domid, uuid, &shared, err);
	return rc < 0 ? rc : remove_store(domid, shared ? NULL : text, &list, err);
}

/*
 * All of it but the domain. Under the lock, for what is attached meanwhile would stay; which goes
 * before the domain does: nobody would come back for the file of one that was killed with it.
 */
static int take_away(struct xen *xen, uint32_t domid, const uint8_t uuid[16], struct err *err)
{
	scoped(userdata_lock) struct userdata_lock lock = USERDATA_LOCK_INIT;
	struct userdata ud = { .domid = domid };
	int rc;

	memcpy(ud.uuid, uuid, sizeof(ud.uuid));
	rc = userdata_lock(&ud, &lock, err);
	if (rc == 0)
		rc = domain_strip(xen, domid, uuid, err);
	return rc < 0 ? rc : userdata_remove_all(&ud, err);
}

/* Who waited for that lock (an xl that was still creating) wrote its data before the end came. */
static int remove_late_userdata(uint32_t domid, const uint8_t uuid[16], struct err *err)
{
	scoped(userdata_lock) struct userdata_lock lock = USERDATA_LOCK_INIT;
	struct userdata ud = { .domid = domid };
	int rc;

	memcpy(ud.uuid, uuid, sizeof(ud.uuid));
	if (!userdata_exists(&ud))
		return 0;
	rc = userdata_lock(&ud, &lock, err);
	return rc < 0 ? rc : userdata_remove_all(&ud, err);
}

int domain_destroy_unfinished(struct xen *xen, uint32_t domid, const uint8_t uuid[16],
			      struct err *err)
{
	int rc = take_away(xen, domid, uuid, err);

	if (rc < 0)
		return rc;
	rc = domctl_destroy(xen, domid, err);
	if (rc < 0 && rc != -ESRCH)	/* another destroy at the same time was faster */
		return rc;
	return remove_late_userdata(domid, uuid, err);
}

int domain_destroy(struct xen *xen, uint32_t domid, struct err *err)
{
	scoped(free) char *name = NULL;
	struct domctl_info info;
	struct err ignored;
	int rc;

	if (domid == 0)
		return fail(err, EINVAL, "Domain-0 cannot be destroyed");
	rc = domctl_info(xen, domid, &info, err);
	if (rc < 0)
		return rc;
	/* A dying domain cannot be paused and needs not be. */
	if (!info.dying) {
		rc = domctl_pause(xen, domid, err);
		if (rc == -ESRCH)
			return fail(err, ENOENT, "domain %u does not exist", domid);
		if (rc < 0)
			return rc;
		console_ring_drain(xen, domid, DRAIN_MS);
	}
	if (domain_get_name(xen, domid, &name, &ignored) < 0)
		name = NULL;	/* a first destroy got as far as the store */
	rc = domain_destroy_unfinished(xen, domid, info.uuid, err);
	if (rc < 0)
		return fail_in(err, "domain %u", domid);
	let_die(xen, domid);
	/* A first destroy may have got as far as the name; xl may have changed it. */
	if (!name || !runfile_drop(RUNFILE_DIR, name, domid, info.uuid))
		runfile_drop_any(RUNFILE_DIR, domid, info.uuid);
	return 0;
}

/*
 * A create that was killed before it wrote the number down had done nothing else to its domain.
 * One with vcpus or a name is somebody's, whose config gives the same uuid.
 */
static bool is_bare(struct xen *xen, const struct domctl_info *info)
{
	scoped(free) char *name = NULL;
	struct err ignored;

	return info->nr_vcpus == 0 &&
	       domain_get_name(xen, info->domid, &name, &ignored) == -ENOENT;
}

static bool is_recorded(struct xen *xen, const struct runfile_record *record,
			const struct domctl_info *info)
{
	if (info->domid == 0 || memcmp(info->uuid, record->uuid, sizeof(info->uuid)) != 0)
		return false;
	return record->domid ? record->domid == info->domid : is_bare(xen, info);
}

int domain_reap(struct xen *xen, const struct runfile_record *record, uint32_t *domid,
		struct err *err)
{
	scoped(free) struct domctl_info *list = NULL;
	size_t nr;
	int rc = domctl_list(xen, &list, &nr, err);

	if (rc < 0)
		return rc;
	*domid = 0;
	for (size_t i = 0; i < nr; i++) {
		if (!is_recorded(xen, record, &list[i]))
			continue;
		*domid = list[i].domid;
		if (!record->creating)
			continue;
		rc = store_settle(err);
		if (rc < 0)
			return rc;
		return domain_destroy_unfinished(xen, list[i].domid, record->uuid, err);
	}
	return 0;
}

/* One file of /run/xlite: 1 when it was debris and is gone now, 0 when it is in order. */
static int cleanup_one(struct xen *xen, const struct runfile_entry *entry, uint32_t *domid,
		       struct err *err)
{
	struct runfile rf = RUNFILE_INIT;
	struct runfile_record record;
	bool found;
	int rc;

	rc = runfile_lock(RUNFILE_DIR, entry->name, &rf, &found, &record, err);
	if (rc == -EBUSY)
		return 0;
	if (rc < 0)
		return rc;
	*domid = 0;
	rc = found ? domain_reap(xen, &record, domid, err) : 0;
	if (rc < 0 || (found && !record.creating && *domid))
		runfile_unlock(&rf);
	else
		runfile_remove(&rf);
	if (rc < 0)
		return fail_in(err, "'%s'", entry->name);
	return found && record.creating;
}

int domain_cleanup(struct xen *xen, void (*report)(const char *name, uint32_t domid),
		   struct err *err)
{
	struct runfile_entry *list = NULL;
	struct err first = ERR_INIT;
	size_t nr = 0;
	int count = 0;
	int rc = runfile_list(RUNFILE_DIR, &list, &nr, err);

	if (rc < 0)
		return rc;
	runfile_sweep_ends(RUNFILE_DIR);
	for (size_t i = 0; i < nr; i++) {
		uint32_t domid;

		rc = cleanup_one(xen, &list[i], &domid, err);
		if (rc > 0) {
			report(list[i].name, domid);
			count++;
		} else if (rc < 0 && !first.code) {
			first = *err;
		}
	}
	runfile_list_free(list, nr);
	if (first.code) {
		*err = first;
		return -first.code;
	}
	return count;
}
