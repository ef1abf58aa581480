/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hypercalls that give a guest parts of the machine: PCI devices, i/o ports, i/o memory,
 * interrupts. Xen takes all of it back by itself when the domain goes.
 */
#ifndef XEN_PASSTHROUGH_H
#define XEN_PASSTHROUGH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct xen;

/* xen/xen.h: DOMID_IO has the devices that no guest has, and lets them do nothing. */
#define PASSTHROUGH_QUARANTINE 0x7ff1u

/*
 * sbdf: segment << 16 | bus << 8 | device << 3 | function. strict: not when memory that its
 * firmware claims (RMRR) is in use otherwise. -EOPNOTSUPP: the domain has no IOMMU.
 */
int passthrough_assign(struct xen *xen, uint32_t domid, uint32_t sbdf, bool strict,
		       struct err *err) must_check;
int passthrough_deassign(struct xen *xen, uint32_t domid, uint32_t sbdf,
			 struct err *err) must_check;

/* allow: give, else take away. */
int passthrough_ports(struct xen *xen, uint32_t domid, uint32_t first, uint32_t nr, bool allow,
		      struct err *err) must_check;
/* Page frames of the machine. */
int passthrough_memory(struct xen *xen, uint32_t domid, uint64_t first, uint64_t nr, bool allow,
		       struct err *err) must_check;
/* The interrupt line irq of the machine; the guest sees it under the same number. */
int passthrough_irq(struct xen *xen, uint32_t domid, uint32_t irq, bool allow,
		    struct err *err) must_check;

/* Maps page frames into a guest whose addresses are translated; nothing for PV. */
int passthrough_map(struct xen *xen, uint32_t domid, uint64_t gfn, uint64_t mfn, uint64_t nr,
		    struct err *err) must_check;

#endif
