/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a libc would give us: memory, strings, numbers, formatting.  The mem
 * functions are also what the compiler calls on its own.
 */
#ifndef GUESTS_LIB_H
#define GUESTS_LIB_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int c, size_t len);
void *memmove(void *to, const void *from, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);

/* Decimal; stops at the first character that is no digit. */
unsigned long number(const char *s);

/* %s %c %u %lu %lx %%; always terminated, returns the length written. */
size_t format_va(char *out, size_t size, const char *fmt, va_list ap);
__attribute__((format(printf, 3, 4)))
size_t format(char *out, size_t size, const char *fmt, ...);

/*
 * Cuts the next word off *text into word (too long: cut) and returns whether
 * there was one.  Words are parted by spaces.
 */
bool word_next(const char **text, char *word, size_t size);

/* Does text hold this very word? */
bool word_in(const char *text, const char *word);

#endif
