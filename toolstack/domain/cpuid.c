/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/cpuid.h"

#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>

#include "base/scope.h"
#include "config/config.h"
#include "config/cpuid.h"
#include "xen/domctl.h"

/* libxc's form: borrowed strings, NULL where nothing is said, and a closing entry. */
static struct xc_xend_cpuid *leaves_for_xc(const struct cpuid *cpuid)
{
	struct xc_xend_cpuid *list = calloc(cpuid->nr_leaves + 1, sizeof(*list));

	for (unsigned int i = 0; list && i < cpuid->nr_leaves; i++) {
		list[i].leaf = cpuid->leaves[i].leaf;
		list[i].subleaf = cpuid->leaves[i].subleaf;
		for (unsigned int reg = 0; reg < CPUID_REGS; reg++)
			list[i].policy[reg] = cpuid->leaves[i].policy[reg][0] ?
				cpuid->leaves[i].policy[reg] : NULL;
	}
	if (list)
		list[cpuid->nr_leaves].leaf = XEN_CPUID_INPUT_UNUSED;
	return list;
}

static struct xc_msr *msrs_for_xc(const struct cpuid *cpuid)
{
	struct xc_msr *list = calloc(cpuid->nr_msrs + 1, sizeof(*list));

	for (unsigned int i = 0; list && i < cpuid->nr_msrs; i++) {
		list[i].index = cpuid->msrs[i].index;
		memcpy(list[i].policy, cpuid->msrs[i].policy, sizeof(list[i].policy));
	}
	if (list)
		list[cpuid->nr_msrs].index = XC_MSR_INPUT_UNUSED;
	return list;
}

int domain_set_cpuid(struct xen *xen, uint32_t domid, const struct domain_config *config,
		     struct err *err)
{
	scoped(free) struct xc_xend_cpuid *leaves = NULL;
	scoped(free) struct xc_msr *msrs = NULL;
	struct domctl_cpuid cpuid = {
		.pae = config->type != DOMAIN_HVM || config->hvm.pae != TRI_FALSE,
		/* A constant TSC can be promised to who stays here or has it emulated everywhere. */
		.itsc = config->nomigrate == TRI_TRUE || config->tsc_mode == 1,
		.nested_virt = config->nested_hvm == TRI_TRUE,
	};

	if (config->cpuid && config->cpuid->nr_leaves) {
		cpuid.xend = leaves = leaves_for_xc(config->cpuid);
		if (!leaves)
			return fail_nomem(err);
	}
	if (config->cpuid && config->cpuid->nr_msrs) {
		cpuid.msr = msrs = msrs_for_xc(config->cpuid);
		if (!msrs)
			return fail_nomem(err);
	}
	return domctl_set_cpuid(xen, domid, &cpuid, err);
}
