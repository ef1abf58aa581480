/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ISO9660 (ECMA-119) with Rock Ridge (IEEE P1282 over SUSP), else Joliet, else its own
 * short names in lower case. Folders that Rock Ridge moved are followed to where they are.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "bootloader/blk/blk.h"
#include "bootloader/blk/bytes.h"
#include "fs.h"
#include "utf.h"

enum {
	SECTOR = 2048, FIRST_VOLUME = 16, VOLUMES_MAX = 32,
	VOLUME_PRIMARY = 1, VOLUME_SUPPLEMENTARY = 2, VOLUME_END = 255,
	VOLUME_LABEL = 40, VOLUME_LABEL_LEN = 32, VOLUME_ESCAPES = 88, VOLUME_BLOCK_SIZE = 128,
	VOLUME_ROOT = 156, VOLUME_CREATED = 813, VOLUME_MODIFIED = 830,
	RECORD_LEN = 0, RECORD_EXTENDED = 1, RECORD_EXTENT = 2, RECORD_SIZE = 10, RECORD_FLAGS = 25,
	RECORD_UNIT = 26, RECORD_GAP = 27, RECORD_NAME_LEN = 32, RECORD_NAME = 33, RECORD_MIN = 34,
	FLAG_DIR = 2, FLAG_MORE = 0x80,
	AREAS_MAX = 16,			/* continuations of one entry's Rock Ridge fields */
	RR_CONTINUED = 1, RR_CURRENT = 2, RR_PARENT = 4, RR_ROOT = 8,
};

struct iso {
	uint32_t block_size;
	bool rock_ridge, joliet;
	uint8_t skip;			/* bytes before the SUSP fields of each entry but "." */
};

/* What Rock Ridge says about an entry. */
struct rock {
	char name[FS_NAME_MAX];
	size_t name_len;
	char target[FS_LINK_MAX];
	size_t target_len;
	bool has_name, link, compressed, moved, placeholder;
	bool joined;			/* the next component of the target belongs to the last one */
	uint32_t mode, moved_to;
	/* Where the fields go on. */
	uint32_t next_block, next_offset, next_len;
};

static void append(char *to, size_t *len, size_t size, const void *from, size_t n)
{
	n = n < size - *len ? n : size - *len;
	memcpy(to + *len, from, n);
	*len += n;
}

/* SL: the components of a symlink's target. */
static void read_link(struct rock *r, const uint8_t *f, size_t len)
{
	for (size_t at = 5; at + 2 <= len && at + 2 + f[at + 1] <= len; at += 2u + f[at + 1]) {
		uint8_t flags = f[at];

		if (!r->joined && r->target_len && r->target[r->target_len - 1] != '/')
			append(r->target, &r->target_len, sizeof(r->target), "/", 1);
		if (flags & RR_ROOT)
			append(r->target, &r->target_len, sizeof(r->target), "/", 1);
		else if (flags & RR_PARENT)
			append(r->target, &r->target_len, sizeof(r->target), "..", 2);
		else if (flags & RR_CURRENT)
			append(r->target, &r->target_len, sizeof(r->target), ".", 1);
		else
			append(r->target, &r->target_len, sizeof(r->target), f + at + 2, f[at + 1]);
		r->joined = flags & RR_CONTINUED;
	}
}

static bool is_field(const uint8_t *f, const char *name)
{
	return f[0] == (uint8_t)name[0] && f[1] == (uint8_t)name[1];
}

static void read_field(struct rock *r, const uint8_t *f, size_t len)
{
	if (is_field(f, "NM") && len >= 5) {
		r->has_name = true;
		if (!(f[4] & (RR_CURRENT | RR_PARENT)))
			append(r->name, &r->name_len, sizeof(r->name), f + 5, len - 5);
	} else if (is_field(f, "SL") && len >= 5) {
		r->link = true;
		read_link(r, f, len);
	} else if (is_field(f, "PX") && len >= 12) {
		r->mode = get_le32(f + 4);
	} else if (is_field(f, "CL") && len >= 12) {
		r->moved = true;
		r->moved_to = get_le32(f + 4);
	} else if (is_field(f, "RE")) {
		r->placeholder = true;
	} else if (is_field(f, "ZF")) {
		r->compressed = true;
	} else if (is_field(f, "CE") && len >= 28) {
		r->next_block = get_le32(f + 4);
		r->next_offset = get_le32(f + 12);
		r->next_len = get_le32(f + 20);
	}
}

static void read_area(struct rock *r, const uint8_t *area, size_t len)
{
	size_t at = 0;

	r->next_len = 0;
	while (at + 4 <= len) {
		size_t field = area[at + 2];

		if (field < 4 || field > len - at || is_field(area + at, "ST"))
			break;
		read_field(r, area + at, field);
		at += field;
	}
}

/* The fields of one directory record, in it and where it says that they go on. */
static int read_rock(struct fs *fs, const uint8_t *record, struct rock *r, struct err *err)
{
	struct iso *iso = fs->priv;
	size_t len = record[RECORD_LEN];
	size_t at = RECORD_NAME + (size_t)record[RECORD_NAME_LEN];

	r->name_len = r->target_len = 0;
	r->has_name = r->link = r->compressed = r->moved = r->placeholder = r->joined = false;
	r->mode = 0;
	at += at % 2;
	at += iso->skip;
	read_area(r, record + (at < len ? at : len), at < len ? len - at : 0);
	for (unsigned int i = 0; r->next_len && i < AREAS_MAX; i++) {
		uint8_t area[SECTOR];
		uint64_t from = (uint64_t)r->next_block * iso->block_size + r->next_offset;
		int rc = blk_step(fs->blk, err);

		if (rc == 0 && r->next_len > sizeof(area))
			return fail(err, EIO, "a Rock Ridge continuation is too long");
		if (rc == 0)
			rc = blk_read(fs->blk, from, area, r->next_len, err);
		if (rc < 0)
			return rc;
		read_area(r, area, r->next_len);
	}
	return 0;
}

static struct fs_node node_of(const struct iso *iso, const uint8_t *record, uint64_t at)
{
	uint8_t flags = record[RECORD_FLAGS];
	struct fs_node node = {
		.kind = flags & FLAG_DIR ? FS_DIR : FS_FILE,
		.size = get_le32(record + RECORD_SIZE),
		.id = { ((uint64_t)get_le32(record + RECORD_EXTENT) + record[RECORD_EXTENDED]) *
			iso->block_size, at },
	};

	/* In several extents (over 4 GiB), or interleaved: no boot loader's file. */
	if (flags & FLAG_MORE || record[RECORD_UNIT] || record[RECORD_GAP])
		node.kind = FS_OTHER;
	return node;
}

/* A folder's own record is the first in it. */
static int moved_folder(struct fs *fs, const struct rock *r, struct fs_node *node, struct err *err)
{
	struct iso *iso = fs->priv;
	uint64_t at = (uint64_t)r->moved_to * iso->block_size;
	uint8_t record[RECORD_MIN];
	int rc = blk_read(fs->blk, at, record, sizeof(record), err);

	if (rc == 0)
		*node = node_of(iso, record, at);
	return rc;
}

static int rock_entry(struct fs *fs, const uint8_t *record, struct fs_node *node, char *name,
		      size_t *len, struct err *err)
{
	scoped(free) struct rock *r = malloc(sizeof(*r));
	int rc;

	if (!r)
		return fail_nomem(err);
	rc = read_rock(fs, record, r, err);
	if (rc == 0 && r->moved)
		rc = moved_folder(fs, r, node, err);
	if (rc < 0)
		return rc;
	if (r->has_name) {
		memcpy(name, r->name, r->name_len);
		*len = r->name_len;
	}
	if (r->placeholder)
		*len = 0;
	if (r->link) {
		node->kind = FS_LINK;
		node->size = r->target_len;
	} else if (r->compressed || (node->kind == FS_FILE && r->mode && (r->mode & 0170000) != 0100000)) {
		node->kind = FS_OTHER;
	}
	return 0;
}

static size_t plain_name(const uint8_t *from, size_t len, char *to)
{
	const uint8_t *version = memchr(from, ';', len);

	if (version)
		len = (size_t)(version - from);
	if (len && from[len - 1] == '.')
		len--;
	for (size_t i = 0; i < len; i++)
		to[i] = (char)tolower(from[i]);
	return len;
}

static size_t joliet_name(const uint8_t *from, size_t len, char *to, size_t size)
{
	uint16_t units[128];
	size_t n = 0;

	for (; n < len / 2; n++) {
		units[n] = get_be16(from + 2 * n);
		if (units[n] == ';')
			break;
	}
	return utf8_of_utf16(units, n, to, size);
}

/* One record with its name; *stop: what fn returned. */
static int give(struct fs *fs, const uint8_t *record, uint64_t at, fs_entry_fn fn, void *ctx,
		struct err *err)
{
	struct iso *iso = fs->priv;
	struct fs_node node = node_of(iso, record, at);
	const uint8_t *from = record + RECORD_NAME;
	size_t from_len = record[RECORD_NAME_LEN], len;
	char name[FS_NAME_MAX];
	int rc;

	/* "." and "..". */
	if (from_len == 1 && from[0] <= 1)
		return 0;
	len = iso->joliet ? joliet_name(from, from_len, name, sizeof(name)) :
		plain_name(from, from_len, name);
	if (iso->rock_ridge) {
		rc = rock_entry(fs, record, &node, name, &len, err);
		if (rc < 0)
			return rc;
	}
	if (!len || memchr(name, '/', len) || memchr(name, '\0', len))
		return 0;
	return fn(ctx, name, len, &node);
}

static int iso_list(struct fs *fs, const struct fs_node *dir, fs_entry_fn fn, void *ctx,
		    struct err *err)
{
	uint64_t at = 0;

	while (at < dir->size) {
		uint8_t record[256] = { 0 };
		size_t len, left = (size_t)(SECTOR - at % SECTOR);
		int rc = blk_step(fs->blk, err);

		left = left < dir->size - at ? left : (size_t)(dir->size - at);
		left = left < 255 ? left : 255;
		if (rc == 0)
			rc = blk_read(fs->blk, dir->id[0] + at, record, left, err);
		if (rc < 0)
			return rc;
		len = record[RECORD_LEN];
		if (!len) {	/* No record crosses a sector. */
			at += SECTOR - at % SECTOR;
			continue;
		}
		if (len < RECORD_MIN || len > left ||
		    RECORD_NAME + (size_t)record[RECORD_NAME_LEN] > len)
			return fail(err, EIO, "a folder is damaged");
		rc = give(fs, record, dir->id[0] + at, fn, ctx, err);
		if (rc)
			return rc;
		at += len;
	}
	return 0;
}

static int iso_read(struct fs *fs, const struct fs_node *node, uint64_t offset, void *buf,
		    size_t len, struct err *err)
{
	return blk_read(fs->blk, node->id[0] + offset, buf, len, err);
}

static int iso_readlink(struct fs *fs, const struct fs_node *node, char *buf, size_t size,
			struct err *err)
{
	scoped(free) struct rock *r = malloc(sizeof(*r));
	uint8_t record[256] = { 0 };
	size_t len;
	int rc;

	if (!r)
		return fail_nomem(err);
	rc = blk_read(fs->blk, node->id[1], record, 1, err);
	if (rc == 0)
		rc = blk_read(fs->blk, node->id[1], record, record[0], err);
	if (rc == 0)
		rc = read_rock(fs, record, r, err);
	if (rc < 0)
		return rc;
	len = r->target_len < size ? r->target_len : size;
	memcpy(buf, r->target, len);
	return (int)len;
}

/* Rock Ridge is there when the root's own record begins with SUSP's SP, or says how to go on. */
static int find_rock_ridge(struct fs *fs, struct iso *iso, struct err *err)
{
	uint8_t record[256] = { 0 };
	const uint8_t *sp = record + RECORD_MIN;
	int rc = blk_read(fs->blk, fs->root.id[0], record, 1, err);

	if (rc == 0)
		rc = blk_read(fs->blk, fs->root.id[0], record, record[0], err);
	if (rc < 0)
		return rc;
	if (record[0] < RECORD_MIN + 7 || !is_field(sp, "SP") || sp[4] != 0xbe || sp[5] != 0xef)
		return 0;
	iso->skip = sp[6];
	iso->rock_ridge = true;
	return 0;
}

static void set_names(struct fs *fs, const uint8_t *v)
{
	const char *date = (const char *)v + VOLUME_MODIFIED;

	fs_set_label(fs, v + VOLUME_LABEL, VOLUME_LABEL_LEN);
	if (strspn(date, "0") >= 16 || strspn(date, "0123456789") < 16)
		date = (const char *)v + VOLUME_CREATED;
	if (strspn(date, "0") < 16 && strspn(date, "0123456789") >= 16)
		snprintf(fs->uuid, sizeof(fs->uuid), "%.4s-%.2s-%.2s-%.2s-%.2s-%.2s-%.2s", date,
			 date + 4, date + 6, date + 8, date + 10, date + 12, date + 14);
}

static bool is_joliet(const uint8_t *v)
{
	const uint8_t *e = v + VOLUME_ESCAPES;

	return e[0] == '%' && e[1] == '/' && (e[2] == '@' || e[2] == 'C' || e[2] == 'E');
}

/* The volume descriptors: a primary one, and perhaps Joliet's. */
static int read_volumes(struct fs *fs, struct iso *iso, struct fs_node *joliet, struct err *err)
{
	bool found = false;

	for (uint64_t i = FIRST_VOLUME; i < FIRST_VOLUME + VOLUMES_MAX; i++) {
		uint8_t v[SECTOR + 1] = { 0 };	/* ends what looks for digits */
		uint32_t size;
		int rc;

		if (!inside(i * SECTOR, SECTOR, fs->blk->size))
			break;
		rc = blk_read(fs->blk, i * SECTOR, v, SECTOR, err);
		if (rc < 0)
			return rc;
		if (memcmp(v + 1, "CD001", 5) != 0 || v[0] == VOLUME_END)
			break;
		size = get_le16(v + VOLUME_BLOCK_SIZE);
		if (v[0] == VOLUME_PRIMARY && !found &&
		    (size == 512 || size == 1024 || size == 2048)) {
			found = true;
			iso->block_size = size;
			set_names(fs, v);
			fs->root = node_of(iso, v + VOLUME_ROOT, 0);
		} else if (v[0] == VOLUME_SUPPLEMENTARY && found && is_joliet(v)) {
			*joliet = node_of(iso, v + VOLUME_ROOT, 0);
		}
	}
	return found ? 0 : -ENODATA;
}

static void iso_close(struct fs *fs)
{
	free(fs->priv);
	fs->priv = NULL;
}

static int iso_open(struct fs *fs, struct err *err)
{
	struct fs_node joliet = { .kind = FS_UNKNOWN };
	struct iso *iso = calloc(1, sizeof(*iso));
	int rc;

	if (!iso)
		return fail_nomem(err);
	fs->priv = iso;
	rc = read_volumes(fs, iso, &joliet, err);
	if (rc == 0 && fs->root.kind != FS_DIR)
		rc = fail(err, EIO, "its root is no folder");
	if (rc == 0)
		rc = find_rock_ridge(fs, iso, err);
	if (rc < 0) {
		iso_close(fs);
		return rc;
	}
	if (!iso->rock_ridge && joliet.kind == FS_DIR) {
		iso->joliet = true;
		fs->root = joliet;
	}
	fs->nocase = !iso->rock_ridge;
	return 0;
}

const struct fs_type fs_iso = {
	.name = "iso9660", .open = iso_open, .close = iso_close, .list = iso_list,
	.read = iso_read, .readlink = iso_readlink,
};
