/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "e820.h"

#include <assert.h>
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
