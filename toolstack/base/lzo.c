/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lzo.h"

#include <stdbool.h>
#include <string.h>

struct lzo {
	const uint8_t *in, *in_end;
	uint8_t *start, *out, *out_end;
};

static bool take_byte(struct lzo *z, size_t *byte)
{
	if (z->in == z->in_end)
		return false;
	*byte = *z->in++;
	return true;
}

/* A length whose bits are all zero goes on in bytes: 255 for each zero, then the rest. */
static bool long_length(struct lzo *z, size_t base, size_t *len)
{
	size_t byte, n = base;

	do {
		if (!take_byte(z, &byte) || n > 1u << 30)
			return false;
		n += byte ? byte : 255;
	} while (!byte);
	*len = n;
	return true;
}

static bool literals(struct lzo *z, size_t n)
{
	if (n > (size_t)(z->in_end - z->in) || n > (size_t)(z->out_end - z->out))
		return false;
	memcpy(z->out, z->in, n);
	z->in += n;
	z->out += n;
	return true;
}

/* Byte by byte: the source may run into what is being written. */
static bool match(struct lzo *z, size_t distance, size_t len)
{
	if (distance > (size_t)(z->out - z->start) || len > (size_t)(z->out_end - z->out))
		return false;
	for (; len; len--, z->out++)
		*z->out = z->out[-(ptrdiff_t)distance];
	return true;
}

/* Distance and following literals in two bytes: fourteen bits and two. */
static bool take_word(struct lzo *z, size_t *distance, size_t *after)
{
	size_t low, high;

	if (!take_byte(z, &low) || !take_byte(z, &high))
		return false;
	*after = low & 3;
	*distance = (high << 8 | low) >> 2;
	return true;
}

/* One instruction that is no run of literals. */
static bool one_match(struct lzo *z, size_t op, size_t before, size_t *after, bool *end)
{
	size_t len, distance, high;

	if (op >= 64 || op < 16) {
		if (!take_byte(z, &high))
			return false;
		*after = op & 3;
		if (op >= 128)
			len = 5 + (op >> 5 & 3);
		else if (op >= 64)
			len = 3 + (op >> 5 & 1);
		else
			len = before < 4 ? 2 : 3;
		distance = op >= 64 ? (high << 3) + (op >> 2 & 7) + 1 :
			(high << 2) + (op >> 2) + (before < 4 ? 1 : 2049);
	} else {
		size_t mask = op >= 32 ? 31 : 7;

		len = op & mask;
		if (len ? false : !long_length(z, mask, &len))
			return false;
		len += 2;
		if (!take_word(z, &distance, after))
			return false;
		if (op < 32) {
			distance += 16384 + ((op & 8) << 11);
			*end = distance == 16384;
			if (*end)
				return true;
		} else {
			distance++;
		}
	}
	return match(z, distance, len) && literals(z, *after);
}

ssize_t lzo_unpack(const uint8_t *in, size_t len, uint8_t *out, size_t size)
{
	struct lzo z = { in, in + len, out, out, out + size };
	size_t op, n, before = 0;	/* literals that came last; 4: many */
	bool end = false;

	if (len && in[0] > 17) {
		n = in[0] - 17u;
		z.in++;
		if (!literals(&z, n))
			return -1;
		before = n < 4 ? n : 4;
	}
	while (!end) {
		if (!take_byte(&z, &op))
			return -1;
		if (op < 16 && before == 0) {
			n = op;
			if (!n && !long_length(&z, 15, &n))
				return -1;
			if (!literals(&z, n + 3))
				return -1;
			before = 4;
		} else if (!one_match(&z, op, before, &before, &end)) {
			return -1;
		}
	}
	return z.out - z.start;
}
