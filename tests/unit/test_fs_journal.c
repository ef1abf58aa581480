/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ext3 and ext4 as a guest leaves them that is destroyed: what it synced is in the journal only. */
#include "image.h"

/*
 * The guest installed a kernel, synced and was destroyed: its kernel had no time to
 * write the metadata to where it belongs. Needs root and a loop device.
 */
static void test_journal(const char *options, const char *mount)
{
	struct budget budget = BUDGET_INIT;
	scoped(bytes) struct bytes b = BYTES_INIT;
	scoped(bytes) struct bytes clean = BYTES_INIT;
	scoped(blk) struct blk *blk = NULL;
	scoped(blk) struct blk *blk2 = NULL;
	scoped(fs) struct fs *fs = NULL;
	scoped(fs) struct fs *replayed = NULL;
	bool fill = strcmp(mount, "fill") == 0;
	struct fs_node node;
	struct err err = ERR_INIT;

	if (geteuid() != 0 || access("/dev/loop-control", R_OK) < 0) {
		ok(true, "journal %s # SKIP needs root and loop devices", options);
		return;
	}
	if (!ok(sh("rm -f j.img; truncate -s 24M j.img; mke2fs -q -F %s j.img; mkdir -p m new\n"
		   "mount -o loop,%s j.img m; trap 'umount m' EXIT; mkdir -p m/boot/old; sync -f m\n"
		   "rmdir m/boot/old; for i in $(seq 50); do echo $i >m/boot/gone-$i; done\n"
		   "sync m/boot/gone-1; rm m/boot/gone-*\n"
		   "head -c 200000 /dev/urandom >m/boot/vmlinuz-new; mkdir m/boot/grub\n"
		   /* Data that looks like a block of the journal is escaped in it. */
		   "printf '\\300\\073\\071\\230some more' >m/boot/magic\n"
		   "echo cfg >m/boot/grub/grub.cfg; ln -s boot/vmlinuz-new m/vmlinuz\n"
		   /* Blocks of folders become blocks of a file, which the journal must not undo. */
		   "if [ %s = fill ]; then mkdir m/folders; (cd m/folders; mkdir $(seq 60))\n"
		   "sync m/folders m; rm -r m/folders; sync m; cat /dev/zero >m/fill || true; sync m/fill; fi\n"
		   "sync m/boot/* m/boot/grub/grub.cfg m/boot/grub m/boot m; cp --sparse=never j.img dirty.img\n"
		   "rm -rf new; cp -a m new; rm -rf new/lost+found", options,
		   fill ? "noatime" : mount, fill ? "fill" : "no"),
		"make a dirty journal, %s", options))
		return;
	b = image_load("dirty.img");
	fs = image_open(&b, &blk, &budget);
	if (!ok(fs, "open %s", options))
		return;
	image_same(fs, "new", options);
	image_path(fs, "/vmlinuz", "/boot/vmlinuz-new", 0);
	is_int(fs_lookup(fs, "/boot/gone-7", &node, &err), -ENOENT, "what was removed is not there");
	ok(fill || sh("! debugfs -R 'stat /boot/vmlinuz-new' dirty.img 2>&1 | grep -q 'Type: regular'"),
	   "without the journal it is not seen");
	image_torture(options, "dirty.img", 7);
	ok(sh("e2fsck -fy dirty.img || [ $? = 1 ]"), "e2fsck replays the same journal");
	clean = image_load("dirty.img");
	replayed = image_open(&clean, &blk2, &budget);
	if (ok(replayed, "open what e2fsck left"))
		image_same(replayed, "new", "after e2fsck");
}

/* What the guest's kernel writes as a fast commit is not read, and said. */
static void test_fast(void)
{
	struct budget budget = BUDGET_INIT;
	scoped(bytes) struct bytes b = BYTES_INIT;
	scoped(blk) struct blk *blk = NULL;
	scoped(fs) struct fs *fs = NULL;

	if (geteuid() != 0 || access("/dev/loop-control", R_OK) < 0) {
		ok(true, "fast commits # SKIP needs root and loop devices");
		return;
	}
	if (!ok(sh("rm -f j.img; truncate -s 24M j.img; mke2fs -q -F -t ext4 -O fast_commit j.img\n"
		   "mkdir -p m; mount -o loop,noatime j.img m; trap 'umount m' EXIT; echo a >m/a; sync -f m\n"
		   "echo b >m/b; sync m/b; echo c >>m/b; sync m/b; cp --sparse=never j.img dirty.img\n"
		   "cat /proc/fs/ext4/loop*/fc_info >fast || true"), "fast commits"))
		return;
	if (!sh("grep -q '^[1-9][0-9]* commits' fast")) {
		ok(true, "a fast commit # SKIP this kernel made none");
		return;
	}
	b = image_load("dirty.img");
	fs = image_open(&b, &blk, &budget);
	ok(fs && strstr(fs->note, "fast commits is not seen"), "fast commits: %s", fs ? fs->note : "");
}

int main(void)
{
	if (!ok(image_setup(), "tree"))
		return tap_done();
	test_journal("-t ext4", "noatime");
	test_journal("-t ext4 -b 1024 -O ^64bit", "data=journal");
	test_journal("-t ext4 -O ^metadata_csum", "data=journal");
	test_journal("-t ext3", "noatime");
	test_journal("-t ext4 -J size=8", "fill");
	test_fast();
	image_cleanup();
	return tap_done();
}
