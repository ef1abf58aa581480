/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disk images for tests: made by the real tools from a tree of files, compared with
 * that tree, then cut and changed. Everything lives in one temporary folder, which is
 * the working directory of the commands and of the test.
 */
#ifndef TESTS_UNIT_IMAGE_H
#define TESTS_UNIT_IMAGE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/scope.h"
#include "base/str.h"
#include "bootloader/blk/blk.h"
#include "bootloader/fs/fs.h"
#include "fs_walk.h"
#include "tap.h"

/* Shell commands, which stop at the first that fails; their output only then. */
__attribute__((unused, format(printf, 1, 2)))
static bool sh(const char *fmt, ...)
{
	char command[8192] = "set -e; PATH=$PATH:/sbin:/usr/sbin; exec >sh.log 2>&1 </dev/null; ";
	size_t len = strlen(command);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command + len, sizeof(command) - len, fmt, ap);
	va_end(ap);
	if (system(command) == 0)
		return true;
	printf("# failed: %s\n", command + len);
	fflush(stdout);
	if (system("sed 's/^/#   /' sh.log") != 0)
		printf("# (no log)\n");
	return false;
}

static char image_home[] = "/tmp/xlite-image.XXXXXX";

/* What guests' /boot is like, and what is awkward: long names, links in and out, holes. */
__attribute__((unused))
static bool image_setup(void)
{
	if (!mkdtemp(image_home) || chdir(image_home) < 0)
		return false;
	return sh("umask 022; mkdir -p tree/boot/grub tree/etc tree/many tree/a/b/c/d\n"
		  "head -c 700001 /dev/urandom >tree/boot/vmlinuz-6.1.0-13-amd64\n"
		  "head -c 300000 /dev/urandom >tree/boot/initrd.img-6.1.0-13-amd64\n"
		  "printf 'set default=0\\n' >tree/boot/grub/grub.cfg\n"
		  ": >tree/etc/empty; head -c 4096 /dev/urandom >tree/etc/block\n"
		  "printf x >tree/etc/one; head -c 100 /dev/urandom >tree/etc/short\n"
		  "name=$(printf 'long-%%0.s' $(seq 40)).conf; printf long >tree/etc/$name\n"
		  "for i in $(seq 300); do echo $i >tree/many/file-number-$i; done\n"
		  "printf deep >tree/a/b/c/d/deep\n");
}

/* What FAT cannot hold. */
__attribute__((unused))
static bool image_setup_links(void)
{
	return sh("ln -s boot/vmlinuz-6.1.0-13-amd64 tree/vmlinuz\n"
		  "ln -s /boot/initrd.img-6.1.0-13-amd64 tree/initrd.img\n"
		  "ln -s ../../vmlinuz tree/boot/grub/up\n"
		  "ln -s ../../../../../../../etc/one tree/etc/above\n"
		  "ln -s loop-b tree/etc/loop-a; ln -s loop-a tree/etc/loop-b\n"
		  "ln -s /a/b/c/../../../a/b/c/d/../d/../d/../d/../d/../d/../d/../d/../d/deep "
		  "tree/etc/winding\n"
		  "ln -s a/b tree/folder; ln -s nowhere tree/etc/dangling\n"
		  "truncate -s 3000000 tree/etc/holes\n"
		  "printf middle | dd of=tree/etc/holes bs=1 seek=1000000 conv=notrunc\n");
}

static int image_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

__attribute__((unused))
static void image_cleanup(void)
{
	if (chdir("/") == 0)
		nftw(image_home, image_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

__attribute__((unused))
static struct bytes image_load(const char *path)
{
	struct bytes b = BYTES_INIT;
	struct err err = ERR_INIT;

	if (file_read(path, (size_t)2 << 30, &b, &err) < 0)
		printf("# %s\n", err.msg);
	return b;
}

/* The file system of an image in memory; says why not. */
__attribute__((unused))
static struct fs *image_open(const struct bytes *b, struct blk **blk, struct budget *budget)
{
	struct err err = ERR_INIT;
	struct fs *fs = NULL;

	if (blk_open_memory(b->data, b->len, budget, blk, &err) < 0 ||
	    fs_open(*blk, &fs, &err) < 0)
		printf("# %s\n", err.msg);
	return fs;
}

/* The same for one that is mostly holes. */
__attribute__((unused))
static struct fs *image_open_fd(int fd, struct blk **blk, struct budget *budget)
{
	struct err err = ERR_INIT;
	struct fs *fs = NULL;

	if (blk_open_fd(fd, 0, 0, budget, blk, &err) < 0 || fs_open(*blk, &fs, &err) < 0)
		printf("# %s\n", err.msg);
	return fs;
}

struct image_compare {
	struct fs *fs;
	const char *tree;
	unsigned int files, bad;
};

static void image_compare_folder(struct image_compare *c, const char *path);

static int image_count(void *ctx, const char *name, size_t len, const struct fs_node *node)
{
	(void)name, (void)len, (void)node;
	++*(size_t *)ctx;
	return 0;
}

static void image_bad(struct image_compare *c, const char *path, const char *what)
{
	c->bad++;
	printf("# %s: %s\n", path, what);
}

static void image_compare_file(struct image_compare *c, const char *host, const char *path)
{
	scoped(bytes) struct bytes want = image_load(host);
	scoped(bytes) struct bytes got = BYTES_INIT;
	struct err err = ERR_INIT;

	c->files++;
	if (fs_read_file(c->fs, path, 64 << 20, &got, &err) < 0)
		image_bad(c, path, err.msg);
	else if (got.len != want.len || memcmp(got.data, want.data, want.len) != 0)
		image_bad(c, path, "its content differs");
}

static void image_compare_entry(struct image_compare *c, const char *path)
{
	char host[4096];
	struct stat st;

	snprintf(host, sizeof(host), "%s%s", c->tree, path);
	if (lstat(host, &st) < 0)
		image_bad(c, path, "not in the tree");
	else if (S_ISDIR(st.st_mode))
		image_compare_folder(c, path);
	else if (S_ISREG(st.st_mode))
		image_compare_file(c, host, path);
}

static void image_compare_folder(struct image_compare *c, const char *path)
{
	char host[4096], below[4096];
	size_t want = 0, got = 0;
	struct err err = ERR_INIT;
	struct fs_node node;
	struct dirent *e;
	DIR *d;

	snprintf(host, sizeof(host), "%s%s", c->tree, path);
	d = opendir(host);
	while ((e = d ? readdir(d) : NULL)) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		want++;
		snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
		image_compare_entry(c, below);
	}
	if (d)
		closedir(d);
	if (fs_lookup(c->fs, path, &node, &err) < 0 ||
	    fs_list(c->fs, &node, image_count, &got, &err) < 0)
		image_bad(c, path, err.msg);
	else if (got != want + (strcmp(path, "") == 0 && strcmp(c->fs->name, "iso9660") != 0 &&
				strncmp(c->fs->name, "ext", 3) == 0))	/* lost+found */
		image_bad(c, path, "another number of entries");
}

/* Every file of the folder `tree` in fs, byte for byte, and no more names than there. */
__attribute__((unused))
static void image_same(struct fs *fs, const char *tree, const char *what)
{
	struct image_compare c = { .fs = fs, .tree = tree };

	image_compare_folder(&c, "");
	ok(c.bad == 0 && c.files >= 3, "%s: %u files as in the tree, %u not", what, c.files, c.bad);
}

/* A path that leads to the same file as another one; or an errno. */
__attribute__((unused))
static void image_path(struct fs *fs, const char *path, const char *same, int want)
{
	struct fs_node a = { .size = 1 }, b = { .size = 2 };
	struct err err = ERR_INIT;
	int rc = fs_lookup(fs, path, &a, &err);

	if (same && (rc != 0 || fs_lookup(fs, same, &b, &err) != 0))
		ok(false, "%s: %s: %s", fs->name, path, err.msg);
	else if (same)
		ok(a.id[0] == b.id[0] && a.id[1] == b.id[1] && a.size == b.size, "%s: %s is %s",
		   fs->name, path, same);
	else
		is_int(rc, want, "%s: %s", fs->name, path);
}

/* The symlinks of image_setup_links() and other ways to spell paths. */
__attribute__((unused))
static void image_links(struct fs *fs)
{
	const char *kernel = "/boot/vmlinuz-6.1.0-13-amd64";

	image_path(fs, "/vmlinuz", kernel, 0);
	image_path(fs, "/initrd.img", "/boot/initrd.img-6.1.0-13-amd64", 0);
	image_path(fs, "boot/grub/up", kernel, 0);
	image_path(fs, "//boot//vmlinuz-6.1.0-13-amd64", kernel, 0);
	image_path(fs, "/../boot/./grub/../../vmlinuz", kernel, 0);
	image_path(fs, "/etc/above", "/etc/one", 0);
	image_path(fs, "/etc/winding", "/a/b/c/d/deep", 0);
	image_path(fs, "/folder/c/d/deep", "/a/b/c/d/deep", 0);
	image_path(fs, "/etc/loop-a", NULL, -ELOOP);
	image_path(fs, "/etc/dangling", NULL, -ENOENT);
	image_path(fs, "/etc/one/two", NULL, -ENOTDIR);
	image_path(fs, "/etc/one/", NULL, -ENOTDIR);
}

/* Where a reader read, for damage to what it took: pieces that are longer than `skip` bytes. */
struct image_trace {
	struct blk blk;
	struct blk *below;
	size_t skip, nr;
	struct { uint64_t at; size_t len; } read[1024];
};

static int image_trace_read(struct blk *blk, uint64_t offset, void *buf, size_t len, struct err *err)
{
	struct image_trace *t = (struct image_trace *)blk;

	if (len > t->skip && t->nr < ARRAY_SIZE(t->read)) {
		t->read[t->nr].at = offset;
		t->read[t->nr++].len = len;
	}
	return blk_read(t->below, offset, buf, len, err);
}

__attribute__((unused))
static void image_trace(struct image_trace *t, struct blk *below, size_t skip)
{
	static const struct blk_ops ops = { .read = image_trace_read };

	*t = (struct image_trace){ .blk = { .ops = &ops, .size = below->size,
					    .budget = below->budget },
				   .below = below, .skip = skip };
}

static unsigned int image_changes(void)
{
	const char *changes = getenv("IMAGE_CHANGES");

	return changes ? (unsigned int)atoi(changes) : 200;
}

/* A changed byte of what was read there, for a stream's decoder to find. */
__attribute__((unused))
static uint8_t *image_damage(const struct image_trace *t, uint8_t *data, uint8_t *old)
{
	size_t i = (size_t)random() % t->nr;
	uint8_t *p = data + t->read[i].at + (size_t)random() % t->read[i].len;

	*old = *p;
	*p = random() % 2 ? (uint8_t)random() : (uint8_t)(*p ^ 1u << random() % 8);
	return p;
}

/* Opens an image in memory and reads all of it that a walk finds; what it says is not looked at. */
__attribute__((unused))
static void image_try(const void *data, size_t len)
{
	struct budget budget = { .bytes = 256 << 20, .steps = 200000 };
	scoped(blk) struct blk *blk = NULL;
	struct err err = ERR_INIT;

	if (blk_open_memory(data, len, &budget, &blk, &err) == 0)
		fs_walk(blk);
}

/*
 * Cut at all sorts of places, and with single bytes changed (mostly those that are not
 * zero): nothing but errors may come of it. A sanitizer, or the runner's time, ends the test.
 */
__attribute__((unused))
static void image_torture(const char *what, const char *path, unsigned int seed)
{
	unsigned int nr = image_changes();
	scoped(bytes) struct bytes b = image_load(path);
	uint8_t *data = b.data;

	srandom(seed);
	for (size_t cut = b.len < 32 << 20 ? b.len : 32 << 20; cut; cut = cut > 8192 ? cut * 3 / 4 : cut / 2) {
		/* On the heap, so that reading beyond is seen. */
		scoped(free) uint8_t *copy = malloc(cut);

		memcpy(copy, data, cut);
		image_try(copy, cut);
	}
	for (unsigned int i = 0; i < nr; i++) {
		size_t at = (size_t)random() % b.len, tries = 0;
		uint8_t old;

		while (!data[at] && tries++ < 1 << 20)
			at = (at + 1) % b.len;
		/* Small structures lie together at the start. */
		if (i % 2)
			at = at % 65536 % b.len;
		old = data[at];
		data[at] = i % 3 ? (uint8_t)random() : (uint8_t)(old ^ 1u << random() % 8);
		image_try(data, b.len);
		data[at] = old;
	}
	ok(true, "%s: cut, and with %u bytes changed", what, nr);
}

#endif
