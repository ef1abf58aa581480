/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/scope.h"

enum { KEY_INTERRUPT = 'C' & 0x1f, KEY_LEAVE = ']' & 0x1f };

void scoped_relay(struct relay *r)
{
	int saved = errno;

	scoped_fd(&r->master);
	scoped_fd(&r->slave);
	if (r->changed)
		tcsetattr(r->terminal, TCSADRAIN, &r->modes);
	*r = (struct relay)RELAY_INIT;
	errno = saved;
}

static int make_raw(int fd)
{
	struct termios raw;

	if (tcgetattr(fd, &raw) < 0)
		return -errno;
	cfmakeraw(&raw);
	return tcsetattr(fd, TCSANOW, &raw) < 0 ? -errno : 0;
}

/* The pair's other side by its descriptor: no path, and /dev/pts may be another's. */
static int open_pair(struct relay *r)
{
	r->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (r->master < 0 || unlockpt(r->master) < 0)
		return -errno;
	r->slave = ioctl(r->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return r->slave < 0 ? -errno : make_raw(r->slave);
}

int relay_open(int terminal, struct relay *relay, struct err *err)
{
	scoped(relay) struct relay r = RELAY_INIT;
	int rc;

	if (terminal < 0)
		return 0;
	rc = open_pair(&r);
	if (rc < 0)
		return fail_sys(err, -rc, "cannot make a terminal for the boot menu");
	r.terminal = terminal;
	/* A pipe is fine as well: there is nothing to change about it then. */
	if (tcgetattr(terminal, &r.modes) == 0) {
		r.changed = true;
		rc = make_raw(terminal);
		if (rc < 0)
			return fail_sys(err, -rc, "cannot set the terminal's modes");
	}
	*relay = r;
	r = (struct relay)RELAY_INIT;
	return 0;
}

void relay_started(struct relay *r)
{
	scoped_fd(&r->slave);
	r->slave = -1;
}

void relay_fds(const struct relay *r, struct pollfd *fds)
{
	fds[0] = (struct pollfd){ .fd = r->master < 0 ? -1 : r->terminal, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = r->master, .events = POLLIN };
}

/* What nobody can see any more, or type, is the end of the relay: the menu gives up then. */
static void hang_up(struct relay *r)
{
	scoped_fd(&r->master);
	r->master = -1;
}

static int keys(struct relay *r, struct err *err)
{
	char buf[256];
	ssize_t n = read(r->terminal, buf, sizeof(buf));

	if (n <= 0) {
		hang_up(r);
		return 0;
	}
	r->typed = true;
	if (memchr(buf, KEY_INTERRUPT, (size_t)n) || memchr(buf, KEY_LEAVE, (size_t)n))
		return fail(err, EINTR, "interrupted");
	if (file_write_all(r->master, buf, (size_t)n) < 0)
		hang_up(r);
	return 0;
}

int relay_step(struct relay *r, const struct pollfd *fds, struct err *err)
{
	char buf[4096];
	ssize_t n;

	if (fds[0].fd >= 0 && fds[0].revents) {
		int rc = keys(r, err);

		if (rc < 0)
			return rc;
	}
	if (r->master >= 0 && fds[1].revents) {
		n = read(r->master, buf, sizeof(buf));
		if (n <= 0 || file_write_all(r->terminal, buf, (size_t)n) < 0)
			hang_up(r);
	}
	return 0;
}
