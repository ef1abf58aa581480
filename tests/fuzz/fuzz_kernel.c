/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel images: any bytes as they are, as the payload of a bzImage and of an EFI program, and
 * as a unified image, which has a kernel in it; their notes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/elfnote.h"
#include "base/unwrap.h"
#include "bootloader/bootloader.h"
#include "bootloader/image/kernel.h"
#include "bootloader/image/uki.h"
#include "tests/unit/kernel.h"

enum { OUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(const uint8_t *data, size_t size)
{
	/* Exactly as large: a byte too far is seen. */
	scoped(free) uint8_t *out = malloc(OUT_MAX);
	struct boot_kernel_info info = { .bits = 0 };
	struct err err = ERR_INIT;
	size_t len;

	kernel_describe(data, size, &info);
	if (unwrap_into(data, size, out, OUT_MAX, &len, &err) < 0)
		return;
	if (len > OUT_MAX || unwrap_probe(out, len) != UNWRAP_ELF)
		abort();
	if (kernel_check(out, len, &info, &err) == 0 && info.bits != 32 && info.bits != 64)
		abort();
}

static void try_unified(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	char cmdline[100];
	struct uki uki;

	if (uki_parse(data, size, size, &uki, &err) < 0)
		return;
	if (uki_cmdline(data + uki.cmdline.at, uki.cmdline.size, cmdline, sizeof(cmdline),
			&err) == 0 && strlen(cmdline) >= sizeof(cmdline))
		abort();
	try(data + uki.kernel.at, uki.kernel.size);
	try(data + uki.initrd.at, uki.initrd.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(free) uint8_t *image = malloc(4096 + size);

	/* What is no ELF file is none whatever its notes say. */
	if (elfnote_modes(data, size) && unwrap_probe(data, size) != UNWRAP_ELF)
		abort();
	try(data, size);
	try_unified(data, size);
	try(image, kernel_bzimage(image, data, size, "6.1"));
	memset(image, 0, 64);
	memcpy(image, "MZ\0\0zimg", 8);
	put_le(image + 8, 4, 64);
	put_le(image + 12, 4, size);
	memcpy(image + 64, data, size);
	try(image, 64 + size);
	return 0;
}
