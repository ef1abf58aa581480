/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program in the hands of a guest that means harm: what its texts do to a terminal, what
 * its disk may cost; and in those of a user who is not root.
 */
#include "image.h"
#include "kernel.h"

/* ESC, CSI as one byte and in UTF-8, BEL, line end, DEL, a letter in UTF-8. */
#define EVIL "\\033[31m\\233A\\302\\233B\\007\\015\\012\\177\\303\\251"
#define EVIL_LINE "\\033[31m\\233A\\302\\233B\\007\\177\\303\\251"

static const char make[] =
	"{ cat elf; head -c 100000 /dev/urandom; } >vmlinux; gzip <vmlinux >tree/boot/vmlinuz\n"
	"evil=$(printf 'x" EVIL "y'); line=$(printf 'x" EVIL_LINE "y')\n"
	"cat >tree/boot/grub/grub.cfg <<X\n"
	"fallback='1'\n"
	"menuentry 'T$evil' --id 'i$line' { linux /boot/gone$line 'args$line' }\n"
	"menuentry Second --id second { linux /boot/vmlinuz 'args$line' }\n"
	"submenu 'S$evil' {\nmenuentry 'In$evil' { linux /boot/vmlinuz }\n}\nX\n"
	"truncate -s 12M fs.img; mke2fs -q -F -t ext4 -L \"L$(printf '\\033[1m\\303\\251')\" -d tree fs.img\n"
	"truncate -s 20M gpt.img; printf 'label: gpt\nsize=2048,type=U\nsize=24576\n' | sfdisk -q gpt.img\n"
	"dd if=fs.img of=gpt.img bs=1M seek=2 conv=notrunc\n";

static bool put_elf(void)
{
	scoped(fd) int fd = open("elf", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	uint8_t elf[4096];

	kernel_elf(elf, sizeof(elf));
	return fd >= 0 && write(fd, elf, sizeof(elf)) == sizeof(elf);
}

/* Nothing that a terminal would do something about, whatever it takes for a character. */
static bool harmless(const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == 0xc3 && (unsigned char)text[1] == 0xa9)
			text++;		/* the letter: in JSON, which is UTF-8 */
		else if (c != '\n' && (c < 0x20 || c >= 0x7f))
			return false;
	}
	return true;
}

/* Escaped, but all of it is still there. */
static void test_escaped(void)
{
	static const struct {
		const char *what, *options, *shown;
	} cases[] = {
		{ "list", "list", "Tx\\x1b[31m\\x9bA\\xc2\\x9bB\\x07" },
		{ "a list in JSON", "list --json", "\"title\": \"Tx\\\\x1b[31m\\\\x9bA" },
		{ "letters in JSON", "list --json", "\"label\": \"L\\u001B[1m\303\251\"" },
		{ "what is used", "show", "args:     argsx\\x1b[31m" },
		{ "the same, with words", "show -v", "note: fallback: entry 'Tx\\x1b[31m" },
		{ "an entry whose kernel is missing", "show -e 0", "(hd0,gpt2)/boot/gonex\\x1b[31m" },
		{ "an entry that is missing", "show -e nothing", "no entry 'nothing'" },
		{ "extract", "extract -k k", "args:     argsx\\x1b[31m" },
		{ "pygrub's list", "-l", "Tx\\x1b[31m" },
		{ "pygrub's result for xm", "-n --output-format=sxp --entry=second",
		  "(args 'argsx\\x1b[31m" },
		{ "pygrub's reason", "-n --entry=0", "gonex\\x1b[31m" },
		{ "what pygrub refuses", "--output-format=simple --entry=$'i\\033'", "no entry 'i\\x1b'" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scoped(bytes) struct bytes out = BYTES_INIT;

		ok(sh("bash -c \"./xlite-boot %s gpt.img\" >out 2>&1 || true", cases[i].options),
		   "%s", cases[i].what);
		out = image_load("out");
		ok(harmless(out.data), "%s: nothing for a terminal", cases[i].what);
		ok(strstr(out.data, cases[i].shown), "%s: what it is", cases[i].what);
	}
	/* A program reads these, and the guest shall have its own bytes. */
	ok(sh("./xlite-boot -n --output-format=simple0 --entry=second gpt.img | tr '\\0' '\\n' >out\n"
	      "printf 'kernel /boot/vmlinuz\\nargs argsx" EVIL_LINE "y\\n\\n' >want; cmp out want"),
	   "for libxl, as they are");
}

/* The same for root and for a user, who needs no more than to read the image. */
static void test_user(void)
{
	const char *as = geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups" : "";

	ok(sh("chmod 755 . xlite-boot; chmod 644 gpt.img; mkdir -m 777 theirs\n"
	      "./xlite-boot extract -e second -k k -r r gpt.img >out\n"
	      "%s ./xlite-boot extract -e second -k theirs/k gpt.img >theirs/out\n"
	      "cmp out theirs/out; cmp k theirs/k; cmp k vmlinux", as), "a user gets what root gets");
	ok(sh("./xlite-boot list --json gpt.img >out; %s ./xlite-boot list --json gpt.img | cmp - out", as),
	   "and sees what root sees");
	ok(sh("%s ./xlite-boot -q --entry=second --output=- --output-format=simple "
	      "--output-directory=theirs gpt.img >out\n"
	      "cmp vmlinux \"$(sed -n 's/^kernel //p' out)\"", as), "as libxl calls it");
	ok(sh("./xlite-boot show -v gpt.img 2>out >/dev/null; grep -q 'sandbox: seccomp%s' out\n"
	      "%s ./xlite-boot show -v gpt.img 2>out >/dev/null; grep 'sandbox: seccomp' out >got\n"
	      "fails grep 'another user' got", geteuid() == 0 ? ", another user" : "", as),
	   "what the sandbox is made of");
	ok(sh("chmod 0 gpt.img\nfails %s ./xlite-boot list gpt.img 2>out; chmod 644 gpt.img\n"
	      "echo \"xlite-boot: cannot open 'gpt.img': Permission denied\" | cmp - out", as),
	   "but what a user may not read");
}

/* What a disk may cost. ulimit is more strict than the sandbox, which obeys it. */
static void test_budgets(void)
{
	ok(sh("echo \"menuentry a { while true; do regexp '(a*)*b' aaaaaaaaaaaa; done }\" "
	      ">tree/boot/grub/grub.cfg; truncate -s 12M steps.img; mke2fs -q -F -t ext4 -d tree steps.img\n"
	      "fails ./xlite-boot show steps.img 2>out; cat out; grep -q 'takes more than 1000000 steps' out"),
	   "a script without an end");
	/* Each entry's kernel unpacks to much and is none, the next one is tried then. */
	ok(sh("head -c 120M /dev/zero | gzip -1 >tree/boot/bomb\n"
	      "{ echo 'fallback=\"0'; seq 1 60; echo '\"'; } | tr '\\n' ' ' >tree/boot/grub/grub.cfg\n"
	      "for i in $(seq 60); do echo; echo \"menuentry $i { linux /boot/bomb }\"; done "
	      ">>tree/boot/grub/grub.cfg; truncate -s 12M cpu.img; mke2fs -q -F -t ext4 -d tree cpu.img\n"
	      "ulimit -t 2; fails ./xlite-boot show cpu.img 2>out; tail -3 out\n"
	      "tail -1 out | grep -qx 'xlite-boot: the disk takes too much computing to read: given up'"),
	   "kernels that take long");
	ok(sh("ulimit -v 200000; fails ./xlite-boot show gpt.img 2>out; cat out\n"
	      "grep -q 'cannot map 268435456 bytes: Cannot allocate memory' out"), "too little memory");
	/* However little it is: said in words, or enough. */
	ok(sh("for kb in $(seq 262500 500 272000); do\n"
	      "	(ulimit -v $kb; ./xlite-boot show -e second gpt.img) 2>&1 >/dev/null | sed '/note:/d'\n"
	      "done >out; cat out; grep -q 'out of memory' out\n"
	      "fails grep -v 'cannot map 268435456 bytes: \\|out of memory$' out"), "a little more");
}

int main(void)
{
	const char *path = getenv("XLITE_BOOT");
	scoped(free) char *program = realpath(path ? path : "out/xlite-boot", NULL);

	if (!ok(program != NULL, "out/xlite-boot is built") ||
	    !ok(image_setup() && put_elf() && sh("cp %s xlite-boot; %s", program, make), "an image"))
		return tap_done();
	test_escaped();
	test_user();
	test_budgets();
	image_cleanup();
	return tap_done();
}
