/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Talking to QEMU: QMP (qemu docs/interop/qmp-spec.rst) over the socket that libxl and
 * we give it. It serves one client at a time; the next one waits for its greeting. What
 * it says is bounded in size and time: QEMU works for a guest.
 */
#ifndef DEVICES_QMP_H
#define DEVICES_QMP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct qmp {
	int fd;
	char *text;		/* owned: what has been read, NUL-terminated */
	size_t len, cap;
	bool greeted;		/* it has taken qmp_capabilities */
};

#define QMP_INIT { .fd = -1 }

void scoped_qmp(struct qmp *qmp);

/*
 * Connects and asks for commands to be taken, but does not wait: QEMU reads what follows when it
 * has come so far, so that the first command need not be a conversation of three. Times as
 * wait_now_ms().
 */
int qmp_connect(const char *path, int64_t deadline, struct qmp *qmp, struct err *err) must_check;

/* Waits until it takes commands. */
int qmp_ready(struct qmp *qmp, int64_t deadline, struct err *err) must_check;

/* Both. */
int qmp_open(const char *path, int64_t deadline, struct qmp *qmp, struct err *err) must_check;

/*
 * Runs one command. args (may be NULL) is borrowed; *result (may be NULL) is a new reference.
 * A refusal is -EREMOTEIO with QEMU's own words. -EINTR when the user interrupted.
 */
int qmp_run(struct qmp *qmp, const char *command, json_t *args, int64_t deadline,
	    json_t **result, struct err *err) must_check;

/* QEMU gets a copy of fd (add-fd): *name is what it opens that by, the text lies in the buffer. */
enum { QMP_FILE_LEN = 40 };
int qmp_give_fd(struct qmp *qmp, int fd, int64_t deadline, char name[QMP_FILE_LEN],
		struct err *err) must_check;

/*
 * Pure: what one line from QEMU means. 1: the answer, *result as above; 0: an event or a
 * greeting; -EREMOTEIO: an error, -EPROTO: none of these.
 */
int qmp_line(const char *line, size_t len, json_t **result, struct err *err) must_check;

#endif
