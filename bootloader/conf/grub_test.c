/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GRUB's test and [: or, and, !, brackets, comparisons, files. */
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "grub.h"
#include "text.h"

struct tester {
	struct grub *g;
	char **v;
	size_t n, at;
	unsigned int depth;
};

static const char *word(const struct tester *t, size_t ahead)
{
	return t->n - t->at > ahead ? t->v[t->at + ahead] : NULL;
}

static bool at(const struct tester *t, const char *w)
{
	return t->at < t->n && strcmp(t->v[t->at], w) == 0;
}

/* As many digits as fit; hostile ones may be wrong, but not undefined. */
static long number(const char *s)
{
	return strtol(s, NULL, 0);
}

/* The number behind the text that both start with, as -pgt compares kernel names. */
static long prefix_difference(const char *a, const char *b)
{
	while (*a && *a == *b && (*a < '0' || *a > '9')) {
		a++;
		b++;
	}
	return (number(a) > number(b)) - (number(a) < number(b));
}

static bool compare(const char *a, const char *op, const char *b, bool *result)
{
	long x = number(a), y = number(b);
	int order = strcmp(a, b);
	const struct {
		const char *op;
		bool value;
	} table[] = {
		{ "=", !order }, { "==", !order }, { "!=", !!order }, { "<", order < 0 },
		{ "<=", order <= 0 }, { ">", order > 0 }, { ">=", order >= 0 },
		{ "-eq", x == y }, { "-ne", x != y }, { "-lt", x < y }, { "-le", x <= y },
		{ "-gt", x > y }, { "-ge", x >= y },
		{ "-pgt", prefix_difference(a, b) > 0 }, { "-plt", prefix_difference(a, b) < 0 },
		/* No times are read: a file is neither newer nor older. */
		{ "-nt", false }, { "-ot", false }, { "-ef", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (strcmp(table[i].op, op) == 0) {
			*result = table[i].value;
			return true;
		}
	}
	return false;
}

static bool test_file(struct tester *t, char op, const char *name)
{
	struct err ignored = ERR_INIT;
	struct source_stat st;
	const char *path;
	unsigned int dev;

	if (!grub_path(t->g, name, &dev, &path) ||
	    source_stat(t->g->menu->source, dev, path, &st, &ignored) < 0)
		return false;
	switch (op) {
	case 'd': return st.kind == SOURCE_FOLDER;
	case 'f': return st.kind == SOURCE_FILE;
	case 's': return st.kind == SOURCE_FILE && st.size;
	default: return true;
	}
}

static bool test_or(struct tester *t);

static bool test_primary(struct tester *t)
{
	const char *a = word(t, 0), *b = word(t, 1), *c = word(t, 2);
	bool result;

	if (!a)
		return false;
	if (b && c && compare(a, b, c, &result)) {
		t->at += 3;
		return result;
	}
	if (strcmp(a, "(") == 0 && t->depth < 32) {
		t->at++;
		t->depth++;
		result = test_or(t);
		t->depth--;
		t->at += at(t, ")");
		return result;
	}
	if (a[0] == '-' && a[1] && !a[2] && strchr("nzdefs", a[1])) {
		t->at += b ? 2 : 1;
		if (!b)
			return true;
		if (a[1] == 'n' || a[1] == 'z')
			return (*b == '\0') == (a[1] == 'z');
		return test_file(t, a[1], b);
	}
	t->at++;
	return *a != '\0';
}

static bool test_not(struct tester *t)
{
	bool negate = false;

	while (at(t, "!") && t->n - t->at > 1) {
		negate = !negate;
		t->at++;
	}
	return test_primary(t) != negate;
}

static bool test_and(struct tester *t)
{
	bool result = test_not(t);

	while (t->at < t->n && !at(t, "-o") && !at(t, ")")) {
		t->at += at(t, "-a");
		/* Both sides are read, whatever the first one says. */
		result = test_not(t) && result;
	}
	return result;
}

static bool test_or(struct tester *t)
{
	bool result = test_and(t);

	while (at(t, "-o")) {
		t->at++;
		result = test_and(t) || result;
	}
	return result;
}

int grub_test(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
	      struct err *err)
{
	struct tester t = { .g = g, .v = args->v, .n = args->n, .at = 1 };

	(void)cmd;
	(void)err;
	/* GRUB does not insist on the closing bracket. */
	if (strcmp(args->v[0], "[") == 0 && strcmp(args->v[args->n - 1], "]") == 0)
		t.n--;
	return !test_or(&t);
}

const struct grub_command grub_test_commands[] = {
	{ "test", grub_test }, { "[", grub_test }, { "regexp", grub_regexp }, { .name = NULL },
};
