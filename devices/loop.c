/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/log.h"
#include "base/scope.h"

#define CONTROL "/dev/loop-control"

/* How often somebody else may be faster with the free device that the kernel named. */
enum { TRIES = 256 };

static int configure(int device, int image, const char *path, bool readonly)
{
	struct loop_config config = { .fd = (__u32)image };

	config.info.lo_flags = LO_FLAGS_AUTOCLEAR | (readonly ? LO_FLAGS_READ_ONLY : 0);
	snprintf((char *)config.info.lo_file_name, sizeof(config.info.lo_file_name), "%s", path);
	config.info.lo_flags |= LO_FLAGS_DIRECT_IO;
	if (ioctl(device, LOOP_CONFIGURE, &config) == 0)
		return 0;
	/* Most kernels just do without it where the file system can't; some refuse. */
	if (errno != EINVAL)
		return -errno;
	config.info.lo_flags &= ~(__u32)LO_FLAGS_DIRECT_IO;
	return ioctl(device, LOOP_CONFIGURE, &config) == 0 ? 0 : -errno;
}

static int try_free(int control, int image, const char *path, bool readonly, struct loop *loop,
		    struct err *err)
{
	scoped(fd) int fd = -1;
	char name[32];
	struct stat st;
	int n, rc;

	n = ioctl(control, LOOP_CTL_GET_FREE);
	if (n < 0)
		return fail_sys(err, errno, "no free loop device for '%s'", path);
	snprintf(name, sizeof(name), "/dev/loop%d", n);
	/* A loop device whose descriptor cannot write is read-only itself. */
	fd = open(name, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_sys(err, errno, "cannot open '%s'", name);
	rc = configure(fd, image, path, readonly);
	if (rc < 0)
		return fail_sys(err, -rc, "cannot attach '%s' to %s", path, name);
	loop->fd = take_fd(fd);
	loop->rdev = st.st_rdev;
	memcpy(loop->path, name, sizeof(loop->path));
	return 0;
}

int loop_attach(int image, const char *path, bool readonly, struct loop *loop, struct err *err)
{
	scoped(fd) int control = open(CONTROL, O_RDWR | O_CLOEXEC);
	int rc = -EBUSY;

	if (control < 0 && errno == ENOENT)
		return fail(err, ENOENT, "cannot attach '%s': there is no " CONTROL ": is the loop "
			    "module loaded?", path);
	if (control < 0)
		return fail_sys(err, errno, "cannot open '%s'", CONTROL);
	for (int i = 0; i < TRIES && rc == -EBUSY; i++)
		rc = try_free(control, image, path, readonly, loop, err);
	return rc;
}

void loop_close(struct loop *loop)
{
	scoped_fd(&loop->fd);
	loop->fd = -1;
}

static int read_status(int fd, struct loop_status *status)
{
	struct loop_info64 info;

	if (ioctl(fd, LOOP_GET_STATUS64, &info) < 0)
		return -errno;
	*status = (struct loop_status){
		.file_dev = info.lo_device,
		.file_rdev = info.lo_rdevice,
		.file_ino = info.lo_inode,
		.readonly = info.lo_flags & LO_FLAGS_READ_ONLY,
		.autoclear = info.lo_flags & LO_FLAGS_AUTOCLEAR,
	};
	return 0;
}

int loop_status(const char *path, struct loop_status *status, struct err *err)
{
	scoped(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc;

	if (fd < 0)
		return errno == ENXIO ? -ENXIO : fail_sys(err, errno, "cannot open '%s'", path);
	rc = read_status(fd, status);
	return rc == 0 || rc == -ENXIO ? rc : fail_sys(err, -rc, "cannot ask '%s'", path);
}

bool loop_is_of(const struct loop_status *status, const struct stat *st)
{
	if (S_ISBLK(st->st_mode))
		return status->file_rdev && status->file_rdev == st->st_rdev;
	return status->file_dev == st->st_dev && status->file_ino == st->st_ino;
}

void loop_detach(const char *path, const struct stat *image)
{
	scoped(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct loop_status status;

	if (fd < 0 || read_status(fd, &status) < 0 || status.autoclear ||
	    !loop_is_of(&status, image))
		return;
	if (ioctl(fd, LOOP_CLR_FD) < 0)
		log_debug("cannot detach %s: %s", path, strerror(errno));
}
