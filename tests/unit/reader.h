/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs the reader, out/xlite-boot, in its sandbox on disk images, and compares what comes out. */
#ifndef TESTS_UNIT_READER_H
#define TESTS_UNIT_READER_H

#include "bootloader/bootloader.h"
#include "image.h"

static int program = -1, terminal = -1;

/* Sets `program`; $XLITE_BOOT may be another one. */
__attribute__((unused))
static bool reader_open(void)
{
	const char *path = getenv("XLITE_BOOT");

	program = open(path ? path : "out/xlite-boot", O_RDONLY | O_CLOEXEC);
	return program >= 0;
}

struct seen {
	unsigned int devices, entries, notes;
	char chosen[120], problem[512];	/* of the device that is used */
	char note[512];		/* the last */
	char device_note[300];	/* the last that is not empty */
};

static void see_device(void *ctx, const struct boot_device_info *d)
{
	struct seen *s = ctx;

	s->devices++;
	if (d->note[0])
		snprintf(s->device_note, sizeof(s->device_note), "%s: %s", d->name, d->note);
	if (!d->chosen)
		return;
	snprintf(s->chosen, sizeof(s->chosen), "%s %s", d->name, d->fs);
	snprintf(s->problem, sizeof(s->problem), "%s", d->problem);
}

static void see_entry(void *ctx, const struct boot_entry_info *e)
{
	(void)e;
	((struct seen *)ctx)->entries++;
}

static void see_note(void *ctx, const char *note)
{
	struct seen *s = ctx;

	s->notes++;
	snprintf(s->note, sizeof(s->note), "%s", note);
}

__attribute__((unused))
static int run_disks(const struct boot_disks *disks, struct boot_options o, struct seen *seen,
		     struct boot_result *result, struct boot_files *files, struct err *err)
{
	const struct boot_callbacks cb = { see_device, see_entry, see_note, seen };

	*seen = (struct seen){ .devices = 0 };
	memset(result, 0, sizeof(*result));
	o.disks = disks->disks;
	o.nr_disks = disks->nr;
	o.terminal = terminal;
	o.timeout_ms = o.timeout_ms ? o.timeout_ms : 30000;
	o.kernel_max = o.kernel_max ? o.kernel_max : 64 << 20;
	o.ramdisk_max = o.ramdisk_max ? o.ramdisk_max : 64 << 20;
	return bootloader_run(program, &o, &cb, result, files, err);
}

__attribute__((unused))
static int run_boot(const char *image, struct boot_options o, struct seen *seen,
		    struct boot_result *result, struct boot_files *files, struct err *err)
{
	scoped(boot_disks) struct boot_disks disks = BOOT_DISKS_INIT;
	int rc = bootloader_add_disk(&disks, image, BOOT_RAW, err);

	return rc < 0 ? rc : run_disks(&disks, o, seen, result, files, err);
}

__attribute__((unused))
static bool same_content(int fd, uint64_t size, const char *path)
{
	scoped(bytes) struct bytes want = image_load(path);
	scoped(free) uint8_t *got = malloc(want.len);

	return fd >= 0 && size == want.len &&
		pread(fd, got, want.len, 0) == (ssize_t)want.len &&
		memcmp(got, want.data, want.len) == 0;
}

#endif
