/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* boot: what the bootloader would find on a disk image, and how it fares; no domain, no Xen. */

#include "bootloader/tool.h"
#include "command.h"

static int run_boot(struct cmd *cmd, struct err *err)
{
	struct tool_options options = *(const struct tool_options *)cmd->options;

	options.verbose = cmd->verbose;
	return tool_run(cmd->prog, cmd->words[0], cmd->words + 1, cmd->nr_words - 1, &options, err);
}

#define ROW(letter, name, argument, help, kind, member)	\
	{ letter, name, argument, help, kind, offsetof(struct tool_options, member) }

static const struct option_row rows[] = {
	ROW('e', "entry", "ENTRY", "Index, title, id, or \"1>2\" instead of the default",
	    OPTION_STRING, entry),
	ROW('f', "format", "FORMAT", "Of the images: raw, qcow2 or vhd; never guessed (raw)",
	    OPTION_STRING, format),
	ROW('K', "kernel", "PATH", "A kernel of the image, instead of its configuration",
	    OPTION_STRING, kernel),
	ROW('R', "ramdisk", "PATH", "Likewise a ramdisk", OPTION_STRING, ramdisk),
	ROW('k', NULL, "FILE", "extract: where the kernel is written to", OPTION_STRING, to_kernel),
	ROW('r', NULL, "FILE", "extract: where the ramdisk is written to", OPTION_STRING,
	    to_ramdisk),
	ROW(0, "raw", NULL, "The kernel as it is on the disk, not unpacked", OPTION_FLAG, raw),
	ROW(0, "json", NULL, "Print JSON", OPTION_FLAG, json),
};

const struct command cmd_boot = {
	.name = "boot", .args = "list|show|extract <Image>...",
	.help = "Show or take out what a bootloader would boot from disk images",
	.min = 2, .max = COMMAND_ANY, COMMAND_OPTIONS(rows), .run = run_boot,
};
