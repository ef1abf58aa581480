/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vncviewer: a viewer for a domain's framebuffer. */
#include "vnc.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "command.h"
#include "devices/device.h"

struct vnc_options {
	bool autopass;
};

/* What is run, and its stdin; -1: this process's. */
struct viewer {
	char *args[4];
	char *target;			/* owned: "HOST:DISPLAY" */
	int in;
};

#define VIEWER_INIT { .in = -1 }

static void scoped_viewer(struct viewer *v)
{
	free(v->target);
	scoped_fd(&v->in);
}

/* In memory only: what xl puts into a file that it unlinks. */
static int password_fd(const char *password, struct err *err)
{
	scoped(fd) int fd = memfd_create("vnc-password", MFD_CLOEXEC);

	if (fd < 0 || file_write_all(fd, password, strlen(password)) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return fail_sys(err, errno, "cannot hand on the VNC password");
	return take_fd(fd);
}

static int prepare(struct xen *xen, uint32_t domid, bool password, struct viewer *v,
		   struct err *err)
{
	scoped(vnc_address) struct vnc_address address = { .host = NULL };
	static char program[] = "vncviewer", autopass[] = "-autopass";
	char *other = getenv("VNCVIEWER");
	int rc = vnc_find(xen, domid, &address, err);

	if (rc < 0)
		return rc;
	v->target = str_format(strchr(address.host, ':') ? "[%s]:%d" : "%s:%d", address.host,
			       address.display);
	if (!v->target)
		return fail_nomem(err);
	v->args[0] = other && *other ? other : program;
	v->args[1] = v->target;
	if (!password || !address.password)
		return 0;
	v->args[2] = autopass;
	v->in = password_fd(address.password, err);
	return v->in < 0 ? v->in : 0;
}

static int fail_run(const struct viewer *v, int code, struct err *err)
{
	if (code == ENOENT)
		return fail(err, code, "there is no '%s' here to show %s (packages such as "
			    "tigervnc-viewer have one; VNCVIEWER= names another)", v->args[0],
			    v->target);
	return fail_sys(err, code, "cannot run '%s'", v->args[0]);
}

static int start(const struct viewer *v, struct err *err)
{
	posix_spawn_file_actions_t files;
	pid_t pid;
	int r = posix_spawn_file_actions_init(&files);

	if (r)
		return fail_sys(err, r, "cannot run '%s'", v->args[0]);
	if (v->in >= 0)
		r = posix_spawn_file_actions_adddup2(&files, v->in, STDIN_FILENO);
	r = r ? r : posix_spawnp(&pid, v->args[0], &files, NULL, v->args, environ);
	posix_spawn_file_actions_destroy(&files);
	return r ? fail_run(v, r, err) : 0;
}

void vncviewer_start(struct xen *xen, uint32_t domid, bool password)
{
	scoped(viewer) struct viewer v = VIEWER_INIT;
	struct err err = ERR_INIT;
	int rc = prepare(xen, domid, password, &v, &err);

	if (rc == 0)
		rc = start(&v, &err);
	if (rc < 0)
		log_warn("no VNC viewer: %s", err.msg);
}

static int run_vncviewer(struct cmd *cmd, struct err *err)
{
	const struct vnc_options *opts = cmd->options;
	scoped(viewer) struct viewer v = VIEWER_INIT;
	uint32_t domid;
	int rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc == 0)
		rc = prepare(&cmd->xen, domid, opts->autopass, &v, err);
	if (rc < 0)
		return rc;
	if (v.in >= 0 && dup2(v.in, STDIN_FILENO) < 0)
		return fail_sys(err, errno, "cannot hand on the VNC password");
	execvp(v.args[0], v.args);
	return fail_run(&v, errno, err);
}

static const struct option_row rows[] = {
	{ 'a', "autopass", NULL, "Pass VNC password to viewer via stdin and\n-autopass",
	  OPTION_FLAG, offsetof(struct vnc_options, autopass) },
	{ 0, "vncviewer-autopass", NULL, "(consistency alias for --autopass)", OPTION_FLAG,
	  offsetof(struct vnc_options, autopass) },
};

const struct command cmd_vncviewer = {
	.name = "vncviewer", .args = "[options] <Domain>",
	.help = "Attach to domain's VNC server",
	.needs = NEED_XEN | NEED_STORE, .min = 1, .max = 1, COMMAND_OPTIONS(rows),
	.run = run_vncviewer,
};
