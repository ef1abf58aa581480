/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vnc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/config.h"
#include "device.h"
#include "qmp.h"
#include "xen/store.h"

enum { VNC_PORT = 5900, PROBE_MS = 10000 };

void scoped_vnc_address(struct vnc_address *address)
{
	scoped_free(&address->host);
	scoped_free(&address->password);
}

/* Probe */

#define PROBE_SOCKET "/var/run/xen/xlite-vnc-probe-%d"
#define PROBE_OPTION ",password=on: "

static const char probe_commands[] =
	"{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"quit\"}\n";

static int probe_spawn(const char *program, const char *socket, int in, int errors, pid_t *pid)
{
	scoped(free) char *vnc = str_format("unix:%s,password=on", socket);
	const char *const words[] = {
		program, "-machine", "none,accel=xen", "-nodefaults", "-no-user-config", "-display",
		"none", "-S", "-vnc", vnc, "-qmp", "stdio", NULL,
	};
	char *args[ARRAY_SIZE(words)];
	posix_spawn_file_actions_t files;
	int r;

	if (!vnc)
		return ENOMEM;
	memcpy(args, words, sizeof(args));
	r = posix_spawn_file_actions_init(&files);
	if (r)
		return r;
	r = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	r = r ? r : posix_spawn_file_actions_adddup2(&files, errors, STDERR_FILENO);
	r = r ? r : posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null",
						     O_WRONLY, 0);
	r = r ? r : posix_spawn(pid, program, &files, NULL, args, environ);
	posix_spawn_file_actions_destroy(&files);
	return r;
}

/* What it says until it ends or PROBE_MS are over; then it is killed. -EINTR. */
static int probe_read(int fd, pid_t pid, char *buf, size_t size)
{
	int64_t deadline = wait_deadline(PROBE_MS);
	size_t len = 0;
	ssize_t n;
	int rc;

	do {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };

		rc = wait_poll(&pfd, 1, deadline);
		n = rc > 0 ? read(fd, buf + len, size - 1 - len) : 0;
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 && len < size - 1);
	buf[len] = '\0';
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return rc == -EINTR ? rc : 0;
}

static int probe(const char *program, char *said, size_t size)
{
	scoped(free) char *socket = str_format(PROBE_SOCKET, (int)getpid());
	int in[2] = { -1, -1 }, errors[2] = { -1, -1 }, rc = -ENOMEM;
	pid_t pid;

	if (socket && pipe2(in, O_CLOEXEC) == 0 && pipe2(errors, O_CLOEXEC) == 0 &&
	    write(in[1], probe_commands, sizeof(probe_commands) - 1) > 0)
		rc = -probe_spawn(program, socket, in[0], errors[1], &pid);
	scoped_fd(&in[0]);
	scoped_fd(&errors[1]);
	if (rc == 0) {
		rc = probe_read(errors[0], pid, said, size);
		unlink(socket);
	}
	scoped_fd(&in[1]);
	scoped_fd(&errors[0]);
	return rc;
}

int vnc_check(const char *program, const struct vnc_config *vnc, struct err *err)
{
	char said[1024] = "", why[200];
	const char *found;

	if (!vnc->passwd || !*vnc->passwd)
		return 0;
	if (probe(program, said, sizeof(said)) == -EINTR)
		return fail(err, EINTR, "interrupted");
	/* Whatever else it may say says the one that is started for the domain. */
	found = strstr(said, PROBE_OPTION);
	if (!found)
		return 0;
	found += strlen(PROBE_OPTION);
	return fail(err, EOPNOTSUPP, "vncpasswd: this QEMU cannot do VNC passwords: %s",
		    str_escape(found, strcspn(found, "\r\n"), why, sizeof(why)));
}

/* After the start */

static int write_console(struct xen *xen, uint32_t domid, const char *name, const char *value,
			 struct err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/console/%s", domid, name);
	return store_write(xen, NULL, path, value, err);
}

static int set_password(struct xen *xen, uint32_t domid, struct qmp *qmp, const char *password,
			int64_t deadline, struct err *err)
{
	scoped(json) json_t *args = json_pack("{s:s}", "password", password);
	int rc;

	if (!args)
		return fail(err, EINVAL, "VNC password: not UTF-8");
	rc = qmp_run(qmp, "change-vnc-password", args, deadline, NULL, err);
	return rc < 0 ? rc : write_console(xen, domid, "vnc-pass", password, err);
}

int vnc_publish(struct xen *xen, uint32_t domid, const struct vnc_config *vnc, struct qmp *qmp,
		int64_t deadline, struct err *err)
{
	scoped(json) json_t *answer = NULL;
	const char *host, *port;
	int rc = qmp_run(qmp, "query-vnc", NULL, deadline, &answer, err);

	if (rc < 0)
		return rc;
	if (!json_is_true(json_object_get(answer, "enabled")))
		return fail(err, EPROTO, "QEMU has no VNC server");
	host = json_string_value(json_object_get(answer, "host"));
	port = json_string_value(json_object_get(answer, "service"));
	if (!host || !port)
		return fail(err, EPROTO, "QEMU does not say where its VNC server listens");
	rc = write_console(xen, domid, "vnc-listen", host, err);
	if (rc == 0)
		rc = write_console(xen, domid, "vnc-port", port, err);
	if (rc == 0 && vnc->passwd && *vnc->passwd)
		rc = set_password(xen, domid, qmp, vnc->passwd, deadline, err);
	return rc;
}

static int read_console(struct xen *xen, uint32_t domid, const char *name, char **value,
			struct err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/console/%s", domid, name);
	return store_read(xen, NULL, path, value, err);
}

int vnc_find(struct xen *xen, uint32_t domid, struct vnc_address *address, struct err *err)
{
	scoped(vnc_address) struct vnc_address new = { .host = NULL };
	scoped(free) char *text = NULL;
	uint64_t port;
	int rc;

	rc = read_console(xen, domid, "vnc-port", &text, err);
	if (rc == -ENOENT)
		return fail(err, ENOENT, "domain %u has no VNC server", domid);
	if (rc < 0)
		return rc;
	if (str_to_u64(text, UINT16_MAX, &port) < 0)
		return fail(err, EINVAL, "domain %u: bad VNC port '%.20s'", domid, text);
	new.display = (int)port - VNC_PORT;
	rc = read_console(xen, domid, "vnc-listen", &new.host, err);
	if (rc == -ENOENT) {
		new.host = strdup("localhost");
		rc = new.host ? 0 : fail_nomem(err);
	}
	if (rc < 0)
		return rc;
	rc = read_console(xen, domid, "vnc-pass", &new.password, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	*address = new;
	new = (struct vnc_address){ .host = NULL };
	return 0;
}
