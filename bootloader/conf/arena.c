/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;	/* of data, in bytes */
	max_align_t data[];
};

enum { CHUNK = 16 * 1024, ALIGN = _Alignof(max_align_t) };

void arena_free(struct arena *a)
{
	while (a->chunks) {
		struct arena_chunk *c = a->chunks;

		a->chunks = c->next;
		free(c);
	}
}

static struct arena_chunk *chunk_new(struct arena *a, size_t size)
{
	size_t want = size > CHUNK ? size : CHUNK;
	struct arena_chunk *c;

	if (want > a->left) {
		a->full = true;
		return NULL;
	}
	c = calloc(1, sizeof(*c) + want);
	if (!c)
		return NULL;
	a->left -= want;
	c->size = want;
	/* What is too big for the common size goes behind the chunk that still has room. */
	if (want > CHUNK && a->chunks) {
		c->next = a->chunks->next;
		a->chunks->next = c;
	} else {
		c->next = a->chunks;
		a->chunks = c;
	}
	return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_chunk *c = a->chunks;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (!c || size > c->size - c->used)
		c = chunk_new(a, size);
	if (!c)
		return NULL;
	p = (char *)c->data + c->used;
	c->used += size;
	return p;
}

void *arena_alloc_array(struct arena *a, size_t nr, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(nr, size, &bytes) ? NULL : arena_alloc(a, bytes);
}

char *arena_copy(struct arena *a, const char *s, size_t len)
{
	char *copy = s && len < SIZE_MAX / 2 ? arena_alloc(a, len + 1) : NULL;

	if (copy)
		memcpy(copy, s, len);
	return copy;
}

char *arena_string(struct arena *a, const char *s)
{
	return s ? arena_copy(a, s, strlen(s)) : NULL;
}

char *arena_format(struct arena *a, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len >= 0)
		s = arena_alloc(a, (size_t)len + 1);
	if (!s)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(s, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return s;
}

void *arena_grow(struct arena *a, void *items, size_t nr, size_t size)
{
	void *more;

	/* Room is doubled whenever it is full, which is at powers of two. */
	if (nr & (nr - 1))
		return items;
	more = arena_alloc_array(a, nr ? nr * 2 : 1, size);
	if (more && nr)
		memcpy(more, items, nr * size);
	return more;
}

void abuf_add(struct abuf *b, const char *s, size_t len)
{
	if (b->failed)
		return;
	if (len > b->max - b->len) {
		b->failed = b->arena->full = true;
		return;
	}
	if (b->len + len + 1 > b->cap) {
		size_t cap = (b->len + len + 1) * 2 < 64 ? 64 : (b->len + len + 1) * 2;
		char *more = arena_alloc(b->arena, cap);

		if (!more) {
			b->failed = true;
			return;
		}
		if (b->len)
			memcpy(more, b->s, b->len);
		b->s = more;
		b->cap = cap;
	}
	memcpy(b->s + b->len, s, len);
	b->len += len;
	b->s[b->len] = '\0';
}

void abuf_string(struct abuf *b, const char *s)
{
	abuf_add(b, s, strlen(s));
}

void abuf_char(struct abuf *b, char c)
{
	abuf_add(b, &c, 1);
}

char *abuf_text(struct abuf *b)
{
	abuf_add(b, "", 0);
	return b->failed ? NULL : b->s;
}
