/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"

static const char *const backend_words[] = { NULL, "phy", "tap", "qdisk", "standalone" };
static const char *const format_words[] = { NULL, "qcow", "qcow2", "vhd", "raw", "empty", "qed" };
static const char *const specification_words[] = { NULL, "xen", "virtio" };
static const char *const transport_words[] = { NULL, "mmio" };

static const struct spec_names backends = { .json = backend_words, .nr = ARRAY_SIZE(backend_words) };
static const struct spec_names formats = { .json = format_words, .nr = ARRAY_SIZE(format_words) };
static const struct spec_names specifications = {
	.json = specification_words, .nr = ARRAY_SIZE(specification_words),
};
static const struct spec_names transports = {
	.json = transport_words, .nr = ARRAY_SIZE(transport_words),
};

static int respecified(const char *what, const char *value, struct err *err)
{
	return fail(err, EINVAL, "%s is given twice, the second time as '%.60s'", what, value);
}

/* Each string may be given once; an empty one may be replaced. */
static int set_once(const char *what, char **to, const char *value, struct err *err)
{
	if (*to && **to)
		return respecified(what, value, err);
	return spec_set_str(to, value, err);
}

static int set_enum_once(const char *what, const struct spec_names *names, unsigned int *to,
			 const char *value, struct err *err)
{
	int n = spec_enum(names, value);

	if (n < 0)
		return spec_bad_enum(what, names, value, err);
	if (*to && *to != (unsigned int)n)
		return respecified(what, value, err);
	*to = (unsigned int)n;
	return 0;
}

static int set_format(void *obj, const char *value, const struct spec_defaults *d,
		      struct err *err)
{
	struct disk *disk = obj;
	unsigned int format = disk->format;
	int rc;

	(void)d;
	rc = set_enum_once("format", &formats, &format, *value ? value : "raw", err);
	if (rc == 0)
		disk->format = format;
	return rc;
}

static int set_backend(void *obj, const char *value, const struct spec_defaults *d,
		       struct err *err)
{
	struct disk *disk = obj;
	unsigned int backend = disk->backend;
	int rc;

	(void)d;
	rc = set_enum_once("backendtype", &backends, &backend, value, err);
	if (rc == 0)
		disk->backend = backend;
	return rc;
}

static int set_specification(void *obj, const char *value, const struct spec_defaults *d,
			     struct err *err)
{
	struct disk *disk = obj;
	unsigned int specification = disk->specification;
	int rc;

	(void)d;
	rc = set_enum_once("specification", &specifications, &specification, value, err);
	if (rc == 0)
		disk->specification = specification;
	return rc;
}

static int set_access(void *obj, const char *value, const struct spec_defaults *d,
		      struct err *err)
{
	struct disk *disk = obj;

	(void)d;
	/* xend's: write, although others do. */
	if (!strcmp(value, "!") || !strcmp(value, "w!") || !strcmp(value, "rw!")) {
		disk->readwrite = disk->forced = true;
		return 0;
	}
	disk->forced = false;
	if (!strcmp(value, "r") || !strcmp(value, "ro"))
		disk->readwrite = false;
	else if (!*value || !strcmp(value, "w") || !strcmp(value, "rw"))
		disk->readwrite = true;
	else
		return fail(err, EINVAL, "unknown access '%.60s', valid are r, ro, w, rw, w!", value);
	return 0;
}

static int set_devtype(void *obj, const char *value, const struct spec_defaults *d,
		       struct err *err)
{
	struct disk *disk = obj;

	(void)d;
	if (strcmp(value, "cdrom") && strcmp(value, "disk"))
		return fail(err, EINVAL, "unknown devtype '%.60s', valid are cdrom, disk", value);
	disk->cdrom = !strcmp(value, "cdrom");
	return 0;
}

static int set_colo_port(void *obj, const char *value, const struct spec_defaults *d,
			 struct err *err)
{
	struct disk *disk = obj;
	uint64_t port;
	int rc;

	(void)d;
	rc = spec_number("colo-port", value, 65535, &port, err);
	if (rc < 0)
		return rc;
	if (!port)
		return fail(err, EINVAL, "colo-port must not be 0");
	disk->colo_port = (uint32_t)port;
	return 0;
}

#define SET_ONCE(name, member, word)							\
	static int set_##name(void *obj, const char *value, const struct spec_defaults *d, \
			      struct err *err)						\
	{										\
		(void)d;								\
		return set_once(word, &((struct disk *)obj)->member, value, err);	\
	}

SET_ONCE(backend_domname, backend_domname, "backend")
SET_ONCE(target, target, "target")
SET_ONCE(vdev, vdev, "vdev")
SET_ONCE(script, script, "script")
SET_ONCE(colo_host, colo_host, "colo-host")
SET_ONCE(colo_export, colo_export, "colo-export")
SET_ONCE(active_disk, active_disk, "active-disk")
SET_ONCE(hidden_disk, hidden_disk, "hidden-disk")

#define OFF(member) .offset = offsetof(struct disk, member)

static const struct spec_field fields[] = {
	{ .json = "backend_domid", .kind = SPEC_UINT, OFF(backend_domid) },
	{ .key = "backend", .json = "backend_domname", .kind = SPEC_STR, OFF(backend_domname),
	  .set = set_backend_domname },
	{ .key = "target", .json = "pdev_path", .kind = SPEC_STR, OFF(target), .set = set_target },
	{ .key = "vdev", .json = "vdev", .kind = SPEC_STR, OFF(vdev), .set = set_vdev },
	{ .key = "backendtype", .json = "backend", .kind = SPEC_ENUM, .names = &backends,
	  OFF(backend), .set = set_backend },
	{ .key = "format", .json = "format", .kind = SPEC_ENUM, .names = &formats, OFF(format),
	  .set = set_format },
	{ .key = "script", .json = "script", .kind = SPEC_STR, OFF(script), .set = set_script },
	{ .json = "removable", .kind = SPEC_FLAG, OFF(removable) },
	{ .key = "access", .json = "readwrite", .kind = SPEC_FLAG, OFF(readwrite),
	  .set = set_access },
	{ .key = "devtype", .json = "is_cdrom", .kind = SPEC_FLAG, OFF(cdrom),
	  .set = set_devtype },
	{ .json = "direct_io_safe", .kind = SPEC_BOOL, OFF(direct_io_safe) },
	{ .json = "discard_enable", .kind = SPEC_DEFBOOL, OFF(discard) },
	{ .key = "specification", .json = "specification", .kind = SPEC_ENUM,
	  .names = &specifications, OFF(specification), .set = set_specification },
	{ .json = "transport", .kind = SPEC_ENUM, .names = &transports, OFF(transport) },
	{ .json = "irq", .kind = SPEC_UINT, OFF(irq) },
	{ .json = "base", .kind = SPEC_U64, OFF(base) },
	{ .json = "colo_enable", .kind = SPEC_DEFBOOL, OFF(colo_enable) },
	{ .json = "colo_restore_enable", .kind = SPEC_DEFBOOL, OFF(colo_restore_enable) },
	{ .key = "colo-host", .json = "colo_host", .kind = SPEC_STR, .hidden = true,
	  OFF(colo_host), .set = set_colo_host },
	{ .key = "colo-port", .json = "colo_port", .kind = SPEC_UINT, .hidden = true,
	  OFF(colo_port), .set = set_colo_port },
	{ .key = "colo-export", .json = "colo_export", .kind = SPEC_STR, .hidden = true,
	  OFF(colo_export), .set = set_colo_export },
	{ .key = "active-disk", .json = "active_disk", .kind = SPEC_STR, .hidden = true,
	  OFF(active_disk), .set = set_active_disk },
	{ .key = "hidden-disk", .json = "hidden_disk", .kind = SPEC_STR, .hidden = true,
	  OFF(hidden_disk), .set = set_hidden_disk },
	{ .json = "trusted", .kind = SPEC_DEFBOOL, OFF(trusted) },
	{ .key = "grant_usage", .json = "grant_usage", .kind = SPEC_DEFBOOL, .hidden = true,
	  OFF(grant_usage) },
};

static const struct spec_word words[] = {
	{ "cdrom", SPEC_FLAG, offsetof(struct disk, cdrom), true },
	{ "direct-io-safe", SPEC_BOOL, offsetof(struct disk, direct_io_safe), true },
	{ "discard", SPEC_DEFBOOL, offsetof(struct disk, discard), TRI_TRUE },
	{ "no-discard", SPEC_DEFBOOL, offsetof(struct disk, discard), TRI_FALSE },
	{ "colo", SPEC_DEFBOOL, offsetof(struct disk, colo_enable), TRI_TRUE },
	{ "no-colo", SPEC_DEFBOOL, offsetof(struct disk, colo_enable), TRI_FALSE },
	{ "trusted", SPEC_DEFBOOL, offsetof(struct disk, trusted), TRI_TRUE },
	{ "untrusted", SPEC_DEFBOOL, offsetof(struct disk, trusted), TRI_FALSE },
};

static const struct spec_table table = {
	.what = "disk", .size = sizeof(struct disk), .fields = fields,
	.nr_fields = ARRAY_SIZE(fields), .words = words, .nr_words = ARRAY_SIZE(words),
};

/* xend's prefixes: some name a format or a script, the others mean nothing today. */
static const struct {
	const char *word, *format, *script;
} prefixes[] = {
	{ "raw", "raw", NULL }, { "qcow", "qcow", NULL }, { "qcow2", "qcow2", NULL },
	{ "vhd", "vhd", NULL },
	{ "iscsi", NULL, "block-iscsi" }, { "nbd", NULL, "block-nbd" },
	{ "enbd", NULL, "block-enbd" }, { "drbd", NULL, "block-drbd" },
	{ "tapdisk", NULL, NULL }, { "tap", NULL, NULL }, { "tap2", NULL, NULL },
	{ "aio", NULL, NULL }, { "ioemu", NULL, NULL }, { "file", NULL, NULL },
	{ "phy", NULL, NULL },
};

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGIT "0123456789"

/*
 * Takes one prefix off *at: 1, or 0 when there is none. An unknown word with a
 * colon is a target's own ("rbd:pool/image") when a letter or digit follows.
 */
static int take_prefix(struct disk *disk, char **at, struct err *err)
{
	size_t len = strspn(*at, LOWER DIGIT);
	const char *after = *at + len + 1;
	int rc = 0;

	if (!len || (*at)[len] != ':' || !strchr(LOWER, **at))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (strlen(prefixes[i].word) != len || strncmp(prefixes[i].word, *at, len))
			continue;
		if (prefixes[i].format)
			rc = set_format(disk, prefixes[i].format, NULL, err);
		else if (prefixes[i].script)
			rc = set_script(disk, prefixes[i].script, NULL, err);
		disk->phy = !strcmp(prefixes[i].word, "phy");
		*at += len + 1;
		return rc < 0 ? rc : 1;
	}
	if (*after && strchr(LOWER DIGIT, *after))
		return 0;
	return fail(err, EINVAL, "unknown disk prefix '%.*s:', valid are phy, file, tap, tap2, "
		    "aio, raw, qcow, qcow2, vhd, iscsi, nbd, enbd, drbd (a target with ':' in it "
		    "is given by target=)", (int)(len > 60 ? 60 : len), *at);
}

/* xend's "hdc:cdrom"; 1 when it was one. */
static int take_vdev_type(struct disk *disk, char *item, struct err *err)
{
	char *colon = strrchr(item, ':');
	int rc;

	if (!colon)
		return 0;
	*colon = '\0';
	rc = set_vdev(disk, item, NULL, err);
	if (rc == 0)
		rc = set_devtype(disk, colon + 1, NULL, err);
	return rc < 0 ? rc : 1;
}

struct position {
	bool prefixed;		/* then there is no format among the positional items */
	bool access;		/* was given */
};

/* target, format, vdev, access, by what is still missing. */
static int take_positional(struct disk *disk, struct position *pos, char *item, struct err *err)
{
	int rc;

	if (!disk->target)
		return set_target(disk, item, NULL, err);
	if (!pos->prefixed && !disk->format) {
		rc = *disk->target ? 0 : take_vdev_type(disk, item, err);
		if (rc == 1)
			disk->format = DISK_FORMAT_EMPTY;
		return rc ? (rc < 0 ? rc : 0) : set_format(disk, item, NULL, err);
	}
	if (!disk->vdev) {
		rc = take_vdev_type(disk, item, err);
		return rc ? (rc < 0 ? rc : 0) : set_vdev(disk, item, NULL, err);
	}
	if (pos->access)
		return fail(err, EINVAL, "'%.60s' is one positional item too many, they are "
			    "target, format, vdev, access", item);
	pos->access = true;
	return set_access(disk, item, NULL, err);
}

static void trim_end(char *s)
{
	size_t len = strlen(s);

	while (len && strchr(" \t", s[len - 1]))
		s[--len] = '\0';
}

/* One item; target= is handled by the caller. */
static int take_item(struct disk *disk, struct position *pos, char *item, struct err *err)
{
	bool positional = !strchr(item, '=');
	char *value;
	int rc;

	/* A file's name may end in a blank, nothing else. */
	if (disk->target || !positional)
		trim_end(item);
	value = spec_split(item);
	rc = value ? spec_set(&table, disk, item, value, NULL, err) :
		spec_set_word(&table, disk, item);
	if (rc != -ENOENT)
		return rc;
	if (positional)
		return take_positional(disk, pos, item, err);
	if (strspn(item, LOWER DIGIT "-_") != strlen(item))
		return fail(err, EINVAL, "'%.60s=...' is no disk key; a target with '=' or ',' in "
			    "it is given by target=, as the last item", item);
	return spec_bad_key(&table, item, err);
}

static int parse_items(struct disk *disk, char *at, struct err *err)
{
	struct position pos = { .prefixed = false };

	for (;;) {
		size_t len;
		int rc;

		at += strspn(at, " \t");
		if (!*at)
			return 0;
		if (str_starts(at, "target=")) {
			len = strlen(at);
			if (at[len - 1] == ',')
				at[len - 1] = '\0';
			return set_target(disk, at + strlen("target="), NULL, err);
		}
		rc = take_prefix(disk, &at, err);
		if (rc < 0)
			return rc;
		if (rc) {
			pos.prefixed = true;
			continue;
		}
		len = strcspn(at, ",");
		if (at[len])
			at[len++] = '\0';
		rc = take_item(disk, &pos, at, err);
		if (rc < 0)
			return rc;
		at += len;
	}
}

/* What only the whole spec shows. */
static int check(struct disk *disk, const char *spec, struct err *err)
{
	bool no_target = !disk->target || !*disk->target;
	uint32_t number;

	if (!disk->format)
		disk->format = DISK_FORMAT_RAW;
	if (disk->cdrom) {
		disk->removable = true;
		disk->readwrite = disk->forced = false;
		if (no_target)
			disk->format = DISK_FORMAT_EMPTY;
	}
	if (!disk->vdev || !*disk->vdev)
		return fail(err, EINVAL, "no vdev (xvda, hda, ...) in disk spec '%.200s'", spec);
	if (disk_devnum(disk->vdev, &number) < 0)
		return fail(err, EINVAL, "unknown vdev '%.60s', valid are xvda..., hda to hdd, sda to "
			    "sdp, each with a partition's number or without, fda, fdb, dNpM and "
			    "device numbers", disk->vdev);
	if (!disk->cdrom && disk->format == DISK_FORMAT_EMPTY)
		return fail(err, EINVAL, "disk %s is empty, only a cdrom can be", disk->vdev);
	if (!no_target && disk->format == DISK_FORMAT_EMPTY)
		return fail(err, EINVAL, "disk %s has format empty and a target", disk->vdev);
	if (!disk->cdrom && no_target)
		return fail(err, EINVAL, "no target for disk %s, only a cdrom can be empty",
			    disk->vdev);
	return 0;
}

/* Guests die of this in odd ways: the image's header becomes the disk's first sector. */
static void advise(const struct disk *disk, const struct spec_defaults *d)
{
	const char *dot = disk->target ? strrchr(disk->target, '.') : NULL;
	int format = dot ? spec_enum(&formats, dot + 1) : -1;

	if (disk->format == DISK_FORMAT_RAW && format >= 0 && format != DISK_FORMAT_RAW &&
	    format != DISK_FORMAT_EMPTY)
		spec_advise(d, "disk %s: '%.200s' is used as a raw image; if it is a %s image, "
			    "say format=%s", disk->vdev, disk->target, dot + 1, dot + 1);
}

int disk_parse(const char *spec, const struct spec_defaults *d, struct disk *out,
	       struct err *err)
{
	scoped(disk) struct disk disk = DISK_INIT;
	scoped(free) char *copy = NULL;
	int rc;

	rc = spec_check_text("disk spec", spec, err);
	if (rc < 0)
		return rc;
	copy = strdup(spec);
	if (!copy)
		return fail_nomem(err);
	disk.readwrite = true;
	rc = parse_items(&disk, copy, err);
	if (rc == 0)
		rc = check(&disk, spec, err);
	if (rc < 0)
		return rc;
	advise(&disk, d);
	*out = disk;
	disk = (struct disk)DISK_INIT;
	return 0;
}

void disk_free(struct disk *disk)
{
	spec_free(&table, disk);
}

int disk_to_json(const struct disk *disk, json_t **out, struct err *err)
{
	return spec_to_json(&table, disk, out, err);
}

int disk_from_json(json_t *json, struct disk *out, struct err *err)
{
	return spec_from_json(&table, json, out, err);
}

const char *disk_format_name(enum disk_format format)
{
	return format && format < ARRAY_SIZE(format_words) ? format_words[format] : "";
}

const char *disk_backend_name(enum disk_backend backend)
{
	return backend && backend < ARRAY_SIZE(backend_words) ? backend_words[backend] : "";
}
