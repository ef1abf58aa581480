/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What all boot configuration languages share: text of a file, lines and words,
 * paths, globs, versions; and filling the menu.
 */
#ifndef BOOTLOADER_CONF_TEXT_H
#define BOOTLOADER_CONF_TEXT_H

#include "conf.h"

/* "configuration needs too much memory", -ENOMEM: what a NULL of the arena means. */
int conf_nomem(struct err *err);

/* A file's text without carriage returns, up to its first NUL byte; in the menu's arena. */
int conf_text(struct boot_menu *menu, unsigned int dev, const char *path, char **text,
	      struct err *err) must_check;
bool conf_is_file(const struct boot_menu *menu, unsigned int dev, const char *path);
bool conf_is_folder(const struct boot_menu *menu, unsigned int dev, const char *path);

/* The next line or word of *rest, which is cut in place; NULL at the end. */
char *text_line(char **rest);
char *text_word(char **rest);
/* s without blanks at its start; and cut at the end. */
char *text_trim(char *s);
/* Runs of blanks become one, none at the ends; in place. */
char *text_squeeze(char *s);
bool text_is_blank(char c);
/* True and *out when all of s is a decimal number of at most max. */
bool text_number(const char *s, long max, long *out);

/* "/a" of "/a/b", "/" of "/b". */
char *path_folder(struct arena *a, const char *path);
const char *path_name(const char *path);
/* name itself when it is absolute. */
char *path_join(struct arena *a, const char *folder, const char *name);

/* Shell pattern with * ? [a-z] [!x] and \; '/' is like any other character. Nothing matches
   a pattern of more than 256 bytes: the work is its length times that of s. */
bool glob_match(const char *pattern, const char *s);

/* As uapi-group.org's version format specification; < 0, 0, > 0. */
int version_compare(const char *a, const char *b);

struct names {
	char **names;
	size_t nr;
};

/* A folder's names that end in suffix (in any case), sorted by bytes; in the menu's arena. */
int conf_list(struct boot_menu *menu, unsigned int dev, const char *path, const char *suffix,
	      struct names *out, struct err *err) must_check;

/* A new entry, zeroed but for parent; NULL when there is no room (see conf_no_entry). */
struct boot_entry *menu_add(struct boot_menu *menu, int parent, const char *title);
int conf_no_entry(const struct boot_menu *menu, struct err *err);
/* Kept while there is room; escape nothing here. */
void menu_note(struct boot_menu *menu, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int menu_add_user(struct boot_menu *menu, const struct boot_user *user, struct err *err) must_check;
/* The entry that stands for i: itself, or a submenu's default; -1. */
int menu_leaf(const struct boot_menu *menu, int i);
/* The entry within a submenu that spec leads to, as far as it does; -1. */
int menu_within(const struct boot_menu *menu, int parent, const char *spec);
/* spec as boot_menu_find(), but what names nothing is the first at that place, as in GRUB. */
int menu_default(struct boot_menu *menu, const char *spec);

/* A target for a language that knows it when it reads: body of the entry is the target. */
int menu_target_body(struct boot_menu *menu, size_t entry, struct boot_target *out,
		     struct err *err);
int target_add_initrd(struct boot_menu *menu, struct boot_target *t, const struct boot_file *f,
		      struct err *err) must_check;

#endif
