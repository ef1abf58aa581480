/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * POSIX extended regular expressions for GRUB's regexp, matched in time that is the
 * pattern's size times the text's, whatever they are (libc's take any time and stack).
 * Not there: back references and [:classes:]; of several matches at a place, the one that
 * the first alternative and greedy repeats give, not the longest.
 */
#ifndef BOOTLOADER_CONF_REGEX_H
#define BOOTLOADER_CONF_REGEX_H

#include <stdbool.h>
#include <stddef.h>

enum {
	REGEX_GROUPS = 10,	/* group 0 is the whole match */
	REGEX_SIZE_MAX = 256,	/* instructions, after repeats were written out */
	REGEX_TEXT_MAX = 1024,	/* bytes; nothing matches longer text */
};

struct regex_match {
	int start, end;		/* of each group, -1: took no part */
};

/* 1: matches somewhere, and groups are written; 0: does not; -1: no pattern, or too much. */
int regex_search(const char *pattern, const char *text, struct regex_match groups[REGEX_GROUPS]);

#endif
