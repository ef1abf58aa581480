/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* btrfs as mkfs fills it; and, where this is root, with subvolumes and compression by the kernel. */
#include "image.h"

static const struct {
	const char *name, *options, *mount;
} kinds[] = {
	{ "btrfs of Debian", "", NULL },
	{ "btrfs, xxhash", "--csum xxhash", NULL },
	{ "btrfs, mixed groups", "-M -n 4096", NULL },
	{ "btrfs, holes and single", "-O ^no-holes -m single", NULL },
	{ "btrfs, zlib", "", "compress-force=zlib" },
	{ "btrfs, lzo", "", "compress-force=lzo" },
	{ "btrfs, zstd", "-n 65536", "compress-force=zstd:15" },
	{ "btrfs, no compression", "", "noatime" },
};

/* What compresses, in more than one extent; holes; allocated space. Subvolumes: @ is the default. */
static const char fill[] =
	IMAGE_UMOUNT
	"home=$PWD; mkdir -p m; mount -o loop,%s x.img m; trap 'cd $home; unmount x.img' EXIT; cd m\n"
	"btrfs subvolume create @; btrfs subvolume create top; cp -a $home/tree/. @/; cd @\n"
	"seq 200000 >numbers; yes | head -c 300000 >same; (seq 50; head -c 200000 /dev/urandom) >both\n"
	"seq 300 >small; btrfs subvolume create sub; seq 9 >sub/inside; echo above >../top/file\n"
	"for i in $(seq 0 2 300); do printf '%%04d' $i | dd of=pieces bs=4096 seek=$i conv=notrunc status=none\n"
	"  done; fallocate -l 100000 unwritten; printf end >>unwritten\n"
	"for i in $(seq 1500); do : >many/another-name-that-takes-some-room-in-the-folder-$i; done\n"
	"cd ..; btrfs subvolume set-default @; sync -f .; rm -rf $home/filled; cp -a @ $home/filled\n";

static bool make_image(size_t i)
{
	char more[4096] = "";

	if (kinds[i].mount)
		snprintf(more, sizeof(more), fill, kinds[i].mount);
	/* Another run's may be mounted, and mkfs wants one that is not. */
	return sh("rm -f x.img; truncate -s 200M x.img; mkfs.btrfs -q -f -L Boot-%zu "
		  "-U 01234567-89ab-cdef-%04x-456789abcd%02zx %s %s x.img\n%s", i,
		  (unsigned int)getpid() & 0xffff, i,
		  kinds[i].options, kinds[i].mount ? "" : "--rootdir tree", more);
}

/* Trees are read by whole nodes; what else is read belongs to files. */
static void forget_nodes(struct image_trace *t, size_t node_size)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->nr; i++) {
		if (t->read[i].len != node_size)
			t->read[kept++] = t->read[i];
	}
	t->nr = kept;
}

/* What is packed of a file, changed inside: an error, or other bytes of the same number. */
static void test_inside(const char *what, unsigned int node_size)
{
	struct budget budget = BUDGET_INIT;
	scoped(bytes) struct bytes b = image_load("x.img");
	scoped(blk) struct blk *blk = NULL;
	unsigned int noticed = 0, read = 0, nr = image_changes();
	struct image_trace trace;
	struct err err = ERR_INIT;

	if (!ok(blk_open_memory(b.data, b.len, &budget, &blk, &err) == 0, "opened"))
		return;
	for (unsigned int i = 0; i <= nr; i++) {
		scoped(fs) struct fs *fs = NULL;
		scoped(bytes) struct bytes got = BYTES_INIT;
		uint8_t old = 0, *at = NULL;
		int rc;

		budget = (struct budget)BUDGET_INIT;
		if (i)
			at = image_damage(&trace, b.data, &old);
		else
			image_trace(&trace, blk, 0);
		err.msg[0] = '\0';
		rc = fs_open(i ? blk : &trace.blk, &fs, &err);
		if (i == 0)
			trace.nr = 0;
		if (rc == 0)
			rc = fs_read_file(fs, "/numbers", 4 << 20, &got, &err);
		if (i == 0)
			forget_nodes(&trace, node_size);
		noticed += rc == -EIO && strstr(err.msg, "compressed");
		read += rc == 0 && got.len == 1288895;
		if (i == 0 && !ok(rc == 0 && trace.nr > 4, "%s: %zu packed pieces %s", what, trace.nr,
				  err.msg))
			return;
		if (at)
			*at = old;
	}
	ok(read + noticed == nr + 1 && noticed > nr / 50, "%s: %u bytes inside changed, %u noticed", what, nr,
	   noticed);
}

static void test_kinds(void)
{
	bool root = geteuid() == 0 && access("/dev/loop-control", R_OK) == 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct budget budget = BUDGET_INIT;
		scoped(fd) int fd = -1;
		scoped(blk) struct blk *blk = NULL;
		scoped(fs) struct fs *fs = NULL;

		if (kinds[i].mount && !root) {
			ok(true, "%s # SKIP needs root and loop devices", kinds[i].name);
			continue;
		}
		if (!ok(make_image(i), "make %s", kinds[i].name))
			continue;
		fd = open("x.img", O_RDONLY);
		fs = image_open_fd(fd, &blk, &budget);
		if (!ok(fs, "open %s", kinds[i].name))
			continue;
		is_str(fs->name, "btrfs", "%s: type", kinds[i].name);
		ok(strncmp(fs->label, "Boot-", 5) == 0, "%s: label", kinds[i].name);
		ok(strncmp(fs->uuid, "01234567-89ab-cdef-", 19) == 0, "%s: uuid",
		   kinds[i].name);
		image_same(fs, kinds[i].mount ? "filled" : "tree", kinds[i].name);
		image_links(fs);
		/* Not what is filled in beside: it knows no allocated space; nor such holes. */
		image_grub("x.img", kinds[i].mount ? "(loop0)/@" : "(loop0)", "plain", kinds[i].name);
		if (kinds[i].mount) {
			image_path(fs, "/@/small", "/small", 0);
			image_path(fs, "/@/sub/inside", "/sub/inside", 0);
			image_path(fs, "/top/file", "/@/../top/file", 0);
			image_path(fs, "/nothing", NULL, -ENOENT);
		}
		if (i == 0 || i == 5)
			image_torture(kinds[i].name, "x.img", (unsigned int)i);
		if (kinds[i].mount && strstr(kinds[i].mount, "compress"))
			test_inside(kinds[i].name, strstr(kinds[i].options, "65536") ? 65536 : 16384);
	}
}

/* Synced, but not yet in its trees; and after it was unmounted. */
static void test_dirty(void)
{
	static const char *const images[] = { "dirty.img", "x.img" };

	if (geteuid() != 0 || access("/dev/loop-control", R_OK) != 0) {
		ok(true, "a log tree # SKIP needs root and loop devices");
		return;
	}
	if (!ok(sh(IMAGE_UMOUNT "rm -f x.img; truncate -s 200M x.img; mkfs.btrfs -q -f x.img; mkdir -p m\n"
		   "mount -o loop,commit=300 x.img m; trap 'unmount x.img' EXIT; : >m/file; sync -f m\n"
		   "echo new >m/file; sync m/file; cp --sparse=always x.img dirty.img"),
		"a btrfs in use"))
		return;
	for (int i = 0; i < 2; i++) {
		struct budget budget = BUDGET_INIT;
		scoped(fd) int fd = open(images[i], O_RDONLY);
		scoped(blk) struct blk *blk = NULL;
		scoped(fs) struct fs *fs = image_open_fd(fd, &blk, &budget);

		ok(fs && i == !strstr(fs->note, "not unmounted"), "%s: %s", images[i],
		   fs ? fs->note : "not opened");
	}
}

int main(void)
{
	if (!ok(image_setup() && image_setup_links(), "tree"))
		return tap_done();
	test_kinds();
	test_dirty();
	image_cleanup();
	return tap_done();
}
