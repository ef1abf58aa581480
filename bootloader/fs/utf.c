/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "utf.h"

#include <string.h>

static size_t encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

size_t utf8_of_utf16(const uint16_t *units, size_t len, char *buf, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len && units[i]; i++) {
		uint32_t c = units[i];
		char bytes[4];
		size_t add;

		if (c >= 0xd800 && c < 0xdc00 && i + 1 < len && (units[i + 1] & 0xfc00) == 0xdc00)
			c = 0x10000 + ((c & 0x3ff) << 10) + (units[++i] & 0x3ff);
		else if (c >= 0xd800 && c < 0xe000)
			c = 0xfffd;
		add = encode(c, bytes);
		if (add > size - n)
			break;
		memcpy(buf + n, bytes, add);
		n += add;
	}
	return n;
}
