/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between the user's terminal and the pseudo-terminal that the reader has for its menu: so
 * that the reader never has the real one, in which it could type or change modes.
 */
#ifndef BOOTLOADER_RELAY_H
#define BOOTLOADER_RELAY_H

#include <stdbool.h>
#include <termios.h>

#include "base/err.h"

struct pollfd;

enum { RELAY_FDS = 2 };

struct relay {
	int terminal;		/* borrowed; -1: there is none */
	int master, slave;	/* owned */
	bool typed;		/* a key came from the terminal */
	bool changed;		/* the terminal's modes, as they were: */
	struct termios modes;
};

#define RELAY_INIT { .terminal = -1, .master = -1, .slave = -1 }

/* terminal -1: nothing. Its modes are changed until the relay is closed. */
int relay_open(int terminal, struct relay *relay, struct err *err) must_check;
/* After the reader was started: only it has the slave's side then. */
void relay_started(struct relay *relay);
void scoped_relay(struct relay *relay);

/* What to wait for, RELAY_FDS of them; descriptors are -1 where there is nothing. */
void relay_fds(const struct relay *relay, struct pollfd *fds);

/* Passes on what is there. -EINTR when the user wants out (Ctrl-C, Ctrl-]). */
int relay_step(struct relay *relay, const struct pollfd *fds, struct err *err) must_check;

#endif
