/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * XFS's log: a ring of records, which carry transactions piece by piece. What a guest has
 * changed, and even synced, in its last half minute may stand there only. Reading it here is
 * for reading files: what the kernel would clean up afterwards is left as it is.
 */
#ifndef FS_XFS_LOG_H
#define FS_XFS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct blk;

/* A piece of a transaction, in the memory of its log. */
struct xfs_region {
	uint8_t *data;
	uint32_t len, room;		/* room 0: it lies in a record */
};

/* The first piece is a header; the others are items, each a format and what it says of more. */
struct xfs_transaction {
	uint32_t id;
	bool open;
	struct xfs_region *regions;
	size_t nr, cap;
};

struct xfs_log {
	bool clean;			/* it was unmounted: nothing to do */
	uint8_t *records;		/* from the tail to the head */
	struct xfs_transaction *transactions;	/* those that were committed, in their order */
	size_t nr, cap;
	struct xfs_transaction open[16];
};

/*
 * Reads a log of size bytes at `start`. Damage ends it where it is: what was complete before
 * stands. Fails where there is none, or it is larger than we want to read.
 */
int xfs_log_read(struct blk *blk, uint64_t start, uint64_t size, struct xfs_log *log,
		 struct err *err) must_check;

void scoped_xfs_log(struct xfs_log *log);

/* Writes all that was committed to an overlay. */
int xfs_log_replay(const struct xfs_log *log, uint32_t inode_size, struct blk *overlay,
		   struct err *err) must_check;

#endif
