/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
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
#include "lookup.h"
#include "reset.h"
#include "runfile.h"
#include "update.h"
#include "xen/domctl.h"

/* DESTROY_MS: between the end of a device model and that of its domain, when somebody destroys both. */
enum { DESTROY_MS = 10000, INSIST_MS = 2000 };

enum { NOTHING_LEFT, SUCCESSOR_RUNS, SAME_RUNS };

/* A guest, which may be one domain after another, and whoever stays with it. */
struct attended {
	struct xen *xen;
	struct domain_config *config;
	const struct attend_hooks *hooks;
	uint32_t domid;
	/* Its name when it was made, which another toolstack may have changed since; owned. */
	char *recorded;
	unsigned int restarts;		/* in a row that came quickly */
	bool given_up;			/* it restarted too often */
	bool leaves;			/* the user, who has interrupted */
	int64_t insists;		/* who interrupts once more after this (wait_now_ms) means it */
};

static void printf_like(3, 4) tell(const struct attended *a, const char *kind, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	a->hooks->told(kind, a->config->name, a->domid, text);
}

static int gone(const struct attended *a)
{
	log_info("domain %u has been destroyed", a->domid);
	tell(a, "destroyed", "%s", "");
	return NOTHING_LEFT;
}

/*
 * Half a restart is of no use to anybody, nor to a user who wants to go: it is made, and then he goes.
 * A closed terminal, or ^C to us and to who tells us, is more than one signal.
 */
static bool goes_after(struct attended *a, int rc)
{
	if (rc != -EINTR || (a->leaves && wait_now_ms() >= a->insists))
		return false;
	if (!a->leaves)
		a->insists = wait_deadline(INSIST_MS);
	wait_forgive();
	return a->leaves = true;
}

static int make_way(struct attended *a, struct err *err)
{
	int rc = ending_make_way(a->xen, a->domid, a->config->uuid, err);

	return goes_after(a, rc) ? ending_destroy(a->xen, a->domid, a->config->uuid, err) : rc;
}

static int restart(struct attended *a, struct err *err)
{
	const struct create_how how = {
		.watched = false, .terminal = -1, .successor = true, .restarts = a->restarts,
	};
	uint32_t old = a->domid;
	int rc = domain_create(a->xen, a->config, &how, &a->domid, err);

	while (goes_after(a, rc))
		rc = domain_create(a->xen, a->config, &how, &a->domid, err);
	if (rc == 0)
		rc = domctl_unpause(a->xen, a->domid, err);
	if (rc < 0)
		return fail_in(err, "cannot restart '%s'", a->config->name);
	tell(a, "restart", "succeeds domain %u", old);
	return 0;
}

/* It keeps no guest from its restart. */
static void dump_core(const struct attended *a)
{
	char path[512];
	struct err err;

	if (coredump_write(a->xen, a->config->name, a->domid, path, sizeof(path), &err) < 0) {
		log_warn("%s", err.msg);
		tell(a, "core-dump", "failed: %s", err.msg);
	} else {
		log_info("domain %u: core dumped to %s", a->domid, path);
		tell(a, "core-dump", "%s", path);
	}
}

/* Nobody takes the name while the store does not have it. When it fails it is a restart. */
static int soft_reset(struct attended *a, struct err *err)
{
	struct runfile rf = RUNFILE_INIT;
	struct runfile_record record;
	struct domctl_info info;
	struct err ignored;
	int rc = domain_hold(a->recorded, &rf, &record, err);

	/* Cut off, it is what a create that was cut off is. */
	record.creating = true;
	if (rc == 0)
		rc = runfile_write(&rf, &record, err);
	if (rc == 0)
		rc = domain_soft_reset(a->xen, a->domid, a->config, err);
	record.creating = false;
	if (rc == 0)
		rc = runfile_write(&rf, &record, err);
	runfile_unlock(&rf);
	if (rc == 0) {
		tell(a, "restart", "soft reset: the same domain goes on");
		return SAME_RUNS;
	}
	/* Somebody has destroyed it beside us: what was put together again goes as well. */
	if (domctl_info(a->xen, a->domid, &info, &ignored) < 0 || info.dying) {
		runfile_drop(RUNFILE_DIR, a->recorded, a->domid, a->config->uuid);
		rc = domain_strip(a->xen, a->domid, a->config->uuid, err);
		return rc < 0 ? rc : gone(a);
	}
	log_warn("domain %u: no soft reset: %s: it is restarted", a->domid, err->msg);
	tell(a, "error", "no soft reset: %s: it is restarted", err->msg);
	goes_after(a, rc);
	rc = update_apply(a->xen, a->domid, a->config->uuid, a->config, err);
	if (rc >= 0)
		rc = make_way(a, err);
	if (rc == 0)
		rc = restart(a, err);
	return rc < 0 ? rc : SUCCESSOR_RUNS;
}

/* Devices that came and went, memory, vcpus. */
static void take_live_config(struct attended *a)
{
	scoped(domain_config) struct domain_config live = DOMAIN_CONFIG_INIT;
	scoped(json) json_t *json = NULL;
	struct domain_config old = *a->config;
	struct err err;

	if (ending_config(a->xen, a->domid, &live, &json, &err) < 0) {
		log_warn("domain %u: it goes on with what its config said at first: %s", a->domid,
			 err.msg);
		return;
	}
	*a->config = live;
	live = old;
}

static bool comes_again(enum config_action action)
{
	return ending_restarts(action) || action == CONFIG_ACTION_SOFT_RESET;
}

/* What there is to attend now, or a failure. */
static int carry_out(struct attended *a, enum config_action action, struct err *err)
{
	scoped(runfile) struct runfile end = RUNFILE_INIT;
	scoped(free) char *name = NULL;
	struct domain_config *config = a->config;
	struct ending_aside aside;
	struct domctl_info info;
	const char *no_reset;
	struct err ignored;
	int rc = domain_get_name(a->xen, a->domid, &name, &ignored);

	/* By the name that whoever destroys it finds. */
	if (rc < 0 || config_check_name(name, &ignored) < 0)
		rc = runfile_lock_end(RUNFILE_DIR, config->name, &end, err);
	else
		rc = runfile_lock_end(RUNFILE_DIR, name, &end, err);
	a->leaves = rc == -EINTR;
	if (a->leaves)
		return NOTHING_LEFT;
	if (rc == 0)
		rc = domctl_info(a->xen, a->domid, &info, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	/* Who had the lock has destroyed it. */
	if (rc == -ENOENT || info.dying || memcmp(info.uuid, config->uuid, sizeof(info.uuid)) != 0)
		return gone(a);
	/* It was held back for its QEMU's end, and has come to its own. */
	if (info.shutdown && info.shutdown_reason != DOMCTL_SUSPEND)
		action = ending_action(config, info.shutdown_reason);
	if (comes_again(action))
		take_live_config(a);
	no_reset = ending_no_reset(config, &action);
	if (no_reset) {
		log_warn("domain %u: %s", a->domid, no_reset);
		tell(a, "error", "%s", no_reset);
	}
	if (ending_dumps(action))
		dump_core(a);
	if (a->given_up)
		return fail(err, EAGAIN, "domain %u (%s) is left as it ended: it was restarted %u times in a "
			    "row within %d s each", a->domid, config->name, a->restarts - 1,
			    ENDING_QUICK_S);
	/* While the domain has its uuid, by which it is found. */
	rc = ending_restarts(action) ? update_apply(a->xen, a->domid, config->uuid, config, err) : 0;
	if (rc < 0)
		return rc;
	switch (action) {
	case CONFIG_ACTION_SOFT_RESET:
		return soft_reset(a, err);
	case CONFIG_ACTION_PRESERVE:
		return NOTHING_LEFT;
	case CONFIG_ACTION_DESTROY:
	case CONFIG_ACTION_COREDUMP_DESTROY:
		rc = ending_destroy(a->xen, a->domid, config->uuid, err);
		return rc < 0 ? rc : NOTHING_LEFT;
	case CONFIG_ACTION_RENAME_RESTART:
		rc = ending_new_aside(a->xen, config->name, &aside, err);
		if (rc == 0)
			rc = ending_keep_aside(a->xen, a->domid, config->uuid, &aside, err);
		if (goes_after(a, rc))
			rc = ending_keep_aside(a->xen, a->domid, config->uuid, &aside, err);
		break;
	default:
		rc = make_way(a, err);
	}
	if (rc == 0)
		rc = restart(a, err);
	return rc < 0 ? rc : SUCCESSOR_RUNS;
}

/*
 * A guest whose device model has ended hangs at its next access to what that was; this is said, and
 * done about it what its config says. 1: *action is left to do.
 */
static int wait_with_model(const struct attended *a, struct lifecycle_target *target,
			   enum config_action *action, struct err *err)
{
	scoped(model_watch) struct model_watch *model = NULL;
	struct domctl_info info;
	const char *said, *does;
	int pid, rc = devices_watch_model(a->xen, target->domid, &model, err);

	if (rc == 0)
		rc = lifecycle_wait_end(a->xen, target, model_watch_fd(model), err);
	if (rc <= 0)
		return rc;
	rc = domctl_info(a->xen, target->domid, &info, err);
	/* Whoever destroys a domain pauses it and ends its QEMU first. */
	if (rc == 0 || rc == -ENOENT)
		rc = lifecycle_wait(a->xen, target, 1, LIFECYCLE_ENDED,
				    rc == 0 && !info.paused ? 0 : DESTROY_MS, NULL, err);
	if (rc != -ETIMEDOUT)
		return rc;
	said = model_watch_said(model, &pid);
	does = config_model_exit_name(a->config->on_device_model_exit);
	log_warn("domain %u: its device model (process %d) has ended%s: %s", target->domid, pid, said,
		 does);
	tell(a, "device-model", "%s (QEMU, process %d, has ended%s)", does, pid, said);
	if (ending_model_action(a->config, action))
		return 1;
	rc = a->config->on_device_model_exit == MODEL_EXIT_PRESERVE ?
		domctl_pause(a->xen, target->domid, err) : 0;
	return rc < 0 ? rc : lifecycle_wait_end(a->xen, target, -1, err);
}

/* Waits for its end: 1 and *action, or 0 when there is nothing left to carry out. */
static int wait_for_end(struct attended *a, enum config_action *action, struct err *err)
{
	struct lifecycle_target target = { .domid = a->domid };
	int rc;

	memcpy(target.uuid, a->config->uuid, sizeof(target.uuid));
	rc = wait_with_model(a, &target, action, err);
	a->leaves = rc == -EINTR;
	if (a->leaves)
		return NOTHING_LEFT;
	if (rc != 0)
		return rc;
	if (target.gone)
		return gone(a);
	*action = ending_action(a->config, target.reason);
	log_info("domain %u (%s) %s: %s", a->domid, a->config->name, ending_words(target.reason),
		 config_action_name(*action));
	tell(a, ending_kind(target.reason), "%s: %s", ending_reason_name(target.reason),
	     config_action_name(*action));
	return 1;
}

/* As the supervisor does with one that ends again and again. 1: its turn has come; 0: nothing is left. */
static int hold_back(struct attended *a, int64_t started_ms, struct err *err)
{
	struct lifecycle_target target = { .domid = a->domid };
	bool quick = wait_now_ms() - started_ms < INT64_C(1000) * ENDING_QUICK_S;
	int rc, pause;

	a->restarts = quick ? a->restarts + 1 : 0;
	pause = a->restarts ? ending_pause(a->restarts - 1) : 0;
	a->given_up = pause < 0;
	if (a->given_up)
		tell(a, "given-up", "restarted %u times in a row within %d s each", a->restarts - 1,
		     ENDING_QUICK_S);
	if (pause <= 0)
		return 1;
	log_info("domain %u: its restart is held back for %d s", a->domid, pause);
	tell(a, "held-back", "for %d s", pause);
	memcpy(target.uuid, a->config->uuid, sizeof(target.uuid));
	rc = lifecycle_wait(a->xen, &target, 1, LIFECYCLE_GONE, 1000 * pause, NULL, err);
	a->leaves = rc == -EINTR;
	return a->leaves ? NOTHING_LEFT : rc == -ETIMEDOUT ? 1 : rc < 0 ? rc : gone(a);
}

/* One domain's life, and what comes of it. */
static int attend_one(struct attended *a, struct err *err)
{
	enum config_action action = CONFIG_ACTION_PRESERVE, does;
	int64_t started_ms = wait_now_ms();
	int rc = wait_for_end(a, &action, err);

	does = action;
	ending_no_reset(a->config, &does);
	if (rc > 0 && comes_again(does))
		rc = hold_back(a, started_ms, err);
	return rc > 0 ? carry_out(a, action, err) : rc;
}

int domain_attend(struct xen *xen, struct domain_config *config, uint32_t domid,
		  const struct attend_hooks *hooks, struct err *err)
{
	struct attended a = { .xen = xen, .config = config, .hooks = hooks, .domid = domid };
	int rc = SUCCESSOR_RUNS;

	while (rc > 0 && !a.leaves) {
		if (rc == SUCCESSOR_RUNS) {
			free(a.recorded);
			a.recorded = strdup(config->name);
		}
		rc = a.recorded ? attend_one(&a, err) : fail_nomem(err);
		if (rc == SUCCESSOR_RUNS && hooks->started)
			hooks->started(a.domid, hooks->arg);
	}
	if (rc < 0 && !a.given_up)
		tell(&a, "error", "%s", err->msg);
	free(a.recorded);
	return rc < 0 ? rc : a.leaves;
}
