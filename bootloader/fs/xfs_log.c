/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xfs_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "bootloader/blk/blk.h"
#include "bootloader/blk/bytes.h"

enum {
	BLOCK = 512,		/* what the log is counted in */
	BLOCKS_MAX = 64 * 2048,	/* 64 MiB between tail and head */
	RECORD_MAGIC = (int)0xfeedbabe, RECORD_CYCLE = 4, RECORD_VERSION = 8, RECORD_LEN = 12,
	RECORD_TAIL = 24, RECORD_OPS = 40, RECORD_CYCLES = 44, RECORD_FORMAT = 300,
	RECORD_SIZE = 320, RECORD_COVERS = 64,	/* blocks of data that one header is for */
	RECORD_BLOCKS_MAX = 520,	/* 256 KiB of data, and its headers */
	HEADER_CYCLES = 4,	/* of a further header */
	FORMAT_LINUX_LE = 1,
	OP_LEN = 4, OP_FLAGS = 9, OP_SIZE = 12,
	OP_START = 1, OP_COMMIT = 2, OP_WAS_CONTINUED = 8, OP_UNMOUNT = 0x20,
	REGIONS_MAX = 1 << 20,
};

/* The ring. */
struct ring {
	struct blk *blk;
	uint64_t start, blocks;
	uint8_t block[BLOCK];	/* the one that was read last */
};

static void free_transaction(struct xfs_transaction *t)
{
	for (size_t i = 0; i < t->nr; i++) {
		if (t->regions[i].room)
			free(t->regions[i].data);
	}
	free(t->regions);
	*t = (struct xfs_transaction){ .id = 0 };
}

void scoped_xfs_log(struct xfs_log *log)
{
	for (size_t i = 0; i < log->nr; i++)
		free_transaction(&log->transactions[i]);
	for (size_t i = 0; i < ARRAY_SIZE(log->open); i++)
		free_transaction(&log->open[i]);
	free(log->transactions);
	free(log->records);
	*log = (struct xfs_log){ .clean = false };
}

static int read_block(struct ring *r, uint64_t nr, struct err *err)
{
	return blk_read(r->blk, r->start + nr % r->blocks * BLOCK, r->block, BLOCK, err);
}

/* Each time that the log is filled is a cycle; every block begins with its number. */
static int cycle_of(struct ring *r, uint64_t nr, uint32_t *cycle, struct err *err)
{
	int rc = read_block(r, nr, err);

	*cycle = get_be32(r->block);
	if (*cycle == (uint32_t)RECORD_MAGIC)
		*cycle = get_be32(r->block + RECORD_CYCLE);
	return rc;
}

/* Behind the last block that was written: where the cycle of the first block ends. */
static int find_head(struct ring *r, uint64_t *head, struct err *err)
{
	uint64_t low = 0, high = r->blocks;
	uint32_t first, cycle;
	int rc = cycle_of(r, 0, &first, err);

	while (rc == 0 && high - low > 1) {
		uint64_t mid = low + (high - low) / 2;

		rc = cycle_of(r, mid, &cycle, err);
		if (cycle == first)
			low = mid;
		else
			high = mid;
	}
	*head = high;
	return rc;
}

/* The record before head is in r->block then. */
static int find_record(struct ring *r, uint64_t head, uint64_t *at, struct err *err)
{
	for (uint64_t back = 1; back <= RECORD_BLOCKS_MAX && back < r->blocks; back++) {
		int rc = read_block(r, head + r->blocks - back, err);

		if (rc < 0)
			return rc;
		*at = head + r->blocks - back;
		if (get_be32(r->block) == (uint32_t)RECORD_MAGIC)
			return 0;
	}
	return fail(err, EIO, "its log has no record");
}

static uint64_t record_headers(const uint8_t *record)
{
	uint32_t size = get_be32(record + RECORD_SIZE);

	if (!(get_be32(record + RECORD_VERSION) & 2) || size <= RECORD_COVERS * BLOCK)
		return 1;
	return (size + (RECORD_COVERS * BLOCK - 1ull)) / (RECORD_COVERS * BLOCK);
}

static uint64_t record_blocks(const uint8_t *record)
{
	return (get_be32(record + RECORD_LEN) + (BLOCK - 1ull)) / BLOCK;
}

/* What an unmount writes is a record of one operation, and nothing follows. */
static int is_clean(struct ring *r, uint64_t head, uint64_t at, bool *clean, struct err *err)
{
	uint64_t data = at + record_headers(r->block), end = data + record_blocks(r->block);
	bool one = get_be32(r->block + RECORD_OPS) == 1 && end % r->blocks == head % r->blocks;
	int rc = read_block(r, data, err);

	*clean = rc == 0 && one && r->block[OP_FLAGS] & OP_UNMOUNT;
	return rc;
}

static int read_records(struct ring *r, uint64_t tail, uint64_t blocks, struct xfs_log *log,
			struct err *err)
{
	uint64_t first = blocks < r->blocks - tail ? blocks : r->blocks - tail;
	int rc;

	if (blocks > BLOCKS_MAX)
		return fail(err, EFBIG, "its log has more than %d MiB to replay",
			    BLOCKS_MAX / 2048);
	log->records = malloc((size_t)blocks * BLOCK);
	if (!log->records)
		return fail_nomem(err);
	rc = blk_read(r->blk, r->start + tail * BLOCK, log->records, (size_t)first * BLOCK, err);
	return rc < 0 ? rc : blk_read(r->blk, r->start, log->records + first * BLOCK,
				      (size_t)(blocks - first) * BLOCK, err);
}

static void *more(void *array, size_t nr, size_t *cap, size_t size)
{
	void *p = array;

	if (nr == *cap) {
		p = reallocarray(array, *cap ? *cap * 2 : 64, size);
		if (p)
			*cap = *cap ? *cap * 2 : 64;
	}
	return p;
}

static struct xfs_transaction *find_open(struct xfs_log *log, uint32_t id, bool make)
{
	struct xfs_transaction *unused = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(log->open); i++) {
		if (log->open[i].open && log->open[i].id == id)
			return &log->open[i];
		if (!log->open[i].open)
			unused = &log->open[i];
	}
	if (make && unused)
		*unused = (struct xfs_transaction){ .id = id, .open = true };
	return make ? unused : NULL;
}

static int add_region(struct xfs_transaction *t, uint8_t *data, uint32_t len, struct err *err)
{
	void *p = more(t->regions, t->nr, &t->cap, sizeof(*t->regions));

	if (!p)
		return fail_nomem(err);
	t->regions = p;
	if (t->nr == REGIONS_MAX)
		return fail(err, EFBIG, "its log has too large a transaction");
	t->regions[t->nr++] = (struct xfs_region){ data, len, 0 };
	return 0;
}

/* The rest of a piece whose start was in the record before. Room doubles: it may come byte by byte. */
static int continue_region(struct xfs_transaction *t, const uint8_t *data, uint32_t len,
			   struct err *err)
{
	struct xfs_region *r = t->nr ? &t->regions[t->nr - 1] : NULL;
	size_t want;
	uint8_t *p;

	if (!r)
		return fail(err, EIO, "its log is damaged");
	want = (size_t)r->len + len;
	if (want > r->room) {
		p = realloc(r->room ? r->data : NULL, 2 * want);
		if (!p)
			return fail_nomem(err);
		if (!r->room)
			memcpy(p, r->data, r->len);
		r->data = p;
		r->room = (uint32_t)(2 * want);
	}
	memcpy(r->data + r->len, data, len);
	r->len = (uint32_t)want;
	return 0;
}

static int commit(struct xfs_log *log, struct xfs_transaction *t, struct err *err)
{
	void *p = more(log->transactions, log->nr, &log->cap, sizeof(*log->transactions));

	if (!p)
		return fail_nomem(err);
	log->transactions = p;
	log->transactions[log->nr++] = *t;
	*t = (struct xfs_transaction){ .id = 0 };
	return 0;
}

static int take_op(struct xfs_log *log, const uint8_t *op, uint8_t *data, uint32_t len,
		   struct err *err)
{
	struct xfs_transaction *t = find_open(log, get_be32(op), op[OP_FLAGS] & OP_START);

	/* What began before the tail is on the disk. */
	if (!t)
		return op[OP_FLAGS] & OP_START ? fail(err, EIO, "its log is damaged") : 0;
	if (op[OP_FLAGS] & OP_COMMIT)
		return commit(log, t, err);
	if (!len)
		return 0;
	return op[OP_FLAGS] & OP_WAS_CONTINUED ? continue_region(t, data, len, err) :
		add_region(t, data, len, err);
}

/* Each block's first word made room for the cycle's number, and is in the headers. */
static void unpack_cycles(uint8_t *record, uint64_t headers, uint64_t blocks)
{
	uint8_t *data = record + headers * BLOCK;

	for (uint64_t i = 0; i < blocks && i / RECORD_COVERS < headers; i++) {
		const uint8_t *header = record + i / RECORD_COVERS * BLOCK;
		size_t cycles = i < RECORD_COVERS ? RECORD_CYCLES : HEADER_CYCLES;

		memcpy(data + i * BLOCK, header + cycles + i % RECORD_COVERS * 4, 4);
	}
}

static int take_record(struct xfs_log *log, uint8_t *record, uint64_t headers, struct err *err)
{
	uint64_t len = get_be32(record + RECORD_LEN), at = 0;
	uint8_t *data = record + headers * BLOCK;
	int rc = 0;

	unpack_cycles(record, headers, record_blocks(record));
	for (uint32_t ops = get_be32(record + RECORD_OPS); ops && rc == 0; ops--) {
		const uint8_t *op = data + at;
		uint32_t size;

		if (!inside(at, OP_SIZE, len))
			break;
		size = get_be32(op + OP_LEN);
		at += OP_SIZE;
		if (!inside(at, size, len))
			break;
		rc = take_op(log, op, data + at, size, err);
		at += size;
	}
	return rc;
}

/* Record by record, as far as they are of this time round. */
static int take_records(struct ring *r, struct xfs_log *log, uint64_t tail, uint32_t cycle,
			uint64_t blocks, struct err *err)
{
	int rc = 0;

	for (uint64_t at = 0; at < blocks && rc == 0;) {
		uint8_t *record = log->records + at * BLOCK;
		uint64_t headers = record_headers(record), len = record_blocks(record);

		rc = blk_step(r->blk, err);
		if (get_be32(record) != (uint32_t)RECORD_MAGIC ||
		    get_be32(record + RECORD_CYCLE) != cycle + (tail + at >= r->blocks) ||
		    get_be32(record + RECORD_FORMAT) != FORMAT_LINUX_LE ||
		    !inside(at, headers + len, blocks))
			break;
		if (rc == 0)
			rc = take_record(log, record, headers, err);
		at += headers + len;
	}
	return rc;
}

int xfs_log_read(struct blk *blk, uint64_t start, uint64_t size, struct xfs_log *out,
		 struct err *err)
{
	struct ring r = { .blk = blk, .start = start, .blocks = size / BLOCK };
	scoped(xfs_log) struct xfs_log log = { .clean = false };
	uint64_t head, at = 0, tail, blocks;
	int rc;

	if (r.blocks < 2 || !inside(start, size, blk->size))
		return fail(err, EIO, "its log is not inside of it");
	rc = find_head(&r, &head, err);
	if (rc == 0)
		rc = find_record(&r, head, &at, err);
	if (rc < 0)
		return rc;
	tail = get_be64(r.block + RECORD_TAIL);
	rc = is_clean(&r, head, at, &log.clean, err);
	if (rc == 0 && !log.clean) {
		uint64_t block = tail & UINT32_MAX;

		if (block >= r.blocks)
			return fail(err, EIO, "its log is damaged");
		blocks = (head + r.blocks - block - 1) % r.blocks + 1;
		rc = read_records(&r, block, blocks, &log, err);
		if (rc == 0)
			rc = take_records(&r, &log, block, (uint32_t)(tail >> 32), blocks, err);
	}
	if (rc < 0)
		return rc;
	*out = log;
	log = (struct xfs_log){ .clean = false };
	return 0;
}
