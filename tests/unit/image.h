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
#include "le.h"
#include "tap.h"

/*
 * Shell commands, which stop at the first that fails; their output only then. "fails COMMAND"
 * for one that must not succeed: after "!" nothing stops.
 */
__attribute__((unused, format(printf, 1, 2)))
static bool sh(const char *fmt, ...)
{
	char command[8192] = "set -e; PATH=$PATH:/sbin:/usr/sbin; exec >sh.log 2>&1 </dev/null; "
		"fails() { ! \"$@\"; }; ";
	size_t len = strlen(command);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command + len, sizeof(command) - len, fmt, ap);
	va_end(ap);
	if (system(command) == 0)
		return true;
	printf("# failed: %s\n", command + len);
	fflush(stdout);
	if (system("sed -e 's/^/#   /' -e '$a\\' sh.log") != 0)
		printf("# (no log)\n");
	return false;
}

/* Whether a program is there. */
__attribute__((unused))
static bool image_tool(const char *name)
{
	char command[100];

	snprintf(command, sizeof(command), "PATH=$PATH:/sbin:/usr/sbin command -v %s >sh.log", name);
	return system(command) == 0;
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

/* What FAT cannot hold; and all of it but holes, as "plain". */
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
		  "cp -a tree plain; rm plain/etc/holes\n"
		  "printf middle | dd of=tree/etc/holes bs=1 seek=1000000 conv=notrunc\n");
}

/*
 * A shell function: what mkfs.xfs -p reads, for all that is in a folder. It knows no folder
 * that is not there yet, so: by recursion.
 */
#define IMAGE_XFS_PROTO \
	"proto() { (cd \"$1\"; for f in * ; do [ -e \"$f\" -o -L \"$f\" ] || continue\n" \
	"  if [ -L \"$f\" ]; then echo \"$f l--777 0 0 $(readlink \"$f\")\"\n" \
	"  elif [ -d \"$f\" ]; then echo \"$f d--755 0 0\"; proto \"$f\"; echo '$'\n" \
	"  else echo \"$f ---644 0 0 $PWD/$f\"; fi; done) }\n" \
	"xfs_proto() { echo /none; echo 0 0; echo d--755 0 0; proto \"$PWD/$1\"; echo '$'; }\n"

/* Another one: lvm without a device mapper, on the loop devices $a and $b only. */
#define IMAGE_LVM \
	"export LVM_SUPPRESS_FD_WARNINGS=1; lvm() { command lvm \"$@\" --driverloaded n --config " \
	"\"devices { use_devicesfile=0 filter=[\\\"a|$a|\\\",\\\"a|$b|\\\",\\\"r|.*|\\\"] } " \
	"activation { udev_sync=0 udev_rules=0 }\" ; }\n"

/*
 * Another one: unmounts m of a loop device. Whoever has the mount in a namespace of its own, as a
 * reader that runs just now, keeps it from being written out: until then the image is not whole.
 */
#define IMAGE_UMOUNT \
	"unmount() { umount m; until [ -z \"$(losetup -j $1)\" ]; do sleep 0.1; done; }\n"

/* Both, and file systems that a kernel filled. */
__attribute__((unused))
static bool image_loops(void)
{
	return geteuid() == 0 && access("/dev/loop-control", R_OK) == 0;
}

/* The superblock of a member of an md array (version 1), which begins 1 MiB into it; 256 bytes. */
__attribute__((unused))
static void image_md_super(uint8_t *s, uint64_t at, uint64_t member_size, uint32_t level)
{
	const struct { size_t at, len; uint64_t value; } fields[] = {
		{ 0, 4, 0xa92b4efc }, { 4, 4, 1 }, { 72, 4, level }, { 128, 8, 2048 },
		{ 136, 8, member_size / 512 - 2048 }, { 144, 8, at / 512 }, { 200, 8, 7 },
	};

	memset(s, 0, 256);
	memset(s + 16, 0xab, 16);
	strcpy((char *)s + 32, "some-host:boot");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		put_le(s + fields[i].at, fields[i].len, fields[i].value);
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

/* The same by GRUB's own reader, where that is there. device: "(loop0,gpt1)". */
__attribute__((unused))
static void image_grub(const char *image, const char *device, const char *tree, const char *what)
{
	if (!image_tool("grub-fstest"))
		ok(true, "%s: as GRUB reads it # SKIP grub-fstest is not there", what);
	else
		ok(sh("grub-fstest $PWD/%s cmp '%s/' $PWD/%s", image, device, tree),
		   "%s: as GRUB reads it", what);
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

/* What is done with damaged data; what it says is not looked at, unless it does so itself. */
typedef void (*image_try_fn)(void *ctx, const void *data, size_t len);

/* The first byte from `at` on (and on from the start) that is not zero; not if that is far. */
static size_t image_next(const uint8_t *data, size_t end, size_t at)
{
	static const uint8_t zeroes[4096];

	for (unsigned int i = 0; i < 20000 && !data[at]; i++) {
		bool page = end - at > sizeof(zeroes) &&
			memcmp(data + at, zeroes, sizeof(zeroes)) == 0;

		at = (at + (page ? sizeof(zeroes) : 1)) % end;
	}
	return at;
}

/*
 * Single bytes changed, one at a time, those that are not zero or stand just behind one; every
 * second one in the first `head` bytes, where small structures lie together.
 */
__attribute__((unused))
static void image_change(void *data, size_t len, size_t head, unsigned int nr, image_try_fn fn,
			 void *ctx)
{
	uint8_t *bytes = data;

	for (unsigned int i = 0; i < nr; i++) {
		size_t end = i % 2 && head < len ? head : len;
		size_t at = image_next(bytes, end, (size_t)random() % end);
		uint8_t old;

		if (random() % 2)
			at = (at + (size_t)random() % 16) % end;
		old = bytes[at];
		bytes[at] = i % 3 ? (uint8_t)random() : (uint8_t)(old ^ 1u << random() % 8);
		fn(ctx, data, len);
		bytes[at] = old;
	}
}

/* Cut at so many places, which are the closer the nearer to the start. */
__attribute__((unused))
static void image_cut(const void *data, size_t len, unsigned int nr, image_try_fn fn, void *ctx)
{
	for (unsigned int i = 0; i <= nr; i++) {
		size_t cut = (size_t)((double)i / nr * i / nr * (double)(len - 1));
		/* On the heap, so that reading beyond is seen. */
		scoped(free) uint8_t *copy = malloc(cut + !cut);

		memcpy(copy, data, cut);
		fn(ctx, copy, cut);
	}
}

/* Opens an image in memory and reads all of it that a walk finds. */
__attribute__((unused))
static void image_try(void *ctx, const void *data, size_t len)
{
	struct budget budget = { .bytes = 256 << 20, .steps = 200000 };
	scoped(blk) struct blk *blk = NULL;
	struct err err = ERR_INIT;

	(void)ctx;
	if (blk_open_memory(data, len, &budget, &blk, &err) == 0)
		fs_walk(blk);
}

/* Nothing but errors may come of it. A sanitizer, or the runner's time, ends the test. */
__attribute__((unused))
static void image_torture(const char *what, const char *path, unsigned int seed)
{
	unsigned int nr = image_changes();
	scoped(bytes) struct bytes b = image_load(path);

	srandom(seed);
	image_cut(b.data, b.len < 32 << 20 ? b.len : 32 << 20, 40, image_try, NULL);
	image_change(b.data, b.len, 65536, nr, image_try, NULL);
	ok(true, "%s: cut, and with %u bytes changed", what, nr);
}

#endif
