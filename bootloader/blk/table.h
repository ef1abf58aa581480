/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Partition tables: MBR with logical partitions, GPT with its backup header, hybrids
 * (the GPT counts), 512- and 4096-byte sectors. Own code and not libblkid, which wants
 * a descriptor: what stands on a qcow2 or in memory has none.
 */
#ifndef BLK_TABLE_H
#define BLK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct blk;

enum { TABLE_PARTS = 128 };

enum table_kind { TABLE_NONE, TABLE_MBR, TABLE_GPT };

enum part_role { PART_OTHER, PART_ESP, PART_XBOOTLDR };

struct part {
	unsigned int nr;	/* as Linux counts: from 1, logical ones from 5 */
	uint64_t start, size;	/* bytes; cut at the end of the disk */
	enum part_role role;
	bool active;		/* MBR: marked as the one to boot */
	char uuid[40];		/* PARTUUID as Linux writes it */
};

struct table {
	enum table_kind kind;
	uint32_t sector;	/* what the table counts in */
	size_t nr;
	struct part parts[TABLE_PARTS];
	char note[160];		/* what is wrong with it although it could be read, or "" */
};

/* A disk without a table is TABLE_NONE and no error. */
int table_read(struct blk *disk, struct table *table, struct err *err) must_check;

/* The two formats, for table.c: -ENODATA when there is no such table. */
int mbr_read(struct blk *disk, struct table *table, bool *protective, struct err *err) must_check;
int gpt_read(struct blk *disk, struct table *table, struct err *err) must_check;
/* One more partition, when it is not empty and begins on the disk; false: the table is full. */
bool table_add(struct blk *disk, struct table *table, const struct part *part);

#endif
