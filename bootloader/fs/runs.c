/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runs.h"

#include <errno.h>
#include <stdlib.h>

#include "base/scope.h"

enum { RUNS_MAX = 1 << 20 };	/* 24 MiB of memory; no boot file is in that many pieces */

int runs_add(struct runs *runs, uint64_t logical, uint64_t physical, uint64_t len,
	     struct err *err)
{
	struct run *last = runs->nr ? &runs->run[runs->nr - 1] : NULL;

	/* Lookups bisect; and sums must not overflow, nor a product with a block's size. */
	if (!len || (last && logical < last->logical + last->len) || logical >> 54 ||
	    physical >> 54 || len >> 54)
		return fail(err, EIO, "the list of a file's blocks is damaged");
	if (last && logical == last->logical + last->len && physical == last->physical + last->len) {
		last->len += len;
		return 0;
	}
	if (runs->nr == RUNS_MAX)
		return fail(err, ETIME, "a file is in too many pieces");
	if (runs->nr == runs->cap) {
		size_t cap = runs->cap ? runs->cap * 2 : 16;
		struct run *run = reallocarray(runs->run, cap, sizeof(*run));

		if (!run)
			return fail_nomem(err);
		runs->run = run;
		runs->cap = cap;
	}
	runs->run[runs->nr++] = (struct run){ logical, physical, len };
	return 0;
}

bool runs_find(const struct runs *runs, uint64_t logical, uint64_t *physical, uint64_t *len)
{
	size_t low = 0, high = runs->nr;
	const struct run *run;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (runs->run[mid].logical + runs->run[mid].len <= logical)
			low = mid + 1;
		else
			high = mid;
	}
	*len = UINT64_MAX;
	if (low == runs->nr)
		return false;
	run = &runs->run[low];
	if (run->logical > logical) {
		*len = run->logical - logical;
		return false;
	}
	*physical = run->physical + (logical - run->logical);
	*len = run->len - (logical - run->logical);
	return true;
}

void scoped_runs(struct runs *runs)
{
	int saved = errno;

	free(runs->run);
	*runs = (struct runs)RUNS_INIT;
	errno = saved;
}
