/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "crc32c.h"

#include <stdbool.h>
#include <string.h>

/* Four bits a step: a table small enough to stand here. */
static const uint32_t table[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362,
	0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab,
	0xe330a81a, 0xf36e6f75,
};

#ifdef __x86_64__
/* Processors of the last fifteen years have an instruction for it: thirty times faster. */
__attribute__((target("sse4.2")))
static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t sum = crc, word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum = __builtin_ia32_crc32di(sum, word);
	}
	crc = (uint32_t)sum;
	for (; len; len--, p++)
		crc = __builtin_ia32_crc32qi(crc, *p);
	return crc;
}

static bool have_sse42(void)
{
	return __builtin_cpu_supports("sse4.2");
}
#else
static bool have_sse42(void)
{
	return false;
}

static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *p, size_t len)
{
	(void)p, (void)len;
	return crc;
}
#endif

uint32_t crc32c_by_table(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (; len; len--, p++) {
		crc ^= *p;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return crc;
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
	return have_sse42() ? crc32c_sse42(crc, data, len) : crc32c_by_table(crc, data, len);
}
