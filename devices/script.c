/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "script.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "xen/store.h"

#define SCRIPT_LOG "/var/log/xen/xen-hotplug.log"

int script_path(const char *name, char *path, size_t size, struct err *err)
{
	struct stat st;
	int n = snprintf(path, size, "%s%s", *name == '/' ? "" : SCRIPT_DIR "/", name);

	if (n < 0 || (size_t)n >= size)
		return fail(err, ENAMETOOLONG, "hotplug script '%.60s...': its path is too long",
			    name);
	if (stat(path, &st) < 0 || access(path, X_OK) < 0)
		return fail_sys(err, errno, "hotplug script '%s'", path);
	if (!S_ISREG(st.st_mode))
		return fail(err, EINVAL, "hotplug script '%s' is not a file", path);
	return 0;
}

/* NULL-terminated "NAME=value" texts; those at the end, from nr_borrowed on, are ours. */
struct environment {
	char **list;
	size_t nr, nr_borrowed, cap;
};

static void scoped_environment(struct environment *env)
{
	for (size_t i = env->nr_borrowed; i < env->nr; i++)
		free(env->list[i]);
	free(env->list);
}

static bool same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strcspn(b, "=") == len && strncmp(a, b, len) == 0;
}

/* What is inherited stays, but for names that are among ours. */
static int build_environment(struct environment *env, const char *const *ours, size_t nr_ours,
			     struct err *err)
{
	size_t nr = 0;

	while (environ && environ[nr])
		nr++;
	env->list = calloc(nr + nr_ours + 1, sizeof(*env->list));
	if (!env->list)
		return fail_nomem(err);
	for (size_t i = 0; i < nr; i++) {
		bool replaced = false;

		for (size_t k = 0; k < nr_ours; k++)
			replaced |= same_name(environ[i], ours[k]);
		if (!replaced)
			env->list[env->nr++] = environ[i];
	}
	env->nr_borrowed = env->nr;
	for (size_t k = 0; k < nr_ours; k++) {
		env->list[env->nr] = strdup(ours[k]);
		if (!env->list[env->nr])
			return fail_nomem(err);
		env->nr++;
	}
	return 0;
}

enum { ENV_OWN = 4, ENV_CALL_MAX = 12 };

/* XENBUS_PATH is relative: scripts run in the backend's domain and mean its own store home. */
static int call_environment(struct environment *env, const struct script_call *call,
			    struct err *err)
{
	const char *relative = strstr(call->backend, "/backend/");
	scoped(free) char *script = str_format("script=%s", call->script);
	scoped(free) char *type = str_format("XENBUS_TYPE=%s", call->type);
	scoped(free) char *path = str_format("XENBUS_PATH=%s",
					     relative ? relative + 1 : call->backend);
	const char *all[ENV_OWN + ENV_CALL_MAX] = { script, type, path,
						    "XENBUS_BASE_PATH=backend" };
	size_t nr = ENV_OWN;

	if (!script || !type || !path)
		return fail_nomem(err);
	for (const char *const *e = call->env; e && *e; e++) {
		if (nr == ARRAY_SIZE(all))
			return fail(err, E2BIG, "hotplug script '%s': too many variables",
				    call->script);
		all[nr++] = *e;
	}
	return build_environment(env, all, nr, err);
}

/*
 * A session of its own: no terminal, and a process group that can be killed as a whole. Signals
 * are as after login whatever this process ignores: `trap` in a script can't undo an ignored one.
 */
static int spawn(const struct script_call *call, char *const *env, int in, int out, pid_t *pid)
{
	char *const args[] = { (char *)(uintptr_t)call->script, (char *)(uintptr_t)call->action,
			       (char *)(uintptr_t)call->extra, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	r = posix_spawnattr_init(&attr);
	if (r)
		return r;
	r = posix_spawn_file_actions_init(&files);
	if (r) {
		posix_spawnattr_destroy(&attr);
		return r;
	}
	r = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
				     POSIX_SPAWN_SETSIGDEF);
	r = r ? r : posix_spawnattr_setsigmask(&attr, &none);
	r = r ? r : posix_spawnattr_setsigdefault(&attr, &all);
	r = r ? r : posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	r = r ? r : posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	r = r ? r : posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
	r = r ? r : posix_spawn(pid, call->script, &files, &attr, args, env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return r;
}

static int start(const struct script_call *call, pid_t *pid, struct err *err)
{
	scoped(environment) struct environment env = { .list = NULL };
	scoped(fd) int in = -1;
	scoped(fd) int out = -1;
	int rc = call_environment(&env, call, err);
	int r;

	if (rc < 0)
		return rc;
	in = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (in < 0)
		return fail_sys(err, errno, "cannot open /dev/null");
	out = open(SCRIPT_LOG, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (out < 0)
		log_debug("%s: %s; what '%s' writes is lost", SCRIPT_LOG, strerror(errno),
			  call->script);
	r = spawn(call, env.list, in, out < 0 ? in : out, pid);
	if (r)
		return fail_sys(err, r, "cannot run hotplug script '%s'", call->script);
	return 0;
}

static bool brings_up(const struct script_call *call)
{
	return strcmp(call->action, "add") == 0 || strcmp(call->action, "online") == 0;
}

/* As wait_poll(). What is taken down because the user interrupted is taken down all the same. */
static int wait_script(const struct script_call *call, struct pollfd *poll_fd, int64_t deadline)
{
	int64_t left = deadline - wait_now_ms();
	int n;

	if (brings_up(call))
		return wait_poll(poll_fd, 1, deadline);
	n = poll(poll_fd, 1, left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);
	if (n < 0)
		return errno == EINTR ? -ETIMEDOUT : -errno;
	return n ? n : -ETIMEDOUT;
}

/* 0 when it has ended; the reason when it shall be killed. */
static int wait_end(const struct script_call *call, pid_t pid, int timeout_ms, struct err *err)
{
	int64_t deadline = wait_deadline(timeout_ms), patience = wait_deadline(WAIT_PATIENCE_MS);
	scoped(fd) int fd = pidfd_open(pid, 0);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	if (fd < 0)
		return fail_sys(err, errno, "cannot watch hotplug script '%s'", call->script);
	for (;;) {
		int rc = wait_script(call, &poll_fd, patience < deadline ? patience : deadline);

		if (rc > 0)
			return 0;
		if (rc == -EINTR)
			return fail(err, EINTR, "interrupted");
		if (rc != -ETIMEDOUT)
			return fail_sys(err, -rc, "cannot watch hotplug script '%s'", call->script);
		if (wait_now_ms() >= deadline)
			return fail(err, ETIMEDOUT, "hotplug script '%s %s' has not ended after %g "
				    "s and was killed", call->script, call->action,
				    timeout_ms / 1000.0);
		if (wait_now_ms() < patience)
			continue;
		log_info("waiting for '%s %s'", call->script, call->action);
		patience = INT64_MAX;
	}
}

/* fatal() of Xen's scripts leaves the reason in the store before it ends the script. */
static int failed(struct xen *xen, const struct script_call *call, int status, struct err *err)
{
	scoped(free) char *path = str_format("%s/hotplug-error", call->backend), *text = NULL;
	char why[300];
	struct err none;	/* it left no reason */

	if (path && brings_up(call) && store_read(xen, NULL, path, &text, &none) == 0 && *text)
		return fail(err, EIO, "hotplug script '%s %s' failed: %s", call->script,
			    call->action, str_escape(text, strlen(text), why, sizeof(why)));
	if (WIFSIGNALED(status))
		return fail(err, EIO, "hotplug script '%s %s' was killed by signal %d (see %s)",
			    call->script, call->action, WTERMSIG(status), SCRIPT_LOG);
	return fail(err, EIO, "hotplug script '%s %s' failed: exit status %d, no reason given (see "
		    "%s)", call->script, call->action, WEXITSTATUS(status), SCRIPT_LOG);
}

int script_run(struct xen *xen, const struct script_call *call, int timeout_ms, struct err *err)
{
	int64_t began = wait_now_ms();
	int rc, status;
	pid_t pid;

	rc = start(call, &pid, err);
	if (rc < 0)
		return rc;
	rc = wait_end(call, pid, timeout_ms, err);
	if (rc < 0)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return fail_sys(err, errno, "cannot wait for hotplug script '%s'",
					call->script);
	}
	if (rc < 0)
		return rc;
	log_debug("'%s %s' took %" PRId64 " ms", call->script, call->action,
		  wait_now_ms() - began);
	return status ? failed(xen, call, status, err) : 0;
}
