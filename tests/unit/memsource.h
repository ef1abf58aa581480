/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A source (bootloader/source.h) over texts in memory: what a guest's disks would hold,
 * written down in a test. Folders are where files are.
 */
#ifndef TESTS_UNIT_MEMSOURCE_H
#define TESTS_UNIT_MEMSOURCE_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bootloader/source.h"

struct memfile {
	unsigned int dev;
	const char *path;	/* "/boot/grub/grub.cfg" */
	const char *text;
	size_t len;		/* 0: strlen(text) */
};

struct memsource {
	const struct memfile *files;
	size_t nr;
};

static inline size_t memfile_len(const struct memfile *f)
{
	return f->len ? f->len : strlen(f->text);
}

/* "/" at its end and doubled ones do not count. */
static inline bool memsource_same(const char *a, const char *b, size_t len)
{
	for (;;) {
		while (*a == '/' && (a[1] == '/' || !a[1]))
			a++;
		if (!len)
			return !*a;
		if (*a != *b)
			return false;
		a++;
		b++;
		len--;
	}
}

static inline const struct memfile *memsource_find(const struct memsource *m, unsigned int dev,
						   const char *path)
{
	for (size_t i = 0; i < m->nr; i++) {
		if (m->files[i].dev == dev &&
		    memsource_same(path, m->files[i].path, strlen(m->files[i].path)))
			return &m->files[i];
	}
	return NULL;
}

/* The name in folder path that leads to file f, or NULL; its length in *len. */
static inline const char *memsource_below(const struct memfile *f, const char *path, size_t *len)
{
	for (const char *slash = strchr(f->path, '/'); slash; slash = strchr(slash + 1, '/')) {
		if (memsource_same(path, f->path, (size_t)(slash - f->path)) && slash[1]) {
			*len = strcspn(slash + 1, "/");
			return slash + 1;
		}
	}
	return NULL;
}

static inline int memsource_read(void *arg, unsigned int dev, const char *path, size_t max,
				 struct bytes *out, struct err *err)
{
	const struct memfile *f = memsource_find(arg, dev, path);
	size_t len;

	if (!f)
		return fail_sys(err, ENOENT, "cannot read");
	len = memfile_len(f);
	if (len > max)
		return fail_sys(err, EFBIG, "cannot read");
	out->data = malloc(len + 1);
	if (!out->data)
		return fail_nomem(err);
	memcpy(out->data, f->text, len);
	((char *)out->data)[len] = '\0';
	out->len = len;
	return 0;
}

static inline int memsource_part(void *arg, unsigned int dev, const char *path, uint64_t offset,
				 size_t len, struct bytes *out, struct err *err)
{
	const struct memfile *f = memsource_find(arg, dev, path);
	size_t size = f ? memfile_len(f) : 0, at = offset < size ? (size_t)offset : size;

	if (!f)
		return fail_sys(err, ENOENT, "cannot read");
	if (len > size - at)
		len = size - at;
	out->data = malloc(len + 1);
	if (!out->data)
		return fail_nomem(err);
	memcpy(out->data, f->text + at, len);
	((char *)out->data)[len] = '\0';
	out->len = len;
	return 0;
}

static inline int memsource_stat(void *arg, unsigned int dev, const char *path,
				 struct source_stat *out, struct err *err)
{
	const struct memsource *m = arg;
	const struct memfile *f = memsource_find(m, dev, path);
	size_t len;

	if (f) {
		*out = (struct source_stat){ SOURCE_FILE, memfile_len(f) };
		return 0;
	}
	for (size_t i = 0; i < m->nr; i++) {
		if (m->files[i].dev == dev && memsource_below(&m->files[i], path, &len)) {
			*out = (struct source_stat){ SOURCE_FOLDER, 0 };
			return 0;
		}
	}
	return fail_sys(err, ENOENT, "cannot stat");
}

static inline int memsource_list(void *arg, unsigned int dev, const char *path, size_t max,
				 source_name_fn fn, void *fn_arg, struct err *err)
{
	const struct memsource *m = arg;
	bool any = false;
	int rc = 0;

	for (size_t i = 0; i < m->nr && rc == 0; i++) {
		const struct memfile *f = &m->files[i];
		size_t len = 0, before = 0;
		const char *name = f->dev == dev ? memsource_below(f, path, &len) : NULL;
		char copy[256];

		/* Files of one folder stand for the folder once. */
		for (size_t j = 0; name && j < i; j++) {
			const char *other = m->files[j].dev == dev ?
				memsource_below(&m->files[j], path, &before) : NULL;

			if (other && before == len && memcmp(other, name, len) == 0)
				name = NULL;
		}
		if (!name || !len || len >= sizeof(copy))
			continue;
		any = true;
		if (!max--)
			return fail_sys(err, EFBIG, "cannot list");
		memcpy(copy, name, len);
		copy[len] = '\0';
		rc = fn(fn_arg, copy, name[len] ? SOURCE_FOLDER : SOURCE_FILE);
	}
	return any ? rc : fail_sys(err, ENOENT, "cannot list");
}

static const struct source_ops memsource_ops = {
	.read = memsource_read, .part = memsource_part, .stat = memsource_stat, .list = memsource_list,
};

#endif
