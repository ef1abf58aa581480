/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers out of raw bytes. Structures on a disk are never overlaid with C
 * structs: nothing there is aligned, and each format has its own byte order.
 * The caller has checked that the bytes are there. (The names base/ uses for
 * whole files, struct bytes, are another thing.)
 */
#ifndef BLK_BYTES_H
#define BLK_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint16_t get_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t get_le32(const uint8_t *p)
{
	return get_le16(p) | (uint32_t)get_le16(p + 2) << 16;
}

static inline uint64_t get_le64(const uint8_t *p)
{
	return get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
}

static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

static inline uint64_t get_be64(const uint8_t *p)
{
	return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
}

/* Whether len bytes at offset lie inside size bytes; no sum can overflow. */
static inline bool inside(uint64_t offset, uint64_t len, uint64_t size)
{
	return offset <= size && len <= size - offset;
}

#endif
