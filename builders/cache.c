/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/scope.h"

enum { NAME_LEN = 128 };

static void entry_name(const struct stat *st, char name[NAME_LEN])
{
	snprintf(name, NAME_LEN, "%llx-%llx-%llx-%llx.%09ld-%llx.%09ld",
		 (unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
		 (unsigned long long)st->st_size,
		 (unsigned long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		 (unsigned long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

/* The folder must be ours alone: whoever can write there chooses what guests run. */
static int open_dir(const char *dir)
{
	scoped(fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 077))
		return -EPERM;
	return take_fd(fd);
}

int cache_get(const char *dir, const struct stat *st)
{
	static const struct timespec now[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
	scoped(fd) int dirfd = open_dir(dir);
	scoped(fd) int fd = -1;
	char name[NAME_LEN];

	if (dirfd < 0)
		return -ENOENT;
	entry_name(st, name);
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -ENOENT;
	/* "Used now", for the bound; a read-only cache is as good. */
	if (futimens(fd, now) < 0)
		errno = 0;
	return take_fd(fd);
}

/* Removes the entry used longest ago; the size of all others in *total. -ENOENT: none left. */
static int drop_oldest(int dirfd, uint64_t *total)
{
	scoped(fd) int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char oldest[NAME_LEN] = "";
	struct timespec age = { 0 };
	uint64_t oldest_size = 0;
	struct dirent *de;

	if (!dir)
		return -ENOENT;
	take_fd(fd);
	*total = 0;
	while ((de = readdir(dir))) {
		struct stat st;

		if (fstatat(dirfd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode) || strlen(de->d_name) >= sizeof(oldest))
			continue;
		*total += (uint64_t)st.st_size;
		if (!oldest[0] || st.st_mtim.tv_sec < age.tv_sec ||
		    (st.st_mtim.tv_sec == age.tv_sec && st.st_mtim.tv_nsec < age.tv_nsec)) {
			strcpy(oldest, de->d_name);
			age = st.st_mtim;
			oldest_size = (uint64_t)st.st_size;
		}
	}
	closedir(dir);
	/* Another create may have been faster: gone is gone. */
	if (!oldest[0] || (unlinkat(dirfd, oldest, 0) < 0 && errno != ENOENT))
		return -ENOENT;
	*total -= oldest_size;
	return 0;
}

static uint64_t total_size(int dirfd)
{
	scoped(fd) int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	uint64_t total = 0;
	struct dirent *de;
	struct stat st;

	if (!dir)
		return 0;
	take_fd(fd);
	while ((de = readdir(dir))) {
		if (fstatat(dirfd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			total += (uint64_t)st.st_size;
	}
	closedir(dir);
	return total;
}

int cache_put(const char *dir, const struct stat *st, const void *data, size_t len,
	      uint64_t max, struct err *err)
{
	scoped(fd) int dirfd = -1;
	scoped(fd) int fd = -1;
	char name[NAME_LEN], self[64];
	uint64_t total;
	int rc;

	if (len > max)
		return fail(err, EFBIG, "%zu bytes are more than the cache may hold", len);
	rc = file_mkdirs(dir, 0700, err);
	if (rc < 0)
		return rc;
	dirfd = open_dir(dir);
	if (dirfd < 0)
		return fail_sys(err, -dirfd, "cannot use '%s': it must be a folder that only this "
				"user can enter", dir);
	for (total = total_size(dirfd); total > max - len && drop_oldest(dirfd, &total) == 0;)
		;
	fd = openat(dirfd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_sys(err, errno, "cannot create a file in '%s'", dir);
	rc = file_write_all(fd, data, len);
	if (rc < 0)
		return fail_sys(err, -rc, "cannot write to '%s'", dir);
	/* After a power failure a name must not stand before its bytes: nobody would look again. */
	if (fdatasync(fd) < 0)
		return fail_sys(err, errno, "cannot write to '%s'", dir);
	entry_name(st, name);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, dirfd, name, AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
		return fail_sys(err, errno, "cannot name a file in '%s'", dir);
	return 0;
}
