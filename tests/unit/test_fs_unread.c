/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is met on guests' disks and not read is named; made by its own tool where that is there,
 * else of its magic number alone.
 */
#include "image.h"

static void expect(const char *what, struct blk *blk, const char *words)
{
	scoped(fs) struct fs *fs = NULL;
	struct err err = ERR_INIT;
	int rc = fs_open(blk, &fs, &err);

	ok(rc == -ENODATA && strcmp(err.msg, words) == 0, "%s: %s", what, err.msg);
}

#define PVGRUB " is not read here: let the guest's own GRUB boot it (pvgrub)"

static void test_magic(void)
{
	static const struct { size_t offset; const char *magic, *words; } cases[] = {
		{ 0, "LUKS\xba\xbe", "LUKS encryption" PVGRUB },
		{ 0, "hsqs", "squashfs" PVGRUB },
		{ 3, "NTFS    ", "NTFS" PVGRUB },
		{ 3, "EXFAT   ", "exFAT" PVGRUB },
		{ 0x400, "\x10\x20\xf5\xf2", "F2FS" PVGRUB },
		{ 0x400, "\xe2\xe1\xf5\xe0", "EROFS" PVGRUB },
		{ 0x10034, "ReIsEr2Fs", "reiserfs" PVGRUB },
		{ 0x8000, "JFS1", "JFS" PVGRUB },
		{ 0x1055c, "\x19\x54\x19\x01", "UFS2" PVGRUB },
		{ 0x255c, "\x54\x19\x01", "UFS1" PVGRUB },
		{ 0x20000, "\x0c\xb1\xba", "ZFS" PVGRUB },
		{ 0x218, "LVM2 001", "an LVM2 physical volume" },
		{ 0x1018, "\xc6\x85\x73\xf6", "bcachefs" PVGRUB },
		{ 0xff6, "SWAPSPACE2", "swap space" },
		{ 0, "QFI\xfb", "a qcow2 image (its format must come from the configuration)" },
		{ 0, "nothing", "" },
	};
	static uint8_t data[1 << 20];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct budget budget = BUDGET_INIT;
		scoped(blk) struct blk *blk = NULL;
		struct err err = ERR_INIT;

		memset(data, 0, sizeof(data));
		memcpy(data + cases[i].offset, cases[i].magic, strlen(cases[i].magic));
		is_int(blk_open_memory(data, sizeof(data), &budget, &blk, &err), 0, "memory");
		if (blk)
			expect("magic", blk, cases[i].words);
	}
}

static void test_made(void)
{
	static const struct { const char *program, *command, *words; } cases[] = {
		{ "mksquashfs", "mksquashfs tree x.img -quiet -no-progress", "squashfs" PVGRUB },
		{ "mkswap", "truncate -s 1M x.img; mkswap -q x.img 2>&1", "swap space" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct budget budget = BUDGET_INIT;
		scoped(bytes) struct bytes b = BYTES_INIT;
		scoped(blk) struct blk *blk = NULL;
		struct err err = ERR_INIT;

		if (!image_tool(cases[i].program)) {
			ok(true, "%s # SKIP it is not there", cases[i].program);
			continue;
		}
		if (!ok(sh("rm -f x.img; %s", cases[i].command), "%s", cases[i].program))
			continue;
		b = image_load("x.img");
		if (ok(b.len && blk_open_memory(b.data, b.len, &budget, &blk, &err) == 0, "an image"))
			expect(cases[i].program, blk, cases[i].words);
	}
}

int main(void)
{
	test_magic();
	if (ok(image_setup(), "a tree"))
		test_made();
	image_cleanup();
	return tap_done();
}
