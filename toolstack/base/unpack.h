/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compressed data by its magic number, pure: gzip, xz, lzma, bzip2, zstd, lz4 (Linux's legacy
 * frames and its own), and lzo as lzop writes it. The data may be hostile: a length in it
 * is never believed, and no more than the limit ever comes out.
 */
#ifndef BASE_UNPACK_H
#define BASE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* What comes out: memory that grows up to max bytes, or memory of the caller's. */
struct unpacked {
	uint8_t *data;
	size_t len, cap, max;
	bool fixed;		/* data has max bytes and is not ours */
};

#define UNPACKED_HEAP(bytes) { .max = (bytes) }
#define UNPACKED_FIXED(buf, bytes) { .data = (buf), .cap = (bytes), .max = (bytes), .fixed = true }

void scoped_unpacked(struct unpacked *u);

/* "gzip", "xz", ...; NULL when it is none of them. */
const char *unpack_format(const void *data, size_t len);

/*
 * Appends what data unpacks to; what follows the end of the compressed data is ignored.
 * -EOPNOTSUPP: no format of these; -EINVAL: truncated or damaged; -EFBIG: more than out may
 * hold; -ENOMEM. Messages are about "it".
 */
int unpack(const void *data, size_t len, struct unpacked *out, struct err *err) must_check;

/* As it is. */
int unpacked_copy(const void *data, size_t len, struct unpacked *out, struct err *err) must_check;

#endif
