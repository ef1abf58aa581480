/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * GRUB 2's scripts: what an entry boots, by table. Where files do not matter, GRUB 2.06
 * itself (grub-emu) was asked the same; it differs where Red Hat's does (\\x2d, and ids that
 * start with digits), and a '$' that starts no variable is a syntax error there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/str.h"
#include "bootloader/conf/conf.h"
#include "bootloader/conf/grub_script.h"
#include "bootloader/conf/regex.h"
#include "memsource.h"
#include "tap.h"

static const struct source_device devices[] = {
	{ .part = 1, .table = SOURCE_TABLE_GPT, .fs = "ext4", .uuid = "aaaa-bbbb", .label = "boot",
	  .partuuid = "11111111-02" },
	{ .part = 2, .table = SOURCE_TABLE_GPT, .fs = "vfat", .uuid = "ABCD-1234", .label = "ESP" },
	{ .names = { "lvm/vg-root", "lvmid/v/r" }, .fs = "xfs", .uuid = "cccc", .label = "root" },
};

static const struct memfile others[] = {
	{ 0, "/boot/grub/grubenv", "# GRUB Environment Block\nsaved_entry=second\n"
				   "kernelopts=root=/dev/a ro\nodd=a\\\\b\\\nc\n####", 0 },
	{ 0, "/boot/grub/custom.cfg", "menuentry custom { linux /custom }\nx=sourced\nreturn\nx=no\n",
	  0 },
	{ 0, "/boot/grub/other.cfg",
	  "set default=1\nmenuentry a { linux /other-a $x }\nmenuentry b { linux /other-b $y }\n", 0 },
	{ 0, "/boot/grub/loop.cfg", "source /boot/grub/loop.cfg\n", 0 },
	{ 0, "/boot/grub/self.cfg", "menuentry a { configfile /boot/grub/self.cfg }\n", 0 },
	{ 0, "/boot/grub/deep.cfg",
	  "menuentry a { linux /deep-a }\nsubmenu b { configfile /boot/grub/other.cfg\n}\n", 0 },
	{ 0, "/boot/grub/deeper.cfg", "menuentry a { linux /deep-a }\n"
	  "submenu b { menuentry d { linux /deep-d }\nconfigfile /boot/grub/deep.cfg\n}\n"
	  "default='1>1'\n", 0 },
	{ 0, "/boot/vmlinuz-1", "k", 0 }, { 0, "/boot/vmlinuz-2", "k", 0 },
	{ 0, "/empty", "\0", 1 },
	{ 2, "/marker", "x", 0 }, { 2, "/vmlinuz-lv", "k", 0 },
	{ 0, "/loader/entries/id-6.9.conf",
	  "title Six Nine\nlinux /vmlinuz-6.9\ninitrd /i1\ninitrd /i2 $more\noptions a=1 $kernelopts\n"
	  "options b=2\n", 0 },
	{ 0, "/loader/entries/id-6.11.conf", "title Six Eleven\nlinux /vmlinuz-6.11\n", 0 },
	{ 0, "/loader/entries/id-6.10.conf", "title Six Ten\nlinux /vmlinuz-6.10\noptions \"q r\" s\n",
	  0 },
	{ 0, "/loader/entries/id-6.8.conf", "title Six Eight\nlinux /f/vmlinuz\noptions 'a $q' b$r,c $q\n", 0 },
	{ 0, "/loader/entries/id-6.7.conf", "title Six Seven\nlinux /f/vmlinuz\ninitrd /g/i\n", 0 },
	{ 0, "/loader/entries/id-6.6.conf", "title Six Six\nlinux /f/vmlinuz\ninitrd $more\n", 0 },
};

#define E(body) "menuentry t {\n" body "\n}\n"
#define L(value) E("linux /k " value)

/* What the default entry boots: "device:kernel,initrd...|command line"; "-" is nothing. */
static const struct {
	const char *what, *script, *want;
} cases[] = {
	{ "plain", L("a b  c"), "hd0,gpt1:/k|a b c" },
	{ "no kernel", E("echo hi"), "-" },
	{ "single quotes", L("'a $b' \"c  d\""), "hd0,gpt1:/k|\"a $b\" \"c  d\"" },
	{ "a quote within", L("a=\"b c\"d"), "hd0,gpt1:/k|\"a=b cd\"" },
	{ "an empty word", L("a '' b"), "hd0,gpt1:/k|a  b" },
	{ "escapes", L("a\\ b \\$c \"\\$d\\\"\\e\""),
	  "hd0,gpt1:/k|\"a b\" $c $d\\\"\\\\e" },
	{ "systemd's escapes stay", L("root=a\\x2db"), "hd0,gpt1:/k|root=a\\x2db" },
	{ "continued line", L("a \\\n b\\\nc"), "hd0,gpt1:/k|a bc" },
	{ "comments", "# {\n" L("a # b\n# c }") , "hd0,gpt1:/k|a" },
	{ "# within a word", L("a#b"), "hd0,gpt1:/k|a#b" },
	{ "CR LF", "menuentry t {\r\nlinux /k a\r\n}\r\n", "hd0,gpt1:/k|a" },
	{ "variables", "a=1\nset b='2 3'\n" L("$a${a}x $b \"$b\" $none \"$none\" $"),
	  "hd0,gpt1:/k|11x 2 3 \"2 3\"  $" },
	{ "set without a value", "set a\nset =b\n" L("x"), "hd0,gpt1:/k|x" },
	{ "unset", "a=1\nunset a\n" L("x$a"), "hd0,gpt1:/k|x" },
	{ "entry in its own copy", "a=1\nmenuentry t { linux /k $a; a=2 }", "hd0,gpt1:/k|1" },
	{ "if else", "if false; then a=1; elif [ 1 = 2 ]; then a=2; else a=3; fi\n" L("$a"),
	  "hd0,gpt1:/k|3" },
	{ "elif", "if false; then a=1; elif true; then a=2; else a=3; fi\n" L("$a"),
	  "hd0,gpt1:/k|2" },
	{ "not", "if ! false; then a=1; fi\nif ! true; then a=2; fi\n" L("$a"), "hd0,gpt1:/k|1" },
	{ "an unknown command is true", "if no_such x; then a=1; else a=2; fi\n" L("$a $?"),
	  "hd0,gpt1:/k|1 0" },
	{ "status", "false\na=$?\ntrue\nb=$?\n" L("$a $b"), "hd0,gpt1:/k|1 0" },
	{ "while", "a=\nwhile [ \"$a\" != xxx ]; do a=x$a; done\n" L("$a"), "hd0,gpt1:/k|xxx" },
	{ "until", "a=\nuntil [ \"$a\" = xx ]; do a=x$a; done\n" L("$a"), "hd0,gpt1:/k|xx" },
	{ "for", "for i in 1 2 '3 4'; do a=\"$a.$i\"; done\n" L("\"$a\""), "hd0,gpt1:/k|\".1.2.3 4\"" },
	{ "break", "for i in 1 2 3; do for j in a b; do if [ $i = 2 ]; then break 2; fi; "
		   "if [ $j = b ]; then continue; fi; x=$x$i$j; done; done\n" L("$x"),
	  "hd0,gpt1:/k|1a" },
	{ "continue 2", "for i in 1 2 3; do for j in 1 2; do continue 2; done; x=no; done\n" L("$x$i"),
	  "hd0,gpt1:/k|3" },
	{ "for over files", "for f in /boot/vmlinuz-*; do a=\"$a $f\"; done\n" L("$a"),
	  "hd0,gpt1:/k|/boot/vmlinuz-1 /boot/vmlinuz-2" },
	{ "a pattern that matches nothing", L("/none-*"), "hd0,gpt1:/k|/none-*" },
	{ "a quoted pattern", L("'/boot/vmlinuz-*'"), "hd0,gpt1:/k|/boot/vmlinuz-*" },
	{ "function", "function f { x=\"$1-$2-$#\"; shift; y=$1; }\nf a b c\n" L("$x $y"),
	  "hd0,gpt1:/k|a-b-3 b" },
	{ "function's status", "function f { return 1; a=1; }\nif f; then a=2; else b=3; fi\n"
			       L("$a$b"), "hd0,gpt1:/k|3" },
	{ "all parameters", "function g { n=$#; }\nfunction f { g \"$@\"; m=$n; g $*; x=\"$*\"; }\n"
			    "f 'a b' c\n" L("$m $n \"$x\""), "hd0,gpt1:/k|2 3 \"a b c\"" },
	{ "setparams", "setparams a b\n" E("setparams k v\nlinux /$1 $2"), "hd0,gpt1:/k|v" },
	{ "entry's parameters", "menuentry t --class c u v { linux /$2 $1$3 }", "hd0,gpt1:/u|tv" },
	{ "eval", "a=b\neval \"$a=5; c=\\$$a\"\n" L("$b $c"), "hd0,gpt1:/k|5 5" },
	{ "not nested: a command within quotes", L("'; linux /no'"), "hd0,gpt1:/k|\"; linux /no\"" },

	{ "default by number", "default=1\nmenuentry a { linux /a }\nmenuentry b { linux /b }",
	  "hd0,gpt1:/b|" },
	{ "default by title", "default='b b'\nmenuentry a { linux /a }\nmenuentry 'b b' { linux /b }",
	  "hd0,gpt1:/b|" },
	{ "default by id", "default=i\nmenuentry a { linux /a }\nmenuentry b --id i { linux /b }",
	  "hd0,gpt1:/b|" },
	{ "an id of digits and letters", "default=1ab\nmenuentry a { linux /a }\n"
					 "menuentry x { linux /x }\nmenuentry b --id 1ab { linux /b }",
	  "hd0,gpt1:/b|" },
	{ "--users of nobody", "default=x\nmenuentry a { linux /a }\n"
			       "menuentry b --users $none --id x { linux /b }", "hd0,gpt1:/b|" },
	{ "default by path", "default='s>1'\nmenuentry a { linux /a }\nsubmenu S --id s {\n"
			     "menuentry b { linux /b }\nmenuentry c { linux /c }\n}", "hd0,gpt1:/c|" },
	{ "a title with >", "default='a>>b'\nmenuentry x { linux /x }\nmenuentry 'a>b' { linux /y }",
	  "hd0,gpt1:/y|" },
	{ "default in a deep submenu", "default='0>0>x'\nsubmenu a { submenu b { menuentry y { linux /y }"
				       "\nmenuentry x { linux /x } } }", "hd0,gpt1:/x|" },
	{ "default is a submenu", "default=0\nsubmenu s { menuentry a { linux /a } }", "hd0,gpt1:/a|" },
	{ "a submenu's own default", "default=0\nsubmenu s { default=1\nmenuentry a { linux /a }\n"
				     "menuentry b { linux /b } }", "hd0,gpt1:/b|" },
	{ "a path instead of it", "default='0>0'\nsubmenu s { default=1\nmenuentry a { linux /a }\n"
				  "menuentry b { linux /b } }", "hd0,gpt1:/a|" },
	{ "blanks at a value's ends", "x=' a b '\n" L("p$x$x"), "hd0,gpt1:/k|pa ba b" },
	{ "status of a loop", "while false; do a=1; done\nx=$?\n" L("$x"), "hd0,gpt1:/k|1" },
	{ "default names nothing", "default=zz\nmenuentry a { linux /a }", "hd0,gpt1:/a|" },
	{ "saved entry", "load_env\nset default=\"${saved_entry}\"\nmenuentry a { linux /a }\n"
			 "menuentry b --id second { linux /b }", "hd0,gpt1:/b|" },
	{ "load_env of names", "load_env saved_entry\n" L("x$kernelopts$saved_entry"),
	  "hd0,gpt1:/k|xsecond" },
	{ "load_env of a file", "load_env -f /boot/grub/grubenv\nload_env --file=/none\n"
				L("$kernelopts $odd"), "hd0,gpt1:/k|root=/dev/a ro a\\\\b c" },
	{ "submenu sees what is exported", "a=1\nb=2\nexport b\nsubmenu s { menuentry t { linux /k x$a$b } }",
	  "hd0,gpt1:/k|x2" },

	{ "kernel on a named device", E("linux (lvm/vg-root)/vmlinuz a"), "lvm/vg-root:/vmlinuz|a" },
	{ "a device that is gone", "set root=hd0,msdos1\n" L("a"), "hd0,gpt1:/k|a" },
	{ "root", "set root='hd0,gpt2'\n" L("a"), "hd0,gpt2:/k|a" },
	{ "prefix", E("linux ${prefix}/k"), "hd0,gpt1:/boot/grub/k|" },
	{ "search by uuid", "search --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt9 abcd-1234\n"
			    L(""), "hd0,gpt2:/k|" },
	{ "search by label", "search --label --set root root\n" L(""), "lvm/vg-root:/k|" },
	{ "search by label into a variable", "search --label --set x root\n" E("linux ($x)/k"),
	  "lvm/vg-root:/k|" },
	{ "search by file", "search -sf /marker\n" L(""), "lvm/vg-root:/k|" },
	{ "search with a variable", "search --file --set=x /marker\n" E("linux ($x)/k"),
	  "lvm/vg-root:/k|" },
	{ "search.fs_uuid", "search.fs_uuid cccc root hd0,gpt1\n" L(""), "lvm/vg-root:/k|" },
	{ "search finds nothing", "if search --set=root --label no; then a=1; fi\n" L("x$a"),
	  "hd0,gpt1:/k|x" },
	{ "search in the entry", E("search --set=root --label root\nlinux /k"), "lvm/vg-root:/k|" },
	{ "probe", "probe --set=u --fs-uuid ($root)\nprobe -s f --fs $root\n" L("$u $f"),
	  "hd0,gpt1:/k|aaaa-bbbb ext2" },

	{ "initrds", E("linux /k\ninitrd /a /b\n"), "hd0,gpt1:/k,/a,/b|" },
	{ "the second initrd counts", E("linux /k\ninitrd /a\ninitrd /b"), "hd0,gpt1:/k,/b|" },
	{ "linux forgets the initrd", E("linux /k\ninitrd /a\nlinux /l"), "hd0,gpt1:/l|" },
	{ "initrd before linux", E("initrd /a\nlinux /k"), "hd0,gpt1:/k|" },
	{ "linux16", E("linux16 /k a\ninitrd16 /i"), "hd0,gpt1:/k,/i|a" },
	{ "linuxefi", E("linuxefi /k a\ninitrdefi /i"), "hd0,gpt1:/k,/i|a" },
	{ "boot ends it", E("linux /k\nboot\nlinux /l"), "hd0,gpt1:/k|" },
	{ "multiboot", E("multiboot /xen.gz placeholder dom0\nmodule /k placeholder a b\n"
			 "module --nounzip /i"), "xen /xen.gz dom0 hd0,gpt1:/k,/i|a b" },
	{ "multiboot without modules", E("multiboot /memtest"), "-" },
	{ "modules without multiboot", E("module /k"), "-" },
	{ "chainloader", E("chainloader +1"), "-" },
	{ "an EFI program", E("chainloader /EFI/Linux/a.efi x"), "hd0,gpt1:/EFI/Linux/a.efi|x" },
	{ "no entry, but a kernel", "linux /k a\ninitrd /i\nboot\n", "hd0,gpt1:/k,/i|a" },

	{ "source", "source $prefix/custom.cfg\nmenuentry t { linux /k }\ndefault=1\n",
	  "hd0,gpt1:/k|" },
	{ "source's variables and return", ". /boot/grub/custom.cfg\ndefault=t\n" L("$x"),
	  "hd0,gpt1:/k|sourced" },
	{ "a file that is not there", "if source /none; then a=1; fi\n" L("x$a"), "hd0,gpt1:/k|x1" },
	{ "configfile", "x=1\ny=2\nexport y\nmenuentry z { linux /z }\n"
			"configfile /boot/grub/other.cfg\nmenuentry c { linux /c }", "hd0,gpt1:/other-b|2" },
	{ "configfile of nothing", "configfile /none\n" L("a"), "hd0,gpt1:/k|a" },
	{ "configfile in an entry", "menuentry a { configfile /boot/grub/other.cfg; }",
	  "hd0,gpt1:/other-b|" },
	{ "configfile in a submenu", "submenu s { configfile /boot/grub/other.cfg\n}", "hd0,gpt1:/other-b|" },
	{ "configfile in a later submenu", "default='1>0'\ny=2\nexport y\nmenuentry z { linux /z }\n"
	  "submenu s { menuentry u { linux /u }\nmenuentry v { linux /v }\n"
	  "configfile /boot/grub/other.cfg\nmenuentry c { linux /c }\n}\n", "hd0,gpt1:/other-a|" },
	{ "configfile of nothing in a submenu", "submenu s { menuentry u { linux /u }\n"
	  "configfile /none\nmenuentry v { linux /v }\n}\ndefault='0>1'\n", "hd0,gpt1:/v|" },
	{ "configfile with submenus in a submenu", "submenu s { menuentry u { linux /u }\n"
	  "configfile /boot/grub/deep.cfg\n}\nsubmenu t { menuentry v { linux /v }\n}\n"
	  "default='0>1>1'\n", "hd0,gpt1:/other-b|" },
	{ "a default of a submenu that leads further", "submenu s { configfile /boot/grub/deeper.cfg\n}",
	  "hd0,gpt1:/other-b|" },
	{ "configfile with submenus in an entry", "menuentry a { configfile /boot/grub/deep.cfg; }",
	  "hd0,gpt1:/deep-a|" },
	{ "configfile in a submenu in an entry", "menuentry a { configfile /boot/grub/deeper.cfg; }",
	  "hd0,gpt1:/other-b|" },
	{ "endless configfile in a submenu", "default='0>0>0>0>0>0>0>0'\n"
	  "submenu s { configfile /boot/grub/grub.cfg\n}\nmenuentry a { linux /a }", "hd0,gpt1:/a|" },
	{ "endless source", "source /boot/grub/loop.cfg\n" L(""), NULL },
	{ "endless configfile", "configfile /boot/grub/self.cfg", "!" },
	{ "endless loop", "while true; do a=1; done\n" L(""), NULL },
	{ "endless entry", E("while true; do a=1; done"), "!" },
	{ "endless function", "function f { f; }\nf\n" L(""), NULL },
	{ "endless growth", "a=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nwhile true; do a=\"$a$a\"; done\n" L(""),
	  NULL },

	{ "blscfg", "default_kernelopts='x y'\nblscfg\n", "hd0,gpt1:/vmlinuz-6.11|x y" },
	{ "blscfg's second", "default=1\nblscfg\n", "hd0,gpt1:/vmlinuz-6.10|\"q r\" s" },
	{ "blscfg with variables", "load_env kernelopts\nmore=/m\nset default=id-6.9\nblscfg\n",
	  "hd0,gpt1:/vmlinuz-6.9,/i1,/i2,/m|a=1 root=/dev/a ro b=2" },
	{ "blscfg with a quoted value", "kernelopts='root=/dev/x dyndbg=\"file x +p\"'\n"
	  "default=id-6.9\nblscfg\n",
	  "hd0,gpt1:/vmlinuz-6.9,/i1,/i2|a=1 root=/dev/x \"dyndbg=file x +p\" b=2" },
	{ "blscfg with a value of default_kernelopts", "x='d=\"e f\"'\ndefault_kernelopts='c $x'\nblscfg\n",
	  "hd0,gpt1:/vmlinuz-6.11|c \"d=e f\"" },
	{ "blscfg with variables in quotes", "q='x y'\nr=1\ndefault=id-6.8\nblscfg\n",
	  "hd0,gpt1:/f/vmlinuz|\"a x y \" b1 ,c x y" },
	{ "blscfg with what is set too late", "default=id-6.8\nblscfg\nq=x\n", "hd0,gpt1:/f/vmlinuz|\"a \" b,c" },
	{ "blscfg with early_initrd", "early_initrd='u m/v'\ndefault=id-6.7\nblscfg\n",
	  "hd0,gpt1:/f/vmlinuz,/g/u,/g/m/v,/g/i|" },
	{ "early_initrd beside a kernel", "early_initrd=u\ndefault=id-6.8\nblscfg\n",
	  "hd0,gpt1:/f/vmlinuz,/f/u|\"a \" b,c" },
	{ "early_initrd and a variable", "early_initrd=u\nmore=/m\ndefault=id-6.6\nblscfg\n",
	  "hd0,gpt1:/f/vmlinuz,/f/u,/m|" },
	{ "early_initrd that is empty", "early_initrd=\ndefault=id-6.7\nblscfg\n", "hd0,gpt1:/f/vmlinuz,/g/i|" },

	{ "test: strings", "if [ a = a -a b != c -a -n x -a -z '' ]; then a=1; fi\n" L("$a"),
	  "hd0,gpt1:/k|1" },
	{ "test: or", "if [ a = b -o b = b ]; then a=1; fi\n" L("$a"), "hd0,gpt1:/k|1" },
	{ "test: brackets", "if test ! \\( a = b -o c = c \\); then a=1; else a=2; fi\n" L("$a"),
	  "hd0,gpt1:/k|2" },
	{ "test: numbers", "if [ 10 -gt 9 -a 9 -lt 010 -a 3 -ge 3 ]; then a=1; else a=2; fi\n" L("$a"),
	  "hd0,gpt1:/k|2" },
	{ "test: files", "if [ -f /boot/vmlinuz-1 -a -d /boot -a -e /empty -a -s /boot/vmlinuz-1 ]; then "
			 "a=1; fi\nif [ -d /none -o -f /boot -o -f (hd9)/x ]; then a=2; fi\n" L("$a"),
	  "hd0,gpt1:/k|1" },
	{ "test: one word", "if [ \"$none\" ]; then a=1; else a=2; fi\n" L("$a"), "hd0,gpt1:/k|2" },
	{ "test: no bracket", "if [ a = a; then a=1; else a=2; fi\n" L("$a"), "hd0,gpt1:/k|1" },
	{ "increment", "a=9\nincrement a\nb=0\ndecrement b\n" L("$a $b"), "hd0,gpt1:/k|10 -1" },
	{ "regexp", "if regexp --set=1:x --set 2:y '^v([0-9]+)\\.(.*)$' v12.3a; then a=1; fi\n"
		    L("$a $x $y"), "hd0,gpt1:/k|1 12 3a" },
	{ "regexp that does not match", "if regexp a b; then a=1; fi\n" L("x$a"), "hd0,gpt1:/k|x" },

	{ "a syntax error costs its line", "if then\nfi }\n" L("a"), "hd0,gpt1:/k|a" },
	{ "an open quote", L("a") "x='\n", "hd0,gpt1:/k|a" },
	{ "an open block", L("a") "menuentry x {\n linux /x\n", "hd0,gpt1:/k|a" },
	{ "nothing", "\n", NULL },
};

/* "hd0,gpt1:/k,/i|args"; "-" for what boots nothing, "!" for what went wrong. */
static char *describe(const struct source *source, struct boot_menu *menu)
{
	struct boot_target t = { .cmdline = NULL };
	struct strbuf s = STRBUF_INIT;
	struct err err = ERR_INIT;
	char name[64], *out = NULL;
	int rc = boot_menu_target(menu, (size_t)menu->chosen, &t, &err);

	if (rc < 0)
		return strdup(rc == -ENOEXEC ? "-" : "!");
	if (t.kind == BOOT_XEN)
		strbuf_printf(&s, "xen %s %s ", t.hypervisor.path, t.hypervisor_args);
	strbuf_printf(&s, "%s:%s", source_device_name(source, t.kernel.dev, name, sizeof(name)),
		      t.kernel.path);
	for (size_t i = 0; i < t.nr_initrds; i++)
		strbuf_printf(&s, ",%s", t.initrds[i].path);
	strbuf_printf(&s, "|%s", t.cmdline);
	return strbuf_finish(&s, &out, &err) < 0 ? NULL : out;
}

/* The script as /boot/grub/grub.cfg among the other files; NULL: it is refused. */
static void check_script(const char *what, const char *script, const char *want)
{
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	scoped(free) char *got = NULL;
	struct memfile files[ARRAY_SIZE(others) + 1];
	struct memsource mem = { files, ARRAY_SIZE(files) };
	struct source source = { &memsource_ops, &mem, devices, ARRAY_SIZE(devices) };
	struct boot_menu read = BOOT_MENU_INIT;
	struct err err = ERR_INIT;
	int rc;

	files[0] = (struct memfile){ 0, "/boot/grub/grub.cfg", script, 0 };
	memcpy(files + 1, others, sizeof(others));
	rc = conf_read_file(&source, 0, "/boot/grub/grub.cfg", NULL, &read, &err);
	/* A menu may be moved. */
	menu = read;
	memset(&read, 0x55, sizeof(read));
	if (rc == 0)
		got = describe(&source, &menu);
	if (!is_str(got, want, "%s", what) && err.code)
		printf("#   %s\n", err.msg);
}

static int read_script(const char *script, struct memsource *mem, struct memfile *file,
		       struct boot_menu *menu)
{
	static struct source source;
	struct err err = ERR_INIT;

	*file = (struct memfile){ 0, "/boot/grub/grub.cfg", script, 0 };
	*mem = (struct memsource){ file, 1 };
	source = (struct source){ &memsource_ops, mem, devices, ARRAY_SIZE(devices) };
	return conf_read_file(&source, 0, file->path, "grub2", menu, &err);
}

/* As pygrub counts, which knows no submenus. */
static void test_flat(void)
{
	static const char script[] =
		"menuentry A { linux /a }\nsubmenu S { menuentry B --id b { linux /b }\n"
		"submenu U { menuentry C { linux /c } }\nmenuentry 'x>y' { linux /x } }\n"
		"menuentry D { linux /d }\nsubmenu none { }\nmenuentry E { linux /e }\n";
	static const struct { const char *spec, *title; } specs[] = {
		{ "0", "A" }, { "1", "B" }, { "2", "C" }, { "3", "x>y" }, { "4", "D" }, { "5", "E" },
		{ "6", NULL }, { "C", "C" }, { "x>y", "x>y" }, { "E", "E" }, { "F", NULL },
		/* What pygrub has no name for means what GRUB means by it. */
		{ "b", NULL }, { "S>b", "B" }, { "1>1>0", "C" }, { "S", "B" },
	};
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	struct memsource mem;
	struct memfile file;
	char order[64] = "";
	size_t len = 0;

	ok(read_script(script, &mem, &file, &menu) == 0, "a menu with submenus");
	for (int i = boot_menu_next(&menu, -1); i >= 0 && len < sizeof(order);
	     i = boot_menu_next(&menu, i))
		len += (size_t)snprintf(order + len, sizeof(order) - len, "%s ", menu.entries[i].title);
	is_str(order, "A S B U C x>y D none E ", "each submenu before what is in it");
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		int entry = boot_menu_find_flat(&menu, specs[i].spec);

		if (specs[i].title && entry >= 0)
			is_str(menu.entries[entry].title, specs[i].title, "'%s'", specs[i].spec);
		else
			ok(!specs[i].title && entry < 0, "'%s' is there or not", specs[i].spec);
	}
}

static void test_menu(void)
{
	static const char script[] =
		"timeout=5\nfallback='1 s>0'\nset superusers='root'\npassword root secret\n"
		"password_pbkdf2 bob x\nset next_entry=\nboot_once=true\n"
		"menuentry 'T 1' --id one --unrestricted { linux /1 }\n"
		"menuentry T2 --users bob { linux /2 }\n"
		"submenu S --id s { menuentry T3 { linux /3 } }\n";
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	struct memsource mem;
	struct memfile file;
	char place[16];

	ok(read_script(script, &mem, &file, &menu) == 0, "a menu");
	is_int(menu.nr_entries, 4, "its entries");
	is_str(menu.language, "grub2", "its language");
	is_int(menu.timeout_s, 5, "its timeout");
	is_int(menu.nr_fallback, 2, "its fallbacks");
	is_int(menu.fallback[1], 3, "a fallback in a submenu");
	is_str(menu.entries[3].title, "T3", "an entry of a submenu");
	is_str(boot_menu_place(&menu, 3, place, sizeof(place)), "2>0", "its place");
	is_int(menu.entries[3].parent, 2, "its submenu");
	ok(menu.entries[2].submenu, "a submenu");
	is_int(boot_menu_find(&menu, "T 1"), 0, "found by title");
	is_int(boot_menu_find(&menu, "s>T3"), 3, "found by path");
	is_int(boot_menu_find(&menu, "2"), 3, "a submenu is its first entry");
	is_int(boot_menu_find(&menu, "one>0"), -1, "an entry is no submenu");
	is_int(boot_menu_find(&menu, "9"), -1, "no such number");
	ok(menu.one_shot, "boots what is for once");
	ok(menu.edit_locked, "editing is locked");
	ok(!menu.entries[0].locked, "--unrestricted");
	ok(menu.entries[1].locked, "--users");
	is_str(menu.entries[1].may, "bob", "who may");
	is_int(menu.nr_users, 2, "users");
	ok(menu.users[0].super && !menu.users[1].super, "superusers");
	ok(menu.users[1].kind == BOOT_SECRET_PBKDF2, "password_pbkdf2");
}

/* An environment block as grub-editenv(1) writes it: 1024 bytes, filled up with '#'. */
static void make_env(const char *saved, const char *next, char *env)
{
	int len = snprintf(env, 1025, "# GRUB Environment Block\n# WARNING: a warning.\n"
			   "saved_entry=%s\n%s%s%skernelopts=root=/dev/a ro\n", saved,
			   next ? "next_entry=" : "", next ? next : "", next ? "\n" : "");

	memset(env + len, '#', (size_t)(1024 - len));
	env[1024] = '\0';
}

/* The same by the program itself; false where there is none. */
static bool make_env_really(const char *saved, const char *next, char *env)
{
	char path[] = "/tmp/xlite-grubenv.XXXXXX", command[512];
	int fd = mkstemp(path);
	ssize_t n = 0;

	snprintf(command, sizeof(command), "grub-editenv %s create && grub-editenv %s set "
		 "'saved_entry=%s' '%s%s' kernelopts='root=/dev/a ro'", path, path, saved,
		 next ? "next_entry=" : "unused=", next ? next : "");
	/* It puts another file in the place of the first. */
	if (fd >= 0 && system(command) == 0) {
		close(fd);
		fd = open(path, O_RDONLY);
		n = fd >= 0 ? read(fd, env, 1024) : 0;
	}
	if (fd >= 0)
		close(fd);
	unlink(path);
	env[n > 0 ? n : 0] = '\0';
	return n == 1024;
}

static void check_env(const char *how, const char *env, const char *want, bool once)
{
	static const char script[] =
		"if [ -s $prefix/grubenv ]; then load_env; fi\n"
		"if [ \"$next_entry\" ]; then\n"
		"	set default=\"$next_entry\"; set next_entry=; save_env next_entry; boot_once=true\n"
		"else set default=\"$saved_entry\"; fi\n"
		"menuentry 'A b' --id one { linux /1 $kernelopts }\n"
		"menuentry 'C d' --id gnu-2 { linux /2 }\n"
		"submenu More --id more { menuentry 'E' --id three { linux /3 }\n"
		"menuentry 'F' --id four { linux /4 } }\n";
	const struct memfile files[] = {
		{ 0, "/boot/grub/grub.cfg", script, 0 }, { 0, "/boot/grub/grubenv", env, 0 },
	};
	struct memsource mem = { files, ARRAY_SIZE(files) };
	struct source source = { &memsource_ops, &mem, devices, ARRAY_SIZE(devices) };
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	struct err err = ERR_INIT;

	ok(conf_read_file(&source, 0, files[0].path, NULL, &menu, &err) == 0, "%s: %s", how, err.msg);
	if (menu.chosen >= 0)
		is_str(menu.entries[menu.chosen].id, want, "%s: its default", how);
	is_int(menu.one_shot, once, "%s: for once", how);
}

/* What grub-set-default and grub-reboot leave behind. */
static void test_environment(void)
{
	static const struct {
		const char *saved, *next, *want;
	} envs[] = {
		{ "gnu-2", NULL, "gnu-2" }, { "1", NULL, "gnu-2" }, { "more>four", NULL, "four" },
		{ "More>1", NULL, "four" }, { "A b", NULL, "one" }, { "", NULL, "one" },
		{ "no such entry", NULL, "one" }, { "0", "more>three", "three" }, { "0", "2>1", "four" },
		{ "gnu-2", "one", "one" }, { "gnu-2", "", "gnu-2" }, { "0", "gone", "one" },
	};
	bool really = system("command -v grub-editenv >/dev/null") == 0;

	if (!really)
		ok(true, "grub-editenv's own # SKIP there is none");
	for (size_t i = 0; i < ARRAY_SIZE(envs); i++) {
		const char *next = envs[i].next;
		char env[1025], how[100];

		snprintf(how, sizeof(how), "saved '%s', next '%s'", envs[i].saved, next ? next : "-");
		make_env(envs[i].saved, next, env);
		check_env(how, env, envs[i].want, next && *next);
		if (really && ok(make_env_really(envs[i].saved, next, env), "by grub-editenv"))
			check_env(how, env, envs[i].want, next && *next);
	}
}

/* grub_users and grub_arg, as Fedora writes them. */
static void test_bls_locks(void)
{
	static const struct memfile files[] = {
		{ 0, "/boot/grub/grub.cfg", "superusers=root\ngrub_users='a b'\nblscfg\n", 0 },
		{ 0, "/loader/entries/3.conf", "linux /3\ngrub_users $grub_users\n", 0 },
		{ 0, "/loader/entries/2.conf", "linux /2\ngrub_users x\ngrub_arg --unrestricted\n", 0 },
		{ 0, "/loader/entries/1.conf", "linux /1\n", 0 },
	};
	static const bool locked[] = { true, false, false };
	struct memsource mem = { files, ARRAY_SIZE(files) };
	struct source source = { &memsource_ops, &mem, devices, ARRAY_SIZE(devices) };
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	struct err err = ERR_INIT;

	ok(conf_read(&source, 0, &menu, &err) == 0, "blscfg with users");
	for (size_t i = 0; i < menu.nr_entries && i < ARRAY_SIZE(locked); i++)
		is_int(menu.entries[i].locked, locked[i], "entry %s", menu.entries[i].id);
	is_str(menu.entries[0].may, "a b", "who may");
}

/* One configuration's limits are not those of the whole run, whose errors end it. */
static void test_limits(void)
{
	static const struct {
		const char *script, *message;
	} greedy[] = {
		{ "while true; do set a=b$a; done\n",
		  "/boot/grub/grub.cfg: the configuration needs more than 16 MiB of memory" },
		{ "while true; do regexp '(a*)*b' aaaaaaaaaaaa; done\n",
		  "/boot/grub/grub.cfg: the script takes more than 1000000 steps" },
		{ "submenu s { while true; do regexp '(a*)*b' aaaaaaaaaaaa; done }\n",
		  "/boot/grub/grub.cfg: the script takes more than 1000000 steps" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(greedy); i++) {
		scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
		const struct memfile file = { 0, "/boot/grub/grub.cfg", greedy[i].script, 0 };
		struct memsource mem = { &file, 1 };
		struct source source = { &memsource_ops, &mem, devices, ARRAY_SIZE(devices) };
		struct err err = ERR_INIT;

		is_int(conf_read(&source, 0, &menu, &err), -E2BIG, "%s", greedy[i].script);
		is_str(err.msg, greedy[i].message, "  why");
		is_int(err.code, E2BIG, "  its code");
	}
}

static void test_notes(void)
{
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	struct memsource mem;
	struct memfile file;

	ok(read_script("loopback loop /a.iso\ncryptomount -a\nmenuentry t { linux (loop)/k }\n", &mem, &file,
		       &menu) == 0, "devices that are not read");
	is_int(menu.nr_notes, 2, "are noted");
	is_str(menu.notes[0], "loopback: disk images within the disk are not read", "by their command");
}

static void test_no_passwords(void)
{
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	struct memsource mem;
	struct memfile file;

	ok(read_script("password a b\nmenuentry t --users a { linux /1 }\nset timeout=-1\n", &mem, &file,
		       &menu) == 0, "passwords without superusers");
	ok(!menu.entries[0].locked && !menu.edit_locked, "lock nothing");
	ok(menu.has_timeout && menu.timeout_s == -1, "timeout=-1");
}

/* 100 errors: what came before counts, what comes behind is not read. */
static void test_errors(void)
{
	scoped(strbuf) struct strbuf s = STRBUF_INIT;
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	struct memsource mem;
	struct memfile file;

	strbuf_printf(&s, "menuentry a { linux /k }\n");
	for (int i = 0; i < 100; i++)
		strbuf_printf(&s, "}\n");
	strbuf_printf(&s, "menuentry b { linux /k }\n");
	is_int(read_script(s.s, &mem, &file, &menu), 0, "many syntax errors");
	is_int(menu.nr_entries, 1, "leave the rest unread");
	is_int(menu.nr_notes, CONF_NOTES_MAX, "and are noted, up to a limit");
	is_str(menu.notes[0], "/boot/grub/grub.cfg: line 2: '}' is out of place", "by line");
}

static void test_nesting(unsigned int depth, const char *want)
{
	scoped(strbuf) struct strbuf s = STRBUF_INIT;

	for (unsigned int i = 0; i < depth; i++)
		strbuf_printf(&s, "if true; then ");
	strbuf_printf(&s, "a=1");
	for (unsigned int i = 0; i < depth; i++)
		strbuf_printf(&s, "; fi");
	strbuf_printf(&s, "\n%s", L("x$a"));
	check_script("nested blocks", s.s, want);
}

static void test_many(void)
{
	scoped(strbuf) struct strbuf s = STRBUF_INIT;
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	struct memsource mem;
	struct memfile file;

	for (int i = 0; i <= CONF_ENTRIES_MAX; i++)
		strbuf_printf(&s, "menuentry t%d { linux /k }\n", i);
	is_int(read_script(s.s, &mem, &file, &menu), -E2BIG, "too many entries");
}

/* Patterns, texts, and what libc's regexec says of them too. */
static const struct {
	const char *pattern, *text;
	int start, end;		/* -1: no match; -2: no pattern */
	int start1, end1;
} regexes[] = {
	{ "a", "xay", 1, 2, -1, -1 }, { "^a", "xa", -1, 0, 0, 0 }, { "a$", "xa", 1, 2, -1, -1 },
	{ "a*b", "xaaab", 1, 5, -1, -1 }, { "a+", "b", -1, 0, 0, 0 }, { "(ab)+c", "ababc", 0, 5, 2, 4 },
	{ "a|bc", "xbc", 1, 3, -1, -1 }, { "(a|b)*c", "abac", 0, 4, 2, 3 }, { "[a-c]+", "xxabcd", 2, 5, -1, -1 },
	{ "[^0-9]+", "12ab3", 2, 4, -1, -1 }, { "a{2,3}", "aaaa", 0, 3, -1, -1 }, { "a{2}b", "aaab", 1, 4, -1, -1 },
	{ "a{1,}", "baa", 1, 3, -1, -1 }, { "x?y", "y", 0, 1, -1, -1 }, { "a?b*c", "bbc", 0, 3, -1, -1 },
	{ "\\.", "a.b", 1, 2, -1, -1 }, { ".*", "abc", 0, 3, -1, -1 }, { "(a*)*", "aaa", 0, 3, 0, 3 },
	{ "(a|ab)(c|bcd)", "abcd", 0, 4, 0, 1 }, { "", "abc", 0, 0, -1, -1 }, { "(a", "a", -2, 0, 0, 0 },
	{ "a)", "a", -2, 0, 0, 0 }, { "[a", "a", -2, 0, 0, 0 }, { "a{9,1}", "a", -2, 0, 0, 0 },
	{ "((a{60}){60}){60}", "a", -2, 0, 0, 0 }, { "[]a]+", "]a", 0, 2, -1, -1 },
	{ "^(.*)-([0-9.]+)$", "vmlinuz-6.1", 0, 11, 0, 7 }, { "(a|b|c|d|e)f", "ef", 0, 2, 0, 1 },
};

static void test_regex(void)
{
	struct regex_match m[REGEX_GROUPS];

	for (size_t i = 0; i < ARRAY_SIZE(regexes); i++) {
		int want = regexes[i].start == -2 ? -1 : regexes[i].start >= 0;
		int got = regex_search(regexes[i].pattern, regexes[i].text, m);

		if (!is_int(got, want, "regex '%s' on '%s'", regexes[i].pattern, regexes[i].text) ||
		    got != 1)
			continue;
		is_int(m[0].start, regexes[i].start, "  from");
		is_int(m[0].end, regexes[i].end, "  to");
		is_int(m[1].start, regexes[i].start1, "  group from");
		is_int(m[1].end, regexes[i].end1, "  group to");
	}
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_script(cases[i].what, cases[i].script, cases[i].want);
	test_menu();
	test_flat();
	test_no_passwords();
	test_bls_locks();
	test_environment();
	test_limits();
	test_notes();
	test_errors();
	test_nesting(GRUB_DEPTH_MAX, "hd0,gpt1:/k|x1");
	test_nesting(GRUB_DEPTH_MAX + 1, "hd0,gpt1:/k|x");
	test_many();
	test_regex();
	return tap_done();
}
