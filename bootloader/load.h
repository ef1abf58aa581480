/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From what an entry boots to bytes: which parts of which files of the guest are its kernel
 * and ramdisks, and those read into the memory that the toolstack gave.
 */
#ifndef BOOTLOADER_LOAD_H
#define BOOTLOADER_LOAD_H

#include "bootloader.h"
#include "conf/conf.h"
#include "fs/fs.h"

struct disks;

enum { LOAD_PARTS = CONF_INITRDS_MAX + 2 };

/* Bytes of one file. */
struct part {
	const struct boot_file *file;	/* for messages */
	struct fs *fs;
	struct fs_node node;
	uint64_t at, size;
};

/* Borrows the disks and the target. */
struct load {
	struct disks *disks;
	struct part kernel;
	struct part ramdisks[LOAD_PARTS];	/* to be handed over one after the other */
	size_t nr_ramdisks;
	char cmdline[BOOT_CMDLINE_MAX];	/* the target's, or a unified kernel image's own */
	struct boot_kernel_info info;	/* what the kernel's first bytes say */
};

/* Where a kernel and ramdisks go. */
struct load_memory {
	uint8_t *kernel;	/* kernel_max bytes */
	uint64_t kernel_max, ramdisk_max;
	int ramdisk;		/* a descriptor */
};

/* Opens the files; errors name them. */
int load_prepare(struct disks *disks, const struct boot_target *target, struct load *load,
		 struct err *err) must_check;

/* Reads, unwraps (unless raw) and fills in sizes and kernel of result. */
int load_run(const struct load *load, const struct load_memory *memory, bool raw,
	     struct boot_result *result, struct err *err) must_check;

#endif
