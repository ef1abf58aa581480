/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/destroy.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "command.h"

struct destroy_options {
	bool force;
};

static int run_destroy(struct cmd *cmd, struct err *err)
{
	const struct destroy_options *opts = cmd->options;
	uint32_t domid;
	int rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc < 0)
		return rc;
	/* xl's words, and its guard against ending the host. */
	if (domid == 0 && !opts->force)
		return cmd_fail(cmd, err, EINVAL, "Not destroying domain 0; use -f to force.\n"
				"This can only be done when using a disaggregated hypervisor "
				"and toolstack.");
	rc = domain_destroy(&cmd->xen, domid, err);
	if (rc == -ENOENT)
		return cmd_fail(cmd, err, ENOENT, "Error: Domain '%s' does not exist.",
				cmd->words[0]);
	return rc;
}

static void report_debris(const char *name, uint32_t domid)
{
	if (domid)
		printf("removed unfinished domain %u (%s)\n", domid, name);
	else
		printf("removed the trace of an unfinished create of %s\n", name);
}

static int run_cleanup(struct cmd *cmd, struct err *err)
{
	int rc = domain_cleanup(&cmd->xen, report_debris, err);

	return rc < 0 ? rc : 0;
}

static const struct option_row destroy_options[] = {
	{ 'f', NULL, NULL, "Permit destroying domain 0, which will only succeed\n"
	  "when run from disaggregated toolstack domain with a\n"
	  "hardware domain distinct from domain 0.", OPTION_FLAG,
	  offsetof(struct destroy_options, force) },
};

const struct command cmd_destroy = {
	.name = "destroy", .args = "[options] <Domain>",
	.help = "Terminate a domain immediately", .needs = NEED_XEN | NEED_STORE,
	.min = 1, .max = 1, .modifies = true, COMMAND_OPTIONS(destroy_options),
	.run = run_destroy,
};

const struct command cmd_cleanup = {
	.name = "cleanup", .args = "", .help = "Remove what interrupted creates left behind",
	.needs = NEED_XEN | NEED_STORE, .run = run_cleanup,
};
