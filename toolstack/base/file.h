/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files: read whole ones with a limit, replace atomically, lock, make folders.
 * All descriptors are close-on-exec. Messages name the path.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "err.h"

struct bytes {
	void *data;		/* owned; never NULL after success */
	size_t len;		/* a NUL follows that is not counted */
};

#define BYTES_INIT { .data = NULL }

void scoped_bytes(struct bytes *b);

/*
 * Opens for reading what is really a regular file: a folder, FIFO, socket or
 * device is refused by name, and opening never blocks. Returns the descriptor
 * and *size in bytes.
 */
int file_open_regular(const char *path, size_t *size, struct err *err) must_check;

/* The whole file; -EFBIG when it is longer than max bytes. */
int file_read(const char *path, size_t max, struct bytes *out, struct err *err) must_check;

/* The same for a descriptor, from its start: size bytes, or fewer where it is shorter by now. */
int file_read_fd(int fd, const char *path, size_t size, struct bytes *out,
		 struct err *err) must_check;

/* The start of a small file (sysfs) as text, less the line end; -errno, without a message. */
int file_read_line(const char *path, char *buf, size_t size) must_check;

/* Writes all of data, however often write(2) has to be called. */
int file_write_all(int fd, const void *data, size_t len) must_check;

/*
 * A new file (path and FILE_REPLACE_SUFFIX) and rename(2); old or new, never half. The caller has
 * the lock on it: what one that was killed has left is written over.
 */
#define FILE_REPLACE_SUFFIX ".new"
int file_replace(const char *path, const void *data, size_t len, mode_t mode,
		 struct err *err) must_check;
/* And on disk when it returns. When that fails the new one may stand. */
int file_replace_synced(const char *path, const void *data, size_t len, mode_t mode,
			struct err *err) must_check;

/* *path (owned) from the root on, as it is seen from the current folder. */
int file_absolute(char **path, struct err *err) must_check;

/* mkdir -p of the whole path with mode for each new part. */
int file_mkdirs(const char *path, mode_t mode, struct err *err) must_check;

/*
 * Opens or creates path and flocks it exclusively, waiting for other holders
 * (wait = 0: -EWOULDBLOCK when held). The lock is on the file that stands at the
 * path afterwards, also when another holder unlinked it while we waited, so
 * a holder may unlink before it closes (what libxl does with its lock files).
 */
int file_lock(const char *path, int wait, int *fd, struct err *err) must_check;

/* Whether path still leads to the open file: a holder of its lock may have removed it. */
bool file_is_at(int fd, const char *path);

#endif
