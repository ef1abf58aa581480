/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Block devices, read-only: a descriptor or memory at the bottom, partitions and
 * formats (qcow2, LVM, ...) stacked on it. Everything that reads a guest's disk
 * reads through blk_read(), which checks the bounds and takes from the budget, so
 * that an image made to loop costs a known amount of work. Offsets and sizes are
 * bytes. A blk borrows what is below it: close from the top down.
 */
#ifndef BLK_BLK_H
#define BLK_BLK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct blk;

/*
 * What one run may cost, over all layers: bytes read, and steps (each read, and each
 * turn of a loop that a disk's structures drive). Shared by all disks of a run.
 */
struct budget {
	uint64_t bytes, steps;
};

/* Kernel, initrd and all metadata fit in many times over; a loop does not. */
#define BUDGET_INIT { .bytes = 16ull << 30, .steps = 20u << 20 }

struct blk_ops {
	/* len > 0, inside the size. */
	int (*read)(struct blk *blk, uint64_t offset, void *buf, size_t len, struct err *err);
	void (*close)(struct blk *blk);		/* frees blk */
};

struct blk {
	const struct blk_ops *ops;
	uint64_t size;
	uint32_t sector;		/* logical sector size when known from the device, else 0 */
	struct budget *budget;		/* borrowed */
};

/*
 * fd: a file or block device, borrowed, only pread and lseek are used. size 0: ask
 * the descriptor. Small reads go through a cache of 2 MiB.
 */
int blk_open_fd(int fd, uint64_t size, uint32_t sector, struct budget *budget, struct blk **out,
		struct err *err) must_check;
/* data is borrowed. */
int blk_open_memory(const void *data, size_t len, struct budget *budget, struct blk **out,
		    struct err *err) must_check;
/* A part of below; refused when it does not lie inside it. */
int blk_open_slice(struct blk *below, uint64_t start, uint64_t size, struct blk **out,
		   struct err *err) must_check;
/*
 * What an image file holds: qcow2 (v2 and v3, compressed, without a backing file) and VHD
 * (fixed, dynamic). Only where the configuration says so: a guest can write either
 * header to the start of a raw disk.
 */
int blk_open_qcow2(struct blk *below, struct blk **out, struct err *err) must_check;
int blk_open_vhd(struct blk *below, struct blk **out, struct err *err) must_check;
void blk_close(struct blk *blk);	/* NULL is fine */

static inline void scoped_blk(struct blk **blk)
{
	blk_close(*blk);
}

/* Exactly len bytes, or an error: -ENODATA beyond the end, -ETIME over budget, -EIO. */
int blk_read(struct blk *blk, uint64_t offset, void *buf, size_t len, struct err *err) must_check;

/* One turn of a loop that the disk's contents drive. */
int blk_step(struct blk *blk, struct err *err) must_check;

#endif
