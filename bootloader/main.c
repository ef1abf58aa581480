/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xlite-boot: as `xlite-boot --reader` the sandboxed reader; else a command for people,
 * which starts itself as that: list, show and extract; or what xl takes for pygrub.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bootloader.h"
#include "pygrub.h"
#include "tool.h"
#include "wire.h"

static int usage(void)
{
	fputs("usage: xlite-boot list|show [-e ENTRY] IMAGE...\n"
	      "       xlite-boot extract [-e ENTRY] [-k KERNEL-FILE] [-r RAMDISK-FILE] IMAGE...\n"
	      "  -e, --entry=ENTRY   index, title, id, or \"1>2\" instead of the default\n"
	      "  -f, --format=raw|qcow2|vhd   what the images are, never guessed (raw)\n"
	      "  -K, --kernel=PATH   a kernel of the image instead of what its configuration says\n"
	      "  -R, --ramdisk=PATH\n"
	      "  -k, -r              where to write what was read\n"
	      "      --raw           the kernel as it is on the disk, not unpacked\n"
	      "      --json\n"
	      "  -v                  what the sandbox is made of, notes\n"
	      "       xlite-boot [pygrub's options] IMAGE   as bootloader= of xl\n",
	      stderr);
	return 2;
}

static bool is_action(const char *word)
{
	return strcmp(word, "list") == 0 || strcmp(word, "show") == 0 ||
		strcmp(word, "extract") == 0;
}

int main(int argc, char **argv)
{
	enum { RAW = 256, JSON };
	static const struct option options[] = {
		{ "entry", required_argument, NULL, 'e' },
		{ "format", required_argument, NULL, 'f' },
		{ "kernel", required_argument, NULL, 'K' },
		{ "ramdisk", required_argument, NULL, 'R' },
		{ "raw", no_argument, NULL, RAW }, { "json", no_argument, NULL, JSON },
		{ NULL, 0, NULL, 0 },
	};
	struct tool_options o = { .entry = NULL };
	struct err err = ERR_INIT;
	int c;

	if (argc == 2 && strcmp(argv[1], "--reader") == 0)
		return child_run();
	if (argc < 2 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)
		return usage();
	if (!is_action(argv[1]))
		return pygrub_run(argc, argv);
	optind = 2;
	while ((c = getopt_long(argc, argv, "e:f:K:R:k:r:v", options, NULL)) != -1) {
		switch (c) {
		case 'e': o.entry = optarg; break;
		case 'f': o.format = optarg; break;
		case 'K': o.kernel = optarg; break;
		case 'R': o.ramdisk = optarg; break;
		case 'k': o.to_kernel = optarg; break;
		case 'r': o.to_ramdisk = optarg; break;
		case RAW: o.raw = true; break;
		case JSON: o.json = true; break;
		case 'v': o.verbose = true; break;
		default: return usage();
		}
	}
	if (optind == argc)
		return usage();
	if (tool_run("xlite-boot", argv[1], argv + optind, (size_t)(argc - optind), &o, &err) < 0) {
		fflush(stdout);
		fprintf(stderr, "xlite-boot: %s\n", err.msg);
		return 1;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
