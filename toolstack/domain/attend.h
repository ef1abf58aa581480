/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Staying with a domain and carrying out what its config says about its end:
 * on_poweroff, on_reboot, on_crash, on_watchdog, on_soft_reset.
 */
#ifndef DOMAIN_ATTEND_H
#define DOMAIN_ATTEND_H

#include <stdint.h>

#include "base/err.h"

struct domain_config;
struct xen;

struct attend_hooks {
	/* A successor runs; NULL: of no interest. */
	void (*started)(uint32_t domid, void *arg);
	void *arg;
	/* What has happened: an event, see supervisor/events.h. */
	void (*told)(const char *kind, const char *name, uint32_t domid, const char *text);
};

/*
 * Attends domid, which was made from config, and its successors, until one ends for good or is
 * destroyed by somebody else, or (1) the user interrupts: what runs or is held back is left as it is,
 * a restart that has begun is made first, unless he does so again two seconds later. One that restarts
 * again and again is held back, and at last left as it ended, which is a failure.
 */
int domain_attend(struct xen *xen, struct domain_config *config, uint32_t domid,
		  const struct attend_hooks *hooks, struct err *err) must_check;

#endif
