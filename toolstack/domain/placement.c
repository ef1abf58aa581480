/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "placement.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/bitmap.h"
#include "base/log.h"
#include "base/scope.h"
#include "config/config.h"
#include "xen/domctl.h"
#include "xen/host.h"
#include "xen/pool.h"

/* What a set of nodes has together. */
struct sum {
	unsigned int nodes, cpus, vcpus;
	uint64_t free_kb;
};

static struct sum sum_of(const struct placement_node *nodes, size_t nr, uint32_t set)
{
	struct sum sum = { 0 };

	for (size_t i = 0; i < nr; i++) {
		if (!(set >> i & 1))
			continue;
		sum.nodes++;
		sum.cpus += nodes[i].cpus;
		sum.vcpus += nodes[i].vcpus;
		sum.free_kb += nodes[i].free_kb;
	}
	return sum;
}

static bool is_better(const struct sum *a, const struct sum *b)
{
	if (a->nodes != b->nodes)
		return a->nodes < b->nodes;
	return a->vcpus != b->vcpus ? a->vcpus < b->vcpus : a->free_kb > b->free_kb;
}

uint32_t placement_choose(const struct placement_node *nodes, size_t nr, uint64_t need_kb,
			  unsigned int vcpus)
{
	uint32_t best = 0;
	struct sum best_sum = { 0 };

	if (nr > PLACEMENT_NODES_MAX)
		return 0;
	for (uint32_t set = 1; set < UINT32_C(1) << nr; set++) {
		struct sum sum = sum_of(nodes, nr, set);

		if (sum.free_kb < need_kb || sum.cpus < vcpus ||
		    (best && !is_better(&sum, &best_sum)))
			continue;
		best = set;
		best_sum = sum;
	}
	return best;
}

/* The nodes that have cpus for the domain: those of its pool, and of cpus=. */
static size_t usable_nodes(const struct host_node *memory, size_t nr_memory,
			   const struct host_cpu *cpus, size_t nr_cpus, const struct bitmap *usable,
			   struct placement_node *out)
{
	size_t nr = 0;

	for (size_t i = 0; i < nr_memory; i++) {
		struct placement_node node = { .node = memory[i].node,
					       .free_kb = memory[i].free_kb };

		for (size_t j = 0; j < nr_cpus; j++)
			node.cpus += cpus[j].node == node.node && bitmap_test(usable, cpus[j].cpu);
		if (node.cpus)
			out[nr++] = node;
	}
	return nr;
}

/*
 * Where the others' vcpus may run: on the nodes they have an affinity to, which Xen keeps in step
 * with the affinity of the vcpus.
 */
static int count_vcpus(struct xen *xen, struct placement_node *nodes, size_t nr, struct err *err)
{
	scoped(free) struct domctl_info *domains = NULL;
	size_t nr_domains;
	int rc = domctl_list(xen, &domains, &nr_domains, err);

	for (size_t i = 0; rc == 0 && i < nr_domains; i++) {
		struct bitmap affinity;
		struct err why;

		/* One that went meanwhile does not count. */
		if (domctl_node_affinity(xen, domains[i].domid, (uint8_t *)affinity.word,
					 sizeof(affinity.word), &why) < 0) {
			if (why.code == ESRCH)
				continue;
			*err = why;
			return -why.code;
		}
		for (size_t j = 0; j < nr; j++) {
			if (bitmap_test(&affinity, nodes[j].node))
				nodes[j].vcpus += domains[i].nr_vcpus;
		}
	}
	return rc;
}

static int place_on(struct xen *xen, uint32_t domid, const struct domain_config *config,
		    const struct bitmap *nodes, const struct host_cpu *cpus, size_t nr_cpus,
		    struct err *err)
{
	struct bitmap soft = { { 0 } };
	int rc = domctl_set_node_affinity(xen, domid, nodes, err);

	for (size_t i = 0; i < nr_cpus; i++) {
		if (bitmap_test(nodes, cpus[i].node))
			bitmap_set(&soft, cpus[i].cpu);
	}
	for (unsigned int v = 0; v < config->max_vcpus && rc == 0; v++)
		rc = domctl_vcpu_set_affinity(xen, domid, v, NULL, &soft, false, err);
	return rc;
}

/* The cpus that its vcpus can run on at all. */
static int usable_cpus(struct xen *xen, uint32_t domid, const struct domain_config *config,
		       struct bitmap *usable, struct err *err)
{
	struct domctl_info info;
	struct pool_info pool;
	int rc = domctl_info(xen, domid, &info, err);

	if (rc == 0)
		rc = pool_get(xen, info.cpupool, &pool, err);
	if (rc < 0)
		return rc;
	*usable = pool.cpus;
	/* The same for all vcpus: lists of cpus= forbid placement, xl.conf's masks do not. */
	for (size_t i = 0; i < ARRAY_SIZE(usable->word) && config->nr_hard_affinity; i++)
		usable->word[i] &= config->hard_affinity[0].word[i];
	return 0;
}

int placement_apply(struct xen *xen, uint32_t domid, const struct domain_config *config,
		    uint64_t need_kb, struct err *err)
{
	scoped(free) struct host_node *memory = NULL;
	scoped(free) struct host_cpu *cpus = NULL;
	struct placement_node nodes[PLACEMENT_NODES_MAX];
	struct bitmap usable, chosen = { { 0 } };
	size_t nr_memory, nr_cpus, nr;
	uint32_t set;
	int rc;

	if (config->numa_placement == TRI_FALSE || config->nr_soft_affinity)
		return 0;
	rc = host_nodes(xen, &memory, &nr_memory, err);
	if (rc < 0 || nr_memory < 2)
		return rc;
	if (nr_memory > PLACEMENT_NODES_MAX) {
		log_debug("no NUMA placement on a host of %zu nodes", nr_memory);
		return 0;
	}
	rc = host_cpus(xen, &cpus, &nr_cpus, err);
	if (rc == 0)
		rc = usable_cpus(xen, domid, config, &usable, err);
	if (rc < 0)
		return rc;
	nr = usable_nodes(memory, nr_memory, cpus, nr_cpus, &usable, nodes);
	rc = count_vcpus(xen, nodes, nr, err);
	if (rc < 0)
		return rc;
	set = placement_choose(nodes, nr, need_kb, config->max_vcpus);
	if (!set) {
		log_debug("no NUMA placement: no nodes have %" PRIu64 " MiB and %u cpus",
			  need_kb >> 10, config->max_vcpus);
		return 0;
	}
	for (size_t i = 0; i < nr; i++) {
		if (set >> i & 1)
			bitmap_set(&chosen, nodes[i].node);
	}
	return place_on(xen, domid, config, &chosen, cpus, nr_cpus, err);
}
