/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* XFS as mkfs.xfs fills it from a list of files; and as the kernel does, where this is root. */
#include "image.h"

static const struct {
	const char *name, *options;
} kinds[] = {
	{ "XFS of Debian", "" },
	{ "XFS, many extents", "-i nrext64=1" },
	{ "XFS v4", "-m crc=0" },
	{ "XFS v4 without ftype", "-m crc=0 -n ftype=0" },
	{ "XFS, 1 KiB blocks", "-b size=1024 -n size=4096" },
	{ "XFS, 16 KiB folders", "-n size=16384 -i size=1024" },
	{ "XFS filled by the kernel", "" },
	{ "XFS filled by the kernel, 1 KiB blocks", "-b size=1024 -m bigtime=1" },
};

static bool is_filled(size_t i)
{
	return strstr(kinds[i].name, "filled");
}

/* Trees of extents, folders of several blocks, long symlinks: what a prototype cannot say. */
static const char fill[] =
	IMAGE_UMOUNT
	"home=$PWD; mkdir -p m; mount -o loop x.img m; trap 'cd $home; unmount x.img' EXIT\n"
	"cp -a tree/. m/; cd m\n"
	"ln -s /$(printf 'a-long-way/../%.0s' $(seq 40))boot/vmlinuz-6.1.0-13-amd64 far; mkdir a-long-way\n"
	"mkdir big; for i in $(seq 1500); do : >big/a-name-that-takes-some-room-in-the-folder-$i; done\n"
	"for i in $(seq 0 2 1200); do printf '%04d' $i | dd of=pieces bs=4096 seek=$i conv=notrunc status=none\n"
	"  done; fallocate -l 100000 unwritten; printf end >>unwritten\n"
	"rm -rf ../filled; cp -a . ../filled\n";

static bool make_image(size_t i)
{
	return sh(IMAGE_XFS_PROTO "xfs_proto tree >proto; rm -f x.img; truncate -s 300M x.img; mkfs.xfs -q -f -L Boot-%zu "
		  "-m uuid=01234567-89ab-cdef-0123-456789abcdef %s %s x.img\n%s",
		  i, kinds[i].options,
		  is_filled(i) ? "" : "-p proto", is_filled(i) ? fill : "");
}

static void test_kinds(void)
{
	bool root = geteuid() == 0 && access("/dev/loop-control", R_OK) == 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct budget budget = BUDGET_INIT;
		scoped(fd) int fd = -1;
		scoped(blk) struct blk *blk = NULL;
		scoped(fs) struct fs *fs = NULL;

		if (is_filled(i) && !root) {
			ok(true, "%s # SKIP needs root and loop devices", kinds[i].name);
			continue;
		}
		if (!ok(make_image(i), "make %s", kinds[i].name))
			continue;
		fd = open("x.img", O_RDONLY);
		fs = image_open_fd(fd, &blk, &budget);
		if (!ok(fs, "open %s", kinds[i].name))
			continue;
		is_str(fs->name, "xfs", "%s: type", kinds[i].name);
		ok(strncmp(fs->label, "Boot-", 5) == 0, "%s: label", kinds[i].name);
		is_str(fs->uuid, "01234567-89ab-cdef-0123-456789abcdef", "%s: uuid", kinds[i].name);
		image_same(fs, is_filled(i) ? "filled" : "tree", kinds[i].name);
		image_links(fs);
		/* Not what is filled in beside: it cannot list such large folders. */
		image_grub("x.img", "(loop0)", "tree", kinds[i].name);
		if (is_filled(i))
			image_path(fs, "/far", "/boot/vmlinuz-6.1.0-13-amd64", 0);
		if (i == 0 || i == 2 || i == 3 || i == 6)
			image_torture(kinds[i].name, "x.img", (unsigned int)i);
	}
}

int main(void)
{
	if (!ok(image_setup() && image_setup_links(), "tree"))
		return tap_done();
	test_kinds();
	image_cleanup();
	return tap_done();
}
