/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the hypervisor says of the host: memory, cpus, version, console ring. */
#ifndef XEN_HOST_H
#define XEN_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct xen;

struct host_memory {
	uint64_t total_kb, free_kb, scrub_kb, claimed_kb;
	/* scrub_kb is freed memory that Xen is still wiping: usable in a moment */
};

/* One sysctl; cheap enough for a create to ask. */
int host_memory(struct xen *xen, struct host_memory *mem, struct err *err) must_check;

/* What kinds of guests the host can run; one sysctl. */
struct host_guests {
	bool pv, hvm;		/* hvm: PVH as well */
	bool hap, shadow;	/* how hvm guests' memory can be translated */
	bool iommu, iommu_share;	/* share: with the page tables of hap */
	bool vpmu;		/* virtual performance counters */
};

int host_guests(struct xen *xen, struct host_guests *guests, struct err *err) must_check;

#define HOST_COMMANDLINE_MAX 1025

/* Everything `info` shows. */
struct host_info {
	struct host_memory memory;
	uint64_t sharing_freed_kb, sharing_used_kb;
	unsigned int nr_cpus, max_cpu_id, nr_nodes, cores_per_socket, threads_per_core, cpu_khz;
	unsigned int free_cpus;		/* in no cpupool */
	uint32_t hw_caps[8];
	bool cap_pv, cap_hvm, cap_directio, cap_hap, cap_shadow, cap_iommu_hap_pt_share;
	bool cap_vmtrace, cap_vpmu, cap_gnttab_v1, cap_gnttab_v2;
	unsigned int xen_major, xen_minor, page_size;
	uint64_t virt_start;
	const char *scheduler;		/* static: "credit2" */
	char extra[17], compiler[65], compile_by[17], compile_domain[33], compile_date[33];
	char caps[1025], changeset[65], commandline[HOST_COMMANDLINE_MAX], build_id[65];
};

int host_info(struct xen *xen, struct host_info *info, struct err *err) must_check;

/* What Xen was started with. */
int host_commandline(struct xen *xen, char text[HOST_COMMANDLINE_MAX], struct err *err) must_check;

/* The highest cpu number plus one; affinity is shown within that many. */
int host_nr_cpus(struct xen *xen, unsigned int *nr, struct err *err) must_check;

struct host_cpu { unsigned int cpu, core, socket, node; };
struct host_node {
	unsigned int node;
	uint64_t size_kb, free_kb;
	unsigned int nr_dist;
	uint32_t dist[64];
};

/* Online cpus, or memory nodes; the caller frees *list. */
int host_cpus(struct xen *xen, struct host_cpu **list, size_t *nr, struct err *err) must_check;
int host_nodes(struct xen *xen, struct host_node **list, size_t *nr, struct err *err) must_check;

/* Xen's message buffer from the oldest line on; clear empties it. Caller frees *text. */
int host_console_ring(struct xen *xen, bool clear, char **text, size_t *len,
		      struct err *err) must_check;

/* As if these keys had been typed on Xen's own console, one after the other. */
int host_debug_keys(struct xen *xen, const char *keys, struct err *err) must_check;

/*
 * Sets parameters of Xen's command line that can change while it runs: "name=value nobool", as
 * there. What stood before a bad one is set. They are files below /params of Xen's hypfs; a Xen
 * without that is -EOPNOTSUPP.
 */
int host_set_parameters(struct xen *xen, const char *params, struct err *err) must_check;

#endif
