/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory maps: ranges laid over each other, RAM around the hole below 4 GiB. */
#include <inttypes.h>
#include <stdio.h>

#include "base/scope.h"
#include "builders/e820.h"
#include "tap.h"

#define GIB (UINT64_C(1) << 30)

struct step {
	uint64_t start, size;
	enum e820_type type;
};

/* "0-a000:1 ..." in hexadecimal, so that one comparison tells all. */
static void describe(const struct e820 *map, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < map->nr && n < size; i++)
		n += (size_t)snprintf(text + n, size - n, "%s%" PRIx64 "-%" PRIx64 ":%d",
				      i ? " " : "", map->ranges[i].start,
				      map->ranges[i].start + map->ranges[i].size,
				      map->ranges[i].type);
}

static void test_set(void)
{
	static const struct {
		const char *what, *map;
		struct step steps[4];
	} cases[] = {
		{ "nothing", "", { { 0 } } },
		{ "one", "1000-3000:1", { { 0x1000, 0x2000, E820_TYPE_RAM } } },
		{ "given in the wrong order", "0-1000:1 5000-6000:3",
		  { { 0x5000, 0x1000, E820_TYPE_ACPI }, { 0, 0x1000, E820_TYPE_RAM } } },
		{ "a hole in the middle", "0-4000:1 4000-5000:2 5000-9000:1",
		  { { 0, 0x9000, E820_TYPE_RAM }, { 0x4000, 0x1000, E820_TYPE_RESERVED } } },
		{ "at the start", "0-1000:2 1000-9000:1",
		  { { 0, 0x9000, E820_TYPE_RAM }, { 0, 0x1000, E820_TYPE_RESERVED } } },
		{ "at the end", "0-8000:1 8000-9000:2",
		  { { 0, 0x9000, E820_TYPE_RAM }, { 0x8000, 0x1000, E820_TYPE_RESERVED } } },
		{ "all of it", "0-9000:2",
		  { { 0x1000, 0x1000, E820_TYPE_RAM }, { 0, 0x9000, E820_TYPE_RESERVED } } },
		{ "across two", "0-1000:1 1000-4000:2 4000-5000:3",
		  { { 0, 0x2000, E820_TYPE_RAM }, { 0x3000, 0x2000, E820_TYPE_ACPI },
		    { 0x1000, 0x3000, E820_TYPE_RESERVED } } },
		{ "neighbours of one type", "0-3000:1",
		  { { 0, 0x1000, E820_TYPE_RAM }, { 0x2000, 0x1000, E820_TYPE_RAM },
		    { 0x1000, 0x1000, E820_TYPE_RAM } } },
		{ "neighbours of two types", "0-1000:1 1000-2000:2",
		  { { 0, 0x1000, E820_TYPE_RAM }, { 0x1000, 0x1000, E820_TYPE_RESERVED } } },
		{ "the same again", "0-9000:1",
		  { { 0, 0x9000, E820_TYPE_RAM }, { 0x4000, 0x1000, E820_TYPE_RAM } } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct e820 map = E820_INIT;
		char text[256];

		for (size_t s = 0; s < ARRAY_SIZE(cases[i].steps) && cases[i].steps[s].size; s++)
			e820_set(&map, cases[i].steps[s].start, cases[i].steps[s].size,
				 cases[i].steps[s].type);
		describe(&map, text, sizeof(text));
		is_str(text, cases[i].map, "%s", cases[i].what);
	}
}

static void test_place(void)
{
	static const struct { uint64_t size, hole, low, high; } cases[] = {
		{ GIB, 0xfc000000, GIB, 0 },
		{ 0xfc000000, 0xfc000000, 0xfc000000, 0 },
		{ 0xfc100000, 0xfc000000, 0xfc000000, 4 * GIB + 0x100000 },
		{ 16 * GIB, 0xfc000000, 0xfc000000, 16 * GIB + 0x4000000 },
		{ 4 * GIB, 4 * GIB, 4 * GIB, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct e820_ram ram = e820_place_ram(cases[i].size, cases[i].hole);

		is_int(ram.low_end, cases[i].low, "size %" PRIx64 ": low end", cases[i].size);
		is_int(ram.high_end, cases[i].high, "size %" PRIx64 ": high end", cases[i].size);
	}
}

#define MIB (UINT64_C(1) << 20)

/* The bed's host, one whose firmware has holes in its memory, and one without anything. */
static void test_host(void)
{
	static const struct e820_range bed[] = {
		{ 0, 0x9fc00, E820_TYPE_RAM }, { 0x9fc00, 0x400, E820_TYPE_RESERVED },
		{ 0x100000, 0x7fedf000, E820_TYPE_RAM }, { 0x7ffdf000, 0x21000, E820_TYPE_RESERVED },
		{ 0xfeffc000, 0x4000, E820_TYPE_RESERVED }, { 4 * GIB, 2 * GIB, E820_TYPE_RAM },
	};
	static const struct e820_range holes[] = {
		{ 0x100000, 0x1ff00000, E820_TYPE_RAM }, { 0x20000000, 0x200000, E820_TYPE_NVS },
		{ 0x20200000, 0x1fe00000, E820_TYPE_RAM }, { 0x40000000, 0x200000, E820_TYPE_ACPI },
		{ 0x40200000, 0x100000, E820_TYPE_UNUSABLE },
	};
	static const struct {
		const char *what, *map;
		const struct e820_range *host;
		unsigned int nr;
		uint64_t memory, max;
	} cases[] = {
		{ "below all that is no memory",
		  "0-10000000:1 10000000-7ffdf000:5 7ffdf000-80000000:2 feffc000-ff000000:2",
		  bed, ARRAY_SIZE(bed), 256 * MIB, 256 * MIB },
		{ "more later",
		  "0-10000000:1 10000000-7ffdf000:5 7ffdf000-80000000:2 feffc000-ff000000:2 "
		  "100000000-110000000:1", bed, ARRAY_SIZE(bed), 256 * MIB, 512 * MIB },
		{ "in the way", "0-7ffdf000:1 7ffdf000-80000000:2 feffc000-ff000000:2 "
		  "100000000-140021000:1", bed, ARRAY_SIZE(bed), 3 * GIB, 3 * GIB },
		{ "in the way of the first hole",
		  "0-20000000:1 20000000-20200000:4 20200000-40000000:5 40000000-40200000:3 "
		  "100000000-110000000:1", holes, ARRAY_SIZE(holes), 768 * MIB, 768 * MIB },
		{ "no holes", "0-10000000:1", NULL, 0, 256 * MIB, 256 * MIB },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct e820 map;
		char text[512];

		e820_host(cases[i].host, cases[i].nr, cases[i].memory >> 10, cases[i].max >> 10,
			  &map);
		describe(&map, text, sizeof(text));
		is_str(text, cases[i].map, "host's map: %s", cases[i].what);
	}
}

int main(void)
{
	test_set();
	test_place();
	test_host();
	return tap_done();
}
