/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel wrappings, pure: bytes in, bytes out. A Linux bzImage is a 16-bit setup
 * part and a compressed ELF (Linux Documentation/arch/x86/boot.rst); EFI zboot is a
 * program with one; distributions of other systems gzip the ELF. Input is bounded
 * and every offset is checked: a kernel may come from a guest's disk.
 */
#ifndef BASE_UNWRAP_H
#define BASE_UNWRAP_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "file.h"

/* The largest kernel that is accepted, wrapped or not. */
#define UNWRAP_MAX ((size_t)512 << 20)

enum unwrap_kind {
	UNWRAP_UNKNOWN,		/* neither of these */
	UNWRAP_ELF,		/* as it is */
	UNWRAP_BZIMAGE,		/* Linux, payload compressed */
	UNWRAP_GZIP,		/* a gzip'd file */
	UNWRAP_ZBOOT,		/* Linux, an EFI program that unpacks it */
};

/* Tells by the first bytes; 0x250 of them are enough. */
enum unwrap_kind unwrap_probe(const void *data, size_t len);

/*
 * The ELF inside data (or data itself) as a new buffer. Messages are about "it": what is
 * wrong ("truncated", "its compression is not known"), not which file.
 */
int unwrap(const void *data, size_t len, struct bytes *elf, struct err *err) must_check;

/* The same into size bytes at buf; -EFBIG when they are not enough. */
int unwrap_into(const void *data, size_t len, void *buf, size_t size, size_t *elf_len,
		struct err *err) must_check;

/* "gzip", "xz", ...: how the ELF in data is packed; NULL: not at all, or not known. */
const char *unwrap_packing(const void *data, size_t len);

/* A bzImage's version text ("6.1.0-13-amd64 (debian-...) #1 SMP ..."), any bytes, in buf; or "". */
const char *unwrap_version(const void *data, size_t len, char *buf, size_t size);

#endif
