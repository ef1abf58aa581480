/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bootloader that is somebody else's: a program of the host, named by its absolute path, that
 * gets the arguments that libxl gives and answers as it would answer libxl (pygrub's
 * --output-format=simple0). It runs as root and is trusted as the config is.
 */
#ifndef DOMAIN_BOOTPROG_H
#define DOMAIN_BOOTPROG_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct bootload;
struct domain_config;

/* What it wrote; into the text. NULL: nothing. */
struct bootprog_answer {
	const char *kernel, *ramdisk, *args;
};

/*
 * Pure: items of a word, blanks and a value, each with a NUL behind it; text has one at
 * text[len]. -EPROTO names an item that is none of these.
 */
int bootprog_parse(const char *text, size_t len, struct bootprog_answer *answer,
		   struct err *err) must_check;

/* -ENOENT, -EACCES...: there is no such program that could be run. */
int bootprog_check(const char *path, struct err *err) must_check;

/*
 * Runs config->bootloader on the raw disk at path. terminal as for bootload_run(); without one
 * what the program writes is kept for the error's message alone. Its files are in a file system
 * of their own that nobody else sees, and that is gone when they are closed; all together take at
 * most max bytes and a little, or the program meets a full disk.
 */
int bootprog_run(const struct domain_config *config, const char *disk, int terminal, uint64_t max,
		 struct bootload *out, struct err *err) must_check;

#endif
