/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * XFS, versions 4 and 5 (XFS Algorithms & Data Structures, 3rd edition), as its log
 * would leave it. Numbers are big-endian, checksums are not.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "bootloader/blk/blk.h"
#include "bootloader/blk/bytes.h"
#include "bootloader/blk/crc32c.h"
#include "bootloader/blk/overlay.h"
#include "fs.h"
#include "runs.h"
#include "xfs_log.h"

enum {
	SB_BLOCK_SIZE = 4, SB_BLOCKS = 8, SB_UUID = 32, SB_LOG = 48, SB_ROOT = 56,
	SB_AG_BLOCKS = 84, SB_AG_COUNT = 88, SB_LOG_BLOCKS = 96, SB_VERSION = 100,
	SB_INODE_SIZE = 104, SB_LABEL = 108, SB_LABEL_LEN = 12,
	SB_BLOCK_LOG = 120, SB_INODE_LOG = 122, SB_INODES_LOG = 123, SB_AG_LOG = 124,
	SB_DIR_LOG = 192, SB_FEATURES2 = 200, SB_INCOMPAT = 216, SB_LEN = 512,
	VERSION_MASK = 0xf, VERSION_DIR2 = 0x2000, FEATURES2_FTYPE = 0x200,
	INCOMPAT_FTYPE = 0x1, INCOMPAT_NREXT64 = 0x20,
	/* ftype, sparse inodes, another uuid, big times, needs repair, many extents, exchange,
	   parent pointers, folder of metadata: none of it is in the way of reading files. */
	INCOMPAT_READ = 0x1ff,
	INODE_MODE = 2, INODE_VERSION = 4, INODE_FORMAT = 5, INODE_BIG_EXTENTS = 24,
	INODE_SIZE = 56, INODE_EXTENTS = 76, INODE_FORK = 82, INODE_FLAGS = 90, INODE_CRC = 100,
	INODE_FLAGS2 = 120, INODE_NUMBER = 152, INODE_LEN2 = 100, INODE_LEN3 = 176,
	FLAG_REALTIME = 1, FLAG2_NREXT64 = 1 << 4,
	FORMAT_LOCAL = 1, FORMAT_EXTENTS = 2, FORMAT_BTREE = 3,
	EXTENT_LEN = 16, TREE_LEVELS_MAX = 10,
	TREE_HEADER4 = 24, TREE_HEADER5 = 72, TREE_CRC = 64,
	DIR_HEADER4 = 16, DIR_HEADER5 = 64, DIR_CRC = 4, DIR_TAIL = 8, DIR_UNUSED = 0xffff,
	LINK_HEADER = 56,
};

/* Folders keep names below this byte of themselves, and indexes of them above. */
static const uint64_t dir_names_end = 32ull << 30;

struct geometry {
	uint32_t block_size, ag_blocks, ag_count, inode_size, dir_size;
	unsigned int ag_log, inodes_log;	/* bits of a block in a group, of an inode in a block */
	bool v5, ftype;
	bool checked;		/* checksums are right; the log's contents come without */
};

/* An inode, its data fork, and where its blocks are. */
struct file {
	uint64_t ino;		/* 0: none */
	uint8_t *inode;		/* owned, inode_size bytes */
	const uint8_t *fork;
	size_t fork_len;
	struct runs runs;
};

struct xfs {
	struct geometry g;
	struct file last;	/* what was read last: files are read in pieces */
	struct blk *disk;	/* borrowed: without the log's contents */
	struct blk *overlay;	/* owned: with them; or NULL */
};

static void scoped_inode(struct file *f)
{
	int saved = errno;

	free(f->inode);
	scoped_runs(&f->runs);
	*f = (struct file){ .ino = 0 };
	errno = saved;
}

static int damaged(struct err *err, const char *what)
{
	return fail(err, EIO, "%s is damaged", what);
}

/* Group and block within it as a block of the device. */
static int linear_block(const struct geometry *g, uint64_t block, uint64_t *out, struct err *err)
{
	uint64_t ag = block >> g->ag_log, within = block & ((1ull << g->ag_log) - 1);

	if (ag >= g->ag_count || within >= g->ag_blocks)
		return fail(err, EIO, "a block beyond its end is used");
	*out = ag * g->ag_blocks + within;
	return 0;
}

static bool intact(const struct geometry *g, const uint8_t *data, size_t len, size_t crc_at)
{
	static const uint8_t zero[4];
	uint32_t crc;

	if (!g->checked)
		return true;
	crc = crc32c(~0u, data, crc_at);
	crc = crc32c(crc, zero, sizeof(zero));
	crc = crc32c(crc, data + crc_at + 4, len - crc_at - 4);
	return ~crc == get_le32(data + crc_at);
}

static int add_extents(struct fs *fs, struct file *f, const uint8_t *p, uint64_t nr,
		       struct err *err)
{
	const struct geometry *g = &((struct xfs *)fs->priv)->g;

	for (uint64_t i = 0; i < nr; i++, p += EXTENT_LEN) {
		uint64_t l0 = get_be64(p), l1 = get_be64(p + 8), block;
		uint64_t len = l1 & 0x1fffff;
		int rc = blk_step(fs->blk, err);

		if (rc == 0)
			rc = linear_block(g, (l0 & 0x1ff) << 43 | l1 >> 21, &block, err);
		/* Allocated but never written reads as zeroes, which is what a gap does. */
		if (rc == 0 && !(l0 >> 63))
			rc = runs_add(&f->runs, (l0 & ~(1ull << 63)) >> 9, block, len, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A block of a file's extent tree into buf; its level and number of records. */
static int read_tree_block(struct fs *fs, uint64_t block, uint8_t *buf, unsigned int level,
			   uint16_t *records, struct err *err)
{
	const struct geometry *g = &((struct xfs *)fs->priv)->g;
	size_t room = g->block_size - (g->v5 ? TREE_HEADER5 : TREE_HEADER4);
	uint64_t at;
	int rc = blk_step(fs->blk, err);

	if (rc == 0)
		rc = linear_block(g, block, &at, err);
	if (rc == 0)
		rc = blk_read(fs->blk, at * g->block_size, buf, g->block_size, err);
	if (rc < 0)
		return rc;
	*records = get_be16(buf + 6);
	if (memcmp(buf, g->v5 ? "BMA3" : "BMAP", 4) != 0 || get_be16(buf + 4) != level ||
	    *records > room / EXTENT_LEN || !intact(g, buf, g->block_size, TREE_CRC))
		return damaged(err, "the tree of a file's extents");
	return 0;
}

/* Down the left edge, then along the leaves. */
static int load_tree(struct fs *fs, struct file *f, struct err *err)
{
	const struct geometry *g = &((struct xfs *)fs->priv)->g;
	size_t header = g->v5 ? TREE_HEADER5 : TREE_HEADER4;
	scoped(free) uint8_t *buf = malloc(g->block_size);
	unsigned int level = get_be16(f->fork);
	size_t root_max = (f->fork_len - 4) / EXTENT_LEN;
	uint16_t records = get_be16(f->fork + 2);
	uint64_t next;
	int rc = 0;

	if (!buf)
		return fail_nomem(err);
	if (!level || level > TREE_LEVELS_MAX || !records || records > root_max)
		return damaged(err, "the tree of a file's extents");
	next = get_be64(f->fork + 4 + root_max * 8);
	while (rc == 0 && level--) {
		rc = read_tree_block(fs, next, buf, level, &records, err);
		if (rc == 0 && level)
			next = get_be64(buf + header + (g->block_size - header) / EXTENT_LEN * 8);
	}
	while (rc == 0) {
		rc = add_extents(fs, f, buf + header, records, err);
		next = get_be64(buf + 16);
		if (rc < 0 || next == UINT64_MAX)
			break;
		rc = read_tree_block(fs, next, buf, 0, &records, err);
	}
	return rc;
}

static int load_runs(struct fs *fs, struct file *f, struct err *err)
{
	const uint8_t *p = f->inode;
	bool many = p[INODE_VERSION] == 3 && get_be64(p + INODE_FLAGS2) & FLAG2_NREXT64;
	uint64_t nr = many ? get_be64(p + INODE_BIG_EXTENTS) : get_be32(p + INODE_EXTENTS);

	if (get_be16(p + INODE_FLAGS) & FLAG_REALTIME)
		return fail(err, EOPNOTSUPP, "a file is on a realtime device");
	switch (p[INODE_FORMAT]) {
	case FORMAT_LOCAL:
		return 0;
	case FORMAT_EXTENTS:
		if (nr > f->fork_len / EXTENT_LEN)
			return damaged(err, "a file's list of extents");
		return add_extents(fs, f, f->fork, nr, err);
	case FORMAT_BTREE:
		if (f->fork_len < 4 + EXTENT_LEN)
			return damaged(err, "the tree of a file's extents");
		return load_tree(fs, f, err);
	default:
		return damaged(err, "an inode");
	}
}

static int read_inode(struct fs *fs, uint64_t ino, uint8_t *p, struct err *err)
{
	const struct geometry *g = &((struct xfs *)fs->priv)->g;
	uint64_t block, index = ino & ((1ull << g->inodes_log) - 1);
	int rc = blk_step(fs->blk, err);

	if (rc == 0)
		rc = linear_block(g, ino >> g->inodes_log, &block, err);
	if (rc == 0)
		rc = blk_read(fs->blk, block * g->block_size + index * g->inode_size, p,
			      g->inode_size, err);
	if (rc < 0)
		return rc;
	if (get_be16(p) != 0x494e || (p[INODE_VERSION] == 3) != g->v5 ||
	    (g->v5 && get_be64(p + INODE_NUMBER) != ino) ||
	    !intact(g, p, g->inode_size, INODE_CRC))
		return damaged(err, "an inode");
	return 0;
}

/* Everything about a file but its contents. */
static int open_file(struct fs *fs, uint64_t ino, struct file *out, struct err *err)
{
	const struct geometry *g = &((struct xfs *)fs->priv)->g;
	scoped(inode) struct file f = { .ino = ino };
	size_t start = g->v5 ? INODE_LEN3 : INODE_LEN2;
	int rc;

	f.inode = malloc(g->inode_size);
	if (!f.inode)
		return fail_nomem(err);
	rc = read_inode(fs, ino, f.inode, err);
	if (rc < 0)
		return rc;
	f.fork = f.inode + start;
	f.fork_len = g->inode_size - start;
	if (f.inode[INODE_FORK]) {
		if (f.inode[INODE_FORK] * 8u > f.fork_len)
			return damaged(err, "an inode");
		f.fork_len = f.inode[INODE_FORK] * 8u;
	}
	rc = load_runs(fs, &f, err);
	if (rc < 0)
		return rc;
	*out = f;
	f = (struct file){ .ino = 0 };
	return 0;
}

static int read_runs(struct fs *fs, const struct file *f, uint64_t offset, uint8_t *to, size_t len,
		     struct err *err)
{
	uint64_t size = ((struct xfs *)fs->priv)->g.block_size;
	int rc = 0;

	while (rc == 0 && len) {
		uint64_t physical, blocks, part = len, skip = offset % size;
		bool mapped = runs_find(&f->runs, offset / size, &physical, &blocks);

		if (blocks <= len / size + 1 && part > blocks * size - skip)
			part = blocks * size - skip;
		if (mapped)
			rc = blk_read(fs->blk, physical * size + skip, to, (size_t)part, err);
		else
			memset(to, 0, (size_t)part);
		to += part;
		offset += part;
		len -= (size_t)part;
	}
	return rc;
}

static int xfs_load(struct fs *fs, struct fs_node *node, struct err *err)
{
	scoped(free) uint8_t *p = malloc(((struct xfs *)fs->priv)->g.inode_size);
	int rc;

	if (!p)
		return fail_nomem(err);
	rc = read_inode(fs, node->id[0], p, err);
	if (rc < 0)
		return rc;
	node->size = get_be64(p + INODE_SIZE);
	switch (get_be16(p + INODE_MODE) >> 12) {
	case 4:
		node->kind = FS_DIR;
		break;
	case 8:
		node->kind = FS_FILE;
		break;
	case 10:
		node->kind = FS_LINK;
		break;
	default:
		node->kind = FS_OTHER;
	}
	return 0;
}

static int give(struct fs *fs, const uint8_t *name, size_t len, uint64_t ino, fs_entry_fn fn,
		void *ctx, struct err *err)
{
	struct fs_node node = { .id = { ino } };
	int rc = blk_step(fs->blk, err);

	if (rc < 0 || !len || memchr(name, '/', len) || memchr(name, '\0', len) ||
	    (len <= 2 && memcmp(name, "..", len) == 0))
		return rc;
	return fn(ctx, (const char *)name, len, &node);
}

/* A folder that fits into its inode: entries without "." and "..". */
static int list_short(struct fs *fs, const struct file *f, fs_entry_fn fn, void *ctx,
		      struct err *err)
{
	bool ftype = ((struct xfs *)fs->priv)->g.ftype;
	const uint8_t *p = f->fork;
	unsigned int count = p[0], ino_len = p[1] ? 8 : 4;
	size_t at = 2 + ino_len;

	if (p[1])
		count = p[1] > p[0] ? p[1] : p[0];
	for (unsigned int i = 0; i < count; i++) {
		size_t len, end;
		const uint8_t *ino;
		int rc;

		if (at + 3 > f->fork_len)
			return damaged(err, "a folder");
		len = p[at];
		end = at + 3 + len + ftype + ino_len;
		if (end > f->fork_len)
			return damaged(err, "a folder");
		ino = p + end - ino_len;
		rc = give(fs, p + at + 3, len, ino_len == 8 ? get_be64(ino) : get_be32(ino), fn,
			  ctx, err);
		if (rc)
			return rc;
		at = end;
	}
	return 0;
}

/* Where the entries of a block end: in one that is a whole folder, an index follows them. */
static size_t entries_end(const struct geometry *g, const uint8_t *p)
{
	size_t room = g->dir_size - DIR_TAIL;
	uint32_t leaves;

	if (memcmp(p, g->v5 ? "XDD3" : "XD2D", 4) == 0)
		return g->dir_size;
	if (memcmp(p, g->v5 ? "XDB3" : "XD2B", 4) != 0)
		return 0;
	leaves = get_be32(p + room);
	return leaves <= room / 8 ? room - leaves * (size_t)8 : 0;
}

static int list_block(struct fs *fs, const uint8_t *p, fs_entry_fn fn, void *ctx, struct err *err)
{
	const struct geometry *g = &((struct xfs *)fs->priv)->g;
	size_t at = g->v5 ? DIR_HEADER5 : DIR_HEADER4, end = entries_end(g, p);

	if (!end || !intact(g, p, g->dir_size, DIR_CRC))
		return damaged(err, "a folder");
	while (at + 16 <= end) {
		size_t len, name;
		int rc;

		if (get_be16(p + at) == DIR_UNUSED) {
			len = get_be16(p + at + 2);
			if (!len || len % 8)
				return damaged(err, "a folder");
			at += len;
			continue;
		}
		name = p[at + 8];
		len = (8 + 1 + name + g->ftype + 2 + 7) & ~(size_t)7;
		if (len > end - at)
			return damaged(err, "a folder");
		rc = give(fs, p + at + 9, name, get_be64(p + at), fn, ctx, err);
		if (rc)
			return rc;
		at += len;
	}
	return 0;
}

static int list_blocks(struct fs *fs, const struct file *f, fs_entry_fn fn, void *ctx,
		       struct err *err)
{
	const struct geometry *g = &((struct xfs *)fs->priv)->g;
	scoped(free) uint8_t *buf = malloc(g->dir_size);
	uint64_t per = g->dir_size / g->block_size, end = dir_names_end / g->block_size;

	if (!buf)
		return fail_nomem(err);
	for (uint64_t block = 0; block < end;) {
		uint64_t physical, hole, skip = 0;
		int rc;

		if (!runs_find(&f->runs, block, &physical, &hole)) {
			if (hole >= end)
				break;
			skip = hole / per * per;
		}
		if (skip) {
			block += skip;
			continue;
		}
		rc = read_runs(fs, f, block * g->block_size, buf, g->dir_size, err);
		if (rc == 0)
			rc = list_block(fs, buf, fn, ctx, err);
		if (rc)
			return rc;
		block += per;
	}
	return 0;
}

static int xfs_list(struct fs *fs, const struct fs_node *dir, fs_entry_fn fn, void *ctx,
		    struct err *err)
{
	/* One of its own: fn may read other files. */
	scoped(inode) struct file f = { .ino = 0 };
	int rc = open_file(fs, dir->id[0], &f, err);

	if (rc < 0)
		return rc;
	if (f.inode[INODE_FORMAT] == FORMAT_LOCAL)
		return f.fork_len >= 10 ? list_short(fs, &f, fn, ctx, err) :
			damaged(err, "a folder");
	return list_blocks(fs, &f, fn, ctx, err);
}

static int open_last(struct fs *fs, uint64_t ino, struct err *err)
{
	struct xfs *x = fs->priv;

	if (x->last.ino == ino)
		return 0;
	scoped_inode(&x->last);
	return open_file(fs, ino, &x->last, err);
}

static int xfs_read(struct fs *fs, const struct fs_node *node, uint64_t offset, void *buf,
		    size_t len, struct err *err)
{
	struct xfs *x = fs->priv;
	int rc = open_last(fs, node->id[0], err);

	if (rc == 0 && x->last.inode[INODE_FORMAT] == FORMAT_LOCAL)
		return damaged(err, "an inode");
	return rc < 0 ? rc : read_runs(fs, &x->last, offset, buf, len, err);
}

/* Too long for the inode: one or more runs, each with a header in version 5. */
static int read_long_link(struct fs *fs, const struct file *f, char *buf, size_t len,
			  struct err *err)
{
	const struct geometry *g = &((struct xfs *)fs->priv)->g;
	size_t header = g->v5 ? LINK_HEADER : 0, done = 0;

	for (size_t i = 0; i < f->runs.nr && done < len; i++) {
		const struct run *run = &f->runs.run[i];
		uint64_t room = run->len * g->block_size - header;
		size_t part = len - done < room ? len - done : (size_t)room;
		uint8_t magic[4];
		int rc = 0;

		if (header) {
			rc = blk_read(fs->blk, run->physical * g->block_size, magic, 4, err);
			if (rc == 0 && memcmp(magic, "XSLM", 4) != 0)
				return damaged(err, "a symlink");
		}
		if (rc == 0)
			rc = blk_read(fs->blk, run->physical * g->block_size + header, buf + done,
				      part, err);
		if (rc < 0)
			return rc;
		done += part;
	}
	return done == len ? (int)len : damaged(err, "a symlink");
}

static int xfs_readlink(struct fs *fs, const struct fs_node *node, char *buf, size_t size,
			struct err *err)
{
	scoped(inode) struct file f = { .ino = 0 };
	int rc = open_file(fs, node->id[0], &f, err);
	size_t len;

	if (rc < 0)
		return rc;
	if (get_be64(f.inode + INODE_SIZE) > size)
		return damaged(err, "a symlink");
	len = (size_t)get_be64(f.inode + INODE_SIZE);
	if (f.inode[INODE_FORMAT] != FORMAT_LOCAL)
		return read_long_link(fs, &f, buf, len, err);
	if (len > f.fork_len)
		return damaged(err, "a symlink");
	memcpy(buf, f.fork, len);
	return (int)len;
}

static bool is_power(uint32_t n, unsigned int log, uint32_t min, uint32_t max)
{
	return n >= min && n <= max && log < 32 && n == 1u << log;
}

/* The numbers that all sums below are made of. */
static int read_geometry(struct fs *fs, struct geometry *g, const uint8_t *sb, struct err *err)
{
	unsigned int version = get_be16(sb + SB_VERSION), block_log = sb[SB_BLOCK_LOG];
	uint64_t blocks = get_be64(sb + SB_BLOCKS), bytes;
	uint32_t incompat = 0;

	g->v5 = g->checked = (version & VERSION_MASK) == 5;
	if (!g->v5 && (version & VERSION_MASK) != 4)
		return fail(err, EOPNOTSUPP, "its version %u is not known", version & VERSION_MASK);
	if (g->v5)
		incompat = get_be32(sb + SB_INCOMPAT);
	else if (!(version & VERSION_DIR2))
		return fail(err, EOPNOTSUPP, "its folders are of version 1");
	if (incompat & ~(uint32_t)INCOMPAT_READ)
		return fail(err, EOPNOTSUPP, "it has features that are not known (%#x)",
			    incompat & ~(uint32_t)INCOMPAT_READ);
	g->ftype = g->v5 ? incompat & INCOMPAT_FTYPE : get_be32(sb + SB_FEATURES2) & FEATURES2_FTYPE;
	g->block_size = get_be32(sb + SB_BLOCK_SIZE);
	g->inode_size = get_be16(sb + SB_INODE_SIZE);
	g->ag_blocks = get_be32(sb + SB_AG_BLOCKS);
	g->ag_count = get_be32(sb + SB_AG_COUNT);
	g->ag_log = sb[SB_AG_LOG];
	g->inodes_log = sb[SB_INODES_LOG];
	if (!is_power(g->block_size, block_log, 512, 65536) ||
	    !is_power(g->inode_size, sb[SB_INODE_LOG], 256, 2048) ||
	    g->inode_size > g->block_size || g->inodes_log != block_log - sb[SB_INODE_LOG] ||
	    g->ag_log > 31 || !g->ag_blocks || g->ag_blocks > 1u << g->ag_log || !g->ag_count ||
	    sb[SB_DIR_LOG] + block_log > 16)
		return damaged(err, "its superblock");
	g->dir_size = g->block_size << sb[SB_DIR_LOG];
	if (__builtin_mul_overflow(blocks, (uint64_t)g->block_size, &bytes) || bytes > fs->blk->size)
		return fail(err, EIO, "it is larger than what holds it (%" PRIu64 " bytes)",
			    fs->blk->size);
	return 0;
}

static int replay_log(struct fs *fs, struct xfs *x, const uint8_t *sb, struct err *err)
{
	scoped(xfs_log) struct xfs_log log = { .clean = false };
	uint64_t block;
	int rc = linear_block(&x->g, get_be64(sb + SB_LOG), &block, err);

	if (rc == 0)
		rc = xfs_log_read(fs->blk, block * x->g.block_size,
				  (uint64_t)get_be32(sb + SB_LOG_BLOCKS) * x->g.block_size, &log,
				  err);
	if (rc < 0 || log.clean)
		return rc;
	rc = overlay_open(fs->blk, &x->overlay, err);
	if (rc == 0)
		rc = xfs_log_replay(&log, x->g.inode_size, x->overlay, err);
	if (rc < 0) {
		blk_close(x->overlay);
		x->overlay = NULL;
		return rc;
	}
	fs->blk = x->overlay;
	x->g.checked = false;
	return 0;
}

/* A log that cannot be read is no reason to fail. */
static int open_log(struct fs *fs, struct xfs *x, const uint8_t *sb, struct err *err)
{
	struct err why = ERR_INIT;
	int rc;

	x->disk = fs->blk;
	if (!get_be64(sb + SB_LOG)) {
		snprintf(fs->note, sizeof(fs->note), "its log is on another device: what only "
			 "stands there is not seen");
		return 0;
	}
	rc = replay_log(fs, x, sb, &why);
	if (rc == -ENOMEM || rc == -ETIME)
		return fail(err, -rc, "%s", why.msg);
	if (rc < 0)
		snprintf(fs->note, sizeof(fs->note), "what was changed in the last half minute "
			 "may not be seen: %.80s", why.msg);
	return 0;
}

static void xfs_close(struct fs *fs)
{
	struct xfs *x = fs->priv;

	scoped_inode(&x->last);
	if (x->overlay)
		fs->blk = x->disk;
	blk_close(x->overlay);
	free(x);
	fs->priv = NULL;
}

static int xfs_open(struct fs *fs, struct err *err)
{
	uint8_t sb[SB_LEN];
	struct xfs *x;
	int rc;

	if (fs->blk->size < sizeof(sb))
		return -ENODATA;
	rc = blk_read(fs->blk, 0, sb, sizeof(sb), err);
	if (rc < 0)
		return rc;
	if (memcmp(sb, "XFSB", 4) != 0)
		return -ENODATA;
	x = calloc(1, sizeof(*x));
	if (!x)
		return fail_nomem(err);
	fs->priv = x;
	rc = read_geometry(fs, &x->g, sb, err);
	if (rc == 0)
		rc = open_log(fs, x, sb, err);
	if (rc == 0) {
		fs_set_uuid(fs, sb + SB_UUID);
		fs_set_label(fs, sb + SB_LABEL, SB_LABEL_LEN);
		fs->root = (struct fs_node){ .id = { get_be64(sb + SB_ROOT) } };
		rc = xfs_load(fs, &fs->root, err);
	}
	if (rc < 0)
		xfs_close(fs);
	return rc;
}

const struct fs_type fs_xfs = {
	.name = "xfs", .open = xfs_open, .close = xfs_close, .list = xfs_list, .load = xfs_load,
	.read = xfs_read, .readlink = xfs_readlink,
};
