/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Strings: a growing buffer whose allocation failure is kept until the end, so
 * that code can append without checking each step; and strict number parsing.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct strbuf {
	char *s;		/* owned; NULL while empty, else NUL-terminated */
	size_t len, cap;
	bool failed;		/* an append ran out of memory */
};

#define STRBUF_INIT { .s = NULL }

void strbuf_add(struct strbuf *b, const char *s, size_t len);
void strbuf_printf(struct strbuf *b, const char *fmt, ...) printf_like(2, 3);
void strbuf_free(struct strbuf *b);
/* Hands the string ("" when nothing was added) to the caller, who frees it. */
int strbuf_finish(struct strbuf *b, char **out, struct err *err) must_check;

static inline void scoped_strbuf(struct strbuf *b)
{
	strbuf_free(b);
}

/* printf into a new string; NULL when out of memory. */
char *str_format(const char *fmt, ...) printf_like(1, 2) must_check;

bool str_starts(const char *s, const char *prefix);

/* How long name is before suffix; 0 when it does not end so, or has nothing before. */
size_t str_stem(const char *name, const char *suffix);

/* True for a non-empty string of ASCII digits only. */
bool str_is_digits(const char *s);

/*
 * The whole of s as a decimal number of at most max; no sign, no blanks.
 * Returns 0, -EINVAL or -ERANGE and writes *out only on success.
 */
int str_to_u64(const char *s, uint64_t max, uint64_t *out) must_check;

/*
 * The edit distance of a and b (insert, delete, replace, swap of neighbours = 1),
 * for "did you mean" hints; lengths beyond 63 count as far away (SIZE_MAX).
 */
size_t str_distance(const char *a, const char *b);

/*
 * Copies s with every byte that is not printable ASCII as \xNN, for text that
 * came from a guest or a file; cut with "..." so that it fits into size.
 */
const char *str_escape(const char *s, size_t len, char *buf, size_t size);

#endif
