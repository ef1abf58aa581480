/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fedora's blscfg: a menu entry for each Boot Loader Specification file. */
#include <errno.h>
#include <string.h>

#include "bls.h"
#include "base/scope.h"
#include "grub.h"
#include "text.h"

static void blscfg_option(void *arg, const char *name, char *value)
{
	(void)name;
	*(char **)arg = value;
}

/* Where the entries are: --path, $blsdir, or the usual places; on $boot or $root. */
static bool find_folder(struct grub *g, const char *given, unsigned int *dev, const char **folder)
{
	const char *boot = grub_get(g, "boot"), *root = grub_get(g, "root");
	const char *blsdir = given ? given : grub_get(g, "blsdir");
	const char *const places[] = { "/loader/entries", "/boot/loader/entries" };
	const char *path;

	if (blsdir && grub_path(g, blsdir, dev, &path) && conf_is_folder(g->menu, *dev, path)) {
		*folder = path;
		return true;
	}
	const unsigned int devices[] = {
		boot ? grub_device(boot, g) : SOURCE_NO_DEVICE,
		root ? grub_device(root, g) : SOURCE_NO_DEVICE, g->home,
	};
	for (size_t i = 0; i < 2 * ARRAY_SIZE(devices); i++) {
		*dev = devices[i / 2];
		*folder = places[i % 2];
		if (*dev != SOURCE_NO_DEVICE && conf_is_folder(g->menu, *dev, *folder))
			return true;
	}
	return false;
}

/* The blank behind a value is Fedora's, too. */
static void add_variable(void *arg, struct abuf *b, const char *name, size_t len)
{
	const char *copy = arena_copy(b->arena, name, len);
	const char *value = copy ? grub_get(arg, copy) : NULL;

	b->failed |= !copy;
	if (!value)
		return;
	abuf_string(b, value);
	abuf_char(b, ' ');
}

/* NULL: out of memory. */
static char *expand(struct grub *g, const char *value)
{
	struct abuf b = ABUF_INIT(&g->menu->arena, CONF_FILE_MAX);
	char *text;

	bls_expand(&b, value, add_variable, g);
	text = abuf_text(&b);
	return text ? text_trim(text) : NULL;
}

/* An entry's body under way, as script. */
struct body {
	struct grub *g;
	struct abuf text;
	unsigned int dev;
	const char *folder;	/* of the entries */
};

/* path NULL: out of memory. */
static void add_file(struct body *b, const char *path)
{
	const char *found = path ? bls_path(b->g->menu, b->dev, b->folder, path) : NULL;
	char name[256];

	b->text.failed |= !found;
	if (!found)
		return;
	abuf_char(&b->text, '(');
	abuf_string(&b->text, source_device_name(b->g->menu->source, b->dev, name, sizeof(name)));
	abuf_char(&b->text, ')');
	abuf_string(&b->text, found);
}

/* $early_initrd: files beside the entry's first initrd, or its kernel, that go in front. */
static void add_early_initrds(struct body *b, const struct bls_entry *e)
{
	struct arena *a = &b->g->menu->arena;
	const char *early = grub_get(b->g, "early_initrd");
	bool beside_initrd = e->nr_initrds && e->initrds[0][0] != '$';
	char *folder = path_folder(a, beside_initrd ? e->initrds[0] : e->linux_path);
	char *words = arena_string(a, early ? early : ""), *word;

	b->text.failed |= !folder || !words;
	while (!b->text.failed && (word = text_word(&words))) {
		abuf_char(&b->text, ' ');
		add_file(b, path_join(a, folder, word[0] == '/' ? word + 1 : word));
	}
}

/*
 * Variables in options ($kernelopts) are replaced now, before that is read as script: what
 * they hold may have quotes. In the names of initrds they are when the entry runs.
 */
static char *script(struct grub *g, const struct bls_entry *e, unsigned int dev,
		    const char *folder)
{
	struct body b = {
		.g = g, .text = ABUF_INIT(&g->menu->arena, CONF_FILE_MAX), .dev = dev, .folder = folder,
	};
	const char *options = e->options ? e->options : grub_get(g, "default_kernelopts");

	options = expand(g, options ? options : "");
	if (!options)
		return NULL;
	abuf_string(&b.text, e->efi ? "chainloader " : "linux ");
	add_file(&b, e->linux_path);
	abuf_char(&b.text, ' ');
	abuf_string(&b.text, options);
	abuf_string(&b.text, "\ninitrd");
	add_early_initrds(&b, e);
	for (size_t i = 0; i < e->nr_initrds; i++) {
		abuf_char(&b.text, ' ');
		if (e->initrds[i][0] == '$')
			abuf_string(&b.text, e->initrds[i]);
		else
			add_file(&b, e->initrds[i]);
	}
	return abuf_text(&b.text);
}

static int parse_all(struct grub *g, const char *text, struct grub_cmd **out, struct err *err)
{
	struct grub_parser parser = GRUB_PARSER_INIT(&g->menu->arena, text);
	int rc;

	while ((rc = grub_parse(&parser, out, err)) == 1)
		out = &(*out)->next;
	return rc;
}

static int add_entry(struct grub *g, const struct bls_entry *e, unsigned int dev,
		     const char *folder, struct err *err)
{
	struct grub_body *body = arena_alloc(&g->menu->arena, sizeof(*body));
	char *text = script(g, e, dev, folder);
	struct err why = ERR_INIT;
	struct boot_entry *entry;
	char *users = expand(g, e->users ? e->users : "");
	int rc;

	if (!body || !text || !users)
		return conf_nomem(err);
	rc = parse_all(g, text, &body->block, &why);
	if (rc == -EINVAL) {
		menu_note(g->menu, "%s/%s: %s", folder, e->file, why.msg);
		return 0;
	}
	if (rc < 0)
		return conf_nomem(err);
	body->env = g->env;
	entry = menu_add(g->menu, g->parent, e->title ? e->title : e->id);
	if (!entry)
		return conf_no_entry(g->menu, err);
	entry->body = body;
	entry->id = e->id;
	/* As grub-mkconfig writes for kernels: bootable without a password, unless users are named. */
	entry->locked = e->users && !e->unrestricted;
	entry->may = users;
	return 0;
}

int grub_blscfg(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		struct err *err)
{
	static const struct grub_option options[] = {
		{ "--path", true, false }, { "-p", true, false }, { .name = NULL },
	};
	struct grub_args rest = { .n = 0 };
	struct bls_list list = { .nr = 0 };
	struct err why = ERR_INIT;
	const char *folder;
	char *given = NULL;
	unsigned int dev;
	int rc = grub_options(g, args, options, blscfg_option, &given, &rest, err);

	(void)cmd;
	if (rc < 0)
		return rc;
	if (!find_folder(g, given, &dev, &folder)) {
		menu_note(g->menu, "blscfg: no folder loader/entries");
		return 1;
	}
	rc = bls_read_entries(g->menu, dev, folder, &list, &why);
	if (rc == -ENOMEM || rc == -E2BIG)
		return (fail)(err, -rc, "%s", why.msg);
	bls_sort_names(&list);
	for (size_t i = 0; i < list.nr && rc == 0; i++)
		rc = add_entry(g, &list.entries[i], dev, folder, err);
	return rc < 0 ? rc : 0;
}
