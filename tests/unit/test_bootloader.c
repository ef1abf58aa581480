/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program: images with a table, a file system and a configuration go into the real
 * out/xlite-boot and its sandbox; what comes out is compared with what went in.
 */
#include <pty.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/json.h"
#include "base/str.h"
#include "bootloader/sandbox.h"
#include "bootloader/wire.h"
#include "kernel.h"
#include "reader.h"

static off_t file_size(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_size : -1;
}

static const char grub_cfg[] =
	"cat >tree/boot/grub/grub.cfg <<'X'\n"
	"set default=one\n"
	"menuentry 'First' --id first { linux /boot/vmlinuz-6.1.0-13-amd64 root=/dev/xvda1 }\n"
	"menuentry 'Second' --id one { search --no-floppy --label --set=root Boot\n"
	"	linux /vmlinuz root=LABEL=Boot ro quiet\n"
	"	initrd /initrd.img /boot/grub/more\n}\n"
	"menuentry 'Gone' { linux /boot/gone }\n"
	"menuentry 'Packed' { linux /vmlinuz\ninitrd /boot/grub/more.gz /initrd.img\n}\nX\n"
	"printf 'the second archive' >tree/boot/grub/more\n"
	"gzip <tree/boot/grub/more >more.gz; cat more.gz tree/boot/grub/more >tree/boot/grub/more.gz\n"
	"{ cat elf; head -c 700001 /dev/urandom; } >vmlinux\n"
	"gzip <vmlinux >tree/boot/vmlinuz-6.1.0-13-amd64\n"
	"{ cat tree/boot/initrd.img*; cat tree/boot/grub/more; } >both\n";

static void test_load(const char *image, const char *where)
{
	const int all_seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	struct boot_options o = { .action = BOOT_LOAD };
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	struct boot_result result;
	struct err err = ERR_INIT;
	struct seen seen;
	int rc = run_boot(image, o, &seen, &result, &files, &err);

	is_int(rc, 0, "load from %s: %s", image, err.msg);
	is_str(seen.chosen, where, "where the configuration is");
	is_int(seen.entries, 4, "entries");
	is_int(result.kernel.modes, 3, "PV and PVH");
	is_str(result.title, "Second", "the default by id");
	is_str(result.cmdline, "root=LABEL=Boot ro quiet", "command line");
	ok(same_content(files.kernel, result.kernel_size, "vmlinux"), "the kernel's bytes");
	is_str(result.kernel.wrapping, "gzip", "what it was in");
	is_int(result.kernel.bits, 64, "its bits");
	ok(file_size(files.kernel) == (off_t)result.kernel_size &&
	   file_size(files.ramdisk) == (off_t)result.ramdisk_size, "files as large as what is in them");
	ok(same_content(files.ramdisk, result.ramdisk_size, "both"), "the ramdisks', one after the other");
	ok(pwrite(files.kernel, "x", 1, 0) < 0 && ftruncate(files.kernel, 0) < 0,
	   "nobody changes them any more");
	is_int(fcntl(files.kernel, F_GET_SEALS), all_seals, "they are sealed");
	is_int(fcntl(files.ramdisk, F_GET_SEALS), all_seals, "both");
	ok(geteuid() != 0 || result.sandbox & SANDBOX_UID, "root became another user");
}

static void expect(const char *what, struct boot_options o, int code, const char *words)
{
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	struct boot_result result;
	struct err err = ERR_INIT;
	struct seen seen;
	int rc = run_boot("gpt.img", o, &seen, &result, &files, &err);

	is_int(rc, -code, "%s: %s", what, err.msg);
	ok(strstr(code ? err.msg : seen.note, words), "%s: says '%s': %s", what, words,
	   code ? err.msg : seen.note);
	ok(files.kernel < 0, "%s: no kernel", what);
}

static void test_errors(void)
{
	const struct boot_options load = { .action = BOOT_LOAD };
	struct boot_options o = load;

	o.entry = "Nothing";
	expect("an entry that is not there", o, ENOENT, "no entry 'Nothing'");
	o.entry = "2";
	expect("a kernel that is not there", o, ENOENT, "/boot/gone");
	o.action = BOOT_LIST;
	expect("the same in a list", o, 0, "/boot/gone");
	o = load;
	o.kernel_max = 1000;
	expect("a kernel that is too large", o, EFBIG, "larger than");
	o = load;
	o.ramdisk_max = 1000;
	expect("a ramdisk that is too large", o, EFBIG, "larger than");
	o = load;
	o.kernel = "/etc/one";
	expect("what is no kernel", o, EINVAL, "kernel (hd0,gpt2)/etc/one: it is not a kernel");
	o.kernel = "/boot/none";
	expect("a path that is not there", o, ENOENT, "/boot/none");
	o = load;
	o.ramdisk = "/boot/none";
	expect("only a ramdisk that is not there", o, ENOENT, "/boot/none");
}

static void test_path(void)
{
	struct boot_options o = { .action = BOOT_LOAD, .kernel = "/vmlinuz", .ramdisk = "/etc/one" };
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	struct boot_result result;
	struct err err = ERR_INIT;
	struct seen seen;

	is_int(run_boot("gpt.img", o, &seen, &result, &files, &err), 0, "a path: %s", err.msg);
	ok(same_content(files.kernel, result.kernel_size, "vmlinux") &&
	   same_content(files.ramdisk, result.ramdisk_size, "tree/etc/one"), "its bytes");
	scoped_boot_files(&files);
	o.kernel = NULL;
	is_int(run_boot("gpt.img", o, &seen, &result, &files, &err), 0, "a ramdisk: %s", err.msg);
	is_str(result.ramdisk_path, "/etc/one", "instead of the entry's");
	is_str(result.title, "Second", "which is booted");
	ok(same_content(files.ramdisk, result.ramdisk_size, "tree/etc/one"), "its bytes");
}

/* The kernel as it is on the disk. */
static void test_raw(void)
{
	struct boot_options o = { .action = BOOT_LOAD, .raw = true };
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	struct boot_result result;
	struct err err = ERR_INIT;
	struct seen seen;

	is_int(run_boot("gpt.img", o, &seen, &result, &files, &err), 0, "raw: %s", err.msg);
	ok(same_content(files.kernel, result.kernel_size, "tree/vmlinuz"), "its bytes");
	is_int(result.kernel.bits, 0, "not looked into");
}

/* A menu with a user behind a socket, who types (after a while) and reads. */
static int run_menu(const char *keys, unsigned int after_s, struct boot_result *result,
		    struct err *err, char *screen, size_t size)
{
	struct boot_options o = { .action = BOOT_LOAD, .timeout_ms = 3000 };
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	struct seen seen;
	int pair[2], rc;
	ssize_t n;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return -errno;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		sleep(after_s);
		_exit(*keys ? write(pair[1], keys, strlen(keys)) < 0 : shutdown(pair[1], SHUT_RDWR));
	}
	terminal = pair[0];
	rc = run_boot("gpt.img", o, &seen, result, &files, err);
	terminal = -1;
	shutdown(pair[0], SHUT_WR);
	n = recv(pair[1], screen, size - 1, MSG_WAITALL);
	screen[n > 0 ? n : 0] = '\0';
	waitpid(pid, NULL, 0);
	close(pair[0]);
	close(pair[1]);
	return rc;
}

static void test_menu(void)
{
	static const struct {
		const char *what, *keys;
		unsigned int after_s;
		int rc;
		const char *title, *cmdline, *screen;
	} cases[] = {
		{ "enter", "\r", 0, 0, "Second", "root=LABEL=Boot ro quiet", " > Second" },
		{ "up", "\033[A\r", 0, 0, "First", "root=/dev/xvda1", "Boot menu from" },
		{ "late, time stands still", "k\r", 4, 0, "First", "root=/dev/xvda1", "First" },
		{ "what is not there, then another one", "j\r\033[A\033[A\r", 0, 0, "First",
		  "root=/dev/xvda1", "Cannot boot this: " },
		{ "Ctrl-C", "k\003", 0, -EINTR, "", "", "" },
		{ "gone", "", 1, -ECANCELED, "", "", "Second" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		struct boot_result result;
		char screen[20000];
		int rc = run_menu(cases[i].keys, cases[i].after_s, &result, &err, screen,
				  sizeof(screen));

		is_int(rc, cases[i].rc, "menu, %s: %s", cases[i].what, err.msg);
		is_str(rc == 0 ? result.title : "", cases[i].title, "its entry");
		is_str(rc == 0 ? result.cmdline : "", cases[i].cmdline, "its command line");
		ok(strstr(screen, cases[i].screen), "on the screen: '%s'", cases[i].screen);
	}
}

/* An image with nothing but this configuration and, as /boot/k, a kernel. */
static bool make_small(const char *image, const char *config)
{
	return ok(sh("rm -rf small; mkdir -p small/boot/grub; cp elf small/boot/k; echo r >small/boot/r\n"
		     "cat >small/boot/grub/grub.cfg <<'X'\n%s\nX\nrm -f %s; truncate -s 4M %s\n"
		     "mke2fs -q -F -t ext4 -d small %s", config, image, image, image), "%s", image);
}

/* What stands in for an entry that cannot be loaded, and what there is to know of one that can. */
static void test_entries(void)
{
#define GONE "menuentry gone { linux /boot/gone }\n"
#define GOOD "menuentry good { linux /boot/k a b }\n"
	static const struct {
		const char *what, *config;
		int rc;
		const char *title, *words;	/* of the error, or the last note */
	} cases[] = {
		{ "fallback", "timeout=1\nfallback=good\n" GONE GOOD, 0, "good",
		  "fallback: entry 'gone': kernel" },
		{ "several", "timeout=1\nfallback='1 2'\n" GONE "menuentry too { linux /boot/too }\n"
		  GOOD, 0, "good", "fallback: entry 'too': kernel" },
		{ "one that boots nothing", "timeout=1\nfallback=1\nmenuentry x { true }\n" GOOD, 0,
		  "good", "fallback: entry 'x': " },
		{ "none of them", "timeout=1\nfallback=1\n" GONE "menuentry too { linux /boot/too }",
		  -ENOENT, "", "entry 'gone': kernel" },
		{ "no fallback", "timeout=0\n" GONE GOOD, -ENOENT, "", "entry 'gone': kernel" },
		{ "nothing at all", "timeout=1\nmenuentry x { true }\n" GOOD, -ENOEXEC, "",
		  "entry 'x': " },
		{ "next_entry", "timeout=0\nboot_once=true\ndefault=1\n" GONE GOOD, 0, "good",
		  "grub2: the default is for one boot (next_entry)" },
		{ "Xen", "timeout=0\nmenuentry xen { multiboot2 /boot/xen dom0_mem=1G\n"
		  "module2 /boot/k a b\nmodule2 /boot/r\n}", 0, "xen",
		  "grub2: the entry starts Xen: its kernel is booted without that" },
	};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		const size_t n = i / 2;
		const struct boot_options o = { .action = BOOT_LOAD };
		scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
		struct boot_result result;
		struct err err = ERR_INIT;
		int pair[2], rc;
		struct seen seen;

		if (!make_small("small.img", cases[n].config) ||
		    socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
			continue;
		/* The same with a menu that nobody looks at. */
		terminal = i % 2 ? pair[0] : -1;
		rc = run_boot("small.img", o, &seen, &result, &files, &err);
		terminal = -1;
		close(pair[0]);
		close(pair[1]);
		is_int(rc, cases[n].rc, "%s%s: %s", cases[n].what, i % 2 ? ", a menu" : "", err.msg);
		is_str(rc == 0 ? result.title : "", cases[n].title, "  its entry");
		is_str(rc == 0 ? result.cmdline : "", rc == 0 ? "a b" : "", "  its command line");
		ok(rc < 0 || same_content(files.kernel, result.kernel_size, "elf"), "  its kernel");
		ok(strstr(rc == 0 ? seen.note : err.msg, cases[n].words), "  says: %s",
		   rc == 0 ? seen.note : err.msg);
	}
}

/* No configuration anywhere: the newest of /boot, on whatever disk. */
static void test_no_config(void)
{
	struct boot_options o = { .action = BOOT_LOAD };
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	struct boot_result result;
	struct err err = ERR_INIT;
	struct seen seen;

	if (!ok(sh("mkdir -p bare/boot; head -c 4000 elf >bare/boot/vmlinuz-6.1.0-9; cp elf bare/boot/vmlinuz-6.1.0-13\n"
		   "echo old >bare/boot/initrd.img-6.1.0-9; echo new >bare/boot/initrd.img-6.1.0-13\n"
		   "truncate -s 4M bare.img; mke2fs -q -F -t ext4 -d bare bare.img"), "no configuration"))
		return;
	is_int(run_boot("bare.img", o, &seen, &result, &files, &err), 0, "load it: %s", err.msg);
	is_str(result.language, "none", "nothing says so");
	is_str(result.kernel_path, "/boot/vmlinuz-6.1.0-13", "the newest kernel");
	ok(same_content(files.kernel, result.kernel_size, "elf") &&
	   same_content(files.ramdisk, result.ramdisk_size, "bare/boot/initrd.img-6.1.0-13"),
	   "it and its ramdisk");
	scoped_boot_files(&files);
	o.action = BOOT_LIST;
	is_int(run_boot("bare.img", o, &seen, &result, &files, &err), 0, "list it: %s", err.msg);
	is_str(seen.problem, "", "no more to say");
	if (!ok(sh("mkdir bare/etc; echo boot=/dev/sda >bare/etc/lilo.conf\n"
		   "mke2fs -q -F -t ext4 -d bare bare.img"), "LILO's configuration"))
		return;
	is_int(run_boot("bare.img", o, &seen, &result, &files, &err), 0, "list it: %s", err.msg);
	ok(strstr(seen.problem, "LILO"), "it is named: %s", seen.problem);
}

/* The newest kernel is cut off: the next one, and that is said. */
static void test_no_config_damaged(void)
{
	const struct boot_options o = { .action = BOOT_LOAD };
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	struct boot_result result;
	struct err err = ERR_INIT;
	struct seen seen;

	if (!ok(sh("gzip <vmlinux | head -c 300000 >bare/boot/vmlinuz-6.1.0-14\n"
		   "echo newer >bare/boot/initrd.img-6.1.0-14\n"
		   "truncate -s 4M bare.img; mke2fs -q -F -t ext4 -d bare bare.img"), "a damaged kernel"))
		return;
	is_int(run_boot("bare.img", o, &seen, &result, &files, &err), 0, "load another: %s", err.msg);
	is_str(result.kernel_path, "/boot/vmlinuz-6.1.0-13", "the next one");
	ok(same_content(files.kernel, result.kernel_size, "elf") &&
	   same_content(files.ramdisk, result.ramdisk_size, "bare/boot/initrd.img-6.1.0-13"),
	   "it and its ramdisk");
	ok(str_starts(seen.note, "fallback: entry '/boot/vmlinuz-6.1.0-14': "), "says so: %s", seen.note);
}

/* Disks in order: the first with something to boot counts, and one that is not read harms none. */
static void test_several(void)
{
	static const struct {
		const char *what, *disks[2];
		enum boot_format formats[2];
		int rc;
		const char *chosen, *words;	/* of a device's note, or of the error */
	} cases[] = {
		{ "on the second", { "zero.img", "fs.img" }, { BOOT_RAW, BOOT_RAW }, 0, "hd1 ext4", "" },
		{ "on both", { "gpt.img", "fs.img" }, { BOOT_RAW, BOOT_RAW }, 0, "hd0,gpt2 ext4", "" },
		{ "an unreadable one before", { "back.img", "fs.img" }, { BOOT_QCOW2, BOOT_RAW }, 0,
		  "hd1 ext4", "hd0: it has a backing file" },
		{ "and behind", { "fs.img", "back.img" }, { BOOT_RAW, BOOT_QCOW2 }, 0, "hd0 ext4",
		  "hd1: it has a backing file" },
		{ "nothing else", { "back.img", "zero.img" }, { BOOT_QCOW2, BOOT_QCOW2 }, -EOPNOTSUPP, "",
		  "disk 0: it has a backing file" },
	};

	if (!ok(sh("truncate -s 1M zero.img; qemu-img create -q -f qcow2 -b fs.img -F raw back.img"), "disks"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct boot_options o = { .action = BOOT_LOAD };
		scoped(boot_disks) struct boot_disks disks = BOOT_DISKS_INIT;
		scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
		struct boot_result result;
		struct err err = ERR_INIT;
		struct seen seen = { .devices = 0 };
		int rc = 0;

		for (size_t n = 0; n < 2 && rc == 0; n++)
			rc = bootloader_add_disk(&disks, cases[i].disks[n], cases[i].formats[n], &err);
		if (rc == 0)
			rc = run_disks(&disks, o, &seen, &result, &files, &err);
		is_int(rc, cases[i].rc, "two disks, %s: %s", cases[i].what, err.msg);
		is_str(seen.chosen, cases[i].chosen, "  where");
		ok(strstr(rc == 0 ? seen.device_note : err.msg, cases[i].words), "  says: %s",
		   rc == 0 ? seen.device_note : err.msg);
		ok(rc < 0 || strstr(seen.note, cases[i].words), "  and in a note: %s", seen.note);
	}
}

/* A configuration that takes more than it may is a note, and the next disk's counts. */
static void test_greedy(void)
{
	static const struct {
		const char *script, *note;
	} cases[] = {
		{ "set a=b\\$a", "hd0: /boot/grub/grub.cfg: the configuration needs more than 16 MiB" },
		{ "regexp '(a*)*b' aaaaaaaaaaaa", "hd0: /boot/grub/grub.cfg: the script takes more than 1000000 steps" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct boot_options o = { .action = BOOT_LOAD };
		scoped(boot_disks) struct boot_disks disks = BOOT_DISKS_INIT;
		scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
		struct boot_result result;
		struct err err = ERR_INIT;
		struct seen seen;

		if (!ok(sh("mkdir -p greedy/boot/grub; truncate -s 4M greedy.img\n"
			   "echo \"while true; do %s; done\" >greedy/boot/grub/grub.cfg\n"
			   "mke2fs -q -F -t ext4 -d greedy greedy.img", cases[i].script), "%s for ever",
			cases[i].script))
			return;
		ok(bootloader_add_disk(&disks, "greedy.img", BOOT_RAW, &err) == 0 &&
		   bootloader_add_disk(&disks, "fs.img", BOOT_RAW, &err) == 0, "two disks");
		is_int(run_disks(&disks, o, &seen, &result, &files, &err), 0, "load: %s", err.msg);
		is_str(seen.chosen, "hd1 ext4", "from the second");
		ok(str_starts(seen.note, cases[i].note), "and the first is noted: %s", seen.note);
	}
}

/* An MBR does not say what its sectors are: the device does, unless it is a copy. */
static void test_sectors(void)
{
	static const char *const copies[][2] = {
		{ "gpt", "hd0,gpt2 ext4" }, { "mbr", "hd0,msdos5 ext4" },
	};
	const struct boot_options o = { .action = BOOT_LOAD };
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	scoped(bytes) struct bytes device = BYTES_INIT;
	struct boot_result result;
	struct err err = ERR_INIT;
	struct seen seen;

	if (geteuid() != 0 || access("/dev/loop-control", R_OK) < 0) {
		ok(true, "4096-byte sectors # SKIP needs root and loop devices");
		return;
	}
	if (!ok(sh("truncate -s 20M large.img; losetup -f --show -b 4096 large.img | tr -d '\n' >device\n"
		   "printf 'label: dos\nstart=256,size=3072,type=83\n' | sfdisk -q $(cat device)\n"
		   "dd if=fs.img of=$(cat device) bs=1M seek=1 conv=fsync"), "4096-byte sectors"))
		return;
	device = image_load("device");
	is_int(run_boot(device.data, o, &seen, &result, &files, &err), 0, "load it: %s", err.msg);
	is_str(seen.chosen, "hd0,msdos1 ext4", "its partition");
	scoped_boot_files(&files);
	for (size_t i = 0; i < ARRAY_SIZE(copies); i++) {
		ok(sh("dd if=%s.img of=$(cat device) bs=1M conv=fsync", copies[i][0]), "a copy of another");
		is_int(run_boot(device.data, o, &seen, &result, &files, &err), 0, "load it: %s", err.msg);
		is_str(seen.chosen, copies[i][1], "its partition");
		scoped_boot_files(&files);
	}
	ok(sh("losetup -d $(cat device)"), "no more");
}

/*
 * Programs that are no reader: nothing that they do may be believed or waited for. This
 * one plays them, and is told on its disk which.
 */
static int lie(void)
{
	const struct wire_message menu = { .kind = MESSAGE_MENU_UP };
	char what = 0;

	if (pread(WIRE_DISKS, &what, 1, 0) != 1)
		return 1;
	switch (what) {
	case 'e':
		return 3;
	case 'd':
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
		break;
	case 'n':
		dprintf(WIRE_SOCKET, "hello");
		break;
	case 'm':
		if (write(WIRE_SOCKET, &menu, sizeof(menu)) != sizeof(menu))
			return 1;
		break;
	case 'z':
		if (write(WIRE_SOCKET, "\0\0\0\0", 4) != 4)
			return 1;
	}
	for (;;)
		pause();
}

static void test_liars(void)
{
	static const struct {
		const char *name, *disk;
		int code;
		const char *words;
		bool list;
	} liars[] = {
		{ "one that ends", "e", EIO, "status 3", false },
		{ "one that dies", "d", EIO, "signal 11", false },
		{ "one that is silent", "q", ETIMEDOUT, "too long", false },
		{ "one that talks nonsense", "n", EPROTO, "no sense", false },
		{ "one that talks zeroes", "z", EPROTO, "no sense", false },
		{ "one with a menu for nobody", "m", ETIMEDOUT, "too long", false },
		{ "one with a menu where a list is wanted", "m", EPROTO, "no sense", true },
	};
	int reader = program, pair[2];

	program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(liars); i++) {
		scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
		const struct boot_options o = {
			.action = liars[i].list ? BOOT_LIST : BOOT_LOAD, .timeout_ms = 1000, .alone = true,
		};
		struct boot_result result;
		struct err err = ERR_INIT;
		struct seen seen;
		int rc;

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
			break;
		terminal = liars[i].disk[0] == 'm' ? pair[0] : -1;

		ok(sh("printf %s >liar", liars[i].disk), "a disk for %s", liars[i].name);
		rc = run_boot("liar", o, &seen, &result, &files, &err);
		terminal = -1;
		close(pair[0]);
		close(pair[1]);
		is_int(rc, -liars[i].code, "%s: %s", liars[i].name, err.msg);
		ok(strstr(err.msg, liars[i].words), "%s: '%s'", liars[i].name, liars[i].words);
	}
	close(program);
	program = open("/dev/null", O_RDONLY | O_CLOEXEC);
	expect("a reader that is no program", (struct boot_options){ .action = BOOT_LIST }, EACCES,
	       "cannot start the reader of the disk: ");
	close(program);
	program = reader;
}

/* As libxl calls a bootloader; and what it must not do with what the guest says. */
static void test_pygrub(const char *path)
{
	scoped(bytes) struct bytes got = BYTES_INIT;
	char want[512] = "";

	ok(sh("mkdir -p d; : >out; %s --args='more words' --output=out --output-format=simple0 "
	      "--output-directory=d gpt.img; ls d >names; cmp d/boot_kernel.* vmlinux\n"
	      "cmp both d/boot_ramdisk.*\n"
	      "[ \"$(stat -c %%a d/* | sort -u)\" = 600 ]\n"
	      "printf 'kernel %%s\\nramdisk %%s\\nargs root=LABEL=Boot ro quiet more words\\n\\n' "
	      "d/boot_kernel.* d/boot_ramdisk.* >want; tr '\\0' '\\n' <out | cmp - want", path),
	   "as libxl calls it");
	/* Zeroes before a packed archive keep libxenguest from unpacking it and losing the next. */
	ok(sh("mkdir e; %s --entry=Packed --output-directory=e gpt.img\n"
	      "head -c 4 /dev/zero >want; cat tree/boot/grub/more.gz >>want\n"
	      "truncate -s %%4 want; cat tree/boot/initrd.img* >>want; cmp want e/boot_ramdisk.*", path),
	   "what would be unpacked");
	ok(sh("%s -n --output-format=sxp gpt.img >out", path), "dry, for xm");
	got = image_load("out");
	snprintf(want, sizeof(want), "linux (kernel '/vmlinuz')(ramdisk '/initrd.img /boot/grub/more')"
		 "(args 'root=LABEL=Boot ro quiet')");
	is_str(got.data, want, "its output");
	ok(sh("rm -rf d; mkdir d; fails %s --entry=Gone --output-directory=d gpt.img; [ -z \"$(ls d)\" ]", path),
	   "nothing is left behind when a kernel is missing");
	ok(sh("%s -l gpt.img >out\n{ printf 'title: %%s\n  root: (hd0,gpt2)\n  kernel: %%s\n  args: %%s\n"
	      "  initrd: %%s\n' First /boot/vmlinuz-6.1.0-13-amd64 root=/dev/xvda1 None\\\n"
	      "	Second /vmlinuz 'root=LABEL=Boot ro quiet' '/initrd.img /boot/grub/more'\\\n"
	      "	Gone /boot/gone None None Packed /vmlinuz None '/boot/grub/more.gz /initrd.img'\n"
	      "} | diff - out", path), "its entries");
	ok(sh("%s -n --output-format=simple --offset=$((2 << 20)) gpt.img >out; grep -q '^args root=LABEL' out\n"
	      "fails %s -n --offset=512 gpt.img; fails %s -n --offset=$((99 << 20)) gpt.img 2>out\n"
	      "grep -q 'disk 0: the offset 103809024 is beyond its end' out\n"
	      "fails %s --offset=4k gpt.img 2>out; grep -q \"not '4k'\" out", path, path, path, path),
	   "a file system that starts somewhere");
	ok(sh("fails %s --isconfig gpt.img 2>out; grep -q 'isconfig is not supported' out\n"
	      "fails %s --nonsense gpt.img; fails %s", path, path, path), "what it does not know");
}

/* As libxl calls it, on a terminal: the menu shows there, and -q keeps it away. */
static void test_pygrub_menu(const char *path, bool quiet)
{
	char screen[20000], *argv[] = {
		(char[]){ "xlite-boot" }, (char[]){ "--output=out" },
		(char[]){ "--output-format=simple" }, (char[]){ "--output-directory=d" },
		(char[]){ "gpt.img" }, quiet ? (char[]){ "-q" } : NULL, NULL,
	};
	size_t len = 0;
	ssize_t n;
	int master, status = -1;
	pid_t pid = forkpty(&master, NULL, NULL, NULL);

	if (pid == 0) {
		execv(path, argv);
		_exit(127);
	}
	while (len < sizeof(screen) - 1 &&
	       (n = read(master, screen + len, sizeof(screen) - 1 - len)) > 0) {
		bool asked = memmem(screen, len, "boots in", 8);

		len += (size_t)n;
		if (!asked && memmem(screen, len, "boots in", 8) && write(master, "k\r", 2) != 2)
			break;
	}
	screen[len] = '\0';
	waitpid(pid, &status, 0);
	close(master);
	is_int(status, 0, "on a terminal, %s", quiet ? "quiet" : "menu");
	ok(!strstr(screen, "Boot menu from") == quiet, "what is shown there");
	ok(sh("grep -q '^args %s' out", quiet ? "root=LABEL" : "root=/dev/xvda1"), "what is booted");
}

/*
 * Nobody is at libxl's terminal, and the guest's menu would wait for ever: a process of its
 * own, as this takes the seconds that a user is given.
 */
static pid_t start_alone(const char *path)
{
	char *argv[] = {
		(char[]){ "xlite-boot" }, (char[]){ "--output=alone.out" },
		(char[]){ "--output-format=simple" }, (char[]){ "--output-directory=alone" },
		(char[]){ "alone.img" }, NULL,
	};
	char buf[4096];
	int master, status = -1;
	pid_t pid;

	if (!make_small("alone.img", "timeout=-1\n" GOOD) || !sh("mkdir alone; : >alone.out"))
		return -1;
	fflush(stdout);
	pid = fork();
	if (pid != 0)
		return pid;
	pid = forkpty(&master, NULL, NULL, NULL);
	if (pid == 0) {
		execv(path, argv);
		_exit(127);
	}
	while (read(master, buf, sizeof(buf)) > 0)
		;
	waitpid(pid, &status, 0);
	_exit(status != 0);
}

static void end_alone(pid_t pid)
{
	int status = -1;

	is_int(waitpid(pid, &status, 0), pid, "a menu for nobody");
	is_int(status, 0, "it ends");
	ok(sh("grep -q '^args a b' alone.out; cmp alone/boot_kernel.* elf"), "with the default");
}

/* An ESP with nothing but a unified image: kernel, command line and two archives out of one file. */
static void test_unified(void)
{
	static uint8_t elf[4096], bz[8192], file[65536];
	const struct kernel_section parts[] = {
		{ ".osrel", "NAME=U\n", 7 }, { ".cmdline", "console=hvc0  root=/dev/xvda2\n", 30 },
		{ ".ucode", "microcode", 9 }, { ".initrd", "archive", 7 },
		{ ".linux", bz, kernel_bzimage(bz, elf, sizeof(elf), "6.6.6 (x)") },
	};
	struct boot_options o = { .action = BOOT_LOAD };
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	scoped(fd) int fd = -1;
	struct boot_result result;
	struct err err = ERR_INIT;
	struct seen seen;
	size_t len;

	kernel_elf(elf, sizeof(elf));
	kernel_bzimage(bz, elf, sizeof(elf), "6.6.6 (x)");
	len = kernel_pe(file, parts, ARRAY_SIZE(parts));
	fd = open("uki.efi", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (!ok(fd >= 0 && write(fd, file, len) == (ssize_t)len &&
		sh("rm -f esp.img; truncate -s 34M esp.img; mkfs.vfat -F 32 esp.img\n"
		   "mmd -i esp.img ::/EFI ::/EFI/Linux; mcopy -i esp.img uki.efi ::/EFI/Linux/x.efi\n"
		   "printf 'microcode\\0\\0\\0archive' >both"), "a unified image"))
		return;
	is_int(run_boot("esp.img", o, &seen, &result, &files, &err), 0, "load it: %s", err.msg);
	ok(same_content(files.kernel, result.kernel_size, "elf"), "its kernel");
	ok(same_content(files.ramdisk, result.ramdisk_size, "both"), "its archives");
	is_str(result.cmdline, "console=hvc0 root=/dev/xvda2", "its command line");
	is_str(result.title, "U", "its title");
	is_str(result.kernel.version, "6.6.6 (x)", "its version");
	ok(result.kernel.unified && result.kernel.modes == 3, "what it is");
	ok(!seen.note[0], "without a note: %s", seen.note);
}

static const char *json_at(const json_t *j, const char *array, size_t i, const char *name)
{
	return json_string_value(json_object_get(json_array_get(json_object_get(j, array), i), name));
}

static void test_json(void)
{
	scoped(bytes) struct bytes text = image_load("out");
	scoped(json) json_t *j = NULL;
	struct err err = ERR_INIT;

	if (!ok(json_from_text(text.data, text.len, &j, &err) == 0, "JSON: %s", err.msg))
		return;
	is_int(json_array_size(json_object_get(j, "devices")), 4, "devices");
	is_int(json_array_size(json_object_get(j, "entries")), 4, "entries");
	is_str(json_at(j, "devices", 3, "device"), "hd0,gpt3", "a device");
	is_str(json_at(j, "devices", 3, "problem"), "kernel (hd0,gpt3)/boot/vmlinuz-x: it is missing",
	       "its problem");
	is_str(json_at(j, "devices", 2, "problem"), "", "no problem");
	is_str(json_at(j, "entries", 1, "title"), "Second", "an entry");
	is_str(json_at(j, "entries", 2, "kernel"), "/boot/gone", "its kernel");
	is_str(json_at(j, "entries", 3, "ramdisk"), "/boot/grub/more.gz /initrd.img", "its ramdisks");
	is_str(json_string_value(json_object_get(json_object_get(j, "boots"), "place")), "1",
	       "what would be booted");
}

/* For people: each partition, and what is wrong with what is on it. */
static void test_list(const char *path)
{
	ok(sh("mkdir -p other/boot/grub; echo 'menuentry x { linux /boot/vmlinuz-x }' >other/boot/grub/grub.cfg\n"
	      "truncate -s 4M other.img; mke2fs -q -F -t ext4 -L Other -d other other.img\n"
	      "truncate -s 30M two.img; printf 'label: gpt\nsize=2048,type=U\nsize=24576\nsize=8192\n' | sfdisk -q two.img\n"
	      "dd if=fs.img of=two.img bs=1M seek=2 conv=notrunc; dd if=other.img of=two.img bs=1M seek=14 conv=notrunc"),
	   "a disk with two systems");
	ok(sh("%s list two.img >out; sed 's/ uuid [^:]*//' out >got; cat >want <<'X'\n"
	      "hd0: -\nhd0,gpt1: -\n"
	      "hd0,gpt2: ext4 label 'Boot': config /boot/grub/grub.cfg found (grub2, 4 entries) <- used\n"
	      "hd0,gpt3: ext4 label 'Other': config /boot/grub/grub.cfg found (grub2, 1 entry), "
	      "kernel (hd0,gpt3)/boot/vmlinuz-x: it is missing\n"
	      "  0      First\n* 1      Second\n  2      Gone\n  3      Packed\nX\n"
	      "diff want got", path), "list");
	ok(sh("%s list -v two.img 2>&1 >/dev/null | grep -q 'sandbox: seccomp'", path), "list -v");
	ok(sh("%s list --json two.img >out", path), "list --json");
	test_json();
	ok(sh("%s show two.img >out; grep -q '^          gzip: 64 bits, PV and PVH$' out\n"
	      "fails %s show -e 2 two.img", path, path), "show");
	ok(sh("%s extract -e first -k k -r r two.img; cmp k vmlinux; [ ! -e r ]", path), "extract");
	ok(sh("%s extract --raw -k k two.img; cmp k tree/boot/vmlinuz*", path), "extract --raw");
	ok(sh("fails %s list -f nothing two.img; fails %s list nowhere.img; fails %s list .", path,
	      path, path), "errors");
}

/* What a message may be. */
static void test_wire(void)
{
	const struct wire_request request = { .action = BOOT_LOAD, .kernel_max = 100, .ramdisk_max = 50 };
	struct wire_message m = { .kind = MESSAGE_RESULT, .result = { .kernel_size = 100 } };

	ok(wire_check(&m, sizeof(m), &request), "a result");
	ok(!wire_check(&m, sizeof(m) - 1, &request), "a short one");
	m.result.kernel_size = 101;
	ok(!wire_check(&m, sizeof(m), &request), "a kernel larger than its file");
	m.result.kernel_size = 0;
	ok(!wire_check(&m, sizeof(m), &request), "no kernel");
	m.result = (struct boot_result){ .kernel_size = 1, .ramdisk_size = 51 };
	ok(!wire_check(&m, sizeof(m), &request), "a ramdisk larger than its file");
	m.result.ramdisk_size = 0;
	memset(m.result.cmdline, 'x', sizeof(m.result.cmdline));
	ok(!wire_check(&m, sizeof(m), &request), "a command line without an end");
	m = (struct wire_message){ .kind = MESSAGE_ENTRY };
	ok(wire_check(&m, sizeof(m), &request), "an entry");
	memset(m.entry.cmdline, 'x', sizeof(m.entry.cmdline));
	ok(!wire_check(&m, sizeof(m), &request), "one whose command line has no end");
	m = (struct wire_message){ .kind = MESSAGE_ERROR, .error = { .code = -5 } };
	ok(!wire_check(&m, sizeof(m), &request), "an error that would be success");
	m.kind = 77;
	ok(!wire_check(&m, sizeof(m), &request), "another kind");
}

int main(int argc, char **argv)
{
	const char *path = getenv("XLITE_BOOT");
	scoped(free) char *absolute = realpath(path ? path : "out/xlite-boot", NULL);
	pid_t alone;

	if (argc == 2 && strcmp(argv[1], "--reader") == 0)
		return lie();
	test_wire();
	if (!ok(reader_open(), "out/xlite-boot is built") ||
	    !ok(image_setup() && image_setup_links() && kernel_file("elf") && sh("%s", grub_cfg), "tree"))
		return tap_done();
	ok(sh("truncate -s 12M fs.img; mke2fs -q -F -t ext4 -L Boot -d tree fs.img\n"
	      "truncate -s 20M gpt.img; printf 'label: gpt\nsize=2048,type=U\nsize=24576\n' | sfdisk -q gpt.img\n"
	      "dd if=fs.img of=gpt.img bs=1M seek=2 conv=notrunc\n"
	      "truncate -s 20M mbr.img; printf 'label: dos\nstart=2048,size=32768,type=5\n"
	      "start=4096,size=24576,type=83\n' | sfdisk -q mbr.img\n"
	      "dd if=fs.img of=mbr.img bs=1M seek=2 conv=notrunc"), "images");
	alone = absolute ? start_alone(absolute) : -1;
	test_load("gpt.img", "hd0,gpt2 ext4");
	test_load("mbr.img", "hd0,msdos5 ext4");
	test_load("fs.img", "hd0 ext4");
	test_errors();
	test_path();
	test_raw();
	test_menu();
	test_entries();
	test_no_config();
	test_no_config_damaged();
	test_several();
	test_greedy();
	test_sectors();
	if (ok(absolute, "where the program is"))
		test_pygrub(absolute);
	test_unified();
	if (absolute && sh("rm -rf d; mkdir d; : >out")) {
		test_pygrub_menu(absolute, false);
		test_pygrub_menu(absolute, true);
		test_list(absolute);
	}
	test_liars();
	end_alone(alone);
	image_cleanup();
	return tap_done();
}
