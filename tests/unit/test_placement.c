/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/placement.h"

#include "base/scope.h"
#include "tests/unit/tap.h"

enum { GIB = 1 << 20, NODES = 4 };

/* Each node's free memory, vcpus and cpus; what a domain wants; the nodes it gets. */
static const struct {
	const char *what;
	unsigned int free_gib[NODES], there[NODES], cpus[NODES];
	unsigned int need_gib, vcpus;
	uint32_t chosen;
} cases[] = {
	{ "one that is large enough", { 2, 8, 2, 2 }, { 0 }, { 4, 4, 4, 4 }, 4, 1, 0x2 },
	{ "fewer vcpus before more memory", { 8, 16, 8, 8 }, { 3, 3, 1, 3 }, { 4, 4, 4, 4 }, 4, 4, 0x4 },
	{ "then more memory", { 8, 9, 16, 8 }, { 1, 1, 1, 1 }, { 4, 4, 4, 4 }, 4, 1, 0x4 },
	{ "then the first", { 8, 8, 8, 8 }, { 1, 1, 1, 1 }, { 4, 4, 4, 4 }, 4, 1, 0x1 },
	{ "fewer nodes before fewer vcpus", { 16, 4, 4, 4 }, { 9, 0, 0, 0 }, { 4, 4, 4, 4 }, 8, 1, 0x1 },
	{ "memory of two", { 6, 2, 5, 2 }, { 0 }, { 4, 4, 4, 4 }, 10, 1, 0x5 },
	{ "cpus of two", { 8, 8, 8, 8 }, { 2, 1, 2, 1 }, { 4, 4, 4, 4 }, 4, 6, 0xa },
	{ "as many cpus as vcpus", { 8, 8, 8, 8 }, { 0 }, { 2, 2, 4, 2 }, 4, 4, 0x4 },
	{ "all", { 2, 2, 2, 2 }, { 0 }, { 4, 4, 4, 4 }, 8, 16, 0xf },
	{ "exactly what there is", { 4, 0, 0, 0 }, { 0 }, { 2, 2, 2, 2 }, 4, 2, 0x1 },
	{ "too much memory", { 2, 2, 2, 2 }, { 0 }, { 4, 4, 4, 4 }, 9, 1, 0 },
	{ "too many vcpus", { 8, 8, 8, 8 }, { 0 }, { 4, 4, 4, 4 }, 4, 17, 0 },
};

int main(void)
{
	struct placement_node many[PLACEMENT_NODES_MAX + 1] = { { .node = 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct placement_node nodes[NODES];

		for (unsigned int n = 0; n < NODES; n++)
			nodes[n] = (struct placement_node){
				.node = n, .cpus = cases[i].cpus[n], .vcpus = cases[i].there[n],
				.free_kb = (uint64_t)cases[i].free_gib[n] * GIB,
			};
		is_int(placement_choose(nodes, NODES, (uint64_t)cases[i].need_gib * GIB,
					cases[i].vcpus), cases[i].chosen, "%s", cases[i].what);
	}
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct placement_node){ .node = (unsigned int)i, .cpus = 1, .free_kb = GIB };
	is_int(placement_choose(many, PLACEMENT_NODES_MAX, 16ull * GIB, 16), 0xffff, "sixteen nodes");
	is_int(placement_choose(many, PLACEMENT_NODES_MAX + 1, GIB, 1), 0, "seventeen are too many");
	is_int(placement_choose(many, 0, GIB, 1), 0, "none");
	return tap_done();
}
