/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* config-update: the config that a running domain gets when it restarts. */
#include "domain/update.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "command.h"
#include "config/cfg.h"
#include "config/config.h"
#include "output.h"

struct update_options {
	const char *file;
	bool debug;
};

/* The file's text, and after it, as lines of their own, the words with "=". */
static int read_text(struct cmd *cmd, const char **file, struct strbuf *text, struct err *err)
{
	const struct update_options *opts = cmd->options;
	scoped(bytes) struct bytes bytes = BYTES_INIT;
	int rc;

	*file = opts->file;
	for (unsigned int i = 1; i < cmd->nr_words; i++) {
		if (strchr(cmd->words[i], '='))
			continue;
		if (*file)
			return cmd_usage(cmd);
		*file = cmd->words[i];
	}
	if (!*file)
		return cmd_fail(cmd, err, EINVAL, "Config file not specified");
	rc = file_read(*file, CFG_MAX_BYTES, &bytes, err);
	if (rc < 0)
		return rc;
	strbuf_add(text, bytes.data, bytes.len);
	for (unsigned int i = 1; i < cmd->nr_words; i++) {
		if (strchr(cmd->words[i], '='))
			strbuf_printf(text, "\n%s\n", cmd->words[i]);
	}
	return text->failed ? fail_nomem(err) : 0;
}

static int print_config(const struct domain_config *config, struct err *err)
{
	scoped(json) json_t *json = NULL;
	int rc = config_to_json(config, &json, err);

	return rc < 0 ? rc : output_json(json, err);
}

static int run_config_update(struct cmd *cmd, struct err *err)
{
	const struct update_options *opts = cmd->options;
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	scoped(strbuf) struct strbuf text = STRBUF_INIT;
	const char *file;
	uint32_t domid;
	int rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc == 0)
		rc = read_text(cmd, &file, &text, err);
	if (rc != 0)
		return rc;
	log_info("Parsing config from %s", file);
	rc = update_parse(&cmd->xen, file, text.s ? text.s : "", text.len, &config, err);
	if (rc == 0 && (opts->debug || cmd->dryrun))
		rc = print_config(&config, err);
	if (rc < 0 || cmd->dryrun)
		return rc;
	log_info("setting dom%u configuration", domid);
	return update_store(&cmd->xen, domid, text.s ? text.s : "", text.len, err);
}

static const struct option_row update_options[] = {
	{ 'f', "defconfig", "FILE", "Use the given configuration file.", OPTION_STRING,
	  offsetof(struct update_options, file) },
	{ 'd', NULL, NULL, "Print the configuration.", OPTION_FLAG,
	  offsetof(struct update_options, debug) },
	{ 'q', NULL, NULL, NULL, OPTION_IGNORED, 0 },
};

const struct command cmd_config_update = {
	.name = "config-update", .args = "<Domain> <ConfigFile> [options] [vars]",
	.help = "Update a running domain's saved configuration, used when it restarts",
	.more = "The running domain does not change. When it reboots, all it gets is what that file\n"
		"says, under the name and uuid that it has; devices attached meanwhile are gone.\n"
		"Paths in it start with '/'. Where files of it are missing by then, it stays as it was.\n",
	.needs = NEED_XEN | NEED_STORE, .min = 1, .max = COMMAND_ANY, .dryrun = true,
	.modifies = true, COMMAND_OPTIONS(update_options), .run = run_config_update,
};
