/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ending.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <uuid/uuid.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/wait.h"
#include "create.h"
#include "destroy.h"
#include "lifecycle.h"
#include "list.h"
#include "lookup.h"
#include "runfile.h"
#include "userdata.h"
#include "xen/domctl.h"
#include "xen/nodes.h"
#include "xen/store.h"

enum { GONE_MS = 5000, GONE_STEP_MS = 5, PAUSE_MOST_S = 60 };

static const struct {
	const char *name, *words;
} reasons[] = {
	[DOMCTL_POWEROFF] = { "poweroff", "powered off" },
	[DOMCTL_REBOOT] = { "reboot", "wants to reboot" },
	[DOMCTL_SUSPEND] = { "suspend", "has suspended" },
	[DOMCTL_CRASH] = { "crash", "has crashed" },
	[DOMCTL_WATCHDOG] = { "watchdog", "was shut down by its watchdog" },
	[DOMCTL_SOFT_RESET] = { "soft_reset", "wants a soft reset" },
};

enum config_action ending_action(const struct domain_config *config, unsigned int reason)
{
	switch (reason) {
	case DOMCTL_POWEROFF: return config->on_poweroff;
	case DOMCTL_REBOOT: return config->on_reboot;
	case DOMCTL_WATCHDOG: return config->on_watchdog;
	case DOMCTL_SOFT_RESET: return config->on_soft_reset;
	case DOMCTL_SUSPEND: return CONFIG_ACTION_PRESERVE;
	default: return config->on_crash;	/* crashed, or a number Xen does not define */
	}
}

bool ending_model_action(const struct domain_config *config, enum config_action *action)
{
	if (config->on_device_model_exit == MODEL_EXIT_DESTROY)
		*action = CONFIG_ACTION_DESTROY;
	else if (config->on_device_model_exit == MODEL_EXIT_RESTART)
		*action = CONFIG_ACTION_RESTART;
	else
		return false;
	return true;
}

const char *ending_words(unsigned int reason)
{
	return reason < ARRAY_SIZE(reasons) ? reasons[reason].words : "has shut down";
}

const char *ending_reason_name(unsigned int reason)
{
	return reason < ARRAY_SIZE(reasons) ? reasons[reason].name : "unknown";
}

const char *ending_kind(unsigned int reason)
{
	switch (reason) {
	case DOMCTL_REBOOT: return "reboot";
	case DOMCTL_CRASH: case DOMCTL_WATCHDOG: return "crash";
	default: return "shutdown";
	}
}

int ending_pause(unsigned int restarts)
{
	int pause = 1;

	if (restarts < ENDING_FREE)
		return 0;
	if (restarts >= ENDING_MOST)
		return -1;
	for (unsigned int i = ENDING_FREE; i < restarts && pause < PAUSE_MOST_S; i++)
		pause *= 2;
	return pause < PAUSE_MOST_S ? pause : PAUSE_MOST_S;
}

const char *ending_no_reset(const struct domain_config *config, enum config_action *action)
{
	if (*action != CONFIG_ACTION_SOFT_RESET)
		return NULL;
	/* Xen refuses it as well. */
	if (config->type == DOMAIN_PV) {
		*action = CONFIG_ACTION_DESTROY;
		return "a pv guest cannot be soft reset: it is destroyed";
	}
	if (config->nr_pcidevs) {
		*action = CONFIG_ACTION_RESTART;
		return "a guest with PCI devices cannot be soft reset: it is restarted";
	}
	/* There QEMU (7.2) takes the state but stays paused, and the guest waits for it for ever. */
	if (config->dm_restrict == TRI_TRUE) {
		*action = CONFIG_ACTION_RESTART;
		return "a guest with dm_restrict=1 cannot be soft reset: it is restarted";
	}
	return NULL;
}

bool ending_dumps(enum config_action action)
{
	return action == CONFIG_ACTION_COREDUMP_DESTROY ||
	       action == CONFIG_ACTION_COREDUMP_RESTART;
}

bool ending_restarts(enum config_action action)
{
	return action == CONFIG_ACTION_RESTART || action == CONFIG_ACTION_RENAME_RESTART ||
	       action == CONFIG_ACTION_COREDUMP_RESTART;
}

int ending_config(struct xen *xen, uint32_t domid, struct domain_config *config, json_t **json,
		  struct err *err)
{
	scoped(domain_list) struct domain_list list = DOMAIN_LIST_INIT;
	int rc = domain_list_one(xen, domid, &list, err);

	if (rc == 0)
		rc = domain_live_config(xen, &list.items[0], json, err);
	if (rc == 0)
		rc = config_from_json(*json, config, err);
	if (rc == 0)
		config_defaults(config);
	return rc;
}

int ending_destroy(struct xen *xen, uint32_t domid, const uint8_t uuid[16], struct err *err)
{
	struct domctl_info info;
	int rc = domctl_info(xen, domid, &info, err);

	/* The number may be another's by now. */
	if (rc == 0 && memcmp(info.uuid, uuid, sizeof(info.uuid)) == 0)
		rc = domain_destroy(xen, domid, err);
	return rc == -ENOENT ? 0 : rc;
}

int ending_make_way(struct xen *xen, uint32_t domid, const uint8_t uuid[16], struct err *err)
{
	int rc = ending_destroy(xen, domid, uuid, err);
	int64_t deadline = wait_deadline(GONE_MS);
	uint64_t pages = UINT64_MAX;

	while (rc == 0 && wait_now_ms() < deadline) {
		struct domctl_info info;

		rc = domctl_info(xen, domid, &info, err);
		if (rc == -ENOENT || (rc == 0 && memcmp(info.uuid, uuid, sizeof(info.uuid)) != 0))
			return 0;
		if (rc == 0 && info.nr_pages < pages) {
			pages = info.nr_pages;
			deadline = wait_deadline(GONE_MS);
		}
		if (rc == 0 && wait_poll(NULL, 0, wait_deadline(GONE_STEP_MS)) == -EINTR)
			return fail(err, EINTR, "interrupted");
	}
	return rc;
}

/* The nodes of a uuid move with it: /vm/NEW, and ~/vm that points there. */
static int move_vm_nodes(struct xen *xen, uint32_t domid, const char *name, const char *old,
			 const char *new, struct err *err)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	char vm[64], home[48];
	int rc;

	snprintf(vm, sizeof(vm), "/vm/%s", new);
	snprintf(home, sizeof(home), "/local/domain/%u", domid);
	store_nodes_add(&nodes, STORE_GUEST_READ, vm, "", "%s", "");
	store_nodes_add(&nodes, STORE_INHERIT, vm, "uuid", "%s", new);
	store_nodes_add(&nodes, STORE_INHERIT, vm, "name", "%s", name);
	store_nodes_add(&nodes, STORE_INHERIT, home, "vm", "%s", vm);
	rc = store_nodes_write(&nodes, domid, err);
	snprintf(vm, sizeof(vm), "/vm/%s", old);
	return rc < 0 ? rc : store_rm(xen, NULL, vm, err);
}

/* The stored configuration has the uuid in its name and in its text. */
static int move_userdata(const struct userdata *old, const struct userdata *new, struct err *err)
{
	scoped(json) json_t *json = NULL;
	char text[37];
	int rc = userdata_read(old, &json, err);

	if (rc == -ENOENT)
		return 0;	/* moved already */
	uuid_unparse_lower(new->uuid, text);
	if (rc == 0)
		rc = json_add(json_object_get(json, "c_info"), "uuid", json_text(text), err);
	if (rc == 0)
		rc = userdata_write(new, json, err);
	return rc < 0 ? rc : userdata_remove_all(old, err);
}

/*
 * Before the domain has its new name: its record goes along, and there the supervisor would take it
 * for a guest to look after. One that was renamed already has none under the old name.
 */
static int unwatch(struct xen *xen, uint32_t domid, struct err *err)
{
	scoped(free) char *name = NULL;
	int rc = domain_get_name(xen, domid, &name, err);

	if (rc == 0)
		rc = domain_set_watched(name, false, err);
	return rc == -ENOENT ? 0 : rc;
}

static int record_aside(uint32_t domid, const struct ending_aside *aside, struct err *err)
{
	scoped(runfile) struct runfile rf = RUNFILE_INIT;
	struct runfile_record record;
	bool found;
	int rc = runfile_lock_patiently(RUNFILE_DIR, aside->name, &rf, &found, &record, err);

	if (rc < 0)
		return rc;
	record = (struct runfile_record){ .domid = domid, .unwatched = true };
	memcpy(record.uuid, aside->uuid, sizeof(record.uuid));
	rc = runfile_write(&rf, &record, err);
	if (rc == 0)
		runfile_unlock(&rf);
	return rc;
}

void ending_aside_name(const char *name, time_t now, unsigned int n, struct ending_aside *aside)
{
	char stamp[32], number[16] = "";
	struct tm tm;

	strftime(stamp, sizeof(stamp), "-%Y%m%dT%H%MZ", gmtime_r(&now, &tm));
	if (n > 1)
		snprintf(number, sizeof(number), "-%u", n);
	/* The whole must still be a name. */
	snprintf(aside->name, sizeof(aside->name), "%.*s%s%s",
		 CONFIG_NAME_MAX - (int)(strlen(stamp) + strlen(number)), name, stamp, number);
}

int ending_new_aside(struct xen *xen, const char *name, struct ending_aside *aside,
		     struct err *err)
{
	time_t now = time(NULL);
	uint32_t other;
	int rc = 0;

	uuid_generate_random(aside->uuid);
	for (unsigned int n = 1; rc == 0; n++) {
		ending_aside_name(name, now, n, aside);
		rc = domain_find_name(xen, aside->name, &other, err);
	}
	return rc == -ENOENT ? 0 : rc;
}

int ending_keep_aside(struct xen *xen, uint32_t domid, const uint8_t uuid[16],
		      const struct ending_aside *aside, struct err *err)
{
	struct userdata old = { .domid = domid }, new = { .domid = domid };
	char old_text[37], new_text[37];
	int rc;

	memcpy(old.uuid, uuid, sizeof(old.uuid));
	memcpy(new.uuid, aside->uuid, sizeof(new.uuid));
	uuid_unparse_lower(old.uuid, old_text);
	uuid_unparse_lower(new.uuid, new_text);
	rc = unwatch(xen, domid, err);
	if (rc == 0)
		rc = lifecycle_rename(xen, domid, aside->name, err);
	if (rc == 0)
		rc = domctl_set_uuid(xen, domid, new.uuid, err);
	if (rc == 0)
		rc = move_vm_nodes(xen, domid, aside->name, old_text, new_text, err);
	if (rc == 0)
		rc = move_userdata(&old, &new, err);
	if (rc == 0)
		rc = record_aside(domid, aside, err);
	return rc < 0 ? fail_in(err, "cannot keep domain %u aside", domid) : 0;
}
