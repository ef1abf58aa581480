/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disk images as fuzzers want them: without the zeroes, so that a mutation hits something,
 * and hundreds of MiB (mkfs.xfs makes nothing smaller) are some 10 KiB. A le32 with the size
 * in sectors, then le32 sector number and 512 bytes as often as there are any.
 */
#ifndef TESTS_FUZZ_SPARSE_H
#define TESTS_FUZZ_SPARSE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bootloader/blk/blk.h"
#include "bootloader/blk/bytes.h"

enum { SPARSE_SECTOR = 512, SPARSE_RECORD = 4 + SPARSE_SECTOR, SPARSE_SECTORS_MAX = 1 << 22 };

struct sparse {
	struct blk blk;
	const uint8_t *data;
	size_t nr;
};

static const uint8_t *sparse_find(const struct sparse *s, uint64_t sector)
{
	/* Seeds are in order, mutations need not be: what is not found then reads as zeroes. */
	size_t low = 0, high = s->nr;

	while (low < high) {
		size_t mid = (low + high) / 2;
		uint32_t at = get_le32(s->data + 4 + mid * SPARSE_RECORD);

		if (at == sector)
			return s->data + 4 + mid * SPARSE_RECORD + 4;
		if (at < sector)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static int sparse_read(struct blk *blk, uint64_t offset, void *buf, size_t len, struct err *err)
{
	struct sparse *s = (struct sparse *)blk;
	uint8_t *to = buf;
	int rc = blk_step(blk, err);

	if (rc == 0 && len > blk->budget->bytes)
		return fail(err, ETIME, "over budget");
	if (rc < 0)
		return rc;
	blk->budget->bytes -= len;
	while (len) {
		size_t skip = offset % SPARSE_SECTOR;
		size_t part = len < SPARSE_SECTOR - skip ? len : SPARSE_SECTOR - skip;
		const uint8_t *from = sparse_find(s, offset / SPARSE_SECTOR);

		if (from)
			memcpy(to, from + skip, part);
		else
			memset(to, 0, part);
		to += part;
		offset += part;
		len -= part;
	}
	return 0;
}

static void sparse_close(struct blk *blk)
{
	free(blk);
}

/* NULL: too short to be one. */
static inline struct blk *sparse_open(const uint8_t *data, size_t len, struct budget *budget)
{
	static const struct blk_ops ops = { sparse_read, sparse_close };
	struct sparse *s;

	if (len < 4)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->blk.ops = &ops;
	s->blk.size = (uint64_t)(get_le32(data) % SPARSE_SECTORS_MAX) * SPARSE_SECTOR;
	s->blk.budget = budget;
	s->data = data;
	s->nr = (len - 4) / SPARSE_RECORD;
	return &s->blk;
}

#endif
