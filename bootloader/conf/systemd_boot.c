/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * systemd-boot: Boot Loader Specification entries, with loader.conf's default and
 * timeout. Those on the ESP and on an extended boot partition are one menu, whose
 * loader.conf is on either.
 *
 * Entries that Red Hat's GRUB reads have its variables in them ($kernelopts). Where its
 * grub.cfg was not found, they are taken from grubenv, or are nothing: no kernel wants them.
 */
#include <errno.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "bls.h"
#include "text.h"

/* Appends the value in an environment block, which has a line name=value each. */
static void add_env_value(void *arg, struct abuf *b, const char *name, size_t len)
{
	const char *env = arg;

	for (const char *line = env; *line; line += *line == '\n') {
		size_t end = strcspn(line, "\n");

		if (end > len && strncmp(line, name, len) == 0 && line[len] == '=') {
			abuf_add(b, line + len + 1, end - len - 1);
			return;
		}
		line += end;
	}
}

/* NULL: it became too long. */
static char *expand(struct boot_menu *menu, char *env, const char *value)
{
	struct abuf b = ABUF_INIT(&menu->arena, CONF_CMDLINE_MAX);

	bls_expand(&b, value, add_env_value, env);
	return abuf_text(&b);
}

/* GRUB's environment block beside the entries, "" when there is none. */
static char *find_env(struct boot_menu *menu, const char *base)
{
	static char nothing[] = "";
	static const char *const folders[] = { "grub2", "grub" };
	struct err ignored = ERR_INIT;
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		char *path = arena_format(&menu->arena, "%s/%s/grubenv", base, folders[i]);

		if (path && conf_text(menu, menu->dev, path, &text, &ignored) == 0)
			return text;
	}
	return nothing;
}

static int make_target(struct boot_menu *menu, const struct bls_entry *e, char *env,
		       struct boot_target *t, struct err *err)
{
	t->kind = e->efi ? BOOT_EFI : BOOT_LINUX;
	t->kernel = (struct boot_file){
		e->dev, bls_path(menu, e->dev, e->folder, e->linux_path), e->linux_path,
	};
	t->cmdline = expand(menu, env, e->options ? e->options : "");
	if (!t->cmdline)
		return fail(err, E2BIG, "%s: options of more than %d bytes", e->file,
			    CONF_CMDLINE_MAX);
	if (!t->kernel.path)
		return conf_nomem(err);
	text_squeeze(t->cmdline);
	for (size_t i = 0; i < e->nr_initrds; i++) {
		char *word = expand(menu, env, e->initrds[i]);
		struct boot_file f = {
			e->dev, word ? bls_path(menu, e->dev, e->folder, word) : NULL, word,
		};
		int rc = 0;

		if (!f.path)
			return conf_nomem(err);
		if (*word)
			rc = target_add_initrd(menu, t, &f, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Entries of one title are told apart by their versions, or by their files. */
static const char *title_of(struct boot_menu *menu, const struct bls_list *list,
			    const struct bls_entry *e)
{
	bool same = false, same_version = !e->version;

	if (!e->title)
		return e->id;
	for (size_t i = 0; i < list->nr; i++) {
		const struct bls_entry *other = &list->entries[i];

		if (other == e || !other->title || strcmp(other->title, e->title) != 0)
			continue;
		same = true;
		same_version |= e->version && other->version &&
			strcmp(other->version, e->version) == 0;
	}
	return same ? arena_format(&menu->arena, "%s (%s)", e->title,
				   same_version ? e->id : e->version) : e->title;
}

static int add_entry(struct boot_menu *menu, const struct bls_list *list,
		     const struct bls_entry *e, char *env, struct err *err)
{
	struct boot_target *t = arena_alloc(&menu->arena, sizeof(*t));
	const char *title = title_of(menu, list, e);
	struct boot_entry *entry = t && title ? menu_add(menu, -1, title) : NULL;

	if (!entry)
		return conf_no_entry(menu, err);
	entry->id = e->id;
	entry->body = t;
	return make_target(menu, e, env, t, err);
}

static char *fold(char *s)
{
	for (char *c = s; c && *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	}
	return s;
}

/* A glob for the file's name, as a whole or without suffix and tries; pattern is folded. */
static bool is_default(struct boot_menu *menu, size_t i, const char *pattern)
{
	const struct boot_entry *e = &menu->entries[i];
	const struct boot_target *t = e->body;
	char *id = fold(arena_string(&menu->arena, e->id));
	char *file = id ? arena_format(&menu->arena, "%s.%s", id,
				       t->kind == BOOT_EFI ? "efi" : "conf") : NULL;

	return file && (glob_match(pattern, id) || glob_match(pattern, file));
}

/* As systemd-boot: upper and lower case are the same. */
static void set_default(struct boot_menu *menu, const char *pattern)
{
	char *folded = fold(arena_string(&menu->arena, pattern));

	for (size_t i = 0; folded && i < menu->nr_entries; i++) {
		if (is_default(menu, i, folded)) {
			menu->chosen = (int)i;
			return;
		}
	}
	/* "@saved" is in a variable of the firmware, which no disk has. */
	menu_note(menu, "the default '%s' names no entry", pattern);
}

static void set_key(struct boot_menu *menu, const char *key, char *value)
{
	long n;

	if (strcmp(key, "default") == 0) {
		set_default(menu, value);
	} else if (strcmp(key, "timeout") == 0) {
		menu->has_timeout = true;
		menu->timeout_s = text_number(value, 1000000, &n) ? (int)n :
				  strcmp(value, "menu-force") == 0 ? -1 : 0;
	} else if (strcmp(key, "editor") == 0) {
		menu->edit_locked = strchr("nNfF0", value[0]) || strcasecmp(value, "off") == 0;
	}
}

static int read_loader_conf(struct boot_menu *menu, unsigned int dev, const char *path,
			    struct err *err)
{
	char *text, *line;
	int rc = conf_text(menu, dev, path, &text, err);

	if (rc < 0)
		return rc;
	while ((line = text_line(&text))) {
		char *rest = text_trim(line), *key;

		if (*rest == '#')
			continue;
		key = text_word(&rest);
		if (key && rest && *text_trim(rest))
			set_key(menu, key, text_trim(rest));
	}
	return 0;
}

/* Beside the entries, or else on the ESP. */
static int find_loader_conf(struct boot_menu *menu, const char *base, struct err *err)
{
	char *path = arena_format(&menu->arena, "%s/loader/loader.conf", base);
	unsigned int dev = menu->dev;

	if (!path)
		return conf_nomem(err);
	for (unsigned int i = 0; !conf_is_file(menu, dev, path); i++) {
		if (i == menu->source->nr_devices)
			return 0;
		dev = menu->source->devices[i].role == SOURCE_ROLE_ESP ? i : menu->dev;
		path = arena_string(&menu->arena, "/loader/loader.conf");
		if (!path)
			return conf_nomem(err);
	}
	return read_loader_conf(menu, dev, path, err);
}

/* Entries of both types under base of one device; -ENOENT when there is not even a folder. */
static int read_both(struct boot_menu *menu, unsigned int dev, const char *base,
		     struct bls_list *list, struct err *err)
{
	char *entries = arena_format(&menu->arena, "%s/loader/entries", base);
	char *images = arena_format(&menu->arena, "%s/EFI/Linux", base);
	int rc, more;

	if (!entries || !images)
		return conf_nomem(err);
	rc = bls_read_entries(menu, dev, entries, list, err);
	if (rc < 0 && rc != -ENOENT && rc != -ENOTDIR)
		return rc;
	more = bls_read_images(menu, dev, images, list, err);
	if (more == 0 || more == -ETIME || more == -ENOMEM || more == -E2BIG)
		return more;
	return rc == -ENOTDIR ? -ENOENT : rc;
}

static bool is_boot_partition(const struct boot_menu *menu, unsigned int dev)
{
	enum source_role role = menu->source->devices[dev].role;

	return role == SOURCE_ROLE_ESP || role == SOURCE_ROLE_XBOOTLDR;
}

/* The ESP's and the extended boot partition's are one list; what only one of them has is enough. */
static int read_others(struct boot_menu *menu, struct bls_list *list, struct err *err)
{
	const struct source *s = menu->source;
	int rc = 0;

	for (unsigned int dev = 0; dev < s->nr_devices && rc == 0; dev++) {
		if (dev == menu->dev || !s->devices[dev].fs || !is_boot_partition(menu, dev) ||
		    s->devices[dev].disk != s->devices[menu->dev].disk)
			continue;
		rc = read_both(menu, dev, "", list, err);
		if (rc != -ETIME && rc != -ENOMEM && rc != -E2BIG)
			rc = 0;
	}
	return rc;
}

/* Entries of both types under base ("", "/boot"). */
static int read_base(struct boot_menu *menu, const char *base, struct err *err)
{
	char *env = find_env(menu, base);
	struct bls_list list = { .nr = 0 };
	int rc = read_both(menu, menu->dev, base, &list, err);

	if (rc == 0 && !base[0] && is_boot_partition(menu, menu->dev))
		rc = read_others(menu, &list, err);
	if (rc < 0)
		return rc;
	if (!list.nr)
		return fail(err, ENOENT, "no boot loader entries");
	bls_sort(&list);
	for (size_t i = 0; i < list.nr && rc == 0; i++)
		rc = add_entry(menu, &list, &list.entries[i], env, err);
	menu->chosen = 0;
	menu->target = menu_target_body;
	return rc < 0 ? rc : find_loader_conf(menu, base, err);
}

static int systemd_boot_find(struct boot_menu *menu, struct err *err)
{
	static const char *const bases[] = { "", "/boot" };
	int rc = -ENOENT;

	for (size_t i = 0; i < 2 && rc == -ENOENT; i++) {
		menu->path = arena_format(&menu->arena, "%s/loader/entries", bases[i]);
		if (!menu->path)
			return conf_nomem(err);
		rc = read_base(menu, bases[i], err);
	}
	return rc;
}

/* menu->path is a folder of entries, or what holds loader/ and EFI/. */
static int systemd_boot_read(struct boot_menu *menu, struct err *err)
{
	static const char end[] = "/loader/entries";
	size_t len = strlen(menu->path), cut = sizeof(end) - 1;
	char *base = arena_string(&menu->arena, menu->path);

	if (!base)
		return conf_nomem(err);
	while (len && base[len - 1] == '/')
		base[--len] = '\0';
	if (len >= cut && strcmp(base + len - cut, end) == 0)
		base[len - cut] = '\0';
	return read_base(menu, base, err);
}

const struct conf_language conf_bls = {
	.name = "bls", .find = systemd_boot_find, .read = systemd_boot_read,
};
