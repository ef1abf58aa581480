/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Waiting until something is true of a domain, by the store's watches. Xen tells nobody that a
 * domain was unpaused or resumed: one that is there and does not run is looked at ten times a second.
 * A name that nobody has may come by a rename, and who was to restart a guest may give it up: both
 * are looked for once a second.
 */
#ifndef DOMAIN_AWAIT_H
#define DOMAIN_AWAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct domctl_info;
struct xen;

enum await_what {
	AWAIT_RUNNING,		/* complete, and neither paused nor ended */
	AWAIT_SHUTDOWN,		/* it has ended, or is gone */
	AWAIT_GONE,		/* dying counts: its name is free by then */
	AWAIT_CONSOLE,		/* there is a terminal to attach to */
	AWAIT_IP,		/* its agent has written an address into the store */
};

/* Whether somebody sees to the end of this domain (supervisor/monitor.h); name may be NULL. */
typedef bool (*await_attended_fn)(const struct domctl_info *info, const char *name);

/*
 * Waits for the domain of a name or number; RUNNING, CONSOLE and IP also for one that is not there
 * yet, and for the successor of one that its config restarts. *found (owned): how it ended
 * ("poweroff", "gone"), the terminal, the address; else "". timeout_ms < 0: for ever.
 *
 * -ETIMEDOUT, -ENOENT (SHUTDOWN: there is none), -ESRCH: it has ended or is gone, and no
 * successor is on its way; -EINTR. Each with a message. Both handles open.
 */
int domain_await(struct xen *xen, const char *word, enum await_what what, int timeout_ms,
		 await_attended_fn attended, char **found, struct err *err) must_check;

#endif
