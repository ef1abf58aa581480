/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader: all that looks at a guest's disk happens in this process, behind sandbox_enter(). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/str.h"
#include "blk/blk.h"
#include "conf/conf.h"
#include "disks.h"
#include "fs/fs.h"
#include "sandbox.h"
#include "wire.h"

enum {
	MEMORY_MAX_MIB = 1024,
	CPU_SECONDS = 60,
	COPY_BYTES = 1 << 20,
};

struct child {
	struct wire_request request;
	struct budget budget;
	struct blk *files[BOOT_DISKS_MAX];	/* what the descriptors are */
	struct blk *blks[BOOT_DISKS_MAX];	/* the disks in them */
	struct disks *disks;
	const struct source *source;
	struct boot_menu menu;
	unsigned int sandbox;
	uint8_t *copy;		/* COPY_BYTES */
	struct wire_message message;
};

/* Whoever does not listen any more has no use for us. */
static void say(struct child *c, enum wire_kind kind)
{
	c->message.kind = kind;
	if (write(WIRE_SOCKET, &c->message, sizeof(c->message)) != sizeof(c->message))
		_exit(1);
}

static struct wire_message *new_message(struct child *c)
{
	memset(&c->message, 0, sizeof(c->message));
	return &c->message;
}

#define put(text, ...) ((void)snprintf(text, sizeof(text), __VA_ARGS__))

static void say_note(struct child *c, const char *where, const char *note)
{
	put(new_message(c)->note, "%s: %.400s", where, note);
	say(c, MESSAGE_NOTE);
}

static const char *device_name(const struct child *c, unsigned int dev, char *buf, size_t size)
{
	return source_device_name(c->source, dev, buf, size);
}

/* Reads the menu of the first device that has one. */
static int find_menu(struct child *c, struct err *err)
{
	char name[80];

	for (unsigned int pass = 0; pass < 2; pass++) {
		for (unsigned int dev = 0; dev < c->source->nr_devices; dev++) {
			struct boot_menu menu = BOOT_MENU_INIT;
			int rc;

			if (!c->source->devices[dev].fs)
				continue;
			rc = pass ? conf_guess(c->source, dev, &menu, err) :
				conf_read(c->source, dev, &menu, err);
			if (rc == 0) {
				c->menu = menu;
				return 0;
			}
			boot_menu_free(&menu);
			if (rc == -ETIME || rc == -ENOMEM)
				return rc;
			if (rc != -ENOENT)
				say_note(c, device_name(c, dev, name, sizeof(name)), err->msg);
		}
	}
	return fail(err, ENOENT, "no boot configuration and no kernel found on its disks");
}

static void say_devices(struct child *c, bool have_menu)
{
	for (unsigned int dev = 0; dev < c->source->nr_devices; dev++) {
		const struct source_device *d = &c->source->devices[dev];
		struct boot_device_info *info = &new_message(c)->device;

		device_name(c, dev, info->name, sizeof(info->name));
		put(info->fs, "%s", d->fs ? d->fs : "");
		put(info->uuid, "%s", d->uuid ? d->uuid : "");
		put(info->label, "%s", d->label ? d->label : "");
		put(info->note, "%s", disks_note(c->disks, dev));
		info->chosen = have_menu && c->menu.dev == dev;
		if (info->chosen && c->menu.path)
			put(info->config, "%s", c->menu.path);
		say(c, MESSAGE_DEVICE);
	}
}

static void say_menu(struct child *c)
{
	for (size_t i = 0; i < c->menu.nr_entries; i++) {
		const struct boot_entry *e = &c->menu.entries[i];
		struct boot_entry_info *info = &new_message(c)->entry;

		put(info->title, "%s", e->title ? e->title : "");
		put(info->id, "%s", e->id ? e->id : "");
		boot_menu_place(&c->menu, i, info->place, sizeof(info->place));
		info->submenu = e->submenu;
		info->locked = e->locked;
		info->is_default = c->menu.chosen == (int)i;
		say(c, MESSAGE_ENTRY);
	}
	for (size_t i = 0; i < c->menu.nr_notes; i++)
		say_note(c, c->menu.language, c->menu.notes[i]);
}

/* Appends a file of the guest to one in memory; *at is where that ends. */
static int copy_file(struct child *c, const struct boot_file *file, int to, uint64_t max,
		     uint64_t *at, struct err *err)
{
	struct fs *fs;
	struct fs_node node;
	int rc = disks_file(c->disks, file->dev, file->path, &fs, &node, err);

	if (rc < 0)
		return rc;
	if (node.size > max || *at > max - node.size)
		return fail(err, EFBIG, "it is larger than the %llu MiB that are allowed",
			    (unsigned long long)max >> 20);
	for (uint64_t done = 0; done < node.size;) {
		size_t len = node.size - done < COPY_BYTES ? (size_t)(node.size - done) : COPY_BYTES;

		rc = fs_read(fs, &node, done, c->copy, len, err);
		if (rc < 0)
			return rc;
		if (pwrite(to, c->copy, len, (off_t)(*at + done)) != (ssize_t)len)
			return fail_sys(err, errno, "cannot keep what was read");
		done += len;
	}
	*at += node.size;
	return 0;
}

static int named(struct child *c, const char *what, const struct boot_file *file, struct err *err)
{
	char name[80], path[200];
	const char *text = file->path ? file->path : "";

	return fail_in(err, "%s (%s)%s", what, device_name(c, file->dev, name, sizeof(name)),
		       str_escape(text, strlen(text), path, sizeof(path)));
}

static int load(struct child *c, const struct boot_target *t, struct boot_result *result,
		struct err *err)
{
	uint64_t end = 0;
	int rc = copy_file(c, &t->kernel, WIRE_KERNEL, c->request.kernel_max, &end, err);

	if (rc == 0 && !end)
		rc = fail(err, ENODATA, "it is empty");
	if (rc < 0)
		return named(c, "kernel", &t->kernel, err);
	result->kernel_size = end;
	end = 0;
	for (size_t i = 0; i < t->nr_initrds; i++) {
		/* Linux looks for the next archive at a multiple of four; what is between is zero. */
		end = (end + 3) & ~3ull;
		rc = copy_file(c, &t->initrds[i], WIRE_RAMDISK, c->request.ramdisk_max, &end, err);
		if (rc < 0)
			return named(c, "ramdisk", &t->initrds[i], err);
	}
	result->ramdisk_size = end;
	return 0;
}

/* For a list: whether the files are there, without reading them. */
static void check_files(struct child *c, const struct boot_target *t)
{
	for (size_t i = 0; i <= t->nr_initrds; i++) {
		const struct boot_file *file = i ? &t->initrds[i - 1] : &t->kernel;
		struct err err = ERR_INIT;
		struct fs *fs;
		struct fs_node node;

		if (disks_file(c->disks, file->dev, file->path, &fs, &node, &err) < 0)
			say_note(c, i ? "ramdisk" : "kernel", err.msg);
	}
}

static int describe(const struct boot_menu *menu, const struct boot_target *t,
		    struct boot_result *r, struct err *err)
{
	size_t len = 0;

	if (strlen(t->cmdline) >= sizeof(r->cmdline))
		return fail(err, E2BIG, "its command line is longer than %zu characters",
			    sizeof(r->cmdline) - 1);
	put(r->language, "%s", menu->language);
	put(r->kernel_path, "%s", t->kernel.path);
	put(r->cmdline, "%s", t->cmdline);
	for (size_t i = 0; i < t->nr_initrds && len < sizeof(r->ramdisk_path); i++)
		len += (size_t)snprintf(r->ramdisk_path + len, sizeof(r->ramdisk_path) - len,
					i ? " %s" : "%s", t->initrds[i].path);
	r->nr_ramdisks = (uint32_t)t->nr_initrds;
	r->kind = t->kind;
	return 0;
}

static int boot_entry(struct child *c, size_t entry, struct boot_result *result, struct err *err)
{
	struct boot_target target = { .kind = BOOT_LINUX };
	const char *title = c->menu.entries[entry].title;
	char shown[120];
	int rc = boot_menu_target(&c->menu, entry, &target, err);

	*result = (struct boot_result){ .sandbox = c->sandbox };
	if (rc == 0)
		rc = describe(&c->menu, &target, result, err);
	if (rc == 0 && c->request.action == BOOT_LOAD)
		rc = load(c, &target, result, err);
	else if (rc == 0)
		check_files(c, &target);
	if (rc < 0)
		return fail_in(err, "entry '%s'", str_escape(title, strlen(title), shown,
							     sizeof(shown)));
	put(result->title, "%s", title);
	boot_menu_place(&c->menu, entry, result->place, sizeof(result->place));
	return 0;
}

/* The entry that was asked for, or the default one and what stands in for it. */
static int boot_from_menu(struct child *c, struct boot_result *result, struct err *err)
{
	int entry = c->menu.chosen, rc;

	if (c->request.entry[0]) {
		entry = boot_menu_find(&c->menu, c->request.entry);
		if (entry < 0)
			return fail(err, ENOENT, "there is no entry '%s'", c->request.entry);
		return boot_entry(c, (size_t)entry, result, err);
	}
	if (entry < 0)
		return fail(err, ENOENT, "the boot configuration has no default entry");
	rc = boot_entry(c, (size_t)entry, result, err);
	for (size_t i = 0; i < c->menu.nr_fallback && rc < 0 && rc != -ETIME; i++) {
		say_note(c, "fallback", err->msg);
		rc = boot_entry(c, (size_t)c->menu.fallback[i], result, err);
	}
	return rc;
}

/* A path of the image that the configuration of the domain names. */
static int find_path(struct child *c, char *path, struct boot_file *file, struct err *err)
{
	file->path = file->word = path;
	file->dev = source_by_file(c->source, path, SOURCE_FILE, SOURCE_NO_DEVICE);
	return file->dev == SOURCE_NO_DEVICE ?
		fail(err, ENOENT, "'%s' is on none of its disks", path) : 0;
}

static int boot_path(struct child *c, struct boot_result *result, struct err *err)
{
	static char nothing[] = "";
	const struct boot_menu menu = { .language = "none" };
	struct boot_file initrd;
	struct boot_target t = { .kind = BOOT_LINUX, .cmdline = nothing, .initrds = &initrd };
	int rc = find_path(c, c->request.kernel, &t.kernel, err);

	if (rc == 0 && c->request.ramdisk[0]) {
		rc = find_path(c, c->request.ramdisk, &initrd, err);
		t.nr_initrds = 1;
	}
	*result = (struct boot_result){ .sandbox = c->sandbox };
	if (rc == 0)
		rc = describe(&menu, &t, result, err);
	return rc == 0 && c->request.action == BOOT_LOAD ? load(c, &t, result, err) : rc;
}

static int open_disk(struct child *c, unsigned int i, struct err *err)
{
	int rc = blk_open_fd(WIRE_DISKS + (int)i, 0, 0, &c->budget, &c->files[i], err);

	if (rc < 0)
		return rc;
	switch (c->request.format[i]) {
	case BOOT_RAW:
		c->blks[i] = c->files[i];
		return 0;
	case BOOT_QCOW2:
		return blk_open_qcow2(c->files[i], &c->blks[i], err);
	case BOOT_VHD:
		return blk_open_vhd(c->files[i], &c->blks[i], err);
	default:
		return fail(err, EOPNOTSUPP, "its format cannot be read");
	}
}

static int open_disks(struct child *c, struct err *err)
{
	for (unsigned int i = 0; i < c->request.nr_disks; i++) {
		int rc = open_disk(c, i, err);

		if (rc < 0)
			return fail_in(err, "disk %u", i);
	}
	return disks_open(c->blks, c->request.nr_disks, &c->disks, err);
}

static int work(struct child *c, struct boot_result *result, struct err *err)
{
	int rc = open_disks(c, err);

	if (rc < 0)
		return rc;
	c->source = disks_source(c->disks);
	if (c->request.kernel[0])
		return boot_path(c, result, err);
	rc = find_menu(c, err);
	say_devices(c, rc == 0);
	if (rc < 0)
		return rc;
	say_menu(c);
	return boot_from_menu(c, result, err);
}

static int take_request(struct child *c, struct err *err)
{
	ssize_t n = read(WIRE_SOCKET, &c->request, sizeof(c->request));

	if (n != sizeof(c->request) || c->request.version != WIRE_VERSION ||
	    c->request.nr_disks > BOOT_DISKS_MAX)
		return fail(err, EPROTO, "the toolstack and the reader of the disk are of different "
			    "versions");
	return 0;
}

int child_run(void)
{
	static struct child c = { .budget = BUDGET_INIT, .menu = BOOT_MENU_INIT };
	struct boot_result result = { .kernel_size = 0 };
	struct err err = ERR_INIT;
	int rc = sandbox_enter((uint64_t)MEMORY_MAX_MIB << 20, CPU_SECONDS, -1, &c.sandbox, &err);

	if (rc == 0)
		rc = take_request(&c, &err);
	if (rc == 0 && !(c.copy = malloc(COPY_BYTES)))
		rc = fail_nomem(&err);
	if (rc == 0)
		rc = work(&c, &result, &err);
	new_message(&c);
	if (rc == 0) {
		c.message.result = result;
	} else {
		c.message.error.code = -rc;
		put(c.message.error.msg, "%s", err.msg);
	}
	say(&c, rc == 0 ? MESSAGE_RESULT : MESSAGE_ERROR);
	/* Memory goes with the process. */
	return 0;
}
