/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The states of both ends of a device, and waiting for them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xenbus.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/disk.h"
#include "kind.h"
#include "xen/store.h"
#include "xen/xen.h"

const char *device_state_name(unsigned int state)
{
	static const char *const names[] = {
		[XenbusStateUnknown] = "Unknown", [XenbusStateInitialising] = "Initialising",
		[XenbusStateInitWait] = "InitWait", [XenbusStateInitialised] = "Initialised",
		[XenbusStateConnected] = "Connected", [XenbusStateClosing] = "Closing",
		[XenbusStateClosed] = "Closed", [XenbusStateReconfiguring] = "Reconfiguring",
		[XenbusStateReconfigured] = "Reconfigured",
	};

	return state < ARRAY_SIZE(names) ? names[state] : "?";
}

const char *device_label(const struct device_kind *kind, uint32_t devid, char *buf, size_t size)
{
	char vdev[DISK_VDEV_MAX];

	if (kind == &device_disk)
		snprintf(buf, size, "%s '%s'", kind->what, disk_vdev(devid, vdev));
	else if (kind->joint)
		snprintf(buf, size, "%s", kind->what);
	else
		snprintf(buf, size, "%s %u", kind->what, devid);
	return buf;
}

int device_backend_domid(struct devices *set, const char *word, uint32_t given, uint32_t *domid,
			 struct err *err)
{
	int rc = 0;

	if (word)
		rc = set->find_domain(set->xen, word, domid, err);
	else
		*domid = given;
	return rc < 0 ? fail_in(err, "backend domain") : 0;
}

/* What Linux's drivers say when they give up (xenbus_dev_error). */
void device_backend_error(struct xen *xen, const char *backend, char *buf, size_t size)
{
	const char *rest = strstr(backend, "/backend/");
	scoped(free) char *path = NULL, *text = NULL;
	char escaped[160];
	struct err ignored;	/* there is no error node */

	*buf = '\0';
	if (rest)
		path = str_format("%.*s/error%s/error", (int)(rest - backend), backend, rest);
	if (path && store_read(xen, NULL, path, &text, &ignored) == 0)
		snprintf(buf, size, " (it says: %s)",
			 str_escape(text, strlen(text), escaped, sizeof(escaped)));
}

unsigned int device_parse_state(const char *text)
{
	uint64_t value;

	return str_to_u64(text, XenbusStateReconfigured, &value) == 0 ? (unsigned int)value :
		XenbusStateUnknown;
}

static int read_state(struct xen *xen, const char *path, unsigned int *state, struct err *err)
{
	scoped(free) char *text = NULL;
	int rc = store_read(xen, NULL, path, &text, err);

	if (rc == 0)
		*state = device_parse_state(text);
	return rc;
}

static int fail_state(struct xen *xen, const char *backend, unsigned int state, struct err *err)
{
	char why[192];

	device_backend_error(xen, backend, why, sizeof(why));
	return fail(err, ETIMEDOUT, "its backend is still in state %s%s",
		    device_state_name(state), why);
}

static int wait_state(struct xen *xen, const char *backend, const char *path, unsigned int states,
		      int64_t deadline, struct err *err)
{
	int64_t patience = wait_deadline(WAIT_PATIENCE_MS);

	for (;;) {
		scoped(free) char *token = NULL;
		unsigned int state = XenbusStateUnknown;
		int64_t now, until;
		int rc = read_state(xen, path, &state, err);

		if (rc == -ENOENT)
			return fail(err, ENOENT, "its backend has gone");
		if (rc < 0 || (states & 1U << state))
			return rc;
		now = wait_now_ms();
		if (now >= deadline)
			return fail_state(xen, backend, state, err);
		if (now >= patience) {
			log_info("waiting for the backend of %s (%s)", backend,
				 device_state_name(state));
			patience = INT64_MAX;
		}
		until = patience < deadline ? patience : deadline;
		rc = store_wait_event(xen, (int)(until - now), &token, err);
		if (rc == -EINTR)
			return fail(err, EINTR, "interrupted");
		if (rc < 0 && rc != -ETIMEDOUT)
			return rc;
	}
}

int device_read(struct xen *xen, const char *dir, const char *name, char **value,
		struct err *err)
{
	scoped(free) char *path = str_format("%s/%s", dir, name);
	int rc;

	*value = NULL;
	rc = path ? store_read(xen, NULL, path, value, err) : fail_nomem(err);
	return rc == -ENOENT ? 0 : rc;
}

static int tell_once(struct xen *xen, const char *back, const char *guard, const char *value,
		     const struct device_word *words, size_t nr, struct err *err)
{
	scoped(store_txn) struct store_txn txn = STORE_TXN_INIT;
	scoped(free) char *now = NULL;
	char path[DEVICE_PATH_LEN + 32];
	int rc = store_txn_start(xen, &txn, err);

	snprintf(path, sizeof(path), "%s/%s", back, guard);
	if (rc == 0)
		rc = store_read(xen, &txn, path, &now, err);
	if (rc == -ENOENT || (rc == 0 && value && strcmp(now, value) != 0))
		return fail(err, ENOENT, "its backend has gone");
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		snprintf(path, sizeof(path), "%s/%s", back, words[i].name);
		if (words[i].value)
			rc = store_write(xen, &txn, path, words[i].value, err);
	}
	return rc < 0 ? rc : store_txn_commit(&txn, err);
}

int device_tell(struct xen *xen, const char *back, const char *guard, const char *value,
		const struct device_word *words, size_t nr, struct err *err)
{
	int rc;

	do {
		rc = tell_once(xen, back, guard, value, words, nr, err);
	} while (rc == -EAGAIN);
	return rc;
}

int device_wait_backend(struct devices *set, const struct device *dev, unsigned int states,
			int64_t deadline, struct err *err)
{
	char back[DEVICE_PATH_LEN], path[DEVICE_PATH_LEN + 8];
	struct err unwatched;
	int rc;

	device_back_path(set, dev, back);
	snprintf(path, sizeof(path), "%s/state", back);
	rc = store_watch(set->xen, path, path, err);
	if (rc < 0)
		return rc;
	rc = wait_state(set->xen, back, path, states, deadline, err);
	if (store_unwatch(set->xen, path, path, &unwatched) < 0)
		log_debug("%s", unwatched.msg);
	return rc;
}
