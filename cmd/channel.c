/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* channel-list: a domain's data channels, in xl's columns. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "devices.h"
#include "output.h"

struct channel_options {
	bool json;
};

/* xl counts channels from 0; the consoles that they are begin at 1. */
static void print_row(const struct device_row *row)
{
	const char *connection = row->texts[DEVICE_CONNECTION];
	char name[64], tty[256];

	/* A console that is no channel. */
	if (!row->texts[DEVICE_NAME])
		return;
	printf("%-3d %-2u %-5d %-6d %-8d %-10s ", (int)row->entry->devid - 1,
	       row->entry->backend_domid, row->numbers[DEVICE_STATE], row->numbers[DEVICE_PORT],
	       row->numbers[DEVICE_CONSOLE_RING],
	       output_name(connection ? connection : "-", name, sizeof(name)));
	if (connection && strcmp(connection, "pty") == 0)
		printf("%-30s ", output_name(row->texts[DEVICE_TTY], tty, sizeof(tty)));
	putchar('\n');
}

static int run_list(struct cmd *cmd, struct err *err)
{
	const struct channel_options *opts = cmd->options;
	const struct device_listing how = {
		.kind = "console",
		.header = "Idx BE state evt-ch ring-ref connection                               ",
		.print = print_row, .json = opts->json,
	};

	return device_listing_run(cmd, &how, err);
}

static const struct option_row rows[] = {
	{ 0, "json", NULL, "The same and more as a JSON array", OPTION_FLAG,
	  offsetof(struct channel_options, json) },
};

const struct command cmd_channel_list = {
	.name = "channel-list", .args = "<Domain(s)>",
	.help = "List virtual channel devices for a domain",
	.needs = NEED_XEN | NEED_STORE, .min = 1, .max = COMMAND_ANY, COMMAND_OPTIONS(rows),
	.run = run_list,
};
