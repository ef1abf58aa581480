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

int main(void)
{
	test_set();
	test_place();
	return tap_done();
}
