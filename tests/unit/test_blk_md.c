/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members of mirrors, with superblocks made here: mdadm needs a kernel that has md. */
#include "bootloader/disks.h"
#include "bootloader/source.h"
#include "image.h"

static void put_le(uint8_t *p, uint64_t v, unsigned int len)
{
	for (unsigned int i = 0; i < len; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void make_member(struct bytes *b, uint64_t at, uint32_t level)
{
	uint8_t *s = (uint8_t *)b->data + at;

	memset(b->data, 0, 16384);
	put_le(s, 0xa92b4efc, 4);
	put_le(s + 4, 1, 4);
	memset(s + 16, 0xab, 16);
	strcpy((char *)s + 32, "some-host:boot");
	put_le(s + 72, level, 4);
	put_le(s + 128, 2048, 8);
	put_le(s + 136, b->len / 512 - 2048, 8);
	put_le(s + 144, at / 512, 8);
}

static void try_members(const struct bytes *b, const char *what, const char *note)
{
	struct budget budget = BUDGET_INIT;
	scoped(blk) struct blk *one = NULL;
	scoped(blk) struct blk *two = NULL;
	scoped(disks) struct disks *disks = NULL;
	scoped(bytes) struct bytes got = BYTES_INIT;
	scoped(bytes) struct bytes want = image_load("tree/vmlinuz");
	struct blk *both[2];
	struct err err = ERR_INIT;
	const struct source *s;
	unsigned int dev;

	if (!ok(blk_open_memory(b->data, b->len, &budget, &one, &err) == 0 &&
		blk_open_memory(b->data, b->len, &budget, &two, &err) == 0, "%s", what))
		return;
	both[0] = one;
	both[1] = two;
	if (!ok(disks_open(both, 2, &disks, &err) == 0, "%s: open %s", what, err.msg))
		return;
	s = disks_source(disks);
	dev = source_by_name(s, "md/boot");
	if (note) {
		ok(dev == SOURCE_NO_DEVICE && strstr(disks_note(disks, 0), note), "%s: %s", what,
		   disks_note(disks, 0));
		return;
	}
	is_int(s->nr_devices, 3, "%s: two disks and one mirror", what);
	is_int(source_by_name(s, "mduuid/abababababababababababababababab"), dev, "%s: by uuid", what);
	ok(dev != SOURCE_NO_DEVICE && source_read(s, dev, "/vmlinuz", 1 << 20, &got, &err) == 0 &&
	   got.len == want.len && memcmp(got.data, want.data, want.len) == 0,
	   "%s: the kernel's bytes %s", what, err.msg);
}

int main(void)
{
	scoped(bytes) struct bytes b = BYTES_INIT;

	if (!ok(image_setup() && image_setup_links() &&
		sh("truncate -s 12M fs.img; mke2fs -q -F -t ext4 -d tree fs.img\n"
		   "truncate -s 13M m.img; dd if=fs.img of=m.img bs=1M seek=1 conv=notrunc"), "images"))
		return tap_done();
	b = image_load("m.img");
	make_member(&b, 4096, 1);
	try_members(&b, "version 1.2", NULL);
	make_member(&b, 0, 1);
	try_members(&b, "version 1.1", NULL);
	make_member(&b, 4096, 5);
	try_members(&b, "RAID5", "RAID level 5 is not read here");
	put_le((uint8_t *)b.data + 4096 + 128, 1ull << 60, 8);
	try_members(&b, "beyond the end", "");
	image_cleanup();
	return tap_done();
}
