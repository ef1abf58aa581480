/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu-monitor-command, vnc-password: what is asked of a domain's device model. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/str.h"
#include "base/wait.h"
#include "command.h"
#include "devices/device.h"

enum { PASSWORD_MAX = 256 };

static int run_monitor(struct cmd *cmd, struct err *err)
{
	scoped(free) char *output = NULL;
	uint32_t domid;
	int rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc == 0)
		rc = devices_monitor(&cmd->xen, domid, cmd->words[1], &output, err);
	if (rc < 0)
		return rc;
	/* It may be the guest by now that speaks. */
	for (char *p = isatty(STDOUT_FILENO) ? output : NULL; p && *p; p++) {
		if (iscntrl((unsigned char)*p) && !strchr("\n\r\t", *p))
			*p = '?';
	}
	puts(output);
	return 0;
}

/* One line of stdin; from a terminal after a prompt on stderr, and unseen. */
static int read_password(char text[PASSWORD_MAX], struct err *err)
{
	struct termios saved, quiet;
	bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &saved) == 0;
	bool read;

	if (terminal) {
		quiet = saved;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		fputs("New VNC password: ", stderr);
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	read = fgets(text, PASSWORD_MAX, stdin) != NULL;	/* an interrupt ends it as well */
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
		fputc('\n', stderr);
	}
	if (wait_interrupted())
		return fail(err, EINTR, "interrupted");
	if (!read)
		return fail(err, EINVAL, "no password on stdin");
	if (!strchr(text, '\n') && strlen(text) == PASSWORD_MAX - 1)
		return fail(err, E2BIG, "the password is longer than %d bytes", PASSWORD_MAX - 2);
	text[strcspn(text, "\n")] = '\0';
	return *text ? 0 : fail(err, EINVAL, "the password is empty");
}

static int run_vnc_password(struct cmd *cmd, struct err *err)
{
	char password[PASSWORD_MAX];
	uint32_t domid;
	int rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc == 0)
		rc = vnc_can_change(&cmd->xen, domid, err);
	/* The terminal shows again what is typed before we go. */
	if (rc == 0)
		rc = wait_catch_interrupts(err);
	if (rc == 0)
		rc = read_password(password, err);
	if (rc == 0)
		rc = vnc_change_password(&cmd->xen, domid, password, err);
	explicit_bzero(password, sizeof(password));
	return rc;
}

const struct command cmd_qemu_monitor_command = {
	.name = "qemu-monitor-command", .args = "<Domain> <Command>",
	.help = "Issue a qemu monitor command to the device model of a domain",
	.needs = NEED_XEN | NEED_STORE, .min = 2, .max = 2, .run = run_monitor,
};

const struct command cmd_vnc_password = {
	.name = "vnc-password", .args = "<Domain>",
	.help = "Change the password of a domain's VNC server",
	.more = "The password is read from stdin. It lasts until the domain ends or reboots; what\n"
		"its config says is not changed.\n",
	.needs = NEED_XEN | NEED_STORE, .min = 1, .max = 1, .modifies = true,
	.run = run_vnc_password,
};
