/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GRUB 2's menu: entries and passwords, and what the evaluator is for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "grub.h"
#include "text.h"

struct entry_options {
	char *id;
	const char *users;
	bool unrestricted;
};

static void entry_option(void *arg, const char *name, char *value)
{
	struct entry_options *o = arg;

	if (strcmp(name, "--id") == 0)
		o->id = value;
	else if (strcmp(name, "--users") == 0)
		o->users = value ? value : "";
	else if (strcmp(name, "--unrestricted") == 0)
		o->unrestricted = true;
}

static int submenu_level(const struct boot_menu *menu, int parent)
{
	int level = 0;

	for (; parent >= 0; parent = menu->entries[parent].parent)
		level++;
	return level;
}

static int add_entry(struct grub *g, const struct entry_options *o, const struct grub_args *args,
		     const struct grub_cmd *cmd, struct err *err)
{
	struct arena *a = &g->menu->arena;
	struct grub_body *body = arena_alloc(a, sizeof(*body));
	struct boot_entry *e = body ? menu_add(g->menu, g->parent, args->v[0]) : NULL;

	if (!e)
		return conf_no_entry(g->menu, err);
	*body = (struct grub_body){ .block = cmd->body, .params = *args, .env = g->env };
	e->body = body;
	e->id = o->id;
	/* Whether passwords are wanted at all is known when the whole file was read. */
	e->locked = !o->unrestricted;
	e->may = arena_string(a, o->users ? o->users : "");
	return e->may ? 0 : conf_nomem(err);
}

static int cmd_menuentry(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
			 struct err *err)
{
	static const struct grub_option options[] = {
		{ "--id", true, false }, { "--users", true, false },
		{ "--unrestricted", false, false }, { "--class", true, false },
		{ "--hotkey", true, false }, { "--source", true, false }, { .name = NULL },
	};
	struct entry_options o = { .id = NULL };
	struct grub_args rest = { .n = 0 };
	bool submenu = args->v[0][0] == 's';
	int rc = grub_options(g, args, options, entry_option, &o, &rest, err);

	if (rc < 0)
		return rc;
	if (!rest.n || !cmd->has_block)
		return 1;
	if (submenu && submenu_level(g->menu, g->parent) >= GRUB_SUBMENUS_MAX) {
		menu_note(g->menu, "submenu '%s' is nested too deep", rest.v[0]);
		return 1;
	}
	rc = add_entry(g, &o, &rest, cmd, err);
	if (rc == 0)
		g->menu->entries[g->menu->nr_entries - 1].submenu = submenu;
	return rc;
}

static int cmd_password(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
			struct err *err)
{
	struct boot_user user = {
		.kind = strcmp(args->v[0], "password") == 0 ? BOOT_SECRET_PLAIN : BOOT_SECRET_PBKDF2,
		.entry = -1,
	};

	(void)cmd;
	if (args->n != 3)
		return 1;
	user.name = args->v[1];
	user.secret = args->v[2];
	return menu_add_user(g->menu, &user, err);
}

const struct grub_command grub_menu_commands[] = {
	{ "menuentry", cmd_menuentry }, { "submenu", cmd_menuentry },
	{ "password", cmd_password }, { "password_pbkdf2", cmd_password },
	{ "blscfg", grub_blscfg }, { .name = NULL },
};

/* True when name is in a list that blanks or any of GRUB's other separators part. */
static bool in_list(const char *list, const char *name)
{
	static const char separators[] = " \t\n,;|&";
	size_t len = strlen(name);

	while (*list) {
		size_t n = strcspn(list, separators);

		if (n == len && memcmp(list, name, len) == 0)
			return true;
		list += n;
		list += strspn(list, separators);
	}
	return false;
}

static void set_locks(struct grub *g)
{
	struct boot_menu *menu = g->menu;
	const char *super = grub_get(g, "superusers");

	/* GRUB asks nobody anything as long as superusers is not set. */
	menu->edit_locked = super && *super;
	for (size_t i = 0; i < menu->nr_entries; i++)
		menu->entries[i].locked &= menu->edit_locked;
	for (size_t i = 0; i < menu->nr_users; i++)
		menu->users[i].super = super && in_list(super, menu->users[i].name);
}

static void set_timeout(struct grub *g)
{
	const char *timeout = grub_get(g, "timeout");
	long n;

	if (!timeout || !*timeout)
		return;
	g->menu->has_timeout = true;
	g->menu->timeout_s = text_number(timeout, 1000000, &n) ? (int)n : -1;
}

static int set_fallback(struct grub *g, struct err *err)
{
	struct boot_menu *menu = g->menu;
	const char *value = grub_get(g, "fallback");
	char *copy = value ? arena_string(&menu->arena, value) : NULL, *word;

	while (copy && (word = text_word(&copy)) && menu->nr_fallback < CONF_ENTRIES_MAX) {
		int i = boot_menu_find(menu, word);
		int *more = arena_grow(&menu->arena, menu->fallback, menu->nr_fallback,
				       sizeof(*more));

		if (!more)
			return conf_nomem(err);
		menu->fallback = more;
		if (i >= 0)
			more[menu->nr_fallback++] = i;
	}
	return 0;
}

/* A submenu's body adds its entries; a submenu in it comes behind it and is run later. */
static int run_submenus(struct grub *g, struct err *err)
{
	struct boot_menu *menu = g->menu;

	for (size_t i = 0; i < menu->nr_entries; i++) {
		struct grub_body *body = menu->entries[i].body;
		struct grub_env *outer = g->env;
		int rc;

		if (!menu->entries[i].submenu)
			continue;
		g->parent = (int)i;
		g->params = body->params;
		g->flow = GRUB_RUN;
		g->loaded = (struct grub_loaded){ .kernel = false };
		rc = grub_env_copy(g, body->env, false, &g->env, err);
		if (rc == 0)
			rc = grub_run(g, body->block, err);
		body->spec = grub_get(g, "default");
		g->env = outer;
		if (rc < 0)
			return rc;
	}
	/* It may lead through further submenus. */
	for (size_t i = 0; i < menu->nr_entries; i++) {
		const struct grub_body *body = menu->entries[i].body;

		if (menu->entries[i].submenu && body->spec)
			menu->entries[i].stands_for = menu_within(menu, (int)i, body->spec);
	}
	g->parent = -1;
	g->loaded = (struct grub_loaded){ .kernel = false };
	return 0;
}

/* Runs one entry's body in a copy of its menu's context. */
static int run_entry(struct grub *g, const struct boot_entry *e, struct err *err)
{
	const struct grub_body *body = e->body;
	int rc = grub_env_copy(g, body->env, true, &g->env, err);

	g->params = body->params;
	g->flow = GRUB_RUN;
	g->in_entry = true;
	g->loaded = (struct grub_loaded){ .kernel = false };
	if (rc == 0)
		rc = grub_set(g, "chosen", e->title, err);
	return rc < 0 ? rc : grub_run(g, body->block, err);
}

int grub_run_default(struct grub *g, struct err *err)
{
	const char *spec = grub_get(g, "default");
	int parent = g->parent, rc = run_submenus(g, err), i;

	g->parent = parent;
	if (rc < 0)
		return rc;
	i = menu_default(g->menu, spec ? spec : "");
	if (i < 0)
		return 0;
	rc = run_entry(g, &g->menu->entries[i], err);
	g->flow = GRUB_STOP;
	return rc;
}

static int grub_target(struct boot_menu *menu, size_t entry, struct boot_target *out,
		       struct err *err)
{
	struct grub *g = menu->state;
	const struct grub_body *body = menu->entries[entry].body;
	struct boot_entry *entries = menu->entries;
	size_t nr = menu->nr_entries;
	struct grub_env *env = g->env;
	int rc = 0;

	/* Its owner may have moved the menu. */
	g->menu = menu;
	g->depth = 0;
	if (body->direct)
		g->loaded = *body->direct;
	else
		rc = run_entry(g, &entries[entry], err);
	/* configfile may have put another menu in their place. */
	menu->entries = entries;
	menu->nr_entries = nr;
	g->env = env;
	g->in_entry = false;
	return rc < 0 ? rc : grub_loaded_target(g, out, err);
}

/* A file without menuentry that loads a kernel and boots it. */
static int add_direct(struct grub *g, struct err *err)
{
	struct grub_body *body;
	struct boot_entry *e;

	if (g->menu->nr_entries || !g->loaded.kernel)
		return 0;
	body = arena_alloc(&g->menu->arena, sizeof(*body));
	if (body)
		body->direct = arena_alloc(&g->menu->arena, sizeof(*body->direct));
	e = body && body->direct ? menu_add(g->menu, -1, "GRUB script") : NULL;
	if (!e)
		return conf_no_entry(g->menu, err);
	*body->direct = g->loaded;
	e->body = body;
	return 0;
}

static int grub_read(struct boot_menu *menu, struct err *err)
{
	struct grub *g = arena_alloc(&menu->arena, sizeof(*g));
	struct grub_env *env = arena_alloc(&menu->arena, sizeof(*env));
	const char *spec, *next;
	char *text;
	int rc = g && env ? conf_text(menu, menu->dev, menu->path, &text, err) : conf_nomem(err);

	if (rc < 0)
		return rc;
	*g = (struct grub){ .menu = menu, .env = env, .parent = -1, .home = menu->dev };
	menu->state = g;
	menu->target = grub_target;
	rc = grub_presets(g, err);
	if (rc == 0)
		rc = grub_run_text(g, text, menu->path, err);
	if (rc == 0)
		rc = add_direct(g, err);
	spec = grub_get(g, "default");
	next = grub_get(g, "boot_once");
	menu->one_shot = next && strcmp(next, "true") == 0;
	set_timeout(g);
	if (rc == 0)
		rc = run_submenus(g, err);
	set_locks(g);
	if (rc == 0)
		rc = set_fallback(g, err);
	menu->chosen = menu_default(menu, spec ? spec : "");
	/* Its own steps, and not what reading the disks may take. */
	if (rc == -ETIME && g->steps > GRUB_STEPS_MAX) {
		err->code = E2BIG;
		rc = -E2BIG;
	}
	return rc;
}

static const char *const grub2_paths[] = {
	"/boot/grub/grub.cfg", "/grub/grub.cfg", "/boot/grub2/grub.cfg", "/grub2/grub.cfg",
	/* Ubuntu's root subvolume, seen from the top of a btrfs. */
	"/@/boot/grub/grub.cfg", "/@/boot/grub2/grub.cfg", NULL,
};

/* On an ESP: the vendor's folder; what stands there often leads to the real file. */
static int grub2_find(struct boot_menu *menu, struct err *err)
{
	struct names vendors = { .nr = 0 };
	struct err ignored = ERR_INIT;
	int rc = conf_list(menu, menu->dev, "/EFI", "", &vendors, &ignored);

	if (rc == -ENOMEM)
		return conf_nomem(err);
	for (size_t i = 0; rc == 0 && i < vendors.nr; i++) {
		char *path = arena_format(&menu->arena, "/EFI/%s/grub.cfg", vendors.names[i]);

		if (!path)
			return conf_nomem(err);
		if (!conf_is_file(menu, menu->dev, path))
			continue;
		menu->path = path;
		return grub_read(menu, err);
	}
	return fail(err, ENOENT, "no grub.cfg");
}

const struct conf_language conf_grub2 = {
	.name = "grub2", .paths = grub2_paths, .find = grub2_find, .read = grub_read,
};
