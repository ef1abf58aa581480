/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "coredump.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/scope.h"
#include "xen/domctl.h"
#include "xen/dumpcore.h"

#define MIB (UINT64_C(1) << 20)

uint64_t coredump_size(uint64_t nr_pages)
{
	/* A page, its place (16 bytes at most); Xen's own pages, headers, the vcpus' registers. */
	return nr_pages * (4096 + 16) + 2 * MIB;
}

uint64_t coredump_reserve(uint64_t total)
{
	return total / 10 < 1024 * MIB ? total / 10 : 1024 * MIB;
}

static int free_bytes(uint64_t *available, uint64_t *reserve, struct err *err)
{
	struct statvfs fs;

	if (statvfs(COREDUMP_DIR, &fs) < 0)
		return fail_sys(err, errno, "cannot look at '" COREDUMP_DIR "'");
	*available = (uint64_t)fs.f_bavail * fs.f_frsize;
	*reserve = coredump_reserve((uint64_t)fs.f_blocks * fs.f_frsize);
	return 0;
}

static uint64_t file_bytes(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_blocks * 512 : 0;
}

static int make_room(const char *path, uint64_t need, struct err *err)
{
	uint64_t available, reserve, old = file_bytes(path);
	int rc = free_bytes(&available, &reserve, err);

	if (rc < 0 || need + reserve <= available)
		return rc;
	if (need + reserve <= available + old)
		return unlink(path) < 0 ? fail_sys(err, errno, "cannot remove '%s'", path) : 0;
	return fail(err, ENOSPC, "no core is written to '%s': it needs %" PRIu64 " MiB, %" PRIu64
		    " MiB are free there and %" PRIu64 " MiB of that stay so", path,
		    need / MIB, available / MIB, reserve / MIB);
}

int coredump_write(struct xen *xen, const char *name, uint32_t domid, char *path, size_t size,
		   struct err *err)
{
	struct domctl_info info;
	char partial[64];
	int rc = file_mkdirs(COREDUMP_DIR, 0700, err);

	snprintf(path, size, COREDUMP_DIR "/%s", name);
	/* Where it is written: nobody's place, since no guest is called a number. */
	snprintf(partial, sizeof(partial), COREDUMP_DIR "/%u", domid);
	if (rc == 0)
		rc = domctl_info(xen, domid, &info, err);
	if (rc < 0)
		return rc;
	/* What one that was killed has left. */
	unlink(partial);
	rc = make_room(path, coredump_size(info.nr_pages), err);
	if (rc == 0)
		rc = dumpcore_write(xen, domid, partial, err);
	if (rc == 0 && rename(partial, path) < 0)
		rc = fail_sys(err, errno, "cannot write '%s'", path);
	if (rc < 0)
		unlink(partial);
	return rc;
}
