/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between ext.c and ext_journal.c: what the disk holds as the journal would leave
 * it after a replay, without writing. A guest that was destroyed just after it
 * installed a kernel has the new folder and inodes in its journal only.
 */
#ifndef FS_EXT_H
#define FS_EXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct blk;
struct runs;

/* A block whose committed content is in the journal. */
struct ext_logged {
	uint64_t block;		/* where it belongs */
	uint64_t copy;		/* where it is */
	uint32_t sequence;	/* of the transaction */
	uint32_t checksum;	/* as the journal has it */
	bool escaped;		/* its first four bytes are the journal's magic */
};

struct ext_journal {
	struct ext_logged *logged;	/* owned, by block */
	size_t nr;
	bool fast;		/* what was synced last is in fast commits, which are not read */
	uint32_t block_size, seed;
	enum ext_checksum { EXT_CHECKSUM_NONE, EXT_CHECKSUM_V2, EXT_CHECKSUM_V3 } checksum;
};

/*
 * Scans the journal, a file of these runs, for committed transactions. A journal that
 * is empty or damaged from the start gives none.
 */
int ext_journal_scan(struct blk *blk, const struct runs *runs, uint32_t block_size,
		     struct ext_journal *journal, struct err *err) must_check;
void ext_journal_free(struct ext_journal *journal);

/* As blk_read, but through the journal. */
int ext_journal_read(struct blk *blk, const struct ext_journal *journal, uint64_t offset,
		     void *buf, size_t len, struct err *err) must_check;

#endif
