/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check-corpus: boot configurations from the wild, each as the only one on a disk, and
 * what their default entry boots. Usage: bootcfg FOLDER (the one that holds bootcfg/).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/scope.h"
#include "base/str.h"
#include "bootloader/conf/conf.h"
#include "tests/unit/memsource.h"
#include "tests/unit/tap.h"

enum { MAX_FILE = 1024 * 1024, COLUMNS = 12, FILES_MAX = 8 };

/* EXPECTED.tsv's columns */
enum { FILE_NAME, FORMAT, CONTEXT, ENTRY, TITLE, KERNEL, INITRD, CMDLINE, MODULES, PYGRUB, DETAIL,
       NOTE };

struct disk {
	struct bytes bytes[FILES_MAX];
	char *paths[FILES_MAX];
	struct memfile files[FILES_MAX];
	struct memsource mem;
};

static void disk_free(struct disk *d)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		free(d->bytes[i].data);
		free(d->paths[i]);
	}
}

static int disk_add(struct disk *d, const char *folder, const char *name, const char *path,
		    struct err *err)
{
	scoped(free) char *host = str_format("%s/%s", folder, name);
	size_t i = d->mem.nr;
	int rc = file_read(host, MAX_FILE, &d->bytes[i], err);

	if (rc < 0)
		return rc;
	d->paths[i] = strdup(path);
	d->files[i] = (struct memfile){ 0, d->paths[i], d->bytes[i].data, d->bytes[i].len };
	d->mem = (struct memsource){ d->files, i + 1 };
	return 0;
}

static const char *language_of(const char *format)
{
	return strcmp(format, "grub1") == 0 ? "grub" :
	       strcmp(format, "extlinux") == 0 ? "syslinux" : format;
}

/* The columns that a target has: kernel (the hypervisor where there is one), initrd... */
static void check_target(char **row, struct boot_menu *menu)
{
	scoped(strbuf) struct strbuf initrds = STRBUF_INIT;
	scoped(strbuf) struct strbuf modules = STRBUF_INIT;
	struct boot_target t = { .cmdline = NULL };
	struct err err = ERR_INIT;
	const char *name = row[FILE_NAME];
	bool xen;

	if (boot_menu_target(menu, (size_t)menu->chosen, &t, &err) < 0) {
		is_str("", row[KERNEL], "%s: boots nothing (%s)", name, err.msg);
		return;
	}
	xen = t.kind == BOOT_XEN;
	if (xen)
		strbuf_printf(&modules, "%s %s", t.kernel.word, t.cmdline);
	for (size_t i = 0; i < t.nr_initrds; i++)
		strbuf_printf(xen ? &modules : &initrds, "%s%s", xen ? " | " : i ? " " : "",
			      t.initrds[i].word);
	is_str(xen ? t.hypervisor.word : t.kernel.word, row[KERNEL], "%s: kernel", name);
	is_str(initrds.s ? initrds.s : "", row[INITRD], "%s: initrd", name);
	is_str(xen ? t.hypervisor_args : t.cmdline, row[CMDLINE], "%s: command line", name);
	is_str(modules.s ? modules.s : "", row[MODULES], "%s: modules", name);
}

static void check_row(char **row, struct disk *d)
{
	static const struct source_device device = { .table = SOURCE_TABLE_MSDOS, .part = 1,
						     .fs = "ext4" };
	struct source source = { &memsource_ops, &d->mem, &device, 1 };
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	struct err err = ERR_INIT;
	char place[64];

	if (!ok(conf_read_file(&source, 0, d->paths[0], language_of(row[FORMAT]), &menu, &err) == 0,
		"%s: read", row[FILE_NAME])) {
		printf("#   %s\n", err.msg);
		return;
	}
	is_str(boot_menu_place(&menu, (size_t)menu.chosen, place, sizeof(place)), row[ENTRY],
	       "%s: default entry", row[FILE_NAME]);
	/* syslinux: the column holds the label. */
	is_str(strcmp(row[FORMAT], "extlinux") ? menu.entries[menu.chosen].title :
						 menu.entries[menu.chosen].id,
	       row[TITLE], "%s: title", row[FILE_NAME]);
	check_target(row, &menu);
}

/* The file where its format would have it, and those that it includes beside it. */
static void check_line(const char *folder, char *line)
{
	static const char *const includes[] = { "syslinux-include-nest-1.cfg",
						"syslinux-include-nest-2.cfg" };
	char *row[COLUMNS], *rest = line;
	struct disk d = { .mem = { .nr = 0 } };
	struct err err = ERR_INIT;
	bool include;
	int rc;

	for (size_t i = 0; i < COLUMNS; i++) {
		row[i] = rest ? strsep(&rest, "\t") : NULL;
		if (!row[i])
			row[i] = line + strlen(line);
	}
	include = strstr(row[CONTEXT], "include");
	rc = disk_add(&d, folder, row[FILE_NAME],
		      strcmp(row[FORMAT], "extlinux") ? "/boot/grub/config" : "/config", &err);
	for (size_t i = 0; include && i < ARRAY_SIZE(includes) && rc == 0; i++) {
		scoped(free) char *name = str_format("petitboot-syslinux-include/%s", includes[i]);
		scoped(free) char *path = str_format("/%s", includes[i]);

		rc = disk_add(&d, folder, name, path, &err);
	}
	if (ok(rc == 0, "%s: there", row[FILE_NAME]))
		check_row(row, &d);
	else
		printf("#   %s\n", err.msg);
	disk_free(&d);
}

int main(int argc, char **argv)
{
	scoped(free) char *folder =
		str_format("%s/bootcfg", argc > 1 ? argv[1] : "../shared/corpora");
	scoped(free) char *path = str_format("%s/EXPECTED.tsv", folder);
	scoped(bytes) struct bytes text = BYTES_INIT;
	struct err err = ERR_INIT;
	int rows = 0, right = 0;
	char *rest, *line;

	if (file_read(path, MAX_FILE, &text, &err) < 0) {
		printf("1..0 # SKIP no boot configurations here (%s)\n", err.msg);
		return 0;
	}
	rest = text.data;
	strsep(&rest, "\n");	/* the column names */
	while ((line = strsep(&rest, "\n"))) {
		int failed = tap_failed;

		if (!*line)
			continue;
		check_line(folder, line);
		rows++;
		right += tap_failed == failed;
	}
	printf("# boot configurations: %d of %d right\n", right, rows);
	return tap_done();
}
