/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernel images: any bytes as they are, and as the payload of a bzImage; their notes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xen/elfnote.h>

#include "base/scope.h"
#include "builders/elfnote.h"
#include "builders/unwrap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(const void *data, size_t size)
{
	scoped(bytes) struct bytes elf = BYTES_INIT;
	struct err err = ERR_INIT;

	if (unwrap(data, size, &elf, &err) == 0 && unwrap_probe(elf.data, elf.len) != UNWRAP_ELF)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char offset[8] = { 0x50 };
	unsigned char *image = calloc(1, 0x450 + size);

	/* What is no ELF file is none whatever its notes say. */
	if (elfnote_has(data, size, XEN_ELFNOTE_PHYS32_ENTRY) && unwrap_probe(data, size) != UNWRAP_ELF)
		abort();
	if (unwrap_probe(data, size) != UNWRAP_UNKNOWN)
		try(data, size);
	image[0x1f1] = 1;
	memcpy(image + 0x1fe, "\x55\xaa", 2);
	memcpy(image + 0x202, "HdrS\x0f\x02", 6);
	memcpy(image + 0x248, offset, sizeof(offset));
	memcpy(image + 0x24c, &size, 4);
	memcpy(image + 0x450, data, size);
	try(image, 0x450 + size);
	free(image);
	return 0;
}
