/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/create.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "base/json.h"
#include "base/log.h"
#include "base/wait.h"
#include "command.h"
#include "config/cfg.h"
#include "config/config.h"
#include "config/conf.h"
#include "domain/attend.h"
#include "domain/console.h"
#include "output.h"
#include "xen/domctl.h"

struct create_options {
	bool console, debug, foreground, unwatched, dryrun, paused, quiet, strict;
	const char *file;
};

/* xl's create alone exits with libxl's own numbers: ERROR_FAIL and ERROR_INVAL. */
enum { STATUS_FAIL = 3, STATUS_INVAL = 6 };

/* The one word without "=" is the file, the others are settings; -f goes first. */
static int split_words(struct cmd *cmd, const char **file, const char ***settings, size_t *nr)
{
	const struct create_options *opts = cmd->options;
	const char **list = calloc(cmd->nr_words + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	*file = opts->file;
	*nr = 0;
	for (unsigned int i = 0; i < cmd->nr_words; i++) {
		if (strchr(cmd->words[i], '=')) {
			list[(*nr)++] = cmd->words[i];
		} else if (!*file) {
			*file = cmd->words[i];
		} else {
			free(list);
			return -E2BIG;
		}
	}
	*settings = list;
	return 0;
}

static int read_config(struct cmd *cmd, const char *file, const char *const *settings,
		       size_t nr_settings, struct cfg *cfg, struct domain_config *config,
		       struct err *err)
{
	const struct create_options *opts = cmd->options;
	scoped(config_warnings) struct config_warnings warnings = { 0 };
	scoped(xl_conf) struct xl_conf conf = XL_CONF_INIT;
	struct config_options options = { .strict = opts->strict, .conf = &conf };
	int rc;

	rc = xl_conf_read(XL_CONF_PATH, &conf, &warnings, err);
	if (rc < 0)
		return rc;
	rc = cfg_parse_file(cfg, file, err);
	if (rc < 0)
		return rc;
	rc = cfg_parse_words(cfg, settings, nr_settings, err);
	if (rc < 0)
		return rc;
	rc = config_from_cfg(cfg, &options, config, &warnings, err);
	if (rc == 0 && !opts->dryrun && !cmd->dryrun)
		rc = config_check_supported(cfg, config, &warnings, err);
	for (size_t i = 0; i < warnings.list.nr; i++)
		log_warn("%s", warnings.list.items[i]);
	return rc;
}

static int print_config(struct domain_config *config, FILE *out, struct err *err)
{
	scoped(json) json_t *json = NULL;
	scoped(free) char *text = NULL;
	int rc;

	if (!config->uuid_given)
		uuid_generate_random(config->uuid);
	rc = config_to_json(config, &json, err);
	if (rc < 0)
		return rc;
	rc = json_to_text(json, &text, err);
	if (rc == 0)
		fputs(text, out);
	return rc;
}

/* After the domain stands: console, start, and whoever stays with it. */
static int start_domain(struct cmd *cmd, struct domain_config *config, uint32_t domid,
			struct err *err)
{
	const struct create_options *opts = cmd->options;
	int rc;

	if (!opts->paused) {
		rc = domctl_unpause(&cmd->xen, domid, err);
		if (rc < 0)
			return rc;
	}
	if (opts->foreground)
		return domain_attend(&cmd->xen, config, domid, err);
	return 0;
}

static int create(struct cmd *cmd, struct domain_config *config, struct err *err)
{
	const struct create_options *opts = cmd->options;
	uint32_t domid;
	int rc;

	rc = domain_check_config(config, err);
	if (rc < 0)
		return rc;
	rc = xen_open(&cmd->xen, err);
	if (rc < 0)
		return rc;
	rc = xen_open_store(&cmd->xen, err);
	if (rc < 0)
		return rc;
	rc = wait_catch_interrupts(err);
	if (rc < 0)
		return rc;
	rc = domain_create(&cmd->xen, config, &domid, err);
	if (rc < 0)
		return fail_in(err, "cannot create '%s'", config->name);
	if (!opts->foreground && !opts->unwatched && !opts->quiet)
		log_info("domain %u: nobody carries out on_poweroff, on_reboot and on_crash "
			 "(use create -F, or destroy it when it has ended)", domid);
	return start_domain(cmd, config, domid, err);
}

static int run_create(struct cmd *cmd, struct err *err)
{
	const struct create_options *opts = cmd->options;
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	scoped(cfg) struct cfg cfg = CFG_INIT;
	scoped(free) const char **settings = NULL;
	bool dryrun = opts->dryrun || cmd->dryrun;
	const char *file;
	size_t nr_settings;
	int rc;

	rc = split_words(cmd, &file, &settings, &nr_settings);
	if (rc == -ENOMEM)
		return fail_nomem(err);
	if (rc < 0 || !file)
		return cmd_usage(cmd);
	if (!opts->quiet)
		log_info("Parsing config from %s", file);
	rc = read_config(cmd, file, settings, nr_settings, &cfg, &config, err);
	if (rc < 0)
		return rc;
	if (opts->debug || dryrun) {
		rc = print_config(&config, dryrun ? stdout : stderr, err);
		if (rc < 0 || dryrun)
			return rc;
	}
	config_defaults(&config);
	rc = create(cmd, &config, err);
	if (rc < 0)
		cmd->fail_status = rc == -EINVAL || rc == -EOPNOTSUPP || rc == -ENAMETOOLONG ?
			STATUS_INVAL : STATUS_FAIL;
	return rc;
}

#define OFFSET(member) offsetof(struct create_options, member)

static const struct option_row create_options[] = {
	{ 'c', NULL, NULL, "Connect to the console after the domain is created.", OPTION_FLAG,
	  OFFSET(console) },
	{ 'd', NULL, NULL, "Enable debug messages.", OPTION_FLAG, OFFSET(debug) },
	{ 'e', NULL, NULL, "Do not wait in the background for the death of the domain.",
	  OPTION_FLAG, OFFSET(unwatched) },
	{ 'F', NULL, NULL, "Run in foreground until death of the domain.", OPTION_FLAG,
	  OFFSET(foreground) },
	{ 'f', "defconfig", "FILE", "Use the given configuration file.", OPTION_STRING,
	  OFFSET(file) },
	{ 'n', "dryrun", NULL, "Dry run - prints the resulting configuration\n"
	  "(deprecated in favour of global -N option).", OPTION_FLAG, OFFSET(dryrun) },
	{ 'p', NULL, NULL, "Leave the domain paused after it is created.", OPTION_FLAG,
	  OFFSET(paused) },
	{ 'q', "quiet", NULL, "Quiet.", OPTION_FLAG, OFFSET(quiet) },
	{ 0, "strict", NULL, "Refuse a config with a key that is not known.", OPTION_FLAG,
	  OFFSET(strict) },
	{ 0, "ignore-global-affinity-masks", NULL, "Ignore global masks in xl.conf.",
	  OPTION_IGNORED, 0 },
};

const struct command cmd_create = {
	.name = "create", .args = "<ConfigFile> [options] [vars]",
	.help = "Create a domain from config file <filename>",
	/* Opens Xen itself: a dry run works anywhere. */
	.needs = NEED_NOTHING, .max = COMMAND_ANY, .dryrun = true, .modifies = true,
	COMMAND_OPTIONS(create_options), .run = run_create,
};
