/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watches, on a connection of their own. libxenstore keeps events and replies
 * apart with a thread, which its static archive is built without (an event that
 * comes before a reply then breaks the connection), so this speaks the protocol of
 * xen/io/xs_wire.h itself: two requests, their replies, and events.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <xenstore.h>
#include <xenstore_lib.h>
#include <xen/io/xs_wire.h>

#include "base/scope.h"
#include "base/wait.h"
#include "store.h"
#include "xen.h"

struct event {
	struct event *next;
	char token[];
};

struct store_watches {
	int fd;			/* non-blocking */
	struct event *first, **last;
	size_t nr_in;
	union {
		struct xsd_sockmsg header;
		char bytes[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX + 1];
	} in;
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
	scoped_fd(&w->fd);
	free(w);
	xen->watches = NULL;
}

/* As libxenstore: the daemon's socket, else the device of a daemon that is far away. */
static int connect_store(void)
{
	scoped(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = xs_daemon_socket();

	if (fd < 0 || !path || strlen(path) >= sizeof(addr.sun_path))
		return -1;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return take_fd(fd);
	/* A daemon that is dead: its kernel device would never answer. */
	if (errno != ENOENT)
		return -1;
	return open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
}

static int watches_open(struct xen *xen, struct err *err)
{
	struct store_watches *w;

	if (xen->watches)
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return fail_nomem(err);
	xen->watches = w;
	w->last = &w->first;
	w->fd = connect_store();
	if (w->fd >= 0 && fcntl(w->fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0)
		return 0;
	fail_sys(err, errno, "cannot connect to xenstored");
	store_watches_close(xen);
	return -err->code;
}

static int fail_lost(int code, struct err *err)
{
	return fail_sys(err, code ? code : ECONNRESET, "lost the connection to xenstored");
}

/* No SIGPIPE when the daemon has died; the device is no socket. */
static ssize_t send_some(int fd, const char *data, size_t len)
{
	ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

	return n < 0 && errno == ENOTSOCK ? write(fd, data, len) : n;
}

static int send_all(struct store_watches *w, const char *data, size_t len, struct err *err)
{
	while (len) {
		struct pollfd pfd = { .fd = w->fd, .events = POLLOUT };
		ssize_t n = send_some(w->fd, data, len);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return fail_lost(errno, err);
		if (n < 0) {
			poll(&pfd, 1, -1);
			continue;
		}
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int send_request(struct store_watches *w, enum xsd_sockmsg_type type, const char *path,
			const char *token, struct err *err)
{
	size_t path_len = strlen(path) + 1, token_len = strlen(token) + 1;
	struct {
		struct xsd_sockmsg header;
		char payload[XENSTORE_PAYLOAD_MAX];
	} out = { .header = { .type = type, .len = (uint32_t)(path_len + token_len) } };

	if (path_len + token_len > sizeof(out.payload))
		return fail_sys(err, E2BIG, "cannot watch a xenstore node");
	memcpy(out.payload, path, path_len);
	memcpy(out.payload + path_len, token, token_len);
	return send_all(w, (const char *)&out, sizeof(out.header) + out.header.len, err);
}

/* 1: a whole message is in w->in, 0: not yet. */
static int receive(struct store_watches *w, struct err *err)
{
	const size_t head = sizeof(w->in.header);
	ssize_t n;

	for (;;) {
		size_t want = head;

		if (w->nr_in >= head && w->in.header.len > XENSTORE_PAYLOAD_MAX)
			return fail_lost(EPROTO, err);
		if (w->nr_in >= head)
			want += w->in.header.len;
		if (w->nr_in == want && w->nr_in >= head) {
			w->in.bytes[w->nr_in] = '\0';
			return 1;
		}
		n = read(w->fd, w->in.bytes + w->nr_in, want - w->nr_in);
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail_lost(n < 0 ? errno : 0, err);
		w->nr_in += (size_t)n;
	}
}

/* The payload is path, NUL, token, NUL. */
static int keep_event(struct store_watches *w, struct err *err)
{
	const char *path = w->in.bytes + sizeof(w->in.header);
	size_t path_len = strnlen(path, w->in.header.len);
	const char *token = path_len < w->in.header.len ? path + path_len + 1 : "";
	struct event *event = malloc(sizeof(*event) + strlen(token) + 1);

	w->nr_in = 0;
	if (!event)
		return fail_nomem(err);
	event->next = NULL;
	memcpy(event->token, token, strlen(token) + 1);
	*w->last = event;
	w->last = &event->next;
	return 0;
}

static int error_number(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(xsd_errors); i++) {
		if (strcmp(xsd_errors[i].errstring, name) == 0)
			return xsd_errors[i].errnum;
	}
	return EIO;
}

/* Waits for the reply; events that come before it are kept. */
static int take_reply(struct store_watches *w, struct err *err)
{
	for (;;) {
		struct pollfd pfd = { .fd = w->fd, .events = POLLIN };
		int rc = receive(w, err);

		if (rc == 0)
			poll(&pfd, 1, -1);
		else if (rc > 0 && w->in.header.type == XS_WATCH_EVENT)
			rc = keep_event(w, err);
		else if (rc > 0)
			break;
		if (rc < 0)
			return rc;
	}
	w->nr_in = 0;
	if (w->in.header.type != XS_ERROR)
		return 0;
	return fail_sys(err, error_number(w->in.bytes + sizeof(w->in.header)), "xenstored refused");
}

static int request(struct xen *xen, enum xsd_sockmsg_type type, const char *path,
		   const char *token, struct err *err)
{
	int rc = watches_open(xen, err);

	if (rc == 0)
		rc = send_request(xen->watches, type, path, token, err);
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
		rc = receive(w, err);
		if (rc <= 0)
			return rc;
		if (w->in.header.type != XS_WATCH_EVENT)
			return fail_lost(EPROTO, err);
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
	return xen->watches ? xen->watches->fd : -1;
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
