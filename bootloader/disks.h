/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest's disks as one source: whole disks, their partitions, and what stands on
 * several of them, each with its file system where there is one that we read. What
 * cannot be read keeps a note that says why, for the diagnosis.
 */
#ifndef BOOTLOADER_DISKS_H
#define BOOTLOADER_DISKS_H

#include <stddef.h>

#include "base/err.h"

struct blk;
struct disks;
struct fs;
struct fs_node;
struct source;

enum { DISKS_MAX = 8 };

/* The blks stay the caller's and must outlive the result. Damaged contents are no error. */
int disks_open(struct blk *const *blks, size_t nr, struct disks **out, struct err *err) must_check;
/* Why there is nothing in a disk (with which it was opened, from 0), instead of its own note. */
void disks_set_note(struct disks *disks, unsigned int disk, const char *note);
void disks_close(struct disks *disks);

static inline void scoped_disks(struct disks **disks)
{
	disks_close(*disks);
}

/* Borrowed; as long as disks lives. */
const struct source *disks_source(const struct disks *disks);

/* What is to say about a device: its damage, what it holds instead of a file system; or "". */
const char *disks_note(const struct disks *disks, unsigned int dev);

/* A file, to be read in pieces with fs_read(). Errors are a source's. */
int disks_file(struct disks *disks, unsigned int dev, const char *path, struct fs **fs,
	       struct fs_node *node, struct err *err) must_check;

#endif
