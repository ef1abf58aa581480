/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The xl.cfg grammar: text -> settings in a tree of values. Knows nothing about
 * keys. Accepted is what libxlu's grammar (tools/libs/util/libxlu_cfg_{l.l,y.y})
 * accepts, and three things more: CR LF line ends, a comment on a last line
 * without a line end, and the numeric escapes \xHH and \ooo (libxlu reads them
 * and then forgets their value).
 *
 * All input is taken for hostile: size, nesting, settings and work are bounded.
 */
#ifndef CONFIG_CFG_H
#define CONFIG_CFG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define CFG_MAX_BYTES	(1024 * 1024)
#define CFG_MAX_DEPTH	16
#define CFG_MAX_SETTINGS 1024

enum cfg_kind { CFG_ATOM, CFG_LIST };	/* atom: a string or a number, both are text */

struct cfg_value {
	enum cfg_kind kind;
	const char *origin;		/* the file's name; owned by the struct cfg */
	unsigned int line, col;		/* 1-based; columns count bytes */
	char *text;			/* atom: owned, unescaped */
	size_t len;
	struct cfg_value *items;	/* list: owned */
	size_t nr, cap;			/* cap also of a text that += made longer */
};

struct cfg_setting {
	char *name;
	const char *origin;
	unsigned int line, col;		/* of the name */
	bool added;			/* the last assignment was += */
	struct cfg_value value;
};

struct cfg {
	struct cfg_setting *settings;	/* each name once; a later = replaces */
	size_t nr, cap;
	char **origins;			/* names of what was parsed, for messages */
	size_t nr_origins;
};

#define CFG_INIT { .settings = NULL }

void cfg_free(struct cfg *cfg);

static inline void scoped_cfg(struct cfg *cfg)
{
	cfg_free(cfg);
}

/*
 * Parses len bytes and adds their settings to cfg; may be called again for
 * further text. Messages: "ORIGIN:LINE:COL: what, near 'text'". After an error cfg
 * holds the settings before it and can only be freed.
 */
int cfg_parse(struct cfg *cfg, const char *origin, const char *text, size_t len,
	      struct err *err) must_check;

/* A whole file; /dev/null, as in xl, stands for no text at all. */
int cfg_parse_file(struct cfg *cfg, const char *path, struct err *err) must_check;

/*
 * `key=value` words of a command line, each a piece of text like a line of a
 * file. Messages: "command line:N:COL: ..." with N the number of the word.
 */
int cfg_parse_words(struct cfg *cfg, const char *const *words, size_t nr,
		    struct err *err) must_check;

const struct cfg_setting *cfg_find(const struct cfg *cfg, const char *name);

#endif
