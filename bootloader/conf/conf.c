/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf.h"

#include <errno.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "text.h"

static const struct conf_language *const languages[] = {
	&conf_grub2, &conf_bls, &conf_syslinux, &conf_grub_legacy, &conf_lilo,
};

/* Everything that an earlier try left behind goes, and with it the memory it took. */
static void start(struct boot_menu *menu, const struct source *source, unsigned int dev,
		  const struct conf_language *language)
{
	boot_menu_free(menu);
	menu->source = source;
	menu->dev = dev;
	menu->language = language->name;
}

static int finish(struct boot_menu *menu, int rc, struct err *err)
{
	const char *path = menu->path ? menu->path : "/";

	/* What one configuration may take is at its end: there is enough for others. */
	if (rc == -ENOMEM && menu->arena.full)
		err->code = E2BIG;
	if (rc < 0)
		return rc == -ENOENT ? rc : fail_in(err, "%s", path);
	if (menu->chosen < 0)
		return fail(err, ENOEXEC, "%s: offers no entry", path);
	return 0;
}

static int read_path(struct boot_menu *menu, const struct conf_language *language,
		     const char *path, struct err *err)
{
	menu->path = arena_string(&menu->arena, path);
	if (!menu->path)
		return conf_nomem(err);
	return finish(menu, language->read(menu, err), err);
}

/* -ENOENT: this language has nothing here; other errors are about what it has. */
static int try_language(const struct source *source, unsigned int dev,
			const struct conf_language *language, struct boot_menu *menu,
			struct err *err)
{
	int rc = -ENOENT;

	for (const char *const *path = language->paths; path && *path; path++) {
		start(menu, source, dev, language);
		if (!conf_is_file(menu, dev, *path))
			continue;
		rc = read_path(menu, language, *path, err);
		if (rc == 0)
			return 0;
	}
	if (rc != -ENOENT || !language->find)
		return rc;
	start(menu, source, dev, language);
	return finish(menu, language->find(menu, err), err);
}

int conf_read(const struct source *source, unsigned int dev, struct boot_menu *menu,
	      struct err *err)
{
	struct err first = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(languages); i++) {
		struct err why = ERR_INIT;
		int rc = try_language(source, dev, languages[i], menu, &why);

		if (rc == 0)
			return 0;
		if (rc != -ENOENT && !first.code)
			first = why;
	}
	boot_menu_free(menu);
	if (first.code) {
		*err = first;
		return -first.code;
	}
	return fail(err, ENOENT, "no boot configuration");
}

static const struct conf_language *by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(languages); i++) {
		if (strcmp(languages[i]->name, name) == 0)
			return languages[i];
	}
	return NULL;
}

/* The language that a file has by its name; what stands in it says the rest. */
static const struct conf_language *by_path(struct boot_menu *menu, const char *path,
					   struct err *err)
{
	const char *name = path_name(path);
	char *text = NULL;

	if (conf_is_folder(menu, menu->dev, path))
		return &conf_bls;
	if (strstr(name, "extlinux") || strstr(name, "syslinux") || strstr(name, "isolinux"))
		return &conf_syslinux;
	if (strcmp(name, "menu.lst") == 0 || strcmp(name, "grub.conf") == 0)
		return &conf_grub_legacy;
	if (strcmp(name, "lilo.conf") == 0)
		return &conf_lilo;
	if (strcmp(name, "grub.cfg") != 0) {
		if (conf_text(menu, menu->dev, path, &text, err) < 0)
			return NULL;
		if (strncasecmp(text, "label", 5) == 0 || strcasestr(text, "\nlabel "))
			return &conf_syslinux;
		if (strncmp(text, "title", 5) == 0 || strstr(text, "\ntitle "))
			return &conf_grub_legacy;
	}
	return &conf_grub2;
}

int conf_read_file(const struct source *source, unsigned int dev, const char *path,
		   const char *language, struct boot_menu *menu, struct err *err)
{
	const struct conf_language *l = language ? by_name(language) : &conf_grub2;

	if (!l)
		return fail(err, EINVAL, "no boot configuration language '%s'", language);
	start(menu, source, dev, l);
	if (!language) {
		l = by_path(menu, path, err);
		if (!l)
			return -err->code;
		start(menu, source, dev, l);
	}
	return read_path(menu, l, path, err);
}
