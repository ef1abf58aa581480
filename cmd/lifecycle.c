/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pause, unpause, shutdown, reboot, rename. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/wait.h"
#include "command.h"
#include "devices/device.h"
#include "domain/lifecycle.h"
#include "xen/domctl.h"

static int pause_one(struct cmd *cmd, uint32_t domid, struct err *err)
{
	return domctl_pause(&cmd->xen, domid, err);
}

static int run_pause(struct cmd *cmd, struct err *err)
{
	return cmd_each_domain(cmd, cmd->words[0], pause_one, err);
}

static int unpause_one(struct cmd *cmd, uint32_t domid, struct err *err)
{
	int rc = devices_resume_model(&cmd->xen, domid, err);

	return rc < 0 ? rc : domctl_unpause(&cmd->xen, domid, err);
}

static int run_unpause(struct cmd *cmd, struct err *err)
{
	return cmd_each_domain(cmd, cmd->words[0], unpause_one, err);
}

static int run_rename(struct cmd *cmd, struct err *err)
{
	uint32_t domid;
	int rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc < 0)
		return rc;
	rc = lifecycle_rename(&cmd->xen, domid, cmd->words[1], err);
	if (rc < 0) {
		cmd->plain = true;
		return fail_in(err, "Can't rename domain '%s'", cmd->words[0]);
	}
	return 0;
}

struct end_options {
	bool all, fallback;
	unsigned int wait;
};

/* How long a guest may leave a request in the store, as in libxl. */
enum { ACK_MS = 60000 };

struct end_words {
	enum lifecycle_request request;
	const char *verb, *doing, *event;
};

static const struct end_words shutdown_words = {
	LIFECYCLE_POWEROFF, "shutdown", "Shutting down", "power",
};
static const struct end_words reboot_words = {
	LIFECYCLE_REBOOT, "reboot", "Rebooting", "reset",
};

static int ask(struct cmd *cmd, uint32_t domid, const struct end_words *words,
	       struct lifecycle_target *target, struct err *err)
{
	const struct end_options *opts = cmd->options;
	int rc;

	log_info("%s domain %u", words->doing, domid);
	rc = lifecycle_ask(&cmd->xen, domid, words->request, opts->fallback, target, err);
	if (rc == -EOPNOTSUPP)
		return cmd_fail(cmd, err, EOPNOTSUPP, "PV control interface not available: external "
				"graceful %s not possible.\nUse \"-F\" to fallback to ACPI %s "
				"event.\n%s failed (rc=-10)", words->verb, words->event,
				words->verb);
	if (rc == 0 && target->by_button)
		log_info("PV control interface not available: sending ACPI %s button event.",
			 words->event);
	if (rc < 0) {
		cmd->plain = true;
		return fail_in(err, "%s failed (rc=-3)", words->verb);
	}
	return 0;
}

static void report_end(const struct lifecycle_target *target)
{
	if (target->gone)
		log_info("Domain %u has been destroyed", target->domid);
	else
		log_info("Domain %u has been shut down, reason code %u", target->domid,
			 target->reason);
}

static int wait_for_acks(struct cmd *cmd, const struct end_words *words,
			 struct lifecycle_target *targets, size_t nr, struct err *err)
{
	uint32_t late = 0;
	int rc = lifecycle_wait(&cmd->xen, targets, nr, LIFECYCLE_ACKED, ACK_MS, NULL, err);

	if (rc != -ETIMEDOUT)
		return rc;
	for (size_t i = 0; i < nr; i++) {
		if (!targets[i].acked)
			late = targets[i].domid;
	}
	return cmd_fail(cmd, err, ETIMEDOUT, "%s failed (rc=-9): domain %u did not acknowledge the "
			"request within %d seconds", words->verb, late, ACK_MS / 1000);
}

static int wait_for_ends(struct cmd *cmd, struct lifecycle_target *targets, size_t nr,
			 struct err *err)
{
	const struct end_options *opts = cmd->options;
	int rc;

	log_info("Waiting for %zu domains", nr);
	rc = lifecycle_wait(&cmd->xen, targets, nr, LIFECYCLE_ENDED, -1, report_end, err);
	if (rc == 0 && opts->wait > 1)
		rc = lifecycle_wait(&cmd->xen, targets, nr, LIFECYCLE_GONE, -1, report_end, err);
	return rc;
}

/* Asks everybody first, so that one that does not answer holds up no other. */
static int end_domains(struct cmd *cmd, const struct end_words *words, const uint32_t *domids,
		       size_t nr, struct err *err)
{
	const struct end_options *opts = cmd->options;
	scoped(free) struct lifecycle_target *targets = calloc(nr + 1, sizeof(*targets));
	struct err first = ERR_INIT;
	size_t nr_asked = 0;
	int rc, failed = 0;

	if (!targets)
		return fail_nomem(err);
	for (size_t i = 0; i < nr; i++) {
		rc = ask(cmd, domids[i], words, &targets[nr_asked], err);
		if (rc == 0) {
			nr_asked++;
			continue;
		}
		failed = failed ? failed : rc;
		first = first.code ? first : *err;
	}
	rc = wait_catch_interrupts(err);
	if (rc == 0)
		rc = wait_for_acks(cmd, words, targets, nr_asked, err);
	if (rc == 0 && opts->wait)
		rc = wait_for_ends(cmd, targets, nr_asked, err);
	if (rc == -EINTR)
		return fail(err, EINTR, "interrupted; the guests go on shutting down");
	if (rc == 0 && failed)
		*err = first;
	return rc < 0 ? rc : failed;
}

static int end_all(struct cmd *cmd, const struct end_words *words, struct err *err)
{
	scoped(free) struct domctl_info *list = NULL;
	scoped(free) uint32_t *domids = NULL;
	size_t nr, nr_guests = 0;
	int rc = domctl_list(&cmd->xen, &list, &nr, err);

	if (rc < 0)
		return rc;
	domids = calloc(nr + 1, sizeof(*domids));
	if (!domids)
		return fail_nomem(err);
	for (size_t i = 0; i < nr; i++) {
		if (list[i].domid != 0)
			domids[nr_guests++] = list[i].domid;
	}
	return end_domains(cmd, words, domids, nr_guests, err);
}

static int end_guests(struct cmd *cmd, const struct end_words *words, struct err *err)
{
	const struct end_options *opts = cmd->options;
	scoped(free) uint32_t *domids = NULL;
	size_t nr = 0;
	bool group;
	int rc;

	if (opts->all)
		return end_all(cmd, words, err);
	if (!cmd->nr_words)
		return cmd_fail(cmd, err, EINVAL, "You must specify -a or a domain id.\n");
	rc = cmd_domains(cmd, cmd->words[0], &domids, &nr, &group, err);
	return rc < 0 ? rc : end_domains(cmd, words, domids, nr, err);
}

static int run_shutdown(struct cmd *cmd, struct err *err)
{
	return end_guests(cmd, &shutdown_words, err);
}

static int run_reboot(struct cmd *cmd, struct err *err)
{
	return end_guests(cmd, &reboot_words, err);
}

#define AT(member) offsetof(struct end_options, member)

static const struct option_row shutdown_options[] = {
	{ 'a', "all", NULL, "Shutdown all guest domains.", OPTION_FLAG, AT(all) },
	{ 'F', NULL, NULL, "Fallback to ACPI power event for HVM guests with no PV drivers.",
	  OPTION_FLAG, AT(fallback) },
	{ 'w', "wait", NULL, "Wait for guest(s) to shutdown; twice: until they are gone.",
	  OPTION_COUNT, AT(wait) },
};

static const struct option_row reboot_options[] = {
	{ 'a', "all", NULL, "Reboot all guest domains.", OPTION_FLAG, AT(all) },
	{ 'F', NULL, NULL, "Fallback to ACPI reset event for HVM guests with no PV drivers.",
	  OPTION_FLAG, AT(fallback) },
	{ 'w', "wait", NULL, "Wait for guest(s) to reboot.", OPTION_COUNT, AT(wait) },
};

const struct command cmd_pause = {
	.name = "pause", .args = "<Domain|Pattern>", .help = "Pause execution of a domain",
	.more = CMD_PATTERN_HELP, .needs = NEED_XEN | NEED_STORE, .min = 1, .max = 1,
	.modifies = true, .run = run_pause,
};

const struct command cmd_unpause = {
	.name = "unpause", .args = "<Domain|Pattern>", .help = "Unpause a paused domain",
	.more = CMD_PATTERN_HELP, .needs = NEED_XEN | NEED_STORE, .min = 1, .max = 1,
	.modifies = true, .run = run_unpause,
};

const struct command cmd_rename = {
	.name = "rename", .args = "<Domain> <NewDomainName>", .help = "Rename a domain",
	.needs = NEED_XEN | NEED_STORE, .min = 2, .max = 2, .modifies = true, .run = run_rename,
};

const struct command cmd_shutdown = {
	.name = "shutdown", .args = "[options] <-a|Domain|Pattern>", .more = CMD_PATTERN_HELP,
	.help = "Issue a shutdown signal to a domain", .needs = NEED_XEN | NEED_STORE, .max = 1,
	COMMAND_OPTIONS(shutdown_options), .modifies = true, .run = run_shutdown,
};

const struct command cmd_reboot = {
	.name = "reboot", .args = "[options] <-a|Domain|Pattern>", .more = CMD_PATTERN_HELP,
	.help = "Issue a reboot signal to a domain", .needs = NEED_XEN | NEED_STORE, .max = 1,
	COMMAND_OPTIONS(reboot_options), .modifies = true, .run = run_reboot,
};
