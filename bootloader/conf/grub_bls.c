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

/*
 * The body as script: options and initrd lines may have variables ($kernelopts), which
 * are replaced when the entry runs.
 */
static char *script(struct grub *g, const struct bls_entry *e, unsigned int dev,
		    const char *folder)
{
	struct arena *a = &g->menu->arena;
	struct abuf b = ABUF_INIT(a, CONF_FILE_MAX);
	const char *path = bls_path(g->menu, dev, folder, e->linux_path);
	char name[256];

	source_device_name(g->menu->source, dev, name, sizeof(name));
	abuf_string(&b, e->efi ? "chainloader (" : "linux (");
	abuf_string(&b, name);
	abuf_char(&b, ')');
	abuf_string(&b, path ? path : "");
	abuf_char(&b, ' ');
	abuf_string(&b, e->options ? e->options : "$default_kernelopts");
	abuf_string(&b, e->nr_initrds ? "\ninitrd" : "\n");
	for (size_t i = 0; i < e->nr_initrds; i++) {
		bool variable = e->initrds[i][0] == '$';

		path = variable ? e->initrds[i] : bls_path(g->menu, dev, folder, e->initrds[i]);
		abuf_char(&b, ' ');
		if (!variable) {
			abuf_char(&b, '(');
			abuf_string(&b, name);
			abuf_char(&b, ')');
		}
		abuf_string(&b, path ? path : "");
	}
	return abuf_text(&b);
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
	const char *users;
	int rc;

	if (!body || !text)
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
	users = e->users && *e->users == '$' ? grub_get(g, e->users + 1) : e->users;
	entry->may = arena_string(&g->menu->arena, users ? users : "");
	return entry->may ? 0 : conf_nomem(err);
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
