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
#include "bootloader.h"
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

static void add_note(struct device *own, const char *note)
{
	size_t len = strlen(own->note);

	if (note[0])
		snprintf(own->note + len, sizeof(own->note) - len, "%s%s", len ? "; " : "", note);
}

static void use_fs(struct source_device *dev, struct device *own, struct fs *fs)
{
	fs_close(own->fs);
	own->fs = fs;
	add_note(own, fs->note);
	dev->fs = fs->name;
	dev->uuid = fs->uuid[0] ? fs->uuid : NULL;
	dev->label = fs->label[0] ? fs->label : NULL;
}

/* A device on blk: its file system is opened now. */
static int add_device(struct disks *d, const struct source_device *place, const char *partuuid,
		      struct blk *blk, struct blk *slice, const char *note, struct err *err)
{
	struct source_device *dev = &d->devices[d->nr];
	struct device *own = &d->own[d->nr];
	struct err why = ERR_INIT;
	struct fs *fs;
	int rc;

	d->nr++;	/* from here on disks_close() knows slice */
	*dev = *place;
	own->slice = slice;
	add_note(own, note);
	snprintf(own->partuuid, sizeof(own->partuuid), "%s", partuuid);
	dev->partuuid = own->partuuid[0] ? own->partuuid : NULL;
	rc = fs_open(blk, &fs, &why);
	if (rc == -ENOMEM || rc == -ETIME)
		return fail(err, -rc, "%s", why.msg);
	if (rc == 0)
		use_fs(dev, own, fs);
	else
		add_note(own, why.msg);
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

/* A part of a mirror, on the device `dev`. */
struct member {
	unsigned int dev;
	struct md md;
};

/*
 * Data behind the superblock (1.1, 1.2) comes first: at the end of a partition any user of the
 * guest may have a file that looks like one. Then what has seen most; then what is found first.
 */
static bool is_newer(const struct member *a, const struct member *b)
{
	if (!a->md.start != !b->md.start)
		return a->md.start != 0;
	return a->md.events > b->md.events || (a->md.events == b->md.events && a < b);
}

/* The one of a member's mirror that is up to date, always the same one. */
static const struct member *newest(const struct member *members, size_t nr, const struct member *m)
{
	const struct member *best = m;

	for (const struct member *i = members; i < members + nr; i++) {
		if (strcmp(i->md.uuid, m->md.uuid) == 0 && is_newer(i, best))
			best = i;
	}
	return best;
}

static int add_mirror(struct disks *d, const struct member *m, struct blk *below, struct err *err)
{
	struct device *own = &d->own[d->nr];
	struct source_device place = { .names = { own->names[0], own->names[1] } };
	struct blk *blk;
	int rc;

	snprintf(own->names[0], sizeof(own->names[0]), "md/%s", m->md.name);
	snprintf(own->names[1], sizeof(own->names[1]), "mduuid/%s", m->md.uuid);
	rc = blk_open_slice(below, m->md.start, m->md.size, &blk, err);
	return rc < 0 ? rc : add_device(d, &place, "", blk, blk, "", err);
}

/*
 * A member that missed writes. Where its data begins with the device it is found as a file
 * system of its own: the same one is read from the member that has it all. (Not another one: any
 * user of the guest could have a file that lies where a superblock would.)
 */
static int replace_stale(struct disks *d, unsigned int stale, const struct member *best,
			 struct blk *blk, struct err *err)
{
	const struct source found = { .devices = d->devices, .nr_devices = d->nr };
	struct device *own = &d->own[stale];
	struct err why = ERR_INIT;
	struct fs *fs = NULL;
	char name[80], note[160];
	int rc = own->fs ? fs_open(blk, &fs, &why) : 0;

	if (rc == -ENOMEM || rc == -ETIME)
		return fail(err, -rc, "%s", why.msg);
	if (fs && fs->uuid[0] && strcmp(fs->uuid, own->fs->uuid) == 0) {
		own->note[0] = '\0';
		use_fs(&d->devices[stale], own, take(fs));
	}
	fs_close(fs);
	source_device_name(&found, best->dev, name, sizeof(name));
	snprintf(note, sizeof(note), "a member of a mirror that is out of date: %s has its data",
		 name);
	add_note(own, note);
	return 0;
}

/* A disk that is only the sum of its partitions. */
static bool is_divided(const struct disks *d, unsigned int dev)
{
	return !d->devices[dev].part && dev + 1 < d->nr && d->devices[dev + 1].part;
}

/* False where there is none, and where it is not to be taken for one; the latter gets a note. */
static int find_member(struct disks *d, unsigned int dev, struct blk *blk, struct md *md,
		       struct err *err)
{
	char note[120];
	int rc = is_divided(d, dev) ? 0 : md_read(blk, md, err);

	if (rc <= 0)	/* a damaged place is none */
		return rc == -ENOMEM || rc == -ETIME ? rc : 0;
	if (d->own[dev].fs)
		return md->level == 1 && md->start == 0;
	if (md->level == 1)
		return 1;
	snprintf(note, sizeof(note), "RAID level %d is not read here: " BOOT_ADVICE, md->level);
	d->own[dev].note[0] = '\0';
	add_note(&d->own[dev], note);
	return 0;
}

static int add_mirrors(struct disks *d, struct blk *const *blks, struct err *err)
{
	struct member members[MIRRORS_MAX];
	unsigned int places = d->nr;
	size_t nr = 0;
	int rc = 0;

	for (unsigned int i = 0; i < places && nr < MIRRORS_MAX && rc >= 0; i++) {
		members[nr].dev = i;
		rc = find_member(d, i, blk_of(d, i, blks), &members[nr].md, err);
		nr += rc > 0;
	}
	for (size_t i = 0; i < nr && rc >= 0; i++) {
		const struct member *best = newest(members, nr, &members[i]);
		struct blk *blk = blk_of(d, best->dev, blks);

		if (best == &members[i])
			rc = add_mirror(d, best, blk, err);
		else if (!members[i].md.start == !best->md.start &&
			 members[i].md.events < best->md.events)
			rc = replace_stale(d, members[i].dev, best, blk, err);
	}
	return rc < 0 ? fail_in(err, "RAID") : 0;
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

static int disks_part(void *arg, unsigned int dev, const char *path, uint64_t offset, size_t len,
		      struct bytes *out, struct err *err)
{
	scoped(free) char *data = NULL;
	struct fs_node node;
	struct fs *fs;
	int rc = disks_file(arg, dev, path, &fs, &node, err);

	if (rc < 0)
		return source_error(rc, err);
	if (offset > node.size)
		offset = node.size;
	if (len > node.size - offset)
		len = (size_t)(node.size - offset);
	data = malloc(len + 1);
	if (!data)
		return fail_nomem(err);
	rc = len ? fs_read(fs, &node, offset, data, len, err) : 0;
	if (rc < 0)
		return source_error(rc, err);
	data[len] = '\0';
	*out = (struct bytes){ data, len };
	data = NULL;
	return 0;
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
	static const struct source_ops ops = { disks_read, disks_part, disks_stat, disks_list };
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
	/* A file system may stand on what another device is of. */
	for (unsigned int i = 0; i < d->nr; i++)
		fs_close(d->own[i].fs);
	for (unsigned int i = d->nr; i; i--)
		blk_close(d->own[i - 1].slice);
	free(d->own);
	free(d->devices);
	free(d);
	errno = saved;
}
