/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tether [-p PID | -k SECONDS] -d DIR COMMAND...
 *
 * Runs COMMAND and takes care that neither it nor DIR outlives its owner: when
 * process PID (by default tether's parent) ends, even by SIGKILL, COMMAND is
 * killed and DIR removed. With -k they have no owner, and SECONDS to live. A
 * bed's QEMU is started through this. SIGTERM ends COMMAND and leaves DIR.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* Whoever still writes to dir makes its removal fail; they end soon, so try again. */
static void remove_dir(const char *dir)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000000 };

	for (int i = 0; i < 100 && access(dir, F_OK) == 0; i++) {
		nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
		nanosleep(&pause, NULL);
	}
}

static void run(char **argv, const sigset_t *mask, pid_t parent)
{
	/* the kernel kills COMMAND should tether itself be killed */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	fprintf(stderr, "tether: cannot run '%s': %s\n", argv[0],
		strerror(errno));
	_exit(127);
}

static bool has_ended(int pidfd)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

/* Wait for COMMAND's end (returns false) or for a reason to end it (true). */
static bool watch(const sigset_t *set, int keep_s, int owner, bool *orphan)
{
	struct timespec tick = { .tv_sec = 1 };
	time_t end = time(NULL) + keep_s;

	for (;;) {
		int sig = sigtimedwait(set, NULL, &tick);

		if (sig == SIGCHLD)
			return false;
		*orphan = keep_s ? time(NULL) >= end : has_ended(owner);
		if (*orphan || sig > 0)
			return true;
	}
}

int main(int argc, char **argv)
{
	pid_t owner = getppid(), self = getpid(), child;
	int keep_s = 0, opt, pidfd, status = 0;
	const char *dir = NULL;
	bool orphan = false;
	sigset_t set, old;

	while ((opt = getopt(argc, argv, "+k:d:p:")) != -1) {
		if (opt == 'k')
			keep_s = atoi(optarg);
		else if (opt == 'd')
			dir = optarg;
		else if (opt == 'p')
			owner = atoi(optarg);
		else
			return 2;
	}
	if (!dir || optind == argc) {
		fprintf(stderr, "usage: tether [-p PID | -k SECONDS] -d DIR COMMAND...\n");
		return 2;
	}
	pidfd = syscall(SYS_pidfd_open, owner, 0);
	if (pidfd < 0) {
		perror("tether: owner");
		return 1;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &old);
	/* A process group of its own: ^C at the terminal is the owner's to handle. */
	setpgid(0, 0);

	child = fork();
	if (child < 0) {
		perror("tether: fork");
		return 1;
	}
	if (child == 0)
		run(argv + optind, &old, self);
	if (watch(&set, keep_s, pidfd, &orphan))
		kill(child, SIGKILL);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (orphan)
		remove_dir(dir);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
