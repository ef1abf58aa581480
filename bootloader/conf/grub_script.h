/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * GRUB 2's script language as a tree. One top-level command is parsed at a time, as
 * GRUB reads a file, so that a syntax error costs that command and not what ran before.
 * The grammar is the manual's ("Writing full configuration files directly"); besides
 * it, as in GRUB, '{' after a command's words starts a block (menuentry's body).
 */
#ifndef BOOTLOADER_CONF_GRUB_SCRIPT_H
#define BOOTLOADER_CONF_GRUB_SCRIPT_H

#include "arena.h"
#include "base/err.h"

enum {
	GRUB_DEPTH_MAX = 40,	/* blocks within blocks */
	GRUB_NAME_MAX = 256,	/* bytes of a variable's or function's name */
};

enum grub_part_kind { GRUB_TEXT, GRUB_VAR };

struct grub_part {
	struct grub_part *next;
	enum grub_part_kind kind;
	bool quoted;		/* a variable's value is not split, '*' means itself */
	const char *s;		/* text, or the variable's name */
};

struct grub_word {
	struct grub_word *next;
	struct grub_part *parts;
};

enum grub_kind { GRUB_COMMAND, GRUB_IF, GRUB_WHILE, GRUB_UNTIL, GRUB_FOR, GRUB_FUNCTION };

struct grub_cmd {
	struct grub_cmd *next;
	enum grub_kind kind;
	unsigned int line;
	const char *name;	/* GRUB_FOR: the variable; GRUB_FUNCTION: its name */
	struct grub_word *words;	/* GRUB_COMMAND: command and arguments; GRUB_FOR: the values */
	struct grub_cmd *cond;	/* GRUB_IF, GRUB_WHILE, GRUB_UNTIL */
	struct grub_cmd *body;	/* also a command's block */
	bool has_block;
	struct grub_cmd *orelse;	/* GRUB_IF: what follows else, elif is an if within it */
};

struct grub_parser {
	struct arena *arena;
	const char *p;		/* what is not parsed yet */
	unsigned int line;	/* 1 at the start */
	unsigned int depth;
};

#define GRUB_PARSER_INIT(a, text) { .arena = (a), .p = (text), .line = 1 }

/*
 * The next top-level command: 1 and *out, 0 at the end, -EINVAL for a syntax error
 * ("line 3: ..."), behind whose line the next call goes on; -ENOMEM ends everything.
 */
int grub_parse(struct grub_parser *parser, struct grub_cmd **out, struct err *err) must_check;

#endif
