/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel cache in a folder of our own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "builders/cache.h"
#include "tap.h"

static struct stat identity(int n)
{
	return (struct stat){ .st_dev = 1, .st_ino = (ino_t)n, .st_size = 10,
			      .st_mtim = { .tv_nsec = n }, .st_ctim = { .tv_sec = 5 } };
}

static int put(const char *dir, int n, size_t len, uint64_t max)
{
	struct stat st = identity(n);
	scoped(free) char *data = calloc(1, len);
	struct err err = ERR_INIT;

	memset(data, n, len);
	return cache_put(dir, &st, data, len, max, &err);
}

static bool has(const char *dir, int n, size_t len)
{
	struct stat st = identity(n), entry;
	scoped(fd) int fd = cache_get(dir, &st);
	char first = 0;

	return fd >= 0 && fstat(fd, &entry) == 0 && entry.st_size == (off_t)len &&
		read(fd, &first, 1) == 1 && first == n;
}

static void test_bound(const char *dir)
{
	struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	struct stat st = identity(1);
	scoped(fd) int fd = -1;

	ok(!has(dir, 1, 100), "empty at first");
	is_int(put(dir, 1, 100, 250), 0, "put");
	is_int(put(dir, 2, 100, 250), 0, "put another");
	ok(has(dir, 1, 100) && has(dir, 2, 100), "both are there");
	st.st_ctim.tv_nsec = 1;
	ok(cache_get(dir, &st) == -ENOENT, "another ctime is another file");
	/* 1 was used longest ago: it makes place. */
	st = identity(1);
	fd = cache_get(dir, &st);
	futimens(fd, old);
	is_int(put(dir, 3, 100, 250), 0, "a third");
	ok(!has(dir, 1, 100) && has(dir, 2, 100) && has(dir, 3, 100), "the oldest went");
	is_int(put(dir, 4, 300, 250), -EFBIG, "more than the bound is not kept");
	is_int(put(dir, 3, 100, 250), 0, "the same again is no error");
}

static void test_mode(const char *dir)
{
	struct stat st;

	ok(stat(dir, &st) == 0 && (st.st_mode & 0777) == 0700, "the folder is ours alone");
	chmod(dir, 0755);
	ok(!has(dir, 2, 100), "a folder that others may read is not believed");
	is_int(put(dir, 5, 10, 250), -EPERM, "nor written to");
	chmod(dir, 0700);
	ok(has(dir, 2, 100), "with its mode back it is");
}

/* Several creates at the same time, of the same and of other kernels. */
static void test_parallel(const char *dir)
{
	int bad = 0;

	for (int p = 0; p < 4; p++) {
		if (fork() == 0) {
			int failed = 0;

			for (int i = 0; i < 50; i++)
				failed += put(dir, 10 + (i + p) % 8, 1000, 5000) != 0;
			_exit(failed != 0);
		}
	}
	for (int p = 0; p < 4; p++) {
		int status;

		wait(&status);
		bad += status != 0;
	}
	is_int(bad, 0, "parallel puts all succeed");
	for (int i = 0; i < 8; i++) {
		struct stat st = identity(10 + i);
		scoped(fd) int fd = cache_get(dir, &st);

		if (fd >= 0 && !has(dir, 10 + i, 1000))
			bad++;
	}
	is_int(bad, 0, "what is there is whole");
}

int main(void)
{
	char top[] = "/tmp/xlite-cache-XXXXXX", dir[64], command[128];

	if (!mkdtemp(top))
		return 1;
	snprintf(dir, sizeof(dir), "%s/a/b", top);
	test_bound(dir);
	test_mode(dir);
	test_parallel(dir);
	snprintf(command, sizeof(command), "rm -rf %s", top);
	ok(system(command) == 0, "cleaned up");
	return tap_done();
}
