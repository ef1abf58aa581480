/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/unwrap.h"
#include "cache.h"
#include "image.h"

void kernel_close(struct kernel *kernel)
{
	if (kernel->map)
		munmap(kernel->map, kernel->len);
	free(kernel->heap);
	*kernel = (struct kernel)KERNEL_INIT;
}

static bool kernel_from_cache(const struct stat *st, struct kernel *kernel)
{
	scoped(fd) int fd = cache_get(CACHE_DIR, st);
	struct stat cached;
	void *map;

	if (fd < 0 || fstat(fd, &cached) < 0 || cached.st_size <= 0)
		return false;
	map = mmap(NULL, (size_t)cached.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return false;
	*kernel = (struct kernel){ .elf = map, .map = map, .len = (size_t)cached.st_size };
	return true;
}

/*
 * A file that was changed within the last tick of the file system's clock could be
 * changed again without a new timestamp: it is not cached yet.
 */
static bool settled(const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec - st->st_ctim.tv_sec > 1;
}

static bool same_file_state(int fd, const struct stat *before)
{
	struct stat now;

	return fstat(fd, &now) == 0 && now.st_size == before->st_size &&
		now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
		now.st_mtim.tv_nsec == before->st_mtim.tv_nsec &&
		now.st_ctim.tv_sec == before->st_ctim.tv_sec &&
		now.st_ctim.tv_nsec == before->st_ctim.tv_nsec;
}

/* The first bytes decide before the rest is read: not everything large is a kernel. */
static int probe(int fd, const char *what, const char *path, enum unwrap_kind *kind,
		 struct err *err)
{
	unsigned char head[0x250];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n < 0)
		return fail_sys(err, errno, "cannot read '%s'", path);
	if (n == 0)
		return fail(err, EINVAL, "%s '%s' is empty", what, path);
	*kind = unwrap_probe(head, (size_t)n);
	if (*kind == UNWRAP_UNKNOWN)
		return fail(err, EINVAL, "'%s' is not a kernel: neither ELF nor bzImage nor gzip",
			    path);
	return 0;
}

static void remember(const struct stat *st, int fd, const struct kernel *kernel)
{
	struct err err;

	if (!settled(st) || !same_file_state(fd, st))
		return;
	if (cache_put(CACHE_DIR, st, kernel->elf, kernel->len, CACHE_MAX_BYTES, &err) < 0)
		log_debug("kernel cache: %s", err.msg);
}

int kernel_open(const char *what, const char *path, struct kernel *kernel, struct err *err)
{
	scoped(bytes) struct bytes raw = BYTES_INIT;
	struct bytes elf = BYTES_INIT;
	scoped(fd) int fd = -1;
	enum unwrap_kind kind = UNWRAP_UNKNOWN;
	struct stat st;
	bool shared;
	size_t size;
	int rc;

	fd = file_open_regular(path, &size, err);
	if (fd < 0)
		return fail_in(err, "%s", what);
	if (fstat(fd, &st) < 0)
		return fail_sys(err, errno, "cannot stat '%s'", path);
	rc = probe(fd, what, path, &kind, err);
	if (rc < 0)
		return rc;
	if (size > UNWRAP_MAX)
		return fail(err, EFBIG, "%s '%s' is larger than %zu MiB", what, path,
			    UNWRAP_MAX >> 20);
	/* What has no name (any more) came out of one guest's disk. */
	shared = st.st_nlink > 0;
	if (kind != UNWRAP_ELF && shared && kernel_from_cache(&st, kernel))
		return 0;
	rc = file_read_fd(fd, path, size, &raw, err);
	if (rc < 0)
		return rc;
	if (kind == UNWRAP_ELF) {
		*kernel = (struct kernel){ .elf = raw.data, .heap = raw.data, .len = raw.len };
		raw.data = NULL;
		return 0;
	}
	rc = unwrap(raw.data, raw.len, &elf, err);
	if (rc < 0)
		return fail_in(err, "%s '%s'", what, path);
	*kernel = (struct kernel){ .elf = elf.data, .heap = elf.data, .len = elf.len };
	if (shared)
		remember(&st, fd, kernel);
	return 0;
}
