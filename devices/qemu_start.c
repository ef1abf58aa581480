/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the command line to a QEMU that serves the set's devices. */
#include "qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xen/io/xenbus.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/devices.h"
#include "kind.h"
#include "qemu_log.h"
#include "qmp.h"
#include "vnc.h"
#include "xen/store.h"

enum { PATIENCE_MS = 1000, STATUS_NO_EXEC = 127, CHILD_LINK = 3, ABOVE_STDIO = 10 };

struct qemu {
	int pid, pidfd;
	int link;			/* to the child until its exec; -1: not started by us */
	struct qemu_log log;
	char *name;			/* of a live domain */
};

void qemu_free(struct devices *set)
{
	struct qemu *q = set->qemu;

	if (!q)
		return;
	scoped_fd(&q->pidfd);
	scoped_fd(&q->link);
	qemu_log_close(&q->log);
	free(q->name);
	free(q);
	set->qemu = NULL;
}

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
	const struct vfb *vfb = qemu_vfb(set);

	for (char **e = environ; e && *e; e++)
		qemu_arg(env, "%s", *e);
	/* XSA-180, for a QEMU that has the patch. */
	if (!getenv("XEN_QEMU_CONSOLE_LIMIT"))
		qemu_arg(env, "XEN_QEMU_CONSOLE_LIMIT=1048576");
	if (vfb && vfb->sdl.enable == TRI_TRUE && vfb->sdl.display)
		add_env(env, "DISPLAY", vfb->sdl.display);
	if (vfb && vfb->sdl.enable == TRI_TRUE && vfb->sdl.xauthority)
		add_env(env, "XAUTHORITY", vfb->sdl.xauthority);
}

/* What the child needs, all made before the fork. */
struct child {
	int null, log, link;		/* all above the numbers that they will have */
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
	int code;

	prctl(PR_SET_NAME, child->comm);
	setsid();
	if (dup2(child->null, 0) < 0 || dup2(child->log, 1) < 0 || dup2(child->log, 2) < 0 ||
	    dup3(child->link, CHILD_LINK, O_CLOEXEC) < 0)
		_exit(STATUS_NO_EXEC);
	close_from(CHILD_LINK + 1);
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
	execve(child->args[0], child->args, child->env);
	code = errno;
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

static int spawn(struct qemu *q, uint32_t domid, const struct qemu_args *args,
		 const struct qemu_args *env, struct err *err)
{
	struct child child = { .args = args->words, .env = env->words };
	scoped(fd) int theirs = -1;
	scoped(fd) int null = open_null(err);
	scoped(fd) int log = null < 0 ? -1 : above(q->log.fd, err);
	int pair[2], rc;

	if (null < 0 || log < 0)
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
	qemu_comm(domid, child.comm);
	rc = fork_child(&child, &q->pid);
	if (rc < 0)
		return fail_sys(err, -rc, "cannot fork for QEMU");
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
static int record(struct xen *xen, uint32_t domid, int pid, struct err *err)
{
	char path[QEMU_PATH_LEN], text[16];
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/image/device-model-pid", domid);
	snprintf(text, sizeof(text), "%d", pid);
	rc = store_write(xen, NULL, path, text, err);
	if (rc < 0)
		return rc;
	/* The "running" of one that had this number must not be taken for this one's. */
	snprintf(path, sizeof(path), "/local/domain/0/device-model/%u", domid);
	rc = store_rm(xen, NULL, path, err);
	return rc < 0 ? rc : store_mkdir(xen, NULL, path, err);
}

static int release(struct qemu *q, struct err *err)
{
	if (send(q->link, "", 1, MSG_NOSIGNAL) == 1)
		return 0;
	return fail_sys(err, errno, "cannot start QEMU");
}

/* A child that was not let go ends by itself. */
static void give_up(struct qemu *q)
{
	scoped_fd(&q->link);
	q->link = -1;
	if (q->pid > 0)
		while (waitpid(q->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	q->pid = 0;
}

static int start(struct devices *set, struct qemu *q, struct err *err)
{
	scoped(qemu_args) struct qemu_args args = QEMU_ARGS_INIT;
	scoped(qemu_args) struct qemu_args env = QEMU_ARGS_INIT;
	int rc;

	qemu_command(set, qemu_program(set->config), &args);
	environment(set, &env);
	if (args.failed || env.failed)
		return fail_nomem(err);
	rc = qemu_log_create(&q->log, set->name, err);
	if (rc < 0)
		return rc;
	rc = spawn(q, set->domid, &args, &env, err);
	if (rc == 0)
		rc = await_child(q, err);
	if (rc == 0)
		rc = record(set->xen, set->domid, q->pid, err);
	if (rc == 0)
		rc = release(q, err);
	if (rc < 0)
		give_up(q);
	return rc;
}

/* One that runs already, ours or xl's, sees new backends by itself. */
static int adopt(struct devices *set, struct qemu *q, struct err *err)
{
	int rc = qemu_find(set->xen, set->domid, &q->pid, err);

	if (rc < 0 || !q->pid)
		return rc;
	q->pidfd = pidfd_open(q->pid, 0);
	if (q->pidfd < 0)
		return fail_sys(err, errno, "cannot watch QEMU (process %d)", q->pid);
	qemu_log_of(&q->log, q->pid);
	return 0;
}

int qemu_start(struct devices *set, struct err *err)
{
	struct qemu *q = calloc(1, sizeof(*q));
	char path[64];
	int rc;

	if (!q)
		return fail_nomem(err);
	*q = (struct qemu){ .pidfd = -1, .link = -1, .log = QEMU_LOG_INIT };
	set->qemu = q;
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

/* Waiting */

static int fail_dead(const struct devices *set, struct err *err)
{
	const struct qemu *q = set->qemu;
	siginfo_t info = { .si_pid = 0 };
	char said[320];
	int code;

	if (q->link >= 0 && recv(q->link, &code, sizeof(code), MSG_DONTWAIT) == sizeof(code))
		return fail_sys(err, code, "cannot run QEMU '%s'", qemu_program(set->config));
	qemu_log_tail(&q->log, said, sizeof(said));
	if (q->link < 0 || waitid(P_PID, (id_t)q->pid, &info, WEXITED) < 0)
		return fail(err, EPIPE, "QEMU has ended%s", said);
	if (info.si_code != CLD_EXITED)
		return fail(err, EPIPE, "QEMU was killed by signal %d%s", info.si_status, said);
	return fail(err, EPIPE, "QEMU has ended with status %d%s", info.si_status, said);
}

static int is_running(struct xen *xen, uint32_t domid, bool *running, struct err *err)
{
	scoped(free) char *state = NULL;
	char path[64];
	int rc;

	if (*running)
		return 0;
	snprintf(path, sizeof(path), "/local/domain/0/device-model/%u/state", domid);
	rc = store_read(xen, NULL, path, &state, err);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		*running = strcmp(state, "running") == 0;
	return rc;
}

/* The first device whose backend QEMU has not taken yet; NULL when it has them all. */
static int next_waiting(struct devices *set, const struct device **waiting, struct err *err)
{
	char back[DEVICE_PATH_LEN], path[DEVICE_PATH_LEN + 8];

	*waiting = NULL;
	for (size_t i = 0; i < set->nr; i++) {
		struct device *dev = &set->items[i];
		uint64_t state = XenbusStateUnknown;
		int rc;

		if (!dev->needs_qemu)
			continue;
		device_back_path(set, dev, back);
		snprintf(path, sizeof(path), "%s/state", back);
		rc = store_read_u64(set->xen, NULL, path, &state, err);
		if (rc < 0 && rc != -ENOENT && rc != -EINVAL)
			return rc;
		if (state == XenbusStateUnknown || state == XenbusStateInitialising) {
			*waiting = dev;
			return 0;
		}
	}
	return 0;
}

static int fail_refused(const struct device *dev, const char *said, struct err *err)
{
	char label[64];

	return fail(err, EIO, "%s: QEMU: %s", device_label(dev->kind, dev->devid, label,
							   sizeof(label)), said);
}

/* QEMU says so in its log and goes on; the backend's state stays. */
static int check_refused(struct devices *set, const struct qemu *q, struct err *err)
{
	char said[320];

	for (size_t i = 0; i < set->nr; i++) {
		const struct device *dev = &set->items[i];

		if (dev->needs_qemu && qemu_log_refused(&q->log, dev->backend_kind, dev->devid,
							said, sizeof(said)))
			return fail_refused(dev, said, err);
	}
	return 0;
}

static int fail_late(const struct qemu *q, const struct device *dev, struct err *err)
{
	char label[64], said[320];

	qemu_log_tail(&q->log, said, sizeof(said));
	if (dev)
		return fail(err, ETIMEDOUT, "%s: QEMU (process %d) does not take it%s",
			    device_label(dev->kind, dev->devid, label, sizeof(label)), q->pid,
			    said);
	return fail(err, ETIMEDOUT, "QEMU (process %d) has started but does not get ready%s",
		    q->pid, said);
}

/* A change in the store, more in the log, its death (1), or time (-ETIMEDOUT). */
static int wait_change(struct devices *set, struct qemu *q, int64_t deadline, struct err *err)
{
	struct pollfd fds[3] = {
		{ .fd = store_fd(set->xen), .events = POLLIN },
		{ .fd = q->pidfd, .events = POLLIN },
		{ .fd = q->log.notify, .events = POLLIN },
	};
	int rc = wait_poll(fds, ARRAY_SIZE(fds), deadline);

	if (rc == -EINTR)
		return fail(err, EINTR, "interrupted");
	if (rc < 0)
		return rc;
	for (;;) {
		scoped(free) char *token = NULL;

		rc = store_take_event(set->xen, &token, err);
		if (rc <= 0)
			break;
	}
	qemu_log_seen(&q->log);
	return rc < 0 ? rc : fds[1].revents != 0;
}

static int wait_ready(struct devices *set, struct qemu *q, int64_t deadline, struct err *err)
{
	int64_t patience = wait_deadline(PATIENCE_MS);
	bool running = set->live && q->link < 0;

	for (;;) {
		const struct device *dev = NULL;
		int rc = is_running(set->xen, set->domid, &running, err);

		if (rc == 0 && running)
			rc = next_waiting(set, &dev, err);
		if (rc < 0 || (running && !dev))
			return rc;
		rc = check_refused(set, q, err);
		if (rc < 0)
			return rc;
		rc = wait_change(set, q, patience < deadline ? patience : deadline, err);
		if (rc == 1)
			return fail_dead(set, err);
		if (rc == -ETIMEDOUT && wait_now_ms() >= deadline)
			return fail_late(q, dev, err);
		if (rc < 0 && rc != -ETIMEDOUT)
			return rc;
		if (wait_now_ms() >= patience) {
			log_info("waiting for QEMU (process %d)", q->pid);
			patience = INT64_MAX;
		}
	}
}

/* One watch for "running", one for each sort of backend; undone the same way. */
static int watch_all(struct devices *set, bool on, struct err *err)
{
	int (*change)(struct xen *, const char *, const char *, struct err *) =
		on ? store_watch : store_unwatch;
	char path[DEVICE_PATH_LEN];
	int rc;

	snprintf(path, sizeof(path), "/local/domain/0/device-model/%u/state", set->domid);
	rc = change(set->xen, path, "qemu", err);
	for (size_t i = 0; i < set->nr && rc == 0; i++) {
		const struct device *dev = &set->items[i];
		size_t k = 0;

		while (!set->items[k].needs_qemu ||
		       strcmp(set->items[k].backend_kind, dev->backend_kind) != 0)
			if (k++ == i)
				break;
		if (!dev->needs_qemu || k != i)
			continue;
		snprintf(path, sizeof(path), "/local/domain/%u/backend/%s/%u", dev->backend_domid,
			 dev->backend_kind, set->domid);
		rc = change(set->xen, path, "qemu", err);
	}
	return rc;
}

/*
 * It has said "running" before it opened its displays, and listens to nobody until then: so
 * what answers has all it needs.
 */
static int greet(struct devices *set, int64_t deadline, struct err *err)
{
	const struct vfb *vfb = qemu_vfb(set);
	scoped(qmp) struct qmp qmp = QMP_INIT;
	char path[QEMU_PATH_LEN];
	int rc = qmp_open(qemu_socket(set->domid, QEMU_QMP, path), deadline, &qmp, err);

	if (rc == 0 && vfb && vfb->vnc.enable != TRI_FALSE)
		rc = vnc_publish(set->xen, set->domid, &vfb->vnc, &qmp, deadline, err);
	return rc;
}

/* Whether it is dead, or just dying. */
static bool is_dead(const struct qemu *q)
{
	struct pollfd pfd = { .fd = q->pidfd, .events = POLLIN };

	return wait_poll(&pfd, 1, wait_deadline(PATIENCE_MS)) > 0;
}

int qemu_wait(struct devices *set, int64_t deadline, struct err *err)
{
	struct qemu *q = set->qemu;
	struct err unwatched;
	int rc;

	rc = watch_all(set, true, err);
	if (rc == 0)
		rc = wait_ready(set, q, deadline, err);
	if (watch_all(set, false, &unwatched) < 0)
		log_debug("%s", unwatched.msg);
	if (rc < 0 || q->link < 0)
		return rc;
	rc = greet(set, deadline, err);
	if (rc < 0 && rc != -EINTR && is_dead(q))
		return fail_dead(set, err);
	return rc;
}
