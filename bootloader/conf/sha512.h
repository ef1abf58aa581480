/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-512 (FIPS 180-4), for the passwords of GRUB 2. */
#ifndef BOOTLOADER_CONF_SHA512_H
#define BOOTLOADER_CONF_SHA512_H

#include <stddef.h>
#include <stdint.h>

enum { SHA512_SIZE = 64, SHA512_BLOCK = 128 };

struct sha512 {
	uint64_t h[8];
	uint64_t len;		/* bytes so far */
	unsigned char block[SHA512_BLOCK];
};

void sha512_start(struct sha512 *s);
void sha512_add(struct sha512 *s, const void *data, size_t len);
void sha512_end(struct sha512 *s, unsigned char hash[SHA512_SIZE]);

#endif
