/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "console.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/file.h"
#include "term.h"

static int read_key(void *arg, int timeout_ms)
{
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
	unsigned char c;
	int n = poll(&pfd, 1, timeout_ms);

	(void)arg;
	if (n == 0)
		return -ETIMEDOUT;
	return n > 0 && read(STDIN_FILENO, &c, 1) == 1 ? c : -EPIPE;
}

static void write_text(void *arg, const char *text, size_t len)
{
	(void)arg;
	if (file_write_all(STDOUT_FILENO, text, len) < 0)
		return;		/* the next key says that nobody is there */
}

const struct menu_io console_io = { read_key, write_text, NULL };

void console_say(const char *ours, const char *guests)
{
	term_print(&console_io, "\r\n%s", ours);
	term_guest_text(&console_io, guests, 4 * TERM_COLUMNS);
	term_print(&console_io, "\r\n");
}
