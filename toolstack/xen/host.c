/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>
#include <xenhypfs.h>

#include "base/scope.h"
#include "pool.h"
#include "sched.h"
#include "xen.h"

enum { PAGE_KB = 4 };

static void memory_from_xen(struct host_memory *mem, const xc_physinfo_t *phys)
{
	*mem = (struct host_memory){
		.total_kb = phys->total_pages * PAGE_KB,
		.free_kb = phys->free_pages * PAGE_KB,
		.scrub_kb = phys->scrub_pages * PAGE_KB,
		.claimed_kb = phys->outstanding_pages * PAGE_KB,
	};
}

static int get_physinfo(struct xen *xen, xc_physinfo_t *phys, struct err *err)
{
	if (xc_physinfo(xen->xc, phys) < 0)
		return xen_fail(xen, err, "cannot get information on the host");
	return 0;
}

int host_memory(struct xen *xen, struct host_memory *mem, struct err *err)
{
	xc_physinfo_t phys;
	int rc = get_physinfo(xen, &phys, err);

	if (rc < 0)
		return rc;
	memory_from_xen(mem, &phys);
	return 0;
}

int host_nr_cpus(struct xen *xen, unsigned int *nr, struct err *err)
{
	xc_physinfo_t phys;
	int rc = get_physinfo(xen, &phys, err);

	if (rc == 0)
		*nr = phys.max_cpu_id + 1;
	return rc;
}

int host_guests(struct xen *xen, struct host_guests *guests, struct err *err)
{
	xc_physinfo_t phys;
	int rc = get_physinfo(xen, &phys, err);

	if (rc == 0)
		*guests = (struct host_guests){
			.pv = phys.capabilities & XEN_SYSCTL_PHYSCAP_pv,
			.hvm = phys.capabilities & XEN_SYSCTL_PHYSCAP_hvm,
			.hap = phys.capabilities & XEN_SYSCTL_PHYSCAP_hap,
			.shadow = phys.capabilities & XEN_SYSCTL_PHYSCAP_shadow,
			.iommu = phys.capabilities & XEN_SYSCTL_PHYSCAP_directio,
			.iommu_share = phys.capabilities &
				XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share,
			.vpmu = phys.capabilities & XEN_SYSCTL_PHYSCAP_vpmu,
		};
	return rc;
}

static void caps_from_xen(struct host_info *info, uint32_t caps)
{
	info->cap_hvm = caps & XEN_SYSCTL_PHYSCAP_hvm;
	info->cap_pv = caps & XEN_SYSCTL_PHYSCAP_pv;
	info->cap_directio = caps & XEN_SYSCTL_PHYSCAP_directio;
	info->cap_hap = caps & XEN_SYSCTL_PHYSCAP_hap;
	info->cap_shadow = caps & XEN_SYSCTL_PHYSCAP_shadow;
	info->cap_iommu_hap_pt_share = caps & XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share;
	info->cap_vmtrace = caps & XEN_SYSCTL_PHYSCAP_vmtrace;
	info->cap_vpmu = caps & XEN_SYSCTL_PHYSCAP_vpmu;
	info->cap_gnttab_v1 = caps & XEN_SYSCTL_PHYSCAP_gnttab_v1;
	info->cap_gnttab_v2 = caps & XEN_SYSCTL_PHYSCAP_gnttab_v2;
}

static int physical_info(struct xen *xen, struct host_info *info, struct err *err)
{
	xc_physinfo_t phys;
	int rc = get_physinfo(xen, &phys, err);

	if (rc < 0)
		return rc;
	memory_from_xen(&info->memory, &phys);
	info->nr_cpus = phys.nr_cpus;
	info->max_cpu_id = phys.max_cpu_id;
	info->nr_nodes = phys.nr_nodes;
	info->cores_per_socket = phys.cores_per_socket;
	info->threads_per_core = phys.threads_per_core;
	info->cpu_khz = phys.cpu_khz;
	memcpy(info->hw_caps, phys.hw_cap, sizeof(info->hw_caps));
	caps_from_xen(info, phys.capabilities);
	return 0;
}

/* A hypervisor built without page sharing answers ENOSYS: then nothing is shared. */
static int sharing_info(struct xen *xen, struct host_info *info, struct err *err)
{
	long freed = xc_sharing_freed_pages(xen->xc);
	long used;

	if (freed < 0 && errno != ENOSYS)
		return xen_fail(xen, err, "cannot get the number of shared pages");
	used = xc_sharing_used_frames(xen->xc);
	if (used < 0 && errno != ENOSYS)
		return xen_fail(xen, err, "cannot get the number of shared pages");
	info->sharing_freed_kb = freed > 0 ? (uint64_t)freed * PAGE_KB : 0;
	info->sharing_used_kb = used > 0 ? (uint64_t)used * PAGE_KB : 0;
	return 0;
}

/* Xen fills its buffers to the last byte; ours are one longer. */
#define COPY_TEXT(to, from) copy_text((to), sizeof(to), (from), sizeof(from))

static void copy_text(char *to, size_t to_size, const char *from, size_t from_size)
{
	size_t len = strnlen(from, from_size < to_size ? from_size : to_size - 1);

	memcpy(to, from, len);
	to[len] = '\0';
}

/* 20 bytes in practice; longer ones than fit are cut, none is "". */
static void get_build_id(struct xen *xen, struct host_info *info)
{
	struct {
		uint32_t len;
		unsigned char bytes[sizeof(info->build_id) / 2];
	} id = { .len = sizeof(id.bytes) };
	int len = xc_version(xen->xc, XENVER_build_id, &id);

	for (int i = 0; i < len && i < (int)sizeof(id.bytes); i++)
		snprintf(info->build_id + 2 * i, 3, "%02x", id.bytes[i]);
}

int host_commandline(struct xen *xen, char text[HOST_COMMANDLINE_MAX], struct err *err)
{
	xen_commandline_t commandline;

	if (xc_version(xen->xc, XENVER_commandline, &commandline) < 0)
		return xen_fail(xen, err, "cannot get the hypervisor's command line");
	copy_text(text, HOST_COMMANDLINE_MAX, commandline, sizeof(commandline));
	return 0;
}

static int version_info(struct xen *xen, struct host_info *info, struct err *err)
{
	union {
		xen_extraversion_t extra;
		xen_compile_info_t compile;
		xen_capabilities_info_t caps;
		xen_changeset_info_t changeset;
		xen_platform_parameters_t params;
		xen_commandline_t commandline;
	} u;
	int version = xc_version(xen->xc, XENVER_version, NULL);
	int page_size = xc_version(xen->xc, XENVER_pagesize, NULL);

	if (version < 0 || page_size < 0)
		return xen_fail(xen, err, "cannot get the hypervisor's version");
	info->xen_major = (unsigned int)version >> 16;
	info->xen_minor = (unsigned int)version & 0xffff;
	info->page_size = (unsigned int)page_size;
	if (xc_version(xen->xc, XENVER_extraversion, &u.extra) >= 0)
		COPY_TEXT(info->extra, u.extra);
	if (xc_version(xen->xc, XENVER_compile_info, &u.compile) >= 0) {
		COPY_TEXT(info->compiler, u.compile.compiler);
		COPY_TEXT(info->compile_by, u.compile.compile_by);
		COPY_TEXT(info->compile_domain, u.compile.compile_domain);
		COPY_TEXT(info->compile_date, u.compile.compile_date);
	}
	if (xc_version(xen->xc, XENVER_capabilities, &u.caps) >= 0)
		COPY_TEXT(info->caps, u.caps);
	if (xc_version(xen->xc, XENVER_changeset, &u.changeset) >= 0)
		COPY_TEXT(info->changeset, u.changeset);
	if (xc_version(xen->xc, XENVER_platform_parameters, &u.params) >= 0)
		info->virt_start = u.params.virt_start;
	if (xc_version(xen->xc, XENVER_commandline, &u.commandline) >= 0)
		COPY_TEXT(info->commandline, u.commandline);
	get_build_id(xen, info);
	return 0;
}

static int scheduler_info(struct xen *xen, struct host_info *info, struct err *err)
{
	enum sched_kind kind;
	struct bitmap cpus;
	int rc = sched_default(xen, &kind, err);

	if (rc == 0)
		rc = pool_free_cpus(xen, &cpus, err);
	if (rc < 0)
		return rc;
	info->scheduler = sched_name(kind);
	for (unsigned int cpu = 0; cpu <= info->max_cpu_id; cpu++)
		info->free_cpus += bitmap_test(&cpus, cpu);
	return 0;
}

int host_info(struct xen *xen, struct host_info *out, struct err *err)
{
	scoped(free) struct host_info *info = calloc(1, sizeof(*info));
	int rc;

	if (!info)
		return fail_nomem(err);
	rc = physical_info(xen, info, err);
	if (rc == 0)
		rc = sharing_info(xen, info, err);
	if (rc == 0)
		rc = version_info(xen, info, err);
	if (rc == 0)
		rc = scheduler_info(xen, info, err);
	if (rc == 0)
		*out = *info;
	return rc;
}

int host_cpus(struct xen *xen, struct host_cpu **list, size_t *nr, struct err *err)
{
	scoped(free) struct host_cpu *cpus = NULL;
	scoped(free) xc_cputopo_t *topo = NULL;
	unsigned int max = 0;
	size_t count = 0;

	if (xc_cputopoinfo(xen->xc, &max, NULL) < 0)
		return xen_fail(xen, err, "cannot get the number of cpus");
	topo = calloc(max + 1, sizeof(*topo));
	cpus = calloc(max + 1, sizeof(*cpus));
	if (!topo || !cpus)
		return fail_nomem(err);
	if (xc_cputopoinfo(xen->xc, &max, topo) < 0)
		return xen_fail(xen, err, "cannot get the cpu topology");
	for (unsigned int i = 0; i < max; i++) {
		if (topo[i].core == XEN_INVALID_CORE_ID)
			continue;
		cpus[count++] = (struct host_cpu){ i, topo[i].core, topo[i].socket, topo[i].node };
	}
	*list = take(cpus);
	*nr = count;
	return 0;
}

static void node_distances(struct host_node *node, const uint32_t *row, unsigned int nr)
{
	node->nr_dist = nr < ARRAY_SIZE(node->dist) ? nr : ARRAY_SIZE(node->dist);
	memcpy(node->dist, row, node->nr_dist * sizeof(*row));
}

int host_nodes(struct xen *xen, struct host_node **list, size_t *nr, struct err *err)
{
	scoped(free) struct host_node *nodes = NULL;
	scoped(free) xc_meminfo_t *mem = NULL;
	scoped(free) uint32_t *dist = NULL;
	unsigned int max = 0;
	size_t count = 0;

	if (xc_numainfo(xen->xc, &max, NULL, NULL) < 0)
		return xen_fail(xen, err, "cannot get the number of memory nodes");
	mem = calloc(max + 1, sizeof(*mem));
	dist = calloc((size_t)max * max + 1, sizeof(*dist));
	nodes = calloc(max + 1, sizeof(*nodes));
	if (!mem || !dist || !nodes)
		return fail_nomem(err);
	if (xc_numainfo(xen->xc, &max, mem, dist) < 0)
		return xen_fail(xen, err, "cannot get the memory nodes");
	for (unsigned int i = 0; i < max; i++) {
		struct host_node *node = &nodes[count];

		if (mem[i].memsize == XEN_INVALID_MEM_SZ)
			continue;
		*node = (struct host_node){ .node = i, .size_kb = mem[i].memsize / 1024,
					    .free_kb = mem[i].memfree / 1024 };
		node_distances(node, dist + (size_t)i * max, max);
		count++;
	}
	*list = take(nodes);
	*nr = count;
	return 0;
}

int host_console_ring(struct xen *xen, bool clear, char **out, size_t *out_len, struct err *err)
{
	enum { CHUNK = 16384 };
	scoped(free) char *text = NULL;
	size_t len = 0, cap = 0;
	uint32_t index = 0;
	unsigned int got;

	/* The ring's size is not told: read on from the last index until it is empty. */
	do {
		char *grown = realloc(text, cap + CHUNK + 1);

		if (!grown)
			return fail_nomem(err);
		text = grown;
		cap += CHUNK;
		got = (unsigned int)(cap - len);
		if (xc_readconsolering(xen->xc, text + len, &got, 0, 1, &index) < 0)
			return xen_fail(xen, err, "cannot read the hypervisor's messages");
		len += got;
	} while (got && len == cap);
	text[len] = '\0';
	got = 0;
	if (clear && xc_readconsolering(xen->xc, text + len, &got, 1, 1, &index) < 0)
		return xen_fail(xen, err, "cannot clear the hypervisor's messages");
	*out = take(text);
	*out_len = len;
	return 0;
}

int host_debug_keys(struct xen *xen, const char *keys, struct err *err)
{
	if (xc_send_debug_keys(xen->xc, keys) < 0)
		return xen_fail(xen, err, "cannot send debug keys: %s", keys);
	return 0;
}

/* One parameter; name is written to. */
static int set_parameter(struct xenhypfs_handle *hypfs, char *name, struct err *err)
{
	char *value = strchr(name, '=');
	char path[256];

	if (value)
		*value++ = '\0';
	else if (strncmp(name, "no", 2) == 0)
		name += 2;
	else
		return fail(err, EINVAL, "'%s' is neither name=value nor noname", name);
	snprintf(path, sizeof(path), "/params/%s", name);
	if (xenhypfs_write(hypfs, path, value ? value : "no") == 0)
		return 0;
	if (errno == ENOENT)
		return fail(err, ENOENT, "Xen has no parameter '%s' that can change while it runs",
			    name);
	return fail_sys(err, errno, "cannot set '%s' to '%s'", name, value ? value : "no");
}

int host_set_parameters(struct xen *xen, const char *params, struct err *err)
{
	scoped(free) char *copy = strdup(params);
	struct xenhypfs_handle *hypfs;
	char *rest = copy, *word;
	int rc = 0;

	if (!copy)
		return fail_nomem(err);
	hypfs = xenhypfs_open(xen->logger, 0);
	if (!hypfs)
		return errno == EOPNOTSUPP || errno == ENOSYS ?
			fail(err, EOPNOTSUPP, "this hypervisor was built without hypfs") :
			fail_sys(err, errno, "cannot open Xen's hypfs");
	while (rc == 0 && (word = strsep(&rest, " \t")))
		rc = *word ? set_parameter(hypfs, word, err) : 0;
	xenhypfs_close(hypfs);
	return rc;
}
