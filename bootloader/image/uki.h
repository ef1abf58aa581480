/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unified kernel images: EFI programs (PE files) that carry a kernel, its ramdisk and its
 * command line as sections (the UAPI group's specification "Unified Kernel Image"). Pure:
 * where in the file they are, of which nothing is believed.
 */
#ifndef IMAGE_UKI_H
#define IMAGE_UKI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* As many bytes from the start of a file have all of its headers. */
enum { UKI_HEAD_MAX = 64 * 1024 };

/* Bytes of the file; size 0: there is no such section. */
struct uki_part {
	uint64_t at, size;
};

struct uki {
	struct uki_part kernel, initrd, microcode, cmdline, os_release;
};

/* A PE file, whatever is in it. */
bool uki_is_pe(const uint8_t *head, size_t len);

/*
 * head: the first len bytes of a file of size bytes. -ENODATA without a message: no PE file
 * with a kernel in it. Of several profiles the first one is taken.
 */
int uki_parse(const uint8_t *head, size_t len, uint64_t size, struct uki *out,
	      struct err *err) must_check;

/*
 * A .cmdline section as the words of a command line, one blank between them, in buf.
 * -E2BIG when it is too long for size.
 */
int uki_cmdline(const uint8_t *text, size_t len, char *buf, size_t size,
		struct err *err) must_check;

#endif
