/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vcpu-pin: where a domain's vcpus may, and should, run. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/log.h"
#include "base/str.h"
#include "command.h"
#include "config/conf.h"
#include "config/keyparse.h"
#include "domain/affinity.h"
#include "domain/lookup.h"
#include "output.h"
#include "xen/host.h"

struct pin_options {
	bool force, ignore_masks;
};

/* What the words say: maps that are used are pointed to. */
struct pin {
	uint32_t vcpu;
	struct bitmap maps[2];
	struct bitmap *hard, *soft;	/* NULL: left as it is */
};

static int read_vcpu(struct cmd *cmd, const char *word, uint32_t *vcpu, struct err *err)
{
	const struct pin_options *opts = cmd->options;
	uint64_t number = AFFINITY_ALL;
	bool all = strcmp(word, "all") == 0;

	if (all && opts->force)
		return cmd_fail(cmd, err, EINVAL, "Error: --force and 'all' as VCPU not allowed.");
	if (!all && str_to_u64(word, INT32_MAX, &number) < 0)
		return cmd_fail(cmd, err, EINVAL, "Error: Invalid argument %s as VCPU.", word);
	*vcpu = (uint32_t)number;
	return 0;
}

static int read_list(const struct affinity_host *host, const char *word, struct bitmap *map,
		     struct bitmap **used, struct err *err)
{
	if (!word || strcmp(word, "-") == 0)
		return 0;
	*used = map;
	return keyparse_cpulist(&host->host, word, map, err);
}

/* -N, in xl's form. */
static int print_pin(struct cmd *cmd, const struct pin *pin, struct err *err)
{
	char hard[1024] = "-", soft[1024] = "";
	unsigned int nr;
	int rc = host_nr_cpus(&cmd->xen, &nr, err);

	if (rc < 0)
		return rc;
	if (pin->hard)
		output_bitmap((const uint8_t *)pin->hard->word, nr, hard, sizeof(hard));
	if (pin->soft)
		output_bitmap((const uint8_t *)pin->soft->word, nr, soft, sizeof(soft));
	printf("cpumap: %s%s%s\n", hard, pin->soft ? " " : "", soft);
	return 0;
}

static int apply_masks(struct cmd *cmd, const struct affinity_host *host, uint32_t domid,
		       struct bitmap *hard, struct err *err)
{
	scoped(config_warnings) struct config_warnings warnings = { 0 };
	scoped(xl_conf) struct xl_conf conf = XL_CONF_INIT;
	enum domain_type type;
	int rc = xl_conf_read(XL_CONF_PATH, &conf, &warnings, err);

	for (size_t i = 0; i < warnings.list.nr; i++)
		log_warn("%s", warnings.list.items[i]);
	if (rc == 0)
		rc = domain_get_type(&cmd->xen, domid, &type, err);
	return rc < 0 ? rc : affinity_mask(host, &conf, type, hard, err);
}

static int run_vcpu_pin(struct cmd *cmd, struct err *err)
{
	const struct pin_options *opts = cmd->options;
	scoped(affinity_host) struct affinity_host host = AFFINITY_HOST_INIT;
	struct pin pin = { .hard = NULL };
	uint32_t domid;
	int rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc == 0)
		rc = read_vcpu(cmd, cmd->words[1], &pin.vcpu, err);
	if (rc == 0)
		rc = affinity_host(&cmd->xen, &host, err);
	if (rc == 0)
		rc = read_list(&host, cmd->words[2], &pin.maps[0], &pin.hard, err);
	if (rc == 0)
		rc = read_list(&host, cmd->words[3], &pin.maps[1], &pin.soft, err);
	if (rc < 0)
		return rc;
	if (cmd->dryrun)
		return print_pin(cmd, &pin, err);
	if (!pin.hard && !pin.soft && !opts->force)
		return fail(err, EINVAL, "neither a hard nor a soft affinity is given");
	if (pin.hard && !opts->ignore_masks)
		rc = apply_masks(cmd, &host, domid, pin.hard, err);
	return rc < 0 ? rc : affinity_pin(&cmd->xen, domid, pin.vcpu, pin.hard, pin.soft,
					  opts->force, err);
}

static const struct option_row pin_options[] = {
	{ 'f', "force", NULL, "undo an override pinning done by the kernel", OPTION_FLAG,
	  offsetof(struct pin_options, force) },
	{ 'i', "ignore-global-affinity-masks", NULL, "Ignore global masks in xl.conf",
	  OPTION_FLAG, offsetof(struct pin_options, ignore_masks) },
};

const struct command cmd_vcpu_pin = {
	.name = "vcpu-pin",
	.args = "[option] <Domain> <VCPU|all> <Hard affinity|-|all> [Soft affinity|-|all]",
	.help = "Set which CPUs a VCPU can use", .needs = NEED_XEN | NEED_STORE,
	.min = 3, .max = 4, .dryrun = true, .modifies = true, COMMAND_OPTIONS(pin_options),
	.run = run_vcpu_pin,
};
