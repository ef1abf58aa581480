/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images of disks: qcow2 and VHD, whichever the bytes are taken for, read here and there and as
 * a disk. Inputs are sparse images (sparse.h); tests/fuzz/seeds makes those to start from.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/scope.h"
#include "bootloader/blk/blk.h"
#include "sparse.h"
#include "tests/unit/fs_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(struct blk *file, int (*open_image)(struct blk *, struct blk **, struct err *))
{
	/* Across the ends of clusters of every size. */
	enum { PLACES = 16, PIECE = 5000 };
	scoped(blk) struct blk *disk = NULL;
	scoped(free) uint8_t *buf = malloc(PIECE);
	struct err err = ERR_INIT;

	if (!buf || open_image(file, &disk, &err) < 0)
		return;
	for (uint64_t i = 0; i < PLACES && disk->size >= PIECE; i++) {
		uint64_t at = (disk->size - PIECE) / (PLACES - 1) * i;

		if (blk_read(disk, at, buf, PIECE, &err) < 0 && (!err.msg[0] || err.code <= 0))
			abort();
	}
	fs_walk(disk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct budget budget = { .bytes = 16 << 20, .steps = 20000 };
	scoped(blk) struct blk *file = sparse_open(data, size, &budget);

	if (!file)
		return -1;
	try(file, blk_open_qcow2);
	try(file, blk_open_vhd);
	return 0;
}
