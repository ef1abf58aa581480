/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernels out of guests' disks: starts the reader (out/xlite-boot) in its sandbox and
 * takes what it finds as sealed memory. The toolstack parses nothing of the disk's but
 * the headers of an ELF kernel, and no path ever comes back. All texts in the results were
 * written by the guest: any bytes but NUL, to be escaped wherever they are printed.
 */
#ifndef BOOTLOADER_BOOTLOADER_H
#define BOOTLOADER_BOOTLOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct strbuf;

/* Said with whatever is met and not read. */
#define BOOT_ADVICE "let the guest's own GRUB boot it (pvgrub)"

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
	uint32_t sector;	/* a block device's logical sector, bytes; 0: not known */
	uint64_t offset;	/* of a raw one: where its file system starts, in bytes */
};

/* Disks that are opened for it. */
struct boot_disks {
	struct boot_disk disks[BOOT_DISKS_MAX];
	size_t nr;
};

#define BOOT_DISKS_INIT { .nr = 0 }

void scoped_boot_disks(struct boot_disks *disks);

/* A file or block device; what is cached of it is thrown away: the guest wrote past that. */
int bootloader_add_disk(struct boot_disks *disks, const char *path, enum boot_format format,
			struct err *err) must_check;

struct boot_options {
	const struct boot_disk *disks;
	size_t nr_disks;
	enum boot_action action;
	const char *entry;	/* index, title, id, "1>2"; NULL: the default */
	bool flat;		/* entry as pygrub counts: index and title of any level's */
	const char *kernel;	/* a path in the image, instead of a configuration; or NULL */
	const char *ramdisk;	/* likewise, instead of the ramdisks of what is booted */
	uint64_t kernel_max, ramdisk_max;	/* bytes, of what the guest is given */
	bool raw;		/* the kernel as the disk has it, not the ELF file in it */
	int timeout_ms;		/* while a menu waits for its user, time stands still */
	/*
	 * A terminal, open for reading and writing, on which the guest's menu is shown; -1: none,
	 * the default entry at once. Borrowed; the reader gets a pseudo-terminal of its own.
	 */
	int terminal;
	/*
	 * The terminal says nothing of a user: until a key was typed, a menu's countdown ends
	 * and time goes on.
	 */
	bool alone;
};

struct boot_device_info {
	char name[80];		/* "hd0,gpt2" */
	char fs[16];		/* or "" */
	char uuid[40];
	char label[260];
	char note[200];		/* what is wrong with it, or what else it is */
	char config[BOOT_TEXT_MAX];	/* the boot configuration found on it, or "" */
	char language[16];	/* of config; "none": a kernel without one */
	char problem[512];	/* why its default entry or configuration is of no use; or "" */
	uint32_t entries;
	uint32_t chosen;	/* the one whose configuration is used */
};

struct boot_entry_info {
	char title[256], id[128];
	char place[32];		/* "1>0", as GRUB counts */
	uint32_t submenu, locked, is_default;
	/* BOOT_LIST: what it would boot, by its configuration; all "" when that is nothing. */
	char kernel_path[BOOT_TEXT_MAX];
	char ramdisk_path[BOOT_TEXT_MAX];
	char cmdline[BOOT_CMDLINE_MAX];
};

/* Facts of a kernel that was read. */
struct boot_kernel_info {
	char wrapping[16];	/* of what the disk has: "bzImage", "ELF", "gzip", "zboot" */
	char packing[8];	/* "xz", ...; or "" */
	char version[128];	/* a bzImage's text, or "" */
	uint32_t unified;	/* it was part of a unified kernel image */
	/* Of the ELF file; 0 where the kernel was left as it was. */
	uint32_t bits;
	uint32_t modes;		/* ELFNOTE_PV, ELFNOTE_PVH of base/elfnote.h: how to start it */
	uint32_t is_linux;
};

struct boot_result {
	char language[16];	/* "grub2", "bls", ... */
	char title[256];
	char place[32];
	char kernel_path[BOOT_TEXT_MAX];	/* for people only */
	char ramdisk_path[BOOT_TEXT_MAX];	/* all of them, separated by blanks */
	char cmdline[BOOT_CMDLINE_MAX];
	uint64_t kernel_size, ramdisk_size;	/* bytes; 0 where nothing was loaded */
	struct boot_kernel_info kernel;
	uint32_t sandbox;	/* SANDBOX_ bits */
};

/* What comes back beside the result; each may be NULL. Not called with anything unchecked. */
struct boot_callbacks {
	void (*device)(void *ctx, const struct boot_device_info *device);
	void (*entry)(void *ctx, const struct boot_entry_info *entry);
	void (*note)(void *ctx, const char *note);
	void *ctx;
};

/* Sealed memfds of exactly the result's sizes, open for reading; -1 where nothing was loaded. */
struct boot_files {
	int kernel, ramdisk;
};

#define BOOT_FILES_INIT { -1, -1 }

void scoped_boot_files(struct boot_files *files);

/* "hd0,gpt2: ext4 label 'x': config ... found ..., kernel ... is missing", all of it escaped. */
void bootloader_describe(const struct boot_device_info *device, struct strbuf *out);

/* "seccomp, another user, ...": what the reader's sandbox was made of. */
const char *bootloader_sandbox(const struct boot_result *result, char *buf, size_t size);

/*
 * The reader's executable: beside this program, or in ../lib/xlite from there. Returns a
 * descriptor.
 */
int bootloader_program(struct err *err) must_check;

/* All of one of boot_files to a descriptor; path is for the message. */
int bootloader_copy(int from, int to, const char *path, struct err *err) must_check;

/*
 * Runs the reader to its end. program: a descriptor of the executable. Fails with the
 * reader's own message, or with what became of it (killed by its sandbox, out of time).
 */
int bootloader_run(int program, const struct boot_options *options,
		   const struct boot_callbacks *callbacks, struct boot_result *result,
		   struct boot_files *files, struct err *err) must_check;

#endif
