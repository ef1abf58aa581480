/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many of its vcpus a running domain should use. */
#ifndef DOMAIN_VCPUS_H
#define DOMAIN_VCPUS_H

#include <stdint.h>

#include "base/err.h"

struct xen;

/*
 * Tells the domain to use its first nr vcpus. A PV or PVH guest is told through the store and
 * follows by itself, if its kernel can; nobody waits for it. An HVM guest gets them plugged in
 * by its QEMU, and none taken away: -EOPNOTSUPP.
 */
int domain_set_vcpus(struct xen *xen, uint32_t domid, unsigned int nr, struct err *err) must_check;

#endif
