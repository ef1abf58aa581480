/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "supervisor/monitor.h"

static int run_watch(struct cmd *cmd, struct err *err)
{
	uint32_t domid;
	int rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	return rc < 0 ? rc : monitor_adopt(&cmd->xen, domid, err);
}

const struct command cmd_watch = {
	.name = "watch", .args = "<Domain>",
	.help = "Carry out what a guest's config says about its end, if nobody does",
	.more = "For a guest that was made with create -e, by xlite or xl. One that xl or a create in\n"
		"the foreground looks after is refused.\n",
	.needs = NEED_XEN | NEED_STORE, .min = 1, .max = 1, .modifies = true, .run = run_watch,
};
