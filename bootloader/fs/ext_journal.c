/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * jbd2's journal (Linux, Documentation/filesystems/ext4/journal.rst): a ring of blocks, of
 * which a superblock tells the first one in use. A transaction is descriptor blocks,
 * each followed by the blocks that it names, revoke blocks, and a commit block. All of
 * its own numbers are big-endian. Fast commits (not mkfs's default), which have blocks of their
 * own behind the ring, are seen but not replayed.
 */
#include "ext.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "bootloader/blk/blk.h"
#include "bootloader/blk/bytes.h"
#include "bootloader/blk/crc32c.h"
#include "runs.h"

enum {
	JOURNAL_MAGIC_LEN = 4, HEADER_TYPE = 4, HEADER_SEQUENCE = 8, HEADER_LEN = 12,
	TYPE_DESCRIPTOR = 1, TYPE_COMMIT = 2, TYPE_SUPER_V2 = 4, TYPE_REVOKE = 5,
	SUPER_BLOCK_SIZE = 12, SUPER_MAX = 16, SUPER_FIRST = 20, SUPER_SEQUENCE = 24,
	SUPER_START = 28, SUPER_INCOMPAT = 40, SUPER_UUID = 48, SUPER_FAST_BLOCKS = 84,
	SUPER_LEN = 1024,
	INCOMPAT_64BIT = 2, INCOMPAT_CSUM_V2 = 8, INCOMPAT_CSUM_V3 = 16,
	INCOMPAT_FAST_COMMIT = 32, INCOMPAT_KNOWN = 63,
	FAST_BLOCKS_DEFAULT = 256, FAST_TAG_HEAD = 9, FAST_TRANSACTION = 8,
	COMMIT_CHECKSUM = 16, REVOKE_COUNT = 12, REVOKE_FIRST = 16,
	TAG_ESCAPED = 1, TAG_SAME_UUID = 2, TAG_LAST = 8,
};

static const uint8_t journal_magic[JOURNAL_MAGIC_LEN] = { 0xc0, 0x3b, 0x39, 0x98 };

struct revoked {
	uint64_t block;
	uint32_t sequence;
};

struct scan {
	struct blk *blk;
	const struct runs *runs;
	struct ext_journal *journal;
	uint32_t first, end;		/* the ring: blocks first..end-1 */
	uint32_t at, sequence;
	uint32_t turns;			/* blocks passed; never more than the ring has */
	bool wide;			/* 64-bit block numbers */
	bool fast;			/* behind the ring are blocks for fast commits */
	uint8_t *block;			/* one block, owned */
	/* Up to `committed` they are of whole transactions. */
	size_t cap, nr, committed;
	struct revoked *revoked;	/* owned */
	size_t revoked_cap, revoked_nr, revoked_committed;
};

static void scoped_scan(struct scan *s)
{
	free(s->block);
	free(s->revoked);
}

/* One more of `size` bytes in a growing array. */
static void *more(void *array, size_t nr, size_t *cap, size_t size)
{
	void *p;

	if (nr < *cap)
		return array;
	p = reallocarray(array, *cap ? *cap * 2 : 64, size);
	if (p)
		*cap = *cap ? *cap * 2 : 64;
	return p;
}

static int read_block(struct scan *s, uint32_t nr, struct err *err)
{
	uint64_t physical, len;
	int rc = blk_step(s->blk, err);

	if (rc < 0)
		return rc;
	if (!runs_find(s->runs, nr, &physical, &len) ||
	    physical > UINT64_MAX / s->journal->block_size - 1)
		return fail(err, EIO, "its journal has a hole");
	return blk_read(s->blk, physical * s->journal->block_size, s->block,
			s->journal->block_size, err);
}

static void advance(struct scan *s, uint32_t blocks)
{
	uint32_t ring = s->end - s->first;

	s->turns = blocks > ring - s->turns ? ring : s->turns + blocks;
	blocks %= ring;
	s->at = blocks < s->end - s->at ? s->at + blocks : s->first + (blocks - (s->end - s->at));
}

/* The checksum of a block whose own field of it counts as zero. */
static bool block_intact(const struct scan *s, size_t field)
{
	static const uint8_t zero[4];
	uint32_t sum;

	if (s->journal->checksum == EXT_CHECKSUM_NONE)
		return true;
	sum = crc32c(s->journal->seed, s->block, field);
	sum = crc32c(sum, zero, sizeof(zero));
	sum = crc32c(sum, s->block + field + 4, s->journal->block_size - field - 4);
	return sum == get_be32(s->block + field);
}

static size_t tail(const struct scan *s)
{
	return s->journal->checksum == EXT_CHECKSUM_NONE ? 0 : 4;
}

static size_t tag_len(const struct scan *s)
{
	if (s->journal->checksum == EXT_CHECKSUM_V3)
		return 16;
	return (s->wide ? 12 : 8) + (s->journal->checksum == EXT_CHECKSUM_V2 ? 2 : 0);
}

/* One tag of a descriptor. */
static void read_tag(const struct scan *s, const uint8_t *p, struct ext_logged *to,
		     uint32_t *flags)
{
	to->block = get_be32(p) | (s->wide ? (uint64_t)get_be32(p + 8) << 32 : 0);
	if (s->journal->checksum == EXT_CHECKSUM_V3) {
		*flags = get_be32(p + 4);
		to->checksum = get_be32(p + 12);
	} else {
		to->checksum = get_be16(p + 4);
		*flags = get_be16(p + 6);
	}
	to->escaped = *flags & TAG_ESCAPED;
}

static int add_logged(struct scan *s, const struct ext_logged *logged, struct err *err)
{
	struct ext_logged *array = more(s->journal->logged, s->nr, &s->cap, sizeof(*array));

	if (!array)
		return fail_nomem(err);
	s->journal->logged = array;
	array[s->nr++] = *logged;
	return 0;
}

/* Takes down the blocks that follow; false: it is damaged. */
static int read_descriptor(struct scan *s, bool *intact, struct err *err)
{
	size_t end = s->journal->block_size - tail(s), at = HEADER_LEN;
	uint32_t flags = 0;

	*intact = block_intact(s, s->journal->block_size - 4);
	advance(s, 1);
	while (*intact && !(flags & TAG_LAST) && at + tag_len(s) <= end) {
		struct ext_logged logged = { .sequence = s->sequence };
		uint64_t len;
		int rc = blk_step(s->blk, err);

		if (rc < 0)
			return rc;
		read_tag(s, s->block + at, &logged, &flags);
		at += tag_len(s) + (flags & TAG_SAME_UUID ? 0 : 16);
		*intact = runs_find(s->runs, s->at, &logged.copy, &len) &&
			s->turns < s->end - s->first;
		rc = *intact ? add_logged(s, &logged, err) : 0;
		if (rc < 0)
			return rc;
		advance(s, 1);
	}
	return 0;
}

static int read_revoke(struct scan *s, bool *intact, struct err *err)
{
	size_t used = get_be32(s->block + REVOKE_COUNT), len = s->wide ? 8 : 4;

	*intact = block_intact(s, s->journal->block_size - 4) &&
		used <= s->journal->block_size - tail(s);
	for (size_t at = REVOKE_FIRST; *intact && at + len <= used; at += len) {
		const uint8_t *p = s->block + at;
		struct revoked *array = more(s->revoked, s->revoked_nr, &s->revoked_cap,
					     sizeof(*array));

		if (!array)
			return fail_nomem(err);
		s->revoked = array;
		array[s->revoked_nr++] = (struct revoked){
			s->wide ? get_be64(p) : get_be32(p), s->sequence,
		};
	}
	advance(s, 1);
	return 0;
}

/* The log ends where the next block is not the one expected. */
static int scan_log(struct scan *s, struct err *err)
{
	bool intact = true;

	while (intact && s->turns < s->end - s->first) {
		int rc = read_block(s, s->at, err);

		if (rc < 0)
			return rc;
		if (memcmp(s->block, journal_magic, sizeof(journal_magic)) != 0 ||
		    get_be32(s->block + HEADER_SEQUENCE) != s->sequence)
			break;
		switch (get_be32(s->block + HEADER_TYPE)) {
		case TYPE_DESCRIPTOR:
			rc = read_descriptor(s, &intact, err);
			break;
		case TYPE_REVOKE:
			rc = read_revoke(s, &intact, err);
			break;
		case TYPE_COMMIT:
			intact = block_intact(s, COMMIT_CHECKSUM);
			if (!intact)
				break;
			s->committed = s->nr;
			s->revoked_committed = s->revoked_nr;
			s->sequence++;
			advance(s, 1);
			break;
		default:
			intact = false;
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Transaction numbers wrap around. */
static int by_sequence(uint32_t a, uint32_t b)
{
	return a == b ? 0 : (int32_t)(a - b) < 0 ? -1 : 1;
}

static int logged_order(const void *va, const void *vb)
{
	const struct ext_logged *a = va, *b = vb;

	if (a->block != b->block)
		return a->block < b->block ? -1 : 1;
	return by_sequence(a->sequence, b->sequence);
}

static int revoked_order(const void *va, const void *vb)
{
	const struct revoked *a = va, *b = vb;

	if (a->block != b->block)
		return a->block < b->block ? -1 : 1;
	return by_sequence(a->sequence, b->sequence);
}

/* What is left after a replay: the last copy of each block, unless revoked with it or later. */
static void settle(struct scan *s)
{
	struct ext_logged *logged = s->journal->logged;
	size_t nr = 0, r = 0;

	if (s->committed)
		qsort(logged, s->committed, sizeof(*logged), logged_order);
	if (s->revoked_committed)
		qsort(s->revoked, s->revoked_committed, sizeof(*s->revoked), revoked_order);
	for (size_t i = 0; i < s->committed; i++) {
		const struct revoked *last = NULL;

		if (i + 1 < s->committed && logged[i + 1].block == logged[i].block)
			continue;
		for (; r < s->revoked_committed && s->revoked[r].block <= logged[i].block; r++)
			last = s->revoked + r;
		if (!last || last->block != logged[i].block ||
		    by_sequence(logged[i].sequence, last->sequence) > 0)
			logged[nr++] = logged[i];
	}
	s->journal->nr = nr;
}

/* False: there is nothing to replay. */
static bool read_super(struct scan *s, struct ext_journal *journal)
{
	const uint8_t *p = s->block;
	uint32_t incompat, max = get_be32(p + SUPER_MAX), fast;

	if (memcmp(p, journal_magic, sizeof(journal_magic)) != 0 ||
	    get_be32(p + SUPER_BLOCK_SIZE) != journal->block_size)
		return false;
	incompat = get_be32(p + HEADER_TYPE) == TYPE_SUPER_V2 ? get_be32(p + SUPER_INCOMPAT) : 0;
	if (incompat & ~(uint32_t)INCOMPAT_KNOWN)
		return false;
	s->wide = incompat & INCOMPAT_64BIT;
	journal->checksum = incompat & INCOMPAT_CSUM_V3 ? EXT_CHECKSUM_V3 :
		incompat & INCOMPAT_CSUM_V2 ? EXT_CHECKSUM_V2 : EXT_CHECKSUM_NONE;
	journal->seed = crc32c(~0u, p + SUPER_UUID, 16);
	s->fast = incompat & INCOMPAT_FAST_COMMIT;
	if (s->fast) {
		fast = get_be32(p + SUPER_FAST_BLOCKS);
		fast = fast ? fast : FAST_BLOCKS_DEFAULT;
		max = fast < max ? max - fast : 0;
	}
	s->first = get_be32(p + SUPER_FIRST);
	s->end = max;
	s->at = get_be32(p + SUPER_START);
	s->sequence = get_be32(p + SUPER_SEQUENCE);
	return s->at && s->first < s->end && s->at >= s->first && s->at < s->end;
}

/*
 * Fast commits are good on top of the last whole transaction only; their numbers are little-endian.
 * Linux leaves one block free between the ring and them.
 */
static int look_for_fast(struct scan *s, struct err *err)
{
	int rc = s->fast ? read_block(s, s->end + 1, err) : -ENODATA;

	if (rc == -ENOMEM || rc == -ETIME)
		return rc;
	if (rc == 0)
		s->journal->fast = get_le16(s->block) == FAST_TAG_HEAD &&
			get_le32(s->block + FAST_TRANSACTION) == s->sequence;
	return 0;
}

int ext_journal_scan(struct blk *blk, const struct runs *runs, uint32_t block_size,
		     struct ext_journal *journal, struct err *err)
{
	scoped(scan) struct scan s = { .blk = blk, .runs = runs, .journal = journal };
	int rc;

	*journal = (struct ext_journal){ .block_size = block_size };
	s.block = malloc(block_size);
	if (!s.block)
		return fail_nomem(err);
	rc = read_block(&s, 0, err);
	if (rc < 0 || !read_super(&s, journal))
		return rc;
	rc = scan_log(&s, err);
	if (rc == 0)
		rc = look_for_fast(&s, err);
	if (rc < 0)
		return rc;
	settle(&s);
	return 0;
}

void ext_journal_free(struct ext_journal *journal)
{
	free(journal->logged);
	*journal = (struct ext_journal){ .nr = 0 };
}

/* The first logged block at or after `block`. */
static size_t find_logged(const struct ext_journal *j, uint64_t block)
{
	size_t low = 0, high = j->nr;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (j->logged[mid].block < block)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool copy_intact(const struct ext_journal *j, const struct ext_logged *l,
			const uint8_t *data)
{
	uint8_t sequence[4] = {
		(uint8_t)(l->sequence >> 24), (uint8_t)(l->sequence >> 16),
		(uint8_t)(l->sequence >> 8), (uint8_t)l->sequence,
	};
	uint32_t sum;

	if (j->checksum == EXT_CHECKSUM_NONE)
		return true;
	sum = crc32c(crc32c(j->seed, sequence, sizeof(sequence)), data, j->block_size);
	return j->checksum == EXT_CHECKSUM_V3 ? sum == l->checksum : (sum & 0xffff) == l->checksum;
}

/* A part of one block as the journal has it; of the disk when the copy is damaged. */
static int read_logged(struct blk *blk, const struct ext_journal *j, const struct ext_logged *l,
		       size_t skip, uint8_t *buf, size_t len, struct err *err)
{
	scoped(free) uint8_t *data = malloc(j->block_size);
	int rc;

	if (!data)
		return fail_nomem(err);
	if (l->copy > UINT64_MAX / j->block_size - 1)
		return fail(err, EIO, "its journal is damaged");
	rc = blk_read(blk, l->copy * j->block_size, data, j->block_size, err);
	if (rc < 0)
		return rc;
	if (!copy_intact(j, l, data))
		return blk_read(blk, l->block * j->block_size + skip, buf, len, err);
	if (l->escaped)
		memcpy(data, journal_magic, sizeof(journal_magic));
	memcpy(buf, data + skip, len);
	return 0;
}

int ext_journal_read(struct blk *blk, const struct ext_journal *j, uint64_t offset, void *buf,
		     size_t len, struct err *err)
{
	uint8_t *to = buf;
	size_t i;

	if (!inside(offset, len, blk->size))
		return fail(err, EIO, "it points beyond its end");
	if (!j->nr)
		return blk_read(blk, offset, buf, len, err);
	i = find_logged(j, offset / j->block_size);
	while (len) {
		uint64_t next = i < j->nr ? j->logged[i].block : UINT64_MAX;
		uint64_t part = len, block = offset / j->block_size;
		size_t skip = offset % j->block_size;
		int rc;

		if (block == next) {
			part = part < j->block_size - skip ? part : j->block_size - skip;
			rc = read_logged(blk, j, &j->logged[i++], skip, to, (size_t)part, err);
		} else {
			/* Up to the next block that the journal has. */
			uint64_t room = (next - block) > len / j->block_size + 1 ? len :
				(next - block) * j->block_size - skip;

			part = part < room ? part : room;
			rc = blk_read(blk, offset, to, (size_t)part, err);
		}
		if (rc < 0)
			return rc;
		to += part;
		offset += part;
		len -= (size_t)part;
	}
	return 0;
}
