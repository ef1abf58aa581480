/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain from a config. domain_create() returns with a complete domain that is
 * paused, or with nothing left of it: what was made is undone in reverse on every
 * way out, and a run file lets the next xlite undo it after a kill.
 */
#ifndef DOMAIN_CREATE_H
#define DOMAIN_CREATE_H

#include <stdint.h>

#include "base/err.h"

struct domain_config;
struct xen;

/*
 * What must be true before any work: a supported type, a usable name, a kernel,
 * sizes. Pure. config has its defaults (config_defaults).
 */
int domain_check_config(const struct domain_config *config, struct err *err) must_check;

/*
 * Creates config's domain, paused: *domid. Makes a uuid when the config gives none and
 * stores it in config. Needs the hypervisor and the store open. -EEXIST when the name or
 * uuid is taken, -ENOMEM when memory is short (the message says how much there is),
 * -EINTR when the user interrupted.
 */
int domain_create(struct xen *xen, struct domain_config *config, uint32_t *domid,
		  struct err *err) must_check;

#endif
