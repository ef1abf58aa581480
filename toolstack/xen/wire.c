/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>	/* before xs_wire.h, which has its table of errors only then */

#include "wire.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <xenstore.h>
#include <xenstore_lib.h>

#include "base/scope.h"
#include "base/wait.h"

/*
 * Its queue of connections is short: when it is full, connect(2) waits for the daemon, for ever if
 * the socket blocks, and else there is nothing to poll for.
 */
static int connect_until(int fd, const struct sockaddr_un *addr, int64_t deadline)
{
	enum { AGAIN_MS = 10 };

	while (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0) {
		if (errno != EAGAIN)
			return -1;
		if (wait_now_ms() >= deadline) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (wait_poll(NULL, 0, wait_deadline(AGAIN_MS)) == -EINTR) {
			errno = EINTR;
			return -1;
		}
	}
	return 0;
}

/* As libxenstore: the daemon's socket, else the device of a daemon that is far away. */
static int connect_store(int64_t deadline)
{
	int flags = SOCK_CLOEXEC | (deadline == INT64_MAX ? 0 : SOCK_NONBLOCK);
	scoped(fd) int fd = socket(AF_UNIX, SOCK_STREAM | flags, 0);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = xs_daemon_socket();

	if (fd < 0 || !path || strlen(path) >= sizeof(addr.sun_path))
		return -1;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	if (connect_until(fd, &addr, deadline) == 0)
		return take_fd(fd);
	/* A daemon that is dead: its kernel device would never answer. */
	if (errno != ENOENT)
		return -1;
	return open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
}

int wire_open(struct wire *w, struct err *err)
{
	return wire_open_until(w, INT64_MAX, err);
}

int wire_open_until(struct wire *w, int64_t deadline, struct err *err)
{
	w->nr_in = w->ahead_at = w->ahead_len = 0;
	w->fd = connect_store(deadline);
	if (w->fd >= 0 && fcntl(w->fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0)
		return 0;
	/* Not ENOENT: that is what an absent node is. */
	fail_sys(err, errno == ENOENT ? ECONNREFUSED : errno, "cannot connect to xenstored");
	wire_close(w);
	return -err->code;
}

void wire_close(struct wire *w)
{
	scoped_fd(&w->fd);
	w->fd = -1;
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

static int send_all(struct wire *w, const char *data, size_t len, struct err *err)
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

int wire_put_bytes(struct strbuf *out, enum xsd_sockmsg_type type, uint32_t txn,
		   const char *first, const char *bytes, size_t len, struct err *err)
{
	size_t first_len = strlen(first) + 1;
	struct xsd_sockmsg header = { .type = type, .tx_id = txn,
				      .len = (uint32_t)(first_len + len) };

	if (len > XENSTORE_PAYLOAD_MAX || first_len > XENSTORE_PAYLOAD_MAX - len)
		return fail_sys(err, E2BIG, "cannot ask xenstored");
	strbuf_add(out, (const char *)&header, sizeof(header));
	strbuf_add(out, first, first_len);
	if (len)
		strbuf_add(out, bytes, len);
	return 0;
}

int wire_put(struct strbuf *out, enum xsd_sockmsg_type type, uint32_t txn, const char *first,
	     const char *second, struct err *err)
{
	return wire_put_bytes(out, type, txn, first, second, second ? strlen(second) + 1 : 0, err);
}

int wire_flush(struct wire *w, struct strbuf *out, struct err *err)
{
	int rc = out->failed ? fail_nomem(err) : send_all(w, out->s, out->len, err);

	strbuf_free(out);
	return rc;
}

/* As read(2), but one call takes as many messages as have come. */
static ssize_t read_some(struct wire *w, char *to, size_t want)
{
	size_t there;

	if (w->ahead_at == w->ahead_len) {
		ssize_t n = read(w->fd, w->ahead, sizeof(w->ahead));

		if (n <= 0)
			return n;
		w->ahead_at = 0;
		w->ahead_len = (size_t)n;
	}
	there = w->ahead_len - w->ahead_at;
	if (want > there)
		want = there;
	memcpy(to, w->ahead + w->ahead_at, want);
	w->ahead_at += want;
	return (ssize_t)want;
}

int wire_receive(struct wire *w, struct err *err)
{
	const size_t head = sizeof(w->in.header);
	ssize_t n;

	for (;;) {
		size_t want = head;

		if (w->nr_in >= head && w->in.header.len > XENSTORE_PAYLOAD_MAX)
			return fail_lost(EPROTO, err);
		if (w->nr_in >= head)
			want += w->in.header.len;
		if (w->nr_in == want) {
			w->in.bytes[w->nr_in] = '\0';
			return 1;
		}
		n = read_some(w, w->in.bytes + w->nr_in, want - w->nr_in);
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail_lost(n < 0 ? errno : 0, err);
		w->nr_in += (size_t)n;
	}
}

int wire_wait(struct wire *w, struct err *err)
{
	for (;;) {
		struct pollfd pfd = { .fd = w->fd, .events = POLLIN };
		int rc = wire_receive(w, err);

		if (rc != 0)
			return rc;
		poll(&pfd, 1, -1);
	}
}

void wire_done(struct wire *w)
{
	w->nr_in = 0;
}

const char *wire_payload(const struct wire *w)
{
	return w->in.bytes + sizeof(w->in.header);
}

int wire_errno(const struct wire *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(xsd_errors); i++) {
		if (strcmp(xsd_errors[i].errstring, wire_payload(w)) == 0)
			return xsd_errors[i].errnum;
	}
	return EIO;
}
