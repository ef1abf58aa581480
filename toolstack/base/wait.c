/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wait.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "scope.h"

/* A handler can reach nothing else: the one piece of state besides the log level. */
static volatile sig_atomic_t caught;
static int wake_pipe[2] = { -1, -1 };

int64_t wait_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t wait_deadline(int timeout_ms)
{
	return timeout_ms < 0 ? INT64_MAX : wait_now_ms() + timeout_ms;
}

static void on_signal(int sig)
{
	int saved = errno;

	caught = sig;
	/* The pipe closes the gap between looking at `caught` and entering poll. */
	if (write(wake_pipe[1], "", 1) < 0)
		caught = sig;	/* full: a wake-up is waiting already */
	errno = saved;
}

int wait_catch_interrupts(struct err *err)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal };

	if (wake_pipe[0] >= 0)
		return 0;
	if (pipe2(wake_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return fail_sys(err, errno, "cannot create a pipe");
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct sigaction old;

		/* What nohup(1) or a shell's & made ignored stays ignored. */
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN)
			continue;
		if (sigaction(signals[i], &sa, NULL) < 0)
			return fail_sys(err, errno, "cannot handle signal %d", signals[i]);
	}
	return 0;
}

int wait_after_fork(struct err *err)
{
	for (int i = 0; i < 2; i++) {
		if (wake_pipe[i] >= 0)
			close(wake_pipe[i]);
		wake_pipe[i] = -1;
	}
	/* What was caught stays so: it may have been meant for this child already. */
	return wait_catch_interrupts(err);
}

int wait_interrupted(void)
{
	return caught;
}

void wait_forgive(void)
{
	char drained[16];

	caught = 0;
	while (read(wake_pipe[0], drained, sizeof(drained)) > 0)
		continue;
}

int wait_poll(struct pollfd *fds, unsigned int nr, int64_t deadline)
{
	struct pollfd all[9];

	assert(nr <= 8);
	if (nr)
		memcpy(all, fds, nr * sizeof(*fds));
	all[nr] = (struct pollfd){ .fd = wake_pipe[0], .events = POLLIN };
	for (;;) {
		int64_t left = deadline == INT64_MAX ? -1 : deadline - wait_now_ms();
		int n;

		if (caught)
			return -EINTR;
		if (deadline != INT64_MAX && left <= 0)
			left = 0;
		n = poll(all, nr + 1, left > INT_MAX ? INT_MAX : (int)left);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (caught)
			return -EINTR;
		if (n > 0) {
			if (nr)
				memcpy(fds, all, nr * sizeof(*fds));
			return n;
		}
		if (n == 0 && left == 0)
			return -ETIMEDOUT;
	}
}
