/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a file's blocks are: runs in the order of their places in the file; gaps are holes. */
#ifndef FS_RUNS_H
#define FS_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct run {
	uint64_t logical, physical, len;	/* blocks */
};

struct runs {
	struct run *run;	/* owned */
	size_t nr, cap;
};

#define RUNS_INIT { .run = NULL }

/* -EIO when it does not come after the last one, or its numbers are absurd. */
int runs_add(struct runs *runs, uint64_t logical, uint64_t physical, uint64_t len,
	     struct err *err) must_check;

/*
 * The physical block, and how many follow in the same run. False: a hole, and *len the
 * number of blocks to the next run (UINT64_MAX: there is none).
 */
bool runs_find(const struct runs *runs, uint64_t logical, uint64_t *physical, uint64_t *len);

void scoped_runs(struct runs *runs);

#endif
