/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/config.h"

#define DEVICE_ADD(driver) \
	"{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"" driver "\"}}\n"
#define PROBE_SOCKET "/var/run/xen/xlite-probe-%d.%s"

enum { PROBE_MS = 10000 };

/*
 * What stands in front of QEMU's reason when it cannot do what a key asks for; or what it answers
 * when asked for a device, and the reason.
 */
static const struct { const char *key, *what, *before, *reason; } refusals[] = {
	{ "vncpasswd", "VNC passwords", ",password=on: ", NULL },
	{ "sdl", "SDL windows", "-display sdl: ", NULL },
	{ "spice", "SPICE", "-spice: ", NULL },
	{ "keymap", "that keymap", "could not read keymap file: ", NULL },
	{ "spiceusbredirection", "USB redirection", "'usb-redir' is not a valid device",
	  "it has no device 'usb-redir'" },
	{ "vga=\"qxl\"", "QXL video", "'qxl-vga' is not a valid device",
	  "it has no device 'qxl-vga'" },
};

static bool asks_qxl(const struct hvm_config *hvm)
{
	return hvm && hvm->vga_kind == VGA_QXL;
}

static bool asks_redirection(const struct hvm_config *hvm)
{
	return hvm && hvm->spice.enable == TRI_TRUE && hvm->spice.usbredirection;
}

static void base_args(struct qemu_args *args, const char *program)
{
	static const char *const words[] = {
		"-machine", "none,accel=xen", "-nodefaults", "-no-user-config", "-S", "-qmp",
		"stdio", "-display",
	};

	qemu_arg(args, "%s", program);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		qemu_arg(args, "%s", words[i]);
}

/* False when nothing is wanted that may be missing. */
static bool probe_args(struct qemu_args *args, const char *program,
		       const struct qemu_display *display, const struct hvm_config *hvm)
{
	bool password = display->vnc && display->vnc->passwd && *display->vnc->passwd;
	bool uses_spice = hvm && hvm->spice.enable == TRI_TRUE;

	if (!password && !display->sdl && !uses_spice && !display->keymap && !asks_qxl(hvm))
		return false;
	base_args(args, program);
	qemu_arg(args, display->sdl ? "sdl" : "none");
	if (password || display->keymap) {
		qemu_arg(args, "-vnc");
		qemu_arg(args, "unix:" PROBE_SOCKET "%s", (int)getpid(), "vnc",
			 password ? ",password=on" : "");
	}
	if (display->keymap) {
		qemu_arg(args, "-k");
		qemu_arg(args, "%s", display->keymap);
	}
	if (uses_spice) {
		qemu_arg(args, "-spice");
		qemu_arg(args, "unix=on,disable-ticketing=on,addr=" PROBE_SOCKET, (int)getpid(),
			 "spice");
	}
	return true;
}

static void remove_socket(const char *kind)
{
	scoped(free) char *path = str_format(PROBE_SOCKET, (int)getpid(), kind);

	if (path)
		unlink(path);
}

/* A machine without any bus takes no device, but says first if it does not know it. */
static char *probe_commands(const struct hvm_config *hvm)
{
	return str_format("{\"execute\":\"qmp_capabilities\"}\n%s%s{\"execute\":\"quit\"}\n",
			  asks_redirection(hvm) ? DEVICE_ADD("usb-redir") : "",
			  asks_qxl(hvm) ? DEVICE_ADD("qxl-vga") : "");
}

/* The answers go where errors go. */
static int probe_spawn(const struct qemu_args *args, int in, int said, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	int r = posix_spawn_file_actions_init(&files);

	if (r)
		return r;
	r = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	r = r ? r : posix_spawn_file_actions_adddup2(&files, said, STDERR_FILENO);
	r = r ? r : posix_spawn_file_actions_adddup2(&files, said, STDOUT_FILENO);
	r = r ? r : posix_spawn(pid, args->words[0], &files, NULL, args->words, environ);
	posix_spawn_file_actions_destroy(&files);
	return r;
}

/* What it says until it ends or PROBE_MS are over; then it is killed. -EINTR. */
static int probe_read(int fd, pid_t pid, char *buf, size_t size)
{
	int64_t deadline = wait_deadline(PROBE_MS);
	size_t len = 0;
	ssize_t n;
	int rc;

	do {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };

		rc = wait_poll(&pfd, 1, deadline);
		n = rc > 0 ? read(fd, buf + len, size - 1 - len) : 0;
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 && len < size - 1);
	buf[len] = '\0';
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return rc == -EINTR ? rc : 0;
}

static int probe(const struct qemu_args *args, const struct hvm_config *hvm, char *said,
		 size_t size)
{
	scoped(free) char *commands = probe_commands(hvm);
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, rc = -ENOMEM;
	pid_t pid;

	if (!args->failed && commands && pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 &&
	    write(in[1], commands, strlen(commands)) > 0)
		rc = -probe_spawn(args, in[0], out[1], &pid);
	scoped_fd(&in[0]);
	scoped_fd(&out[1]);
	if (rc == 0) {
		rc = probe_read(out[0], pid, said, size);
		remove_socket("vnc");
		remove_socket("spice");
	}
	scoped_fd(&in[1]);
	scoped_fd(&out[0]);
	return rc;
}

int qemu_probe(const char *program, const struct qemu_display *display,
	       const struct hvm_config *hvm, struct err *err)
{
	scoped(qemu_args) struct qemu_args args = QEMU_ARGS_INIT;
	char said[2048] = "", why[200];

	if (!probe_args(&args, program, display, hvm))
		return 0;
	if (probe(&args, hvm, said, sizeof(said)) == -EINTR)
		return fail(err, EINTR, "interrupted");
	/* Whatever else it may say says the one that is started for the domain. */
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const char *found = strstr(said, refusals[i].before);

		if (!found)
			continue;
		found += strlen(refusals[i].before);
		if (refusals[i].reason)
			found = refusals[i].reason;
		return fail(err, EOPNOTSUPP, "%s: this QEMU cannot do %s: %s", refusals[i].key,
			    refusals[i].what, str_escape(found, strcspn(found, "\r\n"), why,
							 sizeof(why)));
	}
	return 0;
}
