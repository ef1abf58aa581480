/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <uuid/uuid.h>

#include "base/str.h"
#include "base/wait.h"
#include "command.h"
#include "supervisor/successor.h"
#include "supervisor/supervisor.h"

struct supervise_options {
	bool stay, end;
};

/* The supervisor's child: supervise --end NAME DOMID UUID RESTARTS MATTER [waited]. */
static int end_one(struct cmd *cmd, struct err *err)
{
	uint8_t uuid[16];
	uint64_t domid, restarts;
	int rc;

	if (cmd->nr_words < 5 || str_to_u64(cmd->words[1], XEN_DOMID_MAX, &domid) < 0 ||
	    uuid_parse(cmd->words[2], uuid) < 0 ||
	    str_to_u64(cmd->words[3], UINT_MAX, &restarts) < 0)
		return cmd_usage(cmd);
	rc = xen_open(&cmd->xen, err);
	if (rc == 0)
		rc = xen_open_store(&cmd->xen, err);
	if (rc == 0)
		rc = wait_catch_interrupts(err);
	if (rc == 0)
		rc = successor_carry_out(&cmd->xen, cmd->words[0], (uint32_t)domid, uuid,
					 (unsigned int)restarts, cmd->words[4],
					 cmd->nr_words > 5, err);
	/* Killed, as far as the supervisor is concerned: it is to be done again. */
	if (rc == -EINTR) {
		signal(SIGTERM, SIG_DFL);
		raise(SIGTERM);
	}
	return rc;
}

static int run_supervise(struct cmd *cmd, struct err *err)
{
	const struct supervise_options *opts = cmd->options;

	umask(022);	/* not that of whoever made a guest */
	if (opts->end)
		return end_one(cmd, err);
	return cmd->nr_words ? cmd_usage(cmd) : supervisor_run(opts->stay, err);
}

#define AT(member) offsetof(struct supervise_options, member)

static const struct option_row supervise_options[] = {
	{ 0, "stay", NULL, "Do not end when the last guest has gone", OPTION_FLAG, AT(stay) },
	{ 0, "end", NULL, NULL, OPTION_FLAG, AT(end) },
};

const struct command cmd_supervise = {
	.name = "supervise", .args = "[--stay]",
	.help = "Carry out what guests' configs say about their end, until none is left",
	.needs = NEED_NOTHING, .max = 6, COMMAND_OPTIONS(supervise_options), .run = run_supervise,
};
