/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader: all that looks at a guest's disk happens in this process, behind sandbox_enter(). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/str.h"
#include "blk/blk.h"
#include "conf/conf.h"
#include "console.h"
#include "disks.h"
#include "load.h"
#include "menu.h"
#include "sandbox.h"
#include "wire.h"

enum {
	MEMORY_MAX_MIB = 1024,
	CPU_SECONDS = 60,
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
	struct load_memory memory;
	struct load load;
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
			/* A list has it with the device. */
			if (rc != -ENOENT && c->request.action != BOOT_LIST)
				say_note(c, device_name(c, dev, name, sizeof(name)), err->msg);
		}
	}
	return fail(err, ENOENT, "no boot configuration and no kernel found on its disks");
}

/* Whether its default entry could be booted. */
static void diagnose_menu(struct child *c, struct boot_menu *menu, struct boot_device_info *info)
{
	struct boot_target target = { .kind = BOOT_LINUX };
	struct err err = ERR_INIT;
	int rc;

	put(info->config, "%s", menu->path ? menu->path : "");
	put(info->language, "%s", menu->language);
	info->entries = (uint32_t)menu->nr_entries;
	if (menu->chosen < 0)
		rc = fail(&err, ENOENT, "no default entry");
	else
		rc = boot_menu_target(menu, (size_t)menu->chosen, &target, &err);
	if (rc == 0)
		rc = load_prepare(c->disks, &target, &c->load, &err);
	if (rc < 0)
		put(info->problem, "%s", err.msg);
}

static void diagnose(struct child *c, unsigned int dev, struct boot_device_info *info)
{
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	struct err err = ERR_INIT;
	int rc;

	if (info->chosen)
		diagnose_menu(c, &c->menu, info);
	/* Of a kernel that was found without: why its configuration was of no use. */
	if (!c->source->devices[dev].fs ||
	    (info->chosen && (strcmp(info->language, "none") != 0 || info->problem[0])))
		return;
	rc = conf_read(c->source, dev, &menu, &err);
	if (rc == 0)
		diagnose_menu(c, &menu, info);
	else if (rc != -ENOENT)
		put(info->problem, "%s", err.msg);
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
		if (c->request.action == BOOT_LIST)
			diagnose(c, dev, info);
		say(c, MESSAGE_DEVICE);
	}
}

/* What an entry boots, as people write it; kernel and ramdisk have BOOT_TEXT_MAX bytes. */
static void put_files(const struct boot_target *t, char *kernel, char *ramdisk)
{
	size_t len = 0;

	(void)snprintf(kernel, BOOT_TEXT_MAX, "%s", t->kernel.path);
	for (size_t i = 0; i < t->nr_initrds && len < BOOT_TEXT_MAX; i++)
		len += (size_t)snprintf(ramdisk + len, BOOT_TEXT_MAX - len, i ? " %s" : "%s",
					t->initrds[i].path);
}

/* What is wrong with an entry is said when it is asked for; the end of the means concerns all. */
static int put_target(struct child *c, size_t entry, struct boot_entry_info *info,
		      struct err *err)
{
	struct boot_target t = { .kind = BOOT_LINUX };
	int rc = boot_menu_target(&c->menu, entry, &t, err);

	if (rc < 0)
		return rc == -ETIME || rc == -ENOMEM ? rc : 0;
	put_files(&t, info->kernel_path, info->ramdisk_path);
	put(info->cmdline, "%s", t.cmdline);
	return 0;
}

static void say_menu(struct child *c)
{
	struct err err = ERR_INIT;
	bool look = c->request.action == BOOT_LIST;

	for (int i = boot_menu_next(&c->menu, -1); i >= 0; i = boot_menu_next(&c->menu, i)) {
		const struct boot_entry *e = &c->menu.entries[i];
		struct boot_entry_info *info = &new_message(c)->entry;

		put(info->title, "%s", e->title ? e->title : "");
		put(info->id, "%s", e->id ? e->id : "");
		boot_menu_place(&c->menu, (size_t)i, info->place, sizeof(info->place));
		info->submenu = e->submenu;
		info->locked = e->locked;
		info->is_default = c->menu.chosen == i;
		if (look && !e->submenu)
			look = put_target(c, (size_t)i, info, &err) == 0;
		say(c, MESSAGE_ENTRY);
	}
	if (err.code == ETIME || err.code == ENOMEM)
		say_note(c, "what some entries boot is not shown", err.msg);
	for (size_t i = 0; i < c->menu.nr_notes; i++)
		say_note(c, c->menu.language, c->menu.notes[i]);
}

static void describe(const char *language, const struct boot_target *t, struct child *c,
		     struct boot_result *r)
{
	*r = (struct boot_result){ .sandbox = c->sandbox };
	put(r->language, "%s", language);
	put(r->cmdline, "%s", t->cmdline);
	put_files(t, r->kernel_path, r->ramdisk_path);
}

/* A path of the image that the configuration of the domain names. */
static int find_path(struct child *c, char *path, struct boot_file *file, struct err *err)
{
	file->path = file->word = path;
	file->dev = source_by_file(c->source, path, SOURCE_FILE, SOURCE_NO_DEVICE);
	return file->dev == SOURCE_NO_DEVICE ?
		fail(err, ENOENT, "'%s' is on none of its disks", path) : 0;
}

static int boot_target(struct child *c, const char *language, const struct boot_target *own,
		       struct boot_result *result, struct err *err)
{
	struct boot_target t = *own;
	struct boot_file initrd;
	int rc = 0;

	if (c->request.ramdisk[0]) {
		rc = find_path(c, c->request.ramdisk, &initrd, err);
		t.initrds = &initrd;
		t.nr_initrds = rc == 0;
	}
	if (rc == 0)
		rc = load_prepare(c->disks, &t, &c->load, err);
	describe(language, &t, c, result);
	if (rc < 0)
		return rc;
	if (t.kind == BOOT_XEN)
		say_note(c, language, "the entry starts Xen: its kernel is booted without that");
	put(result->cmdline, "%s", c->load.cmdline);
	result->kernel = c->load.info;
	return c->request.action == BOOT_LOAD ?
		load_run(&c->load, &c->memory, c->request.raw, result, err) : 0;
}

static int boot_entry(struct child *c, size_t entry, const struct boot_target *t,
		      struct boot_result *result, struct err *err)
{
	const char *title = c->menu.entries[entry].title;
	char shown[120];
	int rc = boot_target(c, c->menu.language, t, result, err);

	put(result->title, "%s", title);
	boot_menu_place(&c->menu, entry, result->place, sizeof(result->place));
	if (rc < 0)
		rc = fail_in(err, "entry '%s'", str_escape(title, strlen(title), shown,
							   sizeof(shown)));
	/* What an entry would boot can be said also when its files are not there. */
	if (rc < 0 && c->request.action == BOOT_LIST && rc != -ETIME) {
		say_note(c, c->menu.language, err->msg);
		rc = 0;
	}
	return rc;
}

static int boot_number(struct child *c, int entry, struct boot_result *result, struct err *err)
{
	struct boot_target target = { .kind = BOOT_LINUX };
	const char *title = c->menu.entries[entry].title;
	char shown[120];
	int rc = boot_menu_target(&c->menu, (size_t)entry, &target, err);

	return rc == 0 ? boot_entry(c, (size_t)entry, &target, result, err) :
		fail_in(err, "entry '%s'", str_escape(title, strlen(title), shown, sizeof(shown)));
}

/* The entry that nobody chose, and what stands in for it; fails with that entry's error. */
static int boot_default(struct child *c, struct boot_result *result, struct err *err)
{
	int rc = boot_number(c, c->menu.chosen, result, err);
	struct err why = *err;

	for (size_t i = 0; i < c->menu.nr_fallback && rc < 0 && rc != -ETIME; i++) {
		say_note(c, "fallback", why.msg);
		rc = boot_number(c, c->menu.fallback[i], result, &why);
	}
	if (rc == 0)
		return 0;
	if (c->menu.nr_fallback)
		say_note(c, "fallback", why.msg);
	if (rc == -ETIME)
		*err = why;	/* nothing more could be tried */
	return -err->code;
}

/* What the user chose and cannot be booted is said on the terminal, and the menu comes again. */
static int boot_chosen(struct child *c, struct boot_result *result, struct err *err)
{
	struct menu_choice choice;
	int rc;

	if (c->request.alone)
		menu_bound(&c->menu);
	do {
		new_message(c);
		say(c, MESSAGE_MENU_UP);
		rc = menu_run(&c->menu, &console_io, &choice, err);
		new_message(c);
		say(c, MESSAGE_MENU_DOWN);
		if (rc < 0)
			return rc;
		if (!choice.by_user)
			return boot_default(c, result, err);
		rc = boot_entry(c, choice.entry, &choice.target, result, err);
		if (rc < 0)
			console_say("Cannot boot this: ", err->msg);
		/* Once a user was there, the rest is theirs. */
		c->menu.has_timeout = true;
		c->menu.timeout_s = -1;
		c->menu.chosen = (int)choice.entry;
	} while (rc < 0 && rc != -ETIME && rc != -ENOMEM);
	return rc;
}

/* The entry that was asked for, or the default one and what stands in for it. */
static int boot_from_menu(struct child *c, struct boot_result *result, struct err *err)
{
	int entry;

	if (c->request.entry[0]) {
		entry = c->request.flat ? boot_menu_find_flat(&c->menu, c->request.entry) :
			boot_menu_find(&c->menu, c->request.entry);
		if (entry < 0)
			return fail(err, ENOENT, "there is no entry '%s'", c->request.entry);
		return boot_number(c, entry, result, err);
	}
	if (c->menu.chosen < 0)
		return fail(err, ENOENT, "the boot configuration has no default entry");
	if (c->menu.one_shot)
		say_note(c, c->menu.language, "the default is for one boot (next_entry), and stays "
			 "so: nothing is written to the guest's disk");
	return c->request.terminal && c->request.action == BOOT_LOAD ?
		boot_chosen(c, result, err) : boot_default(c, result, err);
}

static int boot_path(struct child *c, struct boot_result *result, struct err *err)
{
	static char nothing[] = "";
	struct boot_target t = { .kind = BOOT_LINUX, .cmdline = nothing };
	int rc = find_path(c, c->request.kernel, &t.kernel, err);

	return rc == 0 ? boot_target(c, "none", &t, result, err) : rc;
}

static int open_raw(struct child *c, unsigned int i, struct err *err)
{
	uint64_t offset = c->request.offset[i], size = c->files[i]->size;

	c->blks[i] = c->files[i];
	if (!offset)
		return 0;
	if (offset >= size)
		return fail(err, EINVAL, "the offset %llu is beyond its end",
			    (unsigned long long)offset);
	return blk_open_slice(c->files[i], offset, size - offset, &c->blks[i], err);
}

static int open_disk(struct child *c, unsigned int i, struct err *err)
{
	uint32_t sector = c->request.format[i] == BOOT_RAW ? c->request.sector[i] : 0;
	int rc = blk_open_fd(WIRE_DISKS + (int)i, 0, sector, &c->budget, &c->files[i], err);

	if (rc < 0)
		return rc;
	switch (c->request.format[i]) {
	case BOOT_RAW:
		return open_raw(c, i, err);
	case BOOT_QCOW2:
		return blk_open_qcow2(c->files[i], &c->blks[i], err);
	case BOOT_VHD:
		return blk_open_vhd(c->files[i], &c->blks[i], err);
	default:
		return fail(err, EOPNOTSUPP, "its format cannot be read");
	}
}

/* One that cannot be opened counts as empty, so that the others keep their numbers. */
static int open_disks(struct child *c, struct err *err)
{
	struct err why[BOOT_DISKS_MAX] = { ERR_INIT }, *first = NULL;
	unsigned int opened = 0;
	int rc = 0;

	for (unsigned int i = 0; i < c->request.nr_disks && rc == 0; i++) {
		rc = open_disk(c, i, &why[i]);
		opened += rc == 0;
		if (rc == 0)
			continue;
		first = first ? first : &why[i];
		rc = rc == -ENOMEM || rc == -ETIME ? fail(err, -rc, "disk %u: %s", i, why[i].msg) :
			blk_open_memory("", 0, &c->budget, &c->blks[i], err);
	}
	if (rc == 0 && first && !opened)
		return fail(err, first->code, "disk %d: %s", (int)(first - why), first->msg);
	if (rc == 0)
		rc = disks_open(c->blks, c->request.nr_disks, &c->disks, err);
	for (unsigned int i = 0; i < c->request.nr_disks && rc == 0; i++) {
		if (why[i].code)
			disks_set_note(c->disks, i, why[i].msg);
	}
	return rc;
}

/* Before anything of it is booted: what makes the disk's contents doubtful, or hides them. */
static void say_doubts(struct child *c)
{
	char name[80];

	for (unsigned int dev = 0; dev < c->source->nr_devices; dev++) {
		const struct source_device *d = &c->source->devices[dev];
		bool hidden = !d->part && !d->names[0] && c->blks[d->disk]->size == 0;

		if ((d->fs || hidden) && disks_note(c->disks, dev)[0])
			say_note(c, device_name(c, dev, name, sizeof(name)),
				 disks_note(c->disks, dev));
	}
}

static int work(struct child *c, struct boot_result *result, struct err *err)
{
	int rc = open_disks(c, err);

	if (rc < 0)
		return rc;
	c->source = disks_source(c->disks);
	if (c->request.action == BOOT_LOAD)
		say_doubts(c);
	if (c->request.kernel[0])
		return boot_path(c, result, err);
	rc = find_menu(c, err);
	say_devices(c, rc == 0);
	if (rc < 0)
		return rc;
	if (c->request.action == BOOT_LOAD)
		say_menu(c);
	rc = boot_from_menu(c, result, err);
	/* The commands of each entry run for it: after those of the one that matters. */
	if (c->request.action == BOOT_LIST)
		say_menu(c);
	return rc;
}

static int take_request(struct child *c, struct err *err)
{
	ssize_t n = read(WIRE_SOCKET, &c->request, sizeof(c->request));

	if (n != sizeof(c->request) || c->request.version != WIRE_VERSION ||
	    c->request.nr_disks > BOOT_DISKS_MAX)
		return fail(err, EPROTO, "the toolstack and the reader of the disk are of different "
			    "versions");
	if (c->request.action == BOOT_LOAD && !c->memory.kernel)
		return fail(err, EPROTO, "there is no memory for a kernel");
	if (c->request.kernel_max < c->memory.kernel_max)
		c->memory.kernel_max = c->request.kernel_max;
	c->memory.ramdisk_max = c->request.ramdisk_max;
	return 0;
}

/* Mapped while that is still possible: a kernel is unpacked right into its place. */
static int map_memory(struct child *c, uint64_t *mapped, struct err *err)
{
	struct stat st;
	void *map;

	c->memory.ramdisk = WIRE_RAMDISK;
	if (fstat(WIRE_KERNEL, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;	/* a list */
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, WIRE_KERNEL, 0);
	if (map == MAP_FAILED)
		return fail_sys(err, errno, "cannot map %lld bytes", (long long)st.st_size);
	c->memory.kernel = map;
	c->memory.kernel_max = *mapped = (uint64_t)st.st_size;
	return 0;
}

int child_run(void)
{
	static struct child c = { .budget = BUDGET_INIT, .menu = BOOT_MENU_INIT };
	struct boot_result result = { .kernel_size = 0 };
	struct err err = ERR_INIT;
	uint64_t mapped = 0;
	int rc = map_memory(&c, &mapped, &err);

	if (rc == 0)
		rc = sandbox_enter(((uint64_t)MEMORY_MAX_MIB << 20) + mapped, CPU_SECONDS, -1,
				   &c.sandbox, &err);
	if (rc == 0)
		rc = take_request(&c, &err);
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
