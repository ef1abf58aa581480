/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GUID partition tables (UEFI specification, chapter 5): a header and its backup, both with checksums. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/scope.h"
#include "blk.h"
#include "bytes.h"
#include "table.h"

enum {
	HEADER_SIZE = 12, HEADER_CRC = 16, HEADER_SELF = 24, HEADER_OTHER = 32,
	HEADER_ENTRIES = 72, HEADER_NR = 80, HEADER_ENTRY_SIZE = 84, HEADER_ENTRIES_CRC = 88,
	HEADER_LEN = 92,
	ENTRY_UUID = 16, ENTRY_FIRST = 32, ENTRY_LAST = 40, ENTRY_LEN = 128,
	ENTRIES_MAX = 1 << 20,	/* bytes of all entries */
};

static const uint8_t esp[16] = {	/* c12a7328-f81f-11d2-ba4b-00a0c93ec93b */
	0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b,
};
static const uint8_t xbootldr[16] = {	/* bc13c2ff-59e6-4262-a352-b275fd6f7172 */
	0xff, 0xc2, 0x13, 0xbc, 0xe6, 0x59, 0x62, 0x42, 0xa3, 0x52, 0xb2, 0x75, 0xfd, 0x6f, 0x71, 0x72,
};

static uint32_t crc(const uint8_t *data, size_t len)
{
	return (uint32_t)crc32_z(0, data, len);
}

/* The header at a sector, when it is intact. */
static int read_header(struct blk *disk, uint32_t sector, uint64_t lba, uint8_t *header,
		       struct err *err)
{
	uint32_t len, sum;
	uint64_t at;
	int rc;

	if (__builtin_mul_overflow(lba, (uint64_t)sector, &at) || !inside(at, sector, disk->size))
		return -ENODATA;
	rc = blk_read(disk, at, header, sector, err);
	if (rc < 0)
		return rc;
	len = get_le32(header + HEADER_SIZE);
	if (memcmp(header, "EFI PART", 8) != 0 || len < HEADER_LEN || len > sector)
		return -ENODATA;
	sum = get_le32(header + HEADER_CRC);
	memset(header + HEADER_CRC, 0, 4);
	return sum == crc(header, len) && get_le64(header + HEADER_SELF) == lba ? 0 : -ENODATA;
}

static void guid_text(const uint8_t *g, char *text, size_t size)
{
	snprintf(text, size, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", get_le32(g),
		 get_le16(g + 4), get_le16(g + 6), g[8], g[9], g[10], g[11], g[12], g[13], g[14],
		 g[15]);
}

static void add_entry(struct blk *disk, struct table *table, const uint8_t *e, unsigned int nr)
{
	static const uint8_t unused[16];
	uint64_t first = get_le64(e + ENTRY_FIRST), last = get_le64(e + ENTRY_LAST);
	struct part part = { .nr = nr };

	if (memcmp(e, unused, sizeof(unused)) == 0 || last < first ||
	    last >= UINT64_MAX / table->sector - 1)
		return;
	part.start = first * table->sector;
	part.size = (last - first + 1) * table->sector;
	part.role = memcmp(e, esp, sizeof(esp)) == 0 ? PART_ESP :
		memcmp(e, xbootldr, sizeof(xbootldr)) == 0 ? PART_XBOOTLDR : PART_OTHER;
	guid_text(e + ENTRY_UUID, part.uuid, sizeof(part.uuid));
	table_add(disk, table, &part);
}

/* The entries that an intact header points to, when they are intact as well. */
static int read_entries(struct blk *disk, struct table *table, const uint8_t *header,
			struct err *err)
{
	uint64_t at, len, lba = get_le64(header + HEADER_ENTRIES);
	uint32_t nr = get_le32(header + HEADER_NR), size = get_le32(header + HEADER_ENTRY_SIZE);
	scoped(free) uint8_t *entries = NULL;
	int rc;

	len = (uint64_t)nr * size;
	if (size < ENTRY_LEN || !len || len > ENTRIES_MAX ||
	    __builtin_mul_overflow(lba, (uint64_t)table->sector, &at) ||
	    !inside(at, len, disk->size))
		return -ENODATA;
	entries = malloc((size_t)len);
	if (!entries)
		return fail_nomem(err);
	rc = blk_read(disk, at, entries, (size_t)len, err);
	if (rc < 0)
		return rc;
	if (crc(entries, (size_t)len) != get_le32(header + HEADER_ENTRIES_CRC))
		return -ENODATA;
	table->kind = TABLE_GPT;
	for (uint32_t i = 0; i < nr; i++)
		add_entry(disk, table, entries + (size_t)i * size, i + 1);
	return 0;
}

static int read_at(struct blk *disk, struct table *table, uint64_t lba, struct err *err)
{
	uint8_t header[4096];
	int rc = read_header(disk, table->sector, lba, header, err);

	return rc < 0 ? rc : read_entries(disk, table, header, err);
}

/* Where a damaged primary says that the backup is; else the last sector. */
static int read_backup(struct blk *disk, struct table *table, struct err *err)
{
	uint8_t primary[HEADER_LEN];
	uint64_t last = disk->size / table->sector - 1, other;
	int rc = read_at(disk, table, last, err);

	if (rc == -ENODATA && inside(table->sector, sizeof(primary), disk->size)) {
		rc = blk_read(disk, table->sector, primary, sizeof(primary), err);
		if (rc < 0)
			return rc;
		other = get_le64(primary + HEADER_OTHER);
		rc = memcmp(primary, "EFI PART", 8) == 0 && other > 1 && other < last ?
			read_at(disk, table, other, err) : -ENODATA;
	}
	if (rc == 0)
		snprintf(table->note, sizeof(table->note), "its GPT is damaged: the backup is used");
	return rc;
}

int gpt_read(struct blk *disk, struct table *table, struct err *err)
{
	/* A device knows; but what stands on it may be a copy of another one. */
	const bool large = disk->sector == 4096;
	const uint32_t sectors[] = { large ? 4096 : 512, large ? 512 : 4096 };
	int rc = -ENODATA;

	for (int backup = 0; backup < 2 && rc == -ENODATA; backup++) {
		for (size_t i = 0; i < ARRAY_SIZE(sectors) && rc == -ENODATA; i++) {
			if (disk->size < sectors[i] * 2)
				continue;
			*table = (struct table){ .sector = sectors[i] };
			rc = backup ? read_backup(disk, table, err) :
				read_at(disk, table, 1, err);
		}
	}
	return rc;
}
