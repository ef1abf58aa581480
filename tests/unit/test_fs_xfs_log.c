/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* XFS's log: whether it is clean, and what is seen of a file system that was cut off in use. */
#include "bootloader/fs/xfs_log.h"

#include "bootloader/blk/bytes.h"
#include "image.h"

/* A log of 40 blocks, filled in rounds: its last record of so many operations ends at head. */
static int log_clean(unsigned int head, unsigned int ops, uint8_t flags, unsigned int len)
{
	enum { BLOCKS = 40, BLOCK = 512 };
	struct budget budget = BUDGET_INIT;
	scoped(free) uint8_t *log = calloc(BLOCKS, BLOCK);
	scoped(blk) struct blk *blk = NULL;
	scoped(xfs_log) struct xfs_log out = { .clean = false };
	uint8_t *record = log + (head + BLOCKS - 2) % BLOCKS * BLOCK;
	uint8_t *data = log + (head + BLOCKS - 1) % BLOCKS * BLOCK;
	struct err err = ERR_INIT;

	for (unsigned int i = 0; i < BLOCKS; i++)
		log[i * BLOCK + 3] = i < head ? 7 : 6;
	memcpy(record, "\xfe\xed\xba\xbe", 4);
	record[7] = head >= 2 ? 7 : 6;
	record[11] = 2;
	record[14] = (uint8_t)(len >> 8);
	record[15] = (uint8_t)len;
	record[43] = (uint8_t)ops;
	data[9] = flags;
	if (blk_open_memory(log, (size_t)BLOCKS * BLOCK, &budget, &blk, &err) < 0)
		return -1;
	return xfs_log_read(blk, 0, (uint64_t)BLOCKS * BLOCK, &out, &err) == 0 ? out.clean : -1;
}

static void test_log(void)
{
	for (unsigned int head = 1; head <= 40; head++)
		is_int(log_clean(head, 1, 0x20, 512), 1, "unmounted at block %u", head);
	is_int(log_clean(10, 1, 0, 512), 0, "another record");
	is_int(log_clean(10, 2, 0x20, 512), 0, "more than one operation");
	is_int(log_clean(10, 1, 0x20, 1024), 0, "a record that goes on");
}

/* As it is while it is mounted: all that was synced is in the log, and little elsewhere. */
static const char use[] =
	"rm -f x.img; truncate -s 300M x.img; mkfs.xfs -q -f %s x.img; mkdir -p m; mount -o loop x.img m\n"
	"trap 'cd /; umount $home/m' EXIT; cd m; mkdir old; seq 3000 >old/file; sync -f .; cd ..\n"
	"umount m; mount -o loop x.img m; cd m\n"
	"cp -a ../tree/. .; rm -rf old; mkdir big moved; for i in $(seq 1500); do : >big/a-name-that-takes-some-room-$i; done\n"
	"sync -f .; rm -f big/*5; mv big/*7 moved; mv moved/*97 .\n"
	"for i in $(seq 0 2 240); do printf '%%04d' $i | dd of=pieces bs=4096 seek=$i conv=notrunc status=none\n"
	"  done; ln -s /$(printf 'a-long-way/../%%.0s' $(seq 40))boot/vmlinuz-6.1.0-13-amd64 far; mkdir a-long-way\n"
	"sync -f .; echo late >late; mv late boot/late; sync boot/late\n"
	"cp --sparse=always ../x.img ../dirty.img; rm -rf ../filled; cp -a . ../filled\n";

/* Changed bytes of the log, most of them where it was written last: errors at most. */
static void torture_log(void)
{
	unsigned int nr = image_changes();
	scoped(bytes) struct bytes b = image_load("dirty.img");
	uint8_t *data = b.data, *log;
	uint64_t block = get_be64(data + 48), size = 1 << 20;
	unsigned int group_bits = data[124];

	block = (block >> group_bits) * get_be32(data + 84) + (block & ((1ull << group_bits) - 1));
	log = data + block * get_be32(data + 4);
	while (size > 4096 && !get_be32(log + size - 512))
		size -= 512;
	srandom(11);
	for (unsigned int i = 0; i < nr; i++) {
		size_t at = i % 2 ? (size_t)random() % (size / 512) * 512 + (size_t)random() % 64 :
			(size_t)random() % size;
		uint8_t old = log[at];

		log[at] = i % 3 ? (uint8_t)random() : (uint8_t)(old ^ 1u << random() % 8);
		image_try(NULL, data, b.len);
		log[at] = old;
	}
	ok(true, "with %u bytes of its log changed", nr);
}

static void test_replay(void)
{
	static const char *const options[] = { "", "-b size=1024 -n size=4096 -i nrext64=1" };

	if (geteuid() != 0 || access("/dev/loop-control", R_OK) != 0) {
		ok(true, "a log that was not replayed # SKIP needs root and loop devices");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		struct budget budget = BUDGET_INIT;
		scoped(fd) int fd = -1;
		scoped(blk) struct blk *blk = NULL;
		scoped(fs) struct fs *fs = NULL;
		char more[4096];

		snprintf(more, sizeof(more), use, options[i]);
		if (!ok(sh("home=$PWD; %s", more), "an XFS in use: '%s'", options[i]))
			continue;
		fd = open("dirty.img", O_RDONLY);
		fs = image_open_fd(fd, &blk, &budget);
		if (!ok(fs && fs->blk != blk && !fs->note[0], "its log is replayed: %s",
			fs ? fs->note : "not opened"))
			continue;
		image_same(fs, "filled", "an XFS in use");
		image_path(fs, "/far", "/boot/vmlinuz-6.1.0-13-amd64", 0);
		image_path(fs, "/old", NULL, -ENOENT);
		if (i == 0)
			torture_log();
	}
}

int main(void)
{
	test_log();
	if (!ok(image_setup() && image_setup_links(), "tree"))
		return tap_done();
	test_replay();
	image_cleanup();
	return tap_done();
}
