/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* btrfs's trees (btrfs wiki, On-disk Format): blocks by logical addresses, which chunks map. */
#include "btrfs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "bootloader/blk/blk.h"
#include "bootloader/blk/bytes.h"
#include "bootloader/blk/crc32c.h"

enum {
	HEADER_SELF = 0x30, HEADER_ITEMS = 0x60, HEADER_LEVEL = 0x64, CHECKSUM_LEN = 32,
	ITEM_LEN = 25, ITEM_OFFSET = 17, ITEM_SIZE = 21, POINTER_LEN = 33, POINTER_BLOCK = 17,
	CHUNK_LEN = 0, CHUNK_TYPE = 24, CHUNK_STRIPES = 44, CHUNK_FIRST = 48, STRIPE_LEN = 32,
	STRIPED = 0x8 | 0x40 | 0x80 | 0x100,	/* RAID0, 10, 5, 6 */
	CHUNKS_MAX = 1 << 18,
};

struct btrfs_key btrfs_get_key(const uint8_t *p)
{
	return (struct btrfs_key){ get_le64(p), p[8], get_le64(p + 9) };
}

static int compare_keys(const struct btrfs_key *a, const struct btrfs_key *b)
{
	if (a->objectid != b->objectid)
		return a->objectid < b->objectid ? -1 : 1;
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	return a->offset == b->offset ? 0 : a->offset < b->offset ? -1 : 1;
}

static const struct btrfs_chunk *find_chunk(const struct btrfs *b, uint64_t logical)
{
	size_t low = 0, high = b->nr_chunks;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (b->chunk[mid].logical + b->chunk[mid].len <= logical)
			low = mid + 1;
		else
			high = mid;
	}
	return low < b->nr_chunks && b->chunk[low].logical <= logical ? &b->chunk[low] : NULL;
}

static int add_chunk(struct btrfs *b, uint64_t logical, const uint8_t *p, size_t len,
		     struct err *err)
{
	struct btrfs_chunk chunk = { .logical = logical, .len = get_le64(p + CHUNK_LEN) };
	unsigned int stripes = get_le16(p + CHUNK_STRIPES);
	struct btrfs_chunk *last = b->nr_chunks ? &b->chunk[b->nr_chunks - 1] : NULL;

	if (!stripes || CHUNK_FIRST + (size_t)stripes * STRIPE_LEN > len || !chunk.len ||
	    chunk.len > UINT64_MAX / 2 || logical > UINT64_MAX / 2 ||
	    (last && logical < last->logical + last->len))
		return fail(err, EIO, "a chunk is damaged");
	for (unsigned int i = 0; i < stripes && chunk.copies < 2; i++) {
		const uint8_t *stripe = p + CHUNK_FIRST + (size_t)i * STRIPE_LEN;

		if (get_le64(stripe) == b->device && get_le64(stripe + 8) < UINT64_MAX / 2)
			chunk.physical[chunk.copies++] = get_le64(stripe + 8);
	}
	if (get_le64(p + CHUNK_TYPE) & STRIPED && stripes > 1)
		chunk.copies = 0;
	if (b->nr_chunks == CHUNKS_MAX)
		return fail(err, ETIME, "it has too many chunks");
	if (b->nr_chunks == b->cap_chunks) {
		size_t cap = b->cap_chunks ? b->cap_chunks * 2 : 16;
		struct btrfs_chunk *array = reallocarray(b->chunk, cap, sizeof(*array));

		if (!array)
			return fail_nomem(err);
		b->chunk = array;
		b->cap_chunks = cap;
	}
	b->chunk[b->nr_chunks++] = chunk;
	return 0;
}

/* One copy of len bytes; *left: how many of them are in this chunk. */
static int locate(struct btrfs *b, uint64_t logical, unsigned int copy, uint64_t *physical,
		  uint64_t *left, struct err *err)
{
	const struct btrfs_chunk *chunk = find_chunk(b, logical);

	if (!chunk)
		return fail(err, EIO, "an address is in no chunk");
	if (copy >= chunk->copies)
		return fail(err, EOPNOTSUPP, "a part of it is on other devices");
	*physical = chunk->physical[copy] + (logical - chunk->logical);
	*left = chunk->len - (logical - chunk->logical);
	return 0;
}

int btrfs_read(struct btrfs *b, uint64_t logical, void *buf, size_t len, struct err *err)
{
	uint8_t *to = buf;

	while (len) {
		uint64_t physical, part;
		int rc = locate(b, logical, 0, &physical, &part, err);

		if (rc < 0)
			return rc;
		part = part < len ? part : len;
		rc = blk_read(b->blk, physical, to, (size_t)part, err);
		if (rc < 0)
			return rc;
		to += part;
		logical += part;
		len -= (size_t)part;
	}
	return 0;
}

static bool node_fits(const struct btrfs *b, const uint8_t *node, uint64_t logical,
		      unsigned int level)
{
	uint32_t items = get_le32(node + HEADER_ITEMS);
	size_t each = level ? POINTER_LEN : ITEM_LEN;

	if (b->checked && get_le32(node) !=
	    ~crc32c(~0u, node + CHECKSUM_LEN, b->node_size - CHECKSUM_LEN))
		return false;
	return get_le64(node + HEADER_SELF) == logical && node[HEADER_LEVEL] == level &&
		items <= (b->node_size - BTRFS_HEADER) / each;
}

static struct btrfs_cached *cache_slot(struct btrfs *b, uint64_t logical)
{
	return &b->cached[logical / b->node_size % BTRFS_CACHED];
}

/* A block that cannot be kept, for lack of memory, is read again. */
static void keep_node(struct btrfs *b, uint64_t logical, const uint8_t *node)
{
	struct btrfs_cached *slot = cache_slot(b, logical);

	if (!slot->node)
		slot->node = malloc(b->node_size);
	if (slot->node)
		memcpy(slot->node, node, b->node_size);
	slot->logical = logical;
}

static bool cached_node(struct btrfs *b, uint64_t logical, unsigned int level, uint8_t *node)
{
	const struct btrfs_cached *slot = cache_slot(b, logical);

	if (!slot->node || slot->logical != logical || slot->node[HEADER_LEVEL] != level)
		return false;
	memcpy(node, slot->node, b->node_size);
	return true;
}

void btrfs_free(struct btrfs *b)
{
	for (size_t i = 0; i < BTRFS_CACHED; i++)
		free(b->cached[i].node);
	free(b->chunk);
}

/* A block of a tree; the second copy where the first is damaged. */
static int read_node(struct btrfs *b, uint64_t logical, unsigned int level, uint8_t *node,
		     struct err *err)
{
	int rc = blk_step(b->blk, err);

	if (rc < 0 || cached_node(b, logical, level, node))
		return rc;
	for (unsigned int copy = 0; copy < 2; copy++) {
		uint64_t physical, left;

		rc = locate(b, logical, copy, &physical, &left, err);
		if (rc == -EOPNOTSUPP && copy)
			break;
		if (rc == 0 && left < b->node_size)
			break;
		if (rc == 0)
			rc = blk_read(b->blk, physical, node, b->node_size, err);
		if (rc < 0 && rc != -ENODATA)
			return rc;
		if (rc == 0 && node_fits(b, node, logical, level)) {
			keep_node(b, logical, node);
			return 0;
		}
	}
	return fail(err, EIO, "a tree is damaged");
}

static uint32_t nr_items(const uint8_t *node)
{
	return get_le32(node + HEADER_ITEMS);
}

static const uint8_t *item_at(const uint8_t *node, unsigned int level, uint32_t slot)
{
	return node + BTRFS_HEADER + (size_t)slot * (level ? POINTER_LEN : ITEM_LEN);
}

/* The last slot of an inner node whose key is not after `key`; of a leaf the first not before it. */
static uint32_t find_slot(const uint8_t *node, unsigned int level, const struct btrfs_key *key)
{
	uint32_t low = 0, high = nr_items(node);

	while (low < high) {
		uint32_t mid = (low + high) / 2;
		struct btrfs_key at = btrfs_get_key(item_at(node, level, mid));
		int order = compare_keys(&at, key);

		if (order < 0 || (level && order == 0))
			low = mid + 1;
		else
			high = mid;
	}
	return level && low ? low - 1 : low;
}

/* From the node at `level` down to a leaf: by key, or (NULL) along the left edge. */
static int descend(struct btrfs_cursor *c, unsigned int level, const struct btrfs_key *key,
		   struct err *err)
{
	while (level--) {
		const uint8_t *node = c->node[level + 1];
		int rc;

		if (!nr_items(node))
			return fail(err, EIO, "a tree is damaged");
		rc = read_node(c->b, get_le64(item_at(node, level + 1, c->slot[level + 1]) +
					      POINTER_BLOCK), level, c->node[level], err);
		if (rc < 0)
			return rc;
		c->slot[level] = key ? find_slot(c->node[level], level, key) : 0;
	}
	return 0;
}

/* The item where the cursor stands: 1; off the end of a leaf: the first of the next one. */
static int settle(struct btrfs_cursor *c, struct err *err)
{
	while (c->slot[0] >= nr_items(c->node[0])) {
		unsigned int level = 1;
		int rc;

		while (level <= c->level && c->slot[level] + 1 >= nr_items(c->node[level]))
			level++;
		if (level > c->level)
			return 0;
		c->slot[level]++;
		rc = descend(c, level, NULL, err);
		if (rc < 0)
			return rc;
	}
	{
		const uint8_t *item = item_at(c->node[0], 0, c->slot[0]);
		size_t offset = get_le32(item + ITEM_OFFSET), len = get_le32(item + ITEM_SIZE);

		if (!inside(offset, len, c->b->node_size - BTRFS_HEADER))
			return fail(err, EIO, "a tree is damaged");
		c->key = btrfs_get_key(item);
		c->data = c->node[0] + BTRFS_HEADER + offset;
		c->len = len;
	}
	return 1;
}

int btrfs_seek(struct btrfs *b, const struct btrfs_root *root, const struct btrfs_key *key,
	       struct btrfs_cursor *c, struct err *err)
{
	int rc;

	if (root->level >= BTRFS_LEVELS)
		return fail(err, EIO, "a tree is damaged");
	c->b = b;
	c->level = root->level;
	for (unsigned int i = 0; i <= root->level; i++) {
		if (!c->node[i])
			c->node[i] = malloc(b->node_size);
		if (!c->node[i])
			return fail_nomem(err);
	}
	rc = read_node(b, root->logical, root->level, c->node[root->level], err);
	if (rc < 0)
		return rc;
	c->slot[root->level] = find_slot(c->node[root->level], root->level, key);
	rc = descend(c, root->level, key, err);
	return rc < 0 ? rc : settle(c, err);
}

int btrfs_next(struct btrfs_cursor *c, struct err *err)
{
	int rc = blk_step(c->b->blk, err);

	if (rc < 0)
		return rc;
	c->slot[0]++;
	return settle(c, err);
}

void scoped_btrfs_cursor(struct btrfs_cursor *c)
{
	int saved = errno;

	for (unsigned int i = 0; i < BTRFS_LEVELS; i++)
		free(c->node[i]);
	*c = (struct btrfs_cursor)BTRFS_CURSOR_INIT;
	errno = saved;
}

/* The superblock has the chunks that the tree of chunks is in, in no order that is promised. */
static int load_system_chunks(struct btrfs *b, const uint8_t *array, size_t len, struct err *err)
{
	size_t at = 0;

	while (at + BTRFS_KEY + CHUNK_FIRST + STRIPE_LEN <= len) {
		struct btrfs_key key = btrfs_get_key(array + at);
		const uint8_t *chunk = array + at + BTRFS_KEY;
		int rc;

		if (key.type != BTRFS_CHUNK_ITEM)
			return fail(err, EIO, "its list of chunks is damaged");
		rc = add_chunk(b, key.offset, chunk, len - at - BTRFS_KEY, err);
		if (rc < 0)
			return rc;
		at += BTRFS_KEY + CHUNK_FIRST + (size_t)get_le16(chunk + CHUNK_STRIPES) * STRIPE_LEN;
	}
	return 0;
}

int btrfs_load_chunks(struct btrfs *b, const uint8_t *array, size_t len, struct err *err)
{
	scoped(btrfs_cursor) struct btrfs_cursor c = BTRFS_CURSOR_INIT;
	const struct btrfs_key first = { 0, 0, 0 };
	struct btrfs all = *b;
	int rc = load_system_chunks(b, array, len, err);

	/* Read through the few that are known, collect in another list. */
	if (rc == 0)
		rc = btrfs_seek(b, &b->chunks, &first, &c, err);
	while (rc > 0) {
		rc = 0;
		if (c.key.type == BTRFS_CHUNK_ITEM && c.len >= CHUNK_FIRST + STRIPE_LEN)
			rc = add_chunk(&all, c.key.offset, c.data, c.len, err);
		if (rc == 0)
			rc = btrfs_next(&c, err);
	}
	if (rc == 0) {
		free(b->chunk);
		b->chunk = all.chunk;
		b->nr_chunks = all.nr_chunks;
		b->cap_chunks = all.cap_chunks;
	} else {
		free(all.chunk);
	}
	return rc;
}
