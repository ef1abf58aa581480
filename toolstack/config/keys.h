/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys of xl.cfg (tools/xl/xl_parse.c, 4.17 to 4.22) in one table. A row says
 * what a key's value is and where it goes, for which guests it counts, since when
 * xl has it, and what it means; help, the man page and "did you mean" read the
 * same rows. The rows of xl.conf have the same form.
 */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include "config/cfg.h"
#include "config/config.h"
#include "config/spec.h"

struct list_kind;
struct key_row;

enum key_kind {
	KEY_STR,		/* char * */
	KEY_BOOL,		/* enum tri; in the text a number */
	KEY_INT,		/* int, int32_t, uint32_t; min .. max */
	KEY_MIB,		/* uint64_t in KiB; in the text MiB, min .. max */
	KEY_ENUM,		/* int or enum by name */
	KEY_ENUM_NUM,		/* the same; also by number, min being added */
	KEY_STRS,		/* struct str_list; in the text a list */
	KEY_STR_OR_STRS,	/* char * or, at `second`, struct str_list */
	KEY_LIST,		/* an array of struct domain_config */
	KEY_PARSE,		/* parse() does it all */
	KEY_ELSEWHERE,		/* used by the code for another key, or only for its note */
};

enum { KEY_PV = 1 << DOMAIN_PV, KEY_PVH = 1 << DOMAIN_PVH, KEY_HVM = 1 << DOMAIN_HVM };
#define KEY_ALL (KEY_PV | KEY_PVH | KEY_HVM)

/* What create does with a key whose function is not there yet. */
enum key_later {
	KEY_NOW,		/* it is there, or is about nothing this program does */
	KEY_LATER_WARN,		/* the guest runs without */
	KEY_LATER_FAIL,		/* it would not be the guest that was asked for */
};

/* What reading a config carries along. */
struct key_reader {
	const struct cfg *cfg;
	bool strict;			/* what would be ignored is an error */
	const struct config_host *host;	/* or NULL */
	struct domain_config *config;
	void *base;			/* what the rows' offsets are in */
	struct config_warnings *warnings;
	bool failed;			/* an error is among warnings->errors */
	struct spec_defaults defaults;
	const struct cfg_value *at;	/* what is being read, for spec warnings */
};

typedef int (*key_parse)(struct key_reader *r, const struct key_row *row,
			 const struct cfg_setting *s, struct err *err);

struct key_row {
	const char *name;
	enum key_kind kind;
	size_t offset, second;
	int64_t min, max;		/* both 0: what the type holds */
	const struct spec_names *names;
	const struct list_kind *list;
	key_parse parse;
	unsigned int types;		/* for other guests the key is not looked at */
	unsigned int since;		/* minor version of Xen 4; 0: 17 or before */
	enum key_later later;
	bool must;			/* a bad value is an error, not ignored */
	const char *note;		/* a warning that xl gives when the key is used;
					   KEY_ENUM_NUM: when it is used with a number */
	const char *help;		/* one line, without a full stop */
};

/* All rows, in the order in which they are read. */
extern const struct key_row key_table[];
extern const size_t key_table_size;

const struct key_row *key_find(const struct key_row *rows, size_t nr, const char *name);
/* The known name nearest to a wrong one, or NULL when none is near. */
const char *key_nearest(const struct key_row *rows, size_t nr, const char *name);

/* Reads every setting that has a row for this guest type (0: any), in the rows' order. */
int key_read_all(struct key_reader *r, const struct key_row *rows, size_t nr,
		 unsigned int type, struct err *err) must_check;

/* Warns about settings that have no row; with strict the first one is the error. */
int key_check_known(struct key_reader *r, const struct key_row *rows, size_t nr,
		    struct err *err) must_check;

/* A warning at a value; one that xl gives too, and that changes nothing. */
int key_warn(struct key_reader *r, const struct cfg_value *at, struct err *err,
	     const char *fmt, ...) printf_like(4, 5) must_check;
/* The same for what is ignored; with strict an error. */
int key_complain(struct key_reader *r, const struct cfg_value *at, struct err *err,
		 const char *fmt, ...) printf_like(4, 5) must_check;
/* The error at a value: "FILE:LINE:COL: ...". */
int key_fail(const struct cfg_value *at, struct err *err, const char *fmt, ...)
	printf_like(3, 4);

/* The rc to go on with: 0 for an error that was added to those who want all of them. */
int key_collect(struct key_reader *r, int rc, struct err *err) must_check;

/* For parse functions. The text of an atom; NULL and a complaint for a list. */
int key_text(struct key_reader *r, const struct cfg_setting *s, const char **out,
	     struct err *err) must_check;
/* An integer as xl reads it (strtol with base 0); -EINVAL without a message. */
int key_number(const char *text, int64_t *out) must_check;
int key_set_str(char **at, const char *text, struct err *err) must_check;
int key_add_str(struct str_list *list, const char *text, struct err *err) must_check;
/* Reads one row's setting (what key_read_all does for each). */
int key_read(struct key_reader *r, const struct key_row *row, const struct cfg_setting *s,
	     struct err *err) must_check;

#endif
