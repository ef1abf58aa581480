/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/destroy.h"

#include <errno.h>
#include <fnmatch.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "config/config.h"
#include "devices/diskborrow.h"
#include "domain/runfile.h"
#include "supervisor/intent.h"
#include "supervisor/successor.h"

struct destroy_options {
	bool force;
};

static int destroy_one(struct cmd *cmd, uint32_t domid, struct err *err)
{
	const struct destroy_options *opts = cmd->options;
	int rc;

	/* xl's words, and its guard against ending the host. */
	if (domid == 0 && !opts->force)
		return cmd_fail(cmd, err, EINVAL, "Not destroying domain 0; use -f to force.\n"
				"This can only be done when using a disaggregated hypervisor "
				"and toolstack.");
	rc = successor_destroy(&cmd->xen, domid, err);
	if (rc == -ENOENT)
		return cmd_fail(cmd, err, ENOENT, "Error: Domain '%s' does not exist.",
				cmd->words[0]);
	return rc;
}

/* Guests that just restart have none. The number of those that were meant. */
static int destroy_without_domain(struct cmd *cmd, const char *pattern, struct err *err)
{
	char **names = NULL;
	struct err other;
	size_t nr = 0;
	int count = 0, rc = intent_list(RUNFILE_DIR, &names, &nr, err);

	for (size_t i = 0; i < nr; i++) {
		int found = fnmatch(pattern, names[i], 0) == 0 ?
			successor_prevent(&cmd->xen, names[i], NULL, &other) : 0;

		if (found < 0 && rc == 0) {
			rc = found;
			*err = other;
		}
		count += found > 0;
		free(names[i]);
	}
	free(names);
	/* One that its create attends: only by its name. */
	if (rc == 0 && !count && config_check_name(pattern, &other) == 0)
		return successor_prevent(&cmd->xen, pattern, NULL, err);
	return rc < 0 ? rc : count;
}

static int run_destroy(struct cmd *cmd, struct err *err)
{
	const char *word = cmd->words[0];
	struct err other = ERR_INIT;
	int found, rc = cmd_each_domain(cmd, word, destroy_one, err);

	if (rc != -ENOENT && !(rc == 0 && strpbrk(word, "*?[")))
		return rc;
	found = destroy_without_domain(cmd, word, &other);
	if (found < 0) {
		*err = other;
		cmd->plain = false;	/* no words of xl's */
	}
	return found < 0 ? found : found > 0 ? 0 : rc;
}

static void report_debris(const char *name, uint32_t domid)
{
	if (domid)
		printf("removed unfinished domain %u (%s)\n", domid, name);
	else
		printf("removed the trace of an unfinished create of %s\n", name);
}

static void report_disk(const char *target)
{
	printf("removed the disk '%s' of an unfinished create's bootloader\n", target);
}

static int run_cleanup(struct cmd *cmd, struct err *err)
{
	struct err other = ERR_INIT;
	int rc = domain_cleanup(&cmd->xen, report_debris, err);
	int disks = disk_borrow_cleanup(&cmd->xen, report_disk, &other);

	if (rc == 0 && disks < 0)
		*err = other;
	return rc < 0 ? rc : disks;
}

static const struct option_row destroy_options[] = {
	{ 'f', NULL, NULL, "Permit destroying domain 0, which will only succeed\n"
	  "when run from disaggregated toolstack domain with a\n"
	  "hardware domain distinct from domain 0.", OPTION_FLAG,
	  offsetof(struct destroy_options, force) },
};

const struct command cmd_destroy = {
	.name = "destroy", .args = "[options] <Domain|Pattern>", .more = CMD_PATTERN_HELP,
	.help = "Terminate a domain immediately", .needs = NEED_XEN | NEED_STORE,
	.min = 1, .max = 1, .modifies = true, COMMAND_OPTIONS(destroy_options),
	.run = run_destroy,
};

const struct command cmd_cleanup = {
	.name = "cleanup", .args = "", .help = "Remove what interrupted creates left behind",
	.needs = NEED_XEN | NEED_STORE, .run = run_cleanup,
};
