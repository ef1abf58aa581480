/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ext3 and ext4 as a guest leaves them that is destroyed: what it synced is in the journal only. */
#include "image.h"

/*
 * The guest installed a kernel, synced and was destroyed: its kernel had no time to
 * write the metadata to where it belongs. Needs root and a loop device.
 */
static void test_journal(const char *options)
{
	struct budget budget = BUDGET_INIT;
	scoped(bytes) struct bytes b = BYTES_INIT;
	scoped(bytes) struct bytes clean = BYTES_INIT;
	scoped(blk) struct blk *blk = NULL;
	scoped(blk) struct blk *blk2 = NULL;
	scoped(fs) struct fs *fs = NULL;
	scoped(fs) struct fs *replayed = NULL;
	struct fs_node node;
	struct err err = ERR_INIT;

	if (geteuid() != 0 || access("/dev/loop-control", R_OK) < 0) {
		ok(true, "journal %s # SKIP needs root and loop devices", options);
		return;
	}
	if (!ok(sh("rm -f j.img; truncate -s 32M j.img; mke2fs -q -F %s j.img; mkdir -p m new\n"
		   "mount -o loop j.img m; trap 'umount m' EXIT; mkdir -p m/boot/old; sync -f m\n"
		   "rmdir m/boot/old; for i in $(seq 50); do echo $i >m/boot/gone-$i; done\n"
		   "sync m/boot/gone-1; rm m/boot/gone-*\n"
		   "head -c 200000 /dev/urandom >m/boot/vmlinuz-new; mkdir m/boot/grub\n"
		   /* Data that looks like a block of the journal is escaped in it. */
		   "printf '\\300\\073\\071\\230some more' >m/boot/magic\n"
		   "echo cfg >m/boot/grub/grub.cfg; ln -s boot/vmlinuz-new m/vmlinuz\n"
		   "sync m/boot/* m/boot/grub/grub.cfg m/boot/grub m/boot m; cp --sparse=never j.img dirty.img\n"
		   "rm -rf new; cp -a m new; rm -rf new/lost+found", options),
		"make a dirty journal, %s", options))
		return;
	b = image_load("dirty.img");
	fs = image_open(&b, &blk, &budget);
	if (!ok(fs, "open %s", options))
		return;
	image_same(fs, "new", options);
	image_path(fs, "/vmlinuz", "/boot/vmlinuz-new", 0);
	is_int(fs_lookup(fs, "/boot/gone-7", &node, &err), -ENOENT, "what was removed is not there");
	ok(sh("! debugfs -R 'stat /boot/vmlinuz-new' dirty.img 2>&1 | grep -q 'Type: regular'"),
	   "without the journal it is not seen");
	image_torture(options, "dirty.img", 7);
	ok(sh("e2fsck -fy dirty.img || [ $? = 1 ]"), "e2fsck replays the same journal");
	clean = image_load("dirty.img");
	replayed = image_open(&clean, &blk2, &budget);
	if (ok(replayed, "open what e2fsck left"))
		image_same(replayed, "new", "after e2fsck");
}

int main(void)
{
	if (!ok(image_setup(), "tree"))
		return tap_done();
	test_journal("-t ext4");
	test_journal("-t ext4 -b 1024 -O ^64bit");
	test_journal("-t ext4 -O ^metadata_csum");
	test_journal("-t ext3");
	image_cleanup();
	return tap_done();
}
