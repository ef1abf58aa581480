/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * qcow2 (QEMU, docs/interop/qcow2.txt): clusters by two levels of tables, big-endian.
 * No backing file and no external data: these would be paths that the guest's image names.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/scope.h"
#include "blk.h"
#include "bytes.h"

enum {
	HEADER_VERSION = 4, HEADER_BACKING = 8, HEADER_BITS = 20, HEADER_SIZE = 24,
	HEADER_CRYPT = 32, HEADER_L1_SIZE = 36, HEADER_L1 = 40, HEADER_INCOMPAT = 72,
	HEADER_LENGTH = 100, HEADER_COMPRESSION = 104, HEADER_LEN2 = 72, HEADER_LEN3 = 112,
	INCOMPAT_DIRTY = 1, INCOMPAT_CORRUPT = 2, INCOMPAT_EXTERNAL = 4, INCOMPAT_COMPRESSION = 8,
	INCOMPAT_EXTENDED = 16,
	SUBCLUSTERS = 32, L1_MAX = 32 << 20,
};

static const uint64_t offset_mask = 0x00fffffffffffe00, compressed_bit = 1ull << 62;

struct qcow2 {
	struct blk blk;
	struct blk *below;
	uint64_t l1_at, l1_entries;
	unsigned int bits;		/* of a cluster's size */
	size_t cluster;
	bool zstd, extended, v3;
	/* The compressed cluster that was read last. */
	uint64_t unpacked_entry;	/* 0: none */
	uint8_t *unpacked;		/* owned */
};

/* The second level's entry for a cluster (and the bitmap of an extended one); 0: nothing there. */
static int find_entry(struct qcow2 *q, uint64_t cluster, uint64_t *entry, uint64_t *bitmap,
		      struct err *err)
{
	size_t len = q->extended ? 16 : 8;
	uint64_t per = q->cluster / len, table;
	uint8_t raw[16] = { 0 };
	int rc = blk_step(&q->blk, err);

	*entry = *bitmap = 0;
	if (rc == 0 && cluster / per >= q->l1_entries)
		return 0;
	if (rc == 0)
		rc = blk_read(q->below, q->l1_at + cluster / per * 8, raw, 8, err);
	if (rc < 0)
		return rc;
	table = get_be64(raw) & offset_mask;
	if (!table)
		return 0;
	rc = blk_read(q->below, table + cluster % per * len, raw, len, err);
	if (rc < 0)
		return rc;
	*entry = get_be64(raw);
	*bitmap = q->extended ? get_be64(raw + 8) : 0;
	return 0;
}

static bool unpack_zlib(const uint8_t *in, size_t len, uint8_t *out, size_t size)
{
	z_stream z = { .next_in = (z_const Bytef *)(uintptr_t)in, .avail_in = (uInt)len,
		       .next_out = out, .avail_out = (uInt)size };

	if (inflateInit2(&z, -MAX_WBITS) != Z_OK)	/* negative: without a header */
		return false;
	inflate(&z, Z_FINISH);	/* the input may go on behind the end */
	inflateEnd(&z);
	return !z.avail_out;
}

static bool unpack_zstd(const uint8_t *in, size_t len, uint8_t *out, size_t size)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	ZSTD_inBuffer src = { in, len, 0 };
	ZSTD_outBuffer dst = { out, size, 0 };

	while (z && dst.pos < size) {
		size_t before = src.pos + dst.pos;

		if (ZSTD_isError(ZSTD_decompressStream(z, &dst, &src)) ||
		    src.pos + dst.pos == before)
			break;
	}
	ZSTD_freeDStream(z);
	return dst.pos == size;
}

/* A compressed cluster into q->unpacked. */
static int unpack(struct qcow2 *q, uint64_t entry, struct err *err)
{
	unsigned int split = 62 - (q->bits - 8);
	uint64_t at = entry & ((1ull << split) - 1);
	uint64_t sectors = (entry & (compressed_bit - 1)) >> split;
	size_t len = (size_t)((sectors + 1) * 512 - at % 512);
	scoped(free) uint8_t *packed = NULL;
	int rc;

	if (q->unpacked_entry == entry)
		return 0;
	q->unpacked_entry = 0;
	if (at >= q->below->size)
		return fail(err, EIO, "its tables point beyond its end");
	if (len > q->below->size - at)	/* the last one is not filled up */
		len = (size_t)(q->below->size - at);
	packed = malloc(len);
	if (!q->unpacked)
		q->unpacked = malloc(q->cluster);
	if (!packed || !q->unpacked)
		return fail_nomem(err);
	rc = blk_read(q->below, at, packed, len, err);
	if (rc < 0)
		return rc;
	if (!(q->zstd ? unpack_zstd : unpack_zlib)(packed, len, q->unpacked, q->cluster))
		return fail(err, EIO, "a compressed cluster is damaged");
	q->unpacked_entry = entry;
	return 0;
}

/* Part of one cluster; with an extended entry of one of its subclusters. */
static int read_part(struct qcow2 *q, uint64_t entry, uint64_t bitmap, size_t skip, uint8_t *to,
		     size_t len, struct err *err)
{
	uint64_t at = entry & offset_mask;
	bool zero = !at || (!q->extended && q->v3 && entry & 1);
	int rc;

	if (entry & compressed_bit) {
		rc = unpack(q, entry, err);
		if (rc == 0)
			memcpy(to, q->unpacked + skip, len);
		return rc;
	}
	if (q->extended)
		zero = !at || !(bitmap >> (skip / (q->cluster / SUBCLUSTERS)) & 1);
	if (!zero)
		return blk_read(q->below, at + skip, to, len, err);
	memset(to, 0, len);
	return 0;
}

static int qcow2_read(struct blk *blk, uint64_t offset, void *buf, size_t len, struct err *err)
{
	struct qcow2 *q = (struct qcow2 *)blk;
	size_t unit = q->extended ? q->cluster / SUBCLUSTERS : q->cluster;
	uint8_t *to = buf;

	while (len) {
		size_t part = unit - offset % unit;
		uint64_t entry, bitmap;
		int rc = find_entry(q, offset >> q->bits, &entry, &bitmap, err);

		part = part < len ? part : len;
		if (rc == 0)
			rc = read_part(q, entry, bitmap, offset % q->cluster, to, part, err);
		if (rc < 0)
			return rc;
		to += part;
		offset += part;
		len -= part;
	}
	return 0;
}

static void qcow2_close(struct blk *blk)
{
	free(((struct qcow2 *)blk)->unpacked);
	free(blk);
}

static int read_header(struct qcow2 *q, const uint8_t *h, struct err *err)
{
	uint32_t version = get_be32(h + HEADER_VERSION);
	uint64_t features = 0, entry_len = 8;

	if (memcmp(h, "QFI\xfb", 4) != 0 || (version != 2 && version != 3))
		return fail(err, EINVAL, "it is no qcow2 image of version 2 or 3");
	q->v3 = version == 3;
	if (q->v3)
		features = get_be64(h + HEADER_INCOMPAT);
	if (get_be64(h + HEADER_BACKING))
		return fail(err, EOPNOTSUPP, "it has a backing file, which is not followed");
	if (get_be32(h + HEADER_CRYPT))
		return fail(err, EOPNOTSUPP, "it is encrypted");
	if (features & INCOMPAT_EXTERNAL)
		return fail(err, EOPNOTSUPP, "its data is in another file, which is not followed");
	if (features & ~(uint64_t)(INCOMPAT_DIRTY | INCOMPAT_CORRUPT | INCOMPAT_COMPRESSION |
				   INCOMPAT_EXTENDED))
		return fail(err, EOPNOTSUPP, "it has features that are not known");
	if (features & INCOMPAT_COMPRESSION && get_be32(h + HEADER_LENGTH) > HEADER_COMPRESSION) {
		if (h[HEADER_COMPRESSION] > 1)
			return fail(err, EOPNOTSUPP, "its compression is not known");
		q->zstd = h[HEADER_COMPRESSION] == 1;
	}
	q->extended = features & INCOMPAT_EXTENDED;
	entry_len = q->extended ? 16 : 8;
	q->bits = get_be32(h + HEADER_BITS);
	q->l1_entries = get_be32(h + HEADER_L1_SIZE);
	q->l1_at = get_be64(h + HEADER_L1);
	q->blk.size = get_be64(h + HEADER_SIZE);
	if (q->bits < 9 || q->bits > 21 || (q->extended && q->bits < 14) ||
	    q->l1_entries > L1_MAX / 8 || q->blk.size > 1ull << 56 ||
	    !inside(q->l1_at, q->l1_entries * 8, q->below->size))
		return fail(err, EIO, "its header is damaged");
	q->cluster = (size_t)1 << q->bits;
	/* What the tables cannot reach is not there. */
	if ((q->blk.size >> q->bits) / (q->cluster / entry_len) > q->l1_entries)
		return fail(err, EIO, "its tables are too short for its size");
	return 0;
}

int blk_open_qcow2(struct blk *below, struct blk **out, struct err *err)
{
	static const struct blk_ops ops = { qcow2_read, qcow2_close };
	uint8_t h[HEADER_LEN3] = { 0 };
	struct qcow2 *q;
	int rc;

	if (below->size < HEADER_LEN2)
		return fail(err, EINVAL, "it is no qcow2 image: too short");
	rc = blk_read(below, 0, h, below->size < sizeof(h) ? HEADER_LEN2 : sizeof(h), err);
	if (rc < 0)
		return rc;
	q = calloc(1, sizeof(*q));
	if (!q)
		return fail_nomem(err);
	q->blk = (struct blk){ .ops = &ops, .budget = below->budget };
	q->below = below;
	rc = read_header(q, h, err);
	if (rc < 0) {
		free(q);
		return rc;
	}
	*out = &q->blk;
	return 0;
}
