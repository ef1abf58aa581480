/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>

#include "base/bitmap.h"
#include "base/scope.h"
#include "xen.h"

static void info_from_xen(struct domctl_info *info, const xc_domaininfo_t *xi)
{
	*info = (struct domctl_info){
		.domid = xi->domain,
		.running = xi->flags & XEN_DOMINF_running,
		.blocked = xi->flags & XEN_DOMINF_blocked,
		.paused = xi->flags & XEN_DOMINF_paused,
		.shutdown = xi->flags & XEN_DOMINF_shutdown,
		.dying = xi->flags & XEN_DOMINF_dying,
		.hvm = xi->flags & XEN_DOMINF_hvm_guest,
		.shutdown_reason = xi->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask,
		.nr_pages = xi->tot_pages,
		.outstanding_pages = xi->outstanding_pages,
		.shared_pages = xi->shr_pages,
		.max_pages = xi->max_pages,
		.cpu_time_ns = xi->cpu_time,
		.nr_online_vcpus = xi->nr_online_vcpus,
		.nr_vcpus = xi->max_vcpu_id == XEN_INVALID_MAX_VCPU_ID ? 0 : xi->max_vcpu_id + 1,
		.cpupool = xi->cpupool,
		.ssidref = xi->ssidref,
		.shared_info_gfn = xi->shared_info_frame,
	};
	memcpy(info->uuid, xi->handle, sizeof(info->uuid));
}

int domctl_info(struct xen *xen, uint32_t domid, struct domctl_info *info, struct err *err)
{
	xc_domaininfo_t xi;
	int n;

	/* Asks for "the first at or after domid": another one may be what comes back. */
	n = xc_domain_getinfolist(xen->xc, domid, 1, &xi);
	if (n < 0)
		return xen_fail(xen, err, "cannot get information on domain %u", domid);
	if (n == 0 || xi.domain != domid)
		return fail(err, ENOENT, "domain %u does not exist", domid);
	info_from_xen(info, &xi);
	return 0;
}

int domctl_list(struct xen *xen, struct domctl_info **list, size_t *nr, struct err *err)
{
	enum { CHUNK = 256 };
	scoped(free) struct domctl_info *all = NULL;
	scoped(free) xc_domaininfo_t *chunk = NULL;
	size_t count = 0;
	uint32_t first = 0;
	int n;

	chunk = calloc(CHUNK, sizeof(*chunk));
	if (!chunk)
		return fail_nomem(err);
	do {
		struct domctl_info *grown;

		n = xc_domain_getinfolist(xen->xc, first, CHUNK, chunk);
		if (n < 0)
			return xen_fail(xen, err, "cannot list domains");
		grown = realloc(all, (count + (size_t)n + 1) * sizeof(*all));
		if (!grown)
			return fail_nomem(err);
		all = grown;
		for (int i = 0; i < n; i++)
			info_from_xen(&all[count++], &chunk[i]);
		first = n > 0 ? chunk[n - 1].domain + 1u : first;
	} while (n == CHUNK);
	*list = take(all);
	*nr = count;
	return 0;
}

int domctl_vcpu(struct xen *xen, uint32_t domid, unsigned int vcpu, struct domctl_vcpu *info,
		struct err *err)
{
	xc_vcpuinfo_t xi;

	if (xc_vcpu_getinfo(xen->xc, domid, vcpu, &xi) < 0)
		return xen_fail(xen, err, "domain %u: cannot get information on vcpu %u", domid,
				vcpu);
	*info = (struct domctl_vcpu){
		.online = xi.online,
		.running = xi.running,
		.blocked = xi.blocked,
		.cpu = xi.cpu,
		.cpu_time_ns = xi.cpu_time,
	};
	return 0;
}

/* libxc's maps are as long as the host has cpus; ours are as long as the caller says. */
static int cpumap_alloc(struct xen *xen, xc_cpumap_t *map, size_t *size, struct err *err)
{
	int bytes = xc_get_cpumap_size(xen->xc);

	*map = bytes > 0 ? xc_cpumap_alloc(xen->xc) : NULL;
	if (!*map)
		return xen_fail(xen, err, "cannot get the number of cpus");
	*size = (size_t)bytes;
	return 0;
}

int domctl_vcpu_affinity(struct xen *xen, uint32_t domid, unsigned int vcpu, uint8_t *hard,
			 uint8_t *soft, size_t nr_bytes, struct err *err)
{
	scoped(free) xc_cpumap_t xhard = NULL;
	scoped(free) xc_cpumap_t xsoft = NULL;
	size_t size = 0;
	int rc;

	rc = cpumap_alloc(xen, &xhard, &size, err);
	if (rc < 0)
		return rc;
	rc = cpumap_alloc(xen, &xsoft, &size, err);
	if (rc < 0)
		return rc;
	if (xc_vcpu_getaffinity(xen->xc, domid, (int)vcpu, xhard, xsoft,
				XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT) < 0)
		return xen_fail(xen, err, "domain %u: cannot get the affinity of vcpu %u", domid,
				vcpu);
	memset(hard, 0, nr_bytes);
	memset(soft, 0, nr_bytes);
	memcpy(hard, xhard, size < nr_bytes ? size : nr_bytes);
	memcpy(soft, xsoft, size < nr_bytes ? size : nr_bytes);
	return 0;
}

int domctl_node_affinity(struct xen *xen, uint32_t domid, uint8_t *nodes, size_t nr_bytes,
			 struct err *err)
{
	scoped(free) xc_nodemap_t map = xc_nodemap_alloc(xen->xc);
	int size = xc_get_nodemap_size(xen->xc);

	if (!map || size <= 0)
		return xen_fail(xen, err, "cannot get the number of memory nodes");
	if (xc_domain_node_getaffinity(xen->xc, domid, map) < 0)
		return xen_fail(xen, err, "domain %u: cannot get its memory nodes", domid);
	memset(nodes, 0, nr_bytes);
	memcpy(nodes, map, (size_t)size < nr_bytes ? (size_t)size : nr_bytes);
	return 0;
}

int domctl_set_node_affinity(struct xen *xen, uint32_t domid, const struct bitmap *nodes,
			     struct err *err)
{
	scoped(free) xc_nodemap_t map = xc_nodemap_alloc(xen->xc);
	int size = xc_get_nodemap_size(xen->xc);

	if (!map || size <= 0)
		return xen_fail(xen, err, "cannot get the number of memory nodes");
	memcpy(map, nodes->word, (size_t)size < sizeof(nodes->word) ? (size_t)size :
	       sizeof(nodes->word));
	if (xc_domain_node_setaffinity(xen->xc, domid, map) < 0)
		return xen_fail(xen, err, "domain %u: cannot set its memory nodes", domid);
	return 0;
}

/* Bit n is bit n % 8 of byte n / 8 on a little-endian machine, which Xen's all are. */
static int cpumap_from_bitmap(struct xen *xen, const struct bitmap *from, xc_cpumap_t *map,
			      struct err *err)
{
	size_t size = 0;
	int rc = from ? cpumap_alloc(xen, map, &size, err) : 0;

	if (rc == 0 && from)
		memcpy(*map, from->word, size < sizeof(from->word) ? size : sizeof(from->word));
	return rc;
}

int domctl_vcpu_set_affinity(struct xen *xen, uint32_t domid, unsigned int vcpu,
			     const struct bitmap *hard, const struct bitmap *soft, bool force,
			     struct err *err)
{
	scoped(free) xc_cpumap_t xhard = NULL;
	scoped(free) xc_cpumap_t xsoft = NULL;
	int rc = cpumap_from_bitmap(xen, hard, &xhard, err);

	if (rc == 0)
		rc = cpumap_from_bitmap(xen, soft, &xsoft, err);
	if (rc < 0)
		return rc;
	if (xc_vcpu_setaffinity(xen->xc, domid, (int)vcpu, xhard, xsoft,
				(hard ? XEN_VCPUAFFINITY_HARD : 0) |
				(soft ? XEN_VCPUAFFINITY_SOFT : 0) |
				(force ? XEN_VCPUAFFINITY_FORCE : 0)) == 0)
		return 0;
	if (errno == EINVAL || errno == ESRCH)
		return fail(err, errno, "domain %u: vcpu %u cannot have that affinity: there is no "
			    "such vcpu, or none of these cpus in the domain's cpupool", domid, vcpu);
	if (errno == EBUSY)
		return fail(err, EBUSY, "domain %u: the guest's kernel has tied vcpu %u to a cpu; "
			    "-f undoes that", domid, vcpu);
	return xen_fail(xen, err, "domain %u: cannot set the affinity of vcpu %u", domid, vcpu);
}

/* The newest grant table that this host offers, at most 2 (all there is). */
static int grant_version(struct xen *xen, unsigned int *version, struct err *err)
{
	xc_physinfo_t info = { 0 };

	if (xc_physinfo(xen->xc, &info) < 0)
		return xen_fail(xen, err, "cannot get information on the host");
	*version = info.capabilities & XEN_SYSCTL_PHYSCAP_gnttab_v2 ? 2 :
		info.capabilities & XEN_SYSCTL_PHYSCAP_gnttab_v1 ? 1 : 0;
	return 0;
}

int domctl_create(struct xen *xen, const struct domctl_create *create, uint32_t *domid,
		  struct err *err)
{
	unsigned int version = create->grant_version;
	uint32_t chosen = 0;	/* Xen chooses */
	int rc;

	if (!version) {
		rc = grant_version(xen, &version, err);
		if (rc < 0)
			return rc;
	}
	struct xen_domctl_createdomain xc = {
		.flags = (create->pv ? 0 : XEN_DOMCTL_CDF_hvm) |
			(create->hap ? XEN_DOMCTL_CDF_hap : 0) |
			(create->oos_off ? XEN_DOMCTL_CDF_oos_off : 0) |
			(create->nested_virt ? XEN_DOMCTL_CDF_nested_virt : 0) |
			(create->iommu ? XEN_DOMCTL_CDF_iommu : 0) |
			(create->vpmu ? XEN_DOMCTL_CDF_vpmu : 0),
		.iommu_opts = create->iommu_sync ? XEN_DOMCTL_IOMMU_no_sharept : 0,
		.max_vcpus = create->max_vcpus,
		.max_evtchn_port = create->max_evtchn_port,
		.max_grant_frames = create->max_grant_frames,
		.max_maptrack_frames = create->max_maptrack_frames,
		.grant_opts = XEN_DOMCTL_GRANT_version(version),
		.cpupool_id = create->cpupool,
		.arch = {
			.emulation_flags = create->pv ? 0 : create->pc ?
				XEN_X86_EMU_ALL & ~XEN_X86_EMU_VPCI : XEN_X86_EMU_LAPIC,
			.misc_flags = create->msr_relaxed ? XEN_X86_MSR_RELAXED : 0,
		},
	};
	memcpy(xc.handle, create->uuid, sizeof(xc.handle));
	if (xc_domain_create(xen->xc, &chosen, &xc) < 0)
		return xen_fail(xen, err, "the hypervisor refused a new domain with %u vcpus",
				create->max_vcpus);
	*domid = chosen;
	return 0;
}

int domctl_max_vcpus(struct xen *xen, uint32_t domid, unsigned int nr, struct err *err)
{
	if (xc_domain_max_vcpus(xen->xc, domid, nr) < 0)
		return xen_fail(xen, err, "domain %u: cannot have %u vcpus", domid, nr);
	return 0;
}

int domctl_set_max_mem(struct xen *xen, uint32_t domid, uint64_t kb, struct err *err)
{
	if (xc_domain_setmaxmem(xen->xc, domid, kb) < 0)
		return xen_fail(xen, err, "domain %u: cannot set the memory limit", domid);
	return 0;
}

int domctl_set_memmap_limit(struct xen *xen, uint32_t domid, uint64_t kb, struct err *err)
{
	if (xc_domain_set_memmap_limit(xen->xc, domid, kb) < 0)
		return xen_fail(xen, err, "domain %u: cannot set the memory map's size", domid);
	return 0;
}

int domctl_set_paging_memory(struct xen *xen, uint32_t domid, uint64_t kb, struct err *err)
{
	if (xc_set_paging_mempool_size(xen->xc, domid, kb << 10) < 0)
		return xen_fail(xen, err, "domain %u: cannot set aside %llu KiB for page tables",
				domid, (unsigned long long)kb);
	return 0;
}

int domctl_set_platform(struct xen *xen, uint32_t domid, const struct domctl_platform *platform,
			struct err *err)
{
	const struct { const char *name; uint32_t param; bool set; uint64_t value; } params[] = {
		{ "hpet", HVM_PARAM_HPET_ENABLED, platform->pc, platform->hpet },
		{ "vpt_align", HVM_PARAM_VPT_ALIGN, platform->pc, platform->vpt_align },
		{ "mca_caps", HVM_PARAM_MCA_CAP, platform->mca_caps, platform->mca_caps },
		{ "timer_mode", HVM_PARAM_TIMER_MODE, true, platform->timer_mode },
		{ "altp2m", HVM_PARAM_ALTP2M, true, platform->altp2m },
		/* Xen takes it once. */
		{ "viridian", HVM_PARAM_VIRIDIAN, platform->viridian, platform->viridian },
	};

	for (size_t i = 0; i < ARRAY_SIZE(params); i++) {
		if (params[i].set && xc_hvm_param_set(xen->xc, domid, params[i].param,
						      params[i].value) < 0)
			return xen_fail(xen, err, "domain %u: cannot set %s to %#llx", domid,
					params[i].name, (unsigned long long)params[i].value);
	}
	return 0;
}

int domctl_set_tsc_mode(struct xen *xen, uint32_t domid, unsigned int mode, struct err *err)
{
	if (xc_domain_set_tsc_info(xen->xc, domid, mode, 0, 0, 0) < 0)
		return xen_fail(xen, err, "domain %u: cannot set tsc_mode %u", domid, mode);
	return 0;
}

int domctl_set_time_offset(struct xen *xen, uint32_t domid, int32_t seconds, struct err *err)
{
	if (xc_domain_set_time_offset(xen->xc, domid, seconds) < 0)
		return xen_fail(xen, err, "domain %u: cannot set its clock %d s ahead", domid,
				seconds);
	return 0;
}

int domctl_set_pod_target(struct xen *xen, uint32_t domid, uint64_t pages, struct err *err)
{
	if (xc_domain_set_pod_target(xen->xc, domid, pages, NULL, NULL, NULL) < 0)
		return xen_fail(xen, err, "domain %u: cannot set the populate-on-demand target",
				domid);
	return 0;
}

int domctl_set_uuid(struct xen *xen, uint32_t domid, const uint8_t uuid[16], struct err *err)
{
	xen_domain_handle_t handle;

	memcpy(handle, uuid, sizeof(handle));
	if (xc_domain_sethandle(xen->xc, domid, handle) < 0)
		return xen_fail(xen, err, "domain %u: cannot set the uuid", domid);
	return 0;
}

int domctl_set_cpuid(struct xen *xen, uint32_t domid, const struct domctl_cpuid *cpuid,
		     struct err *err)
{
	int r = xc_cpuid_apply_policy(xen->xc, domid, false, NULL, 0, cpuid->pae, cpuid->itsc,
				      cpuid->nested_virt, cpuid->xend, cpuid->msr);

	/* This call alone returns -errno and leaves errno to chance. */
	if (r < 0) {
		errno = r == -1 ? errno : -r;
		return xen_fail(xen, err, "domain %u: cannot set the cpuid policy", domid);
	}
	return 0;
}

int domctl_evtchn_alloc(struct xen *xen, uint32_t domid, uint32_t remote, uint32_t *port,
			struct err *err)
{
	xc_evtchn_port_or_error_t p = xc_evtchn_alloc_unbound(xen->xc, domid, remote);

	if (p < 0)
		return xen_fail(xen, err, "domain %u: cannot allocate an event channel", domid);
	*port = (uint32_t)p;
	return 0;
}

int domctl_rings(struct xen *xen, uint32_t domid, uint64_t *store_gfn, uint64_t *console_gfn,
		 struct err *err)
{
	if (xc_hvm_param_get(xen->xc, domid, HVM_PARAM_STORE_PFN, store_gfn) < 0 ||
	    xc_hvm_param_get(xen->xc, domid, HVM_PARAM_CONSOLE_PFN, console_gfn) < 0)
		return xen_fail(xen, err, "domain %u: cannot find its rings", domid);
	return 0;
}

int domctl_set_ports(struct xen *xen, uint32_t domid, uint32_t store_port, uint32_t console_port,
		     struct err *err)
{
	if (xc_hvm_param_set(xen->xc, domid, HVM_PARAM_STORE_EVTCHN, store_port) < 0 ||
	    xc_hvm_param_set(xen->xc, domid, HVM_PARAM_CONSOLE_EVTCHN, console_port) < 0)
		return xen_fail(xen, err, "domain %u: cannot tell it its event channels", domid);
	return 0;
}

int domctl_soft_reset(struct xen *xen, uint32_t domid, struct err *err)
{
	if (xc_domain_soft_reset(xen->xc, domid) < 0)
		return xen_fail(xen, err, "cannot reset domain %u", domid);
	return 0;
}

int domctl_pause(struct xen *xen, uint32_t domid, struct err *err)
{
	if (xc_domain_pause(xen->xc, domid) < 0)
		return xen_fail(xen, err, "cannot pause domain %u", domid);
	return 0;
}

int domctl_unpause(struct xen *xen, uint32_t domid, struct err *err)
{
	if (xc_domain_unpause(xen->xc, domid) < 0)
		return xen_fail(xen, err, "cannot unpause domain %u", domid);
	return 0;
}

int domctl_destroy(struct xen *xen, uint32_t domid, struct err *err)
{
	if (xc_domain_destroy(xen->xc, domid) < 0)
		return xen_fail(xen, err, "cannot destroy domain %u", domid);
	return 0;
}

int domctl_trigger(struct xen *xen, uint32_t domid, enum domctl_trigger trigger,
		   unsigned int vcpu, struct err *err)
{
	static const struct { uint32_t number; const char *name; } triggers[] = {
		[DOMCTL_TRIGGER_NMI] = { XEN_DOMCTL_SENDTRIGGER_NMI, "nmi" },
		[DOMCTL_TRIGGER_INIT] = { XEN_DOMCTL_SENDTRIGGER_INIT, "init" },
		[DOMCTL_TRIGGER_POWER] = { XEN_DOMCTL_SENDTRIGGER_POWER, "power" },
		[DOMCTL_TRIGGER_SLEEP] = { XEN_DOMCTL_SENDTRIGGER_SLEEP, "sleep" },
	};

	if (xc_domain_send_trigger(xen->xc, domid, triggers[trigger].number, vcpu) == 0)
		return 0;
	if (errno == ESRCH)
		return fail(err, ESRCH, "domain %u has no vcpu %u", domid, vcpu);
	if (errno == ENOSYS)
		return fail(err, EOPNOTSUPP, "domain %u: this hypervisor cannot send the %s "
			    "trigger", domid, triggers[trigger].name);
	return xen_fail(xen, err, "domain %u: cannot send the %s trigger", domid,
			triggers[trigger].name);
}

int domctl_shutdown(struct xen *xen, uint32_t domid, enum domctl_reason reason, struct err *err)
{
	if (xc_domain_shutdown(xen->xc, domid, (int)reason) < 0)
		return xen_fail(xen, err, "domain %u: cannot end it", domid);
	return 0;
}

int domctl_has_pv_drivers(struct xen *xen, uint32_t domid, bool *has, struct err *err)
{
	uint64_t irq;

	if (xc_hvm_param_get(xen->xc, domid, HVM_PARAM_CALLBACK_IRQ, &irq) < 0)
		return xen_fail(xen, err, "domain %u: cannot tell whether it has PV drivers",
				domid);
	*has = irq != 0;
	return 0;
}
