/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the command line to a process; qemu_wait.c waits until it serves. */
#include "qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/str.h"
#include "config/config.h"
#include "kind.h"
#include "qemu_run.h"
#include "xen/nodes.h"
#include "xen/store.h"

enum { STATUS_NO_EXEC = 127, CHILD_LINK = 3, ABOVE_STDIO = 10 };

/* Spawning */

static void add_env(struct qemu_args *env, const char *name, const char *value)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < env->nr; i++) {
		if (strncmp(env->words[i], name, len) == 0 && env->words[i][len] == '=') {
			free(env->words[i]);
			env->words[i] = env->words[--env->nr];
			env->words[env->nr] = NULL;
			break;
		}
	}
	qemu_arg(env, "%s=%s", name, value);
}

static void environment(const struct devices *set, struct qemu_args *env)
{
	struct qemu_display display;

	qemu_display(set, &display);
	for (char **e = environ; e && *e; e++)
		qemu_arg(env, "%s", *e);
	/* XSA-180, for a QEMU that has the patch. */
	if (!getenv("XEN_QEMU_CONSOLE_LIMIT"))
		qemu_arg(env, "XEN_QEMU_CONSOLE_LIMIT=1048576");
	if (display.sdl && display.sdl->display)
		add_env(env, "DISPLAY", display.sdl->display);
	if (display.sdl && display.sdl->xauthority)
		add_env(env, "XAUTHORITY", display.sdl->xauthority);
	if (set->type == DOMAIN_HVM) {
		char number[16];

		snprintf(number, sizeof(number), "%u", set->domid);
		add_env(env, "XEN_DOMAIN_ID", number);
	}
}

/* What the child needs, all made before the fork. */
struct child {
	int null, log, link;		/* all above the numbers that they will have */
	int qmp, state;			/* so, or -1 */
	const struct domain_config *restricted;	/* NULL: it is not */
	char *const *args, *const *env;
	char comm[QEMU_COMM_LEN];
};

static void close_from(unsigned int first)
{
	if (syscall(SYS_close_range, first, ~0U, 0) == 0)
		return;
	for (unsigned int fd = first; fd < 4096; fd++)		/* before Linux 5.9 */
		close((int)fd);
}

/*
 * In the child: only async-signal-safe calls. Nothing of the parent's is held while it waits,
 * its locks least of all. The end of the file instead of a byte: the parent died before the
 * number was written down.
 */
__attribute__((noreturn))
static void run_child(const struct child *child)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;
	ssize_t n;
	char byte;
	int code, first = CHILD_LINK + 1;

	prctl(PR_SET_NAME, child->comm);
	setsid();
	if (dup2(child->null, 0) < 0 || dup2(child->log, 1) < 0 || dup2(child->log, 2) < 0 ||
	    dup3(child->link, CHILD_LINK, O_CLOEXEC) < 0)
		_exit(STATUS_NO_EXEC);
	if (child->qmp >= 0)
		first = dup2(child->qmp, QEMU_QMP_FD) + 1;
	if (child->state >= 0) {
		while (first < QEMU_STATE_FD)
			close(first++);
		first = dup2(child->state, QEMU_STATE_FD) + 1;
	}
	close_from((unsigned int)first);
	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* From here on /proc says whose it is. */
	if (write(CHILD_LINK, "", 1) != 1)
		_exit(0);
	do {
		n = read(CHILD_LINK, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(0);
	code = child->restricted ? -qemu_jail_enter(child->restricted) : 0;
	if (code == 0) {
		execve(child->args[0], child->args, child->env);
		code = errno;
	}
	if (write(CHILD_LINK, &code, sizeof(code)) < 0)
		_exit(1);
	_exit(STATUS_NO_EXEC);
}

/* No signal reaches the child before its handlers are its own. */
static int fork_child(const struct child *child, int *pid)
{
	sigset_t all, old;
	int code;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	*pid = fork();
	code = errno;
	if (*pid == 0)
		run_child(child);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return *pid < 0 ? -code : 0;
}

static int above(int fd, struct err *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, ABOVE_STDIO);

	if (copy < 0)
		return fail_sys(err, errno, "cannot start QEMU");
	return copy;
}

static int open_null(struct err *err)
{
	scoped(fd) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? fail_sys(err, errno, "cannot open /dev/null") : above(fd, err);
}

/* Another opening of it, for writing alone. */
static int open_log(const struct qemu_log *log, struct err *err)
{
	scoped(fd) int fd = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", log->fd);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	return fd < 0 ? fail_sys(err, errno, "cannot open QEMU's log") : above(fd, err);
}

static int open_socket(struct err *err)
{
	scoped(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? fail_sys(err, errno, "cannot create a socket") : above(fd, err);
}

static int spawn_with(const struct devices *set, struct qemu *q, const struct qemu_args *args,
		      const struct qemu_args *env, struct err *err)
{
	struct child child = {
		.args = args->words, .env = env->words, .qmp = q->socket,
		.restricted = q->jail.restricted ? set->config : NULL,
	};
	scoped(fd) int theirs = -1;
	scoped(fd) int null = open_null(err);
	scoped(fd) int log = null < 0 ? -1 : open_log(&q->log, err);
	scoped(fd) int state = log >= 0 && set->model_state ? above(set->model_state, err) : -1;
	int pair[2], rc;

	if (null < 0 || log < 0 || (set->model_state && state < 0))
		return -err->code;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return fail_sys(err, errno, "cannot start QEMU");
	q->link = pair[0];
	theirs = above(pair[1], err);
	close(pair[1]);
	if (theirs < 0)
		return theirs;
	child.null = null;
	child.log = log;
	child.link = theirs;
	child.state = state;
	qemu_comm(set->domid, child.comm);
	rc = fork_child(&child, &q->pid);
	if (rc < 0)
		return fail_sys(err, -rc, "cannot fork for QEMU");
	q->waits = true;
	q->pidfd = pidfd_open(q->pid, 0);
	return q->pidfd < 0 ? fail_sys(err, errno, "cannot watch QEMU") : 0;
}

/* Its number is written down only when it can be known by its name. */
static int await_child(struct qemu *q, struct err *err)
{
	ssize_t n;
	char byte;

	do {
		n = recv(q->link, &byte, 1, 0);
	} while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : fail(err, EPIPE, "cannot start QEMU: its process has ended");
}

/* The pid first: while it stands in the store all else is found again. */
static void add_nodes(uint32_t domid, int pid, struct store_nodes *nodes)
{
	char path[QEMU_PATH_LEN];

	snprintf(path, sizeof(path), "/local/domain/%u/image", domid);
	store_nodes_add(nodes, STORE_INHERIT, path, "device-model-pid", "%d", pid);
	/* The "running" of one that had this number must not be taken for this one's. */
	snprintf(path, sizeof(path), "/local/domain/0/device-model/%u", domid);
	store_nodes_add(nodes, STORE_REMOVED, path, "", "%s", "");
	store_nodes_add(nodes, STORE_INHERIT, path, "", "%s", "");
}

static int release(struct devices *set, struct qemu *q, struct err *err)
{
	int rc = qemu_jail_make(set->xen, set->domid, &q->jail, q->socket, err);

	if (rc < 0)
		return rc;
	if (send(q->link, "", 1, MSG_NOSIGNAL) != 1)
		return fail_sys(err, errno, "cannot start QEMU");
	q->waits = false;
	/* Nobody is to reach it here when QEMU is gone. */
	scoped_fd(&q->socket);
	q->socket = -1;
	return 0;
}

/* A child that was not let go ends by itself. */
static void give_up(struct qemu *q)
{
	scoped_fd(&q->link);
	q->link = -1;
	while (waitpid(q->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

void qemu_free(struct devices *set)
{
	struct qemu *q = set->qemu;

	if (!q)
		return;
	if (q->waits)
		give_up(q);
	scoped_fd(&q->pidfd);
	scoped_fd(&q->link);
	scoped_fd(&q->socket);
	qemu_log_close(&q->log);
	free(q->name);
	free(q);
	set->qemu = NULL;
}

static int spawn(struct devices *set, struct qemu *q, struct err *err)
{
	scoped(qemu_args) struct qemu_args args = QEMU_ARGS_INIT;
	scoped(qemu_args) struct qemu_args env = QEMU_ARGS_INIT;
	int rc;

	q->started = true;
	rc = qemu_jail_plan(set->config, set->domid, &q->jail, err);
	if (rc < 0)
		return rc;
	qemu_command(set, qemu_program(set->config), &q->jail, &args);
	environment(set, &env);
	if (args.failed || env.failed)
		return fail_nomem(err);
	rc = qemu_log_create(&q->log, set->name, err);
	if (rc < 0)
		return rc;
	if (q->jail.restricted) {
		q->socket = open_socket(err);
		if (q->socket < 0)
			return q->socket;
	}
	return spawn_with(set, q, &args, &env, err);
}

static struct qemu *add_qemu(struct devices *set, struct err *err)
{
	struct qemu *q = calloc(1, sizeof(*q));

	if (!q) {
		fail_nomem(err);
		return NULL;
	}
	*q = (struct qemu){ .pidfd = -1, .link = -1, .socket = -1, .log = QEMU_LOG_INIT };
	set->qemu = q;
	return q;
}

int qemu_spawn(struct devices *set, struct err *err)
{
	struct qemu *q = add_qemu(set, err);

	return q ? spawn(set, q, err) : -ENOMEM;
}

int qemu_nodes(struct devices *set, struct store_nodes *nodes, struct err *err)
{
	int rc = await_child(set->qemu, err);

	if (rc == 0)
		add_nodes(set->domid, set->qemu->pid, nodes);
	return rc;
}

/* All of that at once. */
static int start(struct devices *set, struct qemu *q, struct err *err)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	int rc = spawn(set, q, err);

	if (rc == 0)
		rc = qemu_nodes(set, &nodes, err);
	if (rc == 0)
		rc = store_nodes_write(&nodes, set->domid, err);
	return rc < 0 ? rc : release(set, q, err);
}

/* One that runs already, ours or xl's, sees new backends by itself. */
static int adopt(struct devices *set, struct qemu *q, struct err *err)
{
	int rc = qemu_open(set->xen, set->domid, &q->pid, &q->pidfd, err);

	if (rc < 0 || !q->pid)
		return rc;
	qemu_log_of(&q->log, q->pid);
	return 0;
}

int qemu_start(struct devices *set, struct err *err)
{
	struct qemu *q = set->qemu;
	char path[64];
	int rc;

	if (q)
		return release(set, q, err);
	q = add_qemu(set, err);
	if (!q)
		return -ENOMEM;
	if (!set->live)
		return start(set, q, err);
	rc = adopt(set, q, err);
	if (rc < 0 || q->pid)
		return rc;
	snprintf(path, sizeof(path), "/local/domain/%u/name", set->domid);
	rc = store_read(set->xen, NULL, path, &q->name, err);
	if (rc < 0)
		return rc;
	/* What a name may be is checked where one is given; xl checks nothing. */
	for (char *p = q->name; *p; p++)
		*p = *p == '/' ? '_' : *p;
	set->name = q->name;
	return start(set, q, err);
}

bool devices_started_model(const struct devices *set)
{
	return set->qemu && set->qemu->started;
}
