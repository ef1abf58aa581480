/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CPULISTs ("all", "0-3,^1", "node:0,^2") of cpus=, vcpu-pin, cpupool commands.
 * The text is parsed without a host; which cpus exist and which belong to a node
 * is asked when the list is resolved.
 */
#ifndef CONFIG_CPULIST_H
#define CONFIG_CPULIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bitmap.h"
#include "base/err.h"

struct cpu_range {
	unsigned int first, last;	/* cpus or nodes, inclusive */
	bool nodes, exclude;
	bool all;			/* every cpu of the host; first, last unused */
};

struct cpulist {
	struct cpu_range *ranges;	/* owned; they count from left to right */
	unsigned int nr;
};

#define CPULIST_INIT { .ranges = NULL }

int cpulist_parse(const char *text, struct cpulist *out, struct err *err) must_check;
void cpulist_free(struct cpulist *list);

static inline void scoped_cpulist(struct cpulist *list)
{
	cpulist_free(list);
}

/* True when resolving needs node_cpus. */
bool cpulist_has_nodes(const struct cpulist *list);

/* Adds the cpus of a host's NUMA node to *cpus; fails when there is no such node. */
typedef int (*cpulist_node_fn)(void *arg, unsigned int node, struct bitmap *cpus,
			       struct err *err);

/*
 * The set of cpus. nr_cpus is how many the host has: "all" means these, others are
 * left out as libxl leaves them out; 0: unknown, "all" is then BITMAP_BITS cpus.
 * node_cpus may be NULL: a list with nodes then fails with -ENOTSUP. An empty set
 * is an error: no vcpu could run.
 */
int cpulist_resolve(const struct cpulist *list, unsigned int nr_cpus,
		    cpulist_node_fn node_cpus, void *arg, struct bitmap *out,
		    struct err *err) must_check;

#endif
