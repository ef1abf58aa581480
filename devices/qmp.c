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
#include "base/str.h"
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

/* pass: a descriptor that goes with the first bytes, or -1. */
static ssize_t send_some(struct qmp *qmp, const char *data, size_t len, int pass)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec part = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	if (pass < 0)
		return send(qmp->fd, data, len, MSG_NOSIGNAL);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &pass, sizeof(int));
	return sendmsg(qmp->fd, &msg, MSG_NOSIGNAL);
}

static int send_all(struct qmp *qmp, const char *data, size_t len, int pass, int64_t deadline,
		    struct err *err)
{
	while (len) {
		ssize_t n = send_some(qmp, data, len, pass);

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
			pass = -1;
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
		char safe[300];		/* it may be the guest by now that speaks */

		return fail(err, EREMOTEIO, "QEMU: %s", desc ?
			    str_escape(desc, strlen(desc), safe, sizeof(safe)) : "unknown error");
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

/* The first answer; what comes before it are events and the greeting. */
static int receive(struct qmp *qmp, int64_t deadline, json_t **result, struct err *err)
{
	for (;;) {
		bool any;
		int rc = take_line(qmp, &any, result, err);

		if (rc != 0)
			return rc < 0 ? rc : 0;
		/* One that talks without end must not keep us. */
		if (any && wait_now_ms() >= deadline)
			return fail_wait(-ETIMEDOUT, err);
		if (any)
			continue;
		rc = read_more(qmp, deadline, err);
		if (rc < 0)
			return rc;
	}
}

static int send_command(struct qmp *qmp, const char *command, json_t *args, int fd,
			int64_t deadline, struct err *err)
{
	scoped(json) json_t *message = json_pack("{s:s, s:O*}", "execute", command, "arguments",
						 args);
	scoped(free) char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	int rc;

	if (!text)
		return fail_nomem(err);
	rc = send_all(qmp, text, strlen(text), fd, deadline, err);
	return rc < 0 ? rc : send_all(qmp, "\r\n", 2, -1, deadline, err);
}

int qmp_ready(struct qmp *qmp, int64_t deadline, struct err *err)
{
	int rc = qmp->greeted ? 0 : receive(qmp, deadline, NULL, err);

	qmp->greeted = rc == 0;
	return rc;
}

static int run_fd(struct qmp *qmp, const char *command, json_t *args, int fd, int64_t deadline,
	       json_t **result, struct err *err)
{
	int rc = send_command(qmp, command, args, fd, deadline, err);

	if (rc == 0)
		rc = qmp_ready(qmp, deadline, err);
	if (rc == 0)
		rc = receive(qmp, deadline, result, err);
	return rc < 0 ? fail_in(err, "%s", command) : 0;
}

int qmp_run(struct qmp *qmp, const char *command, json_t *args, int64_t deadline,
	    json_t **result, struct err *err)
{
	return run_fd(qmp, command, args, -1, deadline, result, err);
}

int qmp_give_fd(struct qmp *qmp, int fd, int64_t deadline, char name[QMP_FILE_LEN],
		struct err *err)
{
	scoped(json) json_t *answer = NULL;
	json_int_t number;
	int rc = run_fd(qmp, "add-fd", NULL, fd, deadline, &answer, err);

	if (rc < 0)
		return rc;
	if (json_unpack(answer, "{s:I}", "fdset-id", &number) < 0)
		return fail(err, EPROTO, "add-fd: QEMU does not say where it has put the file");
	snprintf(name, QMP_FILE_LEN, "/dev/fdset/%lld", (long long)number);
	return 0;
}

int qmp_connect(const char *path, int64_t deadline, struct qmp *qmp, struct err *err)
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
	rc = send_command(&new, "qmp_capabilities", NULL, -1, deadline, err);
	if (rc < 0)
		return rc;
	*qmp = new;
	new = (struct qmp)QMP_INIT;
	return 0;
}

int qmp_open(const char *path, int64_t deadline, struct qmp *qmp, struct err *err)
{
	scoped(qmp) struct qmp new = QMP_INIT;
	int rc = qmp_connect(path, deadline, &new, err);

	if (rc == 0)
		rc = qmp_ready(&new, deadline, err);
	if (rc < 0)
		return rc;
	*qmp = new;
	new = (struct qmp)QMP_INIT;
	return 0;
}
