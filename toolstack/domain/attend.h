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

/*
 * Attends domid, which was made from config, and its successors (started, if given, is
 * called for each of them), until one ends for
 * good, is destroyed by somebody else, or the user interrupts (0 as well: the domain
 * is left as it is).
 */
int domain_attend(struct xen *xen, struct domain_config *config, uint32_t domid,
		  void (*started)(uint32_t domid, void *arg), void *arg,
		  struct err *err) must_check;

#endif
