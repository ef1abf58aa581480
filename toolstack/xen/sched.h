/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Xen's schedulers: their names, and the parameters of pools, domains and vcpus, which Xen takes
 * only together with the scheduler that the domain's cpupool has. Hypervisor handle open.
 */
#ifndef XEN_SCHED_H
#define XEN_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct xen;

/* Numbers of XEN_SCHEDULER_* (xen/domctl.h), names of libxl. */
enum sched_kind {
	SCHED_UNKNOWN, SCHED_SEDF = 4, SCHED_CREDIT, SCHED_CREDIT2, SCHED_ARINC653, SCHED_RTDS,
	SCHED_NULL,
};

const char *sched_name(enum sched_kind kind);	/* "unknown" for numbers that are none */
/* Upper and lower case are the same, as for libxl. -EINVAL without a message. */
int sched_from_name(const char *name, enum sched_kind *kind) must_check;

/* Of the whole host: what Pool-0 has, and a new pool gets. */
int sched_default(struct xen *xen, enum sched_kind *kind, struct err *err) must_check;

struct sched_domain {
	enum sched_kind kind;
	int weight, cap;	/* credit, credit2; cap in percent of one cpu, 0: no limit */
	int period_us, budget_us;	/* rtds */
	bool extratime;
};

/* Of the domain's own scheduler; what it does not have is -1. */
int sched_domain_get(struct xen *xen, uint32_t domid, struct sched_domain *params,
		     struct err *err) must_check;
/* params as sched_domain_get() filled them, then changed. Ranges are checked, -EINVAL. */
int sched_domain_set(struct xen *xen, uint32_t domid, const struct sched_domain *params,
		     struct err *err) must_check;

struct sched_vcpu {		/* rtds alone has parameters of vcpus */
	unsigned int vcpu;
	unsigned int period_us, budget_us;
	bool extratime;
};

/* vcpu is filled in by the caller, for each of nr. */
int sched_vcpus_get(struct xen *xen, uint32_t domid, struct sched_vcpu *vcpus, size_t nr,
		    struct err *err) must_check;
int sched_vcpus_set(struct xen *xen, uint32_t domid, const struct sched_vcpu *vcpus, size_t nr,
		    struct err *err) must_check;

struct sched_pool {
	unsigned int tslice_ms, migration_delay_us;	/* credit */
	unsigned int ratelimit_us;			/* credit, credit2 */
};

/* kind is credit or credit2, and the pool's. */
int sched_pool_get(struct xen *xen, uint32_t pool, enum sched_kind kind,
		   struct sched_pool *params, struct err *err) must_check;
int sched_pool_set(struct xen *xen, uint32_t pool, enum sched_kind kind,
		   const struct sched_pool *params, struct err *err) must_check;

#endif
