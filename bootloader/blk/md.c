/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The superblock of version 1 (Linux, include/uapi/linux/raid/md_p.h), little-endian, at the
 * start or 4 KiB after it. Versions 0.9 and 1.0 stand at the end: the data of a mirror begins
 * where the device does, and nothing has to be done to read it.
 */
#include "md.h"

#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "blk.h"
#include "bytes.h"

enum {
	SUPER_VERSION = 4, SUPER_UUID = 16, SUPER_NAME = 32, SUPER_NAME_LEN = 32, SUPER_LEVEL = 72,
	SUPER_DATA = 128, SUPER_DATA_LEN = 136, SUPER_AT = 144, SUPER_LEN = 256, SECTOR = 512,
};

static const uint32_t magic = 0xa92b4efc;

static void set_names(struct md *md, const uint8_t *s)
{
	char name[SUPER_NAME_LEN + 1] = "";
	const char *colon;

	memcpy(name, s + SUPER_NAME, SUPER_NAME_LEN);
	colon = strchr(name, ':');
	snprintf(md->name, sizeof(md->name), "%s", colon ? colon + 1 : name);
	for (int i = 0; i < 16; i++)
		snprintf(md->uuid + 2 * i, 3, "%02x", s[SUPER_UUID + i]);
}

int md_read(struct blk *blk, struct md *md, struct err *err)
{
	static const uint64_t places[] = { 4096, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		uint8_t s[SUPER_LEN];
		uint64_t start, size;
		int rc;

		if (!inside(places[i], sizeof(s), blk->size))
			continue;
		rc = blk_read(blk, places[i], s, sizeof(s), err);
		if (rc < 0)
			return rc;
		start = get_le64(s + SUPER_DATA);
		size = get_le64(s + SUPER_DATA_LEN);
		if (get_le32(s) != magic || get_le32(s + SUPER_VERSION) != 1 ||
		    get_le64(s + SUPER_AT) != places[i] / SECTOR || start > blk->size / SECTOR ||
		    size > blk->size / SECTOR - start)
			continue;
		*md = (struct md){ .level = (int32_t)get_le32(s + SUPER_LEVEL),
				   .start = start * SECTOR, .size = size * SECTOR };
		set_names(md, s);
		return 1;
	}
	return 0;
}
