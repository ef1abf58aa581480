// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lib.h"

/* In assembly: a C loop would be compiled into a call of itself. */
void *memcpy(void *to, const void *from, size_t len)
{
	void *d = to;

	__asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(len) :: "memory");
	return to;
}

void *memset(void *to, int c, size_t len)
{
	void *d = to;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(len) : "a"(c) : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t len)
{
	char *d = to;
	const char *s = from;

	if (d <= s || d >= s + len)
		return memcpy(to, from, len);
	while (len--)
		d[len] = s[len];
	return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const unsigned char *x = a, *y = b;

	for (; len; len--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *s)
{
	const char *end = s;

	while (*end)
		end++;
	return end - s;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (unsigned char)*a - (unsigned char)*b;
}

unsigned long number(const char *s)
{
	unsigned long n = 0;

	while (*s >= '0' && *s <= '9')
		n = n * 10 + (*s++ - '0');
	return n;
}

struct out {
	char *text;
	size_t len, size;
};

static void put(struct out *out, char c)
{
	if (out->len + 1 < out->size)
		out->text[out->len++] = c;
}

static void put_string(struct out *out, const char *s)
{
	while (*s)
		put(out, *s++);
}

static void put_number(struct out *out, unsigned long n, unsigned int base)
{
	char digits[24];
	int i = 0;

	do {
		digits[i++] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	while (i)
		put(out, digits[--i]);
}

size_t format_va(char *text, size_t size, const char *fmt, va_list ap)
{
	struct out out = { text, 0, size };

	for (; *fmt; fmt++) {
		bool is_long = false;

		if (*fmt != '%') {
			put(&out, *fmt);
			continue;
		}
		if (*++fmt == 'l') {
			is_long = true;
			fmt++;
		}
		switch (*fmt) {
		case 's':
			put_string(&out, va_arg(ap, const char *));
			break;
		case 'c':
			put(&out, va_arg(ap, int));
			break;
		case 'u':
		case 'x':
			put_number(&out, is_long ? va_arg(ap, unsigned long) :
					 va_arg(ap, unsigned int),
				   *fmt == 'u' ? 10 : 16);
			break;
		default:
			put(&out, *fmt);
		}
	}
	out.text[out.len] = '\0';
	return out.len;
}

size_t format(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = format_va(out, size, fmt, ap);
	va_end(ap);
	return len;
}

bool word_next(const char **text, char *word, size_t size)
{
	const char *s = *text;
	size_t len = 0;

	while (*s == ' ')
		s++;
	while (*s && *s != ' ') {
		if (len + 1 < size)
			word[len++] = *s;
		s++;
	}
	word[len] = '\0';
	*text = s;
	return len > 0;
}

bool word_in(const char *text, const char *word)
{
	char one[64];

	while (word_next(&text, one, sizeof(one)))
		if (strcmp(one, word) == 0)
			return true;
	return false;
}
