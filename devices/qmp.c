/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/wait.h"

/* More than any answer that is asked for here, events in between included. */
#define QMP_MAX_BYTES (1024 * 1024)

void scoped_qmp(struct qmp *qmp)
{
	scoped_fd(&qmp->fd);
	scoped_free(&qmp->text);
	*qmp = (struct qmp)QMP_INIT;
}

static int fail_wait(int rc, struct err *err)
{
	if (rc == -EINTR)
		return fail(err, EINTR, "interrupted");
	if (rc == -ETIMEDOUT)
		return fail(err, ETIMEDOUT, "QEMU does not answer");
	return fail_sys(err, -rc, "cannot talk to QEMU");
}

static int send_all(struct qmp *qmp, const char *data, size_t len, int64_t deadline,
		    struct err *err)
{
	while (len) {
		ssize_t n = send(qmp->fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd pfd = { .fd = qmp->fd, .events = POLLOUT };
			int rc = wait_poll(&pfd, 1, deadline);

			if (rc < 0)
				return fail_wait(rc, err);
		} else if (n < 0 && errno != EINTR) {
			return fail_sys(err, errno, "cannot talk to QEMU");
		} else if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int read_more(struct qmp *qmp, int64_t deadline, struct err *err)
{
	struct pollfd pfd = { .fd = qmp->fd, .events = POLLIN };
	ssize_t n;
	int rc;

	if (qmp->len >= QMP_MAX_BYTES)
		return fail(err, EMSGSIZE, "QEMU's answer is longer than %d bytes", QMP_MAX_BYTES);
	if (qmp->len + 1 >= qmp->cap) {
		size_t cap = qmp->cap ? 2 * qmp->cap : 4096;
		char *text = realloc(qmp->text, cap);

		if (!text)
			return fail_nomem(err);
		qmp->text = text;
		qmp->cap = cap;
	}
	rc = wait_poll(&pfd, 1, deadline);
	if (rc < 0)
		return fail_wait(rc, err);
	n = recv(qmp->fd, qmp->text + qmp->len, qmp->cap - 1 - qmp->len, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 :
			fail_sys(err, errno, "cannot talk to QEMU");
	if (n == 0)
		return fail(err, EPIPE, "QEMU has closed its socket");
	qmp->len += (size_t)n;
	return 0;
}

int qmp_line(const char *line, size_t len, json_t **result, struct err *err)
{
	scoped(json) json_t *json = NULL;
	json_t *error, *answer;
	int rc = json_from_text(line, len, &json, err);

	if (rc < 0)
		return fail(err, EPROTO, "QEMU says what is no JSON");
	error = json_object_get(json, "error");
	if (error) {
		const char *desc = json_string_value(json_object_get(error, "desc"));

		return fail(err, EREMOTEIO, "QEMU: %.300s", desc ? desc : "unknown error");
	}
	answer = json_object_get(json, "return");
	if (answer) {
		if (result)
			*result = json_incref(answer);
		return 1;
	}
	if (json_object_get(json, "event") || json_object_get(json, "QMP"))
		return 0;
	return fail(err, EPROTO, "QEMU says what is no answer");
}

/* The first whole line, taken out of the buffer when it has been understood. */
static int take_line(struct qmp *qmp, bool *any, json_t **result, struct err *err)
{
	char *end = qmp->len ? memchr(qmp->text, '\n', qmp->len) : NULL;
	int rc;

	*any = end != NULL;
	if (!end)
		return 0;
	rc = qmp_line(qmp->text, (size_t)(end - qmp->text), result, err);
	qmp->len -= (size_t)(end + 1 - qmp->text);
	memmove(qmp->text, end + 1, qmp->len);
	return rc;
}

/* greeting: the first line of any sort; else the first answer. */
static int receive(struct qmp *qmp, bool greeting, int64_t deadline, json_t **result,
		   struct err *err)
{
	for (;;) {
		bool any;
		int rc = take_line(qmp, &any, result, err);

		if (rc < 0)
			return rc;
		if (rc > 0 || (any && greeting))
			return 0;
		if (any)
			continue;
		rc = read_more(qmp, deadline, err);
		if (rc < 0)
			return rc;
	}
}

int qmp_run(struct qmp *qmp, const char *command, json_t *args, int64_t deadline,
	    json_t **result, struct err *err)
{
	scoped(json) json_t *message = json_pack("{s:s, s:O*}", "execute", command, "arguments",
						 args);
	scoped(free) char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	int rc;

	if (!text)
		return fail_nomem(err);
	rc = send_all(qmp, text, strlen(text), deadline, err);
	if (rc == 0)
		rc = send_all(qmp, "\r\n", 2, deadline, err);
	if (rc == 0)
		rc = receive(qmp, false, deadline, result, err);
	return rc < 0 ? fail_in(err, "%s", command) : 0;
}

int qmp_open(const char *path, int64_t deadline, struct qmp *qmp, struct err *err)
{
	scoped(qmp) struct qmp new = QMP_INIT;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int rc;

	if (strlen(path) >= sizeof(addr.sun_path))
		return fail(err, ENAMETOOLONG, "'%s' is too long for a socket", path);
	memcpy(addr.sun_path, path, strlen(path));
	new.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (new.fd < 0)
		return fail_sys(err, errno, "cannot create a socket");
	if (connect(new.fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return fail_sys(err, errno, "cannot connect to QEMU at '%s'", path);
	rc = receive(&new, true, deadline, NULL, err);
	if (rc == 0)
		rc = qmp_run(&new, "qmp_capabilities", NULL, deadline, NULL, err);
	if (rc < 0)
		return rc;
	*qmp = new;
	new = (struct qmp)QMP_INIT;
	return 0;
}
