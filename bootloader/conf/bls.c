/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/scope.h"
#include "base/str.h"
#include "bootloader/image/uki.h"
#include "text.h"

enum { OS_RELEASE_MAX = 64 * 1024 };

/* file has a suffix. "fedora+3-1.conf": id "fedora", exhausted when no tries are left ("+0", "+0-3"). */
static int set_names(struct boot_menu *menu, struct bls_entry *e, const char *file)
{
	size_t len = (size_t)(strrchr(file, '.') - file), base = len;

	while (base && strchr("0123456789-", file[base - 1]))
		base--;
	if (base && file[base - 1] == '+' && base < len) {
		e->exhausted = file[base] == '0' &&
			       strspn(file + base, "0") == strspn(file + base, "0123456789");
		base--;
	} else {
		base = len;
	}
	e->file = arena_string(&menu->arena, file);
	e->id = arena_copy(&menu->arena, file, base);
	return e->file && e->id ? 0 : -1;
}

static int add_initrd(struct boot_menu *menu, struct bls_entry *e, char *value)
{
	char *word;

	while ((word = text_word(&value))) {
		char **more;

		if (e->nr_initrds >= CONF_INITRDS_MAX)
			return 0;
		more = arena_grow(&menu->arena, e->initrds, e->nr_initrds, sizeof(*more));
		if (!more)
			return -1;
		e->initrds = more;
		more[e->nr_initrds++] = word;
	}
	return 0;
}

static int add_options(struct boot_menu *menu, struct bls_entry *e, const char *value)
{
	/* What is longer is refused where it is used; it need not grow for ever. */
	if (e->options && strlen(e->options) > CONF_CMDLINE_MAX)
		return 0;
	e->options = arena_format(&menu->arena, "%s%s%s", e->options ? e->options : "",
				  e->options ? " " : "", value);
	return e->options ? 0 : -1;
}

static bool other_architecture(const char *value)
{
	return strcasecmp(value, "x64") != 0 && strcasecmp(value, "ia32") != 0 &&
	       strcasecmp(value, "x86-64") != 0 && strcasecmp(value, "x86_64") != 0;
}

/* One line; -1: out of memory. */
static int set_key(struct boot_menu *menu, struct bls_entry *e, const char *key, char *value,
		   bool *skip)
{
	const struct {
		const char *key;
		char **field;
	} fields[] = {
		{ "title", &e->title }, { "version", &e->version },
		{ "machine-id", &e->machine_id }, { "sort-key", &e->sort_key },
		{ "linux", &e->linux_path }, { "efi", &e->linux_path }, { "uki", &e->linux_path },
		{ "grub_users", &e->users },
	};

	if (strcmp(key, "initrd") == 0)
		return add_initrd(menu, e, value);
	if (strcmp(key, "options") == 0)
		return add_options(menu, e, value);
	if (strcmp(key, "architecture") == 0)
		*skip = other_architecture(value);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strcmp(fields[i].key, key) == 0)
			*fields[i].field = value;
	}
	if (strcmp(key, "grub_arg") == 0)
		e->unrestricted = strstr(value, "--unrestricted");
	if (strcmp(key, "efi") == 0 || strcmp(key, "uki") == 0)
		e->efi = true;
	else if (strcmp(key, "linux") == 0)
		e->efi = false;
	return 0;
}

static int add(struct boot_menu *menu, struct bls_list *list, const struct bls_entry *e,
	       struct err *err)
{
	struct bls_entry *more;

	if (list->nr >= CONF_ENTRIES_MAX)
		return fail(err, E2BIG, "more than %d boot loader entries", CONF_ENTRIES_MAX);
	more = arena_grow(&menu->arena, list->entries, list->nr, sizeof(*more));
	if (!more)
		return conf_nomem(err);
	list->entries = more;
	more[list->nr++] = *e;
	return 0;
}

static int read_entry(struct boot_menu *menu, unsigned int dev, const char *folder,
		      const char *file, struct bls_list *list, struct err *err)
{
	char *path = path_join(&menu->arena, folder, file), *text = NULL, *line;
	struct bls_entry e = { .dev = dev, .folder = folder };
	struct err why = ERR_INIT;
	bool skip = false;

	if (!path || set_names(menu, &e, file) < 0)
		return conf_nomem(err);
	if (conf_text(menu, dev, path, &text, &why) < 0) {
		menu_note(menu, "%s: %s", path, why.msg);
		return 0;
	}
	while ((line = text_line(&text))) {
		char *rest = text_trim(line), *key;

		if (*rest == '#')
			continue;
		key = text_word(&rest);
		if (key && rest && set_key(menu, &e, key, text_trim(rest), &skip) < 0)
			return conf_nomem(err);
	}
	if (skip || !e.linux_path) {
		menu_note(menu, "%s: %s", path, skip ? "for another architecture" : "no kernel");
		return 0;
	}
	return add(menu, list, &e, err);
}

int bls_read_entries(struct boot_menu *menu, unsigned int dev, const char *folder,
		     struct bls_list *list, struct err *err)
{
	struct names files = { .nr = 0 };
	int rc = conf_list(menu, dev, folder, ".conf", &files, err);

	for (size_t i = 0; i < files.nr && rc == 0; i++) {
		if (files.names[i][0] != '.')
			rc = read_entry(menu, dev, folder, files.names[i], list, err);
	}
	return rc;
}

/* A value of os-release(5) without quotes and backslashes, in place. */
static char *unquote(char *value)
{
	char quote = *value == '"' || *value == '\'' ? *value++ : '\0', *to = value;

	for (const char *from = value; *from && *from != quote; from++) {
		if (*from == '\\' && quote != '\'' && from[1])
			from++;
		*to++ = *from;
	}
	*to = '\0';
	return value;
}

/* What is not there, or is no better than what was, changes nothing. */
static void read_os_release(char *text, struct bls_entry *e)
{
	/* As "Type #2" has them; earlier ones of a field are preferred. */
	const struct {
		const char *key;
		char **field;
	} fields[] = {
		{ "PRETTY_NAME", &e->title }, { "IMAGE_ID", &e->title }, { "NAME", &e->title },
		{ "ID", &e->title },
		{ "IMAGE_VERSION", &e->version }, { "VERSION", &e->version },
		{ "VERSION_ID", &e->version }, { "BUILD_ID", &e->version },
		{ "IMAGE_ID", &e->sort_key }, { "ID", &e->sort_key },
	};
	char *values[ARRAY_SIZE(fields)] = { NULL }, *line;

	while ((line = text_line(&text))) {
		char *key = text_trim(line), *value = strchr(key, '=');

		if (!value)
			continue;
		*value++ = '\0';
		value = unquote(value);
		for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
			if (*value && strcmp(fields[i].key, key) == 0)
				values[i] = value;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!*fields[i].field)
			*fields[i].field = values[i];
	}
}

/* An image that says nothing of itself is known by its name. */
static int describe_image(struct boot_menu *menu, struct bls_entry *e, struct err *err)
{
	scoped(bytes) struct bytes head = BYTES_INIT, text = BYTES_INIT;
	const struct source *s = menu->source;
	struct source_stat st;
	struct uki uki = { .os_release = { 0, 0 } };
	struct err why = ERR_INIT;
	char *copy;
	int rc = source_stat(s, e->dev, e->linux_path, &st, &why);

	if (rc == 0)
		rc = source_part(s, e->dev, e->linux_path, 0, UKI_HEAD_MAX, &head, &why);
	if (rc == 0)
		rc = uki_parse(head.data, head.len, st.size, &uki, &why);
	if (rc == 0 && uki.os_release.size > OS_RELEASE_MAX)
		uki.os_release.size = OS_RELEASE_MAX;
	if (rc == 0)
		rc = source_part(s, e->dev, e->linux_path, uki.os_release.at,
				 (size_t)uki.os_release.size, &text, &why);
	if (rc == -ETIME || rc == -ENOMEM)
		return fail(err, -rc, "%s", why.msg);
	if (rc < 0)
		return 0;
	copy = arena_copy(&menu->arena, text.data, text.len);
	if (!copy)
		return conf_nomem(err);
	read_os_release(copy, e);
	return 0;
}

int bls_read_images(struct boot_menu *menu, unsigned int dev, const char *folder,
		    struct bls_list *list, struct err *err)
{
	struct names files = { .nr = 0 };
	int rc = conf_list(menu, dev, folder, ".efi", &files, err);

	for (size_t i = 0; i < files.nr && rc == 0; i++) {
		struct bls_entry e = { .dev = dev, .folder = folder, .efi = true };

		if (set_names(menu, &e, files.names[i]) < 0)
			return conf_nomem(err);
		e.linux_path = path_join(&menu->arena, folder, files.names[i]);
		if (!e.linux_path)
			return conf_nomem(err);
		rc = describe_image(menu, &e, err);
		if (rc == 0)
			rc = add(menu, list, &e, err);
	}
	return rc;
}

static int compare_strings(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare_names(const void *x, const void *y)
{
	const struct bls_entry *a = x, *b = y;
	int rc = version_compare(b->id, a->id);

	return rc ? rc : strcmp(b->file, a->file);
}

/* "Sorting" in the specification. */
static int compare_entries(const void *x, const void *y)
{
	const struct bls_entry *a = x, *b = y;
	int rc = a->exhausted - b->exhausted;

	if (rc == 0)
		rc = !a->sort_key - !b->sort_key;
	if (rc || !a->sort_key)
		return rc ? rc : compare_names(a, b);
	rc = strcmp(a->sort_key, b->sort_key);
	if (rc == 0)
		rc = compare_strings(a->machine_id, b->machine_id);
	if (rc == 0)
		rc = version_compare(b->version ? b->version : "", a->version ? a->version : "");
	return rc ? rc : compare_names(a, b);
}

void bls_sort(struct bls_list *list)
{
	if (list->nr)
		qsort(list->entries, list->nr, sizeof(*list->entries), compare_entries);
}

void bls_sort_names(struct bls_list *list)
{
	if (list->nr)
		qsort(list->entries, list->nr, sizeof(*list->entries), compare_names);
}

char *bls_path(struct boot_menu *menu, unsigned int dev, const char *folder, const char *path)
{
	char *direct = arena_format(&menu->arena, "%s%s", path[0] == '/' ? "" : "/", path);
	char *boot;

	if (!direct || !str_starts(folder, "/boot/") || conf_is_file(menu, dev, direct))
		return direct;
	boot = arena_format(&menu->arena, "/boot%s", direct);
	return boot && conf_is_file(menu, dev, boot) ? boot : direct;
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

void bls_expand(struct abuf *b, const char *value,
		void (*variable)(void *arg, struct abuf *b, const char *name, size_t len), void *arg)
{
	while (*value) {
		bool braces = value[0] == '$' && value[1] == '{';
		const char *name = value + 1 + braces;
		size_t len = 0;

		while (*value == '$' && is_name(name[len]))
			len++;
		if (!len || (braces && name[len] != '}')) {
			abuf_char(b, *value++);
			continue;
		}
		variable(arg, b, name, len);
		value = name + len + braces;
	}
}
