/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Small values of the build info: virtual NUMA nodes, viridian groups, reserved
 * device memory, i/o ports, interrupts and i/o memory that a guest may use.
 */
#ifndef CONFIG_PLATFORM_H
#define CONFIG_PLATFORM_H

#include "base/bitmap.h"
#include "config/spec.h"

/* ioports= item "2f8-2ff", hexadecimal. */
struct ioport_range {
	uint32_t first, number;
};

/* iomem= item "START,NUMBER[@GFN]": page frames, hexadecimal. */
struct iomem_range {
	uint64_t start, number;
	uint64_t gfn;			/* IOMEM_GFN_SAME: as start */
};

#define IOMEM_GFN_SAME UINT64_MAX

int ioport_parse(const char *spec, struct ioport_range *out, struct err *err) must_check;
int ioport_to_json(const struct ioport_range *range, json_t **out, struct err *err) must_check;
int iomem_parse(const char *spec, struct iomem_range *out, struct err *err) must_check;
int iomem_to_json(const struct iomem_range *range, json_t **out, struct err *err) must_check;
/* irqs= item, decimal. */
int irq_parse(const char *spec, uint32_t *out, struct err *err) must_check;

enum rdm_strategy { RDM_STRATEGY_IGNORE, RDM_STRATEGY_HOST };

/* rdm="strategy=host,policy=relaxed" */
struct rdm_reserve {
	enum rdm_strategy strategy;
	enum rdm_policy policy;
};

#define RDM_RESERVE_INIT { .strategy = RDM_STRATEGY_IGNORE }

int rdm_reserve_parse(const char *spec, struct rdm_reserve *out, struct err *err) must_check;
int rdm_reserve_to_json(const struct rdm_reserve *rdm, json_t **out,
			struct err *err) must_check;

/*
 * viridian=[...]: bit numbers are libxl's (base 0, freq 1, ...); "all" sets all 64
 * bits of enable as libxl does, "defaults" is said by the flag viridian itself.
 */
struct viridian {
	enum tri defaults;		/* libxl: u.hvm.viridian */
	uint64_t enable, disable;	/* libxl: viridian_enable, viridian_disable */
};

#define VIRIDIAN_INIT { .defaults = TRI_DEFAULT }

/* Takes one word of the list into account; words count from left to right. */
int viridian_add(struct viridian *v, const char *word, struct err *err) must_check;

/* One [...] of vnuma=: the node's options. */
struct vnuma_node {
	uint64_t mem_kb;
	uint32_t pnode;
	bool pnode_given;		/* then automatic placement is off */
	uint32_t *distances;		/* owned, nr_distances of them */
	unsigned int nr_distances;
	struct bitmap vcpus;
};

#define VNUMA_NODE_INIT { .mem_kb = 0 }

/* nr_nodes is the number of nodes in vnuma=: each has that many distances, 0 if not given. */
int vnuma_node_parse(const char *const *options, unsigned int nr, unsigned int nr_nodes,
		     struct vnuma_node *out, struct err *err) must_check;
void vnuma_node_free(struct vnuma_node *node);
int vnuma_node_to_json(const struct vnuma_node *node, json_t **out,
		       struct err *err) must_check;

/* [0, 1, 5] of a set, as libxl prints its bitmaps; a new reference, NULL: no memory. */
json_t *bitmap_to_json(const struct bitmap *set);
json_t *bits_to_json(uint64_t set);

#endif
