/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unpacked kernels, kept between creates. One file per kernel in a folder that
 * only root can enter; its name is the identity of the packed file (device, inode,
 * size, mtime and ctime in ns), so a changed kernel is another entry. Entries
 * appear whole or not at all (an unnamed file that is linked when complete), are
 * never changed, and the oldest go when the folder grows past its bound. Only for
 * files of the host: nothing that came out of a guest's disk is shared.
 *
 * A cache never fails a create: callers log what put() returns and go on.
 */
#ifndef BUILDERS_CACHE_H
#define BUILDERS_CACHE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"

#define CACHE_DIR "/var/cache/xlite"
#define CACHE_MAX_BYTES ((uint64_t)512 << 20)

/* Opens the entry for the packed file st: its descriptor, or -ENOENT (no message). */
int cache_get(const char *dir, const struct stat *st) must_check;

/* Adds an entry, making dir if needed, and removes the oldest beyond max bytes. */
int cache_put(const char *dir, const struct stat *st, const void *data, size_t len,
	      uint64_t max, struct err *err) must_check;

#endif
