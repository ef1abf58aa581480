/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"

int conf_nomem(struct err *err)
{
	return fail(err, ENOMEM, "the configuration needs more than %d MiB of memory",
		    CONF_MEMORY_MAX >> 20);
}

int conf_text(struct boot_menu *menu, unsigned int dev, const char *path, char **text,
	      struct err *err)
{
	scoped(bytes) struct bytes data = BYTES_INIT;
	size_t len = 0;
	const char *in;
	char *out;
	int rc = source_read(menu->source, dev, path, CONF_FILE_MAX, &data, err);

	if (rc < 0)
		return rc;
	out = arena_alloc(&menu->arena, data.len + 1);
	if (!out)
		return conf_nomem(err);
	in = data.data;
	for (size_t i = 0; i < data.len && in[i]; i++) {
		if (in[i] != '\r')
			out[len++] = in[i];
	}
	*text = out;
	return 0;
}

static bool is_kind(const struct boot_menu *menu, unsigned int dev, const char *path,
		    enum source_kind kind)
{
	struct source_stat st;
	struct err ignored = ERR_INIT;

	return dev < menu->source->nr_devices &&
	       source_stat(menu->source, dev, path, &st, &ignored) == 0 && st.kind == kind;
}

bool conf_is_file(const struct boot_menu *menu, unsigned int dev, const char *path)
{
	return is_kind(menu, dev, path, SOURCE_FILE);
}

bool conf_is_folder(const struct boot_menu *menu, unsigned int dev, const char *path)
{
	return is_kind(menu, dev, path, SOURCE_FOLDER);
}

bool text_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

char *text_line(char **rest)
{
	char *line = *rest;
	char *end;

	if (!line || !*line)
		return NULL;
	end = strchr(line, '\n');
	*rest = end ? end + 1 : NULL;
	if (end)
		*end = '\0';
	return line;
}

char *text_word(char **rest)
{
	char *word = *rest, *end;

	while (word && text_is_blank(*word))
		word++;
	if (!word || !*word) {
		*rest = NULL;
		return NULL;
	}
	for (end = word; *end && !text_is_blank(*end); end++)
		;
	*rest = *end ? end + 1 : NULL;
	*end = '\0';
	return word;
}

char *text_trim(char *s)
{
	size_t len;

	while (text_is_blank(*s))
		s++;
	for (len = strlen(s); len && text_is_blank(s[len - 1]); len--)
		s[len - 1] = '\0';
	return s;
}

char *text_squeeze(char *s)
{
	char *out = s;

	for (const char *in = s; *in; in++) {
		if (!text_is_blank(*in))
			*out++ = *in;
		else if (out != s && in[1] && !text_is_blank(in[1]))
			*out++ = ' ';
	}
	*out = '\0';
	return s;
}

bool text_number(const char *s, long max, long *out)
{
	uint64_t n;

	if (str_to_u64(s, (uint64_t)max, &n) < 0)
		return false;
	*out = (long)n;
	return true;
}

char *path_folder(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return arena_string(a, "/");
	return arena_copy(a, path, (size_t)(slash - path));
}

const char *path_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *path_join(struct arena *a, const char *folder, const char *name)
{
	if (name[0] == '/')
		return arena_string(a, name);
	while (name[0] == '.' && name[1] == '/')
		name += 2;
	return arena_format(a, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", name);
}

enum { GLOB_MAX = 256 };

/* *p stands behind a '['; leaves it behind the ']', or returns -1 where none closes it. */
static int bracket_match(const char **p, unsigned char c)
{
	const char *s = *p;
	bool negate = *s == '!' || *s == '^', match = false;

	s += negate;
	for (const char *start = s; *s && (*s != ']' || s == start); s++) {
		unsigned char low = (unsigned char)*s, high = low;

		if (s[1] == '-' && s[2] && s[2] != ']') {
			high = (unsigned char)s[2];
			s += 2;
		}
		match |= c >= low && c <= high;
	}
	if (!*s)
		return -1;
	*p = s + 1;
	return match != negate;
}

/* One pattern element against one character; *p goes behind the element. */
static bool element_match(const char **p, char c)
{
	const char *e = (*p)++;
	int rc;

	if (*e == '?')
		return true;
	if (*e == '[') {
		rc = bracket_match(p, (unsigned char)c);
		if (rc >= 0)
			return rc;
	} else if (*e == '\\' && e[1]) {
		e = (*p)++;
	}
	return *e == c;
}

bool glob_match(const char *pattern, const char *s)
{
	const char *star = NULL, *retry = NULL;
	const char *p = pattern;

	if (strnlen(pattern, GLOB_MAX + 1) > GLOB_MAX)
		return false;
	/* Only the last '*' needs to be tried again: what stood before it has matched. */
	while (*s) {
		if (*p == '*') {
			star = ++p;
			retry = s;
			continue;
		}
		if (*p && element_match(&p, *s)) {
			s++;
			continue;
		}
		if (!star)
			return false;
		p = star;
		s = ++retry;
	}
	while (*p == '*')
		p++;
	return !*p;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool counts(char c)
{
	return is_digit(c) || is_alpha(c) || c == '-' || c == '.' || c == '~' || c == '^';
}

static size_t run(const char *s, bool (*is)(char c))
{
	size_t n = 0;

	while (is(s[n]))
		n++;
	return n;
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

/* Both start with digits (or one does, and the other has the empty number). */
static int compare_numbers(const char **a, const char **b)
{
	size_t len_a, len_b;
	int rc;

	*a += strspn(*a, "0");
	*b += strspn(*b, "0");
	len_a = run(*a, is_digit);
	len_b = run(*b, is_digit);
	rc = len_a != len_b ? (len_a > len_b ? 1 : -1) : sign(memcmp(*a, *b, len_a));
	*a += len_a;
	*b += len_b;
	return rc;
}

static int compare_letters(const char **a, const char **b)
{
	size_t len_a = run(*a, is_alpha), len_b = run(*b, is_alpha);
	int rc = sign(memcmp(*a, *b, len_a < len_b ? len_a : len_b));

	if (rc == 0 && len_a != len_b)
		rc = len_a > len_b ? 1 : -1;
	*a += len_a;
	*b += len_b;
	return rc;
}

int version_compare(const char *a, const char *b)
{
	static const char separators[] = "-^.";

	for (;;) {
		bool both = false;
		int rc;

		while (*a && !counts(*a))
			a++;
		while (*b && !counts(*b))
			b++;
		if (*a == '~' || *b == '~') {
			if (*a != *b)
				return *a == '~' ? -1 : 1;
			a++;
			b++;
			continue;
		}
		if (!*a || !*b)
			return !!*a - !!*b;
		for (const char *s = separators; *s && !both; s++) {
			if (*a != *s && *b != *s)
				continue;
			if (*a != *b)
				return *a == *s ? -1 : 1;
			both = true;
		}
		if (both) {
			a++;
			b++;
			continue;
		}
		rc = is_digit(*a) || is_digit(*b) ? compare_numbers(&a, &b) :
						     compare_letters(&a, &b);
		if (rc)
			return rc;
	}
}
