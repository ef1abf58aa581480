/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel wrappings, pure: bytes in, bytes out. A Linux bzImage is a 16-bit setup
 * part and a compressed ELF (Linux Documentation/arch/x86/boot.rst); distributions
 * of other systems gzip the ELF. Input is bounded and every offset is checked: a
 * kernel may come from a guest's disk.
 */
#ifndef BUILDERS_UNWRAP_H
#define BUILDERS_UNWRAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/file.h"

/* The largest kernel that is accepted, wrapped or not. */
#define UNWRAP_MAX ((size_t)512 << 20)

enum unwrap_kind {
	UNWRAP_UNKNOWN,		/* neither of these */
	UNWRAP_ELF,		/* as it is */
	UNWRAP_BZIMAGE,		/* Linux, payload compressed */
	UNWRAP_GZIP,		/* a gzip'd file */
};

/* Tells by the first bytes; 0x250 of them are enough. */
enum unwrap_kind unwrap_probe(const void *data, size_t len);

/*
 * The ELF inside data as a new buffer; for bzImage and gzip only. Messages say
 * what is wrong ("truncated", "LZO compression is not supported"), not which file.
 */
int unwrap(const void *data, size_t len, struct bytes *elf, struct err *err) must_check;

#endif
