/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members of mirrors, with superblocks made here: mdadm needs a kernel that has md. */
#include "bootloader/disks.h"
#include "bootloader/source.h"
#include "image.h"

enum { OLD = 90, END = 10, START = 11, SECOND = 12 };	/* 0.90, 1.0, 1.1, 1.2 */

/* What a superblock says that matters. */
struct super {
	int version;
	uint32_t level;
	uint64_t events;
	bool spare;
};

static void put_old(uint8_t *s, const struct super *super, uint64_t at)
{
	put_le(s, 4, 0xa92b4efc);
	put_le(s + 8, 4, 90);
	put_le(s + 20, 4, 0xabababab);
	put_le(s + 28, 4, super->level);
	put_le(s + 32, 4, at >> 10);
	put_le(s + 44, 4, 7);
	memset(s + 52, 0xab, 12);
	put_le(s + 156, 8, super->events);
	put_le(s + 3984, 4, super->spare ? 0 : 6);
}

static void put_new(uint8_t *s, const struct super *super, uint64_t at, uint64_t size)
{
	image_md_super(s, at, size, super->level);
	if (super->version == END) {
		put_le(s + 128, 8, 0);
		put_le(s + 136, 8, at / 512);
	}
	put_le(s + 160, 4, 1);
	put_le(s + 200, 8, super->events);
	put_le(s + 258, 2, super->spare ? 0xffff : 1);
}

/* A file system of 12 MiB on a member of 13 MiB, which is written to path. */
static bool make_member(const char *path, const char *fs, const struct super *super)
{
	const uint64_t size = 13 << 20;
	const uint64_t at = super->version == OLD ? size - 65536 :
		super->version == END ? size - 8192 : super->version == SECOND ? 4096 : 0;
	bool shifted = super->version == START || super->version == SECOND;
	scoped(fd) int fd = -1;
	uint8_t s[4096] = { 0 };

	if (super->version == OLD)
		put_old(s, super, at);
	else
		put_new(s, super, at, size);
	if (!sh("rm -f %s; truncate -s 13M %s; dd if=%s of=%s bs=1M seek=%d conv=notrunc", path, path, fs,
		path, shifted))
		return false;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && pwrite(fd, s, sizeof(s), (off_t)at) == sizeof(s);
}

/* What devices there are; a function looks at them. */
static void with_disks(const char *what, const char *const *paths, size_t nr,
		       void (*look)(const char *what, struct disks *disks))
{
	struct budget budget = BUDGET_INIT;
	struct bytes b[2] = { BYTES_INIT, BYTES_INIT };
	struct blk *blks[2] = { NULL, NULL };
	struct disks *disks = NULL;
	struct err err = ERR_INIT;
	int rc = 0;

	for (size_t i = 0; i < nr && rc == 0; i++) {
		b[i] = image_load(paths[i]);
		rc = blk_open_memory(b[i].data, b[i].len, &budget, &blks[i], &err);
	}
	if (rc == 0)
		rc = disks_open(blks, nr, &disks, &err);
	if (ok(rc == 0, "%s: open %s", what, err.msg))
		look(what, disks);
	disks_close(disks);
	for (size_t i = 0; i < nr; i++) {
		blk_close(blks[i]);
		scoped_bytes(&b[i]);
	}
}

static void is_content(const char *what, const struct source *s, unsigned int dev, const char *want)
{
	scoped(bytes) struct bytes got = BYTES_INIT;
	struct err err = ERR_INIT;

	if (ok(dev != SOURCE_NO_DEVICE && source_read(s, dev, "/which", 100, &got, &err) == 0,
	       "%s: read %s", what, err.msg))
		is_str(got.data, want, "%s: its content", what);
}

static const char *md_name;	/* of the mirror */

static void look_new(const char *what, struct disks *disks)
{
	const struct source *s = disks_source(disks);
	unsigned int dev = source_by_name(s, md_name), first = 0;

	is_int(s->nr_devices, 3, "%s: two disks and one mirror", what);
	is_int(source_by_name(s, "mduuid/abababababababababababababababab"), dev, "%s: by uuid", what);
	is_content(what, s, dev, "new");
	/* Where the data begins with the device it is there as well. */
	for (; first < 2; first++) {
		if (s->devices[first].fs)
			is_content(what, s, first, "new");
	}
}

static unsigned int stale;

static void look_stale(const char *what, struct disks *disks)
{
	char want[80];

	look_new(what, disks);
	snprintf(want, sizeof(want), "out of date: hd%u has its data", !stale);
	ok(strstr(disks_note(disks, stale), want), "%s: %s", what, disks_note(disks, stale));
	is_str(disks_note(disks, !stale), "", "%s: the other is well", what);
}

/* Two halves, one of them old, either first. */
static void test_mirrors(void)
{
	static const struct {
		const char *what, *name;
		int version;
	} cases[] = {
		{ "0.90", "md/7", OLD }, { "1.0", "md/boot", END }, { "1.1", "md/boot", START },
		{ "1.2", "md/boot", SECOND },
	};
	static const char *const same[] = { "new.md", "new.md" };
	static const char *const orders[2][2] = { { "old.md", "new.md" }, { "new.md", "old.md" } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct super now = { cases[i].version, 1, 1ull << 33, false };
		const struct super before = { cases[i].version, 1, 17, false };
		const struct super spare = { cases[i].version, 1, 1ull << 33, true };

		md_name = cases[i].name;
		if (!ok(make_member("new.md", "new.img", &now) &&
			make_member("old.md", "old.img", &before), "members %s", cases[i].what))
			continue;
		with_disks(cases[i].what, same, 2, look_new);
		for (stale = 0; stale < 2; stale++)
			with_disks(cases[i].what, orders[stale], 2, look_stale);
		stale = 0;
		if (ok(make_member("old.md", "old.img", &spare), "a spare"))
			with_disks(cases[i].what, orders[0], 2, look_stale);
	}
}

/* Another file system of the guest is nobody's newer half, whatever its users wrote. */
static void look_foreign(const char *what, struct disks *disks)
{
	const struct source *s = disks_source(disks);

	is_content(what, s, 0, "old");
	is_content(what, s, 1, "foreign");
}

/* Nor does it take a mirror away whose data no user can lie about. */
static void look_beside(const char *what, struct disks *disks)
{
	const struct source *s = disks_source(disks);

	is_int(s->nr_devices, 3, "%s: two disks and one mirror", what);
	is_content(what, s, source_by_name(s, "md/boot"), "old");
	is_content(what, s, s->devices[0].fs ? 0 : 1, "foreign");
}

static void look_raid5(const char *what, struct disks *disks)
{
	is_int(disks_source(disks)->nr_devices, 1, "%s: no mirror", what);
	is_str(disks_note(disks, 0), "RAID level 5 is not read here: let the guest's own GRUB boot it "
	       "(pvgrub)", "%s", what);
}

static void look_plain(const char *what, struct disks *disks)
{
	const struct source *s = disks_source(disks);

	is_int(s->nr_devices, 1, "%s: no mirror", what);
	is_str(disks_note(disks, 0), "", "%s: no note", what);
}

static void test_others(void)
{
	static const char *const foreign[] = { "old.md", "new.md" }, *const one[] = { "one.md" };
	static const char *const turned[] = { "new.md", "old.md" };
	const struct super few = { END, 1, 3, false }, many = { END, 1, 99, false };
	const struct super real = { SECOND, 1, 3, false };

	if (ok(make_member("old.md", "old.img", &few) && make_member("new.md", "foreign.img", &many),
	       "two file systems"))
		with_disks("foreign", foreign, 2, look_foreign);
	if (ok(make_member("old.md", "old.img", &real) && make_member("new.md", "foreign.img", &many),
	       "a mirror and a file system")) {
		with_disks("beside", foreign, 2, look_beside);
		with_disks("beside, first", turned, 2, look_beside);
	}
	for (int v = END; v <= OLD; v += v == SECOND ? OLD - SECOND : 1) {
		const struct super raid5 = { v, 5, 3, false };

		/* Its first member begins as the file system does, which is larger than the member. */
		if (ok(make_member("one.md", "large.img", &raid5), "RAID5 %d", v))
			with_disks("RAID5", one, 1, look_raid5);
	}
	if (ok(make_member("one.md", "empty.img", &many) &&
	       sh("printf '\\377' | dd of=one.md bs=1 seek=$((13 * 1048576 - 8192 + 134)) conv=notrunc"),
	       "beyond the end"))
		with_disks("beyond the end", one, 1, look_plain);
	if (ok(make_member("one.md", "empty.img", &many) &&
	       sh("printf '\\010' | dd of=one.md bs=1 seek=$((13 * 1048576 - 8192 + 128)) conv=notrunc"),
	       "data elsewhere"))
		with_disks("data elsewhere", one, 1, look_plain);
}

int main(void)
{
	if (ok(image_setup() && image_setup_links() &&
	       sh("u=01234567-89ab-cdef-0123-456789abcdef; for i in old new foreign; do\n"
		  "printf $i >tree/which; truncate -s 12M $i.img\n"
		  "mke2fs -q -F -t ext4 -U $u -d tree $i.img; done; tune2fs -U random foreign.img\n"
		  "truncate -s 24M large.img; mke2fs -q -F -t ext4 large.img; truncate -s 12M large.img\n"
		  "truncate -s 1M empty.img"),
	       "images")) {
		test_mirrors();
		test_others();
	}
	image_cleanup();
	return tap_done();
}
