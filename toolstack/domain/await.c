/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "await.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/config.h"
#include "ending.h"
#include "lifecycle.h"
#include "list.h"
#include "lookup.h"
#include "runfile.h"
#include "xen/domctl.h"
#include "xen/store.h"

enum { LOOK_MS = 100, LOOK_ABSENT_MS = 1000, PATH_LEN = 96, NAME_MOST = 32 };

struct await {
	struct xen *xen;
	const char *word;
	enum await_what what;
	await_attended_fn attended;
	bool known;			/* domid and uuid are of the one that was seen last */
	uint32_t domid;
	uint8_t uuid[16];
	char watched[PATH_LEN];		/* below its folder; "": nothing */
	bool ours;			/* its end leaves a record of a restart, if any */
	bool restarts;			/* it has ended, and another will follow */
	int look_ms;			/* what no watch tells is looked for so often; -1: nothing */
	char why[160];			/* what is missing, for the timeout */
};

static const char *const words[] = {
	[AWAIT_RUNNING] = "running", [AWAIT_SHUTDOWN] = "shut down", [AWAIT_GONE] = "gone",
	[AWAIT_CONSOLE] = "there with a console", [AWAIT_IP] = "there with an address",
};

/* An address as an agent wrote it, which is the guest: nothing else gets through. */
static bool is_address(const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* 1 and *found for an address, 0 for none: a node that is absent is none. */
static int read_address(struct xen *xen, const char *path, char **found, struct err *err)
{
	scoped(free) char *value = NULL;
	int rc = store_read(xen, NULL, path, &value, err);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	if (!is_address(value))
		return 0;
	*found = take(value);
	return 1;
}

typedef int (*child_fn)(struct xen *xen, const char *path, char **found, struct err *err);

/* The first of a folder's children for which look() says 1. */
static int for_children(struct xen *xen, const char *dir, const char *below, child_fn look,
			char **found, struct err *err)
{
	char **names = NULL;
	unsigned int nr = 0;
	int rc = store_list(xen, NULL, dir, &names, &nr, err);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	for (unsigned int i = 0; i < nr && rc == 0; i++) {
		scoped(free) char *path = str_format("%s/%.*s%s", dir, NAME_MOST, names[i], below);

		rc = path ? look(xen, path, found, err) : fail_nomem(err);
	}
	store_list_free(names);
	return rc;
}

static int look_in_folder(struct xen *xen, const char *path, char **found, struct err *err)
{
	return for_children(xen, path, "", read_address, found, err);
}

/* attr/vif/N/ipv4/M (xen-guest-agent, XenServer's); attr/eth0/ip (older ones). */
static int look_for_ip(struct await *a, char **found, struct err *err)
{
	static const char *const folders[] = { "/ipv4", "/ipv6" };
	char path[PATH_LEN];
	int rc = 0;

	snprintf(path, sizeof(path), "/local/domain/%u/attr/vif", a->domid);
	for (size_t i = 0; i < ARRAY_SIZE(folders) && rc == 0; i++)
		rc = for_children(a->xen, path, folders[i], look_in_folder, found, err);
	snprintf(path, sizeof(path), "/local/domain/%u/attr", a->domid);
	return rc ? rc : for_children(a->xen, path, "/ip", read_address, found, err);
}

static int look_for_console(struct await *a, char **found, struct err *err)
{
	scoped(free) char *tty = NULL;
	char path[PATH_LEN];
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/console/tty", a->domid);
	rc = store_read(a->xen, NULL, path, &tty, err);
	if (rc < 0 || !*tty)
		return rc == -ENOENT ? 0 : rc;
	*found = take(tty);
	return 1;
}

/*
 * Whether its config lets another one follow and somebody sees to that: a->why says when only that
 * is missing. What cannot be read lets none follow.
 */
static bool will_restart(struct await *a, const struct domctl_info *info)
{
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	scoped(domain_list) struct domain_list list = DOMAIN_LIST_INIT;
	scoped(json) json_t *json = NULL;
	struct err err;

	if (domain_list_one(a->xen, info->domid, &list, &err) < 0 ||
	    domain_live_config(a->xen, &list.items[0], &json, &err) < 0 ||
	    config_from_json(json, &config, &err) < 0)
		return false;
	if (!ending_restarts(ending_action(&config, info->shutdown_reason)))
		return false;
	if (a->attended(info, list.items[0].name))
		return true;
	snprintf(a->why, sizeof(a->why), "domain %u %s, and nobody is there to restart it",
		 info->domid, ending_words(info->shutdown_reason));
	return false;
}

/* Watches what the domain will write into, once for each domain. */
static int follow(struct await *a, const struct domctl_info *info, struct err *err)
{
	const char *folder = a->what == AWAIT_IP ? "attr" : a->what == AWAIT_CONSOLE ? "console" :
		NULL;
	struct runfile_record record;
	struct err ignored;

	if (a->known && a->domid == info->domid && memcmp(a->uuid, info->uuid, 16) == 0)
		return 0;
	/* One that cannot be taken back wakes us in vain. */
	if (*a->watched && store_unwatch(a->xen, a->watched, "domain", &ignored) < 0)
		*a->watched = '\0';
	a->known = true;
	a->restarts = false;
	a->domid = info->domid;
	memcpy(a->uuid, info->uuid, sizeof(a->uuid));
	a->ours = !str_is_digits(a->word) &&
		runfile_read(RUNFILE_DIR, a->word, &record, &ignored) == 0 &&
		record.domid == info->domid;
	if (!folder)
		return 0;
	snprintf(a->watched, sizeof(a->watched), "/local/domain/%u/%s", a->domid, folder);
	return store_watch(a->xen, a->watched, "domain", err);
}

/*
 * The record of the restart is there before the old domain goes, and the successor's own before
 * that one is removed: in this order, one of them is seen. Other toolstacks have neither.
 */
static bool has_successor(const struct await *a)
{
	scoped(free) char *restart = str_format(RUNFILE_DIR "/%s" RUNFILE_RESTART_SUFFIX, a->word);
	struct runfile_record record;
	struct err unused;

	if (str_is_digits(a->word) || strchr(a->word, '/'))
		return false;
	if (!a->ours && a->restarts)
		return true;
	if (restart && access(restart, F_OK) == 0)
		return true;
	return runfile_read(RUNFILE_DIR, a->word, &record, &unused) == 0 &&
	       (record.creating || record.domid != a->domid);
}

static int look_absent(struct await *a, struct err *err)
{
	/* A name may come by a rename as well. */
	a->look_ms = str_is_digits(a->word) ? -1 : LOOK_ABSENT_MS;
	snprintf(a->why, sizeof(a->why), "there is no such domain");
	if (!a->known || has_successor(a))
		return 0;
	return fail(err, ESRCH, "domain %u is gone", a->domid);
}

/* 1: it has come; 0: not yet. */
static int look(struct await *a, char **found, struct err *err)
{
	struct domctl_info info;
	uint32_t domid;
	int rc = domain_lookup(a->xen, a->word, &domid, err);

	if (rc == 0)
		rc = domctl_info(a->xen, domid, &info, err);
	if (rc < 0)
		return rc == -ENOENT ? look_absent(a, err) : rc;
	if (info.dying)
		return look_absent(a, err);
	rc = follow(a, &info, err);
	if (rc < 0)
		return rc;
	/* Nor is the end of a pause told, or of a suspend. */
	a->look_ms = a->what == AWAIT_RUNNING && (info.paused || info.shutdown) ? LOOK_MS : -1;
	if (info.shutdown && info.shutdown_reason != DOMCTL_SUSPEND) {
		/* Who was to restart it may give it up. */
		a->look_ms = LOOK_ABSENT_MS;
		snprintf(a->why, sizeof(a->why), "domain %u %s", domid,
			 ending_words(info.shutdown_reason));
		a->restarts = will_restart(a, &info);
		return a->restarts ? 0 : fail(err, ESRCH, "%s", a->why);
	}
	snprintf(a->why, sizeof(a->why), "domain %u %s", domid, info.paused ? "is paused" :
		 info.shutdown ? "has suspended" : a->what == AWAIT_IP ?
		 "has no address in the store" : "has no console yet");
	if (a->what == AWAIT_RUNNING)
		return !info.paused && !info.shutdown;
	return a->what == AWAIT_IP ? look_for_ip(a, found, err) : look_for_console(a, found, err);
}

static int give_up(const struct await *a, int rc, struct err *err)
{
	if (rc == -ETIMEDOUT)
		return fail(err, ETIMEDOUT, "'%s' is not %s in time%s%s", a->word,
			    words[a->what], *a->why ? ": " : "", a->why);
	return rc == -EINTR ? fail(err, EINTR, "interrupted") : rc;
}

static int wait_next(struct await *a, int64_t deadline, struct err *err)
{
	scoped(free) char *token = NULL;
	int64_t now = wait_now_ms(), left = deadline == INT64_MAX ? -1 : deadline - now;
	bool looking = a->look_ms >= 0 && (left < 0 || left > a->look_ms);
	int rc;

	if (deadline != INT64_MAX && left <= 0)
		return -ETIMEDOUT;
	if (looking)
		left = a->look_ms;
	rc = store_wait_event(a->xen, (int)left, &token, err);
	return looking && rc == -ETIMEDOUT ? 0 : rc;
}

/* RUNNING, CONSOLE, IP. */
static int await_start(struct await *a, int64_t deadline, char **found, struct err *err)
{
	int rc = store_watch(a->xen, "@introduceDomain", "new", err);

	if (rc == 0)
		rc = store_watch(a->xen, "@releaseDomain", "end", err);
	while (rc == 0) {
		rc = look(a, found, err);
		if (rc == 0)
			rc = wait_next(a, deadline, err);
	}
	return rc == 1 ? 0 : give_up(a, rc, err);
}

/* A domain that has suspended comes back, unless it goes: Xen tells nobody of the first. */
static int wait_end(struct await *a, struct lifecycle_target *target, int timeout_ms,
		    struct err *err)
{
	int64_t deadline = wait_deadline(timeout_ms);

	for (;;) {
		int64_t left = deadline == INT64_MAX ? -1 : deadline - wait_now_ms();
		int rc = lifecycle_wait(a->xen, target, 1, a->what == AWAIT_GONE ? LIFECYCLE_GONE :
					LIFECYCLE_ENDED, deadline == INT64_MAX ? -1 : left < 0 ? 0 :
					(int)left, NULL, err);

		if (rc < 0 || a->what == AWAIT_GONE || target->gone ||
		    target->reason != DOMCTL_SUSPEND)
			return rc;
		snprintf(a->why, sizeof(a->why), "domain %u has suspended", target->domid);
		target->ended = false;
		if (deadline != INT64_MAX && left <= 0)
			return -ETIMEDOUT;
		if (wait_poll(NULL, 0, wait_deadline(LOOK_MS)) == -EINTR)
			return -EINTR;
	}
}

/* SHUTDOWN, GONE: of the domain that is there now. */
static int await_end(struct await *a, int timeout_ms, char **found, struct err *err)
{
	struct lifecycle_target target = { .acked = true };
	struct domctl_info info;
	int rc = domain_lookup(a->xen, a->word, &target.domid, err);

	if (rc == 0)
		rc = domctl_info(a->xen, target.domid, &info, err);
	if (rc == -ENOENT && a->what == AWAIT_GONE)
		return 0;
	if (rc < 0)
		return rc;
	memcpy(target.uuid, info.uuid, sizeof(target.uuid));
	snprintf(a->why, sizeof(a->why), "domain %u %s", target.domid, info.shutdown ?
		 ending_words(info.shutdown_reason) : "is there");
	rc = wait_end(a, &target, timeout_ms, err);
	if (rc < 0)
		return give_up(a, rc, err);
	if (a->what == AWAIT_SHUTDOWN)
		*found = strdup(target.gone ? "gone" : ending_reason_name(target.reason));
	return 0;
}

int domain_await(struct xen *xen, const char *word, enum await_what what, int timeout_ms,
		 await_attended_fn attended, char **out, struct err *err)
{
	struct await a = { .xen = xen, .word = word, .what = what, .attended = attended };
	scoped(free) char *found = NULL;
	int rc;

	if (what == AWAIT_SHUTDOWN || what == AWAIT_GONE)
		rc = await_end(&a, timeout_ms, &found, err);
	else
		rc = await_start(&a, wait_deadline(timeout_ms), &found, err);
	if (rc < 0)
		return rc;
	if (!found)
		found = strdup("");
	*out = take(found);
	return *out ? 0 : fail_nomem(err);
}
