/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest without a boot configuration: the kernels that lie where kernels lie. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "text.h"

static const char *const kernel_names[] = { "vmlinuz-", "vmlinux-", "bzImage-", "kernel-" };

/* "6.1.0-9-amd64" of "vmlinuz-6.1.0-9-amd64"; NULL: no kernel's name. */
static const char *version_of(const char *name)
{
	static const char *const others[] = { ".old", ".hmac", ".sig", ".img", ".txt", "~" };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		size_t len = strlen(name), n = strlen(others[i]);

		if (len >= n && strcmp(name + len - n, others[i]) == 0)
			return NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kernel_names); i++) {
		if (str_starts(name, kernel_names[i]) && name[strlen(kernel_names[i])])
			return name + strlen(kernel_names[i]);
	}
	return NULL;
}

static int newest_first(const void *a, const void *b)
{
	const char *x = version_of(*(char *const *)a), *y = version_of(*(char *const *)b);
	int rc = version_compare(y, x);

	return rc ? rc : strcmp(*(char *const *)a, *(char *const *)b);
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

static struct boot_target *add_kernel(struct boot_menu *menu, char *path, struct err *err)
{
	struct boot_target *t = arena_alloc(&menu->arena, sizeof(*t));
	struct boot_entry *e = t ? menu_add(menu, -1, path) : NULL;

	if (!e) {
		(void)!conf_no_entry(menu, err);
		return NULL;
	}
	e->body = t;
	t->kernel = (struct boot_file){ menu->dev, path, path };
	return t;
}

/* /vmlinuz and /boot/vmlinuz, which Debian links to the newest kernel. */
static int add_links(struct boot_menu *menu, const char *folder, struct err *err)
{
	static const char *const before[] = { "initrd.img", "initrd", "initramfs", "initramfs.img" };
	static const char *const none[] = { "", "", "", "" };
	char *path = arena_format(&menu->arena, "%svmlinuz", folder);
	const char *in_folder[ARRAY_SIZE(before)];
	struct boot_target *t;

	if (!path)
		return conf_nomem(err);
	if (!conf_is_file(menu, menu->dev, path))
		return 0;
	t = add_kernel(menu, path, err);
	if (!t)
		return -err->code;
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		in_folder[i] = arena_format(&menu->arena, "%s%s", folder, before[i]);
		if (!in_folder[i])
			return conf_nomem(err);
	}
	return find_initrd(menu, in_folder, none, ARRAY_SIZE(before), "", t, err);
}

static int add_versions(struct boot_menu *menu, const char *folder, struct err *err)
{
	static const char *const before[] = { "initrd.img-", "initrd-", "initramfs-", "initrd-",
					      "initramfs-" };
	static const char *const after[] = { "", "", ".img", ".img", "" };
	const char *in_folder[ARRAY_SIZE(before)];
	struct names all = { .nr = 0 };
	struct err ignored = ERR_INIT;
	size_t nr = 0;
	int rc = conf_list(menu, menu->dev, folder, "", &all, &ignored);

	if (rc < 0)
		return rc == -ENOMEM ? conf_nomem(err) : 0;
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		in_folder[i] = arena_format(&menu->arena, "%s%s", folder, before[i]);
		if (!in_folder[i])
			return conf_nomem(err);
	}
	for (size_t i = 0; i < all.nr; i++) {
		if (version_of(all.names[i]))
			all.names[nr++] = all.names[i];
	}
	if (nr)
		qsort(all.names, nr, sizeof(*all.names), newest_first);
	for (size_t i = 0; i < nr && i < 32; i++) {
		char *path = arena_format(&menu->arena, "%s%s", folder, all.names[i]);
		struct boot_target *t;

		if (!path)
			return conf_nomem(err);
		if (!conf_is_file(menu, menu->dev, path))
			continue;
		t = add_kernel(menu, path, err);
		if (!t)
			return -err->code;
		rc = find_initrd(menu, in_folder, after, ARRAY_SIZE(before),
				 version_of(all.names[i]), t, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The in-guest GRUB that grub-xen installs, which reads the guest's configuration itself. */
static int add_pvboot(struct boot_menu *menu, struct err *err)
{
	static const char *const paths[] = { "/boot/xen/pvboot-x86_64.elf",
					     "/xen/pvboot-x86_64.elf" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		char *path = arena_string(&menu->arena, paths[i]);

		if (!path)
			return conf_nomem(err);
		if (conf_is_file(menu, menu->dev, path) && !add_kernel(menu, path, err))
			return -err->code;
	}
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
	return menu->path ? 0 : conf_nomem(err);
}
