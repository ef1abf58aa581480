/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a guest's type means to Xen: how its memory is translated, how much memory that
 * takes beside its own, and what such a guest cannot have. PV guests bring their own page
 * tables; PVH guests need the processor's virtualization.
 */
#ifndef DOMAIN_PLATFORM_H
#define DOMAIN_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/err.h"

struct domain_config;
struct host_guests;
struct xen;

struct platform {
	bool pv;
	bool hap, oos_off;	/* hap: the processor translates; else Xen's shadow tables */
	bool iommu, iommu_sync;	/* devices can be passed through; sync: it has tables of its own */
	uint64_t paging_kb;	/* for the tables that translate; not pv */
	uint64_t overhead_kb;	/* all that Xen needs beside the guest's memory */
};

/* Pure: what config asks for and its type cannot have. */
int platform_check(const struct domain_config *config, struct err *err) must_check;

/*
 * type="auto": whether this host could run config as a PVH guest. The kernel has a say as
 * well, see BUILDER_AUTO.
 */
bool platform_may_be_pvh(const struct domain_config *config, const struct host_guests *guests);

/* Pure: the platform of a config whose type is settled, on a host that can run guests. */
int platform_plan(const struct domain_config *config, const struct host_guests *guests,
		  struct platform *platform, struct err *err) must_check;

/* How many seconds the guest's clock is ahead of UTC: rtc_timeoffset, localtime. */
int32_t platform_clock_offset(const struct domain_config *config, time_t now);

/* Tells Xen, before memory is populated and the vcpus run. Nothing to tell for PV. */
int platform_set_up(struct xen *xen, uint32_t domid, const struct domain_config *config,
		    const struct platform *platform, struct err *err) must_check;

#endif
