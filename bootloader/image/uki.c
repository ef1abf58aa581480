/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uki.h"

#include <errno.h>
#include <string.h>

#include "base/scope.h"
#include "bootloader/blk/bytes.h"

enum {
	MZ_PE_AT = 0x3c, MZ_SIZE = 0x40,
	/* The PE file's header, and one section's. */
	PE_SECTIONS = 6, PE_OPTIONAL_SIZE = 20, PE_SIZE = 24,
	SECTION_NAME = 8, SECTION_VIRTUAL_SIZE = 8, SECTION_RAW_SIZE = 16, SECTION_RAW_AT = 20,
	SECTION_SIZE = 40,
};

static uint64_t pe_at(const uint8_t *head, size_t len)
{
	uint64_t at;

	if (len < MZ_SIZE || head[0] != 'M' || head[1] != 'Z')
		return 0;
	at = get_le32(head + MZ_PE_AT);
	return inside(at, PE_SIZE, len) && memcmp(head + at, "PE\0\0", 4) == 0 ? at : 0;
}

bool uki_is_pe(const uint8_t *head, size_t len)
{
	return pe_at(head, len) != 0;
}

static struct uki_part *part_of(struct uki *uki, const uint8_t *name)
{
	const struct {
		const char *name;
		struct uki_part *part;
	} parts[] = {
		{ ".linux", &uki->kernel }, { ".initrd", &uki->initrd },
		{ ".ucode", &uki->microcode }, { ".cmdline", &uki->cmdline },
		{ ".osrel", &uki->os_release },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (strncmp((const char *)name, parts[i].name, SECTION_NAME) == 0)
			return parts[i].part;
	}
	return NULL;
}

/* The file has a section padded to blocks: its virtual size is what it really has. */
static int section(const uint8_t *p, uint64_t file_size, struct uki_part *part, struct err *err)
{
	uint32_t raw = get_le32(p + SECTION_RAW_SIZE), size = get_le32(p + SECTION_VIRTUAL_SIZE);

	part->at = get_le32(p + SECTION_RAW_AT);
	part->size = size && size < raw ? size : raw;
	if (inside(part->at, part->size, file_size))
		return 0;
	return fail(err, EINVAL, "it is truncated: its section '%.8s' is beyond its end", p);
}

int uki_parse(const uint8_t *head, size_t len, uint64_t size, struct uki *out, struct err *err)
{
	uint64_t pe = pe_at(head, len), at;
	unsigned int nr, profiles = 0;
	struct uki uki = { .kernel = { 0, 0 } };

	err->msg[0] = '\0';
	if (!pe)
		return -ENODATA;
	nr = get_le16(head + pe + PE_SECTIONS);
	at = pe + PE_SIZE + get_le16(head + pe + PE_OPTIONAL_SIZE);
	for (; nr && inside(at, SECTION_SIZE, len); nr--, at += SECTION_SIZE) {
		struct uki_part *part = part_of(&uki, head + at);
		int rc;

		/* What is before the first profile is for all, what follows the second for others. */
		if (memcmp(head + at, ".profile", SECTION_NAME) == 0 && profiles++)
			break;
		rc = part ? section(head + at, size, part, err) : 0;
		/* It only has the title. */
		if (rc < 0 && part == &uki.os_release) {
			*part = (struct uki_part){ 0, 0 };
			err->msg[0] = '\0';
		} else if (rc < 0) {
			return rc;
		}
	}
	if (!uki.kernel.size)
		return -ENODATA;
	*out = uki;
	return 0;
}

int uki_cmdline(const uint8_t *text, size_t len, char *buf, size_t size, struct err *err)
{
	size_t n = 0;
	bool blank = false;

	for (size_t i = 0; i < len && text[i]; i++) {
		if (text[i] <= ' ') {
			blank = true;
			continue;
		}
		if (n + 3 > size)
			return fail(err, E2BIG, "its command line is longer than %zu characters",
				    size - 1);
		if (blank && n)
			buf[n++] = ' ';
		blank = false;
		buf[n++] = (char)text[i];
	}
	buf[n] = '\0';
	return 0;
}
