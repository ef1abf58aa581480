/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "domain/lookup.h"

/* Order of `help`: as in xl, xlite's own last. */
const struct command *const command_list[] = {
	&cmd_create, &cmd_list, &cmd_destroy, &cmd_shutdown, &cmd_reboot, &cmd_pause,
	&cmd_unpause, &cmd_console, &cmd_mem_max, &cmd_mem_set, &cmd_vcpu_list, &cmd_vcpu_set,
	&cmd_vm_list,
	&cmd_network_link,
	&cmd_info, &cmd_domid, &cmd_domname, &cmd_rename, &cmd_dmesg, &cmd_uptime,
	&cmd_network_attach, &cmd_network_list, &cmd_network_detach, &cmd_block_attach,
	&cmd_block_list, &cmd_block_detach, &cmd_devices, &cmd_cleanup, &cmd_version, &cmd_help,
	&cmd_channel_list, &cmd_vncviewer,
};

const size_t command_nr = ARRAY_SIZE(command_list);

int cmd_fail(struct cmd *cmd, struct err *err, int code, const char *fmt, ...)
{
	char msg[sizeof(err->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	cmd->plain = true;
	return fail(err, code, "%s", msg);
}

int cmd_usage(struct cmd *cmd)
{
	command_print_help(cmd->command, cmd->prog);
	return COMMAND_EXIT_USAGE;
}

int cmd_domain(struct cmd *cmd, const char *word, uint32_t *domid, struct err *err)
{
	int rc = domain_lookup(&cmd->xen, word, domid, err);

	if (rc == -ENOENT)
		return cmd_fail(cmd, err, ENOENT, "%s is an invalid domain identifier (rc=-6)", word);
	return rc;
}
