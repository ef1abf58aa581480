/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernel images of guests' disks: unified ones and what is in them; facts; damage. */
#include <errno.h>

#include "base/elfnote.h"
#include "base/unwrap.h"
#include "bootloader/bootloader.h"
#include "bootloader/image/kernel.h"
#include "bootloader/image/uki.h"
#include "image.h"
#include "kernel.h"

enum { ELF_LEN = 20000, FILE_MAX_LEN = 100000 };

static const struct kernel_section sections[] = {
	{ ".text", "code", 4 }, { ".cmdline", "root=/dev/xvda1  ro\n", 20 },
	{ ".ucode", "microcode", 9 }, { ".linux", "a kernel", 8 }, { ".initrd", "archive", 7 },
	{ ".profile", "ID=a", 4 }, { ".cmdline", "one", 3 },
	{ ".profile", "ID=b", 4 }, { ".cmdline", "two", 3 },
};
static const struct kernel_section titled[] = {
	{ ".linux", "a kernel", 8 }, { ".osrel", "NAME=a\n", 7 },
};

static bool same(const uint8_t *file, struct uki_part part, const char *want)
{
	return part.size == strlen(want) && memcmp(file + part.at, want, part.size) == 0;
}

static void test_uki(void)
{
	static uint8_t file[FILE_MAX_LEN];
	size_t len = kernel_pe(file, sections, 5);
	struct err err = ERR_INIT;
	struct uki uki;

	ok(uki_is_pe(file, len), "a PE file");
	is_int(uki_parse(file, len, len, &uki, &err), 0, "a unified image");
	ok(same(file, uki.kernel, "a kernel") && same(file, uki.initrd, "archive") &&
	   same(file, uki.microcode, "microcode") &&
	   same(file, uki.cmdline, "root=/dev/xvda1  ro\n"), "its parts, without padding");
	is_int(uki_parse(file, 2048, len, &uki, &err), 0, "its headers are enough");
	len = kernel_pe(file, sections, ARRAY_SIZE(sections));
	ok(uki_parse(file, len, len, &uki, &err) == 0 && same(file, uki.cmdline, "one"),
	   "the first profile's command line");
	len = kernel_pe(file, sections, 3);
	is_int(uki_parse(file, len, len, &uki, &err), -ENODATA, "no kernel in it");
	is_str(err.msg, "", "which is no error");
	is_int(uki_parse((const uint8_t *)"MZ", 2, 2, &uki, &err), -ENODATA, "two bytes");
	len = kernel_pe(file, sections, 5);
	is_int(uki_parse(file, len, len - 512, &uki, &err), -EINVAL, "truncated");
	is_str(err.msg, "it is truncated: its section '.initrd' is beyond its end", "its message");
	len = kernel_pe(file, titled, ARRAY_SIZE(titled));
	ok(uki_parse(file, len, len, &uki, &err) == 0 && same(file, uki.os_release, "NAME=a\n"), "a title");
	ok(uki_parse(file, len, len - 512, &uki, &err) == 0 && same(file, uki.kernel, "a kernel") &&
	   !uki.os_release.size, "one that is truncated ends no boot");
}

static void test_cmdline(void)
{
	static const struct {
		const char *text;
		size_t size;
		int rc;
		const char *want;
	} cases[] = {
		{ "a b", 10, 0, "a b" }, { "  a \t\r\n b  \n", 10, 0, "a b" }, { "", 1, 0, "" },
		{ " \n", 3, 0, "" }, { "abc", 4, -E2BIG, NULL }, { "ab", 4, 0, "ab" },
		{ "a\x1b[b", 10, 0, "a [b" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scoped(free) char *buf = malloc(cases[i].size + 1);
		struct err err = ERR_INIT;
		int rc = uki_cmdline((const uint8_t *)cases[i].text, strlen(cases[i].text) + 1, buf,
				     cases[i].size, &err);

		is_int(rc, cases[i].rc, "command line %zu", i);
		if (rc == 0)
			is_str(buf, cases[i].want, "its words");
	}
}

static void test_facts(void)
{
	static uint8_t elf[ELF_LEN], file[FILE_MAX_LEN];
	struct boot_kernel_info info = { .bits = 0 };
	struct err err = ERR_INIT;
	size_t len;

	kernel_elf(elf, sizeof(elf));
	len = kernel_bzimage(file, elf, sizeof(elf), "6.1.0-13-amd64 (x@y) #1");
	kernel_describe(file, len, &info);
	is_str(info.wrapping, "bzImage", "what it is");
	is_str(info.version, "6.1.0-13-amd64 (x@y) #1", "its version");
	ok(info.is_linux, "it is Linux");
	info = (struct boot_kernel_info){ .bits = 0 };
	kernel_describe(elf, sizeof(elf), &info);
	is_str(info.wrapping, "ELF", "an ELF file is one");
	is_int(kernel_check(elf, sizeof(elf), &info, &err), 0, "for this machine");
	is_int(info.bits, 64, "bits");
	is_int(info.modes, ELFNOTE_PV | ELFNOTE_PVH, "PV and PVH");
	ok(info.is_linux, "Linux by its notes");
	memcpy(elf + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + 16, "other", 5);
	is_int(elfnote_modes(elf, sizeof(elf)), ELFNOTE_PVH, "no PV for another system");
	elf[18] = EM_AARCH64;
	is_int(kernel_check(elf, sizeof(elf), &info, &err), -ENOEXEC, "another machine");
	is_str(err.msg, "it is a kernel for ARM64", "its message");
	is_int(kernel_check(elf, 20, &info, &err), -EINVAL, "truncated");
}

/* A file that was cut has segments that it does not hold. */
static void test_cut(void)
{
	uint8_t elf[512];
	struct boot_kernel_info info = { .bits = 0 };
	struct err err = ERR_INIT;
	Elf64_Phdr load = { .p_type = PT_LOAD, .p_offset = 256, .p_filesz = 256 };

	kernel_elf(elf, sizeof(elf));
	is_int(kernel_check(elf, sizeof(elf) - 1, &info, &err), 0, "what is not loaded may be cut");
	memcpy(elf + sizeof(Elf64_Ehdr), &load, sizeof(load));
	is_int(kernel_check(elf, sizeof(elf), &info, &err), 0, "a segment to the end");
	is_int(kernel_check(elf, sizeof(elf) - 1, &info, &err), -EINVAL, "a segment that is cut");
	is_str(err.msg, "it is truncated: 511 bytes of at least 512", "its message");
	load.p_filesz = UINT64_MAX;
	memcpy(elf + sizeof(Elf64_Ehdr), &load, sizeof(load));
	is_int(kernel_check(elf, sizeof(elf), &info, &err), -EINVAL, "a segment without an end");
}

/* Headers that all point at the same notes: work has a bound. */
static void test_notes_bound(void)
{
	enum { NOTES = 1 << 20, HEADERS = 60000 };
	size_t len = sizeof(Elf64_Ehdr) + HEADERS * sizeof(Elf64_Phdr) + NOTES;
	scoped(free) uint8_t *elf = calloc(1, len);
	Elf64_Ehdr head = {
		.e_ident = { ELFMAG0, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB },
		.e_machine = EM_X86_64, .e_phoff = sizeof(head),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = HEADERS,
	};
	Elf64_Phdr notes = { .p_type = PT_NOTE, .p_offset = len - NOTES, .p_filesz = NOTES };

	memcpy(elf, &head, sizeof(head));
	for (size_t i = 0; i < HEADERS; i++)
		memcpy(elf + sizeof(head) + i * sizeof(notes), &notes, sizeof(notes));
	is_int(elfnote_modes(elf, len), 0, "billions of empty notes");
}

static void try(void *ctx, const void *data, size_t len)
{
	scoped(free) uint8_t *copy = malloc(len + !len), *out = malloc(FILE_MAX_LEN);
	struct boot_kernel_info info = { .bits = 0 };
	struct err err = ERR_INIT;
	struct uki uki;
	size_t elf_len;

	(void)ctx;
	memcpy(copy, data, len);
	if (uki_parse(copy, len, len, &uki, &err) == 0) {
		char cmdline[64];

		if (uki_cmdline(copy + uki.cmdline.at, uki.cmdline.size, cmdline, sizeof(cmdline),
				&err) == 0 && strlen(cmdline) >= sizeof(cmdline))
			abort();
		memmove(copy, copy + uki.kernel.at, uki.kernel.size);
		len = uki.kernel.size;
	}
	kernel_describe(copy, len, &info);
	if (unwrap_into(copy, len, out, FILE_MAX_LEN, &elf_len, &err) == 0 &&
	    kernel_check(out, elf_len, &info, &err) == 0 && info.bits != 64 && info.bits != 32)
		abort();
}

/* Cut everywhere in its headers, and with bytes changed: errors at most. */
static void torture(const char *what, uint8_t *file, size_t len)
{
	srandom(7);
	image_cut(file, len, 700, try, NULL);
	image_change(file, len, 1024, image_changes(), try, NULL);
	ok(true, "%s: cut, and with %u bytes changed", what, image_changes());
}

static void test_torture(void)
{
	static uint8_t elf[ELF_LEN], bz[FILE_MAX_LEN], file[FILE_MAX_LEN];
	struct kernel_section parts[] = {
		{ ".cmdline", "root=/dev/xvda1", 15 }, { ".linux", bz, 0 }, { ".initrd", "archive", 7 },
	};

	kernel_elf(elf, sizeof(elf));
	torture("ELF", elf, sizeof(elf));
	parts[1].len = kernel_bzimage(bz, elf, sizeof(elf), "6.1");
	torture("bzImage", bz, parts[1].len);
	torture("unified", file, kernel_pe(file, parts, ARRAY_SIZE(parts)));
}

int main(void)
{
	test_uki();
	test_cmdline();
	test_facts();
	test_cut();
	test_notes_bound();
	test_torture();
	return tap_done();
}
