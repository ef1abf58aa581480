/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory for what is read from a configuration: taken piece by piece, given back
 * all at once, with a limit over everything. So no text, however it is written,
 * takes more than the limit or leaks, and a pointer is good for as long as its arena.
 */
#ifndef BOOTLOADER_CONF_ARENA_H
#define BOOTLOADER_CONF_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
	size_t left;		/* bytes that may still be taken from the system */
	bool full;		/* a limit was reached, this one or a text's: memory is not out */
};

#define ARENA_INIT(max) { .chunks = NULL, .left = (max) }

void arena_free(struct arena *a);

/* Zeroed and aligned for anything; NULL when the limit is reached or memory is out. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_alloc_array(struct arena *a, size_t nr, size_t size);

/* NUL-terminated copies; NULL as above, also when s is NULL. */
char *arena_copy(struct arena *a, const char *s, size_t len);
char *arena_string(struct arena *a, const char *s);
char *arena_format(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * items has room for a power of two; makes room for one more than nr of them, each
 * of size bytes. Returns the array (moved or not), NULL as above.
 */
void *arena_grow(struct arena *a, void *items, size_t nr, size_t size);

/* Text that grows; more than max bytes or no memory make it failed, and it stays so. */
struct abuf {
	struct arena *arena;
	char *s;		/* NUL-terminated once something was added */
	size_t len, cap, max;
	bool failed;
};

#define ABUF_INIT(a, limit) { .arena = (a), .max = (limit) }

void abuf_add(struct abuf *b, const char *s, size_t len);
void abuf_string(struct abuf *b, const char *s);
void abuf_char(struct abuf *b, char c);
/* The text ("" when empty), or NULL when it failed. */
char *abuf_text(struct abuf *b);

#endif
