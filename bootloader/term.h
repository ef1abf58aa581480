/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The menu's terminal: keys out of bytes, text with everything strange escaped, a line editor. */
#ifndef BOOTLOADER_TERM_H
#define BOOTLOADER_TERM_H

#include "menu.h"

enum {
	TERM_COLUMNS = 80, TERM_ROWS = 24,	/* a console has no size that it would tell */
	TERM_TEXT = TERM_COLUMNS - 4,	/* bytes of a title or a line under way that are shown */
};

enum term_key {
	KEY_UP = 256, KEY_DOWN, KEY_LEFT, KEY_RIGHT, KEY_HOME, KEY_END, KEY_DELETE, KEY_ESCAPE,
	KEY_OTHER,		/* a sequence that is none of these */
};

/* A byte, one of the above, or what io->key says when there is none. */
int term_key(const struct menu_io *io, int timeout_ms);

void term_print(const struct menu_io *io, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The rest of the line is blank, and the cursor goes to the next. */
void term_end_line(const struct menu_io *io);
/* Up to nr lines above, at their start. */
void term_up(const struct menu_io *io, int nr);
/* Text of a guest, cut at max columns. */
void term_guest_text(const struct menu_io *io, const char *text, int max);

/*
 * Edits text, of at most size - 1 bytes, on the line where the cursor is. hidden: nothing
 * of it is shown. 1: entered, 0: given up by Escape (text is as it was before, or not),
 * negative: what io->key says.
 */
int term_edit(const struct menu_io *io, const char *prompt, char *text, size_t size, bool hidden);

#endif
