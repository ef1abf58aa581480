/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* FAT12, FAT16 and FAT32 with long names (Microsoft's fatgen103). */
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
	BOOT_SECTOR_SIZE = 11, BOOT_CLUSTER_SECTORS = 13, BOOT_RESERVED = 14, BOOT_FATS = 16,
	BOOT_ROOT_ENTRIES = 17, BOOT_SECTORS16 = 19, BOOT_MEDIA = 21, BOOT_FAT_SECTORS16 = 22,
	BOOT_SECTORS32 = 32, BOOT_FAT_SECTORS32 = 36, BOOT_ROOT_CLUSTER = 44,
	BOOT_SERIAL16 = 39, BOOT_SERIAL32 = 67, BOOT_MAGIC = 510, BOOT_LEN = 512,
	ENTRY_ATTR = 11, ENTRY_CASE = 12, ENTRY_CLUSTER_HIGH = 20, ENTRY_CLUSTER = 26,
	ENTRY_SIZE = 28, ENTRY_LEN = 32,
	ATTR_LABEL = 0x08, ATTR_DIR = 0x10, ATTR_LONG = 0x0f, ATTR_LONG_MASK = 0x3f,
	CASE_BASE = 0x08, CASE_EXT = 0x10,
	ENTRY_END = 0x00, ENTRY_DELETED = 0xe5, ENTRY_E5 = 0x05,
	LONG_SEQUENCE = 0x3f, LONG_LAST = 0x40, LONG_CHECKSUM = 13, LONG_UNITS = 13, LONG_PARTS = 20,
	FOLDER_ENTRIES_MAX = 65536,
};

struct fat {
	unsigned int bits;		/* 12, 16 or 32 */
	uint64_t fat_at, fat_len;	/* the first table, bytes */
	uint64_t root_at, root_len;	/* FAT12/16: the root folder has a place of its own */
	uint64_t data_at;		/* where cluster 2 is */
	uint32_t cluster_size, clusters;
	/* Where the last read ended: files are mostly read from start to end. */
	uint32_t first, index, cluster;
};

/* The end of a chain, or what cannot be followed. */
static bool is_end(const struct fat *f, uint32_t cluster)
{
	return cluster < 2 || cluster - 2 >= f->clusters;
}

static int next_cluster(struct fs *fs, uint32_t cluster, uint32_t *next, struct err *err)
{
	struct fat *f = fs->priv;
	uint64_t at = f->bits == 12 ? cluster + cluster / 2 : (uint64_t)cluster * f->bits / 8;
	size_t len = f->bits == 32 ? 4 : 2;
	uint8_t entry[4];
	int rc = blk_step(fs->blk, err);

	if (rc == 0 && !inside(at, len, f->fat_len))
		return fail(err, EIO, "a chain of clusters leads nowhere");
	if (rc == 0)
		rc = blk_read(fs->blk, f->fat_at + at, entry, len, err);
	if (rc < 0)
		return rc;
	switch (f->bits) {
	case 12:
		*next = cluster % 2 ? get_le16(entry) >> 4 : get_le16(entry) & 0xfff;
		break;
	case 16:
		*next = get_le16(entry);
		break;
	default:
		*next = get_le32(entry) & 0x0fffffff;
	}
	return 0;
}

static int broken_chain(struct fat *f, struct err *err)
{
	f->first = 0;
	return fail(err, EIO, "a chain of clusters ends too early");
}

/* The cluster number `index` of the chain that begins with `first`. */
static int seek_cluster(struct fs *fs, uint32_t first, uint32_t index, struct err *err)
{
	struct fat *f = fs->priv;

	if (f->first != first || f->index > index) {
		f->first = first;
		f->index = 0;
		f->cluster = first;
	}
	if (is_end(f, f->cluster))
		return broken_chain(f, err);
	while (f->index < index) {
		uint32_t next;
		int rc = next_cluster(fs, f->cluster, &next, err);

		if (rc < 0)
			return rc;
		if (is_end(f, next))
			return broken_chain(f, err);
		f->cluster = next;
		f->index++;
	}
	return 0;
}

static int fat_read(struct fs *fs, const struct fs_node *node, uint64_t offset, void *buf,
		    size_t len, struct err *err)
{
	struct fat *f = fs->priv;
	uint8_t *to = buf;

	while (len) {
		uint32_t skip = (uint32_t)(offset % f->cluster_size), start;
		uint64_t part = f->cluster_size - skip;
		int rc = seek_cluster(fs, (uint32_t)node->id[0], (uint32_t)(offset / f->cluster_size),
				      err);

		if (rc < 0)
			return rc;
		/* Clusters that lie in a row are one read. */
		start = f->cluster;
		while (part < len) {
			uint32_t next;

			rc = next_cluster(fs, f->cluster, &next, err);
			if (rc < 0)
				return rc;
			if (next != f->cluster + 1 || is_end(f, next))
				break;
			f->cluster = next;
			f->index++;
			part += f->cluster_size;
		}
		part = part < len ? part : len;
		rc = blk_read(fs->blk, f->data_at + (uint64_t)(start - 2) * f->cluster_size + skip,
			      to, (size_t)part, err);
		if (rc < 0)
			return rc;
		to += part;
		offset += part;
		len -= (size_t)part;
	}
	return 0;
}

/* The parts of a long name come before the entry that they name, the last one first. */
struct long_name {
	uint16_t units[LONG_PARTS * LONG_UNITS];
	unsigned int parts, left;	/* left: 0 when complete */
	uint8_t checksum;
};

static void add_long(struct long_name *l, const uint8_t *e)
{
	static const uint8_t at[LONG_UNITS] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
	unsigned int nr = e[0] & LONG_SEQUENCE;

	if (e[0] & LONG_LAST) {
		l->parts = l->left = nr;
		l->checksum = e[LONG_CHECKSUM];
	}
	if (!nr || nr > LONG_PARTS || nr != l->left || e[LONG_CHECKSUM] != l->checksum) {
		l->parts = 0;
		return;
	}
	l->left--;
	for (size_t i = 0; i < LONG_UNITS; i++)
		l->units[l->left * LONG_UNITS + i] = get_le16(e + at[i]);
}

static bool long_fits(const struct long_name *l, const uint8_t *e)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < 11; i++)
		sum = (uint8_t)((sum << 7 | sum >> 1) + e[i]);
	return l->parts && !l->left && sum == l->checksum;
}

static size_t short_part(const uint8_t *from, size_t len, bool lower, char *to)
{
	while (len && from[len - 1] == ' ')
		len--;
	for (size_t i = 0; i < len; i++) {
		bool upper = from[i] >= 'A' && from[i] <= 'Z';

		to[i] = (char)(lower && upper ? from[i] | 0x20 : from[i]);
	}
	return len;
}

static size_t short_name(const uint8_t *e, char *buf)
{
	size_t len = short_part(e, 8, e[ENTRY_CASE] & CASE_BASE, buf), ext;

	if (len && e[0] == ENTRY_E5)
		buf[0] = (char)ENTRY_DELETED;
	ext = short_part(e + 8, 3, e[ENTRY_CASE] & CASE_EXT, buf + len + 1);
	if (!ext)
		return len;
	buf[len] = '.';
	return len + 1 + ext;
}

static int give(struct fs *fs, const uint8_t *e, struct long_name *l, fs_entry_fn fn, void *ctx)
{
	struct fat *f = fs->priv;
	char name[LONG_PARTS * LONG_UNITS * 3];
	uint32_t cluster = get_le16(e + ENTRY_CLUSTER);
	struct fs_node node = {
		.kind = e[ENTRY_ATTR] & ATTR_DIR ? FS_DIR : FS_FILE,
		.size = e[ENTRY_ATTR] & ATTR_DIR ? 0 : get_le32(e + ENTRY_SIZE),
	};
	size_t len;

	if (f->bits == 32)
		cluster |= (uint32_t)get_le16(e + ENTRY_CLUSTER_HIGH) << 16;
	node.id[0] = cluster;
	len = long_fits(l, e) ?
		utf8_of_utf16(l->units, l->parts * (size_t)LONG_UNITS, name, sizeof(name)) :
		short_name(e, name);
	if (!len || memchr(name, '/', len) || memchr(name, '\0', len) ||
	    (len <= 2 && memcmp(name, "..", len) == 0))
		return 0;
	/* Cluster 0 is the root only in "..", which is not given. */
	if (node.kind == FS_DIR && !cluster)
		return 0;
	return fn(ctx, name, len, &node);
}

/* One entry of a folder; *end after the last one. */
static int read_entry(struct fs *fs, const struct fs_node *dir, uint32_t i, uint8_t *e, bool *end,
		      struct err *err)
{
	struct fat *f = fs->priv;
	uint64_t at = (uint64_t)i * ENTRY_LEN;
	int rc;

	*end = false;
	if (!dir->id[0]) {
		*end = at >= f->root_len;
		rc = *end ? 0 : blk_read(fs->blk, f->root_at + at, e, ENTRY_LEN, err);
	} else {
		uint32_t index = (uint32_t)(at / f->cluster_size), next;

		/* A folder has no size: its chain ends it. */
		if (at % f->cluster_size == 0 && index) {
			rc = seek_cluster(fs, (uint32_t)dir->id[0], index - 1, err);
			if (rc == 0)
				rc = next_cluster(fs, f->cluster, &next, err);
			if (rc == 0 && is_end(f, next))
				*end = true;
			if (rc < 0 || *end)
				return rc;
		}
		rc = fat_read(fs, dir, at, e, ENTRY_LEN, err);
	}
	if (rc == 0 && !*end && e[0] == ENTRY_END)
		*end = true;
	return rc;
}

static int fat_list_all(struct fs *fs, const struct fs_node *dir, bool label, fs_entry_fn fn,
			void *ctx, struct err *err)
{
	struct long_name l = { .parts = 0 };

	for (uint32_t i = 0; i < FOLDER_ENTRIES_MAX; i++) {
		uint8_t e[ENTRY_LEN], attr;
		bool end;
		int rc = read_entry(fs, dir, i, e, &end, err);

		if (rc < 0 || end)
			return rc;
		attr = e[ENTRY_ATTR];
		if (e[0] == ENTRY_DELETED) {
			l.parts = 0;
		} else if ((attr & ATTR_LONG_MASK) == ATTR_LONG) {
			add_long(&l, e);
		} else {
			if (attr & ATTR_LABEL && label)
				fs_set_label(fs, e, 11);
			if (!(attr & ATTR_LABEL) && fn)
				rc = give(fs, e, &l, fn, ctx);
			if (rc)
				return rc;
			l.parts = 0;
		}
	}
	return 0;
}

static int fat_list(struct fs *fs, const struct fs_node *dir, fs_entry_fn fn, void *ctx,
		    struct err *err)
{
	return fat_list_all(fs, dir, false, fn, ctx, err);
}

static bool power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

/* False: no FAT. What follows from the numbers is checked against the device. */
static bool read_boot_sector(struct fs *fs, struct fat *f, const uint8_t *b)
{
	uint32_t sector = get_le16(b + BOOT_SECTOR_SIZE), per = b[BOOT_CLUSTER_SECTORS];
	uint64_t reserved = get_le16(b + BOOT_RESERVED), fats = b[BOOT_FATS], sectors, fat_sectors;
	uint64_t root_sectors, used;

	if (get_le16(b + BOOT_MAGIC) != 0xaa55 || !power_of_two(sector) || sector < 512 ||
	    sector > 4096 || !power_of_two(per) || !reserved || !fats || fats > 4 ||
	    b[BOOT_MEDIA] < 0xf0)
		return false;
	sectors = get_le16(b + BOOT_SECTORS16);
	sectors = sectors ? sectors : get_le32(b + BOOT_SECTORS32);
	fat_sectors = get_le16(b + BOOT_FAT_SECTORS16);
	f->bits = fat_sectors ? 16 : 32;
	fat_sectors = fat_sectors ? fat_sectors : get_le32(b + BOOT_FAT_SECTORS32);
	f->root_len = (uint64_t)get_le16(b + BOOT_ROOT_ENTRIES) * ENTRY_LEN;
	root_sectors = (f->root_len + sector - 1) / sector;
	used = reserved + fats * fat_sectors + root_sectors;
	if (!fat_sectors || used >= sectors || (f->bits == 32) != !f->root_len)
		return false;
	f->cluster_size = sector * per;
	f->clusters = (uint32_t)((sectors - used) / per);
	if (f->bits == 16 && f->clusters < 4085)
		f->bits = 12;
	f->fat_at = reserved * sector;
	f->fat_len = fat_sectors * sector;
	f->root_at = f->fat_at + fats * f->fat_len;
	f->data_at = used * sector;
	fs->root = (struct fs_node){ .kind = FS_DIR };
	if (f->bits == 32)
		fs->root.id[0] = get_le32(b + BOOT_ROOT_CLUSTER);
	return f->bits != 32 || !is_end(f, (uint32_t)fs->root.id[0]);
}

static void fat_close(struct fs *fs)
{
	free(fs->priv);
	fs->priv = NULL;
}

static int fat_open(struct fs *fs, struct err *err)
{
	uint8_t b[BOOT_LEN];
	struct fat *f;
	uint32_t serial;
	int rc;

	if (fs->blk->size < sizeof(b))
		return -ENODATA;
	rc = blk_read(fs->blk, 0, b, sizeof(b), err);
	if (rc < 0)
		return rc;
	f = calloc(1, sizeof(*f));
	if (!f)
		return fail_nomem(err);
	fs->priv = f;
	if (!read_boot_sector(fs, f, b)) {
		fat_close(fs);
		return -ENODATA;
	}
	fs->name = "vfat";
	fs->nocase = true;
	serial = get_le32(b + (f->bits == 32 ? BOOT_SERIAL32 : BOOT_SERIAL16));
	if (serial)
		snprintf(fs->uuid, sizeof(fs->uuid), "%04X-%04X", serial >> 16, serial & 0xffff);
	/* A label is not worth an error: whoever needs the root folder meets it again. */
	if (fat_list_all(fs, &fs->root, true, NULL, NULL, err) < 0)
		fs->label[0] = '\0';
	return 0;
}

static int fat_readlink(struct fs *fs, const struct fs_node *node, char *buf, size_t size,
			struct err *err)
{
	(void)fs, (void)node, (void)buf, (void)size;
	return fail(err, EINVAL, "FAT has no symlinks");
}

const struct fs_type fs_fat = {
	.name = "vfat", .open = fat_open, .close = fat_close, .list = fat_list, .read = fat_read,
	.readlink = fat_readlink,
};
