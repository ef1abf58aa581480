/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hostparts.h"

#include <errno.h>

#include "config/config.h"
#include "config/platform.h"
#include "platform.h"
#include "xen/host.h"
#include "xen/passthrough.h"

/* The numbers of config.h. */
enum { DEFAULT, DISABLED, ENABLED, SYNC_PT, SHARE_PT };

bool hostparts_wants_iommu(const struct domain_config *config)
{
	return config->passthrough > DISABLED || config->nr_pcidevs;
}

/* The IOMMU's own page tables, of four levels with 512 entries. */
static uint64_t table_kb(uint64_t memory_kb)
{
	uint64_t pages = memory_kb / 4, tables = 0;

	for (int level = 0; level < 4; level++) {
		pages = (pages + 511) / 512;
		tables += pages;
	}
	return 4 * tables;
}

int hostparts_plan(const struct domain_config *config, const struct host_guests *guests,
		   struct platform *platform, struct err *err)
{
	const char *why_not = platform->pv ? "a PV guest has none of its own" :
		!guests->iommu_share ? "this host's IOMMU cannot" :
		!platform->hap ? "they are for hap=1" : NULL;

	if (!hostparts_wants_iommu(config))
		return 0;
	if (config->passthrough == DISABLED)
		return fail(err, EINVAL, "passthrough=\"disabled\", but the config has PCI devices");
	if (!guests->iommu)
		return fail(err, ENODEV, "%s, but this host has no IOMMU that Xen uses: it is off in "
			    "the firmware, or Xen has iommu=0", config->nr_pcidevs ?
			    "the config has PCI devices" : "the config has passthrough=");
	if (config->passthrough == SHARE_PT && why_not)
		return fail(err, EINVAL, "passthrough=\"share_pt\", one set of page tables for the "
			    "processor and the IOMMU: %s", why_not);
	platform->iommu = true;
	platform->iommu_sync = config->passthrough == SYNC_PT || why_not;
	if (platform->iommu_sync)
		platform->overhead_kb += table_kb(config->max_memkb);
	return 0;
}

int hostparts_give(struct xen *xen, uint32_t domid, const struct domain_config *config,
		   struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < config->nr_ioports && rc == 0; i++)
		rc = passthrough_ports(xen, domid, config->ioports[i].first,
				       config->ioports[i].number, true, err);
	for (size_t i = 0; i < config->nr_irqs && rc == 0; i++)
		rc = passthrough_irq(xen, domid, config->irqs[i], true, err);
	for (size_t i = 0; i < config->nr_iomem && rc == 0; i++) {
		const struct iomem_range *range = &config->iomem[i];
		uint64_t gfn = range->gfn == IOMEM_GFN_SAME ? range->start : range->gfn;

		rc = passthrough_memory(xen, domid, range->start, range->number, true, err);
		if (rc == 0)
			rc = passthrough_map(xen, domid, gfn, range->start, range->number, err);
	}
	return rc;
}
