/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernels as guests' disks have them: bytes in memory to the ELF file in them, and what
 * can be said of that. Pure.
 */
#ifndef IMAGE_KERNEL_H
#define IMAGE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct boot_kernel_info;

/* How data is wrapped and what it says of itself; its first 64 KiB are enough. */
void kernel_describe(const void *data, size_t len, struct boot_kernel_info *info);

/* What an ELF file can be started as. Fails when it is none for this machine. */
int kernel_check(const void *elf, size_t len, struct boot_kernel_info *info,
		 struct err *err) must_check;

#endif
