/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* LZO1X, decompression only (Linux, Documentation/staging/lzo.rst). liblzo2 is GPL. */
#ifndef BASE_LZO_H
#define BASE_LZO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How many bytes came out of it; -1 when it is damaged, or more than size. */
ssize_t lzo_unpack(const uint8_t *in, size_t len, uint8_t *out, size_t size);

#endif
