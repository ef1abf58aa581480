/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "successor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uuid/uuid.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/config.h"
#include "devices/device.h"
#include "domain/coredump.h"
#include "domain/create.h"
#include "domain/destroy.h"
#include "domain/ending.h"
#include "domain/held.h"
#include "domain/lookup.h"
#include "domain/reset.h"
#include "domain/runfile.h"
#include "domain/update.h"
#include "drives.h"
#include "events.h"
#include "intent.h"
#include "xen/domctl.h"
#include "xen/store.h"

/* 1 with *info when domid is that domain, 0 when it is another's number or nobody's. */
static int find(struct xen *xen, uint32_t domid, const uint8_t uuid[16], struct domctl_info *info,
		struct err *err)
{
	int rc = domctl_info(xen, domid, info, err);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	return !info->dying && memcmp(info->uuid, uuid, sizeof(info->uuid)) == 0;
}

/* 1: the domain that NAME's file is about is the successor, *domid. */
static int find_successor(struct xen *xen, const char *name, const struct intent *intent,
			  struct domctl_info *info, struct err *err)
{
	struct runfile_record record;
	int rc = runfile_read(RUNFILE_DIR, name, &record, err);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	if (record.creating || record.domid == intent->domid)
		return 0;
	return find(xen, record.domid, intent->uuid, info, err);
}

static int end_old(struct xen *xen, const struct intent *intent, struct err *err)
{
	struct domctl_info info;
	int rc = domctl_info(xen, intent->domid, &info, err);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	if (!*intent->aside.name)
		return ending_make_way(xen, intent->domid, intent->uuid, err);
	if (memcmp(info.uuid, intent->uuid, sizeof(info.uuid)) != 0 &&
	    memcmp(info.uuid, intent->aside.uuid, sizeof(info.uuid)) != 0)
		return 0;
	return ending_keep_aside(xen, intent->domid, intent->uuid, &intent->aside, err);
}

static int make_successor(struct xen *xen, const struct intent *intent, struct domctl_info *info,
			  struct err *err)
{
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	const struct create_how how = {
		.watched = true, .terminal = -1, .successor = true, .restarts = intent->restarts,
	};
	uint32_t domid;
	int rc = config_from_json(intent->config, &config, err);

	if (rc < 0)
		return rc;
	config_defaults(&config);
	memcpy(config.uuid, intent->uuid, sizeof(config.uuid));
	config.uuid_given = true;
	config.domid = CONFIG_DOMID_ANY;
	rc = domain_create(xen, &config, &how, &domid, err);
	return rc < 0 ? rc : domctl_info(xen, domid, info, err);
}

static int advance(struct xen *xen, const char *name, const struct intent *intent,
		   struct domctl_info *info, struct err *err)
{
	int rc = find_successor(xen, name, intent, info, err);

	if (rc == 0) {
		rc = end_old(xen, intent, err);
		if (rc == 0)
			rc = make_successor(xen, intent, info, err);
	}
	/* Paused since it was made: by us, before we were cut off. */
	if (rc >= 0 && info->paused && info->cpu_time_ns == 0)
		rc = domctl_unpause(xen, info->domid, err);
	return rc;
}

static int go_on(struct xen *xen, const char *name, const struct intent *intent, struct err *err)
{
	struct domctl_info info;
	int rc = advance(xen, name, intent, &info, err);

	/* Only who was cut off is to be followed: a guest must not come back days later. */
	if (rc != -EINTR)
		intent_remove(RUNFILE_DIR, name);
	if (rc < 0)
		return fail_in(err, "cannot restart '%s'", name);
	event_add("restart", name, info.domid, "succeeds domain %u", intent->domid);
	return 0;
}

static int restart(struct xen *xen, const char *name, const struct domctl_info *info,
		   unsigned int restarts, bool aside, json_t *config, struct err *err)
{
	struct intent intent = { .domid = info->domid, .restarts = restarts, .config = config };
	int rc = aside ? ending_new_aside(xen, name, &intent.aside, err) : 0;

	memcpy(intent.uuid, info->uuid, sizeof(intent.uuid));
	if (rc == 0)
		rc = intent_write(RUNFILE_DIR, name, &intent, err);
	return rc < 0 ? rc : go_on(xen, name, &intent, err);
}

/* What config-update left for this restart. */
static int update(struct xen *xen, const struct domctl_info *info, struct domain_config *config,
		  json_t **json, struct err *err)
{
	int rc = update_apply(xen, info->domid, info->uuid, config, err);

	if (rc <= 0)
		return rc;
	json_decref(*json);
	*json = NULL;
	return config_to_json(config, json, err);
}

/* It keeps no guest from its restart. */
static void dump_core(struct xen *xen, const char *name, uint32_t domid)
{
	char path[512];
	struct err err;

	if (coredump_write(xen, name, domid, path, sizeof(path), &err) < 0)
		event_add("core-dump", name, domid, "failed: %s", err.msg);
	else
		event_add("core-dump", name, domid, "%s", path);
}

static int reset_done(const char *name, const struct intent *intent, struct runfile *rf,
		      struct runfile_record *record, struct err *err)
{
	intent_remove(RUNFILE_DIR, name);
	event_add("restart", name, intent->domid, "soft reset: the same domain goes on");
	record->restarts = intent->restarts;
	record->started = time(NULL);
	return runfile_write(rf, record, err);
}

/* Nobody takes the name while the store does not have it. When it fails it is a restart. */
static int soft_reset(struct xen *xen, const char *name, const struct domctl_info *info,
		      unsigned int restarts, json_t **json, struct domain_config *config,
		      struct err *err)
{
	struct intent intent = {
		.domid = info->domid, .restarts = restarts, .soft_reset = true,
		.reason = info->shutdown_reason, .config = *json,
	};
	struct runfile rf = RUNFILE_INIT;
	struct runfile_record record;
	struct domctl_info now;
	struct err gone;
	int rc = domain_hold(name, &rf, &record, err);

	memcpy(intent.uuid, info->uuid, sizeof(intent.uuid));
	if (rc < 0)
		return rc;
	rc = intent_write(RUNFILE_DIR, name, &intent, err);
	if (rc == 0) {
		rc = domain_soft_reset(xen, info->domid, config, err);
		if (rc == 0) {
			rc = reset_done(name, &intent, &rf, &record, err);
			runfile_unlock(&rf);
			return rc;
		}
	}
	runfile_unlock(&rf);
	if (rc == -EINTR)
		return rc;
	/* Somebody has destroyed it beside us: what was put together again goes as well. */
	if (find(xen, info->domid, info->uuid, &now, &gone) == 0) {
		intent_remove(RUNFILE_DIR, name);
		rc = domain_strip(xen, info->domid, info->uuid, err);
		runfile_drop(RUNFILE_DIR, name, info->domid, info->uuid);
		return rc;
	}
	event_add("error", name, info->domid, "no soft reset: %s: it is restarted", err->msg);
	if (update(xen, info, config, json, &gone) < 0)
		event_add("error", name, info->domid, "config-update: %s", gone.msg);
	intent.config = *json;
	intent.soft_reset = false;
	rc = intent_write(RUNFILE_DIR, name, &intent, err);
	return rc < 0 ? rc : go_on(xen, name, &intent, err);
}

/*
 * One that was cut off is a restart, but when it came to its end: it runs, or has ended again, for
 * another reason.
 */
static bool was_reset(struct xen *xen, const struct intent *intent)
{
	struct domctl_info info;
	struct err err;

	return intent->soft_reset && find(xen, intent->domid, intent->uuid, &info, &err) > 0 &&
	       !info.paused && !(info.shutdown && info.shutdown_reason == intent->reason);
}

/* What somebody who was cut off had begun. */
static int follow(struct xen *xen, const char *name, const struct intent *intent, struct err *err)
{
	struct runfile rf = RUNFILE_INIT;
	struct runfile_record record;
	int rc;

	if (!was_reset(xen, intent))
		return go_on(xen, name, intent, err);
	rc = domain_hold(name, &rf, &record, err);
	if (rc == 0)
		rc = reset_done(name, intent, &rf, &record, err);
	else if (rc != -EINTR)
		intent_remove(RUNFILE_DIR, name);
	runfile_unlock(&rf);
	return rc;
}

enum turn { RESTART_NOW, RESTART_LATER, RESTART_NEVER };

/* One that ends at once again and again is given more time each time, and then no more. */
static enum turn turn_of(const char *name, uint32_t domid, unsigned int restarts, bool waited)
{
	int pause = restarts ? ending_pause(restarts - 1) : 0;

	if (pause < 0) {
		event_add("given-up", name, domid, "restarted %u times in a row within %d s each",
			  restarts - 1, ENDING_QUICK_S);
		return RESTART_NEVER;
	}
	if (!pause || waited)
		return RESTART_NOW;
	event_add("held-back", name, domid, "for %d s", pause);
	return RESTART_LATER;
}

static void tell_end(const char *name, const struct domctl_info *info, enum config_action said,
		     const char *no_reset)
{
	event_add(ending_kind(info->shutdown_reason), name, info->domid, "%s: %s",
		  ending_reason_name(info->shutdown_reason), config_action_name(said));
	if (no_reset)
		event_add("error", name, info->domid, "%s", no_reset);
}

static int carry_out(struct xen *xen, const char *name, const struct domctl_info *info,
		     unsigned int restarts, bool waited, struct err *err)
{
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	scoped(json) json_t *json = NULL;
	enum config_action said, action;
	const char *no_reset;
	enum turn turn = RESTART_NOW;
	int rc = ending_config(xen, info->domid, &config, &json, err);

	if (rc < 0)
		return rc;
	said = action = ending_action(&config, info->shutdown_reason);
	no_reset = ending_no_reset(&config, &action);
	if (!waited)
		tell_end(name, info, said, no_reset);
	if (ending_restarts(action) || action == CONFIG_ACTION_SOFT_RESET)
		turn = turn_of(name, info->domid, restarts, waited);
	if (turn == RESTART_LATER)
		return SUCCESSOR_HELD;
	if (ending_dumps(action))
		dump_core(xen, name, info->domid);
	if (turn == RESTART_NEVER)
		return domain_set_watched(name, false, err);
	if (ending_restarts(action))
		rc = update(xen, info, &config, &json, err);
	if (rc < 0)
		return rc;
	/* Another toolstack may have renamed it since. */
	if (ending_restarts(action))
		return restart(xen, config.name ? config.name : name, info, restarts,
			       action == CONFIG_ACTION_RENAME_RESTART, json, err);
	if (action == CONFIG_ACTION_PRESERVE)
		return domain_set_watched(name, false, err);
	if (action == CONFIG_ACTION_SOFT_RESET)
		return soft_reset(xen, name, info, restarts, &json, &config, err);
	return ending_destroy(xen, info->domid, info->uuid, err);
}

/* What was done about a QEMU's end stands there, lest the next supervisor does it again. */
static const char *model_node(uint32_t domid, char path[64])
{
	snprintf(path, 64, "/libxl/%u/device-model-exit", domid);
	return path;
}

/* 1: QEMU *pid has ended, and nobody has seen to that. */
static int find_model_end(struct xen *xen, uint32_t domid, int *pid, struct err *err)
{
	scoped(fd) int pidfd = -1;
	uint64_t seen = 0;
	char path[64];
	int rc = devices_open_model(xen, domid, pid, &pidfd, err);

	if (rc < 0 || *pid <= 0 || pidfd >= 0)
		return rc;
	rc = store_read_u64(xen, NULL, model_node(domid, path), &seen, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	return seen != (uint64_t)*pid;
}

static int model_seen_to(struct xen *xen, uint32_t domid, int pid, struct err *err)
{
	char path[64], text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return store_write(xen, NULL, model_node(domid, path), text, err);
}

/* on_device_model_exit of a guest that still runs. */
static int end_of_model(struct xen *xen, const char *name, const struct domctl_info *info,
			unsigned int restarts, bool waited, struct err *err)
{
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	scoped(json) json_t *json = NULL;
	enum turn turn = RESTART_NOW;
	enum config_action action;
	char said[320];
	int pid, rc = find_model_end(xen, info->domid, &pid, err);

	if (rc <= 0)
		return rc;
	rc = ending_config(xen, info->domid, &config, &json, err);
	if (rc < 0)
		return rc;
	devices_model_said(name, said, sizeof(said));
	if (!waited)
		event_add("device-model", name, info->domid, "%s (QEMU, process %d, has ended%s)",
			  config_model_exit_name(config.on_device_model_exit), pid, said);
	if (!ending_model_action(&config, &action)) {
		if (config.on_device_model_exit == MODEL_EXIT_PRESERVE)
			rc = domctl_pause(xen, info->domid, err);
		return rc < 0 ? rc : model_seen_to(xen, info->domid, pid, err);
	}
	if (ending_restarts(action))
		turn = turn_of(name, info->domid, restarts, waited);
	if (turn == RESTART_LATER)
		return SUCCESSOR_HELD;
	if (turn == RESTART_NEVER)
		return model_seen_to(xen, info->domid, pid, err);
	if (!ending_restarts(action))
		return ending_destroy(xen, info->domid, info->uuid, err);
	rc = update(xen, info, &config, &json, err);
	return rc < 0 ? rc :
		restart(xen, config.name ? config.name : name, info, restarts, false, json, err);
}

/* Somebody else may have ended it, or have been faster. */
static int end_one(struct xen *xen, const char *name, uint32_t domid, const uint8_t uuid[16],
		   unsigned int restarts, const char *matter, bool waited, struct err *err)
{
	struct domctl_info info;
	int rc = find(xen, domid, uuid, &info, err);

	if (rc > 0 && !info.shutdown && strcmp(matter, "model") == 0)
		return end_of_model(xen, name, &info, restarts, waited, err);
	if (rc > 0 && !info.shutdown && strcmp(matter, "eject") == 0)
		return drives_eject(xen, name, domid, err);
	if (rc <= 0 || !info.shutdown || info.shutdown_reason == DOMCTL_SUSPEND)
		return rc < 0 ? rc : 0;
	return carry_out(xen, name, &info, restarts, waited, err);
}

static int tell_dying(struct xen *xen, const char *name, uint32_t domid, const uint8_t uuid[16],
		      struct err *err)
{
	struct domctl_info info;
	char held[512];
	int rc = domctl_info(xen, domid, &info, err);

	if (rc == 0 && info.dying && memcmp(info.uuid, uuid, sizeof(info.uuid)) == 0) {
		held_explain(&info, held, sizeof(held));
		event_add("dying", name, domid, "destroyed and still there: %s", held);
	}
	return rc == -ENOENT ? 0 : rc;
}

int successor_carry_out(struct xen *xen, const char *name, uint32_t domid, const uint8_t uuid[16],
			unsigned int restarts, const char *matter, bool waited, struct err *err)
{
	scoped(intent) struct intent intent = INTENT_INIT;
	scoped(runfile) struct runfile end = RUNFILE_INIT;
	int rc;

	if (strcmp(matter, "dying") == 0)
		return tell_dying(xen, name, domid, uuid, err);
	/* A child of a supervisor that was killed may still be at it. */
	rc = runfile_lock_end(RUNFILE_DIR, name, &end, err);
	if (rc < 0)
		return rc;
	rc = intent_read(RUNFILE_DIR, name, &intent, err);
	if (rc == 0)
		rc = follow(xen, name, &intent, err);
	else if (rc == -ENOENT)
		rc = end_one(xen, name, domid, uuid, restarts, matter, waited, err);
	else if (rc == -EINVAL)
		intent_remove(RUNFILE_DIR, name);	/* nobody will ever be able to follow it */
	if (rc < 0 && rc != -EINTR)
		event_add("error", name, domid, "%s", err->msg);
	return rc;
}

/* What stands in NAME's record, when it has uuid: complete, or what a killed child began. */
static int destroy_recorded(struct xen *xen, const char *name, const uint8_t uuid[16],
			    struct err *err)
{
	struct runfile rf = RUNFILE_INIT;
	struct runfile_record record;
	struct domctl_info info;
	uint32_t debris;
	bool found;
	int rc = runfile_lock_patiently(RUNFILE_DIR, name, &rf, &found, &record, err);

	if (rc < 0)
		return rc;
	if (found && memcmp(record.uuid, uuid, sizeof(record.uuid)) != 0) {
		runfile_unlock(&rf);
		return 0;
	}
	if (found && record.creating) {
		rc = domain_reap(xen, &record, &debris, err);
	} else if (found) {
		rc = find(xen, record.domid, uuid, &info, err);
		if (rc > 0)
			rc = domain_destroy(xen, record.domid, err);
	}
	if (rc < 0 && rc != -ENOENT)
		runfile_unlock(&rf);
	else
		runfile_remove(&rf);
	return rc == -ENOENT ? 0 : rc;
}

/* Of a guest between two lives: its restart says it, or the record that its create keeps. */
static int uuid_between(const char *name, uint8_t uuid[16], struct err *err)
{
	scoped(intent) struct intent intent = INTENT_INIT;
	struct runfile_record record;
	int rc = intent_read(RUNFILE_DIR, name, &intent, err);

	if (rc == 0) {
		memcpy(uuid, intent.uuid, sizeof(intent.uuid));
		return 0;
	}
	if (rc != -ENOENT)
		return rc;
	rc = runfile_has_end(RUNFILE_DIR, name) ?
		runfile_read(RUNFILE_DIR, name, &record, err) : -ENOENT;
	if (rc == 0)
		memcpy(uuid, record.uuid, sizeof(record.uuid));
	return rc;
}

int successor_prevent(struct xen *xen, const char *name, const uint8_t *uuid, struct err *err)
{
	scoped(intent) struct intent left = INTENT_INIT;
	scoped(runfile) struct runfile end = RUNFILE_INIT;
	uint8_t found[16];
	int rc = 0;

	if (!runfile_has_end(RUNFILE_DIR, name) && !intent_exists(RUNFILE_DIR, name))
		return 0;
	/* Before we wait: whoever is at it removes its intent in the end. */
	if (!uuid)
		rc = uuid_between(name, found, err);
	if (rc < 0)
		return rc == -ENOENT || rc == -EINVAL ? 0 : rc;
	if (!uuid)
		uuid = found;
	rc = runfile_lock_end(RUNFILE_DIR, name, &end, err);
	if (rc < 0)
		return rc;
	rc = intent_read(RUNFILE_DIR, name, &left, err);
	if (rc == 0 && memcmp(uuid, left.uuid, sizeof(left.uuid)) == 0) {
		/* What is kept aside is not meant. */
		if (*left.aside.name)
			rc = end_old(xen, &left, err);
		if (rc < 0)
			return rc;
		intent_remove(RUNFILE_DIR, name);
	} else if (rc == -EINVAL) {
		intent_remove(RUNFILE_DIR, name);
	} else if (rc < 0 && rc != -ENOENT) {
		return rc;
	}
	rc = destroy_recorded(xen, name, uuid, err);
	return rc < 0 ? rc : 1;
}

/* NULL when it has none that could be in a path. */
static int name_of(struct xen *xen, const struct domctl_info *info, char **name, struct err *err)
{
	struct err ignored;
	int rc = domain_get_name(xen, info->domid, name, err);

	/* Whoever restarts it has got as far as that. */
	if (rc == -ENOENT)
		return intent_find(RUNFILE_DIR, info->uuid, name, err);
	if (rc == 0 && config_check_name(*name, &ignored) < 0) {
		free(*name);
		*name = NULL;
	}
	return rc;
}

/* rename-restart: the domain lives on with another uuid. */
static bool find_aside(struct xen *xen, uint32_t domid, const uint8_t uuid[16])
{
	struct domctl_info now;
	struct err ignored;

	return domctl_info(xen, domid, &now, &ignored) == 0 && !now.dying &&
	       memcmp(now.uuid, uuid, sizeof(now.uuid)) != 0;
}

int successor_destroy(struct xen *xen, uint32_t domid, struct err *err)
{
	scoped(free) char *name = NULL;
	struct domctl_info info;
	int rc = domctl_info(xen, domid, &info, err);

	if (rc == 0)
		rc = name_of(xen, &info, &name, err);
	if (rc == 0 && name)
		rc = successor_prevent(xen, name, info.uuid, err);
	if (rc < 0)
		return rc;
	rc = ending_destroy(xen, domid, info.uuid, err);
	if (rc < 0)
		return rc;
	if (find_aside(xen, domid, info.uuid))
		log_warn("domain %u had ended before and is kept aside, as its config says", domid);
	/* It may have ended just before. -EBUSY: the name is a create's, which is the user's. */
	rc = name ? successor_prevent(xen, name, info.uuid, err) : 0;
	held_warn(xen, domid);
	return rc < 0 && rc != -EBUSY ? rc : 0;
}
