/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A soft reset (xen/sched.h, SHUTDOWN_soft_reset): a guest that changes over to another kernel by
 * itself (kexec) asks for event channels, devices and a store connection as a new domain has
 * them. Its number, memory and vcpus stay, and it goes on behind its request.
 */
#ifndef DOMAIN_RESET_H
#define DOMAIN_RESET_H

#include <stdint.h>

#include "base/err.h"

struct domain_config;
struct xen;

/*
 * domid has shut down with that reason; config is its own, as it stands (ending_config), and one
 * that can be reset (ending_no_reset). After a failure, and when cut off, the domain is of no
 * use any more: ending_destroy() takes what is left.
 */
int domain_soft_reset(struct xen *xen, uint32_t domid, struct domain_config *config,
		      struct err *err) must_check;

#endif
