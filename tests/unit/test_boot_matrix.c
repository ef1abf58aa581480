/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables x file systems x configurations: images of each combination, made by the tools that
 * guests' disks are made with, go through the real out/xlite-boot; its kernel, ramdisk and
 * command line are those that went in. By default each table meets each file system once, with
 * the configurations in turn; all of them where IMAGE_CHANGES is set. Then such images damaged.
 */
#include <sys/mman.h>
#include <sys/resource.h>

#include "bootloader/conf/conf.h"
#include "bootloader/disks.h"
#include "bootloader/source.h"
#include "kernel.h"
#include "reader.h"

#define KERNEL "vmlinuz-6.1.0-13-amd64"
#define INITRD "initrd.img-6.1.0-13-amd64"

/*
 * Configurations. `make` fills the folder, which is the working directory of the commands, out
 * of ../kernel and ../ramdisk.
 */
static const struct config {
	const char *name, *language;
	const char *make;
	const char *cmdline;
	bool iso;		/* on ISO9660 only */
} configs[] = {
	{ "grub2", "grub2",
	  "mkdir -p boot/grub; gzip <../kernel >boot/" KERNEL "; cp ../ramdisk boot/" INITRD "\n"
	  "cat >boot/grub/grub.cfg <<'X'\n"
	  "set default=second\nset params='ro  quiet'\n"
	  "menuentry First { linux /boot/gone }\n"
	  "menuentry Second --id second {\n	search --no-floppy --label --set=root BOOT\n"
	  "	linux ($root)/boot/" KERNEL " root=LABEL=BOOT $params\n	initrd /boot/" INITRD "\n}\nX\n",
	  .cmdline = "root=LABEL=BOOT ro quiet" },
	{ "blscfg", "grub2",
	  "mkdir -p grub2 loader/entries; cp ../kernel vmlinuz-6.5; cp ../ramdisk initramfs-6.5.img\n"
	  "printf 'set default=0\\nload_env\\ninsmod blscfg\\nblscfg\\n' >grub2/grub.cfg\n"
	  "{ printf '# GRUB Environment Block\\nkernelopts=root=/dev/xvda3 ro\\n'\n"
	  "head -c 1024 /dev/zero | tr '\\0' '#'; } | head -c 1024 >grub2/grubenv\n"
	  "printf 'title Old\\nversion 5.9\\nlinux /gone\\n' >loader/entries/machine-5.9.conf\n"
	  "printf 'title Fedora\\nversion 6.5\\nlinux /vmlinuz-6.5\\ninitrd /initramfs-6.5.img\\n"
	  "options $kernelopts rhgb\\n' >loader/entries/machine-6.5.conf\n",
	  .cmdline = "root=/dev/xvda3 ro rhgb" },
	{ "systemd-boot", "bls",
	  "mkdir -p loader/entries machine/6.1; cp ../kernel machine/6.1/linux; cp ../ramdisk machine/6.1/initrd\n"
	  "printf 'default arch*\\n' >loader/loader.conf\n"
	  "printf 'title Z\\nlinux /gone\\n' >loader/entries/z.conf\n"
	  "printf 'title Arch\\nlinux /machine/6.1/linux\\ninitrd /machine/6.1/initrd\\n"
	  "options root=/dev/xvda2\\noptions rw\\n' >loader/entries/arch-6.1.conf\n",
	  .cmdline = "root=/dev/xvda2 rw" },
	{ "UKI", "bls", "mkdir -p EFI/Linux; cp ../uki EFI/Linux/arch.efi\n",
	  .cmdline = "root=/dev/xvda4 console=hvc0" },
	{ "GRUB legacy", "grub",
	  "mkdir -p boot/grub; cp ../kernel boot/vmlinuz-2.6.18; cp ../ramdisk boot/initrd-2.6.18\n"
	  "printf 'default 1\\ntitle First\\nkernel /boot/gone\\n"
	  "title Second\\nkernel /boot/vmlinuz-2.6.18 ro root=/dev/xvda1\\ninitrd /boot/initrd-2.6.18\\n' "
	  ">boot/grub/menu.lst\n",
	  .cmdline = "ro root=/dev/xvda1" },
	{ "extlinux", "syslinux",
	  "mkdir -p boot/extlinux; cp ../kernel boot/vmlinuz; cp ../ramdisk boot/initrd\n"
	  "printf 'DEFAULT two\\nLABEL one\\n  LINUX ../gone\\n"
	  "LABEL two\\n  LINUX ../vmlinuz\\n  INITRD ../initrd\\n  APPEND root=/dev/xvda2 rw\\n' "
	  ">boot/extlinux/extlinux.conf\n",
	  .cmdline = "root=/dev/xvda2 rw" },
	{ "syslinux", "syslinux",
	  "cp ../kernel linux; cp ../ramdisk initrd\n"
	  "printf 'default one\\nlabel one\\n  linux linux\\n  initrd initrd\\n  append quiet\\n' >syslinux.cfg\n",
	  .cmdline = "quiet" },
	{ "no configuration", "none",
	  "mkdir boot; cp ../kernel boot/" KERNEL "; cp ../ramdisk boot/" INITRD "\n"
	  "printf old >boot/vmlinuz-6.1.0-9-amd64; printf old >boot/initrd.img-6.1.0-9-amd64\n",
	  .cmdline = "" },
	{ "isolinux", "syslinux",
	  "mkdir -p isolinux live; cp ../kernel live/vmlinuz; cp ../ramdisk live/initrd\n"
	  "printf 'default live\\nlabel live\\n  kernel /live/vmlinuz\\n  initrd /live/initrd\\n"
	  "  append boot=live\\n' >isolinux/isolinux.cfg\n",
	  .cmdline = "boot=live", .iso = true },
};

/* File systems: `make` makes fs.img of the folder $tree; no larger than the tables' place. */
static const struct kind {
	const char *name, *type, *tool;
	const char *make;
	bool iso;
} kinds[] = {
	{ "ext2", "ext2", "mke2fs", "truncate -s 12M fs.img; mke2fs -q -F -t ext2 -L BOOT -d $tree fs.img", false },
	{ "ext3", "ext3", "mke2fs", "truncate -s 12M fs.img; mke2fs -q -F -t ext3 -L BOOT -d $tree fs.img", false },
	{ "ext4", "ext4", "mke2fs", "truncate -s 12M fs.img; mke2fs -q -F -t ext4 -L BOOT -d $tree fs.img", false },
	{ "XFS v4", "xfs", "mkfs.xfs", "truncate -s 300M fs.img; xfs_proto $tree >proto\n"
	  "mkfs.xfs -q -f -m crc=0 -L BOOT -p proto fs.img", false },
	{ "XFS v5", "xfs", "mkfs.xfs", "truncate -s 300M fs.img; xfs_proto $tree >proto\n"
	  "mkfs.xfs -q -f -L BOOT -p proto fs.img", false },
	{ "btrfs", "btrfs", "mkfs.btrfs", "truncate -s 120M fs.img\n"
	  "mkfs.btrfs -q -f -L BOOT --rootdir $tree fs.img", false },
	{ "FAT12", "vfat", "mcopy", "truncate -s 3M fs.img; mkfs.vfat -F 12 -s 8 -n BOOT fs.img\n"
	  "mcopy -i fs.img -s $tree/* ::/", false },
	{ "FAT16", "vfat", "mcopy", "truncate -s 16M fs.img; mkfs.vfat -F 16 -n BOOT fs.img\n"
	  "mcopy -i fs.img -s $tree/* ::/", false },
	{ "FAT32", "vfat", "mcopy", "truncate -s 40M fs.img; mkfs.vfat -F 32 -n BOOT fs.img\n"
	  "mcopy -i fs.img -s $tree/* ::/", false },
	{ "ISO9660", "iso9660", "genisoimage", "genisoimage -quiet -R -V BOOT -o fs.img $tree", true },
};

enum { DISK_MIB = 340 };

#define GPT "printf 'label: gpt\nstart=2048,size=2048,type=U\nstart=4096,size=304MiB\n' | sfdisk -q t.img\n"

/*
 * Tables: `make` makes of t.img, which is empty and DISK_MIB large, a disk with a place for a
 * file system; `convert` makes another format of that.
 */
static const struct table_kind {
	const char *name, *device, *tool;
	const char *make;
	unsigned int at_mib;	/* of the place */
	const char *grub;	/* what GRUB calls the place; NULL: it is not asked */
	const char *convert;	/* qemu-img's options */
	enum boot_format format;
	bool loops;		/* made on a loop device */
} tables[] = {
	{ "no table", "hd0", "true", "", .grub = "(loop0)" },
	{ "MBR, primary", "hd0,msdos2", "sfdisk", "printf 'label: dos\nstart=2048,size=2048,type=82\n"
	  "start=4096,size=304MiB,type=83\n' | sfdisk -q t.img\n", 2, .grub = "(loop0,msdos2)" },
	{ "MBR, logical", "hd0,msdos5", "sfdisk", "printf 'label: dos\nstart=2048,size=330MiB,type=5\n"
	  "start=4096,size=304MiB,type=83\n' | sfdisk -q t.img\n", 2, .grub = "(loop0,msdos5)" },
	{ "GPT", "hd0,gpt2", "sfdisk", GPT, 2, .grub = "(loop0,gpt2)" },
	{ "GPT, backup only", "hd0,gpt2", "sfdisk",
	  GPT "dd if=/dev/zero of=t.img bs=512 seek=1 count=1 conv=notrunc\n",
	  2, .grub = NULL },	/* which does not look for the backup */
	{ "GPT, hybrid", "hd0,gpt2", "sgdisk", GPT "sgdisk -h 2:EE t.img\n", 2, .grub = "(loop0,gpt2)" },
	{ "GPT, 4096-byte sectors", "hd0,gpt2", "sfdisk",
	  "d=$(losetup -f --show -b 4096 t.img); trap 'losetup -d $d' EXIT\n"
	  "printf 'label: gpt\nstart=256,size=256,type=U\nstart=512,size=304MiB\n' | sfdisk -q $d\n",
	  2, .loops = true },
	{ "LVM2", "lvm/vg-boot", "lvm", "a=$(losetup -f --show t.img); b=$a; trap 'losetup -d $a' EXIT\n"
	  IMAGE_LVM "lvm pvcreate -q $a; lvm vgcreate -q -s 1M vg $a\n"
	  "lvm lvcreate -q -an -Zn -Wn -L 304M -n boot vg\n", 1, .grub = "(lvm/vg-boot)", .loops = true },
	{ "md RAID1", "md/boot", "true", "dd if=super of=t.img bs=4096 seek=1 conv=notrunc\n", 1, .grub = NULL },
	{ "qcow2", "hd0,gpt2", "qemu-img", GPT, 2,
	  .convert = "-O qcow2", .format = BOOT_QCOW2 },
	{ "qcow2, compressed", "hd0,gpt2", "qemu-img", GPT, 2,
	  .convert = "-c -O qcow2", .format = BOOT_QCOW2 },
	{ "qcow2, zstd", "hd0,gpt2", "qemu-img", GPT, 2,
	  .convert = "-c -O qcow2 -o compression_type=zstd", .format = BOOT_QCOW2 },
	{ "VHD", "hd0,gpt2", "qemu-img", GPT, 2,
	  .convert = "-O vpc -o force_size=on", .format = BOOT_VHD },
	{ "VHD, fixed", "hd0,gpt2", "qemu-img", GPT, 2,
	  .convert = "-O vpc -o subformat=fixed,force_size=on", .format = BOOT_VHD },
};

/* Those that could be made here. */
static bool made[ARRAY_SIZE(tables)];

/* All that is no hole in `from`, at an offset in `to`. */
static bool copy_data(const char *from, const char *to, off_t offset)
{
	scoped(fd) int in = open(from, O_RDONLY | O_CLOEXEC);
	scoped(fd) int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	scoped(free) uint8_t *buf = malloc(1 << 20);
	off_t at = 0;

	while ((at = lseek(in, at, SEEK_DATA)) >= 0) {
		off_t end = lseek(in, at, SEEK_HOLE);

		for (ssize_t n; at < end; at += n) {
			n = pread(in, buf, end - at < 1 << 20 ? (size_t)(end - at) : 1 << 20, at);
			if (n <= 0 || pwrite(out, buf, (size_t)n, at + offset) != n)
				return false;
		}
	}
	return errno == ENXIO && out >= 0;
}

static bool put_file(const char *path, const void *data, size_t len)
{
	scoped(fd) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd >= 0 && write(fd, data, len) == (ssize_t)len;
}

/* A kernel and a ramdisk of some extents each, and both with a command line in one file. */
static bool make_parts(void)
{
	static const char cmdline[] = "root=/dev/xvda4 console=hvc0\n";
	scoped(bytes) struct bytes kernel = BYTES_INIT;
	scoped(bytes) struct bytes ramdisk = BYTES_INIT;
	scoped(free) uint8_t *uki = malloc(1 << 20);
	uint8_t super[256];

	image_md_super(super, 4096, (uint64_t)DISK_MIB << 20, 1);
	if (!kernel_file("elf") || !put_file("super", super, sizeof(super)) ||
	    !sh("{ cat elf; head -c 300001 /dev/urandom; } >kernel; head -c 150001 /dev/urandom >ramdisk"))
		return false;
	kernel = image_load("kernel");
	ramdisk = image_load("ramdisk");
	const struct kernel_section sections[] = {
		{ ".cmdline", cmdline, strlen(cmdline) }, { ".linux", kernel.data, kernel.len },
		{ ".initrd", ramdisk.data, ramdisk.len },
	};

	return put_file("uki", uki, kernel_pe(uki, sections, ARRAY_SIZE(sections)));
}

static void make_trees(void)
{
	for (size_t c = 0; c < ARRAY_SIZE(configs); c++)
		ok(sh("mkdir tree%zu; cd tree%zu\n%s", c, c, configs[c].make), "files of %s",
		   configs[c].name);
}

static void make_tables(void)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		if (tables[t].loops && !image_loops())
			ok(true, "%s # SKIP needs root and loop devices", tables[t].name);
		else if (!image_tool(tables[t].tool))
			ok(true, "%s # SKIP %s is not there", tables[t].name, tables[t].tool);
		else
			made[t] = ok(sh("rm -f t.img; truncate -s %dM t.img\n%smv t.img table%zu", DISK_MIB,
					tables[t].make, t), "a disk with %s", tables[t].name);
	}
}

/* The disk of table t, with fs.img in its place, as disk.img. */
static bool make_disk(size_t t)
{
	char table[20];

	snprintf(table, sizeof(table), "table%zu", t);
	unlink("disk.img");
	/* A file system alone is the whole disk; others have room behind them. */
	if (!tables[t].at_mib)
		return link("fs.img", "disk.img") == 0;
	return copy_data(table, "disk.img", 0) && truncate("disk.img", (off_t)DISK_MIB << 20) == 0 &&
		copy_data("fs.img", "disk.img", (off_t)tables[t].at_mib << 20) &&
		(!tables[t].convert || sh("qemu-img convert -f raw %s disk.img d; mv d disk.img",
					  tables[t].convert));
}

/* What the reader finds in disk.img. */
static void check_disk(const struct table_kind *t, const struct kind *k, size_t c, const char *name)
{
	const struct config *config = &configs[c];
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	scoped(boot_disks) struct boot_disks disks = BOOT_DISKS_INIT;
	const struct boot_options o = { .action = BOOT_LOAD };
	struct boot_result r;
	struct err err = ERR_INIT;
	struct seen seen;
	char where[40];

	snprintf(where, sizeof(where), "%s %s", t->device, k->type);
	if (!ok(bootloader_add_disk(&disks, "disk.img", t->format, &err) == 0 &&
		run_disks(&disks, o, &seen, &r, &files, &err) == 0, "%s: %s", name, err.msg))
		return;
	is_str(seen.chosen, where, "%s: where its configuration is", name);
	is_str(r.language, config->language, "%s: its language", name);
	is_str(r.cmdline, config->cmdline, "%s: its command line", name);
	ok(same_content(files.kernel, r.kernel_size, "kernel") &&
	   same_content(files.ramdisk, r.ramdisk_size, "ramdisk"), "%s: its kernel and ramdisk", name);
}

static void run_combination(size_t t, size_t k, size_t c)
{
	char name[120];

	snprintf(name, sizeof(name), "%s, %s, %s", tables[t].name, kinds[k].name, configs[c].name);
	if (!make_disk(t)) {
		ok(false, "make %s", name);
		return;
	}
	check_disk(&tables[t], &kinds[k], c, name);
	if (tables[t].grub) {
		char tree[20];

		snprintf(tree, sizeof(tree), "tree%zu", c);
		image_grub("disk.img", tables[t].grub, tree, name);
	}
}

/* Whether there is such a disk; and where nobody asked for all, each table and file system once. */
static bool wanted(size_t t, size_t k, size_t c)
{
	bool iso = kinds[k].iso;

	if (!made[t] || (iso && tables[t].at_mib) || (configs[c].iso && !iso))
		return false;
	return iso || getenv("IMAGE_CHANGES") || (t + k) % (ARRAY_SIZE(configs) - 1) == c;
}

static bool make_fs(size_t k, size_t c)
{
	return sh(IMAGE_XFS_PROTO "tree=tree%zu; rm -f fs.img; %s", c, kinds[k].make);
}

/* One file system with one configuration, on all tables that it is wanted on. */
static void test_fs(size_t k, size_t c)
{
	bool have = false;

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		if (!wanted(t, k, c))
			continue;
		if (!have && !ok(make_fs(k, c), "%s with %s", kinds[k].name, configs[c].name))
			return;
		have = true;
		run_combination(t, k, c);
	}
}

static void test_matrix(void)
{
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		if (!image_tool(kinds[k].tool)) {
			ok(true, "%s # SKIP %s is not there", kinds[k].name, kinds[k].tool);
			continue;
		}
		for (size_t c = 0; c < ARRAY_SIZE(configs); c++)
			test_fs(k, c);
	}
}

/* The configuration on one partition, the kernel on another that `search` finds. */
static void test_search(void)
{
	struct boot_options o = { .action = BOOT_LOAD };
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	struct boot_result r;
	struct err err = ERR_INIT;
	struct seen seen;

	if (!ok(sh("mkdir -p home/boot/grub other; printf decoy >home/vmlinuz; printf decoy >home/initrd\n"
		   "cp kernel other/vmlinuz; cp ramdisk other/initrd; cat >home/boot/grub/grub.cfg <<'X'\n"
		   "menuentry x {\n"
		   "	search --no-floppy --fs-uuid --set=root 01234567-89ab-cdef-0123-456789abcdef\n"
		   "	linux /vmlinuz root=/dev/xvda2\n	initrd /initrd\n}\nX\n"
		   "truncate -s 12M home.img other.img; mke2fs -q -F -t ext4 -d home home.img\n"
		   "mke2fs -q -F -t ext2 -U 01234567-89ab-cdef-0123-456789abcdef -d other other.img\n"
		   "truncate -s 32M two.img; printf 'label: gpt\nstart=4096,size=12MiB\n"
		   "start=32768,size=12MiB\n' | sfdisk -q two.img") &&
		copy_data("home.img", "two.img", 2 << 20) && copy_data("other.img", "two.img", 16 << 20),
		"two partitions"))
		return;
	is_int(run_boot("two.img", o, &seen, &r, &files, &err), 0, "search: %s", err.msg);
	is_str(seen.chosen, "hd0,gpt1 ext4", "search: where the configuration is");
	ok(same_content(files.kernel, r.kernel_size, "kernel") &&
	   same_content(files.ramdisk, r.ramdisk_size, "ramdisk"), "search: the other one's kernel");
}

/* What the reader reads of disk.img until it has all of the default entry. */
static bool trace_disk(const void *data, size_t len, struct image_trace *trace)
{
	struct budget budget = BUDGET_INIT;
	scoped(blk) struct blk *blk = NULL;
	scoped(disks) struct disks *disks = NULL;
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	scoped(bytes) struct bytes kernel = BYTES_INIT;
	struct boot_target target = { .kind = BOOT_LINUX };
	struct blk *traced = &trace->blk;
	const struct source *s;
	struct err err = ERR_INIT;
	unsigned int dev;

	if (blk_open_memory(data, len, &budget, &blk, &err) < 0)
		return false;
	image_trace(trace, blk, 0);
	if (disks_open(&traced, 1, &disks, &err) < 0)
		return false;
	s = disks_source(disks);
	dev = source_by_name(s, "hd0,gpt2");
	return dev != SOURCE_NO_DEVICE && conf_read(s, dev, &menu, &err) == 0 &&
		boot_menu_target(&menu, (size_t)menu.chosen, &target, &err) == 0 &&
		source_read(s, target.kernel.dev, target.kernel.path, 1 << 20, &kernel, &err) == 0;
}

/* No error that a crash, the sandbox, a limit of the process or the time brought about. */
static bool try_reader(const char *image, bool *booted)
{
	static const char *const harm[] = { "the reader of the disk", "too much computing",
					    "too long", "memory" };
	struct boot_options o = { .action = BOOT_LOAD };
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	struct boot_result r;
	struct err err = ERR_INIT;
	struct seen seen;

	*booted = run_boot(image, o, &seen, &r, &files, &err) == 0;
	for (size_t i = 0; !*booted && i < ARRAY_SIZE(harm); i++) {
		if (strstr(err.msg, harm[i])) {
			printf("# %s\n", err.msg);
			return false;
		}
	}
	return true;
}

static void test_damaged(const char *kind, size_t k)
{
	/* Each is a process. */
	unsigned int nr = image_changes() / 20, bad = 0, boots = 0, cuts = 0;
	static struct image_trace trace;
	scoped(fd) int fd = open("disk.img", O_RDWR | O_CLOEXEC);
	size_t len = (size_t)DISK_MIB << 20;
	uint8_t *data = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	bool booted;

	if (!ok(data != MAP_FAILED && trace_disk(data, len, &trace) && trace.nr > 20,
		"%s: what is read of it", kind))
		return;
	srandom((unsigned int)k);
	for (unsigned int i = 0; i < nr; i++) {
		uint8_t old, *at = image_damage(&trace, data, &old);

		bad += !try_reader("disk.img", &booted);
		boots += booted;
		*at = old;
	}
	munmap(data, len);
	for (off_t cut = (off_t)len * 2 / 3; cut; cut /= 3, cuts++)
		bad += ftruncate(fd, cut) < 0 || !try_reader("disk.img", &booted);
	ok(bad == 0, "%s: with %u bytes changed (%u boot), cut %u times", kind, nr, boots, cuts);
}

static void test_damage(void)
{
	static const char *const damaged[] = { "ext4", "XFS v5", "btrfs" };
	struct rusage most;
	size_t gpt = 0;

	while (strcmp(tables[gpt].name, "GPT") != 0)
		gpt++;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
			if (strcmp(kinds[k].name, damaged[i]) == 0 && made[gpt] &&
			    image_tool(kinds[k].tool) &&
			    ok(make_fs(k, 0) && make_disk(gpt), "GPT and %s", damaged[i]))
				test_damaged(damaged[i], k);
		}
	}
	/* The kernel is small; and the tools until now are in it as well: few, and none that is large. */
	getrusage(RUSAGE_CHILDREN, &most);
	ok(most.ru_maxrss < 64 << 10, "no reader took more than %ld KiB", most.ru_maxrss);
}

int main(void)
{
	if (!ok(reader_open(), "out/xlite-boot is built") ||
	    !ok(mkdtemp(image_home) && chdir(image_home) == 0 && make_parts(), "a kernel"))
		return tap_done();
	make_trees();
	make_tables();
	test_damage();
	test_search();
	test_matrix();
	image_cleanup();
	return tap_done();
}
