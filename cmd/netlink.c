/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* network-link: xl has no such command. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "command.h"
#include "devices/device.h"

static int run(struct cmd *cmd, struct err *err)
{
	const char *word = cmd->words[1], *state = cmd->words[2];
	uint32_t domid;
	uint64_t devid;
	int rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc < 0)
		return rc;
	if (strcmp(state, "up") != 0 && strcmp(state, "down") != 0)
		return fail(err, EINVAL, "'%s' is no state of a link, expected up or down", state);
	rc = str_to_u64(word, UINT32_MAX, &devid) == 0 ?
		nic_set_link(&cmd->xen, domid, (uint32_t)devid, *state == 'u', err) : -ENOENT;
	if (rc == -ENOENT)
		return cmd_fail(cmd, err, ENOENT, "Unknown device %s.", word);
	return rc;
}

const struct command cmd_network_link = {
	.name = "network-link", .args = "<Domain> <DevId> <up|down>",
	.help = "Set a virtual network interface's link up or down",
	.more = "While it is down nothing passes; nothing remembers it: after a reboot of the\n"
		"guest the link is up. vif=['link=down'] creates it down.",
	.needs = NEED_XEN | NEED_STORE, .min = 3, .max = 3, .modifies = true, .run = run,
};
