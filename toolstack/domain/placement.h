/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NUMA placement: a new domain gets its memory from few memory nodes, and its vcpus would rather
 * run there. As libxl, which does not look at cpus= though. A config forbids it (numa_placement)
 * by cpus= as a list, cpus_soft= and vnuma=.
 */
#ifndef DOMAIN_PLACEMENT_H
#define DOMAIN_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct domain_config;
struct xen;

enum { PLACEMENT_NODES_MAX = 16 };	/* all subsets are looked at */

struct placement_node {
	unsigned int node;
	unsigned int cpus;	/* that the domain may use */
	unsigned int vcpus;	/* of the domains that may run here */
	uint64_t free_kb;
};

/*
 * Pure. The fewest nodes that have the memory and a cpu for each vcpu; of such, those with the
 * fewest vcpus there already, then with the most memory. 0: there are none; else bit i is nodes[i].
 */
uint32_t placement_choose(const struct placement_node *nodes, size_t nr, uint64_t need_kb,
			  unsigned int vcpus);

/* Before the domain has memory, after it has vcpus. A host with one node is left alone. */
int placement_apply(struct xen *xen, uint32_t domid, const struct domain_config *config,
		    uint64_t need_kb, struct err *err) must_check;

#endif
