/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads everything in a file system that a path can lead to, within limits: for images
 * that are damaged or made up, where only crashes, hangs and leaks matter. Unit tests and
 * fuzzers share it.
 */
#ifndef TESTS_UNIT_FS_WALK_H
#define TESTS_UNIT_FS_WALK_H

#include <stdio.h>
#include <string.h>

#include "bootloader/blk/blk.h"
#include "bootloader/fs/fs.h"

struct fs_walk {
	struct fs *fs;
	unsigned int depth, left;
};

static int fs_walk_entry(void *ctx, const char *name, size_t len, const struct fs_node *from)
{
	struct fs_walk *w = ctx;
	struct fs_node node = *from;
	struct err err = ERR_INIT;
	char buf[FS_LINK_MAX];

	if (!w->left)
		return 1;
	w->left--;
	/* All bytes of the name must be there. */
	if (len > FS_NAME_MAX || memchr(name, '\0', len))
		__builtin_trap();
	if (w->fs->type->load && w->fs->type->load(w->fs, &node, &err) < 0)
		return 0;
	if (node.kind == FS_LINK) {
		int n = w->fs->type->readlink(w->fs, &node, buf, sizeof(buf), &err);

		if (n > (int)sizeof(buf))
			__builtin_trap();
	} else if (node.kind == FS_FILE) {
		size_t part = node.size < sizeof(buf) ? (size_t)node.size : sizeof(buf);
		int r = fs_read(w->fs, &node, 0, buf, part, &err);

		if (r == 0 && node.size > part)
			r = fs_read(w->fs, &node, node.size - part, buf, part, &err);
		(void)r;
	} else if (node.kind == FS_DIR && w->depth < 6) {
		int r;

		w->depth++;
		r = fs_list(w->fs, &node, fs_walk_entry, w, &err);
		w->depth--;
		(void)r;
	}
	return 0;
}

__attribute__((unused))
static void fs_walk(struct blk *blk)
{
	scoped(fs) struct fs *fs = NULL;
	struct err err = ERR_INIT;
	struct fs_walk w = { .left = 400 };
	struct fs_node node;
	int rc = fs_open(blk, &fs, &err);

	if (rc < 0)
		return;
	w.fs = fs;
	rc = fs_list(fs, &fs->root, fs_walk_entry, &w, &err);
	if (rc < 0 && !err.msg[0])
		__builtin_trap();
	rc = fs_lookup(fs, "/boot/grub/grub.cfg", &node, &err);
	if (rc < 0 && !err.msg[0])
		__builtin_trap();
}

#endif
