/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lifecycle.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "destroy.h"
#include "lookup.h"
#include "runfile.h"
#include "trigger.h"
#include "userdata.h"
#include "xen/domctl.h"
#include "xen/store.h"
#include "xen/xen.h"

static void control_path(uint32_t domid, char path[48])
{
	snprintf(path, 48, "/local/domain/%u/control/shutdown", domid);
}

/* PV and PVH always listen to the store; HVM only once its drivers are up. */
static int can_hear(struct xen *xen, uint32_t domid, bool *can, struct err *err)
{
	enum domain_type type;
	int rc = domain_get_type(xen, domid, &type, err);

	*can = true;
	return rc < 0 || type != DOMAIN_HVM ? rc : domctl_has_pv_drivers(xen, domid, can, err);
}

static int write_request(struct xen *xen, uint32_t domid, enum lifecycle_request request,
			 struct err *err)
{
	char path[48];

	control_path(domid, path);
	return store_write(xen, NULL, path, request == LIFECYCLE_REBOOT ? "reboot" : "poweroff",
			   err);
}

int lifecycle_ask(struct xen *xen, uint32_t domid, enum lifecycle_request request, bool button,
		  struct lifecycle_target *target, struct err *err)
{
	struct domctl_info info;
	bool can;
	int rc = domctl_info(xen, domid, &info, err);

	if (rc < 0)
		return rc;
	*target = (struct lifecycle_target){ .domid = domid };
	memcpy(target->uuid, info.uuid, sizeof(target->uuid));
	/* Its nodes are gone or going: a request would be a node that nobody removes. */
	if (info.dying) {
		target->gone = target->ended = target->acked = true;
		return 0;
	}
	rc = can_hear(xen, domid, &can, err);
	if (rc < 0)
		return rc;
	if (can)
		return write_request(xen, domid, request, err);
	if (!button)
		return -EOPNOTSUPP;
	target->by_button = target->acked = true;
	return domain_trigger(xen, domid, request == LIFECYCLE_REBOOT ? TRIGGER_RESET :
			      TRIGGER_POWER, 0, err);
}

/* A guest takes the request by emptying or removing the node. */
static int look_for_ack(struct xen *xen, struct lifecycle_target *t, struct err *err)
{
	scoped(free) char *value = NULL;
	char path[48];
	int rc;

	control_path(t->domid, path);
	rc = store_read(xen, NULL, path, &value, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	t->acked = rc == -ENOENT || !*value;
	return 0;
}

static int look_at(struct xen *xen, struct lifecycle_target *t, struct err *err)
{
	struct domctl_info info;
	int rc = domctl_info(xen, t->domid, &info, err);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == -ENOENT || info.dying || memcmp(info.uuid, t->uuid, sizeof(t->uuid)) != 0) {
		t->gone = t->ended = t->acked = true;
		return 0;
	}
	if (info.shutdown) {
		t->reason = info.shutdown_reason;
		t->ended = t->acked = true;
		return 0;
	}
	return t->acked ? 0 : look_for_ack(xen, t, err);
}

static bool is_done(const struct lifecycle_target *t, enum lifecycle_until until)
{
	return until == LIFECYCLE_ACKED ? t->acked : until == LIFECYCLE_ENDED ? t->ended : t->gone;
}

/* Number of targets that are not that far yet, or an error. */
static int look_at_all(struct xen *xen, struct lifecycle_target *targets, size_t nr,
		       enum lifecycle_until until,
		       void (*report)(const struct lifecycle_target *target), struct err *err)
{
	int left = 0;

	for (size_t i = 0; i < nr; i++) {
		struct lifecycle_target *t = &targets[i];
		int rc = is_done(t, until) ? 0 : look_at(xen, t, err);

		if (rc < 0)
			return rc;
		/* Also what a wait for something else has seen. */
		if (report && ((t->ended && !t->told) || (t->gone && !t->told_gone))) {
			report(t);
			t->told = true;
			t->told_gone = t->gone;
		}
		left += !is_done(t, until);
	}
	return left;
}

static int watch_all(struct xen *xen, const struct lifecycle_target *targets, size_t nr,
		     enum lifecycle_until until, bool on, struct err *err)
{
	int rc = on ? store_watch(xen, "@releaseDomain", "end", err) :
		 store_unwatch(xen, "@releaseDomain", "end", err);

	for (size_t i = 0; i < nr && rc == 0 && until == LIFECYCLE_ACKED; i++) {
		char path[48];

		control_path(targets[i].domid, path);
		rc = on ? store_watch(xen, path, "ack", err) : store_unwatch(xen, path, "ack", err);
	}
	return rc;
}

static int wait_watched(struct xen *xen, struct lifecycle_target *targets, size_t nr,
			enum lifecycle_until until, int64_t deadline,
			void (*report)(const struct lifecycle_target *target), struct err *err)
{
	for (;;) {
		scoped(free) char *token = NULL;
		int64_t left_ms = deadline == INT64_MAX ? -1 : deadline - wait_now_ms();
		int rc = look_at_all(xen, targets, nr, until, report, err);

		if (rc <= 0)
			return rc;
		if (deadline != INT64_MAX && left_ms <= 0)
			return -ETIMEDOUT;
		rc = store_wait_event(xen, (int)left_ms, &token, err);
		if (rc < 0)
			return rc;
	}
}

int lifecycle_wait(struct xen *xen, struct lifecycle_target *targets, size_t nr,
		   enum lifecycle_until until, int timeout_ms,
		   void (*report)(const struct lifecycle_target *target), struct err *err)
{
	struct err ignored = ERR_INIT;
	int rc = watch_all(xen, targets, nr, until, true, err);

	if (rc == 0)
		rc = wait_watched(xen, targets, nr, until, wait_deadline(timeout_ms), report, err);
	/* A watch that could not be taken back ends with the connection. */
	if (watch_all(xen, targets, nr, until, false, &ignored) < 0)
		return rc;
	return rc;
}

int lifecycle_wait_end(struct xen *xen, struct lifecycle_target *target, int other,
		       struct err *err)
{
	struct pollfd fds[] = { { .events = POLLIN }, { .fd = other, .events = POLLIN } };
	struct err ignored = ERR_INIT;
	int rc = watch_all(xen, target, 1, LIFECYCLE_ENDED, true, err);

	fds[0].fd = store_fd(xen);
	while (rc == 0 && !fds[1].revents) {
		scoped(free) char *token = NULL;

		rc = store_take_event(xen, &token, err);
		if (rc == 0)
			rc = wait_poll(fds, ARRAY_SIZE(fds), INT64_MAX);
		if (rc < 0)
			break;
		rc = look_at_all(xen, target, 1, LIFECYCLE_ENDED, NULL, err);
		if (rc <= 0)
			break;
		rc = 0;
	}
	/* A watch that could not be taken back ends with the connection. */
	if (watch_all(xen, target, 1, LIFECYCLE_ENDED, false, &ignored) < 0)
		log_debug("%s", ignored.msg);
	return rc < 0 ? rc : !target->ended;
}

/* One try of the store's part; -EAGAIN when somebody else's change came between. */
static int rename_in_store(struct xen *xen, uint32_t domid, const char *uuid, const char *name,
			   struct err *err)
{
	scoped(store_txn) struct store_txn txn = STORE_TXN_INIT;
	scoped(free) char *old = NULL;
	char path[64];
	int rc = store_txn_start(xen, &txn, err);

	/* Reading it makes a rename at the same time a conflict. */
	snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
	if (rc == 0)
		rc = store_read(xen, &txn, path, &old, err);
	if (rc == 0)
		rc = store_write(xen, &txn, path, name, err);
	snprintf(path, sizeof(path), "/vm/%s/name", uuid);
	if (rc == 0)
		rc = store_write(xen, &txn, path, name, err);
	if (rc == 0)
		rc = store_txn_commit(&txn, err);
	return rc;
}

/* A domain whose configuration was never stored has nothing to change. */
static int rename_in_userdata(const struct userdata *ud, const char *name, struct err *err)
{
	scoped(json) json_t *config = NULL;
	int rc = userdata_read(ud, &config, err);

	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = json_add(json_object_get(config, "c_info"), "name", json_text(name), err);
	return rc < 0 ? rc : userdata_write(ud, config, err);
}

/* A run file of ours moves along; another toolstack's domain has none and gets none. */
static int rename_runfile(struct runfile *to, uint32_t domid, const uint8_t uuid[16],
			  const char *old_name, struct err *err)
{
	struct runfile_record record;
	struct err ignored = ERR_INIT;
	int rc;

	if (runfile_read(RUNFILE_DIR, old_name, &record, &ignored) < 0 ||
	    record.domid != domid || memcmp(record.uuid, uuid, sizeof(record.uuid)) != 0)
		return 0;
	rc = runfile_write(to, &record, err);
	if (rc < 0)
		return rc;
	runfile_unlock(to);
	runfile_drop(RUNFILE_DIR, old_name, domid, uuid);
	return 0;
}

static int check_free(struct xen *xen, const char *name, struct err *err)
{
	uint32_t other;
	int rc = domain_find_name(xen, name, &other, err);

	if (rc == 0)
		return fail(err, EEXIST, "domain %u is already called '%s'", other, name);
	return rc == -ENOENT ? 0 : rc;
}

/* All but the name's file, which the caller holds so that no create takes the name. */
static int rename_locked(struct xen *xen, const struct domctl_info *info, const char *name,
			 struct err *err)
{
	scoped(userdata_lock) struct userdata_lock lock = USERDATA_LOCK_INIT;
	struct userdata ud = { .domid = info->domid };
	struct domctl_info again;
	char uuid[37];
	int rc;

	memcpy(ud.uuid, info->uuid, sizeof(ud.uuid));
	userdata_format_uuid(info->uuid, uuid);
	rc = userdata_lock(&ud, &lock, err);
	if (rc == 0)
		rc = domctl_info(xen, info->domid, &again, err);
	if (rc < 0)
		return rc;
	do {
		rc = check_free(xen, name, err);
		if (rc == 0)
			rc = rename_in_store(xen, info->domid, uuid, name, err);
	} while (rc == -EAGAIN);
	return rc < 0 ? rc : rename_in_userdata(&ud, name, err);
}

int lifecycle_rename(struct xen *xen, uint32_t domid, const char *name, struct err *err)
{
	scoped(runfile) struct runfile file = RUNFILE_INIT;
	scoped(free) char *old_name = NULL;
	struct runfile_record stale;
	struct domctl_info info;
	bool found = false;
	uint32_t debris;
	int rc;

	rc = config_check_name(name, err);
	if (rc == 0)
		rc = domctl_info(xen, domid, &info, err);
	if (rc == 0)
		rc = domain_get_name(xen, domid, &old_name, err);
	if (rc < 0)
		return rc;
	if (strcmp(old_name, name) == 0)
		return 0;
	rc = runfile_lock(RUNFILE_DIR, name, &file, &found, &stale, err);
	/* Its record is about to be replaced, and with it what says that there is debris. */
	if (rc == 0 && found && stale.creating)
		rc = domain_reap(xen, &stale, &debris, err);
	if (rc == 0)
		rc = rename_locked(xen, &info, name, err);
	if (rc == 0)
		rc = rename_runfile(&file, domid, info.uuid, old_name, err);
	/* Another domain's record, or what a killed create left: not ours to remove. */
	if (rc < 0 && found)
		runfile_unlock(&file);
	return rc;
}
