/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * File systems, read-only, over a block device. One driver a file and a row in
 * fs.c: it finds the root, lists a folder, reads a file and a symlink. Paths are
 * walked here, so symlinks, "..", limits and messages are the same for all.
 * Absolute symlinks start at the file system's root; none leads out of it.
 */
#ifndef FS_FS_H
#define FS_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"

struct blk;
struct fs;

enum {
	FS_LINK_MAX = 4095,		/* bytes of a symlink's target */
	FS_LINKS = 40,			/* symlinks followed for one path, as Linux */
	FS_NAME_MAX = 1023,		/* bytes of one name, in UTF-8 */
};

enum fs_kind { FS_UNKNOWN, FS_FILE, FS_DIR, FS_LINK, FS_OTHER };

struct fs_node {
	enum fs_kind kind;
	uint64_t size;			/* of a file's contents */
	uint64_t id[3];			/* the driver's own: an inode number, a cluster, ... */
};

/*
 * Called for each entry of a folder but "." and "..". The name is not terminated and
 * holds any bytes but NUL and '/'; node's kind may be FS_UNKNOWN. Non-zero stops the
 * list and is its result.
 */
typedef int (*fs_entry_fn)(void *ctx, const char *name, size_t len, const struct fs_node *node);

struct fs_type {
	const char *name;
	/* -ENODATA without a message: not this file system; otherwise fills *fs. */
	int (*open)(struct fs *fs, struct err *err);
	void (*close)(struct fs *fs);
	int (*list)(struct fs *fs, const struct fs_node *dir, fs_entry_fn fn, void *ctx,
		    struct err *err);
	/* Optional: one name without a list; -ENOENT. */
	int (*find)(struct fs *fs, const struct fs_node *dir, const char *name, size_t len,
		    struct fs_node *node, struct err *err);
	/* Optional: completes a node that list gave (kind and size), where that costs a read. */
	int (*load)(struct fs *fs, struct fs_node *node, struct err *err);
	/* len > 0, inside the size. Holes are zeroes. */
	int (*read)(struct fs *fs, const struct fs_node *node, uint64_t offset, void *buf,
		    size_t len, struct err *err);
	/* At most size bytes, not terminated; returns the length. */
	int (*readlink)(struct fs *fs, const struct fs_node *node, char *buf, size_t size,
			struct err *err);
};

struct fs {
	const struct fs_type *type;
	struct blk *blk;		/* borrowed */
	const char *name;		/* as libblkid says: "ext4", "vfat" */
	char uuid[40];			/* as search --fs-uuid wants it (any case), or "" */
	char label[260];		/* raw bytes of the disk, terminated, or "" */
	char note[160];			/* what to know before it is believed, or "" */
	bool nocase;			/* names match without regard to case (FAT) */
	struct fs_node root;
	/* A second root, tried when a path is not found from the first (btrfs: its top). */
	bool has_alt;
	struct fs_node alt;
	void *priv;			/* the driver's */
};

/*
 * Recognizes and opens; -ENODATA: no file system that we read, err says what is there
 * instead when that has a name ("LUKS encryption ..."), else err->msg is "".
 */
int fs_open(struct blk *blk, struct fs **out, struct err *err) must_check;
void fs_close(struct fs *fs);

static inline void scoped_fs(struct fs **fs)
{
	fs_close(*fs);
}

/*
 * Follows path from the root, symlinks included, the last one too. -ENOENT, -ENOTDIR
 * and -ELOOP for what the path says; other errors mean that the disk is damaged.
 */
int fs_lookup(struct fs *fs, const char *path, struct fs_node *node, struct err *err) must_check;

int fs_list(struct fs *fs, const struct fs_node *dir, fs_entry_fn fn, void *ctx,
	    struct err *err) must_check;

/* Exactly len bytes of a file. */
int fs_read(struct fs *fs, const struct fs_node *node, uint64_t offset, void *buf, size_t len,
	    struct err *err) must_check;

/* A whole file; -EFBIG when longer than max. */
int fs_read_file(struct fs *fs, const char *path, size_t max, struct bytes *out,
		 struct err *err) must_check;

/* For drivers: a uuid of 16 bytes as text; nothing when all are zero. */
void fs_set_uuid(struct fs *fs, const uint8_t uuid[16]);
/* For drivers: a label that ends at len or at a NUL, trailing blanks cut. */
void fs_set_label(struct fs *fs, const uint8_t *label, size_t len);

extern const struct fs_type fs_ext, fs_fat, fs_iso, fs_xfs, fs_btrfs;

#endif
