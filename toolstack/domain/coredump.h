/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cores of guests that crashed: /var/lib/xen/dump/NAME, xl's place. One for each name, the newest:
 * a guest that crashes again and again fills no disk with them. And none that would leave the file
 * system less than a reserve: 1 GiB, or a tenth of a small one.
 */
#ifndef DOMAIN_COREDUMP_H
#define DOMAIN_COREDUMP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct xen;

#define COREDUMP_DIR "/var/lib/xen/dump"

/* Pure, bytes: what a core of a guest of so many pages needs at most. */
uint64_t coredump_size(uint64_t nr_pages);

/* Pure, bytes: what must stay free of a file system of that size. */
uint64_t coredump_reserve(uint64_t total);

/*
 * Writes it; the older one goes when the new one is whole, or before where there is no room for both.
 * -ENOSPC: there is no room, and what was there stays. path gets its name.
 */
int coredump_write(struct xen *xen, const char *name, uint32_t domid, char *path, size_t size,
		   struct err *err) must_check;

#endif
