/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "passthrough.h"

#include <errno.h>
#include <inttypes.h>
#include <xenctrl.h>

#include "xen.h"

int passthrough_assign(struct xen *xen, uint32_t domid, uint32_t sbdf, bool strict,
		       struct err *err)
{
	if (xc_assign_device(xen->xc, domid, sbdf, strict ? 0 : XEN_DOMCTL_DEV_RDM_RELAXED) == 0)
		return 0;
	if (errno == EOPNOTSUPP && domid != PASSTHROUGH_QUARANTINE)
		return fail(err, EOPNOTSUPP, "domain %u has no IOMMU: it was created without a PCI "
			    "device and without passthrough=\"enabled\"", domid);
	if (errno == ENODEV)
		return fail(err, ENODEV, "Xen does not know it, or another domain has it");
	return xen_fail(xen, err, "Xen does not assign it to domain %u", domid);
}

int passthrough_deassign(struct xen *xen, uint32_t domid, uint32_t sbdf, struct err *err)
{
	if (xc_deassign_device(xen->xc, domid, sbdf) < 0)
		return xen_fail(xen, err, "Xen does not take it from domain %u", domid);
	return 0;
}

int passthrough_ports(struct xen *xen, uint32_t domid, uint32_t first, uint32_t nr, bool allow,
		      struct err *err)
{
	if (xc_domain_ioport_permission(xen->xc, domid, first, nr, allow) < 0)
		return xen_fail(xen, err, "domain %u: cannot %s i/o ports %x-%x", domid,
				allow ? "give it" : "take from it", first, first + nr - 1);
	return 0;
}

int passthrough_memory(struct xen *xen, uint32_t domid, uint64_t first, uint64_t nr, bool allow,
		       struct err *err)
{
	if (xc_domain_iomem_permission(xen->xc, domid, first, nr, allow) < 0)
		return xen_fail(xen, err, "domain %u: cannot %s i/o memory, frames %" PRIx64 "-%"
				PRIx64, domid, allow ? "give it" : "take from it", first,
				first + nr - 1);
	return 0;
}

int passthrough_irq(struct xen *xen, uint32_t domid, uint32_t irq, bool allow, struct err *err)
{
	int pirq = (int)irq, unmapped, code;

	if (allow && (xc_physdev_map_pirq(xen->xc, domid, (int)irq, &pirq) < 0 ||
		      xc_domain_irq_permission(xen->xc, domid, (uint32_t)pirq, true) < 0))
		return xen_fail(xen, err, "domain %u: cannot give it interrupt %u", domid, irq);
	if (allow)
		return 0;
	unmapped = xc_physdev_unmap_pirq(xen->xc, domid, pirq);
	code = errno;
	/* EPERM, EINVAL: none of dom0's. With MSI, Linux's sysfs tells a number of its own. */
	if (xc_domain_irq_permission(xen->xc, domid, irq, false) < 0 && errno != EPERM &&
	    errno != EINVAL)
		code = errno;
	/* EINVAL: the guest may have unmapped it, or have never mapped it. */
	else if (unmapped == 0 || code == EINVAL)
		return 0;
	errno = code;
	return xen_fail(xen, err, "domain %u: cannot take interrupt %u from it", domid, irq);
}

int passthrough_map(struct xen *xen, uint32_t domid, uint64_t gfn, uint64_t mfn, uint64_t nr,
		    struct err *err)
{
	if (xc_domain_memory_mapping(xen->xc, domid, gfn, mfn, nr, 1) < 0)
		return xen_fail(xen, err, "domain %u: cannot map i/o memory frames %" PRIx64 "-%"
				PRIx64 " at %" PRIx64, domid, mfn, mfn + nr - 1, gfn);
	return 0;
}
