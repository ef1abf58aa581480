/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bootloader= of a config, with the real reader: what it accepts, and what comes of it. */
#include "domain/bootload.h"

#include <limits.h>

#include "base/log.h"
#include "config/config.h"
#include "config/disk.h"
#include "domain/bootprog.h"
#include "image.h"
#include "kernel.h"

/* A config of one disk. */
struct fixture {
	struct disk disk;
	struct domain_config config;
	char *args[3];
};

static char text[8][40];

static char *put(unsigned int slot, const char *value)
{
	snprintf(text[slot], sizeof(text[slot]), "%s", value);
	return text[slot];
}

static void set_up(struct fixture *f, const char *bootloader, const char *disk, const char *arg)
{
	*f = (struct fixture){ .disk = { .format = DISK_FORMAT_RAW } };
	f->disk.target = put(0, disk);
	f->disk.vdev = put(1, "xvda");
	f->config.disks = &f->disk;
	f->config.nr_disks = 1;
	f->config.target_memkb = 64 << 10;
	f->config.bootloader = put(2, bootloader);
	f->args[0] = put(3, arg ? arg : "");
	f->config.bootloader_args.items = f->args;
	f->config.bootloader_args.nr = arg != NULL;
}

static void check(const char *what, const struct fixture *f, const char *words)
{
	struct err err = ERR_INIT;
	int rc = bootload_check(&f->config, &err);

	ok(words ? rc < 0 && strstr(err.msg, words) : rc == 0, "%s: %s", what, err.msg);
}

static void test_check(void)
{
	struct fixture f;

	set_up(&f, "pygrub", "a.img", "--entry=1");
	check("a name that means ours", &f, NULL);
	set_up(&f, "xlite-boot", "a.img", "-q");
	check("its own name", &f, NULL);
	set_up(&f, "/usr/bin/pygrub", "a.img", NULL);
	check("a program that is not there", &f, "'/usr/bin/pygrub': No such file");
	set_up(&f, "/dev/null", "a.img", NULL);
	check("what is no program", &f, "'/dev/null' is not a program");
	set_up(&f, "/bin/true", "a.img", "--offset=3");
	check("a program and its own arguments", &f, NULL);
	f.disk.format = DISK_FORMAT_QCOW2;
	check("a disk that it cannot read", &f, "must be raw");
	set_up(&f, "grub", "a.img", NULL);
	check("a name that means nothing", &f, "'grub' is not supported");
	set_up(&f, "pygrub", "a.img", "--offset=3");
	check("an argument", &f, "'--offset=3' is not known");
	set_up(&f, "pygrub", "", NULL);
	check("an empty drive", &f, "disk xvda: there is nothing in it");
	f.config.nr_disks = 0;
	check("none", &f, "'pygrub': the config has no disk");
	set_up(&f, "pygrub", "a.img", NULL);
	f.disk.format = DISK_FORMAT_QED;
	check("a format", &f, "disk xvda: format qed is not read here, raw, qcow2 and vhd are");
	f.disk.format = DISK_FORMAT_VHD;
	check("another", &f, NULL);
	set_up(&f, "pygrub", "nbd://host:10809/disk", NULL);
	check("QEMU's", &f, "disk xvda: 'nbd://host:10809/disk' is for QEMU to open, and not read "
	      "here: let the guest's own GRUB boot it (pvgrub)");
	f.disk.script = put(4, "block-nbd");
	check("a script's", &f, NULL);
	f.disk.format = DISK_FORMAT_QCOW2;
	check("a script's of a format", &f, "disk xvda: a script's disk is raw");
	set_up(&f, "pygrub", "disk/by-path/pci-0000:00:1f.2-ata-1", NULL);
	f.disk.phy = true;
	check("a device with a colon", &f, NULL);
	set_up(&f, "pygrub", "a.img", NULL);
	f.disk.script = put(4, "block");
	check("the default script", &f, NULL);
	f.disk.backend_domid = 3;
	check("another domain's", &f, "it is another domain's, and not read here");
}

/* One that is read is enough; else the reason is that of the first with something in it. */
static void test_check_two(void)
{
	struct disk disks[2];
	struct fixture f;

	set_up(&f, "pygrub", "", NULL);
	disks[0] = disks[1] = f.disk;
	f.config.disks = disks;
	f.config.nr_disks = 2;
	disks[1].vdev = put(4, "xvdb");
	disks[1].target = put(5, "rbd:pool/image");
	check("of two", &f, "disk xvdb: 'rbd:pool/image' is for QEMU");
	disks[1].target = put(5, "a.img");
	check("one is enough", &f, NULL);
}

/* What another's program answers; NULL in words: it is good. */
static void test_answer(void)
{
	static const struct {
		const char *text;
		size_t len;
		const char *kernel, *ramdisk, *args, *words;
	} cases[] = {
#define ANSWER(t) t, sizeof(t) - 1
		{ ANSWER("kernel /x/k\0ramdisk /x/r\0args a b=\"c d\"\0\0"), "/x/k", "/x/r",
		  "a b=\"c d\"", NULL },
		{ ANSWER("args \0kernel \t/x/k"), "/x/k", NULL, "", NULL },
		{ ANSWER("kernel /x/k\0kernel /x/other\0"), "/x/other", NULL, NULL, NULL },
		{ ANSWER(""), .words = "names no kernel" },
		{ ANSWER("ramdisk /x/r\0"), .words = "names no kernel" },
		{ ANSWER("kernel\0"), .words = "it answers 'kernel'" },
		{ ANSWER("kernel /x/k\0kernels /x\0"), .words = "it answers 'kernels /x'" },
		{ ANSWER("(linux (kernel \033/x))"), .words = "it answers '(linux (kernel \\x1b/x))'" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bootprog_answer answer;
		struct err err = ERR_INIT;
		int rc = bootprog_parse(cases[i].text, cases[i].len, &answer, &err);

		if (cases[i].words) {
			ok(rc < 0 && strstr(err.msg, cases[i].words), "answer %zu: %s", i, err.msg);
			continue;
		}
		is_int(rc, 0, "answer %zu: %s", i, err.msg);
		is_str(answer.kernel, cases[i].kernel, "its kernel");
		is_str(answer.ramdisk, cases[i].ramdisk, "its ramdisk");
		is_str(answer.args, cases[i].args, "its command line");
	}
}

static bool same(const char *path, const char *file)
{
	scoped(bytes) struct bytes want = image_load(file), got = image_load(path);

	return want.len == got.len && memcmp(want.data, got.data, want.len) == 0;
}

static void test_run(void)
{
	scoped(bootload) struct bootload b = BOOTLOAD_INIT;
	struct err err = ERR_INIT;
	struct fixture f;

	set_up(&f, "pygrub", "fs.img", NULL);
	f.config.cmdline = put(4, "extra words");
	is_int(bootload_run(NULL, &f.config, -1, &b, &err), 0, "the default: %s", err.msg);
	ok(same(b.kernel, "elf") && same(b.ramdisk, "tree/boot/ramdisk"), "kernel and ramdisk, by paths");
	is_str(b.cmdline, "root=/dev/xvda1 ro extra words", "command line");
	scoped_bootload(&b);
	set_up(&f, "pygrub", "fs.img", "--entry=1");
	is_int(bootload_run(NULL, &f.config, -1, &b, &err), 0, "an entry: %s", err.msg);
	is_str(b.ramdisk, "", "no ramdisk");
	is_str(b.cmdline, "single", "its command line");
	scoped_bootload(&b);
	set_up(&f, "pygrub", "fs.img", NULL);
	f.config.kernel = put(4, "/boot/kernel");
	is_int(bootload_run(NULL, &f.config, -1, &b, &err), 0, "a path in the image: %s", err.msg);
	ok(same(b.kernel, "elf"), "it is that");
	is_str(b.cmdline, "", "no command line");
}

/* -v tells what guarded the host; what is printed is kept in a file meanwhile. */
static void test_verbose(void)
{
	scoped(bootload) struct bootload b = BOOTLOAD_INIT;
	scoped(fd) int before = dup(STDERR_FILENO);
	scoped(fd) int log = open("log", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	enum log_level level = log_level;
	struct err err = ERR_INIT;
	struct fixture f;
	int rc;

	if (!ok(before >= 0 && log >= 0 && dup2(log, STDERR_FILENO) >= 0, "a log"))
		return;
	set_up(&f, "pygrub", "fs.img", NULL);
	log_level = LOG_DEBUG;
	rc = bootload_run(NULL, &f.config, -1, &b, &err);
	log_level = level;
	dup2(before, STDERR_FILENO);
	is_int(rc, 0, "with -v: %s", err.msg);
	ok(sh("grep -q 'bootloader: in a sandbox of seccomp' log"), "what the sandbox is made of");
}

static void test_fail(void)
{
	static const struct {
		const char *what, *disk, *arg, *words;
		int memory_mb;
	} cases[] = {
		{ "no disk", "nothing.img", NULL,
		  "disk xvda: cannot open 'nothing.img': No such file or directory", 64 },
		{ "nothing on it", "tree/boot/ramdisk", NULL,
		  "bootloader 'pygrub': no boot configuration and no kernel found on its disks", 64 },
		{ "no kernel", "fs.img", "--entry=2",
		  "bootloader 'pygrub': entry 'Gone': kernel (hd0)/boot/gone: it is missing", 64 },
		{ "more than its memory", "fs.img", NULL, "larger than", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scoped(bootload) struct bootload b = BOOTLOAD_INIT;
		struct err err = ERR_INIT;
		struct fixture f;

		set_up(&f, "pygrub", cases[i].disk, cases[i].arg);
		f.config.target_memkb = (uint64_t)cases[i].memory_mb << 10;
		ok(bootload_run(NULL, &f.config, -1, &b, &err) < 0 && strstr(err.msg, cases[i].words),
		   "%s: %s", cases[i].what, err.msg);
	}
}

/* What create says about a guest's disk goes to a terminal, and does nothing to it. */
static void test_warnings(void)
{
	scoped(bootload) struct bootload b = BOOTLOAD_INIT;
	scoped(bytes) struct bytes out = BYTES_INIT;
	scoped(fd) int own = dup(STDERR_FILENO);
	scoped(fd) int file = open("warnings", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct err err = ERR_INIT;
	struct fixture f;
	bool clean = true;

	set_up(&f, "pygrub", "evil.img", NULL);
	dup2(file, STDERR_FILENO);
	ok(bootload_run(NULL, &f.config, -1, &b, &err) < 0, "an evil guest: %s", err.msg);
	dup2(own, STDERR_FILENO);
	out = image_load("warnings");
	ok(strstr(out.data, "fallback: entry 'T\\x1b[31m\\x9b\\x0aX': ") &&
	   strstr(out.data, "label 'L\\x1b[1m\\x9b'") && strstr(err.msg, "(hd0)/boot/\\x1bgone"),
	   "all of it is said");
	for (const char *c = out.data; *c; c++)
		clean &= *c == '\n' || (*c >= 0x20 && *c < 0x7f);
	for (const char *c = err.msg; *c; c++)
		clean &= *c >= 0x20 && *c < 0x7f;
	ok(clean, "and escaped");
}

/* The reader is looked for beside the program. */
static bool put_reader(void)
{
	const char *path = getenv("XLITE_BOOT");
	scoped(free) char *reader = realpath(path ? path : "out/xlite-boot", NULL);
	char own[PATH_MAX + 16];
	ssize_t n = readlink("/proc/self/exe", own, PATH_MAX);

	while (n > 0 && own[n - 1] != '/')
		n--;
	if (n <= 0 || !reader)
		return false;
	strcpy(own + n, "xlite-boot");
	return access(own, X_OK) == 0 || symlink(reader, own) == 0;
}

static bool put_kernel(void)
{
	static uint8_t elf[2 << 20];
	scoped(fd) int fd = open("elf", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	kernel_elf(elf, sizeof(elf));
	return fd >= 0 && write(fd, elf, sizeof(elf)) == sizeof(elf);
}

int main(void)
{
	if (!ok(put_reader(), "out/xlite-boot is built"))
		return tap_done();
	test_check();
	test_check_two();
	test_answer();
	if (ok(image_setup() && put_kernel() &&
	       sh("cp elf tree/boot/kernel; echo archive >tree/boot/ramdisk\n"
		  "cat >tree/boot/grub/grub.cfg <<'X'\n"
		  "menuentry 'First' { linux /boot/kernel root=/dev/xvda1 ro\ninitrd /boot/ramdisk\n}\n"
		  "menuentry 'Second' { linux /boot/kernel single }\n"
		  "menuentry 'Gone' { linux /boot/gone }\nX\n"
		  "truncate -s 16M fs.img; mke2fs -q -F -t ext4 -d tree fs.img\n"
		  "printf 'fallback=1\nmenuentry \"T\033[31m\233\nX\" { linux /boot/\033gone }\n"
		  "menuentry b { linux /boot/\033gone }\n' >tree/boot/grub/grub.cfg; truncate -s 16M evil.img\n"
		  "mke2fs -q -F -t ext4 -L \"L$(printf '\033[1m\233')\" -d tree evil.img"), "an image")) {
		test_run();
		test_verbose();
		test_fail();
		test_warnings();
	}
	image_cleanup();
	return tap_done();
}
