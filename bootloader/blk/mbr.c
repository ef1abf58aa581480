/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The MBR of PCs: four partitions; one may hold a chain of further tables, one partition in each. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "blk.h"
#include "bytes.h"
#include "table.h"

enum {
	MBR_SIGNATURE = 440, MBR_ENTRIES = 446, MBR_MAGIC = 510, MBR_SIZE = 512,
	ENTRY_TYPE = 4, ENTRY_START = 8, ENTRY_SECTORS = 12, ENTRY_SIZE = 16,
	TYPE_PROTECTIVE = 0xee, TYPE_ESP = 0xef, TYPE_XBOOTLDR = 0xea,
	FIRST_LOGICAL = 5, CHAIN_MAX = 200,
};

static const uint8_t *entry(const uint8_t *mbr, size_t i)
{
	return mbr + MBR_ENTRIES + i * ENTRY_SIZE;
}

static bool is_extended(uint8_t type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

static bool is_mbr(const uint8_t *mbr)
{
	if (get_le16(mbr + MBR_MAGIC) != 0xaa55)
		return false;
	/* A boot sector of a file system ends in the same two bytes, but not in four such entries. */
	for (size_t i = 0; i < 4; i++) {
		if (entry(mbr, i)[0] & 0x7f)
			return false;
	}
	return true;
}

/* As the device counts; unless that does not fit, as in a copy of a disk with smaller ones. */
static uint32_t sector_of(const struct blk *disk, const uint8_t *mbr)
{
	for (size_t i = 0; i < 4 && disk->sector; i++) {
		const uint8_t *e = entry(mbr, i);
		uint64_t end = (uint64_t)get_le32(e + ENTRY_START) + get_le32(e + ENTRY_SECTORS);

		if (e[ENTRY_TYPE] && end > disk->size / disk->sector)
			return 512;
	}
	return disk->sector ? disk->sector : 512;
}

static struct part part_of(const uint8_t *e, uint64_t base, uint32_t sector, uint32_t signature,
			   unsigned int nr)
{
	struct part part = {
		.nr = nr, .active = e[0] == 0x80,
		.start = (base + get_le32(e + ENTRY_START)) * sector,
		.size = (uint64_t)get_le32(e + ENTRY_SECTORS) * sector,
		.role = e[ENTRY_TYPE] == TYPE_ESP ? PART_ESP :
			e[ENTRY_TYPE] == TYPE_XBOOTLDR ? PART_XBOOTLDR : PART_OTHER,
	};

	if (signature)
		snprintf(part.uuid, sizeof(part.uuid), "%08x-%02x", signature, nr);
	return part;
}

/* The tables of logical partitions: each gives one, and where the next table is. */
static int read_chain(struct blk *disk, struct table *table, uint32_t first, uint32_t signature,
		      unsigned int *nr, struct err *err)
{
	uint64_t at = first;

	for (unsigned int turn = 0; turn < CHAIN_MAX; turn++) {
		uint8_t ebr[MBR_SIZE];
		uint64_t next = 0;
		int rc = blk_step(disk, err);

		if (rc == 0 && !inside(at * table->sector, sizeof(ebr), disk->size))
			break;
		if (rc == 0)
			rc = blk_read(disk, at * table->sector, ebr, sizeof(ebr), err);
		if (rc < 0)
			return rc;
		if (!is_mbr(ebr))
			break;
		for (size_t i = 0; i < 4; i++) {
			const uint8_t *e = entry(ebr, i);
			struct part part;

			if (is_extended(e[ENTRY_TYPE]) && !next) {
				next = (uint64_t)first + get_le32(e + ENTRY_START);
			} else if (e[ENTRY_TYPE] && get_le32(e + ENTRY_SECTORS)) {
				part = part_of(e, at, table->sector, signature, (*nr)++);
				if (!table_add(disk, table, &part))
					return 0;
			}
		}
		if (!next)
			return 0;
		at = next;
	}
	snprintf(table->note, sizeof(table->note), "the chain of its logical partitions is damaged");
	return 0;
}

int mbr_read(struct blk *disk, struct table *table, bool *protective, struct err *err)
{
	unsigned int nr = FIRST_LOGICAL;
	uint8_t mbr[MBR_SIZE];
	uint32_t signature;
	int rc;

	if (disk->size < sizeof(mbr))
		return -ENODATA;
	rc = blk_read(disk, 0, mbr, sizeof(mbr), err);
	if (rc < 0)
		return rc;
	if (!is_mbr(mbr))
		return -ENODATA;
	table->kind = TABLE_MBR;
	table->sector = sector_of(disk, mbr);
	signature = get_le32(mbr + MBR_SIGNATURE);
	for (unsigned int i = 0; i < 4; i++) {
		const uint8_t *e = entry(mbr, i);
		struct part part = part_of(e, 0, table->sector, signature, i + 1);

		if (e[ENTRY_TYPE] == TYPE_PROTECTIVE)
			*protective = true;
		else if (e[ENTRY_TYPE] && !is_extended(e[ENTRY_TYPE]))
			table_add(disk, table, &part);
	}
	for (unsigned int i = 0; i < 4 && rc == 0; i++) {
		if (is_extended(entry(mbr, i)[ENTRY_TYPE]))
			rc = read_chain(disk, table, get_le32(entry(mbr, i) + ENTRY_START),
					signature, &nr, err);
	}
	if (rc < 0)
		return rc;
	return table->nr || *protective ? 0 : -ENODATA;
}
