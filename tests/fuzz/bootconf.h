/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Boot configurations out of fuzzed bytes: files separated by NUL bytes, put where the
 * language looks for them. What is read must be a menu that keeps its promises
 * (bootloader/conf/conf.h), whatever it says; what is refused must say why.
 */
#ifndef TESTS_FUZZ_BOOTCONF_H
#define TESTS_FUZZ_BOOTCONF_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "bootloader/conf/conf.h"
#include "tests/unit/kernel.h"
#include "tests/unit/memsource.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct source_device bootconf_devices[] = {
	{ .part = 1, .table = SOURCE_TABLE_GPT, .fs = "ext4", .uuid = "1234-5678",
	  .label = "boot" },
	{ .part = 2, .table = SOURCE_TABLE_GPT, .fs = "vfat", .uuid = "abcd", .label = "root",
	  .role = SOURCE_ROLE_ESP },
	{ .names = { "lvm/vg-root", "lvmid/a/b" }, .fs = "xfs" },
};

static inline void bootconf_require(bool condition)
{
	if (!condition)
		abort();
}

static inline void bootconf_check_file(const struct boot_file *f)
{
	bootconf_require(f->dev < ARRAY_SIZE(bootconf_devices));
	bootconf_require(f->path && f->path[0] == '/' && f->word);
}

static inline void bootconf_check_target(const struct boot_target *t)
{
	bootconf_check_file(&t->kernel);
	bootconf_require(t->cmdline && strlen(t->cmdline) <= CONF_FILE_MAX);
	bootconf_require(t->nr_initrds <= CONF_INITRDS_MAX);
	for (size_t i = 0; i < t->nr_initrds; i++)
		bootconf_check_file(&t->initrds[i]);
	if (t->kind == BOOT_XEN)
		bootconf_require(t->hypervisor_args && t->hypervisor.path);
}

static inline void bootconf_check_menu(struct boot_menu *menu)
{
	char place[64];

	bootconf_require(menu->nr_entries <= CONF_ENTRIES_MAX);
	bootconf_require(menu->chosen >= 0 && (size_t)menu->chosen < menu->nr_entries);
	bootconf_require(!menu->entries[menu->chosen].submenu);
	for (size_t i = 0; i < menu->nr_fallback; i++)
		bootconf_require((size_t)menu->fallback[i] < menu->nr_entries);
	for (size_t i = 0; i < menu->nr_entries; i++) {
		struct boot_target t = { .cmdline = NULL };
		struct err err = ERR_INIT;

		bootconf_require(menu->entries[i].title && menu->entries[i].parent < (int)i);
		if (boot_menu_target(menu, i, &t, &err) == 0)
			bootconf_check_target(&t);
		else
			bootconf_require(err.code > 0 && err.msg[0]);
		boot_menu_place(menu, i, place, sizeof(place));
		if (strlen(place) < 20 && !menu->entries[i].submenu)
			bootconf_require(boot_menu_find(menu, place) == (int)i);
	}
}

/* A unified kernel image with the file's text as its os-release; free() it. */
static inline uint8_t *bootconf_image(struct memfile *f)
{
	const struct kernel_section parts[] = {
		{ ".linux", "x", 1 }, { ".osrel", f->text, strlen(f->text) },
	};
	uint8_t *image = malloc(8192 + parts[1].len);

	if (!image)
		abort();
	f->len = kernel_pe(image, parts, ARRAY_SIZE(parts));
	f->text = (char *)image;
	return image;
}

/* The bytes are cut at NULs into one file after another of paths (NULL-terminated). */
static inline int bootconf_fuzz(const uint8_t *data, size_t size, const char *language,
				const char *const *paths)
{
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	scoped(free) char *text = malloc(size + 1);
	struct memfile files[8];
	struct memsource mem = { files, 0 };
	struct source source = { &memsource_ops, &mem, bootconf_devices,
				 ARRAY_SIZE(bootconf_devices) };
	struct err err = ERR_INIT;
	scoped(free) uint8_t *image = NULL;
	const char *path;
	char *p = text;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (; *paths && p <= text + size; paths++) {
		files[mem.nr] = (struct memfile){ 0, *paths, p, 0 };
		p += strlen(p) + 1;
		if (strstr(*paths, ".efi"))
			image = bootconf_image(&files[mem.nr]);
		mem.nr++;
	}
	/* BLS is a folder of files. */
	path = strcmp(language, "bls") == 0 ? "/loader/entries" : files[0].path;
	if (conf_read_file(&source, 0, path, language, &menu, &err) == 0)
		bootconf_check_menu(&menu);
	else
		bootconf_require(err.code > 0 && err.msg[0]);
	return 0;
}

#endif
