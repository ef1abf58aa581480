/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much memory a running domain has: the target that its balloon driver
 * follows, and the limit that Xen enforces. All sizes in KiB. The stored target
 * does not count video memory; sizes given by people do.
 */
#ifndef DOMAIN_BALLOON_H
#define DOMAIN_BALLOON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct xen;

#define BALLOON_DOM0_MIN_KB (128 * 1024)	/* libxl's LIBXL_MIN_DOM0_MEM */
#define BALLOON_SLACK_KB 1024			/* LIBXL_MAXMEM_CONSTANT: special pages */

struct balloon {
	uint32_t domid;
	uint64_t target_kb, static_max_kb, video_kb;	/* as stored */
};

/* The new stored target for a wanted size. Pure: says which limit is in the way. */
int balloon_plan(const struct balloon *now, uint64_t want_kb, uint64_t *target_kb,
		 struct err *err) must_check;

/* The size that the domain was told to have; where nobody told it, what it has. */
int domain_get_memory(struct xen *xen, uint32_t domid, uint64_t *size_kb,
		      struct err *err) must_check;

/* Sets the target, and the limit along with it. */
int domain_set_memory(struct xen *xen, uint32_t domid, uint64_t want_kb,
		      struct err *err) must_check;

/* Sets the limit and the most that the target may become later. */
int domain_set_max_memory(struct xen *xen, uint32_t domid, uint64_t max_kb,
			  struct err *err) must_check;

/* Called now and then while waiting, with what the domain has at that moment. */
typedef void (*balloon_progress)(uint64_t have_kb, uint64_t want_kb, void *arg);

/*
 * Waits until the domain has the size it was told to. -ETIMEDOUT when nothing
 * has moved for stall_ms; -ENOENT when it went away; -EINTR.
 */
int domain_wait_memory(struct xen *xen, uint32_t domid, uint64_t want_kb, int stall_ms,
		       balloon_progress progress, void *arg, struct err *err) must_check;

#endif
