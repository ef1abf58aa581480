/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/scope.h"
#include "base/str.h"
#include "bootloader/blk/blk.h"
#include "bootloader/blk/bytes.h"
#include "bootloader/bootloader.h"

/* ISO9660 first: a hybrid image may carry what looks like another one in its first 32 KiB. */
static const struct fs_type *const types[] = { &fs_iso, &fs_ext, &fs_xfs, &fs_btrfs, &fs_fat };

#define NOT_READ " is not read here: " BOOT_ADVICE

/* What is met on guests' disks and not read here: a name is worth more than "unknown". */
static const struct {
	uint32_t offset;
	const char *magic;
	size_t len;
	const char *name;
} unread[] = {
	{ 0, "LUKS\xba\xbe", 6, "LUKS encryption" NOT_READ },
	{ 0, "hsqs", 4, "squashfs" NOT_READ },
	{ 3, "NTFS    ", 8, "NTFS" NOT_READ },
	{ 3, "EXFAT   ", 8, "exFAT" NOT_READ },
	{ 0x400, "\x10\x20\xf5\xf2", 4, "F2FS" NOT_READ },
	{ 0x400, "\xe2\xe1\xf5\xe0", 4, "EROFS" NOT_READ },
	{ 0x10034, "ReIsEr", 6, "reiserfs" NOT_READ },
	{ 0x8000, "JFS1", 4, "JFS" NOT_READ },
	{ 0x1055c, "\x19\x54\x19\x01", 4, "UFS2" NOT_READ },
	{ 0x255c, "\x54\x19\x01\x00", 4, "UFS1" NOT_READ },
	{ 0x20000, "\x0c\xb1\xba\x00", 4, "ZFS" NOT_READ },	/* first uberblock slot, little endian */
	{ 0x218, "LVM2 001", 8, "an LVM2 physical volume" },
	{ 0x1018, "\xc6\x85\x73\xf6", 4, "bcachefs" NOT_READ },
	{ 0xff6, "SWAPSPACE2", 10, "swap space" },
	{ 0, "QFI\xfb", 4, "a qcow2 image (its format must come from the configuration)" },
};

void fs_set_uuid(struct fs *fs, const uint8_t uuid[16])
{
	static const uint8_t none[16];
	size_t n = 0;

	fs->uuid[0] = '\0';
	if (memcmp(uuid, none, sizeof(none)) == 0)
		return;
	for (size_t i = 0; i < 16; i++) {
		bool dash = i == 4 || i == 6 || i == 8 || i == 10;

		n += (size_t)snprintf(fs->uuid + n, sizeof(fs->uuid) - n, dash ? "-%02x" : "%02x",
				      uuid[i]);
	}
}

void fs_set_label(struct fs *fs, const uint8_t *label, size_t len)
{
	if (len > sizeof(fs->label) - 1)
		len = sizeof(fs->label) - 1;
	len = strnlen((const char *)label, len);
	while (len && label[len - 1] == ' ')
		len--;
	memcpy(fs->label, label, len);
	fs->label[len] = '\0';
}

static int name_unread(struct blk *blk, struct err *err)
{
	uint8_t buf[16];

	for (size_t i = 0; i < ARRAY_SIZE(unread); i++) {
		struct err ignored;	/* too small for it: then it is not it */

		if (blk_read(blk, unread[i].offset, buf, unread[i].len, &ignored) == 0 &&
		    memcmp(buf, unread[i].magic, unread[i].len) == 0)
			return fail(err, ENODATA, "%s", unread[i].name);
	}
	err->msg[0] = '\0';
	return -ENODATA;
}

int fs_open(struct blk *blk, struct fs **out, struct err *err)
{
	struct fs *fs = calloc(1, sizeof(*fs));
	int rc = -ENODATA;

	if (!fs)
		return fail_nomem(err);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		*fs = (struct fs){ .type = types[i], .name = types[i]->name, .blk = blk };
		rc = types[i]->open(fs, err);
		if (rc == 0) {
			*out = fs;
			return 0;
		}
		if (rc != -ENODATA) {
			rc = fail_in(err, "%s", types[i]->name);
			break;
		}
	}
	free(fs);
	return rc == -ENODATA ? name_unread(blk, err) : rc;
}

void fs_close(struct fs *fs)
{
	int saved = errno;

	if (fs && fs->type->close)
		fs->type->close(fs);
	free(fs);
	errno = saved;
}

int fs_list(struct fs *fs, const struct fs_node *dir, fs_entry_fn fn, void *ctx, struct err *err)
{
	if (dir->kind != FS_DIR)
		return fail(err, ENOTDIR, "not a folder");
	return fs->type->list(fs, dir, fn, ctx, err);
}

struct wanted {
	const char *name;
	size_t len;
	bool nocase;
	struct fs_node *node;
};

enum { FOUND = 1 };

static int compare(void *ctx, const char *name, size_t len, const struct fs_node *node)
{
	struct wanted *w = ctx;

	if (len != w->len ||
	    (w->nocase ? strncasecmp(name, w->name, len) : memcmp(name, w->name, len)) != 0)
		return 0;
	*w->node = *node;
	return FOUND;
}

static int find(struct fs *fs, const struct fs_node *dir, const char *name, size_t len,
		struct fs_node *out, struct err *err)
{
	struct fs_node node = { .kind = FS_UNKNOWN };
	struct wanted w = { name, len, fs->nocase, &node };
	int rc;

	if (fs->type->find) {
		rc = fs->type->find(fs, dir, name, len, &node, err);
	} else {
		rc = fs->type->list(fs, dir, compare, &w, err);
		rc = rc == FOUND ? 0 : rc == 0 ? -ENOENT : rc;
	}
	if (rc == 0 && fs->type->load)
		rc = fs->type->load(fs, &node, err);
	if (rc == 0)
		*out = node;
	return rc;
}

/* A path on its way: what is left of it, and the folders that lead to where it stands. */
struct walk {
	char rest[2 * FS_LINK_MAX + 2];
	char *at;
	unsigned int links;
	size_t depth;
	struct fs_node up[64];
};

static int failed_path(struct err *err, int code, const char *path)
{
	char shown[160];

	return fail_sys(err, code, "%s", str_escape(path, strlen(path), shown, sizeof(shown)));
}

/* The symlink's target in front of what is left of the path. */
static int follow(struct fs *fs, struct walk *w, const struct fs_node *link, struct err *err)
{
	char target[FS_LINK_MAX + 1];
	size_t left = strlen(w->at);
	int len;

	if (++w->links > FS_LINKS)
		return -ELOOP;
	len = fs->type->readlink(fs, link, target, FS_LINK_MAX, err);
	if (len < 0)
		return len;
	len = (int)strnlen(target, (size_t)len);
	if (len == 0)
		return -ENOENT;
	if ((size_t)len + left + 2 > sizeof(w->rest))
		return -ENAMETOOLONG;
	memmove(w->rest + len + 1, w->at, left + 1);
	memcpy(w->rest, target, (size_t)len);
	w->rest[len] = '/';
	w->at = w->rest;
	if (target[0] == '/')
		w->depth = 0;
	return 0;
}

/* Takes one name off the path. */
static int step(struct fs *fs, struct walk *w, const char *name, size_t len, struct err *err)
{
	struct fs_node node;
	int rc;

	if (w->up[w->depth].kind != FS_DIR)
		return -ENOTDIR;
	if (len == 1 && name[0] == '.')
		return 0;
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		if (w->depth)
			w->depth--;
		return 0;
	}
	if (len > FS_NAME_MAX || w->depth + 1 == ARRAY_SIZE(w->up))
		return -ENAMETOOLONG;
	rc = find(fs, &w->up[w->depth], name, len, &node, err);
	if (rc < 0)
		return rc;
	if (node.kind == FS_LINK)
		return follow(fs, w, &node, err);
	w->up[++w->depth] = node;
	return 0;
}

static int walk_from(struct fs *fs, const struct fs_node *root, const char *path,
		     struct fs_node *out, struct err *err)
{
	struct walk w = { .links = 0 };
	size_t len = strlen(path);

	if (len > FS_LINK_MAX)
		return -ENAMETOOLONG;
	memcpy(w.rest, path, len + 1);
	w.at = w.rest;
	w.up[0] = *root;
	for (;;) {
		const char *name;
		int rc;

		w.at += strspn(w.at, "/");
		if (!*w.at)
			break;
		name = w.at;
		len = strcspn(name, "/");
		w.at += len;
		rc = step(fs, &w, name, len, err);
		if (rc < 0)
			return rc;
	}
	/* A file with a slash behind it is none. */
	len = strlen(path);
	if (len && path[len - 1] == '/' && w.up[w.depth].kind != FS_DIR)
		return -ENOTDIR;
	*out = w.up[w.depth];
	return 0;
}

int fs_lookup(struct fs *fs, const char *path, struct fs_node *node, struct err *err)
{
	int rc;

	err->msg[0] = '\0';
	rc = walk_from(fs, &fs->root, path, node, err);
	if (fs->has_alt && (rc == -ENOENT || rc == -ENOTDIR)) {
		int alt = walk_from(fs, &fs->alt, path, node, err);

		rc = alt == -ENOENT ? rc : alt;
	}
	switch (rc) {
	case -ENOENT: case -ENOTDIR: case -ELOOP: case -ENAMETOOLONG:
		return failed_path(err, -rc, path);
	case 0:
		return 0;
	default:
		return fail_in(err, "%s", fs->type->name);
	}
}

int fs_read(struct fs *fs, const struct fs_node *node, uint64_t offset, void *buf, size_t len,
	    struct err *err)
{
	if (node->kind != FS_FILE)
		return fail(err, node->kind == FS_DIR ? EISDIR : EINVAL, "not a file");
	if (!inside(offset, len, node->size))
		return fail(err, ENODATA, "%zu bytes at %" PRIu64 " lie beyond the end of the file",
			    len, offset);
	return len ? fs->type->read(fs, node, offset, buf, len, err) : 0;
}

int fs_read_file(struct fs *fs, const char *path, size_t max, struct bytes *out, struct err *err)
{
	scoped(bytes) struct bytes b = BYTES_INIT;
	struct fs_node node;
	int rc = fs_lookup(fs, path, &node, err);

	if (rc < 0)
		return rc;
	if (node.kind != FS_FILE)
		return failed_path(err, node.kind == FS_DIR ? EISDIR : EINVAL, path);
	if (node.size > max)
		return failed_path(err, EFBIG, path);
	b.len = (size_t)node.size;
	b.data = malloc(b.len + 1);
	if (!b.data)
		return fail_nomem(err);
	rc = fs_read(fs, &node, 0, b.data, b.len, err);
	if (rc < 0)
		return rc;
	((char *)b.data)[b.len] = '\0';
	out->len = b.len;
	out->data = take(b.data);
	return 0;
}
