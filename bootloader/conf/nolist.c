/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest without a boot configuration: the kernels that lie where kernels lie. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "text.h"

enum { KERNELS_MAX = 32 };	/* of one folder, the newest */

static const char *const kernel_names[] = { "vmlinuz-", "vmlinux-", "bzImage-", "kernel-" };

struct kernel {
	char *name;
	const char *version;	/* in name */
	char *order;		/* the version as it sorts */
};

struct kernels {
	struct kernel *list;	/* the newest first */
	size_t nr;
};

/* What packages, their managers and editors put beside a kernel under its name. */
static bool is_leftover(const char *name)
{
	static const char *const ends[] = {
		".old", ".bak", ".orig", ".tmp", ".new", "~", ".rpmnew", ".rpmsave", ".rpmorig",
		".hmac", ".sig", ".img", ".txt",
	};
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		size_t n = strlen(ends[i]);

		if (len >= n && strcmp(name + len - n, ends[i]) == 0)
			return true;
	}
	/* rpm unpacks to "NAME;5f1e2d3c". */
	return strstr(name, ".dpkg-") || strchr(name, ';');
}

/* "6.1.0-9-amd64" of "vmlinuz-6.1.0-9-amd64"; NULL: no kernel's name. */
static const char *version_of(const char *name)
{
	if (is_leftover(name))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(kernel_names); i++) {
		if (str_starts(name, kernel_names[i]) && name[strlen(kernel_names[i])])
			return name + strlen(kernel_names[i]);
	}
	return NULL;
}

/* "rc1" and the like, which come before the version that they stand behind. */
static bool is_early(const char *word)
{
	static const char *const words[] = { "rc", "pre", "test", "git", "trunk" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t n = strlen(words[i]);

		if (strncmp(word, words[i], n) == 0 && !(word[n] >= 'a' && word[n] <= 'z'))
			return true;
	}
	return false;
}

/* "6.1~rc2" of "6.1-rc2", as update-grub sorts; NULL: out of memory. */
static char *order_of(struct boot_menu *menu, const char *version)
{
	char *order = arena_string(&menu->arena, version);

	for (char *c = order; c && *c; c++) {
		if (strchr("-._", *c) && is_early(c + 1))
			*c = '~';
	}
	return order;
}

static int newest_first(const void *a, const void *b)
{
	const struct kernel *x = a, *y = b;
	int rc = version_compare(y->order, x->order);

	return rc ? rc : strcmp(x->name, y->name);
}

/* A folder that cannot be listed has none. */
static int list_kernels(struct boot_menu *menu, const char *folder, struct kernels *out,
			struct err *err)
{
	struct names all = { .nr = 0 };
	struct err ignored = ERR_INIT;
	int rc = conf_list(menu, menu->dev, folder, "", &all, &ignored);

	if (rc < 0)
		return rc == -ENOMEM ? conf_nomem(err) : 0;
	out->list = arena_alloc_array(&menu->arena, all.nr, sizeof(*out->list));
	if (!out->list)
		return conf_nomem(err);
	for (size_t i = 0; i < all.nr; i++) {
		const char *version = version_of(all.names[i]);
		char *order = version ? order_of(menu, version) : NULL;

		if (!version)
			continue;
		if (!order)
			return conf_nomem(err);
		out->list[out->nr++] = (struct kernel){ all.names[i], version, order };
	}
	if (out->nr)
		qsort(out->list, out->nr, sizeof(*out->list), newest_first);
	return 0;
}

/* The first of the formats that exists; "%s" is the version. */
static int find_initrd(struct boot_menu *menu, const char *const *before, const char *const *after,
		       size_t nr, const char *version, struct boot_target *t, struct err *err)
{
	for (size_t i = 0; i < nr; i++) {
		char *path = arena_format(&menu->arena, "%s%s%s", before[i], version, after[i]);
		struct boot_file f = { menu->dev, path, path };

		if (!path)
			return conf_nomem(err);
		if (conf_is_file(menu, menu->dev, path))
			return target_add_initrd(menu, t, &f, err);
	}
	return 0;
}

static struct boot_target *new_target(struct boot_menu *menu, char *path)
{
	struct boot_target *t = arena_alloc(&menu->arena, sizeof(*t));

	if (t)
		t->kernel = (struct boot_file){ menu->dev, path, path };
	return t;
}

static int add_target(struct boot_menu *menu, struct boot_target *t, struct err *err)
{
	struct boot_entry *e = menu_add(menu, -1, t->kernel.path);

	if (!e)
		return conf_no_entry(menu, err);
	e->body = t;
	return 0;
}

/* /vmlinuz and /boot/vmlinuz, which Debian links to the newest kernel. */
static int add_links(struct boot_menu *menu, const char *folder, struct err *err)
{
	static const char *const before[] = { "initrd.img", "initrd", "initramfs", "initramfs.img" };
	static const char *const none[] = { "", "", "", "" };
	char *path = arena_format(&menu->arena, "%svmlinuz", folder);
	const char *in_folder[ARRAY_SIZE(before)];
	struct boot_target *t;
	int rc;

	if (!path)
		return conf_nomem(err);
	if (!conf_is_file(menu, menu->dev, path))
		return 0;
	t = new_target(menu, path);
	if (!t)
		return conf_nomem(err);
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		in_folder[i] = arena_format(&menu->arena, "%s%s", folder, before[i]);
		if (!in_folder[i])
			return conf_nomem(err);
	}
	rc = find_initrd(menu, in_folder, none, ARRAY_SIZE(before), "", t, err);
	return rc < 0 ? rc : add_target(menu, t, err);
}

/* Without a kernel's path where there is no such file. */
static int make_target(struct boot_menu *menu, const char *folder, const struct kernel *k,
		       struct boot_target **out, struct err *err)
{
	static const char *const before[] = { "initrd.img-", "initrd-", "initramfs-", "initrd-",
					      "initramfs-" };
	static const char *const after[] = { "", "", ".img", ".img", "" };
	const char *in_folder[ARRAY_SIZE(before)];
	char *path = arena_format(&menu->arena, "%s%s", folder, k->name);

	*out = path ? new_target(menu, path) : NULL;
	if (!*out)
		return conf_nomem(err);
	if (!conf_is_file(menu, menu->dev, path)) {
		(*out)->kernel.path = NULL;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		in_folder[i] = arena_format(&menu->arena, "%s%s", folder, before[i]);
		if (!in_folder[i])
			return conf_nomem(err);
	}
	return find_initrd(menu, in_folder, after, ARRAY_SIZE(before), k->version, *out, err);
}

/* Where some kernels have an initrd, one without it is half installed, or half removed. */
static int add_versions(struct boot_menu *menu, const char *folder, struct err *err)
{
	struct boot_target *targets[KERNELS_MAX];
	struct kernels kernels = { .nr = 0 };
	int rc = list_kernels(menu, folder, &kernels, err);
	size_t nr = kernels.nr < KERNELS_MAX ? kernels.nr : KERNELS_MAX;

	for (size_t i = 0; i < nr && rc == 0; i++)
		rc = make_target(menu, folder, &kernels.list[i], &targets[i], err);
	for (size_t i = 0; i < 2 * nr && rc == 0; i++) {
		struct boot_target *t = targets[i % nr];
		bool with_initrd = i < nr;

		if (t->kernel.path && (t->nr_initrds > 0) == with_initrd)
			rc = add_target(menu, t, err);
	}
	return rc;
}

/* The in-guest GRUB that grub-xen installs, which reads the guest's configuration itself. */
static int add_pvboot(struct boot_menu *menu, struct err *err)
{
	static const char *const paths[] = { "/boot/xen/pvboot-x86_64.elf",
					     "/xen/pvboot-x86_64.elf" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		char *path = arena_string(&menu->arena, paths[i]);
		struct boot_target *t = path ? new_target(menu, path) : NULL;
		int rc = 0;

		if (!t)
			return conf_nomem(err);
		if (conf_is_file(menu, menu->dev, path))
			rc = add_target(menu, t, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* One that is damaged: the others are tried, as they come. */
static int set_fallback(struct boot_menu *menu, struct err *err)
{
	menu->fallback = arena_alloc_array(&menu->arena, menu->nr_entries, sizeof(int));
	if (!menu->fallback)
		return conf_nomem(err);
	for (int i = 1; (size_t)i < menu->nr_entries; i++)
		menu->fallback[menu->nr_fallback++] = i;
	return 0;
}

int conf_guess(const struct source *source, unsigned int dev, struct boot_menu *menu,
	       struct err *err)
{
	int rc;

	boot_menu_free(menu);
	menu->source = source;
	menu->dev = dev;
	menu->language = "none";
	menu->target = menu_target_body;
	rc = add_links(menu, "/", err);
	if (rc == 0)
		rc = add_links(menu, "/boot/", err);
	if (rc == 0)
		rc = add_versions(menu, "/boot/", err);
	/* The device may be what the guest mounts as /boot. */
	if (rc == 0 && !menu->nr_entries)
		rc = add_versions(menu, "/", err);
	if (rc == 0)
		rc = add_pvboot(menu, err);
	if (rc < 0)
		return rc;
	if (!menu->nr_entries)
		return fail(err, ENOENT, "no boot configuration and no kernel in / or /boot");
	menu->chosen = 0;
	menu->path = arena_string(&menu->arena, "/");
	return menu->path ? set_fallback(menu, err) : conf_nomem(err);
}
