/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/disk.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* docs/man/xen-vbd-interface.7: Linux's old majors, and one bit for the extended form. */
#define XVD_MAJOR	202
#define HDA_MAJOR	3
#define HDC_MAJOR	22
#define SD_MAJOR	8
#define FD_MAJOR	2		/* ours: no guest is told of such a number */
#define EXTENDED	(UINT32_C(1) << 28)

struct limits {
	uint64_t disk, part;
};

static const struct limits xvd = { (1 << 20) - 1, 255 }, hd = { 3, 63 }, sd = { 15, 15 },
	fd = { 1, 0 };

/* "aa12" -> 26, 12 */
static bool letters(const char *s, const struct limits *max, uint32_t *disk, uint32_t *part)
{
	uint64_t n = 0, p = 0;
	const char *at = s;

	for (; *at >= 'a' && *at <= 'z'; at++) {
		n = (at == s ? 0 : (n + 1) * 26) + (uint64_t)(*at - 'a');
		if (n > max->disk)
			return false;
	}
	if (at == s || *at == '0' || (*at && str_to_u64(at, max->part, &p) < 0))
		return false;
	*disk = (uint32_t)n;
	*part = (uint32_t)p;
	return true;
}

/* "d26p12" */
static bool digits(const char *s, uint32_t *disk, uint32_t *part)
{
	size_t nr = s[0] == 'd' ? strspn(s + 1, "0123456789") : 0;
	uint64_t d, p;
	char first[8];

	if (!nr || nr >= sizeof(first) || s[1 + nr] != 'p')
		return false;
	memcpy(first, s + 1, nr);
	first[nr] = '\0';
	if (str_to_u64(first, xvd.disk, &d) < 0 || str_to_u64(s + nr + 2, xvd.part, &p) < 0)
		return false;
	*disk = (uint32_t)d;
	*part = (uint32_t)p;
	return true;
}

/* A number in C's notation, octal too, as xend's files have it. */
static int plain(const char *s, uint32_t *number)
{
	unsigned long n;
	char *end;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	n = strtoul(s, &end, 0);
	if (errno || *end || n > INT_MAX)
		return -EINVAL;
	*number = (uint32_t)n;
	return 0;
}

int disk_name(const char *vdev, enum disk_bus *bus, uint32_t *disk, uint32_t *part)
{
	if (digits(vdev, disk, part) ||
	    (str_starts(vdev, "xvd") && letters(vdev + 3, &xvd, disk, part)))
		*bus = DISK_BUS_XVD;
	else if (str_starts(vdev, "hd") && letters(vdev + 2, &hd, disk, part))
		*bus = DISK_BUS_HD;
	else if (str_starts(vdev, "sd") && letters(vdev + 2, &sd, disk, part))
		*bus = DISK_BUS_SD;
	else if (str_starts(vdev, "fd") && letters(vdev + 2, &fd, disk, part))
		*bus = DISK_BUS_FD;
	else
		return -EINVAL;
	return 0;
}

int disk_devnum(const char *vdev, uint32_t *number)
{
	enum disk_bus bus;
	uint32_t disk, part;

	if (disk_name(vdev, &bus, &disk, &part) < 0)
		return plain(vdev, number);
	switch (bus) {
	case DISK_BUS_XVD:
		*number = disk <= 15 && part <= 15 ? XVD_MAJOR << 8 | disk << 4 | part :
			EXTENDED | disk << 8 | part;
		break;
	case DISK_BUS_HD:
		*number = (disk < 2 ? HDA_MAJOR : HDC_MAJOR) << 8 | (disk & 1) << 6 | part;
		break;
	case DISK_BUS_SD:
		*number = SD_MAJOR << 8 | disk << 4 | part;
		break;
	case DISK_BUS_FD:
		*number = FD_MAJOR << 8 | disk;
		break;
	}
	return 0;
}

static void name(char *buf, const char *prefix, uint32_t disk, uint32_t part)
{
	char reversed[8];
	size_t nr = 0, len = strlen(prefix);

	memcpy(buf, prefix, len);
	for (uint32_t n = disk + 1; n; n = (n - 1) / 26)
		reversed[nr++] = (char)('a' + (n - 1) % 26);
	while (nr)
		buf[len++] = reversed[--nr];
	if (part)
		snprintf(buf + len, DISK_VDEV_MAX - len, "%u", part);
	else
		buf[len] = '\0';
}

const char *disk_vdev(uint32_t number, char buf[DISK_VDEV_MAX])
{
	uint32_t minor = number & 0xff, check;

	if (number >> 28 == 1)
		name(buf, "xvd", (number & (EXTENDED - 1)) >> 8, minor);
	else if (number >> 8 == XVD_MAJOR)
		name(buf, "xvd", minor >> 4, minor & 15);
	else if (number >> 8 == SD_MAJOR)
		name(buf, "sd", minor >> 4, minor & 15);
	else if (number >> 8 == FD_MAJOR)
		name(buf, "fd", minor, 0);
	else if (number >> 8 == HDA_MAJOR || number >> 8 == HDC_MAJOR)
		name(buf, "hd", (number >> 8 == HDC_MAJOR ? 2 : 0) + (minor >> 6), minor & 63);
	else
		buf[0] = '\0';
	/* Numbers that no name stands for, such as 3 << 8 | 128, stay numbers. */
	if (disk_devnum(buf, &check) < 0 || check != number)
		snprintf(buf, DISK_VDEV_MAX, "%u", number);
	return buf;
}
