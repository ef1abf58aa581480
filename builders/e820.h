/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest's memory map as firmware would tell it (the BIOS call that gave it its name):
 * ranges in ascending order that do not overlap. Pure. Addresses and sizes in bytes,
 * all multiples of a page.
 */
#ifndef BUILDERS_E820_H
#define BUILDERS_E820_H

#include <stdint.h>

/* Values of the BIOS interface, which Xen passes on. */
enum e820_type {
	E820_TYPE_RAM = 1, E820_TYPE_RESERVED, E820_TYPE_ACPI, E820_TYPE_NVS, E820_TYPE_UNUSABLE,
};

#define E820_MAX_RANGES 160	/* the most that Xen tells of a host, 128, and what is added */

struct e820_range {
	uint64_t start, size;
	enum e820_type type;
};

struct e820 {
	struct e820_range ranges[E820_MAX_RANGES];
	unsigned int nr;
};

#define E820_INIT { .nr = 0 }

/*
 * Says what [start, start + size) is: parts of earlier ranges there are replaced, and
 * neighbours of the same type become one range. At most two ranges more than before;
 * the caller stays within E820_MAX_RANGES.
 */
void e820_set(struct e820 *map, uint64_t start, uint64_t size, enum e820_type type);

/* Where RAM lies: from 0 up to a hole below 4 GiB, the rest from 4 GiB on. */
struct e820_ram {
	uint64_t low_end;
	uint64_t high_end;	/* 0: none above 4 GiB */
};

/*
 * A PV guest's map after the host's (libxl's e820_host): what is no memory lies where the host
 * has it, so that PCI devices fit, and memory_kb that would be in the way goes to 4 GiB, like
 * what the guest may get later, up to max_memory_kb.
 */
void e820_host(const struct e820_range *host, unsigned int nr, uint64_t memory_kb,
	       uint64_t max_memory_kb, struct e820 *map);

/* hole_start is at most 4 GiB, where the hole always ends. */
struct e820_ram e820_place_ram(uint64_t size, uint64_t hole_start);

#endif
