/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked of a live domain's QEMU in a sentence or two, whoever started it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/wait.h"
#include "device.h"
#include "qemu.h"
#include "qemu_log.h"
#include "qmp.h"
#include "xen/store.h"

int qemu_talk(struct xen *xen, uint32_t domid, int64_t deadline, struct qmp *qmp, struct err *err)
{
	char path[QEMU_PATH_LEN];
	int pid, rc = qemu_find(xen, domid, &pid, err);

	if (rc < 0)
		return rc;
	if (!pid)
		return fail(err, ESRCH, "domain %u has no device model that runs", domid);
	rc = qmp_open(qemu_socket(domid, QEMU_QMP, path), deadline, qmp, err);
	return rc < 0 ? fail_in(err, "device model of domain %u (process %d)", domid, pid) : 0;
}

int devices_monitor(struct xen *xen, uint32_t domid, const char *command, char **output,
		    struct err *err)
{
	int64_t deadline = wait_deadline(DEVICE_WAIT_MS);
	scoped(json) json_t *args = json_pack("{s:s}", "command-line", command);
	scoped(json) json_t *answer = NULL;
	scoped(qmp) struct qmp qmp = QMP_INIT;
	const char *text;
	int rc;

	if (!args)
		return fail(err, EINVAL, "the command is not UTF-8");
	rc = qemu_talk(xen, domid, deadline, &qmp, err);
	if (rc == 0)
		rc = qmp_run(&qmp, "human-monitor-command", args, deadline, &answer, err);
	if (rc < 0)
		return rc;
	text = json_string_value(answer);
	if (!text)
		return fail(err, EPROTO, "human-monitor-command: QEMU does not answer with a text");
	*output = strdup(text);
	return *output ? 0 : fail_nomem(err);
}

/* xl starts a restricted one with -S, and "running" is what those that have not that write. */
int devices_resume_model(struct xen *xen, uint32_t domid, struct err *err)
{
	int64_t deadline = wait_deadline(DEVICE_WAIT_MS);
	scoped(qmp) struct qmp qmp = QMP_INIT;
	scoped(free) char *state = NULL;
	char path[64];
	int pid, rc;

	snprintf(path, sizeof(path), "/local/domain/0/device-model/%u/state", domid);
	rc = store_read(xen, NULL, path, &state, err);
	if (rc == 0 && strcmp(state, "running") == 0)
		return 0;
	if (rc == 0 || rc == -ENOENT)
		rc = qemu_find(xen, domid, &pid, err);
	if (rc < 0 || !pid)
		return rc;
	rc = qemu_talk(xen, domid, deadline, &qmp, err);
	return rc < 0 ? rc : qmp_run(&qmp, "cont", NULL, deadline, NULL, err);
}

struct model_watch {
	int pid, fd;
	struct qemu_log log;
	char said[320];
};

int devices_watch_model(struct xen *xen, uint32_t domid, struct model_watch **watch,
			struct err *err)
{
	struct model_watch *new = calloc(1, sizeof(*new));
	int rc;

	if (!new)
		return fail_nomem(err);
	*new = (struct model_watch){ .fd = -1, .log = QEMU_LOG_INIT };
	*watch = new;
	rc = qemu_open(xen, domid, &new->pid, &new->fd, err);
	/* Its file is found by the process: while it lives. */
	if (rc == 0 && new->pid)
		qemu_log_of(&new->log, new->pid);
	return rc;
}

int model_watch_fd(const struct model_watch *watch)
{
	return watch->fd;
}

const char *model_watch_said(struct model_watch *watch, int *pid)
{
	*pid = watch->pid;
	qemu_log_tail(&watch->log, watch->said, sizeof(watch->said));
	return watch->said;
}

void devices_model_said(const char *name, char *text, size_t size)
{
	struct qemu_log log = QEMU_LOG_INIT;

	qemu_log_named(&log, name);
	qemu_log_tail(&log, text, size);
	qemu_log_close(&log);
}

void scoped_model_watch(struct model_watch **watch)
{
	if (!*watch)
		return;
	scoped_fd(&(*watch)->fd);
	qemu_log_close(&(*watch)->log);
	free(*watch);
	*watch = NULL;
}
