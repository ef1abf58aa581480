/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The client of a guest's console: copies between stdin, stdout and the pty that
 * xenconsoled (or QEMU, for a serial port) keeps for the guest. One client at a
 * time, by the lock that xenconsole takes: /var/lock/xenconsole.DOMID.
 */
#ifndef DOMAIN_CONSOLE_H
#define DOMAIN_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct xen;

enum console_type { CONSOLE_PRIMARY, CONSOLE_PV, CONSOLE_SERIAL, CONSOLE_VUART };

struct console_options {
	enum console_type type;		/* CONSOLE_PRIMARY: serial for HVM that has one, else PV */
	unsigned int num;
	char escape;			/* the key that detaches */
	void (*ready)(void *arg);	/* called once, when the pty is open; or NULL */
	void *arg;
};

enum console_end { CONSOLE_DETACHED, CONSOLE_GONE };

#define CONSOLE_ESCAPE 0x1d		/* ^] */
#define CONSOLE_OPTIONS_INIT { .escape = CONSOLE_ESCAPE }

/*
 * Stays attached until the domain is gone, the escape key comes from a terminal, a
 * signal arrives, or a pipe or file on stdin has ended; *end says whether the domain
 * is gone. While there is no pty yet it waits and says on stderr what is missing.
 * Needs both handles.
 */
int console_attach(struct xen *xen, uint32_t domid, const struct console_options *options,
		   enum console_end *end, struct err *err) must_check;

/* "x" or "^x"; -EINVAL (no message) for anything else. Pure. */
int console_parse_escape(const char *text, char *escape) must_check;

/*
 * Splits what was typed: the number of bytes of data before the escape key; *found
 * says whether it was there. Pure.
 */
size_t console_find_escape(const char *data, size_t len, char escape, bool *found);

#endif
