/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between btrfs.c (folders, files) and btrfs_tree.c (chunks, trees). */
#ifndef FS_BTRFS_H
#define FS_BTRFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct blk;

enum {
	BTRFS_LEVELS = 8, BTRFS_CACHED = 32,
	BTRFS_HEADER = 101, BTRFS_KEY = 17,
	BTRFS_INODE_ITEM = 1, BTRFS_DIR_ITEM = 84, BTRFS_DIR_INDEX = 96,
	BTRFS_EXTENT_DATA = 108, BTRFS_ROOT_ITEM = 132, BTRFS_CHUNK_ITEM = 228,
};

struct btrfs_key {
	uint64_t objectid;
	uint8_t type;
	uint64_t offset;
};

/* Addresses of the file system and where they are on this device, one or two copies. */
struct btrfs_chunk {
	uint64_t logical, len, physical[2];
	unsigned int copies;		/* 0: on other devices, or striped */
};

struct btrfs_root {
	uint64_t logical;
	unsigned int level;
};

struct btrfs {
	struct blk *blk;
	uint32_t node_size, sector_size;
	uint64_t device;		/* the number of this one */
	bool checked;			/* its checksums are CRC-32C */
	struct btrfs_chunk *chunk;	/* owned */
	size_t nr_chunks, cap_chunks;
	struct btrfs_root chunks, roots;	/* the trees of chunks and of trees */
	struct btrfs_cached {
		uint64_t logical;
		uint8_t *node;		/* owned; NULL: nothing here */
	} cached[BTRFS_CACHED];		/* blocks that were found intact */
};

/* Where a search stands in a tree; its blocks are kept, so that the next item is near. */
struct btrfs_cursor {
	struct btrfs *b;
	uint8_t *node[BTRFS_LEVELS];	/* owned */
	unsigned int slot[BTRFS_LEVELS], level;
	/* The item. */
	struct btrfs_key key;
	const uint8_t *data;		/* in a node */
	size_t len;
};

#define BTRFS_CURSOR_INIT { .b = NULL }

void scoped_btrfs_cursor(struct btrfs_cursor *c);

/* The superblock's own chunks, then all chunks. */
int btrfs_load_chunks(struct btrfs *b, const uint8_t *array, size_t len, struct err *err) must_check;

/* What the struct owns. */
void btrfs_free(struct btrfs *b);

/* len bytes at an address of the file system. */
int btrfs_read(struct btrfs *b, uint64_t logical, void *buf, size_t len, struct err *err) must_check;

/* The first item not before key: 1, or 0 when there is none. */
int btrfs_seek(struct btrfs *b, const struct btrfs_root *root, const struct btrfs_key *key,
	       struct btrfs_cursor *c, struct err *err) must_check;
int btrfs_next(struct btrfs_cursor *c, struct err *err) must_check;

struct btrfs_key btrfs_get_key(const uint8_t *p);

#endif
