/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/wait.h"
#include "command.h"
#include "devices/driver.h"

#define LOG_DIR "/var/log/xen"
#define LOG_PATH LOG_DIR "/xldevd.log"
#define LOCK_DIR "/run/xlite"
#define LOCK_PATH LOCK_DIR "/devd.lock"

struct devd_options {
	bool foreground;
	const char *pidfile;
};

/* Two would each serve a new device. The lock is this process's, until it ends. */
static int lock(struct err *err)
{
	int fd, rc = file_mkdirs(LOCK_DIR, 0700, err);

	if (rc == 0)
		rc = file_lock(LOCK_PATH, 0, &fd, err);
	return rc == -EWOULDBLOCK ? fail(err, EBUSY, "devd runs already (" LOCK_PATH " is held)") :
		rc;
}

static int write_pid(const char *path, struct err *err)
{
	scoped(fd) int fd = -1;
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", getpid());

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		return fail_sys(err, errno, "cannot write '%s'", path);
	return 0;
}

/* From the terminal to the log. */
static int leave_terminal(struct err *err)
{
	scoped(fd) int null = -1;
	scoped(fd) int log = -1;
	int rc = file_mkdirs(LOG_DIR, 0755, err);

	if (rc < 0)
		return rc;
	log = open(LOG_PATH, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (log < 0)
		return fail_sys(err, errno, "cannot open '" LOG_PATH "'");
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || chdir("/") < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
		return fail_sys(err, errno, "cannot leave the terminal");
	return 0;
}

/* ready: where the parent waits for a byte, -1: there is none. */
static int serve(struct cmd *cmd, int ready, struct err *err)
{
	const struct devd_options *opts = cmd->options;
	scoped(driver) struct driver *driver = NULL;
	scoped(free) char *pidfile = opts->pidfile ? strdup(opts->pidfile) : NULL;
	int rc = xen_open_store(&cmd->xen, err);

	if (opts->pidfile && !pidfile)
		return fail_nomem(err);
	/* The folder is left. */
	if (rc == 0 && pidfile)
		rc = file_absolute(&pidfile, err);
	if (rc == 0)
		rc = driver_open(&cmd->xen, &driver, err);
	if (rc == 0)
		rc = lock(err);
	if (rc == 0)
		rc = wait_catch_interrupts(err);
	if (rc == 0)
		rc = write_pid(pidfile, err);
	if (rc < 0)
		return rc;
	if (ready >= 0)
		rc = leave_terminal(err);
	if (rc == 0 && ready >= 0 && write(ready, "", 1) != 1)
		rc = fail_sys(err, errno, "nobody waits for this");
	if (rc == 0)
		rc = driver_serve(driver, err);
	if (pidfile)
		unlink(pidfile);
	return rc == -EINTR ? 0 : rc;
}

static int run_devd(struct cmd *cmd, struct err *err)
{
	const struct devd_options *opts = cmd->options;
	scoped(fd) int ready = -1;
	int pair[2], status;
	char byte;
	pid_t pid;

	umask(022);
	if (opts->foreground)
		return serve(cmd, -1, err);
	if (pipe2(pair, O_CLOEXEC) < 0)
		return fail_sys(err, errno, "cannot start");
	ready = pair[0];
	pid = fork();
	if (pid == 0) {
		setsid();
		close(take_fd(ready));
		return serve(cmd, pair[1], err);
	}
	close(pair[1]);
	if (pid < 0)
		return fail_sys(err, errno, "cannot fork");
	if (read(ready, &byte, 1) == 1)
		return 0;
	/* It has said why. */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) ? WEXITSTATUS(status) : COMMAND_EXIT_FAILED;
}

#define AT(member) offsetof(struct devd_options, member)

static const struct option_row devd_options[] = {
	{ 'F', NULL, NULL, "Stay in the foreground", OPTION_FLAG, AT(foreground) },
	{ 'p', "pidfile", "FILE", "Write the process's number there", OPTION_STRING, AT(pidfile) },
};

const struct command cmd_devd = {
	.name = "devd", .args = "[options]",
	.help = "Serve the disks and vifs whose backend is in this domain, a driver domain",
	.more = "For a domain other than the toolstack's, with driver_domain=1 in its config. Its log is\n"
		LOG_PATH ".\n",
	.needs = NEED_NOTHING, COMMAND_OPTIONS(devd_options), .run = run_devd,
};
