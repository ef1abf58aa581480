/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "xen/domctl.h"
#include "xen/store.h"
#include "xen/xen.h"

#define LOCK_DIR "/var/lock"

/*
 * How long nothing may come before a console that is to end counts as read
 * out: xenconsoled passes on what it holds in pieces, and says nothing at the last.
 */
enum { QUIET_MS = 300, READ_OUT_MS = 3000 };

struct console {
	struct xen *xen;
	const struct console_options *options;
	uint32_t domid;
	uint8_t uuid[16];
	char tty_path[80];	/* the node that names the pty */
	char shown[64];		/* the pty that is open, "" if none */
	int pty;
	bool reads_stdin, both_terminals, is_raw;
	bool told, told_shutdown, told_ready;
	char typed[4096];	/* on its way to the guest */
	size_t nr_typed;
	struct termios saved;
};

int console_parse_escape(const char *text, char *escape)
{
	size_t len = strlen(text);

	if (len == 1) {
		*escape = text[0];
		return 0;
	}
	if (len != 2 || text[0] != '^' || text[1] < '?' || text[1] > '~')
		return -EINVAL;
	*escape = text[1] == '?' ? 0x7f : (char)(text[1] & 0x1f);
	return 0;
}

size_t console_find_escape(const char *data, size_t len, char escape, bool *found)
{
	const char *at = memchr(data, escape, len);

	*found = at != NULL;
	return at ? (size_t)(at - data) : len;
}

struct console_lock {
	int fd;
	char path[64];
};

static void scoped_console_lock(struct console_lock *lock)
{
	int saved = errno;

	if (lock->fd >= 0)
		unlink(lock->path);
	scoped_fd(&lock->fd);
	errno = saved;
}

static int lock_console(uint32_t domid, struct console_lock *lock, struct err *err)
{
	int rc;

	snprintf(lock->path, sizeof(lock->path), LOCK_DIR "/xenconsole.%u", domid);
	rc = file_lock(lock->path, 0, &lock->fd, err);
	if (rc == -EWOULDBLOCK)
		return fail(err, EBUSY, "somebody else is attached to the console of domain %u "
			    "('%s' is locked)", domid, lock->path);
	return rc;
}

/* A serial port is QEMU's: HVM guests have one only if the config says so. */
static enum console_type pick_type(struct console *c, const struct domctl_info *info)
{
	scoped(free) char *tty = NULL;
	struct err ignored = ERR_INIT;
	char path[80];

	if (c->options->type == CONSOLE_PV || c->options->type == CONSOLE_VUART)
		return c->options->type;
	if (c->options->type == CONSOLE_PRIMARY && !info->hvm)
		return CONSOLE_PV;
	snprintf(path, sizeof(path), "/local/domain/%u/serial/%u/tty", c->domid, c->options->num);
	if (store_read(c->xen, NULL, path, &tty, &ignored) == 0)
		return CONSOLE_SERIAL;
	if (c->options->type == CONSOLE_SERIAL)
		log_warn("domain %u has no serial port %u with a terminal: this is its other console",
			 c->domid, c->options->num);
	return CONSOLE_PV;
}

static void console_base(const struct console *c, enum console_type type, char *base, size_t size)
{
	unsigned int num = c->options->num;

	if (type == CONSOLE_SERIAL)
		snprintf(base, size, "/local/domain/%u/serial/%u", c->domid, num);
	else if (type == CONSOLE_VUART)
		snprintf(base, size, "/local/domain/%u/vuart/0", c->domid);
	else if (num == 0)
		snprintf(base, size, "/local/domain/%u/console", c->domid);
	else
		snprintf(base, size, "/local/domain/%u/device/console/%u", c->domid, num);
}

/* The pid file's process is enough to tell "not started" from "slow". */
static bool xenconsoled_runs(struct console *c)
{
	static const char *const files[] = {
		"/run/xen/xenconsoled.pid", "/run/xenconsoled.pid", "/var/run/xenconsoled.pid",
	};
	struct err ignored = ERR_INIT;
	uint64_t domid;

	if (store_read_u64(c->xen, NULL, "/tool/xenconsoled/domid", &domid, &ignored) == 0 && domid)
		return true;	/* in a domain of its own: out of sight */
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		scoped(bytes) struct bytes text = BYTES_INIT;
		long pid;

		if (file_read(files[i], 64, &text, &ignored) < 0)
			continue;
		pid = strtol(text.data, NULL, 10);
		if (pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM))
			return true;
	}
	return false;
}

/* Said once a wait: what the pty's node hangs on. */
static void tell_missing(struct console *c)
{
	scoped(free) char *port = NULL;
	struct err ignored = ERR_INIT;
	char path[96];
	size_t base = strlen(c->tty_path) - strlen("/tty");

	if (c->told)
		return;
	c->told = true;
	snprintf(path, sizeof(path), "%.*s/port", (int)base, c->tty_path);
	if (strstr(c->tty_path, "/serial/") == NULL &&
	    store_read(c->xen, NULL, path, &port, &ignored) < 0)
		log_warn("domain %u: waiting for its console: it has no event channel yet (no '%s')",
			 c->domid, path);
	else if (!xenconsoled_runs(c))
		log_warn("domain %u: waiting for its console: xenconsoled does not run", c->domid);
	else
		log_warn("domain %u: waiting for its console: no '%s' yet", c->domid, c->tty_path);
}

static void pty_close(struct console *c)
{
	scoped_fd(&c->pty);
	c->pty = -1;
	c->shown[0] = '\0';
}

/*
 * A second console's node can be written by the guest, so what it names is
 * only taken for a terminal device of this host, whatever else it could be.
 */
static int pty_open(struct console *c, const char *name, struct err *err)
{
	scoped(fd) int fd = -1;
	struct termios term;
	char shown[64];

	str_escape(name, strlen(name), shown, sizeof(shown));
	if (!str_starts(name, "/dev/") || strstr(name, "/../"))
		return fail(err, EINVAL, "'%s' names '%s', which is no terminal", c->tty_path,
			    shown);
	fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return fail_sys(err, errno, "cannot open '%s'", shown);
	if (tcgetattr(fd, &term) < 0)
		return fail(err, ENOTTY, "'%s' names '%s', which is no terminal", c->tty_path,
			    shown);
	cfmakeraw(&term);
	if (tcsetattr(fd, TCSANOW, &term) < 0)
		log_debug("%s: cannot make it raw", shown);
	snprintf(c->shown, sizeof(c->shown), "%s", name);
	c->pty = take_fd(fd);
	c->told = false;
	if (c->options->ready && !c->told_ready)
		c->options->ready(c->options->arg);
	c->told_ready = true;
	return 0;
}

/* Follows the node: opens the pty that it names now. */
static int follow_tty(struct console *c, struct err *err)
{
	scoped(free) char *name = NULL;
	int rc = store_read(c->xen, NULL, c->tty_path, &name, err);

	if (rc == -ENOENT || (rc == 0 && !*name)) {
		if (c->pty < 0)
			tell_missing(c);
		return 0;
	}
	if (rc < 0 || (c->pty >= 0 && strcmp(name, c->shown) == 0))
		return rc;
	pty_close(c);
	rc = pty_open(c, name, err);
	/* xenconsoled may be just about to replace it: its node will change again. */
	return rc == -ENOENT || rc == -EIO ? 0 : rc;
}

/* 1: it gave something; 0: nothing now; -EPIPE: stdout is closed; a dead pty is closed. */
static int from_guest(struct console *c, struct err *err)
{
	char data[4096];
	ssize_t n = read(c->pty, data, sizeof(data));
	int rc;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		pty_close(c);
		return 0;
	}
	rc = file_write_all(STDOUT_FILENO, data, (size_t)n);
	return rc < 0 ? fail_sys(err, -rc, "cannot write the guest's output") : 1;
}

/*
 * Everything that still comes, until the pty is closed or has been quiet for a while. A guest
 * that lives and never is quiet holds nobody for longer than that.
 */
static int read_out(struct console *c, bool alive, struct err *err)
{
	int64_t deadline = wait_deadline(alive ? READ_OUT_MS : -1);

	while (c->pty >= 0 && wait_now_ms() < deadline) {
		struct pollfd pfd = { .fd = c->pty, .events = POLLIN };
		int rc = wait_poll(&pfd, 1, wait_deadline(QUIET_MS));

		if (rc == -ETIMEDOUT || rc == -EINTR)
			return 0;
		if (rc < 0)
			return rc;
		rc = from_guest(c, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Why the loop ends; 0 goes on. */
enum { STEP_DETACH = 1, STEP_EOF, STEP_GONE };

/* STEP_DETACH after the escape key, STEP_EOF when stdin has ended. */
static int from_user(struct console *c)
{
	char data[512];
	size_t len, room = sizeof(c->typed) - c->nr_typed;
	/* What a pipe holds waits there until there is room for it. */
	size_t want = c->both_terminals || room > sizeof(data) ? sizeof(data) : room;
	ssize_t n = read(STDIN_FILENO, data, want);
	bool escaped = false;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		c->reads_stdin = false;
		return STEP_EOF;
	}
	len = (size_t)n;
	if (c->both_terminals)
		len = console_find_escape(data, len, c->options->escape, &escaped);
	/* A guest that reads nothing loses what is typed, but never the way out. */
	len = len < room ? len : room;
	memcpy(c->typed + c->nr_typed, data, len);
	c->nr_typed += len;
	return escaped ? STEP_DETACH : 0;
}

static void to_guest(struct console *c)
{
	ssize_t n = write(c->pty, c->typed, c->nr_typed);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		pty_close(c);
		return;
	}
	c->nr_typed -= (size_t)n;
	memmove(c->typed, c->typed + n, c->nr_typed);
}

/* What was typed last, as far as the guest takes it. */
static void write_out(struct console *c)
{
	while (c->nr_typed && c->pty >= 0) {
		struct pollfd pfd = { .fd = c->pty, .events = POLLOUT };

		if (wait_poll(&pfd, 1, wait_deadline(QUIET_MS)) < 0)
			return;
		to_guest(c);
	}
}

/* STEP_GONE when the domain is. */
static int look_at_domain(struct console *c, struct err *err)
{
	struct domctl_info info;
	int rc = domctl_info(c->xen, c->domid, &info, err);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == -ENOENT || info.dying || memcmp(info.uuid, c->uuid, sizeof(c->uuid)) != 0)
		return STEP_GONE;
	if (info.shutdown && c->both_terminals && !c->told_shutdown) {
		c->told_shutdown = true;
		fprintf(stderr, "\r\n[domain %u has shut down; its console stays until it is "
			"destroyed or you detach]\r\n", c->domid);
	}
	return 0;
}

/* Takes all watch events, then looks once. STEP_GONE when the domain is. */
static int handle_events(struct console *c, struct err *err)
{
	int rc;

	do {
		scoped(free) char *token = NULL;

		rc = store_take_event(c->xen, &token, err);
	} while (rc > 0);
	if (rc < 0)
		return rc;
	rc = look_at_domain(c, err);
	return rc ? rc : follow_tty(c, err);
}

/* Puts what to wait for into fds: store, pty, stdin; absent ones as -1. */
static void fill_poll(const struct console *c, struct pollfd fds[3])
{
	/* The end of a pipe ends the console: not before there has been one. */
	bool room = c->both_terminals || (c->told_ready && c->nr_typed < sizeof(c->typed));

	fds[0] = (struct pollfd){ .fd = store_fd(c->xen), .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = c->pty,
				  .events = (short)(POLLIN | (c->nr_typed ? POLLOUT : 0)) };
	fds[2] = (struct pollfd){ .fd = c->reads_stdin && room ? STDIN_FILENO : -1,
				  .events = POLLIN };
}

/* A STEP_... when the console is to end. */
static int console_step(struct console *c, struct err *err)
{
	struct pollfd fds[3];
	int rc;

	fill_poll(c, fds);
	rc = wait_poll(fds, 3, INT64_MAX);
	if (rc < 0)
		return rc == -EINTR ? STEP_DETACH : rc;
	/* The pty first: what a guest said last must not be lost to its end. */
	if (c->pty >= 0 && fds[1].revents & (POLLIN | POLLHUP | POLLERR)) {
		rc = from_guest(c, err);
		if (rc < 0)
			return rc;
	}
	if (c->pty >= 0 && fds[1].revents & POLLOUT && c->nr_typed)
		to_guest(c);
	rc = fds[2].revents ? from_user(c) : 0;
	if (rc)
		return rc;
	return fds[0].revents ? handle_events(c, err) : 0;
}

static int console_run(struct console *c, enum console_end *end, struct err *err)
{
	int rc = handle_events(c, err);

	while (rc == 0)
		rc = console_step(c, err);
	if (rc < 0)
		return rc;
	write_out(c);
	*end = rc == STEP_GONE ? CONSOLE_GONE : CONSOLE_DETACHED;
	/* After the escape key nobody waits for more. */
	return rc == STEP_DETACH ? 0 : read_out(c, rc == STEP_EOF, err);
}

static void terminal_raw(struct console *c)
{
	struct termios term;

	if (!c->both_terminals || tcgetattr(STDIN_FILENO, &c->saved) < 0)
		return;
	term = c->saved;
	cfmakeraw(&term);
	c->is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &term) == 0;
}

static void scoped_console(struct console *c)
{
	int saved = errno;
	struct err ignored;	/* a watch that cannot be taken back ends with the connection */

	if (c->tty_path[0] && store_unwatch(c->xen, c->tty_path, "tty", &ignored) == 0 &&
	    store_unwatch(c->xen, "@releaseDomain", "end", &ignored) < 0)
		log_debug("%s", ignored.msg);

	if (c->is_raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &c->saved);
	pty_close(c);
	errno = saved;
}

/*
 * As xenconsole: a terminal on stdin with stdout elsewhere is left to others
 * (`console x > log &` must not stop for reading it), and so are devices such as
 * /dev/null, with which services start. A pipe or a file is what the guest is to get.
 */
static void look_at_stdin(struct console *c)
{
	struct stat st;

	c->both_terminals = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	c->reads_stdin = c->both_terminals ||
			 (fstat(STDIN_FILENO, &st) == 0 && !S_ISCHR(st.st_mode));
}

static int console_start(struct console *c, const struct domctl_info *info, struct err *err)
{
	char base[64];
	int rc;

	memcpy(c->uuid, info->uuid, sizeof(c->uuid));
	console_base(c, pick_type(c, info), base, sizeof(base));
	snprintf(c->tty_path, sizeof(c->tty_path), "%s/tty", base);
	rc = store_watch(c->xen, c->tty_path, "tty", err);
	if (rc == 0)
		rc = store_watch(c->xen, "@releaseDomain", "end", err);
	return rc;
}

int console_attach(struct xen *xen, uint32_t domid, const struct console_options *options,
		   enum console_end *end, struct err *err)
{
	scoped(console_lock) struct console_lock lock = { .fd = -1 };
	scoped(console) struct console c = { .xen = xen, .options = options, .domid = domid,
					     .pty = -1 };
	struct domctl_info info;
	int rc;

	if (domid == 0)
		return fail(err, EINVAL, "domain 0 has no console here");
	rc = domctl_info(xen, domid, &info, err);
	if (rc == 0)
		rc = lock_console(domid, &lock, err);
	if (rc == 0)
		rc = wait_catch_interrupts(err);
	if (rc == 0)
		rc = console_start(&c, &info, err);
	if (rc < 0)
		return rc;
	signal(SIGPIPE, SIG_IGN);	/* a reader that left is an error, not our end */
	look_at_stdin(&c);
	terminal_raw(&c);
	return console_run(&c, end, err);
}
