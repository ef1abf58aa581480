/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "blk/blk.h"
#include "blk/lvm.h"
#include "blk/md.h"
#include "blk/table.h"
#include "fs/fs.h"
#include "source.h"

enum {
	PLACES_MAX = DISKS_MAX * (TABLE_PARTS + 1),	/* disks and partitions */
	MIRRORS_MAX = 32,
	DEVICES_MAX = PLACES_MAX + MIRRORS_MAX + LVM_LVS,
};

/* Beside a struct source_device, with the same index. */
struct device {
	struct blk *slice;	/* owned; NULL where the device is a whole disk */
	struct fs *fs;		/* owned, or NULL */
	char partuuid[40];
	char note[200];
	char names[2][4 * LVM_NAME + 8];	/* of a logical volume or a mirror */
};

struct disks {
	struct source source;
	unsigned int nr;
	struct source_device *devices;
	struct device *own;
};

/* A device on blk: its file system is opened now. */
static int add_device(struct disks *d, const struct source_device *place, const char *partuuid,
		      struct blk *blk, struct blk *slice, const char *note, struct err *err)
{
	struct source_device *dev = &d->devices[d->nr];
	struct device *own = &d->own[d->nr];
	struct err why = ERR_INIT;
	int rc;

	d->nr++;	/* from here on disks_close() knows slice */
	*dev = *place;
	own->slice = slice;
	snprintf(own->note, sizeof(own->note), "%s", note);
	snprintf(own->partuuid, sizeof(own->partuuid), "%s", partuuid);
	dev->partuuid = own->partuuid[0] ? own->partuuid : NULL;
	rc = fs_open(blk, &own->fs, &why);
	if (rc == -ENOMEM || rc == -ETIME)
		return fail(err, -rc, "%s", why.msg);
	if (rc < 0) {
		if (why.msg[0])
			snprintf(own->note, sizeof(own->note), "%.199s", why.msg);
		return 0;
	}
	if (own->fs->note[0])
		snprintf(own->note, sizeof(own->note), "%s", own->fs->note);
	dev->fs = own->fs->name;
	dev->uuid = own->fs->uuid[0] ? own->fs->uuid : NULL;
	dev->label = own->fs->label[0] ? own->fs->label : NULL;
	return 0;
}

static int add_partition(struct disks *d, unsigned int disk, struct blk *blk,
			 const struct table *table, const struct part *part, struct err *err)
{
	struct source_device place = {
		.disk = disk, .part = part->nr,
		.table = table->kind == TABLE_GPT ? SOURCE_TABLE_GPT : SOURCE_TABLE_MSDOS,
		.role = part->role == PART_ESP ? SOURCE_ROLE_ESP :
			part->role == PART_XBOOTLDR ? SOURCE_ROLE_XBOOTLDR : SOURCE_ROLE_NONE,
	};
	struct blk *slice;
	int rc = blk_open_slice(blk, part->start, part->size, &slice, err);

	return rc < 0 ? rc : add_device(d, &place, part->uuid, slice, slice, "", err);
}

static int add_disk(struct disks *d, unsigned int disk, struct blk *blk, struct err *err)
{
	struct source_device place = { .disk = disk };
	scoped(free) struct table *table = calloc(1, sizeof(*table));
	int rc;

	if (!table)
		return fail_nomem(err);
	rc = table_read(blk, table, err);
	if (rc == 0)
		rc = add_device(d, &place, "", blk, NULL, table->note, err);
	for (size_t i = 0; i < table->nr && rc == 0; i++)
		rc = add_partition(d, disk, blk, table, &table->parts[i], err);
	return rc < 0 ? fail_in(err, "disk %u", disk) : 0;
}

static struct blk *blk_of(const struct disks *d, unsigned int dev, struct blk *const *blks)
{
	return d->own[dev].slice ? d->own[dev].slice : blks[d->devices[dev].disk];
}

/* The other half of one that is there already. */
static bool have_mirror(const struct disks *d, const char *uuid_name)
{
	for (unsigned int i = 0; i < d->nr; i++) {
		if (strcmp(d->own[i].names[1], uuid_name) == 0)
			return true;
	}
	return false;
}

/* A mirror of which `dev` is a member: one half is as good as the other. */
static int add_mirror(struct disks *d, unsigned int dev, const struct md *md, struct blk *below,
		      struct err *err)
{
	struct device *own = &d->own[d->nr];
	struct source_device place = { .names = { own->names[0], own->names[1] } };
	struct blk *blk;
	int rc;

	if (md->level != 1) {
		snprintf(d->own[dev].note, sizeof(d->own[dev].note), "RAID level %d is not read here: "
			 "let the guest's own GRUB boot it (pvgrub)", md->level);
		return 0;
	}
	snprintf(own->names[1], sizeof(own->names[1]), "mduuid/%s", md->uuid);
	if (have_mirror(d, own->names[1])) {
		own->names[1][0] = '\0';
		return 0;
	}
	snprintf(own->names[0], sizeof(own->names[0]), "md/%s", md->name);
	rc = blk_open_slice(below, md->start, md->size, &blk, err);
	return rc < 0 ? rc : add_device(d, &place, "", blk, blk, "", err);
}

static int add_mirrors(struct disks *d, struct blk *const *blks, struct err *err)
{
	unsigned int places = d->nr;

	for (unsigned int i = 0; i < places && d->nr < places + MIRRORS_MAX; i++) {
		struct blk *blk = blk_of(d, i, blks);
		struct md md;
		int rc;

		if (d->own[i].fs)
			continue;
		rc = md_read(blk, &md, err);
		if (rc > 0)
			rc = add_mirror(d, i, &md, blk, err);
		if (rc < 0)
			return fail_in(err, "RAID");
	}
	return 0;
}

/* A '-' within a name is doubled: "lvm/my--vg-root". */
static void double_dashes(char *to, size_t size, const char *from)
{
	size_t n = strlen(to);

	for (; *from && n + 2 < size; from++) {
		to[n++] = *from;
		if (*from == '-')
			to[n++] = '-';
	}
	to[n] = '\0';
}

static int add_volume(struct disks *d, struct lvm_lv *lv, struct budget *budget, struct err *err)
{
	struct device *own = &d->own[d->nr];
	struct source_device place = { .names = { own->names[0], own->names[1] } };
	struct blk *blk;
	int rc;

	strcpy(own->names[0], "lvm/");
	double_dashes(own->names[0], sizeof(own->names[0]) - 4, lv->vg);
	strcat(own->names[0], "-");
	double_dashes(own->names[0], sizeof(own->names[0]), lv->name);
	snprintf(own->names[1], sizeof(own->names[1]), "lvmid/%s/%s", lv->vg_id, lv->id);
	if (lv->note[0]) {
		snprintf(own->note, sizeof(own->note), "%s", lv->note);
		d->devices[d->nr++] = place;
		return 0;
	}
	rc = lvm_open(lv, budget, &blk, err);
	return rc < 0 ? rc : add_device(d, &place, "", blk, blk, "", err);
}

/* Logical volumes on what has been found so far. */
static int add_volumes(struct disks *d, struct blk *const *blks, struct err *err)
{
	scoped(free) struct blk **places = calloc(d->nr + 1, sizeof(*places));
	scoped(lvm) struct lvm lvm = { .nr = 0 };
	int rc;

	if (!places)
		return fail_nomem(err);
	for (unsigned int i = 0; i < d->nr; i++)
		places[i] = blk_of(d, i, blks);
	rc = lvm_read(places, d->nr, &lvm, err);
	for (size_t i = 0; i < lvm.nr && rc == 0; i++)
		rc = add_volume(d, &lvm.lv[i], blks[0]->budget, err);
	return rc < 0 ? fail_in(err, "LVM") : 0;
}

/* The errors that a source has. */
static int source_error(int rc, struct err *err)
{
	switch (rc) {
	case -EFBIG: case -ENOENT: case -ENOTDIR: case -EISDIR: case -ELOOP: case -ETIME:
	case -ENOMEM:
		break;
	case -ENAMETOOLONG:
		rc = -ENOENT;
		break;
	default:
		rc = rc < 0 ? -EIO : rc;
	}
	if (rc < 0)
		err->code = -rc;
	return rc;
}

static struct fs *fs_of(struct disks *d, unsigned int dev)
{
	return dev < d->nr ? d->own[dev].fs : NULL;
}

static int no_fs(struct err *err)
{
	return fail(err, ENOENT, "there is no file system that can be read");
}

static int disks_read(void *arg, unsigned int dev, const char *path, size_t max,
		      struct bytes *out, struct err *err)
{
	struct fs *fs = fs_of(arg, dev);

	return fs ? source_error(fs_read_file(fs, path, max, out, err), err) : no_fs(err);
}

static enum source_kind kind_of(const struct fs_node *node)
{
	return node->kind == FS_FILE ? SOURCE_FILE : node->kind == FS_DIR ? SOURCE_FOLDER :
		SOURCE_OTHER;
}

static int disks_stat(void *arg, unsigned int dev, const char *path, struct source_stat *out,
		      struct err *err)
{
	struct fs *fs = fs_of(arg, dev);
	struct fs_node node;
	int rc;

	if (!fs)
		return no_fs(err);
	rc = fs_lookup(fs, path, &node, err);
	if (rc < 0)
		return source_error(rc, err);
	*out = (struct source_stat){ kind_of(&node), node.kind == FS_FILE ? node.size : 0 };
	return 0;
}

struct listing {
	struct fs *fs;
	const char *path;
	size_t left;
	source_name_fn fn;
	void *fn_arg;
	struct err *err;
	int said;	/* by fn */
};

static int list_name(void *ctx, const char *name, size_t len, const struct fs_node *found)
{
	struct listing *l = ctx;
	struct fs_node node = *found;
	struct err ignored = ERR_INIT;
	char text[FS_NAME_MAX + 1], path[FS_LINK_MAX + FS_NAME_MAX + 2];
	int rc = 0;

	if (!l->left)
		return fail(l->err, EFBIG, "the folder has too many names");
	l->left--;
	memcpy(text, name, len);
	text[len] = '\0';
	if (l->fs->type->load)
		rc = l->fs->type->load(l->fs, &node, &ignored);
	if (rc == 0 && node.kind == FS_LINK) {
		snprintf(path, sizeof(path), "%s/%s", l->path, text);
		rc = fs_lookup(l->fs, path, &node, &ignored);
	}
	/* What a damaged inode or a dangling link is does not spoil the other names. */
	if (rc < 0)
		node.kind = FS_OTHER;
	l->said = l->fn(l->fn_arg, text, kind_of(&node));
	return l->said;
}

static int disks_list(void *arg, unsigned int dev, const char *path, size_t max,
		      source_name_fn fn, void *fn_arg, struct err *err)
{
	struct listing l = { fs_of(arg, dev), path, max, fn, fn_arg, err, 0 };
	struct fs_node node;
	int rc;

	if (!l.fs)
		return no_fs(err);
	rc = fs_lookup(l.fs, path, &node, err);
	if (rc == 0)
		rc = fs_list(l.fs, &node, list_name, &l, err);
	return l.said ? l.said : source_error(rc, err);
}

int disks_file(struct disks *disks, unsigned int dev, const char *path, struct fs **fs,
	       struct fs_node *node, struct err *err)
{
	int rc;

	*fs = fs_of(disks, dev);
	if (!*fs)
		return no_fs(err);
	rc = fs_lookup(*fs, path, node, err);
	if (rc == 0 && node->kind != FS_FILE)
		return fail(err, node->kind == FS_DIR ? EISDIR : EIO, "not a file");
	return source_error(rc, err);
}

const struct source *disks_source(const struct disks *disks)
{
	return &disks->source;
}

const char *disks_note(const struct disks *disks, unsigned int dev)
{
	return dev < disks->nr ? disks->own[dev].note : "";
}

void disks_set_note(struct disks *disks, unsigned int disk, const char *note)
{
	for (unsigned int i = 0; i < disks->nr; i++) {
		const struct source_device *dev = &disks->devices[i];

		if (dev->disk == disk && !dev->part && !dev->names[0])
			snprintf(disks->own[i].note, sizeof(disks->own[i].note), "%s", note);
	}
}

int disks_open(struct blk *const *blks, size_t nr, struct disks **out, struct err *err)
{
	static const struct source_ops ops = { disks_read, disks_stat, disks_list };
	scoped(disks) struct disks *d = calloc(1, sizeof(*d));
	int rc = 0;

	if (nr > DISKS_MAX)
		return fail(err, E2BIG, "more than %d disks", DISKS_MAX);
	if (!d)
		return fail_nomem(err);
	d->devices = calloc(DEVICES_MAX, sizeof(*d->devices));
	d->own = calloc(DEVICES_MAX, sizeof(*d->own));
	if (!d->devices || !d->own)
		return fail_nomem(err);
	for (unsigned int i = 0; i < nr && rc == 0; i++)
		rc = add_disk(d, i, blks[i], err);
	if (rc == 0 && nr)
		rc = add_mirrors(d, blks, err);
	if (rc == 0 && nr)
		rc = add_volumes(d, blks, err);
	if (rc < 0)
		return rc;
	d->source = (struct source){ &ops, d, d->devices, d->nr };
	*out = take(d);
	return 0;
}

void disks_close(struct disks *d)
{
	int saved = errno;

	if (!d)
		return;
	for (unsigned int i = 0; i < d->nr; i++) {
		fs_close(d->own[i].fs);
		blk_close(d->own[i].slice);
	}
	free(d->own);
	free(d->devices);
	free(d);
	errno = saved;
}
