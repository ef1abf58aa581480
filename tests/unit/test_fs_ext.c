/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ext2, ext3, ext4 as mke2fs makes them; test_fs_journal.c has what a guest's kernel leaves. */
#include "image.h"

static const struct {
	const char *name, *options, *type;
} kinds[] = {
	{ "ext4 of Debian", "-t ext4", "ext4" },
	{ "ext4, 1 KiB blocks", "-t ext4 -b 1024", "ext4" },
	{ "ext4 with everything", "-t ext4 -O metadata_csum_seed,orphan_file,casefold,inline_data,"
	  "large_dir,encrypt,verity,ea_inode,64bit -I 256", "ext4" },
	{ "ext4 without extents and journal", "-t ext4 -O ^extent,^has_journal,^64bit", "ext4" },
	{ "ext4, bigalloc", "-t ext4 -O bigalloc -C 16384", "ext4" },
	{ "ext4, meta_bg", "-t ext4 -O meta_bg,^resize_inode", "ext4" },
	{ "ext3", "-t ext3", "ext3" },
	{ "ext2, 1 KiB blocks", "-t ext2 -b 1024 -I 128", "ext2" },
	{ "ext2, 2 KiB blocks", "-t ext2 -b 2048", "ext2" },
};

static void test_kinds(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct budget budget = BUDGET_INIT;
		scoped(bytes) struct bytes b = BYTES_INIT;
		scoped(blk) struct blk *blk = NULL;
		scoped(fs) struct fs *fs = NULL;
		const char *tree = strstr(kinds[i].options, "inline_data") ? "plain" : "tree";

		if (!ok(sh("rm -f e.img; truncate -s 12M e.img; mke2fs -q -F %s -L Boot-%zu "
			   "-U 01234567-89ab-cdef-0123-456789abcd%02zx -d %s e.img",
			   kinds[i].options, i, i, tree), "make %s", kinds[i].name))
			continue;
		b = image_load("e.img");
		fs = image_open(&b, &blk, &budget);
		if (!ok(fs, "open %s", kinds[i].name))
			continue;
		is_str(fs->name, kinds[i].type, "%s: type", kinds[i].name);
		ok(strncmp(fs->label, "Boot-", 5) == 0, "%s: label", kinds[i].name);
		ok(strncmp(fs->uuid, "01234567-89ab-cdef-0123-456789abcd", 34) == 0 &&
		   strlen(fs->uuid) == 36, "%s: uuid %s", kinds[i].name, fs->uuid);
		image_same(fs, tree, kinds[i].name);
		image_links(fs);
		if (i < 3 || i == 7)
			image_torture(kinds[i].name, "e.img", (unsigned int)i);
	}
}

int main(void)
{
	if (!ok(image_setup() && image_setup_links(), "tree"))
		return tap_done();
	/* mke2fs 1.47.0 itself writes a file with holes wrongly when inline_data is on. */
	ok(sh("cp -a tree plain; rm plain/etc/holes"), "a tree without holes");
	test_kinds();
	image_cleanup();
	return tap_done();
}
