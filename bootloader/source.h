/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What boot configurations are read from: the devices of one guest and the file
 * systems on them, as a table and four calls. Implemented over the guest's disks
 * and over texts in memory (tests, fuzzers). The table is filled before a
 * configuration is read and does not change; the implementation owns all of it.
 *
 * Nothing that comes out of a source is trusted: names and contents are any bytes.
 * Each call has a bound given by its caller, and an implementation bounds its own
 * work (symlinks, folder sizes, budgets over the whole run) beside that.
 *
 * Paths are absolute within the device's file system; "//", "." and ".." are the
 * implementation's to resolve, never above the root, and so are symlinks. Letter
 * case is the file system's affair. Where a btrfs has a default subvolume, a path
 * is looked for in it first and then at the top.
 */
#ifndef BOOTLOADER_SOURCE_H
#define BOOTLOADER_SOURCE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"

#define SOURCE_NO_DEVICE UINT_MAX

enum source_kind { SOURCE_FILE, SOURCE_FOLDER, SOURCE_OTHER };
enum source_table { SOURCE_TABLE_NONE, SOURCE_TABLE_MSDOS, SOURCE_TABLE_GPT };
enum source_role { SOURCE_ROLE_NONE, SOURCE_ROLE_ESP, SOURCE_ROLE_XBOOTLDR };

/*
 * One thing that may carry a file system. Partitions and whole disks are known by
 * numbers, from which GRUB's names (hd0,msdos1), (hd0,gpt2), (hd0,1) and GRUB
 * legacy's (hd0,0) follow; what is made of several (LVM, md) by names.
 */
struct source_device {
	unsigned int disk;	/* 0 is the guest's first disk, hd0 */
	unsigned int part;	/* as Linux counts: from 1, logical ones from 5; 0: the whole disk */
	enum source_table table;	/* of the table that part is in */
	enum source_role role;	/* by the partition's type */
	const char *names[2];	/* GRUB's names without brackets: "lvm/vg-boot" (a '-' within a
				   name doubled) and "lvmid/VG/LV"; "md/0", "mduuid/..."; or NULL */
	const char *fs;		/* as libblkid says: "ext4", "vfat"; NULL: none found or not read */
	const char *uuid;	/* of the file system, as libblkid prints it; or NULL */
	const char *label;	/* of the file system; or NULL */
	const char *partuuid;	/* or NULL */
};

struct source_stat {
	enum source_kind kind;
	uint64_t size;		/* bytes; 0 for folders */
};

/* A name in a folder ("." and ".." are left out); non-zero ends the listing. */
typedef int (*source_name_fn)(void *fn_arg, const char *name, enum source_kind kind);

struct source_ops {
	/* The whole file: -EFBIG when longer than max, -ENOENT, -ENOTDIR, -EISDIR, -ELOOP,
	   -EIO for a damaged file system, -ETIME when the budget of the run is used up. */
	int (*read)(void *arg, unsigned int dev, const char *path, size_t max, struct bytes *out,
		    struct err *err);
	/* Its len bytes from offset on, less where it ends before; errors as read's. */
	int (*part)(void *arg, unsigned int dev, const char *path, uint64_t offset, size_t len,
		    struct bytes *out, struct err *err);
	/* The target's kind and size (symlinks followed); errors as read's. */
	int (*stat)(void *arg, unsigned int dev, const char *path, struct source_stat *out,
		    struct err *err);
	/* Names in any order, at most max of them (-EFBIG beyond); what fn says that is not 0. A
	   symlink's kind is its target's, or SOURCE_OTHER where finding that out costs more. */
	int (*list)(void *arg, unsigned int dev, const char *path, size_t max, source_name_fn fn,
		    void *fn_arg, struct err *err);
};

struct source {
	const struct source_ops *ops;
	void *arg;		/* given to each call */
	const struct source_device *devices;
	unsigned int nr_devices;
};

static inline int must_check source_read(const struct source *s, unsigned int dev, const char *path,
					 size_t max, struct bytes *out, struct err *err)
{
	return s->ops->read(s->arg, dev, path, max, out, err);
}

static inline int must_check source_part(const struct source *s, unsigned int dev, const char *path,
					 uint64_t offset, size_t len, struct bytes *out,
					 struct err *err)
{
	return s->ops->part(s->arg, dev, path, offset, len, out, err);
}

static inline int must_check source_stat(const struct source *s, unsigned int dev, const char *path,
					 struct source_stat *out, struct err *err)
{
	return s->ops->stat(s->arg, dev, path, out, err);
}

static inline int must_check source_list(const struct source *s, unsigned int dev, const char *path,
					 size_t max, source_name_fn fn, void *fn_arg,
					 struct err *err)
{
	return s->ops->list(s->arg, dev, path, max, fn, fn_arg, err);
}

/*
 * Finding devices (source.c); each returns an index or SOURCE_NO_DEVICE. Where
 * several match, first is the one to prefer (GRUB's hint; SOURCE_NO_DEVICE: none).
 */
unsigned int source_by_uuid(const struct source *s, const char *uuid, unsigned int first);
unsigned int source_by_label(const struct source *s, const char *label, unsigned int first);
unsigned int source_by_partuuid(const struct source *s, const char *uuid, unsigned int first);
/* kind: a file, or a folder where SOURCE_FOLDER is given. */
unsigned int source_by_file(const struct source *s, const char *path, enum source_kind kind,
			    unsigned int first);
/* GRUB 2's name without brackets: "hd0,msdos1", "hd0,gpt2", "hd0,1", "hd0", "lvm/vg-boot". */
unsigned int source_by_name(const struct source *s, const char *name);
/* GRUB legacy's: "hd0,0". */
unsigned int source_by_legacy_name(const struct source *s, const char *name);
/* The name source_by_name() takes, of at most size - 1 bytes, in buf. */
const char *source_device_name(const struct source *s, unsigned int dev, char *buf, size_t size);

#endif
