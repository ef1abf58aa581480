/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VHD (Microsoft, Virtual Hard Disk Image Format Specification 1.0): fixed and dynamic; big-endian. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "blk.h"
#include "bytes.h"

enum {
	FOOTER_LEN = 512, FOOTER_DATA = 16, FOOTER_SIZE = 48, FOOTER_TYPE = 60,
	TYPE_FIXED = 2, TYPE_DYNAMIC = 3,
	HEADER_TABLE = 16, HEADER_ENTRIES = 28, HEADER_BLOCK_SIZE = 32, HEADER_LEN = 1024,
	SECTOR = 512,
};

struct vhd {
	struct blk blk;
	struct blk *below;
	uint64_t table_at;
	uint32_t entries, block_size, bitmap_len;	/* block_size 0: fixed */
};

static int read_block(struct vhd *v, uint64_t block, size_t skip, uint8_t *to, size_t len,
		      struct err *err)
{
	uint8_t raw[4];
	uint32_t sector = UINT32_MAX;
	int rc = blk_step(&v->blk, err);

	if (rc == 0 && block < v->entries) {
		rc = blk_read(v->below, v->table_at + block * 4, raw, sizeof(raw), err);
		sector = get_be32(raw);
	}
	if (rc < 0)
		return rc;
	if (sector != UINT32_MAX)
		return blk_read(v->below, (uint64_t)sector * SECTOR + v->bitmap_len + skip, to, len,
				err);
	memset(to, 0, len);
	return 0;
}

static int vhd_read(struct blk *blk, uint64_t offset, void *buf, size_t len, struct err *err)
{
	struct vhd *v = (struct vhd *)blk;
	uint8_t *to = buf;

	if (!v->block_size)
		return blk_read(v->below, offset, buf, len, err);
	while (len) {
		size_t skip = offset % v->block_size, part = v->block_size - skip;
		int rc;

		part = part < len ? part : len;
		rc = read_block(v, offset / v->block_size, skip, to, part, err);
		if (rc < 0)
			return rc;
		to += part;
		offset += part;
		len -= part;
	}
	return 0;
}

static void vhd_close(struct blk *blk)
{
	free(blk);
}

static int read_dynamic(struct vhd *v, uint64_t at, struct err *err)
{
	uint8_t h[HEADER_LEN];
	int rc = blk_read(v->below, at, h, sizeof(h), err);

	if (rc < 0)
		return rc;
	v->table_at = get_be64(h + HEADER_TABLE);
	v->entries = get_be32(h + HEADER_ENTRIES);
	v->block_size = get_be32(h + HEADER_BLOCK_SIZE);
	if (memcmp(h, "cxsparse", 8) != 0 || v->block_size < SECTOR ||
	    v->block_size > 1u << 28 || v->block_size & (v->block_size - 1) ||
	    !inside(v->table_at, (uint64_t)v->entries * 4, v->below->size))
		return fail(err, EIO, "its header is damaged");
	/* A bit for each sector of a block stands before it, in whole sectors. */
	v->bitmap_len = (v->block_size / SECTOR / 8 + SECTOR - 1) / SECTOR * SECTOR;
	return 0;
}

static int read_footer(struct vhd *v, struct err *err)
{
	uint8_t f[FOOTER_LEN];
	int rc;

	if (v->below->size < FOOTER_LEN)
		return fail(err, EINVAL, "it is no VHD image: too short");
	rc = blk_read(v->below, v->below->size - FOOTER_LEN, f, sizeof(f), err);
	if (rc == 0 && memcmp(f, "conectix", 8) != 0)	/* a dynamic one begins with a copy */
		rc = blk_read(v->below, 0, f, sizeof(f), err);
	if (rc < 0)
		return rc;
	if (memcmp(f, "conectix", 8) != 0)
		return fail(err, EINVAL, "it is no VHD image");
	v->blk.size = get_be64(f + FOOTER_SIZE);
	switch (get_be32(f + FOOTER_TYPE)) {
	case TYPE_FIXED:
		return v->blk.size <= v->below->size ? 0 : fail(err, EIO, "it is cut");
	case TYPE_DYNAMIC:
		return read_dynamic(v, get_be64(f + FOOTER_DATA), err);
	default:
		return fail(err, EOPNOTSUPP, "it is a VHD of differences, whose parent is not followed");
	}
}

int blk_open_vhd(struct blk *below, struct blk **out, struct err *err)
{
	static const struct blk_ops ops = { vhd_read, vhd_close };
	struct vhd *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return fail_nomem(err);
	v->blk = (struct blk){ .ops = &ops, .budget = below->budget };
	v->below = below;
	rc = read_footer(v, err);
	if (rc < 0) {
		free(v);
		return rc;
	}
	*out = &v->blk;
	return 0;
}
