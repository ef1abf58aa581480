/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many reads with all requests under way at once: one after the other, each costs
 * two switches between this process and xenstored.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/wait.h"
#include "nodes.h"
#include "store.h"
#include "wire.h"
#include "xen.h"

/* So many that neither side's socket buffer can fill up with the other side waiting. */
enum { BATCH = 64 };

#define KERNEL_DEVICE "/dev/xen/xenbus"
enum { KERNEL_MS = 10000 };

static int send_batch(struct wire *w, const char *const *paths, size_t first, size_t nr,
		      struct err *err)
{
	scoped(strbuf) struct strbuf out = STRBUF_INIT;
	int rc = 0;

	for (size_t i = first; i < first + nr && rc == 0; i++)
		rc = wire_put(&out, XS_READ, 0, paths[i], NULL, err);
	return rc < 0 ? rc : wire_flush(w, &out, err);
}

/* xenstored answers one connection's requests in the order they came. */
static int take_value(struct wire *w, const char *path, char **value, struct err *err)
{
	int rc = wire_wait(w, err);

	if (rc < 0)
		return rc;
	wire_done(w);
	if (w->in.header.type == XS_ERROR && wire_errno(w) == ENOENT)
		return 0;
	if (w->in.header.type != XS_READ)
		return fail_sys(err, wire_errno(w), "cannot read xenstore node '%s'", path);
	*value = strdup(wire_payload(w));
	return *value ? 0 : fail_nomem(err);
}

int store_read_many(const char *const *paths, size_t nr, char **values, struct err *err)
{
	scoped(wire) struct wire w = { .fd = -1 };
	int rc = nr ? wire_open(&w, err) : 0;

	memset(values, 0, nr * sizeof(*values));
	for (size_t first = 0; first < nr && rc == 0; first += BATCH) {
		size_t batch = nr - first < BATCH ? nr - first : BATCH;

		rc = send_batch(&w, paths, first, batch, err);
		for (size_t i = first; i < first + batch && rc == 0; i++)
			rc = take_value(&w, paths[i], &values[i], err);
	}
	for (size_t i = 0; i < nr && rc < 0; i++)
		free(take(values[i]));
	return rc;
}

int store_ping(int timeout_ms, double *seconds, struct err *err)
{
	static const char *const path[] = { "/tool" };
	scoped(wire) struct wire w = { .fd = -1 };
	int64_t deadline = wait_deadline(timeout_ms);
	struct timespec from, to;
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &from);
	rc = wire_open_until(&w, deadline, err);
	if (rc == 0)
		rc = send_batch(&w, path, 0, 1, err);
	while (rc == 0) {
		struct pollfd pfd = { .fd = w.fd, .events = POLLIN };

		rc = wire_receive(&w, err);
		if (rc == 0 && wait_poll(&pfd, 1, deadline) < 0)
			rc = -ETIMEDOUT;
	}
	if (rc == -ETIMEDOUT)
		return fail(err, ETIMEDOUT, "xenstored does not answer");
	if (rc < 0)
		return rc;
	clock_gettime(CLOCK_MONOTONIC, &to);
	*seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	return 0;
}

int store_settle(struct err *err)
{
	enum { ROUNDS = 2 * STORE_NODES_BATCH + 8 };
	const char *paths[ROUNDS];
	char *values[ROUNDS];
	int rc;

	for (size_t i = 0; i < ROUNDS; i++)
		paths[i] = "/tool";
	rc = store_read_many(paths, ROUNDS, values, err);
	for (size_t i = 0; i < ROUNDS && rc == 0; i++)
		free(values[i]);
	return rc;
}

/* Until an event of our watch, which comes beside the reply to the request, in any order. */
static int await_event(int fd, struct err *err)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct xsd_sockmsg header;
	char payload[XENSTORE_PAYLOAD_MAX];

	for (;;) {
		int n = poll(&pfd, 1, KERNEL_MS);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(err, ETIMEDOUT, "this kernel's backends do not answer");
		if (read(fd, &header, sizeof(header)) != sizeof(header) ||
		    header.len > sizeof(payload) ||
		    read(fd, payload, header.len) != (ssize_t)header.len)
			return fail_sys(err, errno ? errno : EPROTO, "cannot read '%s'", KERNEL_DEVICE);
		if (header.type == XS_WATCH_EVENT)
			return 0;
		if (header.type == XS_ERROR)
			return fail(err, EIO, "xenstored refuses the kernel's watch");
	}
}

int store_kernel_settle(struct err *err)
{
	static const char words[] = "/tool\0settle";	/* a path that is there, and a token */
	scoped(fd) int fd = open(KERNEL_DEVICE, O_RDWR | O_CLOEXEC);
	struct xsd_sockmsg header = { .type = XS_WATCH, .req_id = 1, .len = sizeof(words) };
	char message[sizeof(header) + sizeof(words)];

	if (fd < 0)
		return fail_sys(err, errno, "cannot open '%s'", KERNEL_DEVICE);
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), words, sizeof(words));
	errno = 0;
	if (write(fd, message, sizeof(message)) != (ssize_t)sizeof(message))
		return fail_sys(err, errno, "cannot write to '%s'", KERNEL_DEVICE);
	return await_event(fd, err);
}
