/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qcow2 and VHD as qemu-img makes them: the disk inside is the one that went in. */
#include "bootloader/blk/bytes.h"
#include "image.h"

typedef int (*opener)(struct blk *below, struct blk **out, struct err *err);

static const struct {
	const char *name, *options;
	opener open;
} kinds[] = {
	{ "qcow2", "-O qcow2", blk_open_qcow2 },
	{ "qcow2 v2", "-O qcow2 -o compat=0.10", blk_open_qcow2 },
	{ "qcow2, compressed", "-c -O qcow2", blk_open_qcow2 },
	{ "qcow2, zstd", "-c -O qcow2 -o compression_type=zstd", blk_open_qcow2 },
	{ "qcow2, extended L2", "-O qcow2 -o extended_l2=on", blk_open_qcow2 },
	{ "qcow2, 512-byte clusters", "-O qcow2 -o cluster_size=512", blk_open_qcow2 },
	{ "qcow2, 2 MiB clusters", "-c -O qcow2 -o cluster_size=2M", blk_open_qcow2 },
	{ "VHD", "-O vpc -o force_size=on", blk_open_vhd },
	{ "VHD, fixed", "-O vpc -o subformat=fixed,force_size=on", blk_open_vhd },
};

/* Reads all of it, in pieces of odd sizes; false where that fails. */
static bool read_all(struct blk *blk, uint8_t *to, size_t len, struct err *err)
{
	for (size_t at = 0, part = 4096; at < len; at += part, part = part * 7 % 65521 + 1) {
		part = part < len - at ? part : len - at;
		if (blk_read(blk, at, to + at, part, err) < 0)
			return false;
	}
	return true;
}

static void try_image(void *ctx, const void *data, size_t len)
{
	struct budget budget = { .bytes = 32 << 20, .steps = 20000 };
	scoped(blk) struct blk *file = NULL;
	scoped(blk) struct blk *disk = NULL;
	struct err err = ERR_INIT;
	uint8_t buf[4096];

	if (blk_open_memory(data, len, &budget, &file, &err) < 0 ||
	    (*(const opener *)ctx)(file, &disk, &err) < 0)
		return;
	for (uint64_t at = 0; inside(at, sizeof(buf), disk->size); at += 65536) {
		if (blk_read(disk, at, buf, sizeof(buf), &err) == -ETIME)
			return;
	}
}

/* Headers come first. */
static void torture(const struct bytes *b, opener open_image, const char *what)
{
	image_change(b->data, b->len, 1024, image_changes(), try_image, &open_image);
	image_cut(b->data, b->len, 30, try_image, &open_image);
	ok(true, "%s: changed and cut", what);
}

/* Compressed clusters, changed inside: an error, or as many other bytes. */
static void test_inside(struct bytes *b, opener open_image, const char *what)
{
	struct budget budget = BUDGET_INIT;
	scoped(blk) struct blk *file = NULL;
	unsigned int noticed = 0, read = 0, nr = image_changes();
	struct image_trace trace;
	struct err err = ERR_INIT;

	if (!ok(blk_open_memory(b->data, b->len, &budget, &file, &err) == 0, "opened"))
		return;
	for (unsigned int i = 0; i <= nr; i++) {
		scoped(blk) struct blk *disk = NULL;
		scoped(free) uint8_t *got = NULL;
		uint8_t old = 0, *at = NULL;

		budget = (struct budget)BUDGET_INIT;
		if (i)
			at = image_damage(&trace, b->data, &old);
		else
			image_trace(&trace, file, 512);
		err.msg[0] = '\0';
		if (open_image(i ? file : &trace.blk, &disk, &err) == 0) {
			got = malloc((size_t)disk->size);
			if (read_all(disk, got, (size_t)disk->size, &err))
				read++;
			else if (strcmp(err.msg, "a compressed cluster is damaged") == 0)
				noticed++;
		}
		if (i == 0 && !ok(read && trace.nr > 2, "%s: %zu packed pieces", what, trace.nr))
			return;
		if (at)
			*at = old;
	}
	ok(read + noticed == nr + 1 && noticed > nr / 50, "%s: %u bytes inside changed, %u noticed",
	   what, nr, noticed);
}

static void test_kinds(const struct bytes *raw)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct budget budget = BUDGET_INIT;
		scoped(bytes) struct bytes b = BYTES_INIT;
		scoped(blk) struct blk *file = NULL;
		scoped(blk) struct blk *disk = NULL;
		scoped(free) uint8_t *got = malloc(raw->len);
		struct err err = ERR_INIT;

		if (!ok(sh("rm -f i.img; qemu-img convert -f raw %s raw.img i.img", kinds[i].options),
			"make %s", kinds[i].name))
			continue;
		b = image_load("i.img");
		if (!ok(blk_open_memory(b.data, b.len, &budget, &file, &err) == 0 &&
			kinds[i].open(file, &disk, &err) == 0, "open %s: %s", kinds[i].name, err.msg))
			continue;
		is_int((long long)disk->size, (long long)raw->len, "%s: size", kinds[i].name);
		ok(disk->size == raw->len && read_all(disk, got, raw->len, &err) &&
		   memcmp(got, raw->data, raw->len) == 0, "%s: every byte of it %s", kinds[i].name,
		   err.msg);
		torture(&b, kinds[i].open, kinds[i].name);
		if (strstr(kinds[i].options, "-c "))
			test_inside(&b, kinds[i].open, kinds[i].name);
	}
}

static void test_refused(const char *command, const char *words)
{
	scoped(bytes) struct bytes b = BYTES_INIT;
	struct budget budget = BUDGET_INIT;
	scoped(blk) struct blk *file = NULL;
	scoped(blk) struct blk *disk = NULL;
	struct err err = ERR_INIT;

	ok(sh("rm -f r.img; %s", command), "%s", command);
	b = image_load("r.img");
	ok(blk_open_memory(b.data, b.len, &budget, &file, &err) == 0 &&
	   blk_open_qcow2(file, &disk, &err) < 0 && strstr(err.msg, words), "refused: %s", err.msg);
}

int main(void)
{
	scoped(bytes) struct bytes raw = BYTES_INIT;

	/* Random, compressible, and empty parts. */
	if (!ok(image_setup() &&
		sh("truncate -s 6M raw.img; head -c 900000 /dev/urandom | dd of=raw.img bs=4096 conv=notrunc "
		   "status=none\nseq 300000 | dd of=raw.img bs=4096 seek=600 conv=notrunc\n"
		   "printf end | dd of=raw.img bs=1 seek=6291453 conv=notrunc"), "a disk"))
		return tap_done();
	raw = image_load("raw.img");
	test_kinds(&raw);
	test_refused("qemu-img create -q -f qcow2 -b raw.img -F raw r.img", "backing file");
	test_refused("qemu-img create -q -f qcow2 -o data_file=d.raw r.img 1M", "another file");
	test_refused("cp raw.img r.img", "no qcow2");
	image_cleanup();
	return tap_done();
}
