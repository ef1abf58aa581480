/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* FAT12, FAT16, FAT32 as mkfs.vfat makes them and mtools fills them. */
#include "image.h"

static const struct {
	const char *name, *size, *options;
} kinds[] = {
	{ "FAT12", "3M", "-F 12 -s 8" },
	{ "FAT16", "16M", "-F 16" },
	{ "FAT32", "40M", "-F 32" },
	{ "FAT32, 4096-byte sectors", "280M", "-F 32 -S 4096" },
	{ "FAT16, four tables", "24M", "-F 16 -f 4 -r 512" },
};

static void test_kinds(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct budget budget = BUDGET_INIT;
		scoped(bytes) struct bytes b = BYTES_INIT;
		scoped(blk) struct blk *blk = NULL;
		scoped(fs) struct fs *fs = NULL;

		if (!ok(sh("rm -f f.img; truncate -s %s f.img; mkfs.vfat %s -n XLITE-%zu -i 1a2b3c4d f.img\n"
			   /* Gaps, so that the chains are not all in a row. */
			   "head -c 50000 /dev/urandom >gap\n"
			   "for i in 1 3 5 7 9; do mcopy -i f.img gap ::gap$i; done\n"
			   "mdel -i f.img ::gap3 ::gap7; mdel -i f.img ::gap1\n"
			   "mcopy -Q -i f.img -s tree/* ::/; mdel -i f.img ::gap5 ::gap9",
			   kinds[i].size, kinds[i].options, i), "make %s", kinds[i].name))
			continue;
		b = image_load("f.img");
		fs = image_open(&b, &blk, &budget);
		if (!ok(fs, "open %s", kinds[i].name))
			continue;
		is_str(fs->name, "vfat", "%s: type", kinds[i].name);
		is_str(fs->uuid, "1A2B-3C4D", "%s: serial number", kinds[i].name);
		ok(strncmp(fs->label, "XLITE-", 6) == 0, "%s: label '%s'", kinds[i].name, fs->label);
		image_same(fs, "tree", kinds[i].name);
		image_grub("f.img", "(loop0)", "tree", kinds[i].name);
		image_path(fs, "/BOOT/Grub/GRUB.CFG", "/boot/grub/grub.cfg", 0);
		image_path(fs, "/boot/../boot//grub/grub.cfg", "/boot/grub/grub.cfg", 0);
		image_path(fs, "/boot/none", NULL, -ENOENT);
		image_path(fs, "/gap1", NULL, -ENOENT);
		if (i < 3)
			image_torture(kinds[i].name, "f.img", (unsigned int)i);
	}
}

/* What mtools cannot be asked for: a chain that bites its tail, and one that leads nowhere. */
static void test_chains(void)
{
	static const uint32_t next[] = { 0x0ffffff0, 0, 1, 3 };
	scoped(bytes) struct bytes b = BYTES_INIT;

	ok(sh("rm -f c.img; truncate -s 40M c.img; mkfs.vfat -F 32 c.img; head -c 30000 /dev/urandom >f\n"
	      "mcopy -i c.img f ::f"), "make a file of many clusters");
	b = image_load("c.img");
	for (size_t i = 0; i < ARRAY_SIZE(next); i++) {
		struct budget budget = { .bytes = 64 << 20, .steps = 100000 };
		uint8_t *fat = (uint8_t *)b.data + 32 * 512;
		scoped(blk) struct blk *blk = NULL;
		scoped(fs) struct fs *fs = NULL;
		scoped(bytes) struct bytes got = BYTES_INIT;
		struct err err = ERR_INIT;
		int rc;

		for (size_t c = 0; c < 4; c++)
			fat[5 * 4 + c] = (uint8_t)(next[i] >> 8 * c);
		fs = image_open(&b, &blk, &budget);
		rc = fs ? fs_read_file(fs, "/f", 1 << 20, &got, &err) : -1;
		/* The tail: wrong bytes, but an end. */
		if (next[i] == 3)
			ok(rc == 0, "a chain that bites its tail ends with the file's size");
		else
			is_int(rc, -EIO, "a chain that goes on at %#x: %s", next[i], err.msg);
	}
}

int main(void)
{
	if (!ok(image_setup(), "tree"))
		return tap_done();
	test_kinds();
	test_chains();
	image_cleanup();
	return tap_done();
}
