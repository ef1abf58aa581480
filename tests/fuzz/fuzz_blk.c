/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks: partition tables, what stands on them, and file systems, walked as far as they
 * lead. Inputs are sparse images (sparse.h); tests/fuzz/seeds makes those to start from.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/scope.h"
#include "bootloader/blk/blk.h"
#include "bootloader/disks.h"
#include "bootloader/fs/fs.h"
#include "bootloader/source.h"
#include "sparse.h"
#include "tests/unit/fs_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int any_name(void *arg, const char *name, enum source_kind kind)
{
	(void)name, (void)kind;
	return ++*(unsigned int *)arg > 1000;
}

static void try_disk(struct blk *blk)
{
	scoped(disks) struct disks *disks = NULL;
	struct err err = ERR_INIT;
	const struct source *s;

	if (disks_open(&blk, 1, &disks, &err) < 0)
		return;
	s = disks_source(disks);
	for (unsigned int i = 0; i < s->nr_devices; i++) {
		scoped(bytes) struct bytes b = BYTES_INIT;
		struct source_stat st;
		unsigned int names = 0;
		int rc = source_list(s, i, "/boot", 1000, any_name, &names, &err);

		if (rc == 0)
			rc = source_stat(s, i, "/vmlinuz", &st, &err);
		if (rc == 0)
			rc = source_read(s, i, "/boot/grub/grub.cfg", 1 << 20, &b, &err);
		(void)rc;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct budget budget = { .bytes = 64 << 20, .steps = 50000 };
	scoped(blk) struct blk *blk = sparse_open(data, size, &budget);

	if (!blk)
		return -1;
	fs_walk(blk);
	budget = (struct budget){ .bytes = 64 << 20, .steps = 50000 };
	try_disk(blk);
	return 0;
}
