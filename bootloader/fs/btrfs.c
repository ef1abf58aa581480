/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * btrfs on one device: subvolumes, the default one, compressed files. Its log of synced
 * files is not replayed. Not read: what is striped or only on other devices, zoned.
 */
#include "btrfs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/lzo.h"
#include "base/scope.h"
#include "bootloader/blk/blk.h"
#include "bootloader/blk/bytes.h"
#include "bootloader/blk/crc32c.h"
#include "fs.h"

enum {
	SUPER_AT = 0x10000, SUPER_LEN = 4096,
	SUPER_UUID = 0x20, SUPER_MAGIC = 0x40, SUPER_ROOT = 0x50, SUPER_CHUNK_ROOT = 0x58,
	SUPER_LOG_ROOT = 0x60,
	SUPER_SECTOR_SIZE = 0x90, SUPER_NODE_SIZE = 0x94, SUPER_CHUNKS_LEN = 0xa0,
	SUPER_INCOMPAT = 0xbc, SUPER_CHECKSUM = 0xc4, SUPER_ROOT_LEVEL = 0xc6,
	SUPER_CHUNK_LEVEL = 0xc7, SUPER_DEVICE = 0xc9, SUPER_LABEL = 0x12b, SUPER_LABEL_LEN = 256,
	SUPER_CHUNKS = 0x32b, SUPER_CHUNKS_MAX = 2048,
	/* All to simple quotas, without zones, the second extent tree and the stripe tree. */
	INCOMPAT_READ = 0x10fff,
	TREE_TOP = 5, TREE_ROOT_FOLDER = 6, FIRST_INODE = 256,
	ROOT_FOLDER = 168, ROOT_BLOCK = 176, ROOT_LEVEL = 238, ROOT_LEN = 239,
	INODE_SIZE = 16, INODE_MODE = 52, INODE_LEN = 56,
	DIR_DATA_LEN = 25, DIR_NAME_LEN = 27, DIR_NAME = 30,
	EXTENT_RAM = 8, EXTENT_COMPRESSION = 16, EXTENT_ENCRYPTION = 17, EXTENT_TYPE = 20,
	EXTENT_INLINE = 21, EXTENT_DISK = 21, EXTENT_DISK_LEN = 29, EXTENT_OFFSET = 37,
	EXTENT_LEN = 45, EXTENT_END = 53,
	TYPE_INLINE = 0, TYPE_REGULAR = 1,
	UNPACKED_MAX = 1 << 20,		/* of one compressed extent; Linux makes 128 KiB */
	EXTENTS_MAX = 1 << 20,
	/* A node's id: inode, tree. */
	ID_INODE = 0, ID_TREE = 1,
};

enum { PACKED_NOT, PACKED_ZLIB, PACKED_LZO, PACKED_ZSTD };

struct extent {
	uint64_t at, len;		/* in the file */
	uint64_t logical, disk_len;	/* 0: a hole */
	uint64_t skip, ram;		/* where its part of what is unpacked begins; all of that */
	unsigned int packing;
	uint8_t *held;			/* owned: contents that stood in the tree */
};

struct files {
	struct btrfs b;
	/* The tree that was used last. */
	uint64_t tree;
	struct btrfs_root root;
	/* The file that was read last. */
	uint64_t inode, inode_tree;
	struct extent *extent;		/* owned */
	size_t nr, cap;
	/* The extent that was unpacked last: its index, and what came out. */
	size_t unpacked_of;
	uint8_t *unpacked;		/* owned */
};

static int damaged(struct err *err, const char *what)
{
	return fail(err, EIO, "%s is damaged", what);
}

static void forget_file(struct files *f)
{
	for (size_t i = 0; i < f->nr; i++)
		free(f->extent[i].held);
	free(f->unpacked);
	f->unpacked = NULL;
	f->nr = 0;
	f->inode = 0;
}

/* The tree of a subvolume, and the folder that it begins with. */
static int find_tree(struct files *f, uint64_t tree, struct btrfs_root *root, uint64_t *folder,
		     struct err *err)
{
	scoped(btrfs_cursor) struct btrfs_cursor c = BTRFS_CURSOR_INIT;
	const struct btrfs_key key = { tree, BTRFS_ROOT_ITEM, 0 };
	int rc = btrfs_seek(&f->b, &f->b.roots, &key, &c, err);

	if (rc < 0)
		return rc;
	if (!rc || c.key.objectid != tree || c.key.type != BTRFS_ROOT_ITEM || c.len < ROOT_LEN)
		return fail(err, EIO, "subvolume %" PRIu64 " is not there", tree);
	*root = (struct btrfs_root){ get_le64(c.data + ROOT_BLOCK), c.data[ROOT_LEVEL] };
	*folder = get_le64(c.data + ROOT_FOLDER);
	return 0;
}

static int use_tree(struct files *f, uint64_t tree, struct err *err)
{
	uint64_t folder;
	int rc;

	if (f->tree == tree)
		return 0;
	f->tree = 0;
	rc = find_tree(f, tree, &f->root, &folder, err);
	if (rc == 0)
		f->tree = tree;
	return rc;
}

/* Moves a cursor to the first item of an inode's with this type and at least this offset. */
static int seek_item(struct files *f, const struct fs_node *node, uint8_t type, uint64_t offset,
		     struct btrfs_cursor *c, struct err *err)
{
	const struct btrfs_key key = { node->id[ID_INODE], type, offset };
	int rc = use_tree(f, node->id[ID_TREE], err);

	return rc < 0 ? rc : btrfs_seek(&f->b, &f->root, &key, c, err);
}

static bool is_item(const struct btrfs_cursor *c, uint64_t inode, uint8_t type)
{
	return c->key.objectid == inode && c->key.type == type;
}

static int btrfs_load(struct fs *fs, struct fs_node *node, struct err *err)
{
	scoped(btrfs_cursor) struct btrfs_cursor c = BTRFS_CURSOR_INIT;
	int rc = seek_item(fs->priv, node, BTRFS_INODE_ITEM, 0, &c, err);

	if (rc < 0)
		return rc;
	if (!rc || !is_item(&c, node->id[ID_INODE], BTRFS_INODE_ITEM) || c.len < INODE_LEN)
		return damaged(err, "an inode");
	node->size = get_le64(c.data + INODE_SIZE);
	switch (get_le32(c.data + INODE_MODE) >> 12) {
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

/* What an entry of a folder leads to: an inode of the same tree, or another subvolume. */
static int entry_node(struct files *f, uint64_t tree, const uint8_t *entry, struct fs_node *node,
		      struct err *err)
{
	struct btrfs_key to = btrfs_get_key(entry);
	struct btrfs_root root;
	uint64_t folder;
	int rc;

	*node = (struct fs_node){ .id = { to.objectid, tree } };
	if (to.type != BTRFS_ROOT_ITEM)
		return 0;
	rc = find_tree(f, to.objectid, &root, &folder, err);
	node->id[ID_INODE] = folder;
	node->id[ID_TREE] = to.objectid;
	return rc;
}

/* The length of an entry at p, of left bytes; 0: damaged. */
static size_t entry_len(const uint8_t *p, size_t left)
{
	size_t len;

	if (left < DIR_NAME)
		return 0;
	len = DIR_NAME + (size_t)get_le16(p + DIR_DATA_LEN) + get_le16(p + DIR_NAME_LEN);
	return len <= left ? len : 0;
}

static int btrfs_list(struct fs *fs, const struct fs_node *dir, fs_entry_fn fn, void *ctx,
		      struct err *err)
{
	scoped(btrfs_cursor) struct btrfs_cursor c = BTRFS_CURSOR_INIT;
	struct files *f = fs->priv;
	int rc = seek_item(f, dir, BTRFS_DIR_INDEX, 0, &c, err);

	while (rc > 0 && is_item(&c, dir->id[ID_INODE], BTRFS_DIR_INDEX)) {
		const char *name = (const char *)c.data + DIR_NAME;
		struct fs_node node;
		size_t len;

		if (!entry_len(c.data, c.len))
			return damaged(err, "a folder");
		len = get_le16(c.data + DIR_NAME_LEN);
		rc = 0;
		/* A subvolume that is gone does not spoil the other names. */
		if (len && len <= 255 && !memchr(name, '/', len) && !memchr(name, '\0', len) &&
		    entry_node(f, dir->id[ID_TREE], c.data, &node, err) == 0)
			rc = fn(ctx, name, len, &node);
		if (rc)
			return rc;
		rc = btrfs_next(&c, err);
	}
	return rc < 0 ? rc : 0;
}

static int find_name(struct files *f, const struct fs_node *dir, const char *name, size_t len,
		     uint8_t *entry, struct err *err)
{
	scoped(btrfs_cursor) struct btrfs_cursor c = BTRFS_CURSOR_INIT;
	uint64_t hash = crc32c(~1u, name, len);
	int rc = seek_item(f, dir, BTRFS_DIR_ITEM, hash, &c, err);
	size_t at = 0, next;

	if (rc < 0)
		return rc;
	if (!rc || !is_item(&c, dir->id[ID_INODE], BTRFS_DIR_ITEM) || c.key.offset != hash)
		return -ENOENT;
	/* Several names may have the same hash. */
	for (; (next = entry_len(c.data + at, c.len - at)); at += next) {
		const uint8_t *p = c.data + at;

		if (get_le16(p + DIR_NAME_LEN) == len && memcmp(p + DIR_NAME, name, len) == 0) {
			memcpy(entry, p, DIR_NAME);
			return 0;
		}
	}
	return -ENOENT;
}

static int btrfs_find(struct fs *fs, const struct fs_node *dir, const char *name, size_t len,
		      struct fs_node *node, struct err *err)
{
	uint8_t entry[DIR_NAME];
	int rc = find_name(fs->priv, dir, name, len, entry, err);

	return rc < 0 ? rc : entry_node(fs->priv, dir->id[ID_TREE], entry, node, err);
}

static struct extent *new_extent(struct files *f, uint64_t at)
{
	struct extent *last = f->nr ? &f->extent[f->nr - 1] : NULL;

	if (f->nr == EXTENTS_MAX || (last && (at < last->at || at - last->at < last->len)))
		return NULL;
	if (f->nr == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 16;
		struct extent *e = reallocarray(f->extent, cap, sizeof(*e));

		if (!e)
			return NULL;
		f->extent = e;
		f->cap = cap;
	}
	f->extent[f->nr] = (struct extent){ .at = at };
	return &f->extent[f->nr++];
}

static int add_extent(struct files *f, const struct btrfs_cursor *c, struct err *err)
{
	const uint8_t *p = c->data;
	struct extent *e;

	if (c->len < EXTENT_INLINE || p[EXTENT_ENCRYPTION] || p[EXTENT_COMPRESSION] > PACKED_ZSTD)
		return fail(err, EIO, "a file is stored in a way that is not known");
	e = new_extent(f, c->key.offset);
	if (!e)
		return damaged(err, "a file's list of extents");
	e->packing = p[EXTENT_COMPRESSION];
	e->ram = get_le64(p + EXTENT_RAM);
	if (e->packing && e->ram > UNPACKED_MAX)
		return damaged(err, "a compressed file");
	if (p[EXTENT_TYPE] == TYPE_INLINE) {
		e->disk_len = c->len - EXTENT_INLINE;
		e->len = e->packing ? e->ram : e->disk_len;
		e->held = malloc(e->disk_len + 1);
		if (!e->held)
			return fail_nomem(err);
		memcpy(e->held, p + EXTENT_INLINE, e->disk_len);
		return 0;
	}
	if (c->len < EXTENT_END)
		return damaged(err, "a file's list of extents");
	e->len = get_le64(p + EXTENT_LEN);
	e->skip = get_le64(p + EXTENT_OFFSET);
	/* What was allocated and not written yet is a hole as well. */
	e->logical = p[EXTENT_TYPE] == TYPE_REGULAR ? get_le64(p + EXTENT_DISK) : 0;
	e->disk_len = get_le64(p + EXTENT_DISK_LEN);
	if (e->len > UINT64_MAX / 4 || e->at > UINT64_MAX / 4 || e->skip > UINT64_MAX / 4 ||
	    e->logical > UINT64_MAX / 4 || (e->packing && !inside(e->skip, e->len, e->ram)) ||
	    (e->packing && e->disk_len > UNPACKED_MAX))
		return damaged(err, "a file's list of extents");
	return 0;
}

static int open_file(struct files *f, const struct fs_node *node, struct err *err)
{
	scoped(btrfs_cursor) struct btrfs_cursor c = BTRFS_CURSOR_INIT;
	int rc;

	if (f->inode == node->id[ID_INODE] && f->inode_tree == node->id[ID_TREE])
		return 0;
	forget_file(f);
	rc = seek_item(f, node, BTRFS_EXTENT_DATA, 0, &c, err);
	while (rc > 0 && is_item(&c, node->id[ID_INODE], BTRFS_EXTENT_DATA)) {
		rc = add_extent(f, &c, err);
		if (rc == 0)
			rc = btrfs_next(&c, err);
	}
	if (rc < 0) {
		forget_file(f);
		return rc;
	}
	f->inode = node->id[ID_INODE];
	f->inode_tree = node->id[ID_TREE];
	return 0;
}

/*
 * btrfs's frame around LZO: its whole length, then pieces of one sector each, with their
 * lengths; a length does not cross the border of a sector.
 */
static bool unpack_lzo(const uint8_t *in, size_t len, uint8_t *out, size_t size, size_t sector)
{
	size_t at = 4, done = 0, total;

	if (len < 4)
		return false;
	total = get_le32(in);
	total = total < len ? total : len;
	while (done < size && at + 4 <= total) {
		size_t piece;
		ssize_t n;

		if (sector - at % sector < 4) {
			at += sector - at % sector;
			continue;
		}
		piece = get_le32(in + at);
		at += 4;
		if (!inside(at, piece, total))
			return false;
		n = lzo_unpack(in + at, piece, out + done, size - done);
		if (n <= 0)
			return false;
		done += (size_t)n;
		at += piece;
	}
	memset(out + done, 0, size - done);
	return true;
}

static bool unpack_zlib(const uint8_t *in, size_t len, uint8_t *out, size_t size)
{
	z_stream z = { .next_in = (z_const Bytef *)(uintptr_t)in, .avail_in = (uInt)len,
		       .next_out = out, .avail_out = (uInt)size };
	int r;

	if (inflateInit(&z) != Z_OK)
		return false;
	r = inflate(&z, Z_FINISH);
	memset(out + (size - z.avail_out), 0, z.avail_out);
	inflateEnd(&z);
	return r == Z_STREAM_END || (r == Z_BUF_ERROR && !z.avail_out);
}

static bool unpack_zstd(const uint8_t *in, size_t len, uint8_t *out, size_t size)
{
	/* A stream: what follows the frame fills its last sector. */
	ZSTD_DStream *z = ZSTD_createDStream();
	ZSTD_inBuffer src = { in, len, 0 };
	ZSTD_outBuffer dst = { out, size, 0 };
	size_t r = 1;

	if (!z)
		return false;
	ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, 20);
	while (r && !ZSTD_isError(r) && dst.pos < size) {
		size_t before = src.pos + dst.pos;

		r = ZSTD_decompressStream(z, &dst, &src);
		if (src.pos + dst.pos == before)
			break;
	}
	ZSTD_freeDStream(z);
	memset(out + dst.pos, 0, size - dst.pos);
	return !ZSTD_isError(r) && (r == 0 || dst.pos == size);
}

static int unpack_to(struct files *f, const struct extent *e, uint8_t *out, struct err *err)
{
	scoped(free) uint8_t *packed = NULL;
	const uint8_t *in = e->held;
	bool ok;

	if (!in) {
		int rc;

		packed = malloc((size_t)e->disk_len + 1);
		if (!packed)
			return fail_nomem(err);
		rc = btrfs_read(&f->b, e->logical, packed, (size_t)e->disk_len, err);
		if (rc < 0)
			return rc;
		in = packed;
	}
	ok = e->packing == PACKED_ZLIB ? unpack_zlib(in, e->disk_len, out, e->ram) :
		e->packing == PACKED_LZO ? unpack_lzo(in, e->disk_len, out, e->ram,
						      f->b.sector_size) :
		unpack_zstd(in, e->disk_len, out, e->ram);
	return ok ? 0 : damaged(err, "a compressed file");
}

/* An extent's contents as they were before compression, in f->unpacked. */
static int unpack(struct files *f, size_t i, struct err *err)
{
	const struct extent *e = &f->extent[i];
	scoped(free) uint8_t *out = NULL;
	int rc;

	if (f->unpacked && f->unpacked_of == i)
		return 0;
	out = malloc((size_t)e->ram + 1);
	if (!out)
		return fail_nomem(err);
	rc = unpack_to(f, e, out, err);
	if (rc < 0)
		return rc;
	free(f->unpacked);
	f->unpacked = take(out);
	f->unpacked_of = i;
	return 0;
}

/* len bytes from `from` on of an extent. */
static int read_extent(struct files *f, size_t i, uint64_t from, void *buf, size_t len,
		       struct err *err)
{
	const struct extent *e = &f->extent[i];
	int rc;

	if (!e->held && !e->logical) {
		memset(buf, 0, len);
		return 0;
	}
	if (e->packing) {
		rc = unpack(f, i, err);
		if (rc == 0)
			memcpy(buf, f->unpacked + e->skip + from, len);
		return rc;
	}
	if (!e->held)
		return btrfs_read(&f->b, e->logical + e->skip + from, buf, len, err);
	memcpy(buf, e->held + from, len);
	return 0;
}

/* The first extent that ends after `at`. */
static size_t find_extent(const struct files *f, uint64_t at)
{
	size_t low = 0, high = f->nr;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (f->extent[mid].at + f->extent[mid].len <= at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int read_file(struct fs *fs, const struct fs_node *node, uint64_t offset, void *buf,
		     size_t len, struct err *err)
{
	struct files *f = fs->priv;
	uint8_t *to = buf;
	int rc = open_file(f, node, err);
	size_t i = find_extent(f, offset);

	while (rc == 0 && len) {
		const struct extent *e = i < f->nr ? &f->extent[i] : NULL;
		uint64_t part = len;

		if (!e || e->at > offset) {
			if (e && e->at - offset < part)
				part = e->at - offset;
			memset(to, 0, (size_t)part);
		} else {
			if (e->len - (offset - e->at) < part)
				part = e->len - (offset - e->at);
			rc = read_extent(f, i++, offset - e->at, to, (size_t)part, err);
		}
		to += part;
		offset += part;
		len -= (size_t)part;
	}
	return rc;
}

static int btrfs_readlink(struct fs *fs, const struct fs_node *node, char *buf, size_t size,
			  struct err *err)
{
	size_t len = node->size < size ? (size_t)node->size : size;
	int rc = len ? read_file(fs, node, 0, buf, len, err) : 0;

	return rc < 0 ? rc : (int)len;
}

static void btrfs_close(struct fs *fs)
{
	struct files *f = fs->priv;

	forget_file(f);
	free(f->extent);
	btrfs_free(&f->b);
	free(f);
	fs->priv = NULL;
}

/* The subvolume that is mounted when none is named; the top one when that is it. */
static int find_default(struct files *f, uint64_t *tree, struct err *err)
{
	const struct btrfs_key key = {
		TREE_ROOT_FOLDER, BTRFS_DIR_ITEM, crc32c(~1u, "default", 7),
	};
	scoped(btrfs_cursor) struct btrfs_cursor c = BTRFS_CURSOR_INIT;
	int rc = btrfs_seek(&f->b, &f->b.roots, &key, &c, err);

	*tree = TREE_TOP;
	if (rc > 0 && is_item(&c, TREE_ROOT_FOLDER, BTRFS_DIR_ITEM) && c.key.offset == key.offset &&
	    entry_len(c.data, c.len) && btrfs_get_key(c.data).type == BTRFS_ROOT_ITEM)
		*tree = btrfs_get_key(c.data).objectid;
	return rc < 0 ? rc : 0;
}

static int open_root(struct fs *fs, uint64_t tree, struct fs_node *node, struct err *err)
{
	struct files *f = fs->priv;
	struct btrfs_root root;
	uint64_t folder;
	int rc = find_tree(f, tree, &root, &folder, err);

	if (rc < 0)
		return rc;
	*node = (struct fs_node){ .id = { folder, tree } };
	return btrfs_load(fs, node, err);
}

static int read_super(struct fs *fs, const uint8_t *sb, struct err *err)
{
	struct files *f = fs->priv;
	struct btrfs *b = &f->b;
	uint64_t unknown = get_le64(sb + SUPER_INCOMPAT) & ~(uint64_t)INCOMPAT_READ;
	uint32_t chunks = get_le32(sb + SUPER_CHUNKS_LEN);

	b->blk = fs->blk;
	b->node_size = get_le32(sb + SUPER_NODE_SIZE);
	b->sector_size = get_le32(sb + SUPER_SECTOR_SIZE);
	b->device = get_le64(sb + SUPER_DEVICE);
	b->checked = get_le16(sb + SUPER_CHECKSUM) == 0;
	b->chunks = (struct btrfs_root){ get_le64(sb + SUPER_CHUNK_ROOT), sb[SUPER_CHUNK_LEVEL] };
	b->roots = (struct btrfs_root){ get_le64(sb + SUPER_ROOT), sb[SUPER_ROOT_LEVEL] };
	if (unknown)
		return fail(err, EOPNOTSUPP, "it has features that are not known (%#" PRIx64 ")",
			    unknown);
	if (b->node_size < 4096 || b->node_size > 65536 || b->node_size & (b->node_size - 1) ||
	    b->sector_size < 4096 || b->sector_size > 65536 ||
	    b->sector_size & (b->sector_size - 1) || chunks > SUPER_CHUNKS_MAX ||
	    (b->checked && get_le32(sb) != ~crc32c(~0u, sb + 32, SUPER_LEN - 32)))
		return damaged(err, "its superblock");
	return btrfs_load_chunks(b, sb + SUPER_CHUNKS, chunks, err);
}

static int open_roots(struct fs *fs, struct err *err)
{
	uint64_t tree;
	int rc = find_default(fs->priv, &tree, err);

	if (rc == 0)
		rc = open_root(fs, tree, &fs->root, err);
	if (rc == 0 && tree != TREE_TOP) {
		rc = open_root(fs, TREE_TOP, &fs->alt, err);
		fs->has_alt = true;
	}
	return rc;
}

static int btrfs_open(struct fs *fs, struct err *err)
{
	uint8_t sb[SUPER_LEN];
	int rc;

	if (!inside(SUPER_AT, SUPER_LEN, fs->blk->size))
		return -ENODATA;
	rc = blk_read(fs->blk, SUPER_AT, sb, sizeof(sb), err);
	if (rc < 0)
		return rc;
	if (memcmp(sb + SUPER_MAGIC, "_BHRfS_M", 8) != 0)
		return -ENODATA;
	fs->priv = calloc(1, sizeof(struct files));
	if (!fs->priv)
		return fail_nomem(err);
	rc = read_super(fs, sb, err);
	if (rc == 0)
		rc = open_roots(fs, err);
	fs_set_uuid(fs, sb + SUPER_UUID);
	fs_set_label(fs, sb + SUPER_LABEL, SUPER_LABEL_LEN);
	if (get_le64(sb + SUPER_LOG_ROOT))
		snprintf(fs->note, sizeof(fs->note), "it was not unmounted: what was synced in "
			 "the last seconds stands in its log tree, which is not read");
	if (rc < 0)
		btrfs_close(fs);
	return rc;
}

const struct fs_type fs_btrfs = {
	.name = "btrfs", .open = btrfs_open, .close = btrfs_close, .list = btrfs_list,
	.find = btrfs_find, .load = btrfs_load, .read = read_file, .readlink = btrfs_readlink,
};
