/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watches, on a connection of their own. libxenstore keeps events and replies
 * apart with a thread, which its static archive is built without: an event that
 * comes before a reply then breaks the connection.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/wait.h"
#include "store.h"
#include "wire.h"
#include "xen.h"

struct event {
	struct event *next;
	char token[];
};

struct store_watches {
	struct wire wire;
	struct event *first, **last;
};

void store_watches_close(struct xen *xen)
{
	struct store_watches *w = xen->watches;

	if (!w)
		return;
	while (w->first) {
		struct event *event = w->first;

		w->first = event->next;
		free(event);
	}
	wire_close(&w->wire);
	free(w);
	xen->watches = NULL;
}

static int watches_open(struct xen *xen, struct err *err)
{
	struct store_watches *w;
	int rc;

	if (xen->watches)
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return fail_nomem(err);
	xen->watches = w;
	w->last = &w->first;
	rc = wire_open(&w->wire, err);
	if (rc < 0)
		store_watches_close(xen);
	return rc;
}

/* The payload is path, NUL, token, NUL. */
static int keep_event(struct store_watches *w, struct err *err)
{
	const char *path = wire_payload(&w->wire);
	size_t len = w->wire.in.header.len, path_len = strnlen(path, len);
	const char *token = path_len < len ? path + path_len + 1 : "";
	struct event *event = malloc(sizeof(*event) + strlen(token) + 1);

	if (!event)
		return fail_nomem(err);
	event->next = NULL;
	memcpy(event->token, token, strlen(token) + 1);
	*w->last = event;
	w->last = &event->next;
	wire_done(&w->wire);
	return 0;
}

/* Waits for the reply; events that come before it are kept. */
static int take_reply(struct store_watches *w, struct err *err)
{
	int rc;

	for (;;) {
		rc = wire_wait(&w->wire, err);
		if (rc < 0)
			return rc;
		if (w->wire.in.header.type != XS_WATCH_EVENT)
			break;
		rc = keep_event(w, err);
		if (rc < 0)
			return rc;
	}
	wire_done(&w->wire);
	if (w->wire.in.header.type != XS_ERROR)
		return 0;
	return fail_sys(err, wire_errno(&w->wire), "xenstored refused");
}

static int request(struct xen *xen, enum xsd_sockmsg_type type, const char *path,
		   const char *token, struct err *err)
{
	scoped(strbuf) struct strbuf out = STRBUF_INIT;
	int rc = watches_open(xen, err);

	if (rc == 0)
		rc = wire_put(&out, type, 0, path, token, err);
	if (rc == 0)
		rc = wire_flush(&xen->watches->wire, &out, err);
	if (rc == 0)
		rc = take_reply(xen->watches, err);
	return rc;
}

int store_watch(struct xen *xen, const char *path, const char *token, struct err *err)
{
	if (request(xen, XS_WATCH, path, token, err) < 0)
		return fail_in(err, "cannot watch xenstore node '%s'", path);
	return 0;
}

int store_unwatch(struct xen *xen, const char *path, const char *token, struct err *err)
{
	if (request(xen, XS_UNWATCH, path, token, err) < 0)
		return fail_in(err, "cannot end the watch of xenstore node '%s'", path);
	return 0;
}

int store_take_event(struct xen *xen, char **token, struct err *err)
{
	struct store_watches *w = xen->watches;
	struct event *event;
	int rc;

	if (!w)
		return 0;
	if (!w->first) {
		rc = wire_receive(&w->wire, err);
		if (rc <= 0)
			return rc;
		/* Nothing else can come: every reply has been taken. */
		rc = keep_event(w, err);
		if (rc < 0)
			return rc;
	}
	event = w->first;
	*token = strdup(event->token);
	if (!*token)
		return fail_nomem(err);
	w->first = event->next;
	if (!w->first)
		w->last = &w->first;
	free(event);
	return 1;
}

int store_fd(struct xen *xen)
{
	return xen->watches ? xen->watches->wire.fd : -1;
}

int store_wait_event(struct xen *xen, int timeout_ms, char **token, struct err *err)
{
	int64_t deadline = wait_deadline(timeout_ms);

	for (;;) {
		struct pollfd pfd = { .fd = store_fd(xen), .events = POLLIN };
		int rc = store_take_event(xen, token, err);

		if (rc != 0)
			return rc < 0 ? rc : 0;
		rc = wait_poll(&pfd, 1, deadline);
		if (rc < 0)
			return rc;
	}
}
