/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a test must leave as it found it: domains, the store with values and
 * permissions, processes, loop devices, network links, mounts, files where Xen's
 * tools keep theirs, free memory and claims. A state is taken before and after
 * and the difference is text for a person. Kernel threads, the calling process
 * and its ancestors are left out; so is what xl leaves by design (hoststate.c).
 *
 * Runs in dom0. A state owns its strings; memory is in KiB.
 */
#ifndef BED_HOSTSTATE_H
#define BED_HOSTSTATE_H

#include <stdint.h>
#include <stdio.h>

#include "toolstack/base/err.h"

enum {
	HOST_DOMAINS	= 1 << 0,
	HOST_STORE	= 1 << 1,
	HOST_PROCESSES	= 1 << 2,
	HOST_DEVICES	= 1 << 3,	/* loop devices, links, mounts */
	HOST_FILES	= 1 << 4,
	HOST_MEMORY	= 1 << 5,
	HOST_ALL	= (1 << 6) - 1,
};

struct hoststate {
	unsigned int what;	/* HOST_* that are filled in */
	char **items;		/* sorted, each "kind key\tvalue" */
	size_t nr_items, max_items;
	uint64_t free_kb, claimed_kb;
};

#define HOSTSTATE_INIT { .items = NULL }

void hoststate_free(struct hoststate *state);
void scoped_hoststate(struct hoststate *state);

/* Take the state of this host: the kinds in `what`. state must be empty. */
int must_check hoststate_take(struct hoststate *state, unsigned int what,
			      struct err *err);

/* Text form, for keeping it between two processes. */
int must_check hoststate_save(const struct hoststate *state, const char *path,
			      struct err *err);
int must_check hoststate_load(struct hoststate *state, const char *path,
			      struct err *err);

/*
 * One line to out (may be NULL) per difference; returns how many. Of what is new
 * in the store or among the files, the topmost of each tree counts.
 */
unsigned int hoststate_diff(const struct hoststate *before,
			    const struct hoststate *after, FILE *out);

/*
 * Take the state again until it is as before or timeout_ms has passed, then
 * print what still differs. *differences: how many.
 */
int must_check hoststate_settle(const struct hoststate *before, int timeout_ms,
				FILE *out, unsigned int *differences,
				struct err *err);

#endif
