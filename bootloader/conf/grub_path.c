/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "grub.h"
#include "text.h"

unsigned int grub_device(const char *word, const struct grub *g)
{
	size_t len = strlen(word);
	char name[256];

	if (len > 1 && word[0] == '(' && word[len - 1] == ')') {
		word++;
		len -= 2;
	}
	if (!len || len >= sizeof(name))
		return SOURCE_NO_DEVICE;
	memcpy(name, word, len);
	name[len] = '\0';
	return source_by_name(g->menu->source, name);
}

bool grub_path(struct grub *g, const char *word, unsigned int *dev, const char **path)
{
	const char *root = grub_get(g, "root");
	const char *end;
	char *name;

	*path = word;
	if (*word != '(') {
		*dev = root && *root ? grub_device(root, g) : g->home;
		return *word == '/' && *dev != SOURCE_NO_DEVICE;
	}
	end = strchr(word, ')');
	if (!end)
		return false;
	name = arena_copy(&g->menu->arena, word + 1, (size_t)(end - word) - 1);
	*path = end + 1;
	*dev = name ? grub_device(name, g) : SOURCE_NO_DEVICE;
	return *dev != SOURCE_NO_DEVICE && **path == '/';
}

int grub_file(struct grub *g, const char *word, struct boot_file *out, struct err *err)
{
	struct arena *a = &g->menu->arena;
	unsigned int dev = SOURCE_NO_DEVICE;
	const char *path = word;

	/*
	 * A disk that moved, or a partition that became a disk of its own, makes names such as
	 * hd0,msdos1 wrong; what is booted then is next to the configuration in nearly all cases.
	 */
	if (!grub_path(g, word, &dev, &path) && dev == SOURCE_NO_DEVICE) {
		dev = g->home;
		menu_note(g->menu, "%s: there is no such device, the configuration's own is taken",
			  word);
	}
	out->dev = dev;
	out->path = *path == '/' ? arena_string(a, path) : arena_format(a, "/%s", path);
	out->word = arena_string(a, word);
	return out->path && out->word ? 0 : conf_nomem(err);
}

static const struct grub_option *find_option(const struct grub_option *options, const char *arg,
					     size_t len)
{
	for (; options->name; options++) {
		if (strncmp(options->name, arg, len) == 0 && !options->name[len])
			return options;
	}
	return NULL;
}

int grub_options(struct grub *g, const struct grub_args *args, const struct grub_option *options,
		 void (*seen)(void *arg, const char *name, char *value), void *arg,
		 struct grub_args *rest, struct err *err)
{
	bool ended = false;
	int rc = 0;

	for (size_t i = 1; i < args->n && rc == 0; i++) {
		char *word = args->v[i];
		size_t len = strcspn(word, "=");
		const struct grub_option *o;
		char *value = word[len] ? word + len + 1 : NULL;

		if (ended || word[0] != '-' || !word[1]) {
			rc = grub_args_add(g, rest, word, err);
			continue;
		}
		if (strcmp(word, "--") == 0) {
			ended = true;
			continue;
		}
		o = find_option(options, word, len);
		if (!o)
			continue;
		/* GRUB's own scripts write --users $grub_users, which may be nothing. */
		if (o->has_value && !o->value_optional && !value && i + 1 < args->n &&
		    !str_starts(args->v[i + 1], "--"))
			value = args->v[++i];
		seen(arg, o->name, o->has_value ? value : NULL);
	}
	return rc;
}
