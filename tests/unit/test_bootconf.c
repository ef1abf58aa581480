/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Boot configurations other than GRUB 2's, and which one of several is read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "bootloader/conf/conf.h"
#include "bootloader/conf/text.h"
#include "kernel.h"
#include "memsource.h"
#include "tap.h"

static const struct source_device devices[] = {
	{ .part = 1, .table = SOURCE_TABLE_MSDOS, .fs = "ext4", .uuid = "aaaa" },
	{ .part = 2, .table = SOURCE_TABLE_MSDOS, .fs = "vfat", .role = SOURCE_ROLE_ESP },
	{ .disk = 1, .fs = "xfs", .uuid = "bbbb" },
};

/* "0:/k,/i|args" for entry i; "-": boots nothing. */
static char *describe(struct boot_menu *menu, int i)
{
	struct boot_target t = { .cmdline = NULL };
	struct strbuf s = STRBUF_INIT;
	struct err err = ERR_INIT;
	char *out = NULL;

	if (i < 0 || boot_menu_target(menu, (size_t)i, &t, &err) < 0)
		return strdup("-");
	if (t.kind == BOOT_XEN)
		strbuf_printf(&s, "xen %s %s ", t.hypervisor.path, t.hypervisor_args);
	strbuf_printf(&s, "%s%u:%s", t.kind == BOOT_EFI ? "efi " : "", t.kernel.dev, t.kernel.path);
	for (size_t n = 0; n < t.nr_initrds; n++)
		strbuf_printf(&s, ",%s", t.initrds[n].path);
	strbuf_printf(&s, "|%s", t.cmdline);
	return strbuf_finish(&s, &out, &err) < 0 ? NULL : out;
}

/* The default entry of what stands in these files; NULL: refused. */
static void check_files(const char *what, const char *language, const char *path,
			const struct memfile *files, size_t nr, const char *want)
{
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	struct memsource mem = { files, nr };
	struct source source = { &memsource_ops, &mem, devices, ARRAY_SIZE(devices) };
	scoped(free) char *got = NULL;
	struct err err = ERR_INIT;

	if (conf_read_file(&source, 0, path, language, &menu, &err) == 0)
		got = describe(&menu, menu.chosen);
	if (!is_str(got, want, "%s: %s", path, what) && err.code)
		printf("#   %s\n", err.msg);
}

struct text_case {
	const char *what, *text, *want;
};

static const struct text_case legacy[] = {
	{ "plain", "default 0\ntitle a\nroot (hd0,0)\nkernel /k a  b\ninitrd /i\n", "0:/k,/i|a b" },
	{ "with =", "default=1\ntitle=a\nkernel=/k\ntitle b\nkernel /l\n", "0:/l|" },
	{ "another disk", "title a\nroot (hd1)\nkernel /k\n", "2:/k|" },
	{ "a device before the path", "title a\nkernel (hd1)/k\ninitrd (hd0,0)/i\n", "2:/k,/i|" },
	{ "a device that is gone", "title a\nroot (hd3,4)\nkernel /k\n", "0:/k|" },
	{ "uuid", "title a\nuuid BBBB\nkernel /k\n", "2:/k|" },
	{ "options of kernel", "title a\nkernel --type=linux --no-mem-option /k a\n", "0:/k|a" },
	{ "Xen", "title a\nkernel /xen.gz dom0_mem=1G\nmodule /k a b\nmodulenounzip /i\n",
	  "xen /xen.gz dom0_mem=1G 0:/k,/i|a b" },
	{ "saved", "default saved\ntitle a\nkernel /a\ntitle b\nkernel /b\n", "0:/b|" },
	{ "default beyond the end", "default 7\ntitle a\nkernel /a\n", "0:/a|" },
	{ "comments and blanks", "  # x\n\n\t title a\n  kernel\t/k\tx # y\n", "0:/k|x # y" },
	{ "another loader", "title a\nrootnoverify (hd0,1)\nchainloader +1\n", "-" },
	{ "a module without kernel", "title a\nmodule /k\n", "-" },
	{ "commands before the first title", "kernel /k\ninitrd /i\nlock\n", NULL },
	{ "no entry", "timeout 5\n", NULL },
};

static const struct text_case syslinux[] = {
	{ "plain", "DEFAULT a\nLABEL a\n KERNEL /k\n APPEND initrd=/i a  b\n", "0:/k,/i|a b" },
	{ "LINUX and INITRD", "label a\nlinux /k.bin\ninitrd /i,/j\nappend x\n", "0:/k.bin,/i,/j|x" },
	{ "INITRD before append's", "label a\nlinux k\nappend initrd=/x y\ninitrd /i\n", "0:/ext/k,/i|y" },
	{ "several in append", "label a\nlinux /k\nappend initrd=/i,/j y\n", "0:/k,/i,/j|y" },
	{ "relative", "label a\nkernel k\nappend initrd=../i\n", "0:/ext/k,/ext/../i|" },
	{ "relative, but at the root", "label a\nkernel at-root\n", "0:/at-root|" },
	{ "global APPEND", "append g h\nlabel a\nkernel /k\n", "0:/k|g h" },
	{ "label's APPEND instead", "append g h\nlabel a\nkernel /k\nappend l\n", "0:/k|l" },
	{ "APPEND -", "append g h\nlabel a\nkernel /k\nappend -\n", "0:/k|" },
	{ "MENU DEFAULT", "label a\nkernel /a\nlabel b\nmenu default\nkernel /b\n", "0:/b|" },
	{ "DEFAULT before MENU DEFAULT", "default a\nlabel a\nkernel /a\nlabel b\nmenu default\nkernel /b\n",
	  "0:/a|" },
	{ "DEFAULT of a menu", "default vesamenu.c32\nlabel a\nkernel /a\n", "0:/a|" },
	{ "DEFAULT with options", "default a x y\nlabel a\nkernel /a\nappend z\n", "0:/a|z x y" },
	{ "DEFAULT is a kernel", "default /at-root x\n", "0:/at-root|x" },
	{ "ONTIMEOUT", "default a\nontimeout b\nlabel a\nkernel /a\nlabel b\nkernel /b\n", "0:/b|" },
	{ "labels of other case", "DEFAULT LiNuX\nlabel x\nkernel /x\nlabel linux\nkernel /k\n", "0:/k|" },
	{ "INCLUDE", "include inc.cfg\n", "0:/inc|" },
	{ "INCLUDE of itself", "include config\nlabel a\nkernel /a\n", "0:/a|" },
	{ "INCLUDE of nothing", "include none\nlabel a\nkernel /a\n", "0:/a|" },
	{ "submenu", "menu begin s\nlabel a\nkernel /a\nmenu end\nlabel b\nkernel /b\n", "0:/a|" },
	{ "TEXT HELP", "label a\nkernel /a\ntext help\nkernel /no\nendtext\n", "0:/a|" },
	{ "mboot.c32", "label a\nkernel mboot.c32\nappend /xen.gz m=1 --- /k a b --- /i\n",
	  "xen /xen.gz m=1 0:/k,/i|a b" },
	{ "mboot.c32 alone", "label a\nkernel mboot.c32\nappend /x\n", "-" },
	{ "chain.c32", "label a\nkernel chain.c32\nappend hd0\n", "-" },
	{ "LOCALBOOT", "label a\nlocalboot 0\n", "-" },
	{ "a label with blanks", "default a b (c)\nlabel a\nkernel /a\nlabel a b (c)\nkernel /b\n", "0:/b|" },
	{ "no label", "prompt 0\n", NULL },
};

static void test_texts(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(legacy); i++) {
		const struct memfile files[] = {
			{ 0, "/boot/grub/menu.lst", legacy[i].text, 0 },
			{ 0, "/boot/grub/default", "1\n#\n", 0 },
		};

		check_files(legacy[i].what, NULL, files[0].path, files, 2, legacy[i].want);
	}
	for (size_t i = 0; i < ARRAY_SIZE(syslinux); i++) {
		const struct memfile files[] = {
			{ 0, "/ext/config", syslinux[i].text, 0 },
			{ 0, "/ext/inc.cfg", "label i\nkernel /inc\n", 0 }, { 0, "/at-root", "k", 0 },
		};

		check_files(syslinux[i].what, "syslinux", files[0].path, files, 3, syslinux[i].want);
	}
}

#define CONF(name, text) { 0, "/loader/entries/" name ".conf", text, 0 }

static void test_bls(void)
{
	static const struct memfile files[] = {
		CONF("old-6.1", "title Old\nversion 6.1\nsort-key x\nmachine-id 1\nlinux /6.1\n"),
		CONF("new-6.10", "title New\nversion 6.10\nsort-key x\nmachine-id 1\nlinux /6.10\n"
				 "initrd /i\ninitrd /j\noptions a  b\noptions c\n# x\n"),
		CONF("tried+0-3", "title T\nversion 9\nsort-key x\nmachine-id 1\nlinux /tried\n"),
		CONF("arm", "title A\nsort-key a\narchitecture aa64\nlinux /arm\n"),
		CONF("empty", "title E\n"), { 0, "/EFI/Linux/uki-7.efi", "MZ", 0 },
		{ 0, "/EFI/Linux/uki-10+3-1.efi", "MZ", 0 },
		{ 1, "/loader/loader.conf", "timeout 7\ndefault old-*\neditor no\n", 0 },
		{ 1, "/loader/entries/a.conf", "linux /vmlinuz\n", 0 },
		{ 2, "/boot/loader/entries/b.conf",
		  "linux /k\ninitrd /i $none\noptions $kernelopts a${x}b $ $none ${ c\n", 0 },
		{ 2, "/boot/grub2/grubenv", "# GRUB\nkernel=no\nkernelopts=root=/dev/a ro\nx=1\n##", 0 },
		{ 2, "/boot/k", "k", 0 },
	};
	static const char *const order[] = { "New", "Old", "uki-10", "uki-7", "T" };
	struct memsource mem = { files, ARRAY_SIZE(files) };
	struct source source = { &memsource_ops, &mem, devices, ARRAY_SIZE(devices) };
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	scoped(boot_menu) struct boot_menu other = BOOT_MENU_INIT;
	scoped(free) char *first = NULL, *uki = NULL, *in_boot = NULL;
	struct err err = ERR_INIT;

	if (!ok(conf_read(&source, 0, &menu, &err) == 0, "BLS entries"))
		printf("#   %s\n", err.msg);
	is_str(menu.language, "bls", "their language");
	is_int(menu.nr_entries, ARRAY_SIZE(order), "their number");
	for (size_t i = 0; i < ARRAY_SIZE(order) && i < menu.nr_entries; i++)
		is_str(menu.entries[i].title, order[i], "their order: %s", order[i]);
	first = describe(&menu, 0);
	is_str(first, "0:/6.10,/i,/j|a b c", "type 1");
	uki = describe(&menu, 2);
	is_str(uki, "efi 0:/EFI/Linux/uki-10+3-1.efi|", "type 2");
	is_int(menu.chosen, 1, "loader.conf's default, on the ESP");
	is_int(menu.timeout_s, 7, "its timeout");
	ok(menu.edit_locked, "its editor");
	ok(menu.nr_notes == 2, "what is left out is noted");
	ok(conf_read(&source, 2, &other, &err) == 0, "entries in /boot");
	in_boot = describe(&other, other.chosen);
	is_str(in_boot, "2:/boot/k,/i|root=/dev/a ro a1b $ ${ c", "their kernel, and GRUB's variables");
}

/* loader.conf's default, in which case does not count. */
static void test_bls_default(void)
{
	static const struct {
		const char *conf, *want;
	} cases[] = {
		{ "default arch*\n", "0:/Arch-6.1|" }, { "default ARCH-6.1.CONF\n", "0:/Arch-6.1|" },
		{ "default [A-F]RCH-*\n", "0:/Arch-6.1|" }, { "default debian\n", "0:/zfs|" },
		{ "default UKI\n", "efi 0:/EFI/Linux/uki.efi|" },
		{ "default uki.EFI\n", "efi 0:/EFI/Linux/uki.efi|" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct memfile files[] = {
			CONF("Arch-6.1", "linux /Arch-6.1\n"), CONF("zfs", "linux /zfs\n"),
			{ 0, "/EFI/Linux/uki.efi", "MZ", 0 }, { 0, "/loader/loader.conf", cases[i].conf, 0 },
		};

		check_files(cases[i].conf, "bls", "/loader/entries", files, ARRAY_SIZE(files),
			    cases[i].want);
	}
}

/* A unified kernel image that is called what its os-release says; or that says nothing. */
static struct memfile image_file(unsigned int dev, const char *path, uint8_t *buf,
				 const char *os_release)
{
	const struct kernel_section parts[] = {
		{ ".linux", "kernel", 6 }, { ".osrel", os_release, strlen(os_release) },
	};

	return (struct memfile){ dev, path, (char *)buf,
				 kernel_pe(buf, parts, *os_release ? 2 : 1) };
}

/* Type 1 and type 2, of the ESP and of an extended boot partition: one menu. */
static void test_bls_images(void)
{
	static const struct source_device parts[] = {
		{ .part = 1, .fs = "vfat", .role = SOURCE_ROLE_ESP },
		{ .part = 2, .fs = "vfat", .role = SOURCE_ROLE_XBOOTLDR },
		{ .part = 3, .fs = "ext4" }, { .disk = 1, .fs = "vfat", .role = SOURCE_ROLE_ESP },
	};
	static uint8_t image[6][8192];
	const struct memfile files[] = {
		CONF("a", "title Type One\nversion 3\nsort-key mid\nlinux /one\n"),
		image_file(0, "/EFI/Linux/f-1.efi", image[0], "# x\nNAME=Ignored\nID=zoo\n\n"
			   "PRETTY_NAME=\"Zoo \\\"9\\\" \\$x\"\nVERSION_ID='1'\nBUILD_ID=7\n"),
		image_file(1, "/EFI/Linux/f-2.EFI", image[1], "ID=zoo\nVERSION_ID=2\n"
			   "PRETTY_NAME='Zoo \"9\" $x'\nIMAGE_ID=\n"),
		image_file(1, "/EFI/Linux/g.efi", image[2], "ID=other\nIMAGE_ID=ape\nIMAGE_VERSION=1"),
		image_file(1, "/EFI/Linux/g-2.efi", image[3], "ID=other\nIMAGE_ID=ape\nIMAGE_VERSION=1\n"),
		image_file(1, "/EFI/Linux/none.efi", image[4], ""),
		{ 1, "/loader/entries/b.CONF", "title B\nsort-key mid\nversion 4\nlinux /two\ninitrd /i\n", 0 },
		{ 0, "/loader/loader.conf", "default f-1.efi\n", 0 },
		{ 2, "/loader/entries/c.conf", "title C\nlinux /no\n", 0 },
		image_file(3, "/EFI/Linux/h.efi", image[5], "ID=elsewhere\n"),
	};
	static const struct {
		const char *title, *boots;
	} want[] = {
		{ "ape (g-2)", "efi 1:/EFI/Linux/g-2.efi|" }, { "ape (g)", "efi 1:/EFI/Linux/g.efi|" },
		{ "B", "1:/two,/i|" }, { "Type One", "0:/one|" },
		{ "Zoo \"9\" $x (2)", "efi 1:/EFI/Linux/f-2.EFI|" },
		{ "Zoo \"9\" $x (1)", "efi 0:/EFI/Linux/f-1.efi|" },
		{ "none", "efi 1:/EFI/Linux/none.efi|" },
	};
	struct memsource mem = { files, ARRAY_SIZE(files) };
	struct source source = { &memsource_ops, &mem, parts, ARRAY_SIZE(parts) };

	for (unsigned int dev = 0; dev < 2; dev++) {
		scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
		struct err err = ERR_INIT;

		ok(conf_read(&source, dev, &menu, &err) == 0, "from device %u: %s", dev, err.msg);
		is_int(menu.nr_entries, ARRAY_SIZE(want), "entries of both");
		for (size_t i = 0; i < ARRAY_SIZE(want) && i < menu.nr_entries; i++) {
			scoped(free) char *boots = describe(&menu, (int)i);

			is_str(menu.entries[i].title, want[i].title, "its order, and a title");
			is_str(boots, want[i].boots, "what it boots");
		}
		is_int(menu.chosen, 5, "the default");
		is_int(boot_menu_find(&menu, "f-2.efi"), 4, "an entry by its file");
		is_int(boot_menu_find(&menu, "f-2"), 4, "and without the suffix");
		is_int(boot_menu_find(&menu, "f-3.efi"), -1, "none of that name");
	}
}

/* Which one is read: the first line's device, and what its menu would boot. */
static void test_order(void)
{
	static const struct memfile files[] = {
		{ 0, "/boot/grub/grub.cfg", "set timeout=1\n", 0 },
		{ 0, "/boot/grub/menu.lst", "title a\nkernel /legacy\n", 0 },
		{ 0, "/extlinux.conf", "label a\nkernel /ext\n", 0 },
		{ 1, "/EFI/debian/grub.cfg", "search.fs_uuid bbbb root\nset prefix=($root)/boot/grub\n"
					     "configfile $prefix/grub.cfg\n", 0 },
		{ 2, "/boot/grub/grub.cfg", "menuentry a { linux /real }\n", 0 },
	};
	static const char *const want[] = { "0:/ext|", "2:/real|", "2:/real|" };
	struct memsource mem = { files, ARRAY_SIZE(files) };
	struct source source = { &memsource_ops, &mem, devices, ARRAY_SIZE(devices) };

	for (unsigned int dev = 0; dev < ARRAY_SIZE(want); dev++) {
		scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
		scoped(free) char *got = NULL;
		struct err err = ERR_INIT;

		if (!ok(conf_read(&source, dev, &menu, &err) == 0, "device %u", dev))
			printf("#   %s\n", err.msg);
		got = describe(&menu, menu.chosen);
		is_str(got, want[dev], "device %u's kernel", dev);
	}
}

static void refused(const struct memfile *files, size_t nr, int rc, const char *message)
{
	struct memsource mem = { files, nr };
	struct source source = { &memsource_ops, &mem, devices, ARRAY_SIZE(devices) };
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	struct err err = ERR_INIT;

	is_int(conf_read(&source, 0, &menu, &err), rc, "refused");
	is_str(err.msg, message, "and why");
}

static void test_refused(void)
{
	static const struct memfile lilo = { 0, "/etc/lilo.conf", "image=/vmlinuz\n", 0 };
	static const struct memfile empty = { 0, "/grub/grub.cfg", "set timeout=1\n", 0 };

	refused(NULL, 0, -ENOENT, "no boot configuration");
	refused(&empty, 1, -ENOEXEC, "/grub/grub.cfg: offers no entry");
	refused(&lilo, 1, -ENOTSUP, "/etc/lilo.conf: LILO boots from a list of disk blocks, which is "
				    "not read: use kernel= and ramdisk=, or another loader in the guest");
}

static void test_pvboot(void)
{
	static const struct memfile file = { 0, "/boot/xen/pvboot-x86_64.elf", "k", 0 };
	struct memsource mem = { &file, 1 };
	struct source source = { &memsource_ops, &mem, devices, ARRAY_SIZE(devices) };
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	scoped(free) char *got = NULL;
	struct err err = ERR_INIT;

	ok(conf_guess(&source, 0, &menu, &err) == 0, "pvboot");
	got = describe(&menu, menu.chosen);
	is_str(got, "0:/boot/xen/pvboot-x86_64.elf|", "pvboot's image");
}

static void test_guess(void)
{
	static const struct memfile files[] = {
		{ 0, "/boot/vmlinuz-6.9.1", "k", 0 }, { 0, "/boot/vmlinuz-6.10.0", "k", 0 },
		{ 0, "/boot/vmlinuz-6.11.0.old", "k", 0 }, { 0, "/boot/initrd.img-6.10.0", "i", 0 },
		{ 0, "/boot/initramfs-6.9.1.img", "i", 0 }, { 0, "/boot/config-6.12", "c", 0 },
		{ 1, "/vmlinuz", "k", 0 }, { 1, "/initrd.img", "i", 0 }, { 1, "/boot/vmlinuz-9", "k", 0 },
		{ 2, "/vmlinuz-5", "k", 0 }, { 2, "/initrd-5", "i", 0 },
	};
	static const char *const want[] = { "0:/boot/vmlinuz-6.10.0,/boot/initrd.img-6.10.0|",
					    "1:/vmlinuz,/initrd.img|", "2:/vmlinuz-5,/initrd-5|" };
	struct memsource mem = { files, ARRAY_SIZE(files) };
	struct source source = { &memsource_ops, &mem, devices, ARRAY_SIZE(devices) };
	struct source nothing = { &memsource_ops, &mem, devices, ARRAY_SIZE(devices) };
	scoped(boot_menu) struct boot_menu none = BOOT_MENU_INIT;
	struct err err = ERR_INIT;

	for (unsigned int dev = 0; dev < ARRAY_SIZE(want); dev++) {
		scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
		scoped(free) char *got = NULL;

		ok(conf_guess(&source, dev, &menu, &err) == 0, "guess %u", dev);
		got = describe(&menu, menu.chosen);
		is_str(got, want[dev], "guess %u's kernel", dev);
	}
	test_pvboot();
	mem.nr = 0;
	is_int(conf_guess(&nothing, 0, &none, &err), -ENOENT, "nothing to guess from");
}

#define BOOT(name) { 0, "/boot/" name, "k", 0 }

/* What a folder's kernels become: the default, and what stands in for it in that order. */
static void test_guess_order(void)
{
	static const struct {
		const char *what;
		struct memfile files[6];
		const char *want;
	} cases[] = {
		{ "dpkg's leftovers", { BOOT("vmlinuz-6.1"), BOOT("vmlinuz-6.2.dpkg-new"),
		  BOOT("vmlinuz-6.3.dpkg-tmp"), BOOT("vmlinuz-6.4.dpkg-bak"), BOOT("vmlinuz-6.5.dpkg-dist") },
		  "0:/boot/vmlinuz-6.1|" },
		{ "rpm's", { BOOT("vmlinuz-6.1"), BOOT("vmlinuz-6.2.rpmnew"), BOOT("vmlinuz-6.3.rpmsave"),
		  BOOT("vmlinuz-6.4.rpmorig"), BOOT("vmlinuz-6.5;5f1e2d3c") }, "0:/boot/vmlinuz-6.1|" },
		{ "people's", { BOOT("vmlinuz-6.1"), BOOT("vmlinuz-6.2.bak"), BOOT("vmlinuz-6.3.orig"),
		  BOOT("vmlinuz-6.4.tmp"), BOOT("vmlinuz-6.5.new"), BOOT("vmlinuz-6.6~") },
		  "0:/boot/vmlinuz-6.1|" },
		{ "with an initrd first", { BOOT("vmlinuz-6.1"), BOOT("initrd.img-6.1"), BOOT("vmlinuz-6.3"),
		  BOOT("vmlinuz-6.2"), BOOT("vmlinuz-5.9"), BOOT("initrd.img-5.9") },
		  "0:/boot/vmlinuz-6.1,/boot/initrd.img-6.1| 0:/boot/vmlinuz-5.9,/boot/initrd.img-5.9| "
		  "0:/boot/vmlinuz-6.3| 0:/boot/vmlinuz-6.2|" },
		{ "release candidates", { BOOT("vmlinuz-6.1.10-rc1"), BOOT("vmlinuz-6.1.10"),
		  BOOT("vmlinuz-6.1.10-rc10"), BOOT("vmlinuz-6.1.9"), BOOT("vmlinuz-6.1.10-9") },
		  "0:/boot/vmlinuz-6.1.10-9| 0:/boot/vmlinuz-6.1.10| 0:/boot/vmlinuz-6.1.10-rc10| "
		  "0:/boot/vmlinuz-6.1.10-rc1| 0:/boot/vmlinuz-6.1.9|" },
		{ "other words for that", { BOOT("vmlinuz-6.1-trunk-amd64"), BOOT("vmlinuz-6.1-1-amd64"),
		  BOOT("vmlinuz-6.1-preempt"), BOOT("vmlinuz-6.1") },
		  "0:/boot/vmlinuz-6.1-1-amd64| 0:/boot/vmlinuz-6.1-preempt| 0:/boot/vmlinuz-6.1| "
		  "0:/boot/vmlinuz-6.1-trunk-amd64|" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
		struct memsource mem = { cases[i].files, 0 };
		struct source source = { &memsource_ops, &mem, devices, ARRAY_SIZE(devices) };
		struct strbuf s = STRBUF_INIT;
		scoped(free) char *got = NULL;
		struct err err = ERR_INIT;

		while (mem.nr < ARRAY_SIZE(cases[i].files) && cases[i].files[mem.nr].path)
			mem.nr++;
		ok(conf_guess(&source, 0, &menu, &err) == 0, "%s", cases[i].what);
		for (size_t n = 0; n <= menu.nr_fallback; n++) {
			scoped(free) char *one = describe(&menu, n ? menu.fallback[n - 1] : menu.chosen);

			strbuf_printf(&s, "%s%s", n ? " " : "", one);
		}
		ok(strbuf_finish(&s, &got, &err) == 0, "  a list");
		is_str(got, cases[i].want, "  which");
	}
}

/* A file that includes itself twice, and so on. */
static void test_many_includes(void)
{
	static const struct memfile file = { 0, "/extlinux.conf",
					     "include extlinux.conf\ninclude extlinux.conf\n"
					     "label a\nkernel /a\n", 0 };
	struct memsource mem = { &file, 1 };
	struct source source = { &memsource_ops, &mem, devices, ARRAY_SIZE(devices) };
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	struct err err = ERR_INIT;

	ok(conf_read(&source, 0, &menu, &err) == 0, "endless includes");
	is_int(menu.nr_entries, 101, "end");
	ok(menu.nr_notes > 0, "and are noted");
}

static void test_legacy_locks(void)
{
	static const struct memfile file = {
		0, "/boot/grub/menu.lst",
		"password --md5 $1$6sPwn1$d3Xx8TyouodLQrvdmt2aW/\nfallback 1 9\ntimeout 3\n"
		"title a\nlock\nkernel /a\ntitle b\npassword x\nkernel /b\n", 0 };
	struct memsource mem = { &file, 1 };
	struct source source = { &memsource_ops, &mem, devices, ARRAY_SIZE(devices) };
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	struct err err = ERR_INIT;

	ok(conf_read(&source, 0, &menu, &err) == 0, "menu.lst with passwords");
	ok(menu.edit_locked && menu.entries[0].locked && menu.entries[1].locked, "locked");
	is_int(menu.nr_users, 2, "two passwords");
	ok(menu.users[0].super && menu.users[0].kind == BOOT_SECRET_CRYPT, "the menu's");
	is_int(menu.users[1].entry, 1, "an entry's own");
	is_int(menu.nr_fallback, 1, "fallback");
	is_int(menu.timeout_s, 3, "timeout");
}

/* GRUB asks for the password that was set before the first title: there is none. */
static void test_legacy_lock_alone(void)
{
	static const struct memfile file = {
		0, "/boot/grub/menu.lst",
		"title a\nlock\nkernel /a\ntitle b\npassword x\nlock\nkernel /b\ntitle c\nlock\n", 0 };
	static const bool locked[] = { false, true, false };
	struct memsource mem = { &file, 1 };
	struct source source = { &memsource_ops, &mem, devices, ARRAY_SIZE(devices) };
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	struct err err = ERR_INIT;

	ok(conf_read(&source, 0, &menu, &err) == 0, "menu.lst with locks alone");
	is_int(menu.nr_entries, ARRAY_SIZE(locked), "its entries");
	for (size_t i = 0; i < menu.nr_entries && i < ARRAY_SIZE(locked); i++)
		is_int(menu.entries[i].locked, locked[i], "entry %s", menu.entries[i].title);
	ok(!menu.edit_locked, "no password for editing");
}

/* Made by openssl passwd -1, -5, -6, and by grub-mkpasswd-pbkdf2 (or hashlib.pbkdf2_hmac). */
static const struct {
	enum boot_secret kind;
	const char *secret;
	bool right;		/* for "secret" */
} secrets[] = {
	{ BOOT_SECRET_PLAIN, "secret", true }, { BOOT_SECRET_PLAIN, "secre", false },
	{ BOOT_SECRET_PLAIN, "secrets", false }, { BOOT_SECRET_PLAIN, "", false },
	{ BOOT_SECRET_CRYPT, "$1$saltsalt$9xy1btjgzLYfb7hivXtC//", true },
	{ BOOT_SECRET_CRYPT, "$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA", true },
	{ BOOT_SECRET_CRYPT, "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1", true },
	{ BOOT_SECRET_PBKDF2, "grub.pbkdf2.sha512.1000.000102030405060708090A0B0C0D0E0F101112131415161718191A1B"
	  "1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F.8F9697D"
	  "C3B2D59180EE5C8E37EF2AFB1FED9FCA2BCD764F8C060CC8A1F83087420F0FEFEF9F9A3E2C65C329"
	  "D6C9A411A7D92F4419DBDB44E5ECDA84BFE7C9F7F", true },
	{ BOOT_SECRET_PBKDF2, "grub.pbkdf2.sha512.1.4E61436C.4E7BDFDEB4E8FDC37002B95E2DBC32F879193394", true },
	{ BOOT_SECRET_PBKDF2, "grub.pbkdf2.sha512.3.7878787878.4D05CEE52346E363CC81A47734253E4A604503D999364AAE"
	  "ADE36671AEA178AEF9A1470A54DF16BB2F189F896835B4C3A61BE534E6BEA3BBD80ACADFD905874D"
	  "E4E3DADE070D160B3820995B27B5B584D7AAF7029ADED0CA5DAC8D1959E034F72A1F78F3", true },
	{ BOOT_SECRET_CRYPT, "secret", false }, { BOOT_SECRET_CRYPT, "$6$rounds=999999999$a$b", false },
	{ BOOT_SECRET_CRYPT, "", false }, { BOOT_SECRET_PBKDF2, "", false },
	{ BOOT_SECRET_PBKDF2, "grub.pbkdf2.sha512.1.00.", false },
	{ BOOT_SECRET_PBKDF2, "grub.pbkdf2.sha512.9999999.00.00", false },
	{ BOOT_SECRET_PBKDF2, "grub.pbkdf2.sha512.0.00.00", false },
	{ BOOT_SECRET_PBKDF2, "grub.pbkdf2.sha512.1.0.00", false },
	{ BOOT_SECRET_PBKDF2, "grub.pbkdf2.sha256.1.00.00", false },
};

static void test_secrets(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		scoped(free) char *secret = strdup(secrets[i].secret);
		struct boot_user user = { .kind = secrets[i].kind, .secret = secret };

		is_int(boot_user_check(&user, "secret"), secrets[i].right, "'%.60s'", secret);
		if (secrets[i].right)
			ok(!boot_user_check(&user, "Secret"), "  and not another");
	}
}

static void test_helpers(void)
{
	static const struct {
		const char *pattern, *text;
		bool match;
	} globs[] = {
		{ "*", "", true }, { "a*c", "abbc", true }, { "a*c", "abcb", false }, { "?", "", false },
		{ "[a-c]x", "bx", true }, { "[!a]x", "ax", false }, { "[a", "[a", true }, { "\\*", "a", false },
		{ "*a*a*b", "aaaaaaaaaaaaaaaaaaaaaac", false }, { "a", "ab", false },
	};
	/* Each is older than the next: the specification's own examples among them. */
	static const char *const versions[] = {
		"", "~1", "122.1", "123~rc1-1", "123", "123-a", "123-a.1", "123-1", "123-1.1", "123^post1",
		"123.a-1", "123.1-1", "123a-1", "124-1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(globs); i++)
		is_int(glob_match(globs[i].pattern, globs[i].text), globs[i].match, "glob '%s' '%s'",
		       globs[i].pattern, globs[i].text);
	for (size_t i = 2; i < ARRAY_SIZE(versions); i++) {
		is_int(version_compare(versions[i - 1], versions[i]), -1, "%s < %s", versions[i - 1],
		       versions[i]);
		is_int(version_compare(versions[i], versions[i - 1]), 1, "%s > %s", versions[i],
		       versions[i - 1]);
	}
	is_int(version_compare("6.10.0-9", "6.9.12-1"), 1, "kernels");
	is_int(version_compare("1_2", "1+2"), 0, "what does not count");
	is_int(version_compare("01", "1"), 0, "zeros");
}

static void test_device_names(void)
{
	static const struct source_device d[] = {
		{ .part = 0 }, { .part = 1, .table = SOURCE_TABLE_MSDOS },
		{ .part = 5, .table = SOURCE_TABLE_MSDOS }, { .disk = 1, .part = 2, .table = SOURCE_TABLE_GPT },
		{ .names = { "lvm/vg-a--b", "lvmid/x/y" } },
	};
	static const struct {
		const char *name;
		unsigned int dev;
	} names[] = {
		{ "hd0", 0 }, { "hd0,msdos1", 1 }, { "hd0,1", 1 }, { "hd0,gpt1", SOURCE_NO_DEVICE },
		{ "hd0,msdos5", 2 }, { "hd1,gpt2", 3 }, { "hd1", SOURCE_NO_DEVICE }, { "lvm/vg-a--b", 4 },
		{ "lvmid/x/y", 4 }, { "xen/xvda,msdos1", 1 }, { "xen/xvdb,gpt2", 3 }, { "hd0,", SOURCE_NO_DEVICE },
		{ "hd", SOURCE_NO_DEVICE }, { "", SOURCE_NO_DEVICE }, { "hd0,0", SOURCE_NO_DEVICE },
		{ "hd99999999999", SOURCE_NO_DEVICE }, { "hd0,1x", SOURCE_NO_DEVICE },
	};
	struct source source = { &memsource_ops, NULL, d, ARRAY_SIZE(d) };
	char name[64];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		is_int(source_by_name(&source, names[i].name), names[i].dev, "device %s", names[i].name);
	for (unsigned int i = 0; i < ARRAY_SIZE(d); i++)
		is_int(source_by_name(&source, source_device_name(&source, i, name, sizeof(name))), i,
		       "device %u by its name %s", i, name);
	is_int(source_by_legacy_name(&source, "hd0,0"), 1, "legacy: partitions from 0");
	is_int(source_by_legacy_name(&source, "hd1,1"), 3, "legacy: the second disk");
	is_int(source_by_legacy_name(&source, "hd0"), 0, "legacy: a whole disk");
}

int main(void)
{
	test_texts();
	test_bls();
	test_bls_default();
	test_bls_images();
	test_order();
	test_refused();
	test_guess();
	test_guess_order();
	test_legacy_locks();
	test_legacy_lock_alone();
	test_many_includes();
	test_secrets();
	test_helpers();
	test_device_names();
	return tap_done();
}
