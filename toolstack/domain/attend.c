/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <uuid/uuid.h>

#include "base/file.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/json.h"
#include "base/str.h"
#include "config/config.h"
#include "create.h"
#include "destroy.h"
#include "lifecycle.h"
#include "runfile.h"
#include "userdata.h"
#include "xen/domctl.h"
#include "xen/nodes.h"
#include "xen/store.h"

#define DUMP_DIR "/var/lib/xen/dump"

static const char *const reason_names[] = {
	[DOMCTL_POWEROFF] = "powered off", [DOMCTL_REBOOT] = "wants to reboot",
	[DOMCTL_SUSPEND] = "has suspended", [DOMCTL_CRASH] = "has crashed",
	[DOMCTL_WATCHDOG] = "was shut down by its watchdog",
	[DOMCTL_SOFT_RESET] = "wants a soft reset",
};

static enum config_action action_for(const struct domain_config *config, unsigned int reason)
{
	switch (reason) {
	case DOMCTL_POWEROFF: return config->on_poweroff;
	case DOMCTL_REBOOT: return config->on_reboot;
	case DOMCTL_WATCHDOG: return config->on_watchdog;
	case DOMCTL_SOFT_RESET: return config->on_soft_reset;
	case DOMCTL_SUSPEND: return CONFIG_ACTION_PRESERVE;	/* whoever saves it owns it */
	default: return config->on_crash;	/* crashed, or a number Xen does not define */
	}
}

/* A dump that fails does not keep the guest from its restart, as with xl. */
static void dump_core(struct xen *xen, const struct domain_config *config, uint32_t domid)
{
	scoped(free) char *path = str_format(DUMP_DIR "/%s", config->name);
	struct err err;

	if (!path)
		return;
	if (file_mkdirs(DUMP_DIR, 0700, &err) < 0 || domctl_dump_core(xen, domid, path, &err) < 0)
		log_warn("%s", err.msg);
	else
		log_info("domain %u: core dumped to %s", domid, path);
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

/* The stored configuration and the run file carry the uuid in their names or text. */
static int move_files(uint32_t domid, const char *name, const struct userdata *old,
		      const struct userdata *new, struct err *err)
{
	scoped(runfile) struct runfile rf = RUNFILE_INIT;
	scoped(json) json_t *json = NULL;
	struct runfile_record record;
	char text[37];
	bool found;
	int rc;

	rc = userdata_read(old, &json, err);
	if (rc < 0)
		return rc;
	uuid_unparse_lower(new->uuid, text);
	rc = json_add(json_object_get(json, "c_info"), "uuid", json_text(text), err);
	if (rc == 0)
		rc = userdata_write(new, json, err);
	if (rc == 0)
		rc = userdata_remove_all(old, err);
	if (rc == 0)
		rc = runfile_lock(RUNFILE_DIR, name, &rf, &found, &record, err);
	if (rc < 0)
		return rc;
	record = (struct runfile_record){ .domid = domid };
	memcpy(record.uuid, new->uuid, sizeof(record.uuid));
	rc = runfile_write(&rf, &record, err);
	if (rc == 0)
		runfile_unlock(&rf);
	return rc;
}

/* Keeps the old domain under NAME-YYYYmmddTHHMMZ and another uuid, as xl does. */
static int keep_aside(struct xen *xen, const struct domain_config *config, uint32_t domid,
		      struct err *err)
{
	struct userdata old = { .domid = domid }, new = { .domid = domid };
	char old_text[37], new_text[37], stamp[32];
	scoped(free) char *name = NULL;
	time_t now = time(NULL);
	struct tm tm;
	int rc;

	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%MZ", gmtime_r(&now, &tm));
	name = str_format("%s-%s", config->name, stamp);
	if (!name)
		return fail_nomem(err);
	memcpy(old.uuid, config->uuid, sizeof(old.uuid));
	uuid_generate_random(new.uuid);
	uuid_unparse_lower(old.uuid, old_text);
	uuid_unparse_lower(new.uuid, new_text);
	rc = lifecycle_rename(xen, domid, name, err);
	if (rc == 0)
		rc = domctl_set_uuid(xen, domid, new.uuid, err);
	if (rc == 0)
		rc = move_vm_nodes(xen, domid, name, old_text, new_text, err);
	if (rc == 0)
		rc = move_files(domid, name, &old, &new, err);
	return rc < 0 ? fail_in(err, "cannot keep domain %u aside", domid) : 0;
}

static int restart(struct xen *xen, struct domain_config *config, uint32_t *domid,
		   struct err *err)
{
	int rc = domain_create(xen, config, domid, err);

	if (rc < 0)
		return fail_in(err, "cannot restart '%s'", config->name);
	return domctl_unpause(xen, *domid, err);
}

/* Somebody else's destroy may have been faster. */
static int destroy_old(struct xen *xen, uint32_t domid, struct err *err)
{
	int rc = domain_destroy(xen, domid, err);

	return rc == -ENOENT ? 0 : rc;
}

/* 1: a successor runs, *domid is its number; 0: nothing left to attend. */
static int carry_out(struct xen *xen, struct domain_config *config, enum config_action action,
		     uint32_t *domid, struct err *err)
{
	int rc;

	if (action == CONFIG_ACTION_COREDUMP_DESTROY || action == CONFIG_ACTION_COREDUMP_RESTART)
		dump_core(xen, config, *domid);
	switch (action) {
	case CONFIG_ACTION_SOFT_RESET:
		log_warn("domain %u: soft reset is not supported yet; it is left as it is", *domid);
		return 0;
	case CONFIG_ACTION_PRESERVE:
		return 0;
	case CONFIG_ACTION_DESTROY:
	case CONFIG_ACTION_COREDUMP_DESTROY:
		return destroy_old(xen, *domid, err);
	case CONFIG_ACTION_RENAME_RESTART:
		rc = keep_aside(xen, config, *domid, err);
		break;
	default:
		rc = destroy_old(xen, *domid, err);
	}
	if (rc == 0)
		rc = restart(xen, config, domid, err);
	return rc < 0 ? rc : 1;
}

/* Waits for its end: 1 and *reason, or 0 when there is nothing left to carry out. */
static int wait_for_end(struct xen *xen, const struct domain_config *config, uint32_t domid,
			unsigned int *reason, struct err *err)
{
	struct lifecycle_target target = { .domid = domid };
	int rc;

	memcpy(target.uuid, config->uuid, sizeof(target.uuid));
	rc = lifecycle_wait(xen, &target, 1, LIFECYCLE_ENDED, -1, NULL, err);
	if (rc == -EINTR)
		return 0;
	if (rc < 0)
		return rc;
	if (target.gone) {
		log_info("domain %u has been destroyed", domid);
		return 0;
	}
	*reason = target.reason;
	return 1;
}

int domain_attend(struct xen *xen, struct domain_config *config, uint32_t domid,
		  void (*started)(uint32_t domid, void *arg), void *arg, struct err *err)
{
	int rc;

	do {
		enum config_action action;
		unsigned int reason = 0;

		rc = wait_for_end(xen, config, domid, &reason, err);
		if (rc <= 0)
			return rc;
		action = action_for(config, reason);
		log_info("domain %u (%s) %s: %s", domid, config->name,
			 reason < ARRAY_SIZE(reason_names) ? reason_names[reason] :
			 "has shut down", config_action_name(action));
		rc = carry_out(xen, config, action, &domid, err);
		if (rc > 0 && started)
			started(domid, arg);
	} while (rc > 0);
	return rc;
}
