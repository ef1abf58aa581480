/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* LVM2 as its own tools make it: linear, striped, over two disks. Needs root and loop devices. */
#include "bootloader/blk/bytes.h"
#include "bootloader/disks.h"
#include "bootloader/source.h"
#include "image.h"

/* No device mapper: the file systems are put to where lvs says that the extents are. */
static const char make[] =
	"truncate -s 64M a.img; truncate -s 64M b.img; truncate -s 12M fs.img\n"
	"mke2fs -q -F -t ext4 -L volume -d tree fs.img\n"
	"a=$(losetup -f --show a.img); b=$(losetup -f --show b.img); trap 'losetup -d $a $b' EXIT\n"
	IMAGE_LVM
	"lvm pvcreate -q $a $b; lvm vgcreate -q -s 1M my-group $a $b\n"
	"lvm lvcreate -q -an -Zn -Wn -L 12M -n boot-lv my-group $a\n"
	"lvm lvcreate -q -an -Zn -Wn -i 2 -I 64k -L 12M -n striped my-group\n"
	"lvm lvcreate -q -an -Zn -Wn -L 4M -n spare my-group $a; lvm lvextend -q -L 12M my-group/spare $b\n"
	"lvm vgcfgbackup -q -f text my-group\n"
	/* The first volume: where the text says. */
	"start=$(sed -n '/boot-lv {/,/}/s/.*\"pv0\", *\\([0-9]*\\).*/\\1/p' text)\n"
	"dd if=fs.img of=a.img bs=1M seek=$((1 + start)) conv=notrunc\n"
	"i=0; s=$(sed -n '/striped {/,/}/s/.*\"pv0\", *\\([0-9]*\\).*/\\1/p' text)\n"
	"t=$(sed -n '/striped {/,/}/s/.*\"pv1\", *\\([0-9]*\\).*/\\1/p' text)\n"
	"while [ $i -lt 96 ]; do\n"
	"dd if=fs.img of=a.img bs=64k skip=$((i * 2)) seek=$((16 * (s + 1) + i)) count=1 conv=notrunc\n"
	"dd if=fs.img of=b.img bs=64k skip=$((i * 2 + 1)) seek=$((16 * (t + 1) + i)) count=1 conv=notrunc\n"
	"i=$((i + 1)); done; sync\n";

static void same_file(const struct source *s, unsigned int dev, const char *what)
{
	scoped(bytes) struct bytes want = image_load("tree/boot/vmlinuz-6.1.0-13-amd64");
	scoped(bytes) struct bytes got = BYTES_INIT;
	struct err err = ERR_INIT;

	ok(dev != SOURCE_NO_DEVICE && source_read(s, dev, "/vmlinuz", 1 << 20, &got, &err) == 0 &&
	   got.len == want.len && memcmp(got.data, want.data, want.len) == 0,
	   "%s: the kernel's bytes %s", what, err.msg);
}

static void try_disks(const struct bytes *a, const struct bytes *b, bool look)
{
	struct budget budget = BUDGET_INIT;
	scoped(blk) struct blk *disk_a = NULL;
	scoped(blk) struct blk *disk_b = NULL;
	scoped(disks) struct disks *disks = NULL;
	struct blk *both[2];
	struct err err = ERR_INIT;
	const struct source *s;

	if (blk_open_memory(a->data, a->len, &budget, &disk_a, &err) < 0 ||
	    blk_open_memory(b->data, b->len, &budget, &disk_b, &err) < 0)
		return;
	both[0] = disk_a;
	both[1] = disk_b;
	if (disks_open(both, 2, &disks, &err) < 0) {
		ok(!look, "%s", err.msg);
		return;
	}
	if (!look)
		return;
	s = disks_source(disks);
	same_file(s, source_by_name(s, "lvm/my--group-boot--lv"), "linear");
	same_file(s, source_by_name(s, "lvm/my--group-striped"), "striped");
	ok(source_by_name(s, "lvm/my--group-spare") != SOURCE_NO_DEVICE, "a volume on two disks");
	is_int(s->nr_devices, 5, "two disks and three volumes");
}

struct pair {
	struct bytes a, b;
};

static void try_pair(void *ctx, const void *data, size_t len)
{
	const struct pair *disks = ctx;

	(void)data, (void)len;	/* somewhere in a */
	try_disks(&disks->a, &disks->b, false);
}

static void try_cut(void *ctx, const void *data, size_t len)
{
	const struct pair *disks = ctx;
	const struct bytes a = { (void *)(uintptr_t)data, len };

	try_disks(&a, &disks->b, false);
}

/* The label, what it leads to, and the text in use, which that leads to. */
static void test_damage(struct pair *disks)
{
	enum { AREA = 4096, TEXT = AREA + 40, TEXT_LEN = AREA + 48, HEADER = 512 };
	uint8_t *data = disks->a.data, *text = data + AREA + get_le64(data + TEXT);
	size_t len = (size_t)get_le64(data + TEXT_LEN);

	if (!ok(inside((size_t)(text - data), len, 1 << 20) && len > 1000, "metadata of %zu bytes", len))
		return;
	image_change(data, AREA, AREA, image_changes(), try_pair, disks);
	image_change(data + AREA, HEADER, HEADER, image_changes(), try_pair, disks);
	image_change(text, len, len, image_changes(), try_pair, disks);
	/* Up to where the volumes are. */
	image_cut(data, 2 << 20, 100, try_cut, disks);
	ok(true, "with %u bytes of each changed, and cut", image_changes());
}

/* One disk of the two: what is whole on it is found, the rest says why not. */
static void test_missing(const struct bytes *a)
{
	struct budget budget = BUDGET_INIT;
	scoped(blk) struct blk *disk = NULL;
	scoped(disks) struct disks *disks = NULL;
	struct err err = ERR_INIT;
	const struct source *s;
	unsigned int dev;

	if (!ok(blk_open_memory(a->data, a->len, &budget, &disk, &err) == 0 &&
		disks_open(&disk, 1, &disks, &err) == 0, "one disk of two %s", err.msg))
		return;
	s = disks_source(disks);
	same_file(s, source_by_name(s, "lvm/my--group-boot--lv"), "what is whole");
	dev = source_by_name(s, "lvm/my--group-striped");
	ok(dev != SOURCE_NO_DEVICE && !s->devices[dev].fs &&
	   strstr(disks_note(disks, dev), "missing disk"), "what is not: %s",
	   disks_note(disks, dev));
}

/* Volumes of a type that is not read: here all of them, by what the metadata says. */
static void test_thin(const struct bytes *a)
{
	static const char was[] = "\"striped\"", is[] = "\"thin\"   ";
	scoped(free) uint8_t *data = malloc(a->len);
	struct budget budget = BUDGET_INIT;
	scoped(blk) struct blk *disk = NULL;
	scoped(disks) struct disks *disks = NULL;
	struct err err = ERR_INIT;
	const struct source *s;
	unsigned int dev;

	memcpy(data, a->data, a->len);
	for (uint8_t *p; (p = memmem(data, 1 << 20, was, sizeof(was) - 1));)
		memcpy(p, is, sizeof(is) - 1);
	if (!ok(blk_open_memory(data, a->len, &budget, &disk, &err) == 0 &&
		disks_open(&disk, 1, &disks, &err) == 0, "a thin volume %s", err.msg))
		return;
	s = disks_source(disks);
	dev = source_by_name(s, "lvm/my--group-boot--lv");
	if (ok(dev != SOURCE_NO_DEVICE && !s->devices[dev].fs, "it is there"))
		ok(str_starts(disks_note(disks, dev), "thin: not read here"), "and named: %s",
		   disks_note(disks, dev));
}

int main(void)
{
	scoped(bytes) struct bytes a = BYTES_INIT;
	scoped(bytes) struct bytes b = BYTES_INIT;
	struct pair disks;

	if (!image_loops()) {
		ok(true, "LVM # SKIP needs root and loop devices");
		return tap_done();
	}
	if (!ok(image_setup() && image_setup_links() && sh("%s", make), "two disks with a volume group"))
		return tap_done();
	a = image_load("a.img");
	b = image_load("b.img");
	disks = (struct pair){ a, b };
	try_disks(&a, &b, true);
	test_missing(&a);
	test_thin(&a);
	test_damage(&disks);
	image_cleanup();
	return tap_done();
}
