/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "term.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* Between the bytes of one key's sequence. */
enum { SEQUENCE_MS = 100 };

/* "1~" and its like: the rest of the sequence goes with it. */
static int numbered_key(const struct menu_io *io, int first)
{
	int c;

	do {
		c = io->key(io->arg, SEQUENCE_MS);
	} while ((c >= '0' && c <= '9') || c == ';');
	if (c != '~')
		return KEY_OTHER;
	return first == '1' || first == '7' ? KEY_HOME : first == '4' || first == '8' ? KEY_END :
	       first == '3' ? KEY_DELETE : KEY_OTHER;
}

int term_key(const struct menu_io *io, int timeout_ms)
{
	int c = io->key(io->arg, timeout_ms);

	if (c != 0x1b)
		return c;
	c = io->key(io->arg, SEQUENCE_MS);
	if (c == -ETIMEDOUT || c == 0x1b)
		return KEY_ESCAPE;
	if (c != '[' && c != 'O')
		return c < 0 ? c : KEY_OTHER;
	c = io->key(io->arg, SEQUENCE_MS);
	switch (c) {
	case 'A': return KEY_UP;
	case 'B': return KEY_DOWN;
	case 'C': return KEY_RIGHT;
	case 'D': return KEY_LEFT;
	case 'H': return KEY_HOME;
	case 'F': return KEY_END;
	default: return c >= '0' && c <= '9' ? numbered_key(io, c) : KEY_OTHER;
	}
}

void term_print(const struct menu_io *io, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len > 0)
		io->write(io->arg, text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1);
}

void term_end_line(const struct menu_io *io)
{
	term_print(io, "\033[K\r\n");
}

void term_up(const struct menu_io *io, int nr)
{
	if (nr > 0)
		term_print(io, "\r\033[%dA", nr);
}

void term_guest_text(const struct menu_io *io, const char *text, int max)
{
	char escaped[TERM_COLUMNS + 1];

	if (max > TERM_COLUMNS)
		max = TERM_COLUMNS;
	str_escape(text, strlen(text), escaped, (size_t)max + 1);
	term_print(io, "%s", escaped);
}

struct line {
	const struct menu_io *io;
	const char *prompt;
	char *text;
	size_t size, len, at;
	bool hidden;
};

/* The part around the cursor, each byte in one column. */
static void draw_line(const struct line *l)
{
	char shown[TERM_TEXT + 1];
	int room = TERM_TEXT - (int)strlen(l->prompt), nr = 0;
	size_t from = l->at >= (size_t)room ? l->at - (size_t)room + 1 : 0;

	while (!l->hidden && nr < room && from + (size_t)nr < l->len) {
		unsigned char c = (unsigned char)l->text[from + (size_t)nr];

		shown[nr++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	shown[nr] = '\0';
	term_print(l->io, "\r%s%s\033[K\r\033[%dC", l->prompt, shown,
		   (int)strlen(l->prompt) + (l->hidden ? 0 : (int)(l->at - from)));
}

static void remove_bytes(struct line *l, size_t from, size_t to)
{
	memmove(l->text + from, l->text + to, l->len - to + 1);
	l->len -= to - from;
	l->at = from;
}

static void insert_byte(struct line *l, char c)
{
	if (l->len + 1 >= l->size)
		return;
	memmove(l->text + l->at + 1, l->text + l->at, l->len - l->at + 1);
	l->text[l->at++] = c;
	l->len++;
}

static void edit_key(struct line *l, int key)
{
	switch (key) {
	case KEY_LEFT: l->at -= l->at > 0; break;
	case KEY_RIGHT: l->at += l->at < l->len; break;
	case KEY_HOME: case 'A' & 0x1f: l->at = 0; break;
	case KEY_END: case 'E' & 0x1f: l->at = l->len; break;
	case 0x7f: case '\b':
		if (l->at)
			remove_bytes(l, l->at - 1, l->at);
		break;
	case KEY_DELETE: case 'D' & 0x1f:
		if (l->at < l->len)
			remove_bytes(l, l->at, l->at + 1);
		break;
	case 'U' & 0x1f: remove_bytes(l, 0, l->at); break;
	case 'K' & 0x1f: remove_bytes(l, l->at, l->len); break;
	default:
		if (key >= 0x20 && key < 0x7f)
			insert_byte(l, (char)key);
	}
}

int term_edit(const struct menu_io *io, const char *prompt, char *text, size_t size, bool hidden)
{
	struct line l = { io, prompt, text, size, strlen(text), strlen(text), hidden };

	for (;;) {
		int key;

		draw_line(&l);
		key = term_key(io, -1);
		if (key < 0 || key == '\r' || key == '\n' || key == KEY_ESCAPE) {
			term_end_line(io);
			return key < 0 ? key : key != KEY_ESCAPE;
		}
		edit_key(&l, key);
	}
}
