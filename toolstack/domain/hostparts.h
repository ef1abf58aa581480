/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parts of the machine for a guest: whether it gets an IOMMU, without which no PCI device can be
 * its own, and what the config gives it beside devices (ioports, irqs, iomem).
 */
#ifndef DOMAIN_HOSTPARTS_H
#define DOMAIN_HOSTPARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct domain_config;
struct host_guests;
struct platform;
struct xen;

/* Pure: whether config says that devices may be passed through, or has some. */
bool hostparts_wants_iommu(const struct domain_config *config);

/* Pure: adds that to a platform whose other parts stand. -ENODEV: the host has no IOMMU. */
int hostparts_plan(const struct domain_config *config, const struct host_guests *guests,
		   struct platform *platform, struct err *err) must_check;

/* When the domain's memory stands. Xen takes it back when the domain goes. */
int hostparts_give(struct xen *xen, uint32_t domid, const struct domain_config *config,
		   struct err *err) must_check;

#endif
