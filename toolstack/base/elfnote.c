/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "elfnote.h"

#include <elf.h>
#include <string.h>
#include <xen/elfnote.h>

#include "scope.h"

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
	unsigned int notes_left;
};

/* More than any kernel has, as Xen's own limit: headers may all point to the same notes. */
enum { NOTES_MAX = 65536 };

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
static const void *in_notes(struct file *f, uint64_t at, uint64_t size, uint32_t type,
			    size_t *value_size)
{
	enum { HEAD = 12 };
	uint64_t end;

	if (at > f->len || size > f->len - at)
		return NULL;
	for (end = at + size; end - at >= HEAD && f->notes_left; f->notes_left--) {
		uint64_t name = get(f, at, 4), value = get(f, at + 4, 4);
		uint64_t value_at = HEAD + ((name + 3) & ~UINT64_C(3));
		uint64_t next = value_at + ((value + 3) & ~UINT64_C(3));

		if (next > end - at)
			return NULL;
		if (name == sizeof("Xen") && get(f, at + 8, 4) == type &&
		    memcmp(f->data + at + HEAD, "Xen", sizeof("Xen")) == 0) {
			*value_size = (size_t)value;
			return f->data + at + value_at;
		}
		at += next;
	}
	return NULL;
}

static const void *in_segments(struct file *f, const struct layout *l, uint32_t type,
			       size_t *value_size)
{
	uint64_t at = get(f, l->phoff, l->word), size = get(f, l->phentsize, 2);
	const void *found = NULL;

	for (uint64_t n = get(f, l->phnum, 2); n && at < f->len && !found; n--, at += size) {
		if (get(f, at + l->p_type, 4) == PT_NOTE)
			found = in_notes(f, get(f, at + l->p_offset, l->word),
					 get(f, at + l->p_filesz, l->word), type, value_size);
	}
	return found;
}

static const void *in_sections(struct file *f, const struct layout *l, uint32_t type,
			       size_t *value_size)
{
	uint64_t at = get(f, l->shoff, l->word), size = get(f, l->shentsize, 2);
	const void *found = NULL;

	for (uint64_t n = get(f, l->shnum, 2); n && at < f->len && !found; n--, at += size) {
		if (get(f, at + l->sh_type, 4) == SHT_NOTE)
			found = in_notes(f, get(f, at + l->sh_offset, l->word),
					 get(f, at + l->sh_size, l->word), type, value_size);
	}
	return found;
}

static const struct layout *layout_of(const struct file *f)
{
	uint8_t class;

	if (f->len < sizeof(Elf32_Ehdr) || memcmp(f->data, ELFMAG, SELFMAG) != 0 ||
	    f->data[EI_DATA] != ELFDATA2LSB)
		return NULL;
	class = f->data[EI_CLASS];
	return class == ELFCLASSNONE || class >= ARRAY_SIZE(layouts) ? NULL : &layouts[class];
}

const void *elfnote_find(const void *elf, size_t len, uint32_t type, size_t *value_size)
{
	struct file f = { .data = elf, .len = len, .notes_left = NOTES_MAX };
	const struct layout *l = layout_of(&f);
	const void *found = l ? in_segments(&f, l, type, value_size) : NULL;

	return found || !l ? found : in_sections(&f, l, type, value_size);
}

uint64_t elfnote_segments_end(const void *elf, size_t len)
{
	struct file f = { .data = elf, .len = len };
	const struct layout *l = layout_of(&f);
	uint64_t at = l ? get(&f, l->phoff, l->word) : 0, end = 0;

	for (uint64_t n = l ? get(&f, l->phnum, 2) : 0; n && at < len; n--) {
		uint64_t offset = get(&f, at + l->p_offset, l->word), segment;

		if (__builtin_add_overflow(offset, get(&f, at + l->p_filesz, l->word), &segment))
			segment = UINT64_MAX;
		if (get(&f, at + l->p_type, 4) == PT_LOAD && segment > end)
			end = segment;
		at += get(&f, l->phentsize, 2);
	}
	return end;
}

bool elfnote_has(const void *elf, size_t len, uint32_t type)
{
	size_t ignored;

	return elfnote_find(elf, len, type, &ignored);
}

/* A text of the notes, which may lack its end. */
static bool text_starts(const void *elf, size_t len, uint32_t type, const char *prefix)
{
	size_t size, want = strlen(prefix);
	const void *text = elfnote_find(elf, len, type, &size);

	return text && size >= want && memcmp(text, prefix, want) == 0;
}

bool elfnote_is_linux(const void *elf, size_t len)
{
	return text_starts(elf, len, XEN_ELFNOTE_GUEST_OS, "linux");
}

/* What libxenguest demands (Xen, common/libelf/libelf-dominfo.c), less its compatible features. */
unsigned int elfnote_modes(const void *elf, size_t len)
{
	unsigned int modes = 0;

	if (text_starts(elf, len, XEN_ELFNOTE_XEN_VERSION, "xen-3.0") &&
	    (elfnote_is_linux(elf, len) ||
	     text_starts(elf, len, XEN_ELFNOTE_LOADER, "generic")))
		modes |= ELFNOTE_PV;
	if (elfnote_has(elf, len, XEN_ELFNOTE_PHYS32_ENTRY))
		modes |= ELFNOTE_PVH;
	return modes;
}
