/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

typedef bool (*device_fn)(const struct source *s, unsigned int dev, const void *arg);

static unsigned int search(const struct source *s, unsigned int first, device_fn is, const void *arg)
{
	if (first < s->nr_devices && is(s, first, arg))
		return first;
	for (unsigned int i = 0; i < s->nr_devices; i++) {
		if (i != first && is(s, i, arg))
			return i;
	}
	return SOURCE_NO_DEVICE;
}

static bool has_uuid(const struct source *s, unsigned int dev, const void *arg)
{
	const char *uuid = s->devices[dev].uuid;

	return uuid && strcasecmp(uuid, arg) == 0;
}

static bool has_label(const struct source *s, unsigned int dev, const void *arg)
{
	const char *label = s->devices[dev].label;

	return label && strcmp(label, arg) == 0;
}

static bool has_partuuid(const struct source *s, unsigned int dev, const void *arg)
{
	const char *uuid = s->devices[dev].partuuid;

	return uuid && strcasecmp(uuid, arg) == 0;
}

unsigned int source_by_uuid(const struct source *s, const char *uuid, unsigned int first)
{
	return search(s, first, has_uuid, uuid);
}

unsigned int source_by_label(const struct source *s, const char *label, unsigned int first)
{
	return search(s, first, has_label, label);
}

unsigned int source_by_partuuid(const struct source *s, const char *uuid, unsigned int first)
{
	return search(s, first, has_partuuid, uuid);
}

struct wanted_file {
	const char *path;
	enum source_kind kind;
};

static bool has_file(const struct source *s, unsigned int dev, const void *arg)
{
	const struct wanted_file *want = arg;
	struct source_stat st;
	struct err ignored = ERR_INIT;

	return s->devices[dev].fs &&
	       source_stat(s, dev, want->path, &st, &ignored) == 0 && st.kind == want->kind;
}

unsigned int source_by_file(const struct source *s, const char *path, enum source_kind kind,
			    unsigned int first)
{
	struct wanted_file want = { path, kind };

	return search(s, first, has_file, &want);
}

/* "12" of "12,msdos1": what follows is in *end; false when there is no number or too big a one. */
static bool number(const char *s, unsigned int *out, const char **end)
{
	unsigned int n = 0;

	*end = s;
	for (; **end >= '0' && **end <= '9'; ++*end) {
		n = n * 10 + (unsigned int)(**end - '0');
		if (n > 4096)
			return false;
	}
	*out = n;
	return *end != s;
}

static unsigned int by_place(const struct source *s, unsigned int disk, unsigned int part,
			     enum source_table table)
{
	for (unsigned int i = 0; i < s->nr_devices; i++) {
		const struct source_device *d = &s->devices[i];

		if (d->names[0] || d->disk != disk || d->part != part)
			continue;
		if (!part || table == SOURCE_TABLE_NONE || table == d->table)
			return i;
	}
	return SOURCE_NO_DEVICE;
}

/* "hd0" or pvgrub's "xen/xvda" (also "xen/sda"); the rest in *end. */
static bool disk_number(const char *name, unsigned int *disk, const char **end)
{
	static const char *const letters[] = { "xen/xvd", "xen/sd", "xen/hd" };

	if (str_starts(name, "hd") && number(name + 2, disk, end))
		return true;
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		const char *p = name + strlen(letters[i]);

		if (!str_starts(name, letters[i]) || *p < 'a' || *p > 'z')
			continue;
		*disk = (unsigned int)(*p - 'a');
		*end = p + 1;
		return true;
	}
	return false;
}

unsigned int source_by_name(const struct source *s, const char *name)
{
	enum source_table table = SOURCE_TABLE_NONE;
	unsigned int disk, part = 0;
	const char *end;

	for (unsigned int i = 0; i < s->nr_devices; i++) {
		const struct source_device *d = &s->devices[i];

		if ((d->names[0] && strcmp(d->names[0], name) == 0) ||
		    (d->names[1] && strcmp(d->names[1], name) == 0))
			return i;
	}
	if (!disk_number(name, &disk, &end))
		return SOURCE_NO_DEVICE;
	if (!*end)
		return by_place(s, disk, 0, table);
	if (*end++ != ',')
		return SOURCE_NO_DEVICE;
	if (str_starts(end, "msdos")) {
		table = SOURCE_TABLE_MSDOS;
		end += 5;
	} else if (str_starts(end, "gpt")) {
		table = SOURCE_TABLE_GPT;
		end += 3;
	}
	if (!number(end, &part, &end) || *end || !part)
		return SOURCE_NO_DEVICE;
	return by_place(s, disk, part, table);
}

unsigned int source_by_legacy_name(const struct source *s, const char *name)
{
	unsigned int disk, part;
	const char *end;

	if (!str_starts(name, "hd") || !number(name + 2, &disk, &end))
		return SOURCE_NO_DEVICE;
	if (!*end)
		return by_place(s, disk, 0, SOURCE_TABLE_NONE);
	if (*end++ != ',' || !number(end, &part, &end) || *end)
		return SOURCE_NO_DEVICE;
	return by_place(s, disk, part + 1, SOURCE_TABLE_NONE);
}

const char *source_device_name(const struct source *s, unsigned int dev, char *buf, size_t size)
{
	const struct source_device *d;

	if (dev >= s->nr_devices) {
		snprintf(buf, size, "%s", "");
		return buf;
	}
	d = &s->devices[dev];
	if (d->names[0])
		snprintf(buf, size, "%s", d->names[0]);
	else if (!d->part)
		snprintf(buf, size, "hd%u", d->disk);
	else
		snprintf(buf, size, "hd%u,%s%u", d->disk,
			 d->table == SOURCE_TABLE_MSDOS ? "msdos" :
			 d->table == SOURCE_TABLE_GPT ? "gpt" : "", d->part);
	return buf;
}
