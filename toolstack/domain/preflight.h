/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a config's domain could be created here and now: the checks that create makes, all of
 * them instead of up to the first that fails, and nothing is created.
 */
#ifndef DOMAIN_PREFLIGHT_H
#define DOMAIN_PREFLIGHT_H

#include "base/err.h"

struct domain_config;
struct findings;
struct xen;

/* Pure: what is wrong with the config on any host. It has its defaults. */
void preflight_config(const struct domain_config *config, struct findings *out);

/*
 * What is wrong with it on this host: files, the guest's type, names, devices, memory. Changes config
 * as a create does. Both handles open.
 */
void preflight_host(struct xen *xen, struct domain_config *config, struct findings *out);

#endif
