/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/scope.h"
#include "text.h"

void boot_menu_free(struct boot_menu *menu)
{
	int saved = errno;

	arena_free(&menu->arena);
	*menu = (struct boot_menu)BOOT_MENU_INIT;
	errno = saved;
}

struct boot_entry *menu_add(struct boot_menu *menu, int parent, const char *title)
{
	struct boot_entry *entries;
	struct boot_entry *e;

	if (menu->nr_entries >= CONF_ENTRIES_MAX)
		return NULL;
	entries = arena_grow(&menu->arena, menu->entries, menu->nr_entries, sizeof(*entries));
	if (!entries)
		return NULL;
	menu->entries = entries;
	e = &entries[menu->nr_entries];
	*e = (struct boot_entry){
		.parent = parent, .stands_for = -1, .title = arena_string(&menu->arena, title),
	};
	if (!e->title)
		return NULL;
	menu->nr_entries++;
	return e;
}

int conf_no_entry(const struct boot_menu *menu, struct err *err)
{
	if (menu->nr_entries >= CONF_ENTRIES_MAX)
		return fail(err, E2BIG, "more than %d menu entries", CONF_ENTRIES_MAX);
	return conf_nomem(err);
}

void menu_note(struct boot_menu *menu, const char *fmt, ...)
{
	char text[256];
	char **notes;
	va_list ap;

	if (menu->nr_notes >= CONF_NOTES_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	notes = arena_grow(&menu->arena, menu->notes, menu->nr_notes, sizeof(*notes));
	if (!notes)
		return;
	menu->notes = notes;
	notes[menu->nr_notes] = arena_string(&menu->arena, text);
	menu->nr_notes += !!notes[menu->nr_notes];
}

int menu_add_user(struct boot_menu *menu, const struct boot_user *user, struct err *err)
{
	struct boot_user *users;

	if (menu->nr_users >= CONF_ENTRIES_MAX)
		return fail(err, E2BIG, "more than %d passwords", CONF_ENTRIES_MAX);
	users = arena_grow(&menu->arena, menu->users, menu->nr_users, sizeof(*users));
	if (!users)
		return conf_nomem(err);
	menu->users = users;
	users[menu->nr_users++] = *user;
	return 0;
}

/* The nth entry of a submenu (-1: the top), or -1. */
static int child(const struct boot_menu *menu, int parent, long n)
{
	for (size_t i = 0; i < menu->nr_entries; i++) {
		if (menu->entries[i].parent == parent && n-- == 0)
			return (int)i;
	}
	return -1;
}

/* The next entry of the same submenu; -1: it was the last. */
static int sibling(const struct boot_menu *menu, int entry)
{
	for (int i = entry + 1; i < (int)menu->nr_entries; i++) {
		if (menu->entries[i].parent == menu->entries[entry].parent)
			return i;
	}
	return -1;
}

int boot_menu_next(const struct boot_menu *menu, int entry)
{
	int next = child(menu, entry, 0);

	for (; entry >= 0 && next < 0; entry = menu->entries[entry].parent)
		next = sibling(menu, entry);
	return next;
}

int menu_leaf(const struct boot_menu *menu, int i)
{
	/* An entry stands behind its submenu, so this ends. */
	while (i >= 0 && menu->entries[i].submenu) {
		const struct boot_entry *e = &menu->entries[i];

		i = e->stands_for >= 0 ? e->stands_for : child(menu, i, 0);
	}
	return i;
}

/* True when text is the first len bytes of spec, in which ">>" means '>'. */
static bool same_step(const char *text, const char *spec, size_t len)
{
	size_t i = 0;

	for (; i < len; i++, text++) {
		if (!*text || *text != spec[i])
			return false;
		if (spec[i] == '>')
			i++;
	}
	return !*text;
}

static size_t step_length(const char *spec)
{
	size_t len = 0;

	while (spec[len] && (spec[len] != '>' || spec[len + 1] == '>'))
		len += spec[len] == '>' ? 2 : 1;
	return len;
}

static int find_step(const struct boot_menu *menu, int parent, const char *spec, size_t len)
{
	char digits[12];
	long n;

	if (!len)
		return -1;
	if (len < sizeof(digits)) {
		memcpy(digits, spec, len);
		digits[len] = '\0';
		if (text_number(text_trim(digits), CONF_ENTRIES_MAX, &n) && child(menu, parent, n) >= 0)
			return child(menu, parent, n);
	}
	for (size_t i = 0; i < menu->nr_entries; i++) {
		const struct boot_entry *e = &menu->entries[i];

		if (e->parent == parent && (same_step(e->title, spec, len) ||
					    (e->id && same_step(e->id, spec, len))))
			return (int)i;
	}
	return -1;
}

/* As far as spec leads within parent: *found is the entry of the last step that there is. */
static bool walk(const struct boot_menu *menu, int parent, const char *spec, int *found)
{
	size_t len;

	*found = parent;
	for (;; spec += len + 1) {
		int i;

		len = step_length(spec);
		i = find_step(menu, *found, spec, len);
		if (i < 0)
			return false;
		*found = i;
		if (!spec[len])
			return true;
		if (!menu->entries[i].submenu)
			return false;
	}
}

int menu_within(const struct boot_menu *menu, int parent, const char *spec)
{
	int i;

	walk(menu, parent, spec, &i);
	return i == parent ? -1 : i;
}

/* An entry that is a file of its own, as bootctl calls it: "arch.conf", "first.efi". */
static bool find_file(const struct boot_menu *menu, const char *spec, int *entry)
{
	static const char *const suffixes[] = { ".conf", ".efi" };
	size_t len = strlen(spec);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t n = strlen(suffixes[i]);
		char id[256];

		if (len <= n || len - n >= sizeof(id) || strcasecmp(spec + len - n, suffixes[i]) != 0)
			continue;
		snprintf(id, sizeof(id), "%.*s", (int)(len - n), spec);
		return walk(menu, -1, id, entry);
	}
	return false;
}

int boot_menu_find(const struct boot_menu *menu, const char *spec)
{
	int i;

	return walk(menu, -1, spec, &i) || find_file(menu, spec, &i) ? menu_leaf(menu, i) : -1;
}

int boot_menu_find_flat(const struct boot_menu *menu, const char *spec)
{
	long n;
	bool number = text_number(spec, CONF_ENTRIES_MAX, &n);

	for (int i = boot_menu_next(menu, -1); i >= 0; i = boot_menu_next(menu, i)) {
		if (menu->entries[i].submenu)
			continue;
		if (number ? n-- == 0 : strcmp(menu->entries[i].title, spec) == 0)
			return i;
	}
	return boot_menu_find(menu, spec);
}

int menu_default(struct boot_menu *menu, const char *spec)
{
	int i;

	if (!walk(menu, -1, spec, &i)) {
		if (*spec)
			menu_note(menu, "the default '%s' names no entry", spec);
		if (i < 0)
			i = child(menu, -1, 0);
	}
	i = menu_leaf(menu, i);
	/* An empty submenu stands for nothing. */
	for (size_t n = 0; i < 0 && n < menu->nr_entries; n++)
		i = menu_leaf(menu, (int)n);
	return i;
}

const char *boot_menu_place(const struct boot_menu *menu, size_t entry, char *buf, size_t size)
{
	int up[16], depth = 0;
	size_t len = 0;

	if (size)
		buf[0] = '\0';
	for (int i = (int)entry; i >= 0 && depth < 16; i = menu->entries[i].parent)
		up[depth++] = i;
	while (depth-- > 0 && len < size) {
		int nth = 0;

		for (int i = 0; i < up[depth]; i++)
			nth += menu->entries[i].parent == menu->entries[up[depth]].parent;
		len += (size_t)snprintf(buf + len, size - len, "%s%d", len ? ">" : "", nth);
	}
	return buf;
}

int boot_menu_target(struct boot_menu *menu, size_t entry, struct boot_target *out, struct err *err)
{
	if (entry >= menu->nr_entries)
		return fail(err, ENOENT, "no entry %zu", entry);
	if (menu->entries[entry].submenu)
		return fail(err, ENOEXEC, "a submenu, which boots nothing itself");
	return menu->target(menu, entry, out, err);
}

int menu_target_body(struct boot_menu *menu, size_t entry, struct boot_target *out, struct err *err)
{
	const struct boot_target *t = menu->entries[entry].body;

	if (!t->kernel.path)
		return fail(err, ENOEXEC, "the entry names no kernel");
	*out = *t;
	if (!out->cmdline)
		out->cmdline = arena_string(&menu->arena, "");
	return out->cmdline ? 0 : conf_nomem(err);
}

int target_add_initrd(struct boot_menu *menu, struct boot_target *t, const struct boot_file *f,
		      struct err *err)
{
	struct boot_file *initrds;

	if (t->nr_initrds >= CONF_INITRDS_MAX)
		return fail(err, E2BIG, "more than %d initrds", CONF_INITRDS_MAX);
	initrds = arena_grow(&menu->arena, t->initrds, t->nr_initrds, sizeof(*initrds));
	if (!initrds)
		return conf_nomem(err);
	t->initrds = initrds;
	initrds[t->nr_initrds++] = *f;
	return 0;
}

struct listing {
	struct boot_menu *menu;
	const char *suffix;
	struct names names;
	bool failed;
};

static int list_name(void *arg, const char *name, enum source_kind kind)
{
	struct listing *l = arg;
	size_t len = strlen(name), end = strlen(l->suffix);
	char **names;

	(void)kind;
	/* As FAT's own names have it: "A.EFI". */
	if (len <= end || strcasecmp(name + len - end, l->suffix) != 0)
		return 0;
	names = arena_grow(&l->menu->arena, l->names.names, l->names.nr, sizeof(*names));
	if (names) {
		l->names.names = names;
		names[l->names.nr] = arena_string(&l->menu->arena, name);
	}
	l->failed = !names || !names[l->names.nr];
	l->names.nr += !l->failed;
	return l->failed;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int conf_list(struct boot_menu *menu, unsigned int dev, const char *path, const char *suffix,
	      struct names *out, struct err *err)
{
	struct listing l = { .menu = menu, .suffix = suffix };
	int rc = source_list(menu->source, dev, path, CONF_NAMES_MAX, list_name, &l, err);

	if (l.failed)
		return conf_nomem(err);
	if (rc < 0)
		return rc;
	if (l.names.nr)
		qsort(l.names.names, l.names.nr, sizeof(*l.names.names), compare_names);
	*out = l.names;
	return 0;
}
