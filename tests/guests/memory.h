/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest's own memory, counted in pages from 0 to memory.pages: the balloon
 * takes pages off the top and puts them back there.  The pages below
 * memory.low (image, rings, page tables) are neither given back nor filled.
 */
#ifndef GUESTS_MEMORY_H
#define GUESTS_MEMORY_H

#include <stdint.h>

#include <xen/xen.h>

#define MEMORY_NO_FRAME	(~0ul)

/* What differs between PV (frames are the host's) and PVH (our own numbers). */
struct memory_ops {
	/* what XENMEM_decrease_reservation wants for this page */
	xen_pfn_t (*frame)(unsigned long page);
	/* what XENMEM_populate_physmap wants to put it back */
	xen_pfn_t (*place)(unsigned long page);
	/* called for each page with what Xen gave; MEMORY_NO_FRAME: gone */
	void (*changed)(unsigned long page, xen_pfn_t frame);
	/* makes it readable and writable until the next map; NULL: can't */
	void *(*map)(unsigned long page);
	/* undoes the last map */
	void (*unmap)(void);
};

struct memory {
	const struct memory_ops *ops;
	unsigned long pages, low;
	unsigned long max;		/* ops can't keep track of more */
};

void memory_init(const struct memory *start);
unsigned long memory_pages(void);

enum memory_step {
	MEMORY_REACHED,
	MEMORY_MORE,		/* came nearer: call again */
	MEMORY_STUCK,		/* Xen gave or took less than it was asked for */
};

/* One hypercall's worth towards target, so that a caller can do else between. */
enum memory_step memory_step(unsigned long target);

/* Writes every byte of every page; returns the number of pages. */
unsigned long memory_fill(void);

/* Returns how many of the filled pages that are still ours read differently. */
unsigned long memory_check(void);

#endif
