/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ext2, ext3, ext4: libext2fs over our block layer, and over the journal's committed blocks. */
#include "ext.h"

#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "bootloader/blk/blk.h"
#include "bootloader/blk/bytes.h"
#include "fs.h"
#include "runs.h"

enum {
	SUPER_AT = 1024, SUPER_LEN = 1024,
	OPEN_FLAGS = EXT2_FLAG_64BITS | EXT2_FLAG_SKIP_MMP,
};

/* An io_channel of libext2fs points to this. */
struct ext_io {
	struct blk *blk;
	struct ext_journal journal;
	struct err err;		/* of the read that failed last: libext2fs returns numbers only */
};

struct ext {
	struct ext_io io;
	ext2_filsys fs;
	ext2_ino_t ino;		/* whose blocks `runs` has; 0: none */
	struct ext2_inode inode;
	struct runs runs;
};

static errcode_t io_open(const char *name, int flags, io_channel *channel);

static errcode_t io_close(io_channel channel)
{
	if (--channel->refcount > 0)
		return 0;
	free(channel->name);
	free(channel);
	return 0;
}

static errcode_t io_set_blksize(io_channel channel, int size)
{
	channel->block_size = size;
	return 0;
}

/* A negative count is in bytes. */
static errcode_t io_read64(io_channel channel, unsigned long long block, int count, void *data)
{
	struct ext_io *io = channel->private_data;
	uint64_t size = (uint64_t)channel->block_size, offset, len;

	len = count < 0 ? (uint64_t)-(int64_t)count : (uint64_t)count * size;
	if (__builtin_mul_overflow((uint64_t)block, size, &offset))
		offset = UINT64_MAX;
	return ext_journal_read(io->blk, &io->journal, offset, data, (size_t)len, &io->err) < 0 ?
		EXT2_ET_SHORT_READ : 0;
}

static errcode_t io_read(io_channel channel, unsigned long block, int count, void *data)
{
	return io_read64(channel, block, count, data);
}

static errcode_t io_write(io_channel channel, unsigned long block, int count, const void *data)
{
	(void)channel, (void)block, (void)count, (void)data;
	return EXT2_ET_RO_FILSYS;
}

static errcode_t io_write64(io_channel channel, unsigned long long block, int count,
			    const void *data)
{
	(void)channel, (void)block, (void)count, (void)data;
	return EXT2_ET_RO_FILSYS;
}

static errcode_t io_flush(io_channel channel)
{
	(void)channel;
	return 0;
}

static struct struct_io_manager manager = {
	.magic = EXT2_ET_MAGIC_IO_MANAGER, .name = "blk",
	.open = io_open, .close = io_close, .set_blksize = io_set_blksize,
	.read_blk = io_read, .read_blk64 = io_read64,
	.write_blk = io_write, .write_blk64 = io_write64, .flush = io_flush,
};

/* The name is the address of a struct ext_io: the library hands nothing else through. */
static errcode_t io_open(const char *name, int flags, io_channel *channel)
{
	struct struct_io_channel *c = calloc(1, sizeof(*c));

	(void)flags;
	if (!c)
		return EXT2_ET_NO_MEMORY;
	c->magic = EXT2_ET_MAGIC_IO_CHANNEL;
	c->manager = &manager;
	c->name = strdup(name);
	c->block_size = SUPER_LEN;
	c->refcount = 1;
	c->private_data = (void *)(uintptr_t)strtoull(name, NULL, 16);
	if (!c->name) {
		free(c);
		return EXT2_ET_NO_MEMORY;
	}
	*channel = c;
	return 0;
}

/* libext2fs's code as ours: what the block layer said, when that is the cause. */
static int failed(struct ext *x, errcode_t r, const char *what, struct err *err)
{
	if (r == EXT2_ET_NO_MEMORY)
		return fail_nomem(err);
	if (x->io.err.code) {
		*err = x->io.err;
		x->io.err.code = 0;
		return fail_in(err, "cannot read %s", what);
	}
	return fail(err, EIO, "cannot read %s: %s", what, error_message(r));
}

static int open_library(struct ext *x, struct err *err)
{
	char name[32];
	errcode_t r;

	snprintf(name, sizeof(name), "%" PRIxPTR, (uintptr_t)&x->io);
	r = ext2fs_open2(name, NULL, OPEN_FLAGS, 0, 0, &manager, &x->fs);
	return r ? failed(x, r, "the superblock", err) : 0;
}

struct iterate {
	struct ext *x;
	int rc;
};

static int iterate_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t logical, blk64_t ref,
			 int ref_offset, void *ctx)
{
	struct iterate *it = ctx;

	(void)fs, (void)ref, (void)ref_offset;
	it->rc = blk_step(it->x->io.blk, &it->x->io.err);
	if (it->rc == 0)
		it->rc = runs_add(&it->x->runs, (uint64_t)logical, *block, 1, &it->x->io.err);
	return it->rc < 0 ? BLOCK_ABORT : 0;
}

static int runs_by_blocks(struct ext *x, ext2_ino_t ino, struct err *err)
{
	struct iterate it = { .x = x };
	errcode_t r = ext2fs_block_iterate3(x->fs, ino, BLOCK_FLAG_DATA_ONLY |
					    BLOCK_FLAG_READ_ONLY, NULL, iterate_block, &it);

	return r || it.rc < 0 ? failed(x, r ? r : EXT2_ET_BAD_BLOCK_NUM, "a file's blocks", err) : 0;
}

static int runs_by_extents(struct ext *x, ext2_extent_handle_t handle, struct err *err)
{
	struct ext2fs_extent e;
	errcode_t r = ext2fs_extent_get(handle, EXT2_EXTENT_ROOT, &e);

	while (r == 0) {
		int rc = blk_step(x->io.blk, err);

		if (rc == 0 && (e.e_flags & EXT2_EXTENT_FLAGS_LEAF) &&
		    !(e.e_flags & EXT2_EXTENT_FLAGS_UNINIT))
			rc = runs_add(&x->runs, e.e_lblk, e.e_pblk, e.e_len, err);
		if (rc < 0)
			return rc;
		r = ext2fs_extent_get(handle, EXT2_EXTENT_NEXT, &e);
	}
	if (r == EXT2_ET_EXTENT_NO_NEXT)
		return 0;
	return failed(x, r, "a file's extents", err);
}

/* Fills x->inode and x->runs for an inode with blocks of its own. */
static int load_runs(struct ext *x, ext2_ino_t ino, struct err *err)
{
	ext2_extent_handle_t handle;
	errcode_t r;
	int rc;

	if (x->ino == ino)
		return 0;
	x->ino = 0;
	x->runs.nr = 0;
	r = ext2fs_read_inode(x->fs, ino, &x->inode);
	if (r)
		return failed(x, r, "an inode", err);
	if (!(x->inode.i_flags & EXT4_EXTENTS_FL)) {
		rc = runs_by_blocks(x, ino, err);
	} else {
		r = ext2fs_extent_open2(x->fs, ino, &x->inode, &handle);
		/* No extents: nothing but holes. */
		if (r)
			return failed(x, r, "a file's extents", err);
		rc = runs_by_extents(x, handle, err);
		ext2fs_extent_free(handle);
	}
	if (rc == 0)
		x->ino = ino;
	return rc;
}

/* What the library does not compare with the size of the device, and we would not survive. */
static int check_super(struct fs *fs, struct err *err)
{
	struct ext2_super_block sb;
	uint64_t blocks, bytes;
	uint32_t shift;
	int rc;

	if (!inside(SUPER_AT, SUPER_LEN, fs->blk->size))
		return -ENODATA;
	rc = blk_read(fs->blk, SUPER_AT, &sb, sizeof(sb), err);
	if (rc < 0)
		return rc;
	if (ext2fs_le16_to_cpu(sb.s_magic) != EXT2_SUPER_MAGIC)
		return -ENODATA;
	shift = ext2fs_le32_to_cpu(sb.s_log_block_size);
	blocks = ext2fs_le32_to_cpu(sb.s_blocks_count);
	if (ext2fs_le32_to_cpu(sb.s_feature_incompat) & EXT4_FEATURE_INCOMPAT_64BIT)
		blocks |= (uint64_t)ext2fs_le32_to_cpu(sb.s_blocks_count_hi) << 32;
	if (shift > 6 || !blocks)
		return fail(err, EIO, "its superblock is damaged");
	if (__builtin_mul_overflow(blocks, (uint64_t)1024 << shift, &bytes) || bytes > fs->blk->size)
		return fail(err, EIO, "it is larger than what holds it (%" PRIu64 " bytes)",
			    fs->blk->size);
	if (ext2fs_le32_to_cpu(sb.s_feature_incompat) & EXT3_FEATURE_INCOMPAT_JOURNAL_DEV)
		return fail(err, ENODATA, "it is the journal of another one");
	return 0;
}

static int open_journal(struct fs *fs, struct ext *x, struct err *err)
{
	struct ext2_super_block *sb = x->fs->super;
	struct ext_journal journal = { .nr = 0 };
	int rc;

	if (!(sb->s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER))
		return 0;
	if (!sb->s_journal_inum) {
		snprintf(fs->note, sizeof(fs->note), "its journal is on another device: what only "
			 "stands there is not seen");
		return 0;
	}
	rc = load_runs(x, sb->s_journal_inum, err);
	if (rc == 0)
		rc = ext_journal_scan(x->io.blk, &x->runs, x->fs->blocksize, &journal, err);
	if (rc < 0) {
		ext_journal_free(&journal);
		return fail_in(err, "journal");
	}
	x->io.journal = journal;
	if (journal.fast)
		snprintf(fs->note, sizeof(fs->note), "it was not unmounted: what was synced last in "
			 "fast commits is not seen");
	if (!journal.nr)
		return 0;
	/* All that the library has read so far may be older than the journal. */
	ext2fs_close_free(&x->fs);
	x->ino = 0;
	return open_library(x, err);
}

static void ext_close(struct fs *fs)
{
	struct ext *x = fs->priv;

	if (x->fs)
		ext2fs_close_free(&x->fs);
	ext_journal_free(&x->io.journal);
	scoped_runs(&x->runs);
	free(x);
	fs->priv = NULL;
}

static const char *name_of(const struct ext2_super_block *sb)
{
	if (sb->s_feature_incompat & (EXT3_FEATURE_INCOMPAT_EXTENTS | EXT4_FEATURE_INCOMPAT_64BIT |
				      EXT4_FEATURE_INCOMPAT_FLEX_BG) ||
	    sb->s_feature_ro_compat & (EXT4_FEATURE_RO_COMPAT_HUGE_FILE |
				       EXT4_FEATURE_RO_COMPAT_GDT_CSUM |
				       EXT4_FEATURE_RO_COMPAT_METADATA_CSUM))
		return "ext4";
	return sb->s_feature_compat & EXT3_FEATURE_COMPAT_HAS_JOURNAL ? "ext3" : "ext2";
}

static int ext_load(struct fs *fs, struct fs_node *node, struct err *err);

static int ext_open(struct fs *fs, struct err *err)
{
	struct ext *x;
	int rc = check_super(fs, err);

	if (rc < 0)
		return rc;
	x = calloc(1, sizeof(*x));
	if (!x)
		return fail_nomem(err);
	fs->priv = x;
	x->io.blk = fs->blk;
	initialize_ext2_error_table();
	rc = open_library(x, err);
	if (rc == 0)
		rc = open_journal(fs, x, err);
	if (rc == 0) {
		fs->name = name_of(x->fs->super);
		fs_set_uuid(fs, x->fs->super->s_uuid);
		fs_set_label(fs, (const uint8_t *)x->fs->super->s_volume_name,
			     sizeof(x->fs->super->s_volume_name));
		fs->root = (struct fs_node){ .id = { EXT2_ROOT_INO } };
		rc = ext_load(fs, &fs->root, err);
	}
	if (rc < 0)
		ext_close(fs);
	return rc;
}

static int ext_load(struct fs *fs, struct fs_node *node, struct err *err)
{
	struct ext *x = fs->priv;
	struct ext2_inode inode;
	errcode_t r = ext2fs_read_inode(x->fs, (ext2_ino_t)node->id[0], &inode);

	if (r)
		return failed(x, r, "an inode", err);
	node->kind = LINUX_S_ISREG(inode.i_mode) ? FS_FILE : LINUX_S_ISDIR(inode.i_mode) ? FS_DIR :
		LINUX_S_ISLNK(inode.i_mode) ? FS_LINK : FS_OTHER;
	node->size = EXT2_I_SIZE(&inode);
	if (inode.i_flags & EXT4_ENCRYPT_FL && node->kind != FS_DIR)
		node->kind = FS_OTHER;
	return 0;
}

struct list {
	struct fs *fs;
	fs_entry_fn fn;
	void *ctx;
	struct err *err;
	int rc;
};

static int list_entry(ext2_ino_t dir, int entry, struct ext2_dir_entry *e, int offset, int size,
		      char *buf, void *ctx)
{
	struct list *l = ctx;
	size_t len = (size_t)ext2fs_dirent_name_len(e);
	struct fs_node node = { .id = { e->inode } };

	(void)dir, (void)offset, (void)size, (void)buf;
	(void)entry;	/* it says nothing about "." in folders inside their inode */
	if (!e->inode || len == 0 || (len <= 2 && memcmp(e->name, "..", len) == 0))
		return 0;
	if (len > EXT2_NAME_LEN || memchr(e->name, '/', len) ||
	    memchr(e->name, '\0', len))
		return 0;
	l->rc = blk_step(l->fs->blk, l->err);
	if (l->rc == 0)
		l->rc = l->fn(l->ctx, e->name, len, &node);
	return l->rc ? DIRENT_ABORT : 0;
}

static int ext_list(struct fs *fs, const struct fs_node *dir, fs_entry_fn fn, void *ctx,
		    struct err *err)
{
	struct ext *x = fs->priv;
	struct list l = { fs, fn, ctx, err, 0 };
	errcode_t r = ext2fs_dir_iterate2(x->fs, (ext2_ino_t)dir->id[0], 0, NULL, list_entry, &l);

	if (l.rc)
		return l.rc;
	return r ? failed(x, r, "a folder", err) : 0;
}

/* Short files and symlinks inside the inode. */
static int read_inline(struct ext *x, ext2_ino_t ino, struct ext2_inode *inode, uint64_t offset,
		       void *buf, size_t len, struct err *err)
{
	scoped(free) uint8_t *data = NULL;
	size_t size = 0;
	errcode_t r = ext2fs_inline_data_size(x->fs, ino, &size);

	if (r)
		return failed(x, r, "a short file", err);
	if (size > x->fs->blocksize || !inside(offset, len, size))
		return fail(err, EIO, "a short file is damaged");
	data = malloc(size);
	if (!data)
		return fail_nomem(err);
	r = ext2fs_inline_data_get(x->fs, ino, inode, data, &size);
	if (r)
		return failed(x, r, "a short file", err);
	memcpy(buf, data + offset, len);
	return 0;
}

static int read_blocks(struct ext *x, ext2_ino_t ino, uint64_t offset, uint8_t *to, size_t len,
		       struct err *err)
{
	uint64_t size = x->fs->blocksize;
	int rc = load_runs(x, ino, err);

	while (rc == 0 && len) {
		uint64_t physical, blocks, at, part = len, skip = offset % size;
		bool mapped = runs_find(&x->runs, offset / size, &physical, &blocks);

		if (blocks <= len / size + 1 && part > blocks * size - skip)
			part = blocks * size - skip;
		if (!mapped)
			memset(to, 0, (size_t)part);
		else if (__builtin_mul_overflow(physical, size, &at))
			rc = fail(err, EIO, "a file's blocks lie beyond the end");
		else
			rc = ext_journal_read(x->io.blk, &x->io.journal, at + skip, to,
					      (size_t)part, err);
		to += part;
		offset += part;
		len -= (size_t)part;
	}
	return rc;
}

static int ext_read(struct fs *fs, const struct fs_node *node, uint64_t offset, void *buf,
		    size_t len, struct err *err)
{
	struct ext *x = fs->priv;
	ext2_ino_t ino = (ext2_ino_t)node->id[0];
	struct ext2_inode inode;
	errcode_t r;

	if (x->ino == ino)
		return read_blocks(x, ino, offset, buf, len, err);
	r = ext2fs_read_inode(x->fs, ino, &inode);
	if (r)
		return failed(x, r, "an inode", err);
	if (inode.i_flags & EXT4_INLINE_DATA_FL)
		return read_inline(x, ino, &inode, offset, buf, len, err);
	return read_blocks(x, ino, offset, buf, len, err);
}

static int ext_readlink(struct fs *fs, const struct fs_node *node, char *buf, size_t size,
			struct err *err)
{
	struct ext *x = fs->priv;
	struct ext2_inode inode;
	size_t len = node->size < size ? (size_t)node->size : size;
	errcode_t r = ext2fs_read_inode(x->fs, (ext2_ino_t)node->id[0], &inode);
	int rc = 0;

	if (r)
		return failed(x, r, "an inode", err);
	if (!(inode.i_flags & EXT4_INLINE_DATA_FL) && ext2fs_is_fast_symlink(&inode)) {
		len = len < sizeof(inode.i_block) ? len : sizeof(inode.i_block);
		memcpy(buf, inode.i_block, len);
	} else if (len) {
		rc = ext_read(fs, node, 0, buf, len, err);
	}
	return rc < 0 ? rc : (int)len;
}

const struct fs_type fs_ext = {
	.name = "ext2/3/4", .open = ext_open, .close = ext_close, .list = ext_list,
	.load = ext_load, .read = ext_read, .readlink = ext_readlink,
};
