/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* XFS's log by itself: the ring, the records in it, and what they say onto an empty device. */
#include <stdint.h>
#include <stdlib.h>

#include "base/scope.h"
#include "bootloader/blk/blk.h"
#include "bootloader/blk/overlay.h"
#include "bootloader/fs/xfs_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t device[8 << 20];
	struct budget budget = { .bytes = 64 << 20, .steps = 50000 };
	scoped(blk) struct blk *ring = NULL;
	scoped(blk) struct blk *below = NULL;
	scoped(blk) struct blk *overlay = NULL;
	scoped(xfs_log) struct xfs_log log = { .clean = false };
	struct err err = ERR_INIT;

	size -= size % 512;
	if (blk_open_memory(data, size, &budget, &ring, &err) < 0 ||
	    blk_open_memory(device, sizeof(device), &budget, &below, &err) < 0 ||
	    overlay_open(below, &overlay, &err) < 0)
		return -1;
	if (xfs_log_read(ring, 0, size, &log, &err) == 0)
		(void)!xfs_log_replay(&log, 512, overlay, &err);
	return 0;
}
