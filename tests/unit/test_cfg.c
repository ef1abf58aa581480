/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/cfg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/scope.h"
#include "base/str.h"
#include "tests/unit/tap.h"

static void dump_value(const struct cfg_value *v, struct strbuf *out)
{
	char safe[256];

	if (v->kind == CFG_ATOM) {
		strbuf_printf(out, "'%s'", str_escape(v->text, v->len, safe, sizeof(safe)));
		return;
	}
	strbuf_printf(out, "[");
	for (size_t i = 0; i < v->nr; i++) {
		strbuf_printf(out, i ? "," : "");
		dump_value(&v->items[i], out);
	}
	strbuf_printf(out, "]");
}

static char *dump(const struct cfg *cfg)
{
	struct strbuf out = STRBUF_INIT;
	struct err err = ERR_INIT;
	char *text = NULL;

	for (size_t i = 0; i < cfg->nr; i++) {
		strbuf_printf(&out, "%s%s%s=", i ? " " : "", cfg->settings[i].name,
			      cfg->settings[i].added ? "+" : "");
		dump_value(&cfg->settings[i].value, &out);
	}
	return strbuf_finish(&out, &text, &err) < 0 ? NULL : text;
}

#define PYTHON " (Python code is not supported, only assignments of strings, numbers and lists)"

static const struct {
	const char *text;
	const char *tree;		/* NULL: must fail */
	const char *message;
} cases[] = {
	/* Statements. */
	{ "", "", NULL },
	{ "\n\n # x\n;;\n", "", NULL },
	{ "a=1", "a='1'", NULL },
	{ "a = 'x'\nb = \"y\"\n", "a='x' b='y'", NULL },
	{ "a=1;b=2;", "a='1' b='2'", NULL },
	{ "a=1 # c\n", "a='1'", NULL },
	{ "a=1 # c", "a='1'", NULL },
	{ "# only a comment", "", NULL },
	{ "\t a\t=\t1 \t;", "a='1'", NULL },
	{ "a.b_c9 = 1", "a.b_c9='1'", NULL },
	{ "a=1\r\nb=[1,\r\n2]\r\n# c\r\n", "a='1' b=['1','2']", NULL },
	/* A later = replaces. */
	{ "a=1\na='x'\n", "a='x'", NULL },
	{ "a=[1]\na='x'\n", "a='x'", NULL },
	/* Numbers are text here. */
	{ "a=0x1F", NULL, "t:1:6: expected the end of the line or ';', near 'F'" },
	{ "a=0x1f b", NULL, "t:1:8: expected the end of the line or ';', near 'b'" },
	{ "a=010", "a='010'", NULL },
	/* Strings. */
	{ "a=''", "a=''", NULL },
	{ "a='x\"y' b", NULL, "t:1:9: expected the end of the line or ';', near 'b'" },
	{ "a='#;[]'", "a='#;[]'", NULL },
	{ "a='\\n\\t\\\\\\'\\\"\\a'", "a='\\x0a\\x09\\'\"\\x07'", NULL },
	{ "a='\\x41\\102\\60'", "a='AB0'", NULL },
	{ "a='\xc3\xbc'", "a='\\xc3\\xbc'", NULL },
	{ "a='\\q'", NULL, "t:1:4: bad escape in a string, near '\\q''" },
	{ "a='\\x4'", NULL, "t:1:4: bad escape in a string, near '\\x4''" },
	{ "a='\\0'", NULL, "t:1:4: bad escape in a string, near '\\0''" },
	{ "a='\\777'", NULL, "t:1:4: bad escape in a string, near '\\777''" },
	{ "a='x\n'", NULL, "t:1:3: a string without its closing quote, near ''x'" },
	{ "a='x", NULL, "t:1:3: a string without its closing quote, near ''x'" },
	{ "a='x\\\n'", NULL, "t:1:5: a string cannot continue on the next line, near '\\'" },
	{ "a='x\\", NULL, "t:1:5: a string cannot continue on the next line, near '\\'" },
	/* Lists. */
	{ "a=[]", "a=[]", NULL },
	{ "a=[1]", "a=['1']", NULL },
	{ "a=[ 'x' , \"y\", 3, ]", "a=['x','y','3']", NULL },
	{ "a=[\n\n'x'\n,\n# c\n'y' # d\n\n]\nb=1", "a=['x','y'] b='1'", NULL },
	{ "a=[['x',[]],[1]]", "a=[['x',[]],['1']]", NULL },
	{ "a=[,]", NULL, "t:1:4: expected a string, a number or a list, near ',]'" },
	{ "a=[1,,2]", NULL, "t:1:6: expected a string, a number or a list, near ',2]'" },
	{ "a=[1 2]", NULL, "t:1:6: expected ',' or ']' in a list, near '2]'" },
	{ "a=[1;2]", NULL, "t:1:5: expected ',' or ']' in a list, near ';2]'" },
	{ "\n a=['x',\n", NULL, "t:2:4: a list without its closing ']'" },
	{ "a=1]", NULL, "t:1:4: expected the end of the line or ';', near ']'" },
	{ "a=[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", "a=[[[[[[[[[[[[[[[['1']]]]]]]]]]]]]]]]", NULL },
	{ "a=[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", NULL,
	  "t:1:19: lists nested too deeply, near '[1]]]]]]]]]]]]]]]]]'" },
	/* += */
	{ "a='x'\na+='y'", "a+='xy'", NULL },
	{ "a+='y'", "a+='y'", NULL },
	{ "a=[1]\na+=[2,[3]]", "a+=['1','2',['3']]", NULL },
	{ "a=1\na+=2", "a+='12'", NULL },
	{ "a=[1]\na+='x'", NULL, "t:2:1: cannot add a string to 'a', which is a list" },
	{ "a='x'\na+=[1]", NULL, "t:2:1: cannot add a list to 'a', which is a string" },
	/* Not this language. */
	{ "Name='x'", NULL, "t:1:1: expected a key, which is lower case, near 'Name='x''" },
	{ "9='x'", NULL, "t:1:1: expected a key, near '9='x''" },
	{ "a", NULL, "t:1:2: expected '=' or '+=' after the key, at the end of the text" },
	{ "a\nb", NULL, "t:1:2: expected '=' or '+=' after the key, at the end of the line" },
	{ "a b=1", NULL, "t:1:3: expected '=' or '+=' after the key, near 'b=1'" },
	{ "a=", NULL, "t:1:3: expected a string, a number or a list, at the end of the text" },
	{ "a=\r\n", NULL, "t:1:3: expected a string, a number or a list, at the end of the line" },
	{ "a=x", NULL, "t:1:3: expected a value; strings need quotes, near 'x'" },
	{ "a=-1", NULL, "t:1:3: expected a value; negative numbers need quotes, near '-1'" },
	{ "a='x' + 'y'", NULL, "t:1:7: expected the end of the line or ';', near '+'" PYTHON },
	{ "import os", NULL, "t:1:8: expected '=' or '+=' after the key, near 'os'" PYTHON },
	{ "b=1\ndef f(x):\n", NULL, "t:2:5: expected '=' or '+=' after the key, near 'f(x):'" PYTHON },
	{ "a='%s' % x", NULL, "t:1:8: expected the end of the line or ';', near '%'" PYTHON },
	{ "a=\rb", NULL, "t:1:3: expected a string, a number or a list, near '\\x0db'" },
	{ "\x1b[31m", NULL, "t:1:1: expected a key, near '\\x1b[31m'" },
	{ "a=1 \xff\xfe", NULL, "t:1:5: expected the end of the line or ';', near '\\xff\\xfe'" },
};

static void test_cases(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scoped(cfg) struct cfg cfg = CFG_INIT;
		scoped(free) char *tree = NULL;
		/* Exactly as long as the text, so that a sanitizer sees a step beyond. */
		scoped(free) char *copy = malloc(strlen(cases[i].text) + !cases[i].text[0]);
		struct err err = ERR_INIT;
		int rc;

		memcpy(copy, cases[i].text, strlen(cases[i].text));
		rc = cfg_parse(&cfg, "t", copy, strlen(cases[i].text), &err);
		tree = dump(&cfg);
		if (cases[i].tree)
			is_str(rc < 0 ? err.msg : tree, cases[i].tree, "'%s'", cases[i].text);
		else
			is_str(rc < 0 ? err.msg : "accepted", cases[i].message, "'%s'", cases[i].text);
	}
}

static void test_places(void)
{
	scoped(cfg) struct cfg cfg = CFG_INIT;
	const char *text = "# c\n  a = [ 'x',\n\t'y' ]\n";
	const char *const words[] = { "b=1", "a+=['z']" };
	struct err err = ERR_INIT;
	const struct cfg_setting *a;

	is_int(cfg_parse(&cfg, "file", text, strlen(text), &err), 0, "places: parsed");
	a = cfg_find(&cfg, "a");
	is_int(a->line, 2, "line of the key");
	is_int(a->col, 3, "column of the key");
	is_int(a->value.col, 7, "column of the list");
	is_int(a->value.items[1].line, 3, "line of an item");
	is_int(a->value.items[1].col, 2, "column of an item");
	is_int(cfg_parse_words(&cfg, words, 2, &err), 0, "words: parsed");
	a = cfg_find(&cfg, "a");
	is_int(a->value.nr, 3, "a word adds to the file's list");
	is_str(a->value.items[0].origin, "file", "an item of the file says so");
	is_str(a->value.items[2].origin, "command line", "an item of the command line says so");
	is_int(a->value.items[2].line, 2, "with the number of the word");
	ok(!cfg_find(&cfg, "c"), "what is not there");
}

static void test_bad_word(void)
{
	scoped(cfg) struct cfg cfg = CFG_INIT;
	const char *const words[] = { "a=1", "b=x" };
	struct err err = ERR_INIT;

	is_int(cfg_parse_words(&cfg, words, 2, &err), -EINVAL, "a bad word");
	is_str(err.msg, "command line:2:3: expected a value; strings need quotes, near 'x'",
	       "a bad word's message");
}

/* Sizes and shapes that a hostile file could have; none may take long. */
static void test_limits(void)
{
	static const struct { const char *unit, *tail, *message; size_t len; } big[] = {
		{ "a=1\n", "", "", CFG_MAX_BYTES },
		{ "a+='x'\n", "", "", CFG_MAX_BYTES },
		{ "a+=[1]\n", "", "", CFG_MAX_BYTES },
		{ "# \n", "", "", CFG_MAX_BYTES },
		{ ";", "", "", CFG_MAX_BYTES },
		{ "\n", "", "", CFG_MAX_BYTES },
		{ "[", "", "t:1:1: expected a key, near '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[...'",
		  CFG_MAX_BYTES },
		{ "a=1\n", "", "t: 1048577 bytes are too many for a config (at most 1048576)",
		  CFG_MAX_BYTES + 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(big); i++) {
		scoped(cfg) struct cfg cfg = CFG_INIT;
		scoped(free) char *text = malloc(big[i].len);
		size_t unit = strlen(big[i].unit), whole = big[i].len / unit * unit;
		struct err err = ERR_INIT;
		clock_t start = clock();
		int rc;

		for (size_t j = 0; j < big[i].len; j++)
			text[j] = j < whole ? big[i].unit[j % unit] : '\n';
		rc = cfg_parse(&cfg, "t", text, big[i].len, &err);
		is_str(rc < 0 ? err.msg : "", big[i].message, "%zu bytes of '%s'", big[i].len, big[i].unit);
		ok(clock() - start < 5 * CLOCKS_PER_SEC, "in time");
	}
}

static void test_many_settings(void)
{
	scoped(cfg) struct cfg cfg = CFG_INIT;
	scoped(strbuf) struct strbuf text = STRBUF_INIT;
	struct err err = ERR_INIT;

	for (int i = 0; i <= CFG_MAX_SETTINGS; i++)
		strbuf_printf(&text, "k%d=1\n", i);
	is_int(cfg_parse(&cfg, "t", text.s, text.len, &err), -E2BIG, "too many settings");
	is_str(err.msg, "t:1025: more than 1024 settings", "too many settings: message");
}

static void test_binary(void)
{
	scoped(cfg) struct cfg cfg = CFG_INIT;
	struct err err = ERR_INIT;

	is_int(cfg_parse(&cfg, "t", "a=1\nb\0c", 7, &err), -EINVAL, "a NUL byte");
	is_str(err.msg, "t:2: not a text file (it has a NUL byte)", "a NUL byte: message");
}

static void test_files(void)
{
	char dir[] = "/tmp/xlite-test-cfg-XXXXXX", path[64], want[256];
	struct err err = ERR_INIT;
	int fd;

	if (!mkdtemp(dir)) {
		ok(false, "mkdtemp");
		return;
	}
	snprintf(path, sizeof(path), "%s/c", dir);
	scoped(cfg) struct cfg cfg = CFG_INIT;
	is_int(cfg_parse_file(&cfg, path, &err), -ENOENT, "no file");
	snprintf(want, sizeof(want), "cannot open '%s': No such file or directory", path);
	is_str(err.msg, want, "no file: message");
	is_int(cfg_parse_file(&cfg, dir, &err), -EINVAL, "a folder");
	snprintf(want, sizeof(want), "cannot use '%s': it is a directory", dir);
	is_str(err.msg, want, "a folder: message");
	is_int(cfg_parse_file(&cfg, "/dev/null", &err), 0, "/dev/null is no text");
	is_int(mkfifo(path, 0600), 0, "mkfifo");
	is_int(cfg_parse_file(&cfg, path, &err), -EINVAL, "a FIFO does not hang");
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	is_int(ftruncate(fd, 0), 0, "an empty file");
	is_int(cfg_parse_file(&cfg, path, &err), 0, "an empty file is read");
	is_int(cfg.nr, 0, "and has no settings");
	is_int(ftruncate(fd, 100 << 20), 0, "100 MiB of zeros");
	is_int(cfg_parse_file(&cfg, path, &err), -EFBIG, "100 MiB are refused");
	snprintf(want, sizeof(want), "cannot read '%s': 104857600 bytes, at most 1048576 are allowed",
		 path);
	is_str(err.msg, want, "100 MiB: message");
	close(fd);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	test_cases();
	test_places();
	test_bad_word();
	test_limits();
	test_many_settings();
	test_binary();
	test_files();
	return tap_done();
}
