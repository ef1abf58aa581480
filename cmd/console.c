/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "command.h"
#include "domain/console.h"

struct options {
	const char *type, *escape;
	struct option_uint num;
};

static int parse_type(struct cmd *cmd, const char *word, enum console_type *type, struct err *err)
{
	static const struct { const char *name; enum console_type type; } types[] = {
		{ "pv", CONSOLE_PV }, { "serial", CONSOLE_SERIAL }, { "vuart", CONSOLE_VUART },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(types[i].name, word) == 0) {
			*type = types[i].type;
			return 0;
		}
	}
	return cmd_fail(cmd, err, EINVAL, "console type supported are: pv, serial, vuart");
}

static int run_console(struct cmd *cmd, struct err *err)
{
	const struct options *opts = cmd->options;
	struct console_options console = CONSOLE_OPTIONS_INIT;
	enum console_end end;
	uint32_t domid;
	int rc = 0;

	if (opts->type)
		rc = parse_type(cmd, opts->type, &console.type, err);
	if (rc == 0 && opts->escape && console_parse_escape(opts->escape, &console.escape) < 0)
		rc = fail(err, EINVAL, "option -e: '%s' is neither a character nor ^X", opts->escape);
	if (rc == 0)
		rc = cmd_domain(cmd, cmd->words[0], &domid, err);
	if (rc < 0)
		return rc;
	console.num = opts->num.value;
	return console_attach(&cmd->xen, domid, &console, &end, err);
}

static const struct option_row rows[] = {
	{ 't', NULL, "TYPE", "Console type: pv, serial or vuart", OPTION_STRING,
	  offsetof(struct options, type) },
	{ 'n', NULL, "NUMBER", "Console number", OPTION_UINT, offsetof(struct options, num) },
	{ 'e', NULL, "CHAR", "Key that detaches, x or ^X; ^] without this option", OPTION_STRING,
	  offsetof(struct options, escape) },
};

const struct command cmd_console = {
	.name = "console", .args = "[options] <Domain>", .help = "Attach to domain's console",
	.needs = NEED_XEN | NEED_STORE, .min = 1, .max = 1, COMMAND_OPTIONS(rows),
	.run = run_console,
};
