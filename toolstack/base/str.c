/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool strbuf_reserve(struct strbuf *b, size_t extra)
{
	size_t need = b->len + extra + 1;
	size_t cap = b->cap ? b->cap : 64;
	char *s;

	if (b->failed)
		return false;
	if (need <= b->cap)
		return true;
	while (cap < need)
		cap *= 2;
	s = realloc(b->s, cap);
	if (!s) {
		b->failed = true;
		return false;
	}
	b->s = s;
	b->cap = cap;
	return true;
}

void strbuf_add(struct strbuf *b, const char *s, size_t len)
{
	if (!strbuf_reserve(b, len))
		return;
	memcpy(b->s + b->len, s, len);
	b->len += len;
	b->s[b->len] = '\0';
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0 || !strbuf_reserve(b, (size_t)len)) {
		b->failed = true;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(b->s + b->len, (size_t)len + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)len;
}

void strbuf_free(struct strbuf *b)
{
	int saved = errno;

	free(b->s);
	*b = (struct strbuf)STRBUF_INIT;
	errno = saved;
}

int strbuf_finish(struct strbuf *b, char **out, struct err *err)
{
	strbuf_add(b, "", 0);
	if (b->failed)
		return fail_nomem(err);
	*out = b->s;
	*b = (struct strbuf)STRBUF_INIT;
	return 0;
}

char *str_format(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&s, fmt, ap);
	va_end(ap);
	return len < 0 ? NULL : s;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

size_t str_stem(const char *name, const char *suffix)
{
	size_t len = strlen(name), end = strlen(suffix);

	return len > end && strcmp(name + len - end, suffix) == 0 ? len - end : 0;
}

bool str_is_digits(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0';
}

int str_to_u64(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (!str_is_digits(s))
		return -EINVAL;
	for (; *s; s++) {
		unsigned int digit = (unsigned int)(*s - '0');

		if (value > (max - digit) / 10 || digit > max)
			return -ERANGE;
		value = value * 10 + digit;
	}
	*out = value;
	return 0;
}

size_t str_distance(const char *a, const char *b)
{
	enum { MAX = 64 };
	size_t rows[3][MAX];
	size_t la = strlen(a), lb = strlen(b);
	size_t *prev2 = rows[0], *prev = rows[1], *cur = rows[2];

	if (la >= MAX || lb >= MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		prev[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *free_row = prev2;

		cur[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = prev[j - 1] + (a[i - 1] != b[j - 1]);

			if (prev[j] + 1 < best)
				best = prev[j] + 1;
			if (cur[j - 1] + 1 < best)
				best = cur[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    prev2[j - 2] + 1 < best)
				best = prev2[j - 2] + 1;
			cur[j] = best;
		}
		prev2 = prev;
		prev = cur;
		cur = free_row;
	}
	return prev[lb];
}

const char *str_escape(const char *s, size_t len, char *buf, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (n + 8 > size) {
			n += (size_t)snprintf(buf + n, size - n, "...");
			break;
		}
		if (c >= 0x20 && c < 0x7f)
			buf[n++] = (char)c;
		else
			n += (size_t)snprintf(buf + n, size - n, "\\x%02x", c);
	}
	if (size)
		buf[n < size ? n : size - 1] = '\0';
	return buf;
}
