/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The PV console ring (xen/io/console.h).  Lines end in CR LF, as a Linux
 * guest's do.  When nobody takes the output for CONSOLE_PATIENCE it is dropped
 * until there is room again, so the guest lives on without a console daemon.
 */
#ifndef GUESTS_CONSOLE_H
#define GUESTS_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xencons_interface;

void console_init(struct xencons_interface *ring, uint32_t port);

/* Silences say(), not answer(). */
void console_quiet(bool quiet);

/* One line about ourselves, "tiny: " in front. */
__attribute__((format(printf, 1, 2)))
void say(const char *fmt, ...);

/* One line that somebody asked for. */
__attribute__((format(printf, 1, 2)))
void answer(const char *fmt, ...);

/*
 * Takes what was typed; true when that completes a line (CR or LF, not in
 * line), which is cut at size.  Never waits.
 */
bool console_line(char *line, size_t size);

#endif
