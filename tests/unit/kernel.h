/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernels as tests need them: an ELF file with Xen's notes, and what it can be wrapped in. */
#ifndef TESTS_UNIT_KERNEL_H
#define TESTS_UNIT_KERNEL_H

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xen/elfnote.h>

#include "base/scope.h"
#include "le.h"

/* A note with a text; its size. */
__attribute__((unused))
static size_t kernel_note(uint8_t *to, uint32_t type, const void *value, uint32_t size)
{
	const uint32_t head[3] = { 4, size, type };

	memcpy(to, head, sizeof(head));
	memcpy(to + 12, "Xen", 4);
	memcpy(to + 16, value, size);
	return 16 + ((size + 3) & ~3u);
}

/* len bytes of an ELF file of Linux for PV and PVH; what follows the notes is not constant. */
__attribute__((unused))
static void kernel_elf(uint8_t *to, size_t len)
{
	const uint32_t entry = 0x1000000;
	Elf64_Ehdr head = {
		.e_ident = { ELFMAG0, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_phoff = sizeof(head), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1,
	};
	Elf64_Phdr notes = { .p_type = PT_NOTE, .p_offset = sizeof(head) + sizeof(notes) };
	uint8_t *at = to + notes.p_offset;

	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)(i * i >> 7);
	at += kernel_note(at, XEN_ELFNOTE_GUEST_OS, "linux", 6);
	at += kernel_note(at, XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 8);
	at += kernel_note(at, XEN_ELFNOTE_PHYS32_ENTRY, &entry, sizeof(entry));
	notes.p_filesz = (size_t)(at - to) - notes.p_offset;
	memcpy(to, &head, sizeof(head));
	memcpy(to + sizeof(head), &notes, sizeof(notes));
}

/* A page of it as a file. */
__attribute__((unused))
static bool kernel_file(const char *path)
{
	scoped(fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint8_t elf[4096];

	kernel_elf(elf, sizeof(elf));
	return fd >= 0 && write(fd, elf, sizeof(elf)) == sizeof(elf);
}

struct kernel_section {
	const char *name;
	const void *data;
	size_t len;
};

/* A PE file with these sections, each padded to 512 bytes; its size. */
__attribute__((unused))
static size_t kernel_pe(uint8_t *to, const struct kernel_section *sections, size_t nr)
{
	enum { PE = 0x80, OPTIONAL = 240, BLOCK = 512 };
	size_t at = 4 * BLOCK;

	memset(to, 0, at);
	memcpy(to, "MZ", 2);
	put_le(to + 0x3c, 4, PE);
	memcpy(to + PE, "PE\0\0\x64\x86", 6);
	put_le(to + PE + 6, 2, nr);
	put_le(to + PE + 20, 2, OPTIONAL);
	for (size_t i = 0; i < nr; i++) {
		uint8_t *p = to + PE + 24 + OPTIONAL + 40 * i;
		size_t padded = (sections[i].len + BLOCK - 1) / BLOCK * BLOCK;

		memcpy(p, sections[i].name, strlen(sections[i].name));
		put_le(p + 8, 4, sections[i].len);
		put_le(p + 16, 4, padded);
		put_le(p + 20, 4, at);
		memset(to + at, 0, padded);
		memcpy(to + at, sections[i].data, sections[i].len);
		at += padded;
	}
	return at;
}

/* A bzImage of two setup sectors around a payload that is packed already; its size. */
__attribute__((unused))
static size_t kernel_bzimage(uint8_t *to, const void *payload, size_t len, const char *version)
{
	memset(to, 0, 3 * 512);
	to[0x1f1] = 2;
	memcpy(to + 0x1fe, "\x55\xaa", 2);
	memcpy(to + 0x202, "HdrS\x0f\x02", 6);
	put_le(to + 0x20e, 2, 0x200);
	memcpy(to + 0x400, version, strlen(version) + 1);
	put_le(to + 0x24c, 4, len);
	memcpy(to + 3 * 512, payload, len);
	return 3 * 512 + len;
}

#endif
