/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_UNIT_LE_H
#define TESTS_UNIT_LE_H

#include <stddef.h>
#include <stdint.h>

/* A little-endian number of so many bytes. */
static inline void put_le(uint8_t *p, size_t bytes, uint64_t value)
{
	for (size_t i = 0; i < bytes; i++)
		p[i] = (uint8_t)(value >> 8 * i);
}

#endif
