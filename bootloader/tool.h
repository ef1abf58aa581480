/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list, show and extract, for people: as xlite-boot's own command and as `xlite boot`. */
#ifndef BOOTLOADER_TOOL_H
#define BOOTLOADER_TOOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct tool_options {
	const char *entry;		/* index, title, id, "1>2"; NULL: the default */
	const char *format;		/* of the images: "raw" (NULL), "qcow2", "vhd" */
	const char *kernel, *ramdisk;	/* paths in the image, instead of a configuration; or NULL */
	const char *to_kernel, *to_ramdisk;	/* files to write; or NULL */
	bool raw, json, verbose;
};

/*
 * action: "list", "show" or "extract". Prints on stdout, notes as "prog: note: ..." on
 * stderr. -EINVAL for an action or a format that is none.
 */
int tool_run(const char *prog, const char *action, char *const *images, size_t nr,
	     const struct tool_options *options, struct err *err) must_check;

#endif
