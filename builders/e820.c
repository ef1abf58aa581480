/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "e820.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#define FOUR_GIB (UINT64_C(1) << 32)

static uint64_t range_end(const struct e820_range *r)
{
	return r->start + r->size;
}

static void append(struct e820 *map, uint64_t start, uint64_t end, enum e820_type type)
{
	struct e820_range *last = map->nr ? &map->ranges[map->nr - 1] : NULL;

	if (start >= end)
		return;
	if (last && last->type == type && range_end(last) == start) {
		last->size += end - start;
		return;
	}
	assert(map->nr < E820_MAX_RANGES);
	map->ranges[map->nr++] = (struct e820_range){ start, end - start, type };
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void e820_set(struct e820 *map, uint64_t start, uint64_t size, enum e820_type type)
{
	struct e820 old = *map;
	uint64_t end = start + size;
	unsigned int i;

	assert(end >= start);
	map->nr = 0;
	for (i = 0; i < old.nr && old.ranges[i].start < start; i++)
		append(map, old.ranges[i].start, smaller(range_end(&old.ranges[i]), start),
		       old.ranges[i].type);
	append(map, start, end, type);
	/* The last of those before may reach beyond the new one. */
	for (i = i ? i - 1 : 0; i < old.nr; i++)
		append(map, larger(old.ranges[i].start, end), range_end(&old.ranges[i]),
		       old.ranges[i].type);
}

struct e820_ram e820_place_ram(uint64_t size, uint64_t hole_start)
{
	assert(hole_start <= FOUR_GIB);
	if (size <= hole_start)
		return (struct e820_ram){ .low_end = size };
	return (struct e820_ram){
		.low_end = hole_start, .high_end = FOUR_GIB + (size - hole_start),
	};
}

/* What lies below is the same in every PC, and PV guests have no use for it. */
#define LOW_END (UINT64_C(1) << 20)

static bool is_memory(const struct e820_range *r)
{
	return r->type == E820_TYPE_RAM || r->type == E820_TYPE_UNUSABLE;
}

/* Where the first begins that is no memory. */
static uint64_t first_other(const struct e820_range *host, unsigned int nr)
{
	uint64_t first = UINT64_MAX;

	for (unsigned int i = 0; i < nr; i++) {
		if (host[i].start > LOW_END && !is_memory(&host[i]))
			first = smaller(first, host[i].start);
	}
	return first;
}

/* The host's memory is not the guest's, but a gap would be taken for room for devices. */
static void add_host_range(struct e820 *map, const struct e820_range *r, uint64_t ram_end)
{
	uint64_t start = larger(r->start, ram_end), end = range_end(r);

	if (r->start <= LOW_END || start >= end || r->type == E820_TYPE_UNUSABLE)
		return;
	if (r->type != E820_TYPE_RAM)
		e820_set(map, r->start, r->size, r->type);
	else if (start < FOUR_GIB)
		e820_set(map, start, end - start, E820_TYPE_UNUSABLE);
}

void e820_host(const struct e820_range *host, unsigned int nr, uint64_t memory_kb,
	       uint64_t max_memory_kb, struct e820 *map)
{
	uint64_t other = first_other(host, nr), memory = memory_kb << 10;
	uint64_t ram_end = smaller(memory, other);
	uint64_t high = (memory - ram_end) + ((max_memory_kb - memory_kb) << 10);

	map->nr = 0;
	if (high)
		e820_set(map, FOUR_GIB, high, E820_TYPE_RAM);
	e820_set(map, 0, ram_end, E820_TYPE_RAM);
	for (unsigned int i = 0; i < nr; i++)
		add_host_range(map, &host[i], ram_end);
	if (other != UINT64_MAX && other > ram_end)
		e820_set(map, ram_end, other - ram_end, E820_TYPE_UNUSABLE);
}
