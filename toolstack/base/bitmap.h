/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sets of small numbers (cpus, nodes, vcpus) of one fixed range, so that no
 * input can make them grow and nothing is allocated.
 */
#ifndef BASE_BITMAP_H
#define BASE_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

#define BITMAP_BITS 4096

struct bitmap {
	uint64_t word[BITMAP_BITS / 64];
};

static inline bool bitmap_test(const struct bitmap *b, unsigned int bit)
{
	return bit < BITMAP_BITS && (b->word[bit / 64] >> (bit % 64) & 1);
}

/* False, and nothing happens, when bit is out of range. */
static inline bool bitmap_set(struct bitmap *b, unsigned int bit)
{
	if (bit >= BITMAP_BITS)
		return false;
	b->word[bit / 64] |= UINT64_C(1) << (bit % 64);
	return true;
}

static inline void bitmap_clear(struct bitmap *b, unsigned int bit)
{
	if (bit < BITMAP_BITS)
		b->word[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
}

static inline bool bitmap_empty(const struct bitmap *b)
{
	for (unsigned int i = 0; i < BITMAP_BITS / 64; i++) {
		if (b->word[i])
			return false;
	}
	return true;
}

#endif
