/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trigger, button-press: buttons, NMI, waking up. sysrq: keys of the guest's own kernel. dump-core. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "command.h"
#include "domain/trigger.h"
#include "xen/dumpcore.h"

static int run_trigger(struct cmd *cmd, struct err *err)
{
	enum trigger trigger;
	uint32_t domid;
	uint64_t vcpu = 0;
	int rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc < 0)
		return rc;
	rc = trigger_parse(cmd->words[1], &trigger, err);
	cmd->plain = rc < 0;
	if (rc < 0)
		return rc;
	/* xl takes vcpu 0 for what it cannot read, and returns 0 whatever happens. */
	if (cmd->nr_words > 2 && str_to_u64(cmd->words[2], INT32_MAX, &vcpu) < 0)
		return fail(err, EINVAL, "bad vcpu '%.40s'", cmd->words[2]);
	return domain_trigger(&cmd->xen, domid, trigger, (unsigned int)vcpu, err);
}

static int run_button_press(struct cmd *cmd, struct err *err)
{
	enum trigger trigger;
	uint32_t domid;
	int rc;

	log_warn("button-press is deprecated, use trigger");
	rc = cmd_domain(cmd, cmd->words[0], &domid, err);
	if (rc < 0)
		return rc;
	rc = trigger_parse(cmd->words[1], &trigger, err);
	if (rc < 0 || (trigger != TRIGGER_POWER && trigger != TRIGGER_SLEEP))
		return cmd_fail(cmd, err, EINVAL, "%s is an invalid button identifier",
				cmd->words[1]);
	return domain_trigger(&cmd->xen, domid, trigger, 0, err);
}

static int run_sysrq(struct cmd *cmd, struct err *err)
{
	uint32_t domid;
	int rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc < 0)
		return rc;
	if (strlen(cmd->words[1]) != 1)
		return cmd_fail(cmd, err, EINVAL, "Invalid sysrq.\n");
	return domain_sysrq(&cmd->xen, domid, cmd->words[1][0], err);
}

/* The guest runs on, as with xl: pause it before for a dump that is of one moment. */
static int run_dump_core(struct cmd *cmd, struct err *err)
{
	uint32_t domid;
	int rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	return rc < 0 ? rc : dumpcore_write(&cmd->xen, domid, cmd->words[1], err);
}

const struct command cmd_dump_core = {
	.name = "dump-core", .args = "<Domain> <filename>", .help = "Core dump a domain",
	.more = "The domain runs on meanwhile; pause it for a dump that is of one moment.\n",
	.needs = NEED_XEN | NEED_STORE, .min = 2, .max = 2, .modifies = true, .run = run_dump_core,
};

const struct command cmd_button_press = {
	.name = "button-press", .args = "<Domain> <Button>",
	.help = "Indicate an ACPI button press to the domain", .needs = NEED_XEN | NEED_STORE,
	.more = "<Button> may be 'power' or 'sleep'.\n", .min = 2, .max = 2, .modifies = true,
	.run = run_button_press,
};

const struct command cmd_sysrq = {
	.name = "sysrq", .args = "<Domain> <letter>", .help = "Send a sysrq to a domain",
	.needs = NEED_XEN | NEED_STORE, .min = 2, .max = 2, .modifies = true, .run = run_sysrq,
};

const struct command cmd_trigger = {
	.name = "trigger", .args = "<Domain> <nmi|reset|init|power|sleep|s3resume> [<VCPU>]",
	.help = "Send a trigger to a domain", .needs = NEED_XEN | NEED_STORE, .min = 2, .max = 3,
	.modifies = true, .run = run_trigger,
};
