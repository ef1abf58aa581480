/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* LVM2 by texts that are written here: no root, and states that its own tools do not leave. */
#include "bootloader/disks.h"
#include "bootloader/source.h"
#include "image.h"

enum { AREA = 4096, AREA_SIZE = 61440, DATA = 1 << 20, DISK = 10 << 20 };

/* A physical volume: its label, one metadata area with this text, extents of 1 MiB. */
__attribute__((format(printf, 3, 4)))
static bool make_pv(const char *path, char id, const char *fmt, ...)
{
	static uint8_t head[AREA + AREA_SIZE];
	char *text = (char *)head + AREA + 512;
	scoped(fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	va_list ap;

	memset(head, 0, sizeof(head));
	memcpy(head + 512, "LABELONE", 8);
	put_le(head + 512 + 20, 4, 32);
	memcpy(head + 512 + 24, "LVM2 001", 8);
	memset(head + 512 + 32, id, 32);
	put_le(head + 512 + 72, 8, DATA);	/* the data area; then a zero, and that of the metadata */
	put_le(head + 512 + 104, 8, AREA);
	put_le(head + 512 + 112, 8, AREA_SIZE);
	memcpy(head + AREA + 4, " LVM2 x[5A%r0N*>", 16);
	put_le(head + AREA + 32, 8, AREA_SIZE);
	put_le(head + AREA + 40, 8, 512);
	va_start(ap, fmt);
	vsnprintf(text, AREA_SIZE - 512, fmt, ap);
	va_end(ap);
	put_le(head + AREA + 48, 8, strlen(text) + 1);
	return fd >= 0 && pwrite(fd, head, sizeof(head), 0) == sizeof(head);
}

#define ID(c) c c c c c c "-" c c c c "-" c c c c "-" c c c c "-" c c c c "-" c c c c "-" c c c c c c
#define GROUP \
	"vg {\nid = \"" ID("v") "\"\nseqno = %d\nformat = \"lvm2\"\nextent_size = 2048\n" \
	"physical_volumes {\npv0 {\nid = \"" ID("a") "\"\npe_start = 2048\n}\n" \
	"pv1 {\nid = \"" ID("b") "\"\npe_start = 2048\n}\n}\n" \
	"logical_volumes {\n%s}\n}\n"
#define BOOT \
	"boot {\nid = \"" ID("l") "\"\nsegment1 {\nstart_extent = 0\nextent_count = 4\n" \
	"type = \"striped\"\nstripe_count = 1\nstripes = [\n\"%s\", 0\n]\n}\n}\n"
#define THIN "pool {\nid = \"" ID("p") "\"\nsegment1 {\nstart_extent = 0\nextent_count = 4\n" \
	"type = \"thin-pool\"\nmetadata = \"m\"\npool = \"d\"\n}\n}\n" \
	"thin {\nid = \"" ID("t") "\"\nsegment1 {\nstart_extent = 0\nextent_count = 4\n" \
	"type = \"thin\"\nthin_pool = \"pool\"\ndevice_id = 1\n}\n}\n"

static bool make_disks(int seqno_a, const char *lvs_a, int seqno_b, const char *lvs_b)
{
	return sh("for i in a b; do printf $i >tree/which; rm -f fs.img $i.img\n"
		  "truncate -s 4M fs.img; mke2fs -q -F -t ext4 -d tree fs.img; truncate -s %d $i.img\n"
		  "dd if=fs.img of=$i.img bs=1M seek=1 conv=notrunc; done", DISK) &&
		make_pv("a.img", 'a', GROUP, seqno_a, lvs_a) &&
		make_pv("b.img", 'b', GROUP, seqno_b, lvs_b);
}

static void with_disks(const char *what, const char *boots, const char *thin)
{
	struct budget budget = BUDGET_INIT;
	scoped(bytes) struct bytes a = image_load("a.img"), b = image_load("b.img");
	scoped(blk) struct blk *one = NULL;
	scoped(blk) struct blk *two = NULL;
	scoped(disks) struct disks *disks = NULL;
	scoped(bytes) struct bytes got = BYTES_INIT;
	struct blk *blks[2];
	struct err err = ERR_INIT;
	const struct source *s;
	unsigned int dev;

	if (blk_open_memory(a.data, a.len, &budget, &one, &err) < 0 ||
	    blk_open_memory(b.data, b.len, &budget, &two, &err) < 0)
		return;
	blks[0] = one;
	blks[1] = two;
	if (!ok(disks_open(blks, 2, &disks, &err) == 0, "%s: open %s", what, err.msg))
		return;
	s = disks_source(disks);
	dev = source_by_name(s, "lvm/vg-boot");
	if (!boots)
		is_int(dev, SOURCE_NO_DEVICE, "%s: no volume", what);
	else if (ok(dev != SOURCE_NO_DEVICE && source_read(s, dev, "/which", 9, &got, &err) == 0,
		    "%s: read %s", what, err.msg))
		is_str(got.data, boots, "%s: where it is", what);
	dev = source_by_name(s, "lvm/vg-thin");
	is_int(dev != SOURCE_NO_DEVICE, thin != NULL, "%s: a thin volume", what);
	if (thin && dev != SOURCE_NO_DEVICE)
		is_str(disks_note(disks, dev), thin, "%s: what of it", what);
}

int main(void)
{
	char on_a[512], on_b[512], with_thin[1024];

	snprintf(on_a, sizeof(on_a), BOOT, "pv0");
	snprintf(on_b, sizeof(on_b), BOOT, "pv1");
	snprintf(with_thin, sizeof(with_thin), "%s" THIN, on_a);
	if (ok(image_setup() && image_setup_links() && make_disks(4, on_a, 4, on_a), "two disks"))
		with_disks("the same text", "a", NULL);
	if (ok(make_disks(3, on_a, 12, on_b), "the second is newer"))
		with_disks("the second is newer", "b", NULL);
	if (ok(make_disks(12, on_b, 9, on_a), "the first is newer"))
		with_disks("the first is newer", "b", NULL);
	if (ok(make_disks(12, "", 9, on_a), "the newer has none any more"))
		with_disks("none any more", NULL, NULL);
	if (ok(make_disks(4, with_thin, 4, with_thin), "a thin volume"))
		with_disks("thin", "a", "thin: not read here: let the guest's own GRUB boot it (pvgrub)");
	image_cleanup();
	return tap_done();
}
