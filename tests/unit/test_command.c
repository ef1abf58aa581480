/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of commands, words and prefixes, options. */
#include <errno.h>

#include "base/file.h"
#include "cmd/command.h"
#include "cmd/output.h"
#include "tap.h"

static void test_table(void)
{
	for (size_t i = 0; i < command_nr; i++) {
		const struct command *c = command_list[i];

		ok(c->name && c->name[0] && strlen(c->name) <= 21, "command %zu has a short name", i);
		ok(c->help && c->help[0] && c->help[strlen(c->help) - 1] != '.',
		   "%s: one line of help without a full stop", c->name);
		ok(c->run && c->args && c->min <= c->max, "%s: can be run", c->name);
		for (size_t j = 0; j < i; j++)
			ok(strcmp(command_list[j]->name, c->name) != 0, "%s: not also %s", c->name,
			   command_list[j]->name);
		for (size_t j = 0; j < c->nr_options; j++) {
			const struct option_row *row = &c->options[j];
			bool string = row->kind == OPTION_STRING || row->kind == OPTION_LIST ||
				row->kind == OPTION_UINT;

			ok((row->short_name || row->long_name) && row->short_name != 'h' &&
			   row->offset < COMMAND_OPTIONS_MAX, "%s: option %zu", c->name, j);
			ok(string == (row->argument != NULL), "%s: option %zu and its argument",
			   c->name, j);
		}
	}
}

static void test_find(void)
{
	static const struct { const char *word, *found, *known; } cases[] = {
		{ "list", "list", NULL },
		{ "li", "list", NULL },
		{ "domi", "domid", NULL },
		{ "dom", NULL, NULL },		/* domid, domname */
		{ "con", NULL, NULL },		/* config-update, console */
		{ "cons", "console", NULL },
		{ "cr", "create", NULL },
		{ "des", "destroy", NULL },
		{ "shu", "shutdown", NULL },
		{ "sh", NULL, NULL },			/* sharing */
		{ "reb", "reboot", NULL },
		{ "dm", "dmesg", NULL },
		{ "i", "info", NULL },
		{ "un", "unpause", NULL },
		{ "pa", "pause", NULL },
		{ "up", "uptime", NULL },
		{ "ren", "rename", NULL },
		{ "re", NULL, NULL },			/* also xl's remus, restore, resume */
		{ "sa", NULL, "save" },
		{ "deb", "debug-keys", NULL },	/* ganeti types "debug" */
		{ "pci-assignable-rem", "pci-assignable-remove", NULL },	/* EVE */
		{ "to", "top", NULL },
		{ "migrate", NULL, "migrate" },
		{ "migrat", NULL, NULL },		/* migrate-receive */
		{ "cl", "claims", NULL },	/* cleanup is only ours */
		{ "cle", "cleanup", NULL },
		{ "cleanup", "cleanup", NULL },
		{ "c", NULL, NULL },
		{ "block-l", "block-list", NULL },
		{ "block-a", "block-attach", NULL },
		{ "block-", NULL, NULL },
		{ "network-d", "network-detach", NULL },
		{ "network-l", "network-list", NULL },	/* whatever of ours begins so */
		{ "dev", "devd", NULL },
		{ "devi", "devices", NULL },
		{ "he", "help", NULL },
		{ "v", NULL, NULL },
		{ "ver", "version", NULL },
		{ "", NULL, NULL },
		{ "listing", NULL, NULL },
		{ "xm", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *known = "untouched";
		const struct command *c = command_find(command_list, command_nr, cases[i].word,
						       &known);

		is_str(c ? c->name : NULL, cases[i].found, "'%s' finds %s", cases[i].word,
		       cases[i].found ? cases[i].found : "nothing");
		is_str(known, cases[i].known, "'%s' would be xl's %s", cases[i].word,
		       cases[i].known ? cases[i].known : "nothing");
	}
}

/* A command of xl's is here or it is said why not, there and in doc/xl.md. */
static void test_why_not(void)
{
	scoped(bytes) struct bytes doc = BYTES_INIT;
	struct err err = ERR_INIT;
	unsigned int nr = 0;

	ok(file_read("doc/xl.md", 1 << 20, &doc, &err) == 0, "doc/xl.md: %s", err.msg);
	for (size_t i = 0; i < command_nr; i++)
		is_str(command_why_not(command_list[i]->name), NULL, "%s is here",
		       command_list[i]->name);
	for (const char *name = command_xl_name(0); name; name = command_xl_name(++nr)) {
		const char *known, *why = command_why_not(name);
		const struct command *c = command_find(command_list, command_nr, name, &known);
		char row[400];

		ok((c == NULL) == (why != NULL), "%s is here, or there is a reason", name);
		snprintf(row, sizeof(row), "| `%s` | %s |\n", name, why ? why : "");
		if (why)
			ok(doc.data && strstr(doc.data, row), "doc/xl.md has %s", row);
	}
	ok(nr > 90, "%u names of xl's", nr);
}

struct sample {
	bool flag;
	unsigned int count;
	const char *text;
	struct option_uint number;
	struct option_list list;
};

static const struct option_row rows[] = {
	{ 'a', "all", NULL, "flag", OPTION_FLAG, offsetof(struct sample, flag) },
	{ 'w', "wait", NULL, "count", OPTION_COUNT, offsetof(struct sample, count) },
	{ 'e', NULL, "CHAR", "text", OPTION_STRING, offsetof(struct sample, text) },
	{ 0, "num", "N", "number", OPTION_UINT, offsetof(struct sample, number) },
	{ 'n', NULL, "N", "number", OPTION_UINT, offsetof(struct sample, number) },
	{ 'i', "ignored", NULL, NULL, OPTION_IGNORED, 0 },
	{ 'l', "list", "WORD", "list", OPTION_LIST, offsetof(struct sample, list) },
};

static const struct command sample = {
	.name = "sample", .help = "sample", .args = "", .min = 1, .max = 2, COMMAND_OPTIONS(rows),
};

/* line is split at blanks; `want` is flag count text number words, or the message. */
static void check_parse(const char *line, int want_rc, const char *want)
{
	char copy[128], got[700], *argv[16] = { NULL }, *rest = copy;
	struct parsed parsed;
	struct err err = ERR_INIT;
	int argc = 0, rc;

	snprintf(copy, sizeof(copy), "%s", line);
	while (argc < 15 && (argv[argc] = strsep(&rest, " ")))
		argc++;
	rc = command_parse(&sample, "xl", argc, argv, &parsed, &err);
	is_int(rc, want_rc, "%s: result", line);
	if (rc == 0 && !parsed.help) {
		const struct sample *s = (const void *)parsed.options;

		snprintf(got, sizeof(got), "%d %u %s %d:%u %s+%s", s->flag, s->count,
			 s->text ? s->text : "-", s->number.given, s->number.value,
			 parsed.nr_words ? parsed.words[0] : "",
			 parsed.nr_words > 1 ? parsed.words[1] : "");
	} else {
		snprintf(got, sizeof(got), "%s", rc ? err.msg : "help");
	}
	is_str(got, want, "%s: all of it", line);
}

static void test_options(void)
{
	check_parse("sample x", 0, "0 0 - 0:0 x+");
	check_parse("sample x y", 0, "0 0 - 0:0 x+y");
	check_parse("sample -a x", 0, "1 0 - 0:0 x+");
	check_parse("sample x -a", 0, "1 0 - 0:0 x+");
	check_parse("sample x --all -w", 0, "1 1 - 0:0 x+");
	check_parse("sample -wwa x", 0, "1 2 - 0:0 x+");
	check_parse("sample -w --wait --wai x", 0, "0 3 - 0:0 x+");
	check_parse("sample -e ^a x", 0, "0 0 ^a 0:0 x+");
	check_parse("sample -e^a x -eb", 0, "0 0 b 0:0 x+");
	check_parse("sample --num 3 x", 0, "0 0 - 1:3 x+");
	check_parse("sample --num=0 x", 0, "0 0 - 1:0 x+");
	check_parse("sample -n 4294967295 x", 0, "0 0 - 1:4294967295 x+");
	check_parse("sample -i --ignored x", 0, "0 0 - 0:0 x+");
	check_parse("sample -- -a", 0, "0 0 - 0:0 -a+");
	check_parse("sample -h", 0, "help");
	check_parse("sample --help x y z", 0, "help");
	check_parse("sample -ah", 0, "help");
	check_parse("sample -q x", -EINVAL, "option `q' not supported.");
	check_parse("sample -aq x", -EINVAL, "option `q' not supported.");
	check_parse("sample --frob x", -EINVAL, "option `--frob' not supported.");
	check_parse("sample --all=1 x", -EINVAL, "option `--all=1' not supported.");
	check_parse("sample x -e", -EINVAL, "option `e' needs an argument.");
	check_parse("sample x --num", -EINVAL, "option `--num' needs an argument.");
	check_parse("sample -n x x", -EINVAL, "option -n: 'x' is not a number");
	check_parse("sample -n -1 x", -EINVAL, "option -n: '-1' is not a number");
	check_parse("sample --num 4294967296 x", -EINVAL,
		    "option --num: '4294967296' is not a number");
	check_parse("sample", -E2BIG, "'xl sample' requires at least 1 argument.");
	check_parse("sample x y z", -E2BIG, "'xl sample' takes at most 2 arguments, not 'z'.");
}

static void test_option_list(void)
{
	char l[] = "-l", *argv[2 * OPTION_LIST_MAX + 5] = { l }, word[] = "v", last[] = "w", x[] = "x";
	struct parsed parsed;
	struct err err = ERR_INIT;
	const struct sample *s = (const void *)parsed.options;
	int argc = 1;

	for (int i = 0; i < OPTION_LIST_MAX; i++) {
		argv[argc++] = l;
		argv[argc++] = i == OPTION_LIST_MAX - 1 ? last : word;
	}
	argv[argc] = x;
	is_int(command_parse(&sample, "xl", argc + 1, argv, &parsed, &err), 0, "a full list");
	is_int(s->list.nr, OPTION_LIST_MAX, "has all");
	is_str(s->list.items[OPTION_LIST_MAX - 1], "w", "in order");
	argv[argc++] = l;
	argv[argc++] = word;
	argv[argc] = x;
	is_int(command_parse(&sample, "xl", argc + 1, argv, &parsed, &err), -EINVAL, "one more");
	is_str(err.msg, "option -l: 'v' is one too many", "is refused");
}

static void test_bitmap(void)
{
	static const struct { uint8_t map[3]; unsigned int nr; const char *want; } cases[] = {
		{ { 0xff, 0xff, 0xff }, 24, "all" },
		{ { 0x01 }, 1, "all" },
		{ { 0x03 }, 2, "all" },
		{ { 0 }, 24, "none" },
		{ { 0 }, 0, "none" },
		{ { 0x01 }, 2, "0" },
		{ { 0x02 }, 2, "1" },
		{ { 0x0f }, 8, "0-3" },
		{ { 0x2f }, 8, "0-3,5" },
		{ { 0x03 }, 8, "0-1" },
		{ { 0x80, 0x01, 0x80 }, 24, "7-8,23" },
		{ { 0xfe, 0xff, 0xff }, 24, "1-23" },
	};
	char text[64], tiny[4];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		is_str(output_bitmap(cases[i].map, cases[i].nr, text, sizeof(text)), cases[i].want,
		       "bitmap %zu", i);
	output_bitmap((const uint8_t[]){ 0x55, 0x55, 0x55 }, 24, tiny, sizeof(tiny));
	is_str(tiny, "0,2", "a bitmap is cut to its buffer");
}

int main(void)
{
	test_table();
	test_find();
	test_why_not();
	test_options();
	test_option_list();
	test_bitmap();
	return tap_done();
}
