/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new domain's cpu features: what Xen gives it, changed by the config's cpuid key. */
#ifndef DOMAIN_CPUID_H
#define DOMAIN_CPUID_H

#include <stdint.h>

#include "base/err.h"

struct domain_config;
struct xen;

/* Before the vcpus run; Xen refuses later changes. */
int domain_set_cpuid(struct xen *xen, uint32_t domid, const struct domain_config *config,
		     struct err *err) must_check;

#endif
