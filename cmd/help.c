/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* help, version: what works without Xen. */
#include <errno.h>
#include <stdio.h>

#include "base/json.h"
#include "command.h"
#include "output.h"

static int run_help(struct cmd *cmd, struct err *err)
{
	const struct command *command;
	const char *known;

	if (!cmd->nr_words) {
		command_print_list(command_list, command_nr, cmd->prog);
		return 0;
	}
	command = command_find(command_list, command_nr, cmd->words[0], &known);
	if (!command && known)
		return cmd_fail(cmd, err, ENOENT, "xl's '%s' is not in xlite: %s", known,
				command_why_not(known));
	if (!command)
		return cmd_fail(cmd, err, ENOENT, "command \"%s\" not implemented", cmd->words[0]);
	command_print_help(command, cmd->prog);
	return 0;
}

struct version_options {
	bool json;
};

static int run_version(struct cmd *cmd, struct err *err)
{
	const struct version_options *opts = cmd->options;
	scoped(json) json_t *object = NULL;

	if (!opts->json) {
		printf("xlite %s, for Xen %s\n", XLITE_VERSION, XEN_BUILT_VERSION);
		return 0;
	}
	object = json_pack("{s:s s:s}", "version", XLITE_VERSION, "xen", XEN_BUILT_VERSION);
	if (!object)
		return fail_nomem(err);
	return output_json(object, err);
}

static const struct option_row help_options[] = {
	{ 'l', "long", NULL, "Accepted for xl's sake; the list is always whole", OPTION_IGNORED, 0 },
	{ 'v', NULL, NULL, NULL, OPTION_IGNORED, 0 },
};

static const struct option_row version_options[] = {
	{ 0, "json", NULL, "As JSON", OPTION_FLAG, offsetof(struct version_options, json) },
};

const struct command cmd_help = {
	.name = "help", .args = "[Command]", .help = "List the commands, or explain one",
	.max = 1, COMMAND_OPTIONS(help_options), .run = run_help,
};

const struct command cmd_version = {
	.name = "version", .args = "", .help = "Print the version and the Xen it is built for",
	COMMAND_OPTIONS(version_options), .run = run_version,
};
