/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program: images with a table, a file system and a configuration go into the real
 * out/xlite-boot and its sandbox; what comes out is compared with what went in.
 */
#include <signal.h>

#include "bootloader/bootloader.h"
#include "bootloader/sandbox.h"
#include "bootloader/wire.h"
#include "image.h"

static int program = -1;

struct seen {
	unsigned int devices, entries, notes;
	char chosen[120];
	char note[512];
};

static void see_device(void *ctx, const struct boot_device_info *d)
{
	struct seen *s = ctx;

	s->devices++;
	if (d->chosen)
		snprintf(s->chosen, sizeof(s->chosen), "%s %s", d->name, d->fs);
}

static void see_entry(void *ctx, const struct boot_entry_info *e)
{
	(void)e;
	((struct seen *)ctx)->entries++;
}

static void see_note(void *ctx, const char *note)
{
	struct seen *s = ctx;

	s->notes++;
	snprintf(s->note, sizeof(s->note), "%s", note);
}

static int run_boot(const char *image, struct boot_options o, struct seen *seen,
		    struct boot_result *result, struct boot_files *files, struct err *err)
{
	scoped(fd) int fd = open(image, O_RDONLY | O_CLOEXEC);
	const struct boot_disk disk = { .fd = fd, .format = BOOT_RAW };
	const struct boot_callbacks cb = { see_device, see_entry, see_note, seen };

	*seen = (struct seen){ .devices = 0 };
	memset(result, 0, sizeof(*result));
	o.disks = &disk;
	o.nr_disks = 1;
	o.terminal = -1;
	o.timeout_ms = o.timeout_ms ? o.timeout_ms : 30000;
	o.kernel_max = o.kernel_max ? o.kernel_max : 64 << 20;
	o.ramdisk_max = o.ramdisk_max ? o.ramdisk_max : 64 << 20;
	return bootloader_run(program, &o, &cb, result, files, err);
}

static bool same_content(int fd, uint64_t size, const char *path)
{
	scoped(bytes) struct bytes want = image_load(path);
	scoped(free) uint8_t *got = malloc(want.len);

	return fd >= 0 && size == want.len &&
		pread(fd, got, want.len, 0) == (ssize_t)want.len &&
		memcmp(got, want.data, want.len) == 0;
}

static const char grub_cfg[] =
	"cat >tree/boot/grub/grub.cfg <<'X'\n"
	"set default=one\n"
	"menuentry 'First' --id first { linux /boot/vmlinuz-6.1.0-13-amd64 root=/dev/xvda1 }\n"
	"menuentry 'Second' --id one { search --no-floppy --label --set=root Boot\n"
	"	linux /vmlinuz root=LABEL=Boot ro quiet\n"
	"	initrd /initrd.img /boot/grub/more\n}\n"
	"menuentry 'Gone' { linux /boot/gone }\nX\n"
	"printf 'the second archive' >tree/boot/grub/more\n"
	"{ cat tree/boot/initrd.img*; cat tree/boot/grub/more; } >both\n";

static void test_load(const char *image, const char *where)
{
	struct boot_options o = { .action = BOOT_LOAD };
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	struct boot_result result;
	struct err err = ERR_INIT;
	struct seen seen;
	int rc = run_boot(image, o, &seen, &result, &files, &err);

	is_int(rc, 0, "load from %s: %s", image, err.msg);
	is_str(seen.chosen, where, "where the configuration is");
	is_int(seen.entries, 3, "entries");
	is_str(result.title, "Second", "the default by id");
	is_str(result.cmdline, "root=LABEL=Boot ro quiet", "command line");
	ok(same_content(files.kernel, result.kernel_size, "tree/vmlinuz"), "the kernel's bytes");
	ok(same_content(files.ramdisk, result.ramdisk_size, "both"), "the ramdisks', one after the other");
	ok(pwrite(files.kernel, "x", 1, 0) < 0 && ftruncate(files.kernel, 0) < 0,
	   "nobody changes them any more");
	is_int(fcntl(files.kernel, F_GET_SEALS) & (F_SEAL_WRITE | F_SEAL_SEAL),
	       F_SEAL_WRITE | F_SEAL_SEAL, "they are sealed");
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
	o.kernel = "/boot/none";
	expect("a path that is not there", o, ENOENT, "/boot/none");
}

static void test_path(void)
{
	struct boot_options o = { .action = BOOT_LOAD, .kernel = "/vmlinuz", .ramdisk = "/etc/one" };
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	struct boot_result result;
	struct err err = ERR_INIT;
	struct seen seen;

	is_int(run_boot("gpt.img", o, &seen, &result, &files, &err), 0, "a path: %s", err.msg);
	ok(same_content(files.kernel, result.kernel_size, "tree/vmlinuz") &&
	   same_content(files.ramdisk, result.ramdisk_size, "tree/etc/one"), "its bytes");
}

/*
 * Programs that are no reader: nothing that they do may be believed or waited for. This
 * one plays them, and is told on its disk which.
 */
static int lie(void)
{
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
	case 's':
		raise(SIGSYS);
		break;
	case 'n':
		dprintf(WIRE_SOCKET, "hello");
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
	} liars[] = {
		{ "one that ends", "e", EIO, "status 3" },
		{ "one that dies", "d", EIO, "signal 11" },
		{ "one that its sandbox kills", "s", EPERM, "sandbox" },
		{ "one that is silent", "q", ETIMEDOUT, "too long" },
		{ "one that talks nonsense", "n", EPROTO, "no sense" },
		{ "one that talks zeroes", "z", EPROTO, "no sense" },
	};
	int reader = program;

	program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(liars); i++) {
		scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
		const struct boot_options o = { .action = BOOT_LOAD, .timeout_ms = 2000 };
		struct boot_result result;
		struct err err = ERR_INIT;
		struct seen seen;
		int rc;

		ok(sh("printf %s >liar", liars[i].disk), "a disk for %s", liars[i].name);
		rc = run_boot("liar", o, &seen, &result, &files, &err);
		is_int(rc, -liars[i].code, "%s: %s", liars[i].name, err.msg);
		ok(strstr(err.msg, liars[i].words), "%s: '%s'", liars[i].name, liars[i].words);
	}
	close(program);
	program = reader;
}

/* As libxl calls a bootloader; and what it must not do with what the guest says. */
static void test_pygrub(const char *path)
{
	scoped(bytes) struct bytes got = BYTES_INIT;
	char want[512] = "";

	ok(sh("mkdir -p d; : >out; %s --args='more words' --output=out --output-format=simple0 "
	      "--output-directory=d gpt.img; ls d >names; cmp d/boot_kernel.* tree/vmlinuz\n"
	      /* Two archives: zeroes before them keep libxenguest from unpacking the first. */
	      "(printf '\\0\\0\\0\\0'; cat both) | cmp - d/boot_ramdisk.*\n"
	      "[ \"$(stat -c %%a d/* | sort -u)\" = 600 ]\n"
	      "printf 'kernel %%s\\nramdisk %%s\\nargs root=LABEL=Boot ro quiet more words\\n\\n' "
	      "d/boot_kernel.* d/boot_ramdisk.* >want; tr '\\0' '\\n' <out | cmp - want", path),
	   "as libxl calls it");
	ok(sh("%s -n --output-format=sxp gpt.img >out", path), "dry, for xm");
	got = image_load("out");
	snprintf(want, sizeof(want), "linux (kernel '/vmlinuz')(ramdisk '/initrd.img /boot/grub/more')"
		 "(args 'root=LABEL=Boot ro quiet')");
	is_str(got.data, want, "its output");
	ok(sh("rm -rf d; mkdir d; ! %s --entry=Gone --output-directory=d gpt.img; [ -z \"$(ls d)\" ]", path),
	   "nothing is left behind when a kernel is missing");
	ok(sh("! %s --offset=512 gpt.img; ! %s --nonsense gpt.img; ! %s", path, path, path),
	   "what it does not know");
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
	m = (struct wire_message){ .kind = MESSAGE_ERROR, .error = { .code = -5 } };
	ok(!wire_check(&m, sizeof(m), &request), "an error that would be success");
	m.kind = 77;
	ok(!wire_check(&m, sizeof(m), &request), "another kind");
}

int main(int argc, char **argv)
{
	const char *path = getenv("XLITE_BOOT");
	scoped(free) char *absolute = realpath(path ? path : "out/xlite-boot", NULL);

	if (argc == 2 && strcmp(argv[1], "--reader") == 0)
		return lie();
	program = open(path ? path : "out/xlite-boot", O_RDONLY | O_CLOEXEC);
	test_wire();
	if (!ok(program >= 0, "out/xlite-boot is built") ||
	    !ok(image_setup() && image_setup_links() && sh("%s", grub_cfg), "tree"))
		return tap_done();
	ok(sh("truncate -s 12M fs.img; mke2fs -q -F -t ext4 -L Boot -d tree fs.img\n"
	      "truncate -s 20M gpt.img; printf 'label: gpt\nsize=2048,type=U\nsize=24576\n' | sfdisk -q gpt.img\n"
	      "dd if=fs.img of=gpt.img bs=1M seek=2 conv=notrunc\n"
	      "truncate -s 20M mbr.img; printf 'label: dos\nstart=2048,size=32768,type=5\n"
	      "start=4096,size=24576,type=83\n' | sfdisk -q mbr.img\n"
	      "dd if=fs.img of=mbr.img bs=1M seek=2 conv=notrunc"), "images");
	test_load("gpt.img", "hd0,gpt2 ext4");
	test_load("mbr.img", "hd0,msdos5 ext4");
	test_load("fs.img", "hd0 ext4");
	test_errors();
	test_path();
	if (ok(absolute, "where the program is"))
		test_pygrub(absolute);
	test_liars();
	image_cleanup();
	return tap_done();
}
