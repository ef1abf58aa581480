/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* block-attach, block-list, block-detach: a running domain's disks. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/wait.h"
#include "command.h"
#include "config/disk.h"
#include "devices.h"
#include "domain/attach.h"
#include "output.h"

struct block_options {
	bool force, json;
	struct option_uint timeout;
};

static int advice(void *arg, const char *msg)
{
	(void)arg;
	log_warn("%s", msg);
	return 0;
}

/* target= swallows the rest of a spec, so in one of several words it does of that word. */
static bool has_target(const char *word)
{
	const char *at = word;

	while (at) {
		at += strspn(at, " \t");
		if (str_starts(at, "target="))
			return true;
		at = strchr(at, ',');
		at += at ? 1 : 0;
	}
	return false;
}

static int join_spec(char *const *words, unsigned int nr, char **spec, struct err *err)
{
	scoped(strbuf) struct strbuf text = STRBUF_INIT;

	for (int last = 0; last < 2; last++) {
		for (unsigned int i = 0; i < nr; i++) {
			if (has_target(words[i]) == last)
				strbuf_printf(&text, "%s%s", text.len ? "," : "", words[i]);
		}
	}
	return strbuf_finish(&text, spec, err);
}

int cmd_print_disk(const struct disk *disk, struct err *err)
{
	scoped(json) json_t *json = NULL;
	int rc = disk_to_json(disk, &json, err);

	if (rc < 0)
		return rc;
	printf("disk: ");
	rc = output_json(json, err);
	putchar('\n');
	return rc;
}

/* As xl's block commands say it; its other commands add libxl's number. */
static int find_domain(struct cmd *cmd, const char *word, uint32_t *domid, struct err *err)
{
	int rc = cmd_domain(cmd, word, domid, err);

	return rc == -ENOENT ? cmd_fail(cmd, err, ENOENT, "%s is an invalid domain identifier",
					word) : rc;
}

static int run_attach(struct cmd *cmd, struct err *err)
{
	const struct spec_defaults defaults = { .warn = advice };
	scoped(disk) struct disk disk = DISK_INIT;
	scoped(free) char *spec = NULL;
	uint32_t domid;
	int rc = find_domain(cmd, cmd->words[0], &domid, err);

	if (rc == 0)
		rc = join_spec(cmd->words + 1, cmd->nr_words - 1, &spec, err);
	if (rc == 0)
		rc = disk_parse(spec, &defaults, &disk, err);
	if (rc < 0)
		return rc;
	if (cmd->dryrun)
		return cmd_print_disk(&disk, err);
	rc = wait_catch_interrupts(err);
	if (rc < 0)
		return rc;
	rc = domain_attach(&cmd->xen, domid, device_kind_find("vbd"), &disk, err);
	return cmd_done(cmd, "device", domid, disk.vdev, rc);
}

static void print_row(const struct device_row *row)
{
	const struct device_entry *entry = row->entry;

	printf("%-5u %-3u %-6u %-5d %-6d %-8d %-30s\n", entry->devid, entry->backend_domid,
	       entry->domid, row->numbers[DEVICE_STATE], row->numbers[DEVICE_EVENT_CHANNEL],
	       row->numbers[DEVICE_RING_REF], entry->backend);
}

static int run_list(struct cmd *cmd, struct err *err)
{
	const struct block_options *opts = cmd->options;
	const struct device_listing how = {
		.kind = "vbd", .print = print_row, .carry_on = true, .json = opts->json,
		.header = "Vdev  BE  handle state evt-ch ring-ref BE-path                       ",
	};

	return device_listing_run(cmd, &how, err);
}

static int run_detach(struct cmd *cmd, struct err *err)
{
	const struct block_options *opts = cmd->options;
	const char *vdev = cmd->words[1];
	uint32_t domid, devid;
	int timeout_ms, rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc == 0)
		rc = device_timeout(&opts->timeout, &timeout_ms, err);
	if (rc < 0)
		return rc;
	rc = disk_devnum(vdev, &devid);
	if (rc == 0)
		rc = wait_catch_interrupts(err);
	if (rc == 0)
		rc = domain_detach(&cmd->xen, domid, device_kind_find("vbd"), devid, opts->force,
				   timeout_ms, err);
	if (rc == -ENOENT || rc == -EINVAL)
		return cmd_fail(cmd, err, ENOENT, "Error: Device %s not connected.", vdev);
	return cmd_done(cmd, "device", domid, vdev, rc);
}

static const struct option_row list_options[] = {
	{ 0, "json", NULL, "The same and more as a JSON array", OPTION_FLAG,
	  offsetof(struct block_options, json) },
};

static const struct option_row detach_options[] = {
	{ 'f', "force", NULL, "Remove it also when the domain does not release it", OPTION_FLAG,
	  offsetof(struct block_options, force) },
	{ 0, "timeout", "SECONDS", "As long as the domain may take (10)", OPTION_UINT,
	  offsetof(struct block_options, timeout) },
};

const struct command cmd_block_attach = {
	.name = "block-attach", .args = "<Domain> <disk-spec-component(s)>...",
	.help = "Create a new virtual block device", .needs = NEED_XEN | NEED_STORE,
	.min = 2, .max = COMMAND_ANY, .dryrun = true, .modifies = true, .run = run_attach,
};

const struct command cmd_block_list = {
	.name = "block-list", .args = "<Domain(s)>",
	.help = "List virtual block devices for a domain", .needs = NEED_XEN | NEED_STORE,
	.min = 1, .max = COMMAND_ANY, COMMAND_OPTIONS(list_options), .run = run_list,
};

const struct command cmd_block_detach = {
	.name = "block-detach", .args = "[option] <Domain> <DevId>",
	.help = "Destroy a domain's virtual block device", .needs = NEED_XEN | NEED_STORE,
	.min = 2, .max = 2, .modifies = true, COMMAND_OPTIONS(detach_options), .run = run_detach,
};
