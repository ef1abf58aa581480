/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starting processes of our own: the supervisor, and its children. */
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/scope.h"
#include "domain/runfile.h"
#include "supervisor.h"

#define LOCK_PATH RUNFILE_DIR "/supervisor.lock"
#define LOG_DIR "/var/log/xen"
#define LOG_PATH LOG_DIR "/xlite-supervisor.log"

enum { LOG_MOST = 1024 * 1024 };

static const struct flock whole_file = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

static int open_lock(struct err *err)
{
	int fd, rc = file_mkdirs(RUNFILE_DIR, 0700, err);

	if (rc < 0)
		return rc;
	fd = open(LOCK_PATH, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 ? fail_sys(err, errno, "cannot open '%s'", LOCK_PATH) : fd;
}

int start_lock(int *fd, struct err *err)
{
	for (;;) {
		struct flock lock = whole_file;

		*fd = open_lock(err);
		if (*fd < 0)
			return *fd;
		if (fcntl(*fd, F_OFD_SETLK, &lock) < 0) {
			int code = errno;

			close(*fd);
			*fd = -1;
			return code == EAGAIN || code == EACCES ? 0 :
				fail_sys(err, code, "cannot lock '%s'", LOCK_PATH);
		}
		/* Whoever had it before may have removed it. */
		if (file_is_at(*fd, LOCK_PATH))
			return 1;
		close(*fd);
	}
}

void start_unlock(int *fd)
{
	if (*fd < 0)
		return;
	unlink(LOCK_PATH);
	close(*fd);
	*fd = -1;
}

bool supervisor_runs(void)
{
	scoped(fd) int fd = open(LOCK_PATH, O_RDWR | O_CLOEXEC);
	struct flock lock = whole_file;

	/* Asked, not taken: one that is just starting must not find it held. */
	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static int open_log(void)
{
	return open(LOG_PATH, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

/* The supervisor's own messages are in it as well, and go on in the new one. */
static void rotate_log(void)
{
	struct stat st;
	bool ours = file_is_at(STDERR_FILENO, LOG_PATH);
	scoped(fd) int fd = -1;

	if (stat(LOG_PATH, &st) < 0 || st.st_size <= LOG_MOST ||
	    rename(LOG_PATH, LOG_PATH ".1") < 0 || !ours)
		return;
	fd = open_log();
	if (fd >= 0 && (dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0))
		log_debug("messages go on in " LOG_PATH ".1");
}

/* Nothing of the caller's: descriptors, terminal, signals, environment, folder. */
int start_self(char *const args[], pid_t *pid, struct err *err)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	static char *const env[] = { path, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	scoped(fd) int log = -1;
	sigset_t none, all;
	int rc;

	rotate_log();
	/* No guest waits for its log. */
	if (file_mkdirs(LOG_DIR, 0755, err) == 0)
		log = open_log();
	if (log < 0)
		log = open("/dev/null", O_WRONLY | O_CLOEXEC);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_adddup2(&files, log, 1);
	posix_spawn_file_actions_adddup2(&files, log, 2);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addclosefrom_np(&files, 3);
	posix_spawn_file_actions_addchdir_np(&files, "/");
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
				 POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	rc = posix_spawn(pid, "/proc/self/exe", &files, &attr, args, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc ? fail_sys(err, rc, "cannot start '%s %s'", args[0], args[1]) : 0;
}

int supervisor_ensure(struct err *err)
{
	char self[] = "xlite", verb[] = "supervise";
	char *const args[] = { self, verb, NULL };
	pid_t pid;

	return supervisor_runs() ? 0 : start_self(args, &pid, err);
}
