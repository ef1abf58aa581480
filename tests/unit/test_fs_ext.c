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
		/* mke2fs 1.47.0 itself writes a file with holes wrongly when inline_data is on. */
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
		/* It reads neither of these, nor files that begin with a hole. */
		if (!strstr(kinds[i].options, "casefold") && !strstr(kinds[i].options, "bigalloc"))
			image_grub("e.img", "(loop0)", "plain", kinds[i].name);
		if (i < 3 || i == 7)
			image_torture(kinds[i].name, "e.img", (unsigned int)i);
	}
}

/* The one that mke2fs made, found by how it begins. */
static uint8_t *journal_of(const struct bytes *b)
{
	static const uint8_t start[] = { 0xc0, 0x3b, 0x39, 0x98, 0, 0, 0, 4 };

	for (size_t at = 0; at < b->len; at += 4096) {
		if (memcmp((uint8_t *)b->data + at, start, sizeof(start)) == 0)
			return (uint8_t *)b->data + at;
	}
	return NULL;
}

static void has_note(const struct bytes *b, const char *want)
{
	struct budget budget = BUDGET_INIT;
	scoped(blk) struct blk *blk = NULL;
	scoped(fs) struct fs *fs = image_open(b, &blk, &budget);

	is_str(fs ? fs->note : NULL, want, "its note");
}

/* Not unmounted, and the last of it where we do not look: said, also when all else is there. */
static void test_notes(void)
{
	scoped(bytes) struct bytes b = BYTES_INIT;
	scoped(bytes) struct bytes at = BYTES_INIT;
	uint8_t *super, *journal, *fast;

	/* 1040 blocks, of which 16 are for fast commits. */
	if (!ok(sh("rm -f e.img; truncate -s 24M e.img; mke2fs -q -F -t ext4 -b 4096 -O fast_commit,"
		   "^metadata_csum -d tree e.img; debugfs -R 'bmap <8> 1025' e.img 2>/dev/null >at"),
		"one with fast commits"))
		return;
	b = image_load("e.img");
	at = image_load("at");
	super = (uint8_t *)b.data + 1024;
	journal = journal_of(&b);
	if (!ok(journal, "its journal"))
		return;
	super[0x60] |= 4;	/* to be recovered */
	journal[31] = 1;	/* from its first block on, */
	journal[43] |= 32;	/* with fast commits */
	fast = (uint8_t *)b.data + 4096 * strtoul(at.data, NULL, 10);
	has_note(&b, "");
	memcpy(fast, "\x9\0\x8\0", 4);
	fast[8] = (uint8_t)(journal[27] + 1);
	has_note(&b, "");
	fast[8]--;
	has_note(&b, "it was not unmounted: what was synced last in fast commits is not seen");
	memset(super + 0xe0, 0, 4);
	has_note(&b, "its journal is on another device: what only stands there is not seen");
	super[0x60] &= (uint8_t)~4;
	has_note(&b, "");
}

int main(void)
{
	if (!ok(image_setup() && image_setup_links(), "tree"))
		return tap_done();
	test_kinds();
	test_notes();
	image_cleanup();
	return tap_done();
}
