/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/scope.h"
#include "grub.h"
#include "text.h"

static struct grub_var **bucket(struct grub_env *env, const char *name)
{
	unsigned int hash = 5381;

	for (const char *p = name; *p; p++)
		hash = hash * 33 + (unsigned char)*p;
	return &env->buckets[hash % ARRAY_SIZE(env->buckets)];
}

static struct grub_var *find(struct grub_env *env, const char *name)
{
	struct grub_var *v = *bucket(env, name);

	while (v && strcmp(v->name, name) != 0)
		v = v->next;
	return v;
}

const char *grub_get(const struct grub *g, const char *name)
{
	const struct grub_var *v = find(g->env, name);

	return v ? v->value : NULL;
}

/* The variable, made when it is not there yet. */
static struct grub_var *obtain(struct grub *g, struct grub_env *env, const char *name)
{
	struct grub_var *v = find(env, name), **head = bucket(env, name);

	if (v || env->nr >= GRUB_VARS_MAX)
		return v;
	v = arena_alloc(&g->menu->arena, sizeof(*v));
	if (!v)
		return NULL;
	v->name = arena_string(&g->menu->arena, name);
	if (!v->name)
		return NULL;
	v->next = *head;
	*head = v;
	env->nr++;
	return v;
}

static int no_variable(const struct grub *g, struct err *err)
{
	if (g->env->nr >= GRUB_VARS_MAX)
		return fail(err, E2BIG, "more than %d variables", GRUB_VARS_MAX);
	return conf_nomem(err);
}

int grub_set(struct grub *g, const char *name, const char *value, struct err *err)
{
	struct grub_var *v = obtain(g, g->env, name);
	char *copy = arena_string(&g->menu->arena, value);

	if (!v || !copy)
		return no_variable(g, err);
	v->value = copy;
	return 0;
}

void grub_unset(struct grub *g, const char *name)
{
	struct grub_var *v = find(g->env, name);

	if (v)
		v->value = NULL;
}

int grub_export(struct grub *g, const char *name, struct err *err)
{
	struct grub_var *v = obtain(g, g->env, name);

	if (!v)
		return no_variable(g, err);
	v->exported = true;
	return 0;
}

int grub_env_copy(struct grub *g, const struct grub_env *from, bool all, struct grub_env **out,
		  struct err *err)
{
	struct grub_env *to = arena_alloc(&g->menu->arena, sizeof(*to));

	if (!to)
		return conf_nomem(err);
	for (size_t i = 0; i < ARRAY_SIZE(from->buckets); i++) {
		for (const struct grub_var *v = from->buckets[i]; v; v = v->next) {
			struct grub_var *copy;

			if (!v->value || (!all && !v->exported))
				continue;
			copy = arena_alloc(&g->menu->arena, sizeof(*copy));
			if (!copy)
				return conf_nomem(err);
			*copy = *v;
			copy->next = to->buckets[i];
			to->buckets[i] = copy;
			to->nr++;
		}
	}
	*out = to;
	return 0;
}

int grub_presets(struct grub *g, struct err *err)
{
	/* What scripts ask for by [ x$feature_... = xy ]: GRUB 2.06's list. */
	static const char *const yes[] = {
		"feature_chainloader_bpb", "feature_ntldr", "feature_platform_search_hint",
		"feature_default_font_path", "feature_all_video_module", "feature_menuentry_id",
		"feature_menuentry_options", "feature_200_final", "feature_nativedisk_cmd",
		"feature_timeout_style",
	};
	struct boot_menu *menu = g->menu;
	char name[256];
	char *folder = path_folder(&menu->arena, menu->path);
	char *prefix, *path;
	int rc = 0;

	source_device_name(menu->source, menu->dev, name, sizeof(name));
	prefix = arena_format(&menu->arena, "(%s)%s", name, folder && folder[1] ? folder : "");
	path = arena_format(&menu->arena, "(%s)%s", name, menu->path);
	if (!prefix || !path)
		return conf_nomem(err);
	const char *const values[][2] = {
		{ "root", name }, { "prefix", prefix }, { "cmdpath", prefix },
		{ "config_directory", prefix }, { "config_file", path },
		{ "grub_cpu", "x86_64" }, { "grub_platform", "xen" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(values) && rc == 0; i++) {
		rc = grub_set(g, values[i][0], values[i][1], err);
		if (rc == 0)
			rc = grub_export(g, values[i][0], err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(yes) && rc == 0; i++) {
		rc = grub_set(g, yes[i], "y", err);
		if (rc == 0)
			rc = grub_export(g, yes[i], err);
	}
	return rc;
}

static int cmd_set(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		   struct err *err)
{
	char *equals = args->n > 1 ? strchr(args->v[1], '=') : NULL;
	int rc;

	(void)cmd;
	if (args->n < 2)
		return 0;
	if (!equals || equals == args->v[1])
		return 1;
	*equals = '\0';
	rc = grub_set(g, args->v[1], equals + 1, err);
	*equals = '=';
	return rc;
}

static int cmd_unset(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		     struct err *err)
{
	(void)cmd;
	(void)err;
	for (size_t i = 1; i < args->n; i++)
		grub_unset(g, args->v[i]);
	return 0;
}

static int cmd_export(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		      struct err *err)
{
	int rc = 0;

	(void)cmd;
	for (size_t i = 1; i < args->n && rc == 0; i++)
		rc = grub_export(g, args->v[i], err);
	return rc;
}

/* increment and decrement, with which Fedora counts boots. */
static int cmd_count(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		     struct err *err)
{
	const char *value = args->n == 2 ? grub_get(g, args->v[1]) : NULL;
	bool minus = value && *value == '-';
	char *text;
	long n;

	(void)cmd;
	if (!value || !text_number(value + minus, 1000000, &n))
		return 1;
	n = (minus ? -n : n) + (args->v[0][0] == 'i' ? 1 : -1);
	text = arena_format(&g->menu->arena, "%ld", n);
	return text ? grub_set(g, args->v[1], text, err) : conf_nomem(err);
}

/* One line of an environment block; \x is x, also for newlines, and *p goes behind it. */
static void env_line(char **p, char **name, char **value)
{
	char *in = *p, *out = *p;

	*name = *p;
	*value = NULL;
	for (; *in && *in != '\n'; in++) {
		if (*in == '\\' && in[1])
			in++;
		else if (*in == '=' && !*value) {
			*out++ = '\0';
			*value = out;
			continue;
		}
		*out++ = *in;
	}
	*p = *in ? in + 1 : in;
	*out = '\0';
}

static bool wanted(const struct grub_args *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++) {
		if (strcmp(names->v[i], name) == 0)
			return true;
	}
	return !names->n;
}

static void load_env_option(void *arg, const char *name, char *value)
{
	if (name[1] == 'f' || name[2] == 'f')
		*(char **)arg = value;
}

static int cmd_load_env(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
			struct err *err)
{
	static const struct grub_option options[] = {
		{ "--file", true, false }, { "-f", true, false },
		{ "--skip-sig", false, false }, { "-s", false, false }, { .name = NULL },
	};
	struct grub_args names = { .n = 0 };
	struct err ignored = ERR_INIT;
	const char *prefix = grub_get(g, "prefix"), *path;
	char *file = NULL, *text = NULL;
	unsigned int dev;
	int rc = grub_options(g, args, options, load_env_option, &file, &names, err);

	(void)cmd;
	if (rc < 0)
		return rc;
	if (!file)
		file = arena_format(&g->menu->arena, "%s/grubenv", prefix ? prefix : "");
	if (!file)
		return conf_nomem(err);
	if (!grub_path(g, file, &dev, &path) || conf_text(g->menu, dev, path, &text, &ignored) < 0)
		return 1;
	while (*text && rc == 0) {
		char *name, *value;
		bool comment = *text == '#';

		rc = grub_step(g, err);
		env_line(&text, &name, &value);
		if (rc == 0 && !comment && value && *name && wanted(&names, name))
			rc = grub_set(g, name, value, err);
	}
	return rc;
}

const struct grub_command grub_env_commands[] = {
	{ "set", cmd_set }, { "unset", cmd_unset }, { "export", cmd_export },
	{ "increment", cmd_count }, { "decrement", cmd_count }, { "load_env", cmd_load_env },
	{ .name = NULL },
};
