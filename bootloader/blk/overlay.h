/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a journal would change about a device, over it in memory. */
#ifndef BLK_OVERLAY_H
#define BLK_OVERLAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct blk;

enum { OVERLAY_SECTOR = 512, OVERLAY_SECTORS_MAX = 256 * 1024 };

/* Borrows below; reads through until something is written. */
int overlay_open(struct blk *below, struct blk **out, struct err *err) must_check;

/* Keeps data; -EFBIG when it becomes too much. */
int overlay_write(struct blk *overlay, uint64_t offset, const void *data, size_t len,
		  struct err *err) must_check;

#endif
