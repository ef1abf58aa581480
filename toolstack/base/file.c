/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "scope.h"
#include "str.h"

void scoped_bytes(struct bytes *b)
{
	scoped_free(&b->data);
	b->data = NULL;
}

static const char *file_kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR: return "is a directory";
	case S_IFIFO: return "is a FIFO";
	case S_IFSOCK: return "is a socket";
	case S_IFCHR: return "is a character device";
	case S_IFBLK: return "is a block device";
	default: return "is not a regular file";
	}
}

int file_open_regular(const char *path, size_t *size, struct err *err)
{
	/* O_NONBLOCK: a FIFO without a writer would hang the open. */
	scoped(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return fail_sys(err, errno, "cannot open '%s'", path);
	if (fstat(fd, &st) < 0)
		return fail_sys(err, errno, "cannot stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return fail(err, EINVAL, "cannot use '%s': it %s", path, file_kind(st.st_mode));
	*size = (size_t)st.st_size;
	return take_fd(fd);
}

int file_read_fd(int fd, const char *path, size_t size, struct bytes *out, struct err *err)
{
	scoped(bytes) struct bytes b = { .data = malloc(size + 1) };

	if (!b.data)
		return fail_nomem(err);
	while (b.len < size) {
		ssize_t n = pread(fd, (char *)b.data + b.len, size - b.len, (off_t)b.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_sys(err, errno, "cannot read '%s'", path);
		if (n == 0)
			break;
		b.len += (size_t)n;
	}
	((char *)b.data)[b.len] = '\0';
	out->len = b.len;
	out->data = take(b.data);
	return 0;
}

int file_read(const char *path, size_t max, struct bytes *out, struct err *err)
{
	scoped(fd) int fd = -1;
	size_t size = 0;

	fd = file_open_regular(path, &size, err);
	if (fd < 0)
		return fd;
	if (size > max)
		return fail(err, EFBIG, "cannot read '%s': %zu bytes, at most %zu are allowed",
			    path, size, max);
	return file_read_fd(fd, path, size, out, err);
}

int file_read_line(const char *path, char *buf, size_t size)
{
	scoped(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (n < 0)
		return -errno;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

int file_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int replace(const char *path, const char *tmp, const void *data, size_t len, mode_t mode,
		   bool sync, struct err *err)
{
	scoped(fd) int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	int rc;

	if (fd < 0)
		return fail_sys(err, errno, "cannot create '%s'", tmp);
	rc = file_write_all(fd, data, len);
	if (rc == 0 && sync && fsync(fd) < 0)
		rc = -errno;
	if (rc < 0)
		rc = fail_sys(err, -rc, "cannot write '%s'", tmp);
	else if (rename(tmp, path) < 0)
		rc = fail_sys(err, errno, "cannot rename '%s' to '%s'", tmp, path);
	if (rc < 0)
		unlink(tmp);
	return rc;
}

int file_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	scoped(free) char *tmp = str_format("%s" FILE_REPLACE_SUFFIX, path);

	return tmp ? replace(path, tmp, data, len, mode, false, err) : fail_nomem(err);
}

static int sync_folder(const char *path, struct err *err)
{
	scoped(free) char *folder = str_format("%.*s", (int)(strrchr(path, '/') - path), path);
	scoped(fd) int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (!folder)
		return fail_nomem(err);
	return fd < 0 || fsync(fd) < 0 ? fail_sys(err, errno, "cannot write '%s'", folder) : 0;
}

int file_replace_synced(const char *path, const void *data, size_t len, mode_t mode,
			struct err *err)
{
	scoped(free) char *tmp = str_format("%s" FILE_REPLACE_SUFFIX, path);
	int rc = tmp ? replace(path, tmp, data, len, mode, true, err) : fail_nomem(err);

	return rc < 0 ? rc : sync_folder(path, err);
}

int file_absolute(char **path, struct err *err)
{
	scoped(free) char *here = NULL, *whole = NULL;

	if (**path == '/')
		return 0;
	here = getcwd(NULL, 0);
	if (!here)
		return fail_sys(err, errno, "cannot find the current folder");
	whole = str_format("%s/%s", here, *path);
	if (!whole)
		return fail_nomem(err);
	free(*path);
	*path = take(whole);
	return 0;
}

int file_mkdirs(const char *path, mode_t mode, struct err *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return fail_sys(err, ENAMETOOLONG, "cannot create '%s'", path);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return fail_sys(err, errno, "cannot create '%s'", part);
	}
	return 0;
}

bool file_is_at(int fd, const char *path)
{
	struct stat held, there;

	return fstat(fd, &held) == 0 && stat(path, &there) == 0 &&
	       held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

int file_lock(const char *path, int wait, int *out, struct err *err)
{
	for (;;) {
		scoped(fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (fd < 0)
			return fail_sys(err, errno, "cannot open '%s'", path);
		while (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0) {
			if (errno != EINTR)
				return fail_sys(err, errno, "cannot lock '%s'", path);
		}
		if (file_is_at(fd, path)) {
			*out = take_fd(fd);
			return 0;
		}
	}
}
