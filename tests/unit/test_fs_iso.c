/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ISO9660 by both of Debian's makers: Rock Ridge, Joliet, and neither. */
#include "image.h"

static const struct {
	const char *name, *command;
	bool rock_ridge;
} kinds[] = {
	{ "genisoimage, Rock Ridge and Joliet", "genisoimage -quiet -R -J", true },
	{ "xorriso, Rock Ridge and Joliet", "xorriso -as mkisofs -R -J", true },
	{ "xorriso, hybrid", "xorriso -as mkisofs -R -J -partition_offset 16", true },
	{ "genisoimage, Joliet", "genisoimage -quiet -J -joliet-long -no-pad", false },
};

static void test_kinds(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct budget budget = BUDGET_INIT;
		scoped(bytes) struct bytes b = BYTES_INIT;
		scoped(blk) struct blk *blk = NULL;
		scoped(fs) struct fs *fs = NULL;

		if (!ok(sh("rm -f i.iso; %s -V XLITE_%zu -o i.iso %s", kinds[i].command, i,
			   kinds[i].rock_ridge ? "tree" : "nolinks"), "make %s", kinds[i].name))
			continue;
		b = image_load("i.iso");
		fs = image_open(&b, &blk, &budget);
		if (!ok(fs, "open %s", kinds[i].name))
			continue;
		is_str(fs->name, "iso9660", "%s: type", kinds[i].name);
		ok(strncmp(fs->label, "XLITE_", 6) == 0, "%s: label '%s'", kinds[i].name, fs->label);
		ok(strncmp(fs->uuid, "20", 2) == 0 && strlen(fs->uuid) == 22, "%s: uuid %s",
		   kinds[i].name, fs->uuid);
		image_same(fs, kinds[i].rock_ridge ? "tree" : "nolinks", kinds[i].name);
		image_grub("i.iso", "(loop0)", kinds[i].rock_ridge ? "tree" : "nolinks", kinds[i].name);
		if (kinds[i].rock_ridge)
			image_links(fs);
		image_torture(kinds[i].name, "i.iso", (unsigned int)i);
	}
}

/* Deeper than eight levels: moved to another place and named there. */
static void test_deep(void)
{
	struct budget budget = BUDGET_INIT;
	scoped(bytes) struct bytes b = BYTES_INIT;
	scoped(blk) struct blk *blk = NULL;
	scoped(fs) struct fs *fs = NULL;
	struct fs_node node;
	struct err err = ERR_INIT;

	if (!ok(sh("mkdir -p deep/1/2/3/4/5/6/7/8/9/10; echo x >deep/1/2/3/4/5/6/7/8/9/10/file\n"
		   "genisoimage -quiet -R -o d.iso deep"), "make a deep tree"))
		return;
	b = image_load("d.iso");
	fs = image_open(&b, &blk, &budget);
	is_int(fs ? fs_lookup(fs, "/1/2/3/4/5/6/7/8/9/10/file", &node, &err) : -1, 0, "%s", err.msg);
}

/* Names as ISO9660 itself has them. */
static void test_plain(void)
{
	struct budget budget = BUDGET_INIT;
	scoped(bytes) struct bytes b = BYTES_INIT;
	scoped(blk) struct blk *blk = NULL;
	scoped(fs) struct fs *fs = NULL;

	if (!ok(sh("mkdir -p short/boot/grub; echo x >short/boot/grub/grub.cfg; echo y >short/boot/vmlinuz\n"
		   "genisoimage -quiet -o p.iso short"), "make one without extensions"))
		return;
	b = image_load("p.iso");
	fs = image_open(&b, &blk, &budget);
	if (ok(fs, "open it"))
		image_path(fs, "/BOOT/grub/Grub.cfg", "/boot/grub/grub.cfg", 0);
	if (fs)
		image_path(fs, "/boot/vmlinuz", "/BOOT/VMLINUZ", 0);
}

int main(void)
{
	if (!ok(image_setup() && 
		/* Joliet's names end at 103 characters. */
		sh("cp -a tree nolinks; rm nolinks/etc/long*") && image_setup_links(), "tree"))
		return tap_done();
	test_kinds();
	test_deep();
	test_plain();
	image_cleanup();
	return tap_done();
}
