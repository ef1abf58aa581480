/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "domain/lookup.h"
#include "supervisor/events.h"

/* Order of `help`: as in xl, xlite's own last. */
const struct command *const command_list[] = {
	&cmd_create, &cmd_config_update, &cmd_list, &cmd_destroy, &cmd_shutdown, &cmd_reboot,
	&cmd_pci_attach, &cmd_pci_detach, &cmd_pci_list, &cmd_pci_assignable_add,
	&cmd_pci_assignable_remove, &cmd_pci_assignable_list,
	&cmd_pause, &cmd_unpause, &cmd_console, &cmd_vncviewer, &cmd_dump_core, &cmd_cd_insert,
	&cmd_cd_eject, &cmd_mem_max, &cmd_mem_set, &cmd_button_press, &cmd_vcpu_list,
	&cmd_vcpu_pin, &cmd_vcpu_set, &cmd_vm_list, &cmd_info, &cmd_sharing, &cmd_sched_credit,
	&cmd_sched_credit2, &cmd_sched_rtds, &cmd_domid, &cmd_domname, &cmd_rename, &cmd_trigger,
	&cmd_sysrq, &cmd_debug_keys, &cmd_set_parameters, &cmd_dmesg, &cmd_top,
	&cmd_network_attach, &cmd_network_list, &cmd_network_detach, &cmd_channel_list,
	&cmd_block_attach, &cmd_block_list, &cmd_block_detach, &cmd_uptime, &cmd_claims,
	&cmd_cpupool_create, &cmd_cpupool_list, &cmd_cpupool_destroy, &cmd_cpupool_rename,
	&cmd_cpupool_cpu_add, &cmd_cpupool_cpu_remove, &cmd_cpupool_migrate,
	&cmd_cpupool_numa_split, &cmd_devd, &cmd_qemu_monitor_command, &cmd_version, &cmd_help,

	&cmd_autostart, &cmd_boot, &cmd_check, &cmd_cleanup, &cmd_completion, &cmd_devices,
	&cmd_doctor, &cmd_events, &cmd_metrics, &cmd_network_link, &cmd_supervise,
	&cmd_vnc_password, &cmd_wait, &cmd_watch, &cmd_why,
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

int cmd_done(struct cmd *cmd, const char *kind, uint32_t domid, const char *what, int rc)
{
	scoped(free) char *name = NULL;
	struct err ignored;	/* it has gone meanwhile */

	if (rc == 0 && domain_get_name(&cmd->xen, domid, &name, &ignored) == 0)
		event_add(kind, name, domid, "%s%s%s", cmd->command->name, what ? " " : "",
			  what ? what : "");
	return rc;
}
