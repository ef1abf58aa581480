/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hypercalls on one domain, as plain values. libxc's structs and conventions stay
 * in domctl.c, so that another Xen version is a change of this one file.
 * Every struct xen here has its hypervisor handle open.
 */
#ifndef XEN_DOMCTL_H
#define XEN_DOMCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct bitmap;
struct xen;

/* xen/sched.h SHUTDOWN_*; values as in Xen's ABI. */
enum domctl_reason {
	DOMCTL_POWEROFF, DOMCTL_REBOOT, DOMCTL_SUSPEND, DOMCTL_CRASH, DOMCTL_WATCHDOG,
	DOMCTL_SOFT_RESET,
};

struct domctl_info {
	uint32_t domid;
	uint8_t uuid[16];
	bool running, blocked, paused, shutdown, dying, hvm;
	unsigned int shutdown_reason;	/* enum domctl_reason; valid when shutdown */
	uint64_t nr_pages, outstanding_pages, shared_pages, max_pages;	/* 4 KiB each */
	uint64_t cpu_time_ns;
	unsigned int nr_online_vcpus, nr_vcpus;	/* nr_vcpus: highest vcpu id + 1 */
	uint32_t cpupool, ssidref;
	uint64_t shared_info_gfn;	/* where a guest that is not PV has mapped it; or nowhere */
};

struct domctl_vcpu {
	bool online, running, blocked;
	uint32_t cpu;			/* where it runs or ran last */
	uint64_t cpu_time_ns;
};

/* One domain; -ENOENT with a message when there is none of that number. */
int domctl_info(struct xen *xen, uint32_t domid, struct domctl_info *info,
		struct err *err) must_check;

/* All domains in ascending order; the caller frees *list. */
int domctl_list(struct xen *xen, struct domctl_info **list, size_t *nr,
		struct err *err) must_check;

int domctl_vcpu(struct xen *xen, uint32_t domid, unsigned int vcpu, struct domctl_vcpu *info,
		struct err *err) must_check;

/* Affinity as a bitmap of nr_bytes bytes (bit n = cpu n); hard and soft masks. */
int domctl_vcpu_affinity(struct xen *xen, uint32_t domid, unsigned int vcpu, uint8_t *hard,
			 uint8_t *soft, size_t nr_bytes, struct err *err) must_check;
/* NULL: left as it is. force ends what the guest's kernel tied to a cpu for a moment. */
int domctl_vcpu_set_affinity(struct xen *xen, uint32_t domid, unsigned int vcpu,
			     const struct bitmap *hard, const struct bitmap *soft, bool force,
			     struct err *err) must_check;

/* NUMA nodes that memory comes from, as a bitmap like the above. */
int domctl_node_affinity(struct xen *xen, uint32_t domid, uint8_t *nodes, size_t nr_bytes,
			 struct err *err) must_check;
/* From then on Xen does not derive them from the affinity of the vcpus. */
int domctl_set_node_affinity(struct xen *xen, uint32_t domid, const struct bitmap *nodes,
			     struct err *err) must_check;

struct domctl_create {
	uint8_t uuid[16];
	bool pv;			/* else the processor virtualizes it */
	bool pc;			/* HVM: all of a PC; else, not pv, local APICs alone */
	bool hap, oos_off;		/* not pv: paging by the processor, and without it how */
	bool nested_virt, vpmu, msr_relaxed;
	bool iommu, iommu_sync;		/* it may get devices; iommu_sync: with tables apart */
	unsigned int max_vcpus, max_evtchn_port;
	int32_t max_grant_frames, max_maptrack_frames;	/* < 0: Xen's default */
	unsigned int grant_version;	/* 0: what the host offers, at most 2 */
	uint32_t cpupool;
};

/* Creates a paused, empty domain; Xen chooses the number. */
int domctl_create(struct xen *xen, const struct domctl_create *create, uint32_t *domid,
		  struct err *err) must_check;

int domctl_max_vcpus(struct xen *xen, uint32_t domid, unsigned int nr,
		     struct err *err) must_check;
int domctl_set_max_mem(struct xen *xen, uint32_t domid, uint64_t kb,
		       struct err *err) must_check;
/* PV: the largest pseudo-physical map that the guest's e820 may show. */
int domctl_set_memmap_limit(struct xen *xen, uint32_t domid, uint64_t kb,
			    struct err *err) must_check;
/* Not PV: what Xen may use for the guest's page tables beside its memory. */
int domctl_set_paging_memory(struct xen *xen, uint32_t domid, uint64_t kb,
			     struct err *err) must_check;

/* Not PV: how the platform behaves; before the vcpus run. */
struct domctl_platform {
	unsigned int timer_mode;	/* HVM_PARAM_TIMER_MODE */
	unsigned int altp2m;		/* XEN_ALTP2M_* */
	bool pc;			/* HVM: what follows means something */
	bool hpet, vpt_align;
	uint64_t mca_caps, viridian;	/* HVM_PARAM_MCA_CAP, _VIRIDIAN; 0: none */
};

int domctl_set_platform(struct xen *xen, uint32_t domid, const struct domctl_platform *platform,
			struct err *err) must_check;
int domctl_set_tsc_mode(struct xen *xen, uint32_t domid, unsigned int mode,
			struct err *err) must_check;
/* What the guest's clock is ahead of the host's. */
int domctl_set_time_offset(struct xen *xen, uint32_t domid, int32_t seconds,
			   struct err *err) must_check;
int domctl_set_pod_target(struct xen *xen, uint32_t domid, uint64_t pages,
			  struct err *err) must_check;
int domctl_set_uuid(struct xen *xen, uint32_t domid, const uint8_t uuid[16],
		    struct err *err) must_check;

struct xc_xend_cpuid;
struct xc_msr;

struct domctl_cpuid {
	bool pae, itsc, nested_virt;
	/* leaves changed by the config's cpuid key, closed by XEN_CPUID_INPUT_UNUSED; or NULL */
	const struct xc_xend_cpuid *xend;
	const struct xc_msr *msr;	/* the same, closed by XC_MSR_INPUT_UNUSED */
};

int domctl_set_cpuid(struct xen *xen, uint32_t domid, const struct domctl_cpuid *cpuid,
		     struct err *err) must_check;

/* An unbound event channel of domid for remote to bind. */
int domctl_evtchn_alloc(struct xen *xen, uint32_t domid, uint32_t remote, uint32_t *port,
			struct err *err) must_check;

/* Not PV: where the rings of store and console are, and what a guest finds of their channels. */
int domctl_rings(struct xen *xen, uint32_t domid, uint64_t *store_gfn, uint64_t *console_gfn,
		 struct err *err) must_check;
int domctl_set_ports(struct xen *xen, uint32_t domid, uint32_t store_port, uint32_t console_port,
		     struct err *err) must_check;

int domctl_pause(struct xen *xen, uint32_t domid, struct err *err) must_check;
int domctl_unpause(struct xen *xen, uint32_t domid, struct err *err) must_check;
/*
 * Not PV, shut down: its event channels are closed, its shared page is a new one, and its vcpus go
 * on where they were once it is not paused. When that fails Xen crashes it.
 */
int domctl_soft_reset(struct xen *xen, uint32_t domid, struct err *err) must_check;
/* Gives everything back; may take seconds for a large guest. */
int domctl_destroy(struct xen *xen, uint32_t domid, struct err *err) must_check;

enum domctl_trigger {
	DOMCTL_TRIGGER_NMI, DOMCTL_TRIGGER_INIT, DOMCTL_TRIGGER_POWER, DOMCTL_TRIGGER_SLEEP,
};
/*
 * An event from outside into a vcpu (NMI, INIT) or the platform (ACPI's buttons, which only
 * HVM guests have: Xen takes them for PVH and does nothing). -ESRCH: it has no such vcpu.
 */
int domctl_trigger(struct xen *xen, uint32_t domid, enum domctl_trigger trigger,
		   unsigned int vcpu, struct err *err) must_check;
/* Ends it at once, as if it had asked for it itself with that reason. */
int domctl_shutdown(struct xen *xen, uint32_t domid, enum domctl_reason reason,
		    struct err *err) must_check;
/* HVM without PV drivers: it never told Xen how to deliver events to it. */
int domctl_has_pv_drivers(struct xen *xen, uint32_t domid, bool *has, struct err *err) must_check;

#endif
