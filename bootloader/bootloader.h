/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernels out of guests' disks: starts the reader (out/xlite-boot) in its sandbox and
 * takes what it finds as sealed memory. The toolstack never parses a byte of the disk,
 * and no path ever comes back. All texts in the results were written by the guest: any
 * bytes but NUL, to be escaped wherever they are printed.
 */
#ifndef BOOTLOADER_BOOTLOADER_H
#define BOOTLOADER_BOOTLOADER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	BOOT_DISKS_MAX = 8,
	BOOT_TEXT_MAX = 1024,
	BOOT_CMDLINE_MAX = 4096,	/* with its end; Linux takes 2047 characters, PV 1023 */
};

enum boot_format { BOOT_RAW, BOOT_QCOW2, BOOT_VHD, BOOT_FORMATS };

enum boot_action {
	BOOT_LIST,		/* devices and entries; what the default would boot */
	BOOT_LOAD,		/* kernel and ramdisk as well */
};

struct boot_disk {
	int fd;			/* open for reading only; borrowed */
	enum boot_format format;	/* from the configuration, never guessed */
};

struct boot_options {
	const struct boot_disk *disks;
	size_t nr_disks;
	enum boot_action action;
	const char *entry;	/* index, title, id, "1>2"; NULL: the default */
	const char *kernel;	/* a path in the image, instead of a configuration; or NULL */
	const char *ramdisk;
	uint64_t kernel_max, ramdisk_max;	/* bytes */
	int timeout_ms;
	int terminal;		/* for 0 to 2 of the reader; -1: none */
};

struct boot_device_info {
	char name[80];		/* "hd0,gpt2" */
	char fs[16];		/* or "" */
	char uuid[40];
	char label[260];
	char note[200];		/* what is wrong with it, or what else it is */
	char config[BOOT_TEXT_MAX];	/* the boot configuration found on it, or "" */
	uint32_t chosen;	/* the one whose configuration is used */
};

struct boot_entry_info {
	char title[256], id[128];
	char place[32];		/* "1>0", as GRUB counts */
	uint32_t submenu, locked, is_default;
};

struct boot_result {
	char language[16];	/* "grub2", "bls", ... */
	char title[256];
	char place[32];
	char kernel_path[BOOT_TEXT_MAX];	/* for people only */
	char ramdisk_path[BOOT_TEXT_MAX];	/* all of them, separated by blanks */
	char cmdline[BOOT_CMDLINE_MAX];
	uint64_t kernel_size, ramdisk_size;	/* bytes; 0 where nothing was loaded */
	uint32_t kind;		/* enum boot_kind of conf/conf.h */
	uint32_t nr_ramdisks;	/* that ramdisk is made of */
	uint32_t sandbox;	/* SANDBOX_ bits */
};

/* What comes back beside the result; each may be NULL. Not called with anything unchecked. */
struct boot_callbacks {
	void (*device)(void *ctx, const struct boot_device_info *device);
	void (*entry)(void *ctx, const struct boot_entry_info *entry);
	void (*note)(void *ctx, const char *note);
	void *ctx;
};

/*
 * Sealed memfds, open for reading; -1 where nothing was loaded. Of each only the first bytes
 * count, as many as the result says: the file itself is as large as was allowed.
 */
struct boot_files {
	int kernel, ramdisk;
};

#define BOOT_FILES_INIT { -1, -1 }

void scoped_boot_files(struct boot_files *files);

/*
 * Runs the reader to its end. program: a descriptor of the executable. Fails with the
 * reader's own message, or with what became of it (killed by its sandbox, out of time).
 */
int bootloader_run(int program, const struct boot_options *options,
		   const struct boot_callbacks *callbacks, struct boot_result *result,
		   struct boot_files *files, struct err *err) must_check;

#endif
