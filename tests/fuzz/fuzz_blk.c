/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks: partition tables, what stands on them, and file systems, walked as far as they
 * lead. Inputs are sparse images (sparse.h); tests/fuzz/seeds makes those to start from.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/scope.h"
#include "bootloader/blk/blk.h"
#include "bootloader/disks.h"
#include "bootloader/fs/fs.h"
#include "bootloader/source.h"
#include "sparse.h"
#include "tests/unit/fs_walk.h"
#include "tests/unit/kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int any_name(void *arg, const char *name, enum source_kind kind)
{
	(void)name, (void)kind;
	return ++*(unsigned int *)arg > 1000;
}

static void try_disk(struct blk *blk)
{
	scoped(disks) struct disks *disks = NULL;
	struct err err = ERR_INIT;
	const struct source *s;

	if (disks_open(&blk, 1, &disks, &err) < 0)
		return;
	s = disks_source(disks);
	for (unsigned int i = 0; i < s->nr_devices; i++) {
		scoped(bytes) struct bytes b = BYTES_INIT;
		struct source_stat st;
		unsigned int names = 0;
		int rc = source_list(s, i, "/boot", 1000, any_name, &names, &err);

		if (rc == 0)
			rc = source_stat(s, i, "/vmlinuz", &st, &err);
		if (rc == 0)
			rc = source_read(s, i, "/boot/grub/grub.cfg", 1 << 20, &b, &err);
		(void)rc;
	}
}

/* Who writes a GPT to do harm gets its checksums right: so have ours, or none is looked into. */
static void mend_gpt(uint8_t *data, size_t size, uint32_t sector)
{
	enum {
		HEADER_SIZE = 12, HEADER_CRC = 16, HEADER_ENTRIES = 72, HEADER_NR = 80,
		HEADER_ENTRY_SIZE = 84, HEADER_ENTRIES_CRC = 88, ENTRIES_MAX = 1 << 16,
	};
	struct budget budget = BUDGET_INIT;
	scoped(blk) struct blk *blk = sparse_open(data, size, &budget);
	scoped(free) uint8_t *entries = malloc(ENTRIES_MAX);
	const uint8_t *found = blk ? sparse_find((struct sparse *)blk, sector / SPARSE_SECTOR) : NULL;
	uint8_t *header = found ? data + (found - data) : NULL;
	struct err err = ERR_INIT;
	uint64_t len;

	if (!entries || !header || memcmp(header, "EFI PART", 8) != 0 ||
	    get_le32(header + HEADER_SIZE) > SPARSE_SECTOR)
		return;
	len = (uint64_t)get_le32(header + HEADER_NR) * get_le32(header + HEADER_ENTRY_SIZE);
	if (len && len <= ENTRIES_MAX && get_le64(header + HEADER_ENTRIES) < SPARSE_SECTORS_MAX &&
	    blk_read(blk, get_le64(header + HEADER_ENTRIES) * sector, entries, (size_t)len, &err) == 0)
		put_le(header + HEADER_ENTRIES_CRC, 4, crc32(0, entries, (unsigned int)len));
	put_le(header + HEADER_CRC, 4, 0);
	put_le(header + HEADER_CRC, 4, crc32(0, header, get_le32(header + HEADER_SIZE)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct budget budget = { .bytes = 64 << 20, .steps = 50000 };
	scoped(free) uint8_t *copy = malloc(size + 1);
	scoped(blk) struct blk *blk = NULL;

	if (!copy)
		abort();
	memcpy(copy, data, size);
	mend_gpt(copy, size, 512);
	mend_gpt(copy, size, 4096);
	blk = sparse_open(copy, size, &budget);
	if (!blk)
		return -1;
	fs_walk(blk);
	budget = (struct budget){ .bytes = 64 << 20, .steps = 50000 };
	try_disk(blk);
	return 0;
}
