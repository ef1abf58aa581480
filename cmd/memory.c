/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem-set, mem-max. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/wait.h"
#include "command.h"
#include "config/size.h"
#include "domain/balloon.h"

struct memory_options {
	bool wait;
};

/* How long a guest may stand still before mem-set -w gives up. */
enum { STALL_MS = 10000 };

static int parse_args(struct cmd *cmd, uint32_t *domid, uint64_t *kb, struct err *err)
{
	int rc = cmd_domain(cmd, cmd->words[0], domid, err);

	if (rc < 0)
		return rc;
	if (size_parse_kb(cmd->words[1], kb, err) < 0 || *kb == 0)
		return cmd_fail(cmd, err, EINVAL, "invalid memory size: %s", cmd->words[1]);
	return 0;
}

static void show_progress(uint64_t have_kb, uint64_t want_kb, void *arg)
{
	const bool *terminal = arg;

	if (*terminal)
		fprintf(stderr, "\r%" PRIu64 " MiB, wanted %" PRIu64 " MiB\033[K", have_kb / 1024,
			want_kb / 1024);
}

static int wait_for_guest(struct cmd *cmd, uint32_t domid, uint64_t kb, struct err *err)
{
	bool terminal = isatty(STDERR_FILENO);
	int rc = wait_catch_interrupts(err);

	if (rc == 0)
		rc = domain_wait_memory(&cmd->xen, domid, kb, STALL_MS, show_progress, &terminal,
					err);
	if (terminal)
		fputc('\n', stderr);
	return rc;
}

static int run_mem_set(struct cmd *cmd, struct err *err)
{
	const struct memory_options *opts = cmd->options;
	uint32_t domid;
	uint64_t kb;
	int rc = parse_args(cmd, &domid, &kb, err);

	if (rc < 0)
		return rc;
	rc = domain_set_memory(&cmd->xen, domid, kb, err);
	if (rc < 0) {
		cmd->plain = true;
		return fail_in(err, "cannot set domid %u dynamic max memory to : %s", domid,
			       cmd->words[1]);
	}
	cmd_done(cmd, "balloon", domid, cmd->words[1], 0);
	return opts->wait ? wait_for_guest(cmd, domid, kb, err) : 0;
}

static int run_mem_max(struct cmd *cmd, struct err *err)
{
	uint32_t domid;
	uint64_t kb;
	int rc = parse_args(cmd, &domid, &kb, err);

	if (rc < 0)
		return rc;
	rc = domain_set_max_memory(&cmd->xen, domid, kb, err);
	if (rc < 0) {
		cmd->plain = true;
		return fail_in(err, "cannot set domid %u static max memory to : %s", domid,
			       cmd->words[1]);
	}
	return cmd_done(cmd, "balloon", domid, cmd->words[1], 0);
}

#define SIZE_ARGS "<Domain> <MemMB['b'[bytes]|'k'[KB]|'m'[MB]|'g'[GB]|'t'[TB]]>"

static const struct option_row mem_set_options[] = {
	{ 'w', "wait", NULL, "Wait until the guest has that much; fail when it does not follow",
	  OPTION_FLAG, offsetof(struct memory_options, wait) },
};

const struct command cmd_mem_set = {
	.name = "mem-set", .args = SIZE_ARGS,
	.help = "Set the current memory usage for a domain", .needs = NEED_XEN | NEED_STORE,
	.min = 2, .max = 2, COMMAND_OPTIONS(mem_set_options), .modifies = true,
	.run = run_mem_set,
};

const struct command cmd_mem_max = {
	.name = "mem-max", .args = SIZE_ARGS,
	.help = "Set the maximum amount reservation for a domain",
	.needs = NEED_XEN | NEED_STORE, .min = 2, .max = 2, .modifies = true,
	.run = run_mem_max,
};
