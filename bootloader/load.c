/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/str.h"
#include "base/unwrap.h"
#include "disks.h"
#include "image/kernel.h"
#include "image/uki.h"

enum { PIECE = 1 << 20 };

static int named(const struct disks *disks, const char *what, const struct boot_file *file,
		 struct err *err)
{
	const char *text = file->path ? file->path : "";
	char name[80], path[200];

	source_device_name(disks_source(disks), file->dev, name, sizeof(name));
	return fail_in(err, "%s (%s)%s", what, name,
		       str_escape(text, strlen(text), path, sizeof(path)));
}

static int open_part(struct disks *disks, const char *what, const struct boot_file *file,
		     struct part *part, struct err *err)
{
	int rc = disks_file(disks, file->dev, file->path, &part->fs, &part->node, err);

	if (rc == -ENOENT)
		(void)fail(err, ENOENT, "it is missing");
	if (rc < 0)
		return named(disks, what, file, err);
	part->file = file;
	part->at = 0;
	part->size = part->node.size;
	return 0;
}

/* All of part, or its first len bytes. */
static int read_part(const struct part *part, uint64_t len, uint8_t *to, struct err *err)
{
	for (uint64_t done = 0; done < len;) {
		size_t n = len - done < PIECE ? (size_t)(len - done) : PIECE;
		int rc = fs_read(part->fs, &part->node, part->at + done, to + done, n, err);

		if (rc < 0)
			return rc;
		done += n;
	}
	return 0;
}

static void add_section(struct load *load, const struct uki_part *section)
{
	struct part *part = &load->ramdisks[load->nr_ramdisks];

	if (!section->size)
		return;
	*part = load->kernel;
	part->at = section->at;
	part->size = section->size;
	load->nr_ramdisks++;
}

/* Microcode first, as the program itself would do; the configuration's ramdisks follow. */
static int take_unified(struct load *load, const struct uki *uki, bool own_cmdline,
			struct err *err)
{
	struct part text = load->kernel;
	uint8_t buf[2 * BOOT_CMDLINE_MAX];
	int rc;

	add_section(load, &uki->microcode);
	add_section(load, &uki->initrd);
	load->kernel.at = uki->kernel.at;
	load->kernel.size = uki->kernel.size;
	load->info.unified = 1;
	if (!own_cmdline)
		return 0;
	text.at = uki->cmdline.at;
	text.size = uki->cmdline.size;
	rc = text.size > sizeof(buf) ?
		fail(err, E2BIG, "its command line has more than %zu bytes", sizeof(buf)) :
		read_part(&text, text.size, buf, err);
	return rc < 0 ? rc : uki_cmdline(buf, (size_t)text.size, load->cmdline,
					 sizeof(load->cmdline), err);
}

/* What a file is that is to be booted shows at its start. */
static int look_inside(struct load *load, bool own_cmdline, struct err *err)
{
	scoped(free) uint8_t *head = malloc(UKI_HEAD_MAX);
	size_t len = load->kernel.size < UKI_HEAD_MAX ? (size_t)load->kernel.size : UKI_HEAD_MAX;
	struct uki uki;
	int rc = head ? read_part(&load->kernel, len, head, err) : fail_nomem(err);

	if (rc < 0)
		return rc;
	rc = uki_parse(head, len, load->kernel.size, &uki, err);
	if (rc == 0) {
		rc = take_unified(load, &uki, own_cmdline, err);
		len = load->kernel.size < UKI_HEAD_MAX ? (size_t)load->kernel.size : UKI_HEAD_MAX;
		if (rc == 0)
			rc = read_part(&load->kernel, len, head, err);
	} else if (rc == -ENODATA) {
		rc = 0;
	}
	if (rc < 0)
		return rc;
	kernel_describe(head, len, &load->info);
	if (!load->info.wrapping[0] && uki_is_pe(head, len))
		return fail(err, ENOEXEC, "it is an EFI program without a kernel in it");
	return 0;
}

int load_prepare(struct disks *disks, const struct boot_target *target, struct load *load,
		 struct err *err)
{
	int rc;

	memset(load, 0, sizeof(*load));
	load->disks = disks;
	if (strlen(target->cmdline) >= sizeof(load->cmdline))
		return fail(err, E2BIG, "its command line is longer than %zu characters",
			    sizeof(load->cmdline) - 1);
	strcpy(load->cmdline, target->cmdline);
	rc = open_part(disks, "kernel", &target->kernel, &load->kernel, err);
	if (rc < 0)
		return rc;
	rc = look_inside(load, !target->cmdline[0], err);
	if (rc < 0)
		return named(disks, "kernel", &target->kernel, err);
	for (size_t i = 0; i < target->nr_initrds && rc == 0; i++)
		rc = open_part(disks, "ramdisk", &target->initrds[i],
			       &load->ramdisks[load->nr_ramdisks++], err);
	return rc;
}

static int too_large(uint64_t max, struct err *err)
{
	return fail(err, EFBIG, "it is larger than the %llu MiB that are allowed",
		    (unsigned long long)max >> 20);
}

/* The part as it is. */
static int load_plain(const struct part *part, const struct load_memory *m, size_t *len,
		      struct err *err)
{
	*len = (size_t)part->size;
	return part->size > m->kernel_max ? too_large(m->kernel_max, err) :
		read_part(part, part->size, m->kernel, err);
}

static int load_wrapped(const struct part *part, const struct load_memory *m,
			struct boot_kernel_info *info, size_t *len, struct err *err)
{
	scoped(free) uint8_t *raw = NULL;
	const char *packing;
	int rc;

	if (part->size > m->kernel_max)
		return too_large(m->kernel_max, err);
	raw = malloc((size_t)part->size);
	rc = raw ? read_part(part, part->size, raw, err) : fail_nomem(err);
	if (rc < 0)
		return rc;
	packing = unwrap_packing(raw, (size_t)part->size);
	if (packing)
		strncpy(info->packing, packing, sizeof(info->packing) - 1);
	return unwrap_into(raw, (size_t)part->size, m->kernel, (size_t)m->kernel_max, len, err);
}

static int load_kernel(const struct load *load, const struct load_memory *m, bool raw,
		       struct boot_result *result, struct err *err)
{
	struct boot_kernel_info *info = &result->kernel;
	size_t len = 0;
	int rc;

	*info = load->info;
	if (!load->kernel.size)
		return fail(err, ENODATA, "it is empty");
	if (raw || strcmp(info->wrapping, "ELF") == 0)
		rc = load_plain(&load->kernel, m, &len, err);
	else
		rc = load_wrapped(&load->kernel, m, info, &len, err);
	if (rc == 0 && !raw)
		rc = kernel_check(m->kernel, len, info, err);
	result->kernel_size = len;
	return rc;
}

/* Appends a part; *end is where what is there ends. */
static int load_ramdisk(const struct part *part, const struct load_memory *m, uint64_t *end,
			uint8_t *copy, struct err *err)
{
	static const uint8_t zeroes[3];
	/* Linux looks for the next archive at a multiple of four, with zeroes before it. */
	uint64_t at = (*end + 3) & ~UINT64_C(3);
	size_t gap = (size_t)(at - *end);

	if (part->size > m->ramdisk_max || at > m->ramdisk_max - part->size)
		return too_large(m->ramdisk_max, err);
	/* What could be read of another entry's may stand there. */
	if (gap && pwrite(m->ramdisk, zeroes, gap, (off_t)*end) != (ssize_t)gap)
		return fail_sys(err, errno, "cannot keep what was read");
	for (uint64_t done = 0; done < part->size;) {
		size_t n = part->size - done < PIECE ? (size_t)(part->size - done) : PIECE;
		int rc = fs_read(part->fs, &part->node, part->at + done, copy, n, err);

		if (rc < 0)
			return rc;
		if (pwrite(m->ramdisk, copy, n, (off_t)(at + done)) != (ssize_t)n)
			return fail_sys(err, errno, "cannot keep what was read");
		done += n;
	}
	*end = at + part->size;
	return 0;
}

int load_run(const struct load *load, const struct load_memory *m, bool raw,
	     struct boot_result *result, struct err *err)
{
	scoped(free) uint8_t *copy = malloc(PIECE);
	int rc = copy ? load_kernel(load, m, raw, result, err) : fail_nomem(err);

	if (rc < 0)
		return named(load->disks, "kernel", load->kernel.file, err);
	result->ramdisk_size = 0;
	for (size_t i = 0; i < load->nr_ramdisks; i++) {
		rc = load_ramdisk(&load->ramdisks[i], m, &result->ramdisk_size, copy, err);
		if (rc < 0)
			return named(load->disks, "ramdisk", load->ramdisks[i].file, err);
	}
	return 0;
}
