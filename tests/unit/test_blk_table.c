/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Partition tables as sfdisk and sgdisk write them; sfdisk's dump says what is in them. */
#include "bootloader/blk/bytes.h"
#include "bootloader/blk/crc32c.h"
#include "bootloader/blk/md.h"
#include "bootloader/blk/table.h"
#include "image.h"

static const char mbr[] =
	"printf 'label: dos\nlabel-id: 0x8badf00d\nstart=2048,size=20480,type=83,bootable\n"
	"start=22528,size=2048,type=ef\nstart=24576,size=40000,type=5\n"
	"start=26624,size=4096,type=83\nstart=34816,size=8192,type=83\nstart=45056,size=4096,type=8e\n"
	"start=65536,size=4096,type=83\n' | sfdisk -q t.img";
static const char gpt[] =
	"printf 'label: gpt\nstart=2048,size=2048,type=21686148-6449-6E6F-744E-656564454649\n"
	"start=4096,size=20480,type=U\nstart=24576,size=20480,name=boot,"
	"type=bc13c2ff-59e6-4262-a352-b275fd6f7172\n"
	"start=45056,size=20480\n' | sfdisk -q t.img; sfdisk -q --delete t.img 1";

static char *dump_ours(const struct table *t)
{
	struct strbuf b = STRBUF_INIT;
	struct err err = ERR_INIT;
	char *s = NULL;

	for (size_t i = 0; i < t->nr; i++)
		strbuf_printf(&b, "%u %llu %llu%s%s\n", t->parts[i].nr,
			      (unsigned long long)t->parts[i].start / t->sector,
			      (unsigned long long)t->parts[i].size / t->sector,
			      t->kind == TABLE_GPT ? " " : "",
			      t->kind == TABLE_GPT ? t->parts[i].uuid : "");
	return strbuf_finish(&b, &s, &err) < 0 ? NULL : s;
}

/* In order of their numbers, without extended partitions. */
static bool dump_theirs(const char *image)
{
	return sh("sfdisk -d %s | grep -vi 'type=5$' | sed -n "
		  "'s/^[^ ]*[a-z.]\\([0-9]*\\) : start= *\\([0-9]*\\), size= *\\([0-9]*\\),.*uuid=\\([-0-9A-F]*\\).*/"
		  "\\1 \\2 \\3 \\L\\4/p;t;"
		  "s/^[^ ]*[a-z.]\\([0-9]*\\) : start= *\\([0-9]*\\), size= *\\([0-9]*\\).*/"
		  "\\1 \\2 \\3/p' | sort -n >theirs", image);
}

static struct table *read_table(const struct bytes *b, uint32_t sector)
{
	static struct table t;
	struct budget budget = BUDGET_INIT;
	scoped(blk) struct blk *blk = NULL;
	struct err err = ERR_INIT;

	memset(&t, 0, sizeof(t));
	if (blk_open_memory(b->data, b->len, &budget, &blk, &err) == 0)
		blk->sector = sector;
	if (!blk || table_read(blk, &t, &err) < 0)
		printf("# %s\n", err.msg);
	return &t;
}

static void same(const char *image, const struct table *t, const char *what)
{
	scoped(free) char *ours = dump_ours(t);
	scoped(bytes) struct bytes theirs = BYTES_INIT;

	ok(dump_theirs(image), "%s: sfdisk's dump", what);
	theirs = image_load("theirs");
	is_str(ours, theirs.data, "%s: as sfdisk says", what);
	ok(t->nr >= 2, "%s: %zu partitions", what, t->nr);
}

static void try_table(void *ctx, const void *data, size_t len)
{
	const struct bytes b = { (void *)(uintptr_t)data, len };

	read_table(&b, *(const uint32_t *)ctx);
}

/* Of the table at the start, by any sector size. Where that is a GPT, its backup stands in. */
static void torture(const struct bytes *b, const char *what)
{
	static const uint32_t sectors[] = { 0, 512, 4096 };
	enum { HEAD = 40960 };

	for (size_t i = 0; i < ARRAY_SIZE(sectors); i++) {
		uint32_t sector = sectors[i];

		image_change(b->data, b->len, HEAD, image_changes(), try_table, &sector);
		image_cut(b->data, HEAD, 400, try_table, &sector);
	}
	ok(true, "%s: changed and cut", what);
}

static void test_mbr(void)
{
	scoped(bytes) struct bytes b = BYTES_INIT;
	struct table *t;

	ok(sh("rm -f t.img; truncate -s 40M t.img; %s", mbr), "make an MBR");
	b = image_load("t.img");
	t = read_table(&b, 0);
	is_int(t->kind, TABLE_MBR, "kind");
	same("t.img", t, "MBR with logical partitions");
	ok(t->parts[0].active && !t->parts[1].active, "the active one is known");
	is_int(t->parts[1].role, PART_ESP, "an EFI system partition");
	is_str(t->parts[2].uuid, "8badf00d-04", "uuid of a primary one");
	is_str(t->parts[4].uuid, "8badf00d-06", "uuid of a logical one");
	torture(&b, "MBR");
	/* A chain of logical partitions that leads to itself. */
	memcpy((uint8_t *)b.data + 24576 * 512 + 446 + 16 + 8, "\0\0\0\0", 4);
	t = read_table(&b, 0);
	ok(t->nr == TABLE_PARTS || t->note[0], "a chain without an end ends: %zu, %s", t->nr, t->note);
}

static void test_gpt(void)
{
	scoped(bytes) struct bytes b = BYTES_INIT;
	uint8_t *data;
	struct table *t;

	ok(sh("rm -f t.img; truncate -s 40M t.img; %s", gpt), "make a GPT");
	b = image_load("t.img");
	data = b.data;
	t = read_table(&b, 0);
	is_int(t->kind, TABLE_GPT, "kind");
	is_str(t->note, "", "nothing to say");
	same("t.img", t, "GPT");
	ok(t->parts[0].role == PART_ESP && t->parts[1].role == PART_XBOOTLDR &&
	   t->parts[2].role == PART_OTHER, "roles");
	torture(&b, "GPT");

	data[512 + 40] ^= 1;
	t = read_table(&b, 0);
	is_str(t->note, "its GPT is damaged: the backup is used", "header damaged");
	same("t.img", t, "GPT's backup");
	data[512 + 40] ^= 1;
	data[1024 + 40] ^= 1;
	t = read_table(&b, 0);
	is_str(t->note, "its GPT is damaged: the backup is used", "entries damaged");
	data[b.len - 512] ^= 1;
	t = read_table(&b, 0);
	is_int((long long)t->nr, 0, "both damaged: none");
	ok(strstr(t->note, "neither"), "and a note: %s", t->note);
	data[b.len - 512] ^= 1;
	data[1024 + 40] ^= 1;
	/* An image that grew: the backup is not at its end. */
	b.len -= 4096;
	t = read_table(&b, 0);
	is_int((long long)t->nr, 3, "the backup is not needed while the first is intact");
	/* Without a protective MBR it is no GPT. */
	memset(data + 446, 0, 16);
	t = read_table(&b, 0);
	is_int(t->kind, TABLE_NONE, "a GPT that no MBR announces");
}

static void test_hybrid(void)
{
	scoped(bytes) struct bytes b = BYTES_INIT;

	ok(sh("rm -f t.img; truncate -s 40M t.img; %s; sgdisk -h 3:EE t.img", gpt), "make a hybrid");
	b = image_load("t.img");
	is_int(read_table(&b, 0)->kind, TABLE_GPT, "of a hybrid the GPT counts");
	same("t.img", read_table(&b, 0), "hybrid");
	torture(&b, "hybrid");
}

static void test_4096(void)
{
	scoped(bytes) struct bytes b = BYTES_INIT;
	struct table *t;

	if (geteuid() != 0 || access("/dev/loop-control", R_OK) < 0) {
		ok(true, "4096-byte sectors # SKIP needs root and loop devices");
		return;
	}
	ok(sh("rm -f k.img; truncate -s 40M k.img; d=$(losetup -f --show -b 4096 k.img)\n"
	      "printf 'label: gpt\nsize=1000,type=U\nsize=2000\n' | sfdisk -q $d || r=1\n"
	      "sfdisk -d $d | sed -n 's/^.*p*\\([0-9]\\) : start= *\\([0-9]*\\), size= *\\([0-9]*\\),.*uuid=\\([-0-9A-F]*\\).*/"
	      "\\1 \\2 \\3 \\L\\4/p' >theirs; losetup -d $d; [ -z \"$r\" ]"), "GPT, 4096-byte sectors");
	b = image_load("k.img");
	t = read_table(&b, 0);
	is_int(t->sector, 4096, "its sector size is found out");
	{
		scoped(free) char *ours = dump_ours(t);
		scoped(bytes) struct bytes theirs = image_load("theirs");

		is_str(ours, theirs.data, "4096-byte sectors: as sfdisk says");
	}
	is_int((long long)read_table(&b, 4096)->nr, 2, "also where the device says it");
	is_int((long long)read_table(&b, 512)->nr, 2, "and where it is a copy on another device");
	torture(&b, "4096-byte sectors");
}

static void test_none(void)
{
	scoped(bytes) struct bytes b = BYTES_INIT;

	ok(sh("rm -f n.img; truncate -s 4M n.img; mkfs.vfat n.img"), "make a FAT without a table");
	b = image_load("n.img");
	is_int(read_table(&b, 0)->kind, TABLE_NONE, "a boot sector is no table");
	b.len = 100;
	is_int(read_table(&b, 0)->kind, TABLE_NONE, "100 bytes are none");
}

static void try_md(void *ctx, const void *data, size_t len)
{
	struct budget budget = BUDGET_INIT;
	scoped(blk) struct blk *blk = NULL;
	struct err err = ERR_INIT;
	struct md md;
	int rc;

	(void)ctx;
	if (blk_open_memory(data, len, &budget, &blk, &err) < 0)
		return;
	rc = md_read(blk, &md, &err);
	if (rc < 0 || (rc > 0 && (!inside(md.start, md.size, len) ||
				  strlen(md.name) >= sizeof(md.name))))
		ok(false, "a damaged superblock: %d, %s", rc, err.msg);
}

/* What md puts in front of a member's data; test_blk_md.c has what comes of it. */
static void test_md(void)
{
	enum { LEN = 2 << 20, AT = 4096 };
	scoped(free) uint8_t *data = calloc(1, LEN);

	image_md_super(data + AT, AT, LEN, 1);
	image_change(data, LEN, AT + 256, image_changes(), try_md, NULL);
	image_cut(data, LEN, 400, try_md, NULL);
	ok(true, "md's superblock: changed and cut");
}

/* What all reads have in common. */
static void test_read(void)
{
	struct budget budget = { .bytes = 10000, .steps = 100 };
	scoped(blk) struct blk *file = NULL;
	scoped(blk) struct blk *part = NULL;
	struct err err = ERR_INIT;
	uint8_t data[70000], got[70000];
	FILE *f = fopen("data", "w+");

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * i >> 3);
	ok(f && fwrite(data, 1, sizeof(data), f) == sizeof(data) && fflush(f) == 0, "a file");
	is_int(blk_open_fd(fileno(f), 0, 0, &budget, &file, &err), 0, "open");
	is_int((long long)file->size, sizeof(data), "its size");
	budget = (struct budget){ .bytes = 4 << 20, .steps = 1000 };
	for (size_t at = 0; at < 20000; at += 1237) {
		for (size_t len = 1; len < sizeof(data) - at; len = len * 5 + 3) {
			memset(got, 0, sizeof(got));
			if (blk_read(file, at, got, len, &err) < 0 || memcmp(got, data + at, len) != 0)
				ok(false, "%zu bytes at %zu: %s", len, at, err.msg);
		}
	}
	is_int(blk_read(file, 69999, got, 1, &err), 0, "the last byte");
	is_int(blk_read(file, 69999, got, 2, &err), -ENODATA, "beyond: %s", err.msg);
	is_int(blk_read(file, UINT64_MAX, got, 2, &err), -ENODATA, "far beyond");
	is_int(blk_open_slice(file, 60000, 10001, &part, &err), -ENODATA, "too long a slice");
	is_int(blk_open_slice(file, 60000, 5000, &part, &err), 0, "a slice");
	is_int(blk_read(part, 4999, got, 1, &err), 0, "its last byte");
	ok(got[0] == data[64999], "is the right one");
	is_int(blk_read(part, 4999, got, 2, &err), -ENODATA, "and not more");
	budget.bytes = 10;
	is_int(blk_read(file, 0, got, 10, &err), 0, "the rest of the budget");
	is_int(blk_read(file, 0, got, 1, &err), -ETIME, "and no more: %s", err.msg);
	fclose(f);
}

static void test_crc32c(void)
{
	uint8_t data[100];

	is_int(~crc32c(~0u, "123456789", 9) & 0xffffffff, 0xe3069283, "CRC-32C's check value");
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37);
	for (size_t len = 0; len <= sizeof(data) - 3; len += 7)
		is_int(crc32c(1, data + 3, len), crc32c_by_table(1, data + 3, len),
		       "CRC-32C of %zu bytes both ways", len);
}

int main(void)
{
	if (!ok(image_setup(), "folder"))
		return tap_done();
	test_crc32c();
	test_read();
	test_mbr();
	test_gpt();
	test_hybrid();
	test_4096();
	test_none();
	test_md();
	image_cleanup();
	return tap_done();
}
