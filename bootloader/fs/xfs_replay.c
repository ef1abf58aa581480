/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the log's transactions say about blocks and inodes. Its structures are in the byte
 * order of the machine that wrote them (little-endian: xfs_log_read() has seen to that), the
 * contents of blocks are as on the disk, and inodes are not: their numbers have to be turned.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "bootloader/blk/blk.h"
#include "bootloader/blk/bytes.h"
#include "bootloader/blk/overlay.h"
#include "xfs_log.h"

enum {
	BLOCK = 512,
	ITEM_TYPE = 0, ITEM_REGIONS = 2, ITEM_INODE = 0x123b, ITEM_BUFFER = 0x123c,
	BUFFER_FLAGS = 4, BUFFER_LEN = 6, BUFFER_BLOCK = 8, BUFFER_MAP_LEN = 16, BUFFER_MAP = 20,
	BUFFER_CHUNK = 128,	/* bytes that one bit of the map is for */
	/* Inodes are logged as such, and quotas are nobody's here. */
	BUFFER_OF_INODES = 1, BUFFER_CANCEL = 2, BUFFER_OF_QUOTAS = 0x1c,
	INODE_FIELDS = 4, INODE_BLOCK = 40, INODE_AT = 52, INODE_FORMAT_LEN = 56,
	FIELD_DATA = 2, FIELD_EXTENTS = 4, FIELD_TREE = 8,
	CORE_VERSION = 4, CORE_FORK = 82, CORE_FLAGS2 = 120, CORE_LEN2 = 100, CORE_LEN3 = 176,
	CORE_LOGGED2 = 96, FLAG2_NREXT64 = 1 << 4, INODE_MAX = 2048,
	TREE_HEADER2 = 24, TREE_HEADER3 = 72, TREE_LEVEL = 4, TREE_RECORDS = 6,
};

/* Blocks that are no metadata any more: what was logged of them before is not to be written. */
struct cancelled {
	uint64_t block;
	uint32_t times;
};

struct replay {
	struct blk *overlay;
	uint32_t inode_size;
	bool second;			/* the pass that writes; the first looks for cancels */
	struct cancelled *cancelled;	/* owned */
	size_t nr, cap;
};

static void scoped_replay(struct replay *r)
{
	free(r->cancelled);
}

static int damaged(struct err *err)
{
	return fail(err, EIO, "its log is damaged");
}

static int compare(const void *a, const void *b)
{
	uint64_t x = ((const struct cancelled *)a)->block;
	uint64_t y = ((const struct cancelled *)b)->block;

	return x < y ? -1 : x > y;
}

static int note_cancelled(struct replay *r, uint64_t block, struct err *err)
{
	if (r->nr == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 64;
		void *p = reallocarray(r->cancelled, cap, sizeof(*r->cancelled));

		if (!p)
			return fail_nomem(err);
		r->cancelled = p;
		r->cap = cap;
	}
	r->cancelled[r->nr++] = (struct cancelled){ block, 1 };
	return 0;
}

/* Between the passes: sorted, each block once. */
static void count_cancelled(struct replay *r)
{
	size_t nr = 0;

	if (r->nr)
		qsort(r->cancelled, r->nr, sizeof(*r->cancelled), compare);
	for (size_t i = 0; i < r->nr; i++) {
		if (nr && r->cancelled[nr - 1].block == r->cancelled[i].block)
			r->cancelled[nr - 1].times++;
		else
			r->cancelled[nr++] = r->cancelled[i];
	}
	r->nr = nr;
	r->second = true;
}

/* NULL: it is still, or again, what the log says. */
static struct cancelled *find_cancelled(struct replay *r, uint64_t block)
{
	const struct cancelled key = { block, 0 };
	struct cancelled *c = r->nr ?
		bsearch(&key, r->cancelled, r->nr, sizeof(key), compare) : NULL;

	return c && c->times ? c : NULL;
}

/* What follows the last cancel of a block is to be written again. */
static int cancel(struct replay *r, uint64_t block, struct err *err)
{
	struct cancelled *c;

	if (!r->second)
		return note_cancelled(r, block, err);
	c = find_cancelled(r, block);
	if (c)
		c->times--;
	return 0;
}

static int write_at(struct replay *r, uint64_t block, uint64_t skip, const void *data, size_t len,
		    struct err *err)
{
	int rc = blk_step(r->overlay, err);

	if (rc == 0 && block > UINT64_MAX / BLOCK / 2)
		rc = damaged(err);
	return rc < 0 ? rc : overlay_write(r->overlay, block * BLOCK + skip, data, len, err);
}

/* Each run of bits in the map has one piece. */
static int replay_buffer(struct replay *r, const struct xfs_region *item, size_t nr,
			 struct err *err)
{
	const uint8_t *p = item->data;
	uint32_t words, bits, bit = 0;
	uint64_t block;
	int rc = 0;

	if (item->len < BUFFER_MAP)
		return damaged(err);
	words = get_le32(p + BUFFER_MAP_LEN);
	block = get_le64(p + BUFFER_BLOCK);
	if (words > (item->len - BUFFER_MAP) / 4)
		return damaged(err);
	if (get_le16(p + BUFFER_FLAGS) & BUFFER_CANCEL)
		return cancel(r, block, err);
	if (!r->second || get_le16(p + BUFFER_FLAGS) & (BUFFER_OF_INODES | BUFFER_OF_QUOTAS) ||
	    find_cancelled(r, block))
		return 0;
	bits = words * 32;
	for (size_t i = 1; i < nr && rc == 0; i++) {
		uint32_t first, len = item[i].len;

		while (bit < bits && !(p[BUFFER_MAP + bit / 8] >> bit % 8 & 1))
			bit++;
		first = bit;
		while (bit < bits && p[BUFFER_MAP + bit / 8] >> bit % 8 & 1)
			bit++;
		if (len > (bit - first) * BUFFER_CHUNK)
			len = (bit - first) * BUFFER_CHUNK;
		rc = write_at(r, block, (uint64_t)first * BUFFER_CHUNK, item[i].data, len, err);
	}
	return rc;
}

static void turn(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len / 2; i++) {
		uint8_t byte = p[i];

		p[i] = p[len - 1 - i];
		p[len - 1 - i] = byte;
	}
}

/* The numbers of an inode that are looked at. */
static void turn_inode(uint8_t *core)
{
	static const struct {
		uint8_t at, len;
	} fields[] = {
		{ 0, 2 }, { 2, 2 }, { 56, 8 }, { 64, 8 }, { 90, 2 }, { 120, 8 }, { 152, 8 },
	};
	bool v3 = core[CORE_VERSION] == 3;
	bool big = v3 && core[CORE_FLAGS2] & FLAG2_NREXT64;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (v3 || fields[i].at < CORE_LEN2)
			turn(core + fields[i].at, fields[i].len);
	}
	/* Counts of extents: of data and attributes, or of attributes and of data elsewhere. */
	turn(core + 76, 4);
	if (big)
		turn(core + 24, 8);
	else
		turn(core + 80, 2);
}

/* The root of a tree of extents, from what memory has to the short form of an inode. */
static int put_root(uint8_t *fork, size_t fork_len, const struct xfs_region *root, bool v3,
		    struct err *err)
{
	size_t header = v3 ? TREE_HEADER3 : TREE_HEADER2;
	size_t records, from_max, to_max;

	if (root->len < header || fork_len < 4)
		return damaged(err);
	records = get_be16(root->data + TREE_RECORDS);
	from_max = (root->len - header) / 16;
	to_max = (fork_len - 4) / 16;
	if (records > from_max || records > to_max)
		return damaged(err);
	memset(fork, 0, fork_len);
	memcpy(fork, root->data + TREE_LEVEL, 4);
	memcpy(fork + 4, root->data + header, records * 8);
	memcpy(fork + 4 + to_max * 8, root->data + header + from_max * 8, records * 8);
	return 0;
}

static int replay_inode(struct replay *r, const struct xfs_region *item, size_t nr,
			struct err *err)
{
	uint8_t inode[INODE_MAX] = { 0 };
	uint32_t fields;
	uint64_t block, at;
	size_t core, fork_len;
	int rc;

	if (item->len != INODE_FORMAT_LEN || nr < 2 || item[1].len < CORE_LOGGED2 ||
	    item[1].len > CORE_LEN3 || r->inode_size > INODE_MAX)
		return damaged(err);
	fields = get_le32(item->data + INODE_FIELDS);
	block = get_le64(item->data + INODE_BLOCK);
	at = get_le32(item->data + INODE_AT);
	if (find_cancelled(r, block))
		return 0;
	if (block > UINT64_MAX / BLOCK / 2)
		return damaged(err);
	rc = blk_read(r->overlay, block * BLOCK + at, inode, r->inode_size, err);
	if (rc < 0)
		return rc;
	memcpy(inode, item[1].data, item[1].len);
	core = inode[CORE_VERSION] == 3 ? CORE_LEN3 : CORE_LEN2;
	fork_len = inode[CORE_FORK] ? inode[CORE_FORK] * 8u : r->inode_size - core;
	if (fork_len > r->inode_size - core)
		return damaged(err);
	turn_inode(inode);
	if (fields & FIELD_TREE && nr > 2) {
		rc = put_root(inode + core, fork_len, &item[2], core == CORE_LEN3, err);
	} else if (fields & (FIELD_DATA | FIELD_EXTENTS) && nr > 2) {
		if (item[2].len > fork_len)
			return damaged(err);
		memcpy(inode + core, item[2].data, item[2].len);
	}
	return rc < 0 ? rc : write_at(r, block, at, inode, r->inode_size, err);
}

static int replay_transaction(struct replay *r, const struct xfs_transaction *t, struct err *err)
{
	int rc = 0;

	for (size_t i = 1; i < t->nr && rc == 0;) {
		const struct xfs_region *item = &t->regions[i];
		size_t nr;

		if (item->len < 4)
			return damaged(err);
		nr = get_le16(item->data + ITEM_REGIONS);
		if (!nr || nr > t->nr - i)
			return damaged(err);
		if (get_le16(item->data + ITEM_TYPE) == ITEM_BUFFER)
			rc = replay_buffer(r, item, nr, err);
		else if (get_le16(item->data + ITEM_TYPE) == ITEM_INODE && r->second)
			rc = replay_inode(r, item, nr, err);
		i += nr;
	}
	return rc;
}

int xfs_log_replay(const struct xfs_log *log, uint32_t inode_size, struct blk *overlay,
		   struct err *err)
{
	scoped(replay) struct replay r = { .overlay = overlay, .inode_size = inode_size };
	int rc = 0;

	for (int pass = 0; pass < 2 && rc == 0; pass++) {
		if (pass)
			count_cancelled(&r);
		for (size_t i = 0; i < log->nr && rc == 0; i++)
			rc = replay_transaction(&r, &log->transactions[i], err);
	}
	return rc;
}
