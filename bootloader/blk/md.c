/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The superblocks (Linux, include/uapi/linux/raid/md_p.h), little-endian. Version 1 stands at
 * the start (1.1), 4 KiB after it (1.2) or before the end (1.0), where 0.90 does as well: the
 * data of a mirror with one of these begins where the device does.
 */
#include "md.h"

#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "blk.h"
#include "bytes.h"

enum {
	SECTOR = 512, SUPER_LEN = 4096,
	SUPER_VERSION = 4, SUPER_FEATURES = 8, SUPER_UUID = 16, SUPER_NAME = 32,
	SUPER_NAME_LEN = 32, SUPER_LEVEL = 72, SUPER_DATA = 128, SUPER_DATA_LEN = 136,
	SUPER_AT = 144, SUPER_MEMBER = 160, SUPER_EVENTS = 200, SUPER_ROLES = 256,
	FEATURE_RECOVERY = 2,		/* only a part of its data is there yet */
	ROLE_NONE = 0xff00,		/* from here on: a spare, faulty, a journal */
	OLD_MINOR_VERSION = 8, OLD_UUID = 20, OLD_LEVEL = 28, OLD_SIZE_KIB = 32, OLD_NUMBER = 44,
	OLD_UUID_REST = 52, OLD_EVENTS = 156, OLD_STATE = 3984, OLD_STATE_IN_STEP = 1 << 2,
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

static bool in_step(const uint8_t *s)
{
	size_t role = SUPER_ROLES + (size_t)get_le32(s + SUPER_MEMBER) * 2;

	return !(get_le32(s + SUPER_FEATURES) & FEATURE_RECOVERY) &&
		(!inside(role, 2, SUPER_LEN) || get_le16(s + role) < ROLE_NONE);
}

static bool parse(const uint8_t *s, uint64_t at, uint64_t disk_size, struct md *md)
{
	uint64_t start = get_le64(s + SUPER_DATA), size = get_le64(s + SUPER_DATA_LEN);

	if (get_le32(s) != magic || get_le32(s + SUPER_VERSION) != 1 ||
	    get_le64(s + SUPER_AT) != at / SECTOR || start > disk_size / SECTOR ||
	    size > disk_size / SECTOR - start || (at > SUPER_LEN && start))
		return false;
	*md = (struct md){
		.level = (int32_t)get_le32(s + SUPER_LEVEL),
		.start = start * SECTOR, .size = size * SECTOR,
		.events = in_step(s) ? get_le64(s + SUPER_EVENTS) : 0,
	};
	set_names(md, s);
	return true;
}

static bool parse_old(const uint8_t *s, uint64_t at, struct md *md)
{
	uint64_t size = (uint64_t)get_le32(s + OLD_SIZE_KIB) << 10;

	if (get_le32(s) != magic || get_le32(s + SUPER_VERSION) != 0 ||
	    get_le32(s + OLD_MINOR_VERSION) != 90 || size > at)
		return false;
	*md = (struct md){
		.level = (int32_t)get_le32(s + OLD_LEVEL), .size = size ? size : at,
		.events = get_le32(s + OLD_STATE) & OLD_STATE_IN_STEP ?
			get_le64(s + OLD_EVENTS) : 0,
	};
	snprintf(md->name, sizeof(md->name), "%u", get_le32(s + OLD_NUMBER));
	snprintf(md->uuid, sizeof(md->uuid), "%08x%08x%08x%08x", get_le32(s + OLD_UUID),
		 get_le32(s + OLD_UUID_REST), get_le32(s + OLD_UUID_REST + 4),
		 get_le32(s + OLD_UUID_REST + 8));
	return true;
}

int md_read(struct blk *blk, struct md *md, struct err *err)
{
	/* At most 12 KiB before the end, and the last whole 64 KiB. */
	const uint64_t end = blk->size < 3 * SUPER_LEN ? 0 :
		(blk->size / SECTOR * SECTOR - 2 * SUPER_LEN) & ~(uint64_t)(SUPER_LEN - 1);
	const uint64_t old = blk->size < 2 << 16 ? 0 : ((blk->size >> 16) - 1) << 16;
	const struct {
		uint64_t at;
		bool old;
	} places[] = { { SUPER_LEN, false }, { 0, false }, { end, false }, { old, true } };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		uint8_t s[SUPER_LEN];
		int rc;

		if (!inside(places[i].at, sizeof(s), blk->size))
			continue;
		rc = blk_read(blk, places[i].at, s, sizeof(s), err);
		if (rc < 0)
			return rc;
		if (places[i].old ? parse_old(s, places[i].at, md) :
		    parse(s, places[i].at, blk->size, md))
			return 1;
	}
	return 0;
}
