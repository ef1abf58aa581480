/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "elfnote.h"

#include <elf.h>
#include <string.h>

#include "base/scope.h"

/* One class of ELF files: where its headers say what is looked for. */
struct layout {
	size_t phoff, phentsize, phnum, shoff, shentsize, shnum;	/* in the file's header */
	size_t p_type, p_offset, p_filesz;				/* in a program header */
	size_t sh_type, sh_offset, sh_size;				/* in a section header */
	size_t word;							/* of offsets and sizes */
};

#define LAYOUT(b) {										\
	.phoff = offsetof(Elf##b##_Ehdr, e_phoff),						\
	.phentsize = offsetof(Elf##b##_Ehdr, e_phentsize),					\
	.phnum = offsetof(Elf##b##_Ehdr, e_phnum),						\
	.shoff = offsetof(Elf##b##_Ehdr, e_shoff),						\
	.shentsize = offsetof(Elf##b##_Ehdr, e_shentsize),					\
	.shnum = offsetof(Elf##b##_Ehdr, e_shnum),						\
	.p_type = offsetof(Elf##b##_Phdr, p_type),						\
	.p_offset = offsetof(Elf##b##_Phdr, p_offset),						\
	.p_filesz = offsetof(Elf##b##_Phdr, p_filesz),						\
	.sh_type = offsetof(Elf##b##_Shdr, sh_type),						\
	.sh_offset = offsetof(Elf##b##_Shdr, sh_offset),					\
	.sh_size = offsetof(Elf##b##_Shdr, sh_size),						\
	.word = (b) / 8,									\
}

static const struct layout layouts[] = {
	[ELFCLASS32] = LAYOUT(32), [ELFCLASS64] = LAYOUT(64),
};

struct file {
	const uint8_t *data;
	size_t len;
};

/* A little-endian number, 0 where the file has none. */
static uint64_t get(const struct file *f, uint64_t at, size_t bytes)
{
	uint64_t value = 0;

	if (at > f->len || bytes > f->len - at)
		return 0;
	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)f->data[at + i] << 8 * i;
	return value;
}

/* Name size, size of the value, type; name and value padded to four bytes. */
static bool notes_have(const struct file *f, uint64_t at, uint64_t size, uint32_t type)
{
	enum { HEAD = 12 };
	uint64_t end;

	if (at > f->len || size > f->len - at)
		return false;
	for (end = at + size; end - at >= HEAD;) {
		uint64_t name = get(f, at, 4), value = get(f, at + 4, 4);
		uint64_t next = HEAD + ((name + 3) & ~UINT64_C(3)) + ((value + 3) & ~UINT64_C(3));

		if (name == sizeof("Xen") && next <= end - at && get(f, at + 8, 4) == type &&
		    memcmp(f->data + at + HEAD, "Xen", sizeof("Xen")) == 0)
			return true;
		if (next > end - at)
			return false;
		at += next;
	}
	return false;
}

static bool segments_have(const struct file *f, const struct layout *l, uint32_t type)
{
	uint64_t at = get(f, l->phoff, l->word), size = get(f, l->phentsize, 2);

	for (uint64_t n = get(f, l->phnum, 2); n && at < f->len; n--, at += size) {
		if (get(f, at + l->p_type, 4) == PT_NOTE &&
		    notes_have(f, get(f, at + l->p_offset, l->word),
			       get(f, at + l->p_filesz, l->word), type))
			return true;
	}
	return false;
}

static bool sections_have(const struct file *f, const struct layout *l, uint32_t type)
{
	uint64_t at = get(f, l->shoff, l->word), size = get(f, l->shentsize, 2);

	for (uint64_t n = get(f, l->shnum, 2); n && at < f->len; n--, at += size) {
		if (get(f, at + l->sh_type, 4) == SHT_NOTE &&
		    notes_have(f, get(f, at + l->sh_offset, l->word),
			       get(f, at + l->sh_size, l->word), type))
			return true;
	}
	return false;
}

bool elfnote_has(const void *elf, size_t len, uint32_t type)
{
	const struct file f = { .data = elf, .len = len };
	uint8_t class;

	if (len < sizeof(Elf32_Ehdr) || memcmp(f.data, ELFMAG, SELFMAG) != 0 ||
	    f.data[EI_DATA] != ELFDATA2LSB)
		return false;
	class = f.data[EI_CLASS];
	if (class == ELFCLASSNONE || class >= ARRAY_SIZE(layouts))
		return false;
	return segments_have(&f, &layouts[class], type) ||
		sections_have(&f, &layouts[class], type);
}
