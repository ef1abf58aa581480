/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wait: until something is true of a domain. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/wait.h"
#include "command.h"
#include "domain/await.h"
#include "supervisor/monitor.h"

/* Beside those of command.h. */
enum { STATUS_TIMEOUT = 3, STATUS_ENDED = 4 };

struct wait_options {
	const char *what;
	struct option_uint timeout;
};

static const char *const words[] = {
	[AWAIT_RUNNING] = "running", [AWAIT_SHUTDOWN] = "shutdown", [AWAIT_GONE] = "gone",
	[AWAIT_CONSOLE] = "console", [AWAIT_IP] = "ip",
};

static int parse_what(const char *word, enum await_what *what, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (word && strcmp(words[i], word) == 0) {
			*what = (enum await_what)i;
			return 0;
		}
	}
	return word ? fail(err, EINVAL, "--for is not '%.40s', but running, shutdown, gone, console "
			   "or ip", word) :
		fail(err, EINVAL, "wait needs --for=running, shutdown, gone, console or ip");
}

static int run_wait(struct cmd *cmd, struct err *err)
{
	const struct wait_options *opts = cmd->options;
	scoped(free) char *found = NULL;
	enum await_what what;
	int rc = parse_what(opts->what, &what, err);

	if (rc == 0 && opts->timeout.given && opts->timeout.value > INT_MAX / 1000)
		rc = fail(err, EINVAL, "--timeout is at most %d seconds", INT_MAX / 1000);
	if (rc < 0) {
		cmd->fail_status = COMMAND_EXIT_USAGE;
		return rc;
	}
	rc = wait_catch_interrupts(err);
	if (rc == 0)
		rc = domain_await(&cmd->xen, cmd->words[0], what, opts->timeout.given ?
				  (int)opts->timeout.value * 1000 : -1, monitor_attends, &found, err);
	if (rc == -ETIMEDOUT)
		cmd->fail_status = STATUS_TIMEOUT;
	if (rc == -ESRCH)
		cmd->fail_status = STATUS_ENDED;
	if (rc == 0 && *found)
		puts(found);
	return rc;
}

#define AT(member) offsetof(struct wait_options, member)

static const struct option_row options[] = {
	{ 0, "for", "WHAT", "running: complete, and neither paused nor ended\n"
	  "shutdown: it has ended; prints how (poweroff, reboot, crash, ..., gone)\n"
	  "gone: there is no such domain (any more)\n"
	  "console: it can be attached to; prints its terminal\n"
	  "ip: its guest agent has told an address; prints it", OPTION_STRING, AT(what) },
	{ 't', "timeout", "SECONDS", "Give up after that time (never).", OPTION_UINT,
	  AT(timeout) },
};

const struct command cmd_wait = {
	.name = "wait", .args = "--for=WHAT [--timeout=SECONDS] <Domain>",
	.help = "Wait until something is true of a domain",
	.more = "A domain that is not there yet is waited for, but for shutdown and gone.\n"
		"Exit status: 0 it is true; 1 failed; 2 usage; 3 not in time; 4 the domain has "
		"ended\nor is gone, and no successor is on its way.",
	.needs = NEED_XEN | NEED_STORE, .min = 1, .max = 1, COMMAND_OPTIONS(options),
	.run = run_wait,
};
