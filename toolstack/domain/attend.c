/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/wait.h"
#include "config/config.h"
#include "coredump.h"
#include "create.h"
#include "destroy.h"
#include "devices/device.h"
#include "ending.h"
#include "lifecycle.h"
#include "reset.h"
#include "runfile.h"
#include "update.h"
#include "xen/domctl.h"

/* Between the end of a device model and that of its domain, when somebody destroys both. */
enum { DESTROY_MS = 10000 };

enum { NOTHING_LEFT, SUCCESSOR_RUNS, SAME_RUNS };

static int restart(struct xen *xen, struct domain_config *config, uint32_t *domid,
		   struct err *err)
{
	const struct create_how how = { .watched = false, .terminal = -1, .successor = true };
	int rc = domain_create(xen, config, &how, domid, err);

	if (rc < 0)
		return fail_in(err, "cannot restart '%s'", config->name);
	return domctl_unpause(xen, *domid, err);
}

/* It keeps no guest from its restart. */
static void dump_core(struct xen *xen, const char *name, uint32_t domid)
{
	char path[512];
	struct err err;

	if (coredump_write(xen, name, domid, path, sizeof(path), &err) < 0)
		log_warn("%s", err.msg);
	else
		log_info("domain %u: core dumped to %s", domid, path);
}

/*
 * Nobody takes the name while the store does not have it. When it fails it is a restart: half of it
 * is of no use to anybody, also when the user wants to go. recorded: its name when it was made, which
 * another toolstack may have changed since.
 */
static int soft_reset(struct xen *xen, struct domain_config *config, const char *recorded,
		      uint32_t *domid, struct err *err)
{
	struct runfile rf = RUNFILE_INIT;
	struct runfile_record record;
	struct domctl_info info;
	struct err gone;
	bool interrupted;
	int rc = domain_hold(recorded, &rf, &record, err);

	/* Cut off, it is what a create that was cut off is. */
	record.creating = true;
	if (rc == 0)
		rc = runfile_write(&rf, &record, err);
	if (rc == 0)
		rc = domain_soft_reset(xen, *domid, config, err);
	record.creating = false;
	if (rc == 0)
		rc = runfile_write(&rf, &record, err);
	runfile_unlock(&rf);
	if (rc == 0)
		return SAME_RUNS;
	/* Somebody has destroyed it beside us: what was put together again goes as well. */
	if (domctl_info(xen, *domid, &info, &gone) < 0 || info.dying) {
		runfile_drop(RUNFILE_DIR, recorded, *domid, config->uuid);
		return domain_strip(xen, *domid, config->uuid, err);
	}
	log_warn("domain %u: no soft reset: %s: it is restarted", *domid, err->msg);
	interrupted = rc == -EINTR;
	wait_forgive();
	rc = update_apply(xen, *domid, config->uuid, config, err);
	if (rc >= 0)
		rc = ending_destroy(xen, *domid, config->uuid, err);
	if (rc == 0)
		rc = restart(xen, config, domid, err);
	return rc < 0 ? rc : interrupted ? NOTHING_LEFT : SUCCESSOR_RUNS;
}

/* Devices that came and went, memory, vcpus. */
static void take_live_config(struct xen *xen, uint32_t domid, struct domain_config *config)
{
	scoped(domain_config) struct domain_config live = DOMAIN_CONFIG_INIT;
	scoped(json) json_t *json = NULL;
	struct domain_config old = *config;
	struct err err;

	if (ending_config(xen, domid, &live, &json, &err) < 0) {
		log_warn("domain %u: it goes on with what its config said at first: %s", domid,
			 err.msg);
		return;
	}
	*config = live;
	live = old;
}

/* What there is to attend, *domid is its number; or a failure. */
static int carry_out(struct xen *xen, struct domain_config *config, const char *recorded,
		     enum config_action action, uint32_t *domid, struct err *err)
{
	scoped(runfile) struct runfile end = RUNFILE_INIT;
	struct ending_aside aside;
	struct domctl_info info;
	const char *no_reset;
	int rc = runfile_lock_end(RUNFILE_DIR, config->name, &end, err);

	if (rc == 0)
		rc = domctl_info(xen, *domid, &info, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	/* Who had the lock has destroyed it. */
	if (rc == -ENOENT || info.dying || memcmp(info.uuid, config->uuid, sizeof(info.uuid)) != 0)
		return NOTHING_LEFT;
	if (ending_restarts(action) || action == CONFIG_ACTION_SOFT_RESET)
		take_live_config(xen, *domid, config);
	no_reset = ending_no_reset(config, &action);
	if (no_reset)
		log_warn("domain %u: %s", *domid, no_reset);
	if (ending_dumps(action))
		dump_core(xen, config->name, *domid);
	/* While the domain has its uuid, by which it is found. */
	rc = ending_restarts(action) ? update_apply(xen, *domid, config->uuid, config, err) : 0;
	if (rc < 0)
		return rc;
	switch (action) {
	case CONFIG_ACTION_SOFT_RESET:
		return soft_reset(xen, config, recorded, domid, err);
	case CONFIG_ACTION_PRESERVE:
		return NOTHING_LEFT;
	case CONFIG_ACTION_RENAME_RESTART:
		rc = ending_new_aside(xen, config->name, &aside, err);
		if (rc == 0)
			rc = ending_keep_aside(xen, *domid, config->uuid, &aside, err);
		break;
	default:
		rc = ending_destroy(xen, *domid, config->uuid, err);
	}
	if (rc < 0 || !ending_restarts(action))
		return rc < 0 ? rc : NOTHING_LEFT;
	rc = restart(xen, config, domid, err);
	return rc < 0 ? rc : SUCCESSOR_RUNS;
}

/*
 * A guest whose device model has ended hangs at its next access to what that was; this is said, and
 * done about it what its config says. 1: *action is left to do.
 */
static int wait_with_model(struct xen *xen, const struct domain_config *config,
			   struct lifecycle_target *target, enum config_action *action,
			   struct err *err)
{
	scoped(model_watch) struct model_watch *model = NULL;
	struct domctl_info info;
	const char *said;
	int pid, rc = devices_watch_model(xen, target->domid, &model, err);

	if (rc == 0)
		rc = lifecycle_wait_end(xen, target, model_watch_fd(model), err);
	if (rc <= 0)
		return rc;
	rc = domctl_info(xen, target->domid, &info, err);
	/* Whoever destroys a domain pauses it and ends its QEMU first. */
	if (rc == 0 || rc == -ENOENT)
		rc = lifecycle_wait(xen, target, 1, LIFECYCLE_ENDED,
				    rc == 0 && !info.paused ? 0 : DESTROY_MS, NULL, err);
	if (rc != -ETIMEDOUT)
		return rc;
	said = model_watch_said(model, &pid);
	log_warn("domain %u: its device model (process %d) has ended%s: %s", target->domid, pid, said,
		 config_model_exit_name(config->on_device_model_exit));
	if (ending_model_action(config, action))
		return 1;
	rc = config->on_device_model_exit == MODEL_EXIT_PRESERVE ?
		domctl_pause(xen, target->domid, err) : 0;
	return rc < 0 ? rc : lifecycle_wait_end(xen, target, -1, err);
}

/* Waits for its end: 1 and *action, or 0 when there is nothing left to carry out. */
static int wait_for_end(struct xen *xen, const struct domain_config *config, uint32_t domid,
			enum config_action *action, struct err *err)
{
	struct lifecycle_target target = { .domid = domid };
	int rc;

	memcpy(target.uuid, config->uuid, sizeof(target.uuid));
	rc = wait_with_model(xen, config, &target, action, err);
	if (rc == -EINTR)
		return 0;
	if (rc != 0)
		return rc;
	if (target.gone) {
		log_info("domain %u has been destroyed", domid);
		return 0;
	}
	*action = ending_action(config, target.reason);
	log_info("domain %u (%s) %s: %s", domid, config->name, ending_words(target.reason),
		 config_action_name(*action));
	return 1;
}

int domain_attend(struct xen *xen, struct domain_config *config, uint32_t domid,
		  void (*started)(uint32_t domid, void *arg), void *arg, struct err *err)
{
	scoped(free) char *recorded = NULL;
	int rc = SUCCESSOR_RUNS;

	do {
		enum config_action action = CONFIG_ACTION_PRESERVE;

		if (rc == SUCCESSOR_RUNS) {
			free(recorded);
			recorded = strdup(config->name);
		}
		if (!recorded)
			return fail_nomem(err);
		rc = wait_for_end(xen, config, domid, &action, err);
		if (rc <= 0)
			return rc;
		rc = carry_out(xen, config, recorded, action, &domid, err);
		if (rc == SUCCESSOR_RUNS && started)
			started(domid, arg);
	} while (rc > 0);
	return rc;
}
