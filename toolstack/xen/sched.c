/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <xenctrl.h>

#include "base/scope.h"
#include "domctl.h"
#include "pool.h"
#include "xen.h"

static const char *const names[] = {
	[SCHED_UNKNOWN] = "unknown", [SCHED_SEDF] = "sedf", [SCHED_CREDIT] = "credit",
	[SCHED_CREDIT2] = "credit2", [SCHED_ARINC653] = "arinc653", [SCHED_RTDS] = "rtds",
	[SCHED_NULL] = "null",
};

const char *sched_name(enum sched_kind kind)
{
	return (size_t)kind < ARRAY_SIZE(names) && names[kind] ? names[kind] : "unknown";
}

int sched_from_name(const char *name, enum sched_kind *kind)
{
	for (size_t i = SCHED_SEDF; i < ARRAY_SIZE(names); i++) {
		if (strcasecmp(name, names[i]) == 0) {
			*kind = (enum sched_kind)i;
			return 0;
		}
	}
	return -EINVAL;
}

int sched_default(struct xen *xen, enum sched_kind *kind, struct err *err)
{
	int id;

	if (xc_sched_id(xen->xc, &id) < 0)
		return xen_fail(xen, err, "cannot get the scheduler's name");
	*kind = (enum sched_kind)id;
	return 0;
}

int sched_domain_get(struct xen *xen, uint32_t domid, struct sched_domain *out, struct err *err)
{
	struct sched_domain params = {
		.weight = -1, .cap = -1, .period_us = -1, .budget_us = -1,
	};
	struct xen_domctl_sched_credit credit = { 0 };
	struct xen_domctl_sched_credit2 credit2 = { 0 };
	struct xen_domctl_sched_rtds rtds = { 0 };
	struct domctl_info info;
	struct pool_info pool;
	int r = 0, rc = domctl_info(xen, domid, &info, err);

	if (rc == 0)
		rc = pool_get(xen, info.cpupool, &pool, err);
	if (rc < 0)
		return rc;
	params.kind = pool.sched;
	if (params.kind == SCHED_CREDIT) {
		r = xc_sched_credit_domain_get(xen->xc, domid, &credit);
		params.weight = credit.weight;
		params.cap = credit.cap;
	} else if (params.kind == SCHED_CREDIT2) {
		r = xc_sched_credit2_domain_get(xen->xc, domid, &credit2);
		params.weight = credit2.weight;
		params.cap = credit2.cap;
	} else if (params.kind == SCHED_RTDS) {
		r = xc_sched_rtds_domain_get(xen->xc, domid, &rtds);
		params.period_us = (int)rtds.period;
		params.budget_us = (int)rtds.budget;
	}
	if (r < 0)
		return xen_fail(xen, err, "domain %u: cannot get its scheduling parameters", domid);
	*out = params;
	return 0;
}

static int check_share(struct xen *xen, uint32_t domid, const struct sched_domain *params,
		       struct err *err)
{
	struct domctl_info info;
	int rc = domctl_info(xen, domid, &info, err);

	if (rc < 0)
		return rc;
	if (params->weight < 1 || params->weight > 65535)
		return fail(err, EINVAL, "domain %u: weight %d is not between 1 and 65535", domid,
			    params->weight);
	if (params->cap < 0 || (unsigned int)params->cap > 100 * info.nr_vcpus)
		return fail(err, EINVAL, "domain %u: cap %d is not between 0 and %u, 100 for each "
			    "vcpu", domid, params->cap, 100 * info.nr_vcpus);
	return 0;
}

static int check_realtime(uint32_t domid, long period_us, long budget_us, struct err *err)
{
	if (period_us < 1 || budget_us < 1 || budget_us > period_us)
		return fail(err, EINVAL, "domain %u: period %ld and budget %ld microseconds: both "
			    "are at least 1, and the budget is no longer than the period", domid,
			    period_us, budget_us);
	return 0;
}

int sched_domain_set(struct xen *xen, uint32_t domid, const struct sched_domain *params,
		     struct err *err)
{
	struct xen_domctl_sched_credit credit = {
		.weight = (uint16_t)params->weight, .cap = (uint16_t)params->cap,
	};
	struct xen_domctl_sched_credit2 credit2 = {
		.weight = (uint16_t)params->weight, .cap = (uint16_t)params->cap,
	};
	struct xen_domctl_sched_rtds rtds = {
		.period = (uint32_t)params->period_us, .budget = (uint32_t)params->budget_us,
		.flags = params->extratime ? XEN_DOMCTL_SCHEDRT_extra : 0,
	};
	int r = 0, rc = 0;

	if (params->kind == SCHED_CREDIT || params->kind == SCHED_CREDIT2)
		rc = check_share(xen, domid, params, err);
	else if (params->kind == SCHED_RTDS)
		rc = check_realtime(domid, params->period_us, params->budget_us, err);
	if (rc < 0)
		return rc;
	if (params->kind == SCHED_CREDIT)
		r = xc_sched_credit_domain_set(xen->xc, domid, &credit);
	else if (params->kind == SCHED_CREDIT2)
		r = xc_sched_credit2_domain_set(xen->xc, domid, &credit2);
	else if (params->kind == SCHED_RTDS)
		r = xc_sched_rtds_domain_set(xen->xc, domid, &rtds);
	if (r < 0)
		return xen_fail(xen, err, "domain %u: cannot set its scheduling parameters", domid);
	return 0;
}

int sched_vcpus_get(struct xen *xen, uint32_t domid, struct sched_vcpu *vcpus, size_t nr,
		    struct err *err)
{
	scoped(free) struct xen_domctl_schedparam_vcpu *list = calloc(nr + 1, sizeof(*list));

	if (!list)
		return fail_nomem(err);
	for (size_t i = 0; i < nr; i++)
		list[i].vcpuid = vcpus[i].vcpu;
	if (xc_sched_rtds_vcpu_get(xen->xc, domid, list, (uint32_t)nr) < 0)
		return xen_fail(xen, err, "domain %u: cannot get its vcpus' scheduling parameters",
				domid);
	for (size_t i = 0; i < nr; i++) {
		vcpus[i].period_us = list[i].u.rtds.period;
		vcpus[i].budget_us = list[i].u.rtds.budget;
		vcpus[i].extratime = list[i].u.rtds.flags & XEN_DOMCTL_SCHEDRT_extra;
	}
	return 0;
}

int sched_vcpus_set(struct xen *xen, uint32_t domid, const struct sched_vcpu *vcpus, size_t nr,
		    struct err *err)
{
	scoped(free) struct xen_domctl_schedparam_vcpu *list = calloc(nr + 1, sizeof(*list));

	if (!list)
		return fail_nomem(err);
	for (size_t i = 0; i < nr; i++) {
		int rc = check_realtime(domid, vcpus[i].period_us, vcpus[i].budget_us, err);

		if (rc < 0)
			return rc;
		list[i].vcpuid = vcpus[i].vcpu;
		list[i].u.rtds.period = vcpus[i].period_us;
		list[i].u.rtds.budget = vcpus[i].budget_us;
		list[i].u.rtds.flags = vcpus[i].extratime ? XEN_DOMCTL_SCHEDRT_extra : 0;
	}
	if (xc_sched_rtds_vcpu_set(xen->xc, domid, list, (uint32_t)nr) < 0)
		return xen_fail(xen, err, "domain %u: cannot set its vcpus' scheduling parameters",
				domid);
	return 0;
}

int sched_pool_get(struct xen *xen, uint32_t pool, enum sched_kind kind, struct sched_pool *out,
		   struct err *err)
{
	struct xen_sysctl_credit_schedule credit = { 0 };
	struct xen_sysctl_credit2_schedule credit2 = { 0 };
	struct sched_pool params = { 0 };
	int r;

	if (kind == SCHED_CREDIT) {
		r = xc_sched_credit_params_get(xen->xc, pool, &credit);
		params.tslice_ms = credit.tslice_ms;
		params.ratelimit_us = credit.ratelimit_us;
		params.migration_delay_us = credit.vcpu_migr_delay_us;
	} else {
		r = xc_sched_credit2_params_get(xen->xc, pool, &credit2);
		params.ratelimit_us = credit2.ratelimit_us;
	}
	if (r < 0)
		return xen_fail(xen, err, "cpupool %u: cannot get the parameters of its scheduler",
				pool);
	*out = params;
	return 0;
}

static int check_pool(const struct sched_pool *params, enum sched_kind kind, struct err *err)
{
	if (params->ratelimit_us && (params->ratelimit_us < XEN_SYSCTL_SCHED_RATELIMIT_MIN ||
				     params->ratelimit_us > XEN_SYSCTL_SCHED_RATELIMIT_MAX))
		return fail(err, EINVAL, "rate limit %u is neither 0 nor between %d and %d "
			    "microseconds", params->ratelimit_us, XEN_SYSCTL_SCHED_RATELIMIT_MIN,
			    XEN_SYSCTL_SCHED_RATELIMIT_MAX);
	if (kind != SCHED_CREDIT)
		return 0;
	if (params->tslice_ms < XEN_SYSCTL_CSCHED_TSLICE_MIN ||
	    params->tslice_ms > XEN_SYSCTL_CSCHED_TSLICE_MAX)
		return fail(err, EINVAL, "time slice %u is not between %d and %d milliseconds",
			    params->tslice_ms, XEN_SYSCTL_CSCHED_TSLICE_MIN,
			    XEN_SYSCTL_CSCHED_TSLICE_MAX);
	if (params->ratelimit_us > params->tslice_ms * 1000)
		return fail(err, EINVAL, "rate limit %u microseconds is longer than the time slice, "
			    "%u milliseconds", params->ratelimit_us, params->tslice_ms);
	if (params->migration_delay_us > XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US)
		return fail(err, EINVAL, "migration delay %u is more than %d microseconds",
			    params->migration_delay_us, XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US);
	return 0;
}

int sched_pool_set(struct xen *xen, uint32_t pool, enum sched_kind kind,
		   const struct sched_pool *params, struct err *err)
{
	struct xen_sysctl_credit_schedule credit = {
		.tslice_ms = params->tslice_ms, .ratelimit_us = params->ratelimit_us,
		.vcpu_migr_delay_us = params->migration_delay_us,
	};
	struct xen_sysctl_credit2_schedule credit2 = { .ratelimit_us = params->ratelimit_us };
	int r, rc = check_pool(params, kind, err);

	if (rc < 0)
		return rc;
	r = kind == SCHED_CREDIT ? xc_sched_credit_params_set(xen->xc, pool, &credit) :
		xc_sched_credit2_params_set(xen->xc, pool, &credit2);
	if (r < 0)
		return xen_fail(xen, err, "cpupool %u: cannot set the parameters of its scheduler",
				pool);
	return 0;
}
