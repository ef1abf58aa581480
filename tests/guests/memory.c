// SPDX-License-Identifier: LGPL-2.1-or-later
#include "memory.h"
#include "hypercall.h"

#define BATCH	512

static struct memory memory;
static unsigned long filled;		/* the pages from low to here */
static xen_pfn_t frames[BATCH];

void memory_init(const struct memory *start)
{
	memory = *start;
}

unsigned long memory_pages(void)
{
	return memory.pages;
}

static unsigned long batch(unsigned long pages)
{
	return pages < BATCH ? pages : BATCH;
}

/* Returns the number of extents done. */
static unsigned long reserve(unsigned int op, unsigned long count)
{
	struct xen_memory_reservation arg = {
		.nr_extents = count, .domid = DOMID_SELF,
	};
	long r;

	set_xen_guest_handle(arg.extent_start, frames);
	r = hypercall_memory(op, &arg);
	return r > 0 ? r : 0;
}

static unsigned long shrink(unsigned long count)
{
	unsigned long i, done;

	for (i = 0; i < count; i++)
		frames[i] = memory.ops->frame(memory.pages - 1 - i);
	done = reserve(XENMEM_decrease_reservation, count);
	for (i = 0; i < done; i++)
		memory.ops->changed(--memory.pages, MEMORY_NO_FRAME);
	if (filled > memory.pages)
		filled = memory.pages;
	return done;
}

static unsigned long grow(unsigned long count)
{
	unsigned long i, done;

	for (i = 0; i < count; i++)
		frames[i] = memory.ops->place(memory.pages + i);
	done = reserve(XENMEM_populate_physmap, count);
	for (i = 0; i < done; i++)
		memory.ops->changed(memory.pages++, frames[i]);
	return done;
}

enum memory_step memory_step(unsigned long target)
{
	unsigned long goal = target, count;

	if (goal < memory.low)
		goal = memory.low;
	if (goal > memory.max)
		goal = memory.max;
	if (memory.pages == goal)
		return goal == target ? MEMORY_REACHED : MEMORY_STUCK;
	if (memory.pages > goal) {
		count = batch(memory.pages - goal);
		return shrink(count) == count ? MEMORY_MORE : MEMORY_STUCK;
	}
	count = batch(goal - memory.pages);
	return grow(count) == count ? MEMORY_MORE : MEMORY_STUCK;
}

/* Different in each page, so that none can stand for another. */
static unsigned long pattern(unsigned long page)
{
	return (page + 1) * 0x9e3779b97f4a7c15ul;
}

unsigned long memory_fill(void)
{
	unsigned long page, done = 0;

	for (page = memory.low; page < memory.pages; page++) {
		void *to = memory.ops->map(page);
		unsigned long words = PAGE_SIZE / sizeof(long);

		if (!to)
			continue;
		__asm__ volatile("rep stosq" : "+D"(to), "+c"(words)
				 : "a"(pattern(page)) : "memory");
		done++;
	}
	memory.ops->unmap();
	filled = memory.pages;
	return done;
}

unsigned long memory_check(void)
{
	unsigned long page, wrong = 0;

	for (page = memory.low; page < filled; page++) {
		const unsigned long *words = memory.ops->map(page);
		unsigned int i;

		for (i = 0; words && i < PAGE_SIZE / sizeof(long); i++) {
			if (words[i] == pattern(page))
				continue;
			wrong++;
			break;
		}
	}
	memory.ops->unmap();
	return wrong;
}
