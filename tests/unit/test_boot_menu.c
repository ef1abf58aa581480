/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The boot menu: keys go in, and a terminal shows what comes out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "bootloader/menu.h"
#include "memsource.h"
#include "tap.h"

enum { ROWS = 60, COLUMNS = 200 };

/* As much of a VT100 as the menu uses; anything else is counted as wrong. */
struct terminal {
	const char *keys;	/* "`" is a second without a key; the end: the terminal is gone */
	char screen[ROWS][COLUMNS + 1];
	int row, column, wrong;
	char plain[8192];	/* the same where sequences do nothing, and are not seen */
	size_t plain_len;
	char escape[16];
	size_t escape_len;	/* within a sequence: its bytes so far */
};

static int terminal_key(void *arg, int timeout_ms)
{
	struct terminal *t = arg;

	/* A sequence's bytes come together: what is asked for with a short time is there or not. */
	if (!*t->keys)
		return timeout_ms >= 0 && timeout_ms < 1000 ? -ETIMEDOUT : -EPIPE;
	if (*t->keys == '`' && timeout_ms >= 0) {
		t->keys += timeout_ms >= 1000;
		return -ETIMEDOUT;
	}
	t->keys += strspn(t->keys, "`");
	return *t->keys ? (unsigned char)*t->keys++ : -EPIPE;
}

static void escape_end(struct terminal *t, char c)
{
	int n = atoi(t->escape + 2);

	if (c == 'K')
		memset(t->screen[t->row] + t->column, ' ', (size_t)(COLUMNS - t->column));
	else if (c == 'A')
		t->row -= n;
	else if (c == 'C')
		t->column += n;
	else
		t->wrong++;
	t->escape_len = 0;
	t->wrong += t->row < 0;
	t->row = t->row < 0 ? 0 : t->row;
}

static void put(struct terminal *t, char c)
{
	if (t->escape_len) {
		t->escape[t->escape_len++] = c;
		t->escape[t->escape_len] = '\0';
		if (t->escape_len > 2 && (c < '0' || c > '9'))
			escape_end(t, c);
		else if (t->escape_len > 8)
			t->wrong++;
	} else if (c == '\033') {
		t->escape[0] = c;
		t->escape_len = 1;
	} else if (c == '\r') {
		t->column = 0;
	} else if (c == '\n') {
		t->row++;
	} else if (c < 0x20 || c == 0x7f || t->column >= 80) {
		t->wrong++;
	} else {
		t->screen[t->row][t->column++] = c;
	}
}

static void terminal_write(void *arg, const char *text, size_t len)
{
	struct terminal *t = arg;

	for (size_t i = 0; i < len && t->row < ROWS; i++) {
		if (!t->escape_len && text[i] != '\033' && text[i] != '\r' &&
		    t->plain_len < sizeof(t->plain) - 1)
			t->plain[t->plain_len++] = text[i];
		put(t, text[i]);
	}
}

/* The row that holds text, or -1. */
static int row_of(const struct terminal *t, const char *text)
{
	for (int i = 0; i < ROWS; i++) {
		if (strstr(t->screen[i], text))
			return i;
	}
	return -1;
}

static const struct source_device device = { .part = 1, .fs = "ext4" };

struct fixture {
	struct memfile file;
	struct memsource mem;
	struct source source;
	struct boot_menu menu;
	struct terminal t;
	struct menu_choice choice;
	struct err err;
};

/* What the menu gives for these keys: 0 or an error. */
static int run(struct fixture *f, const char *path, const char *text, const char *keys)
{
	struct menu_io io = { terminal_key, terminal_write, &f->t };

	*f = (struct fixture){ .file = { 0, path, text, 0 }, .menu = BOOT_MENU_INIT };
	f->mem = (struct memsource){ &f->file, 1 };
	f->source = (struct source){ &memsource_ops, &f->mem, &device, 1 };
	f->t.keys = keys;
	for (int i = 0; i < ROWS; i++)
		memset(f->t.screen[i], ' ', COLUMNS);
	if (!ok(conf_read_file(&f->source, 0, path, NULL, &f->menu, &f->err) == 0, "read")) {
		printf("#   %s\n", f->err.msg);
		return -EINVAL;
	}
	return menu_run(&f->menu, &io, &f->choice, &f->err);
}

#define CFG "/boot/grub/grub.cfg"
#define UP "\033[A"
#define DOWN "\033[B"
#define LEFT "\033[D"
#define ESC "\033"

static const char script[] =
	"timeout=3\nmenuentry one { linux /1 a b\ninitrd /i }\nmenuentry two { linux /2 }\n"
	"menuentry none { true }\nsubmenu more { menuentry three { linux /3 }\n"
	"menuentry 'f\033[31mour' { linux /4 } }\n";

static const struct {
	const char *what, *keys;
	int rc;
	const char *kernel, *cmdline;
} cases[] = {
	{ "Enter boots the default", "\r", 0, "/1", "a b" },
	{ "the countdown ends", "```", 0, NULL, NULL },
	{ "a key stops the countdown", "``x````", -ECANCELED, NULL, NULL },
	{ "Down", DOWN "\r", 0, "/2", "" },
	{ "Down beyond the end, Up beyond the start", "jjjjjjkkkkkkkk\n", 0, "/1", "a b" },
	{ "application mode's keys", "\033OB\r", 0, "/2", "" },
	{ "^N and ^P", "\x0e\x0e\x10\r", 0, "/2", "" },
	{ "a submenu", "jjj\r\r", 0, "/3", "" },
	{ "a submenu's second", "jjj\rj\r", 0, "/4", "" },
	{ "and back", "jjj\r" ESC "`" UP UP "\r", 0, "/2", "" },
	{ "an entry that boots nothing", "jj\rkk\r", 0, "/1", "a b" },
	{ "the terminal is gone", "", -ECANCELED, NULL, NULL },
	{ "edit the arguments", "e\r c\rb", 0, "/1", "a b c" },
	{ "keys of the editor", "e\r\x01X\033[C\x04Y" "\x05" LEFT "\x7fZ\033[3~\rb", 0, "/1", "XaZ" },
	{ "clear and type", "e\r\x15new\rb", 0, "/1", "new" },
	{ "clear to the end", "e\r\x01\x0b\rb", 0, "/1", "" },
	{ "Escape gives an edit up", "e\rzzz" ESC "`b", 0, "/1", "a b" },
	{ "Escape gives the editing up", "e\rzzz\r" ESC "`\r", 0, "/1", "a b" },
	{ "edit the kernel", "e" UP UP "\r-x\r\x18", 0, "/1-x", "a b" },
	{ "a kernel is a path", "e" UP UP "\r\x15k\rb", 0, "/1", "a b" },
	{ "strange keys", "\033[99~\033[Z\033xq\r", 0, "/1", "a b" },
};

static void test_keys(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;

		is_int(run(&f, CFG, script, cases[i].keys), cases[i].rc, "%s", cases[i].what);
		is_int(f.choice.by_user, cases[i].kernel != NULL, "  who chose it");
		if (cases[i].kernel) {
			is_str(f.choice.target.kernel.path, cases[i].kernel, "  its kernel");
			is_str(f.choice.target.cmdline, cases[i].cmdline, "  its arguments");
		}
		is_int(f.t.wrong, 0, "  a VT100 understands all of it");
		boot_menu_free(&f.menu);
	}
}

static void test_screen(void)
{
	struct fixture f;
	int one;

	run(&f, CFG, script, "`j");
	one = row_of(&f.t, "   one ");
	ok(one > 0, "an entry");
	is_int(row_of(&f.t, " > two "), one + 1, "the marked one");
	is_int(row_of(&f.t, "   more ..."), one + 3, "a submenu");
	ok(row_of(&f.t, "Boot menu from /boot/grub/grub.cfg (grub2)") >= 0, "the heading");
	is_int(row_of(&f.t, "boots in"), -1, "no countdown after a key");
	boot_menu_free(&f.menu);
	run(&f, CFG, script, "``");
	ok(row_of(&f.t, "The marked entry boots in 1 s") >= 0, "the countdown");
	boot_menu_free(&f.menu);
	run(&f, CFG, script, "jjj\rj");
	ok(row_of(&f.t, " > f\\x1b[31mour") >= 0, "titles are escaped");
	is_int(row_of(&f.t, " one "), -1, "a submenu instead of the menu");
	boot_menu_free(&f.menu);
	run(&f, CFG, script, "jj\r");
	ok(row_of(&f.t, "Cannot boot this: the entry loads no Linux kernel") >= 0, "why it boots not");
	boot_menu_free(&f.menu);
}

/* Without sequences: each drawing is lines in their order, and a second is one more line. */
static void test_plain(void)
{
	static const char menu[] = "\nBoot menu from /boot/grub/grub.cfg (grub2)\n\n"
		" > one\n   two\n   none\n   more ...\n\n"
		"Up and Down choose, Enter boots, e edits\nThe marked entry boots in 3 s\n"
		"The marked entry boots in 2 s\n";
	static const char again[] = "   one\n > two\n   none\n   more ...\n\n"
		"Up and Down choose, Enter boots, e edits\n\n";
	char want[sizeof(menu) + sizeof(again)];
	struct fixture f;

	run(&f, CFG, script, "`");
	is_str(f.t.plain, menu, "as plain text");
	boot_menu_free(&f.menu);
	snprintf(want, sizeof(want), "%s%s", menu, again);
	run(&f, CFG, script, "`j");
	is_str(f.t.plain, want, "and after a key");
	boot_menu_free(&f.menu);
	run(&f, CFG, script, "jjj\r");
	ok(strstr(f.t.plain, " > three\n   f\\x1b[31mour\n\nUp and Down choose, Enter boots, e edits, "
		  "Escape goes back\n\n"), "a submenu");
	boot_menu_free(&f.menu);
}

/* More entries than fit: the marked one is always there. */
static void test_scroll(void)
{
	scoped(free) char *text = calloc(1, 4096);
	char keys[64];
	struct fixture f;

	for (int i = 0; i < 40; i++)
		sprintf(text + strlen(text), "menuentry 'e%02d' { linux /%d }\n", i, i);
	memset(keys, 'j', 30);
	keys[30] = '\0';
	run(&f, CFG, text, keys);
	ok(row_of(&f.t, " > e30") >= 0, "far down");
	is_int(row_of(&f.t, "e00"), -1, "and the top is gone");
	is_int(f.t.wrong, 0, "within 80 columns");
	boot_menu_free(&f.menu);
}

/* Where nobody may be, a menu ends by itself; a user still stops the countdown. */
static void test_bound(void)
{
	static const struct {
		const char *timeout;
		bool has;
		int left_s;	/* where has */
	} bounds[] = {
		{ "timeout=-1\n", false, 0 }, { "timeout=5\n", true, 5 }, { "timeout=99999\n", true, 60 },
		{ "timeout=0\n", true, 0 }, { "", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		char text[200];
		struct fixture f;

		snprintf(text, sizeof(text), "%smenuentry a { linux /a }\n", bounds[i].timeout);
		run(&f, CFG, text, "");
		menu_bound(&f.menu);
		is_int(f.menu.has_timeout, bounds[i].has, "'%s' is a time", bounds[i].timeout);
		if (bounds[i].has)
			is_int(f.menu.timeout_s, bounds[i].left_s, "  of so many seconds");
		boot_menu_free(&f.menu);
	}
}

static void test_levels(void)
{
	struct fixture f;

	is_int(run(&f, CFG, "submenu s { menuentry a { linux /a }\nmenuentry b { linux /b } }\n"
			    "submenu t { menuentry c { linux /c } }\n", "jjj\r"), 0, "a submenu's end");
	is_str(f.choice.target.kernel.path, "/b", "  is not the next one's start");
	boot_menu_free(&f.menu);
}

static void test_long_line(void)
{
	char keys[256] = "e\r\x15";
	struct fixture f;

	memset(keys + 3, 'x', 200);
	strcpy(keys + 203, "\rb");
	is_int(run(&f, CFG, script, keys), 0, "a long line");
	is_int(strlen(f.choice.target.cmdline), 200, "  is taken as it is");
	is_int(f.t.wrong, 0, "  and shown within 80 columns");
	boot_menu_free(&f.menu);
}

static void test_passwords(void)
{
	static const char locked[] =
		"superusers=root\npassword root secret\npassword bob pw\n"
		"menuentry a --unrestricted { linux /a }\nmenuentry b --users bob { linux /b }\n"
		"menuentry c { linux /c }\n";
	static const struct {
		const char *what, *keys;
		int rc;
		const char *kernel;
	} tries[] = {
		{ "what is not locked", "\r", 0, "/a" },
		{ "editing is locked", "e\r\rb", -ECANCELED, NULL },
		{ "editing, as root", "eroot\rsecret\rb", 0, "/a" },
		{ "editing, as bob", "ebob\rpw\rb", -ECANCELED, NULL },
		{ "a wrong password", "j\rbob\rpx\r", -ECANCELED, NULL },
		{ "bob's entry", "j\rbob\rpw\r", 0, "/b" },
		{ "bob's entry as root", "j\rroot\rsecret\r", 0, "/b" },
		{ "root's entry as bob", "jj\rbob\rpw\r", -ECANCELED, NULL },
		{ "Escape instead of a password", "j\rbob\r" ESC "`k\r", 0, "/a" },
		{ "asked once", "eroot\rsecret\r" ESC "`jj\r", 0, "/c" },
	};
	/* Who may not open a submenu gets nothing that is in it, wherever the menu begins. */
	static const char submenus[] =
		"superusers=root\npassword root secret\nmenuentry a --unrestricted { linux /a }\n"
		"submenu s { menuentry b --unrestricted { linux /b }\nmenuentry d { linux /d } }\n"
		"submenu t --unrestricted { menuentry c --unrestricted { linux /c } }\n";
	static const struct {
		const char *what, *start, *keys;
		int rc;
		const char *kernel;
	} inside[] = {
		{ "a locked submenu", "", "j\r\r\r", -ECANCELED, NULL },
		{ "opened by root", "", "j\rroot\rsecret\r\r", 0, "/b" },
		{ "who is asked once", "", "j\rroot\rsecret\rj\r", 0, "/d" },
		{ "an unlocked one", "", "jj\r\r", 0, "/c" },
		{ "a menu that begins inside", "default='1>0'\n", "x\r\r\r", -ECANCELED, NULL },
		{ "a menu that begins inside, as root", "default='1>0'\n", "x\rroot\rsecret\r", 0, "/b" },
	};
	struct fixture f;

	for (size_t i = 0; i < ARRAY_SIZE(inside); i++) {
		scoped(free) char *text = str_format("%s%s", inside[i].start, submenus);

		is_int(run(&f, CFG, text, inside[i].keys), inside[i].rc, "%s", inside[i].what);
		if (inside[i].rc == 0)
			is_str(f.choice.target.kernel.path, inside[i].kernel, "  its kernel");
		boot_menu_free(&f.menu);
	}
	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		is_int(run(&f, CFG, locked, tries[i].keys), tries[i].rc, "%s", tries[i].what);
		if (tries[i].rc == 0)
			is_str(f.choice.target.kernel.path, tries[i].kernel, "  its kernel");
		is_int(row_of(&f.t, "secret"), -1, "  passwords are not shown");
		boot_menu_free(&f.menu);
	}
	is_int(run(&f, "/boot/grub/menu.lst", "timeout 9\ntitle a\npassword x\nkernel /a\n", "eb\r"),
	       -ECANCELED, "a locked entry is not booted by editing it");
	boot_menu_free(&f.menu);
	is_int(run(&f, "/boot/grub/menu.lst", "timeout 9\ntitle a\npassword x\nkernel /a\n", "\rx\r"), 0,
	       "an entry's own password");
	boot_menu_free(&f.menu);
	is_int(run(&f, "/boot/grub/menu.lst", "timeout 0\ntitle a\npassword x\nkernel /a\n", ""), 0,
	       "what starts by itself needs none");
	boot_menu_free(&f.menu);
}

int main(void)
{
	test_keys();
	test_screen();
	test_plain();
	test_scroll();
	test_bound();
	test_levels();
	test_long_line();
	test_passwords();
	return tap_done();
}
