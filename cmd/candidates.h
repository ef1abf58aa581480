/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What could come next on a command line, for the completion of shells. All of it is read from the
 * command table: options, and from each command's usage what its words are ("<Domain> <DevId>").
 */
#ifndef CMD_CANDIDATES_H
#define CMD_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct command;

/* The word at a place of a usage text: "<Domain>", "[type=<type>]", "list|show", "[vars]". */
struct usage_word {
	const char *text;	/* in the usage text, without brackets around it */
	size_t len;
	bool repeats;		/* and so are all that follow */
};

/* The nr'th (from 0) word of command's usage that is no option; false: there is none. Pure. */
bool usage_word(const struct command *command, size_t nr, struct usage_word *word);

/*
 * Prints what the last of the words (it may be "") could become: "files" or "words", then one
 * candidate a line, with a tab and a description after it where there is one. "files": the names of
 * files come on top of that. words are those after the program's name. What a host would have to be
 * asked for is left out where it does not answer.
 */
int candidates_print(char *const *words, size_t nr, struct err *err) must_check;

#endif
