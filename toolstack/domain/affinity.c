/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "affinity.h"

#include <errno.h>

#include "base/log.h"
#include "base/scope.h"
#include "config/cfg.h"
#include "config/conf.h"
#include "config/keyparse.h"
#include "cpupool.h"
#include "xen/domctl.h"
#include "xen/host.h"
#include "xen/sched.h"

int affinity_host(struct xen *xen, struct affinity_host *out, struct err *err)
{
	scoped(free) struct host_cpu *cpus = NULL;
	struct affinity_host h = AFFINITY_HOST_INIT;
	unsigned int nr_cpus;
	size_t nr;
	int rc = host_nr_cpus(xen, &nr_cpus, err);

	if (rc == 0)
		rc = host_cpus(xen, &cpus, &nr, err);
	if (rc < 0)
		return rc;
	/* libxl's bitmaps are whole bytes, and "all" fills them. */
	h.host.nr_cpus = (nr_cpus + 7) / 8 * 8;
	for (size_t i = 0; i < nr; i++) {
		if (cpus[i].node < BITMAP_BITS && cpus[i].node >= h.host.nr_nodes)
			h.host.nr_nodes = cpus[i].node + 1;
	}
	h.nodes = calloc(h.host.nr_nodes + 1, sizeof(*h.nodes));
	if (!h.nodes)
		return fail_nomem(err);
	for (size_t i = 0; i < nr; i++) {
		if (cpus[i].node < h.host.nr_nodes)
			bitmap_set(&h.nodes[cpus[i].node], cpus[i].cpu);
	}
	h.host.node_cpus = h.nodes;
	*out = h;
	return 0;
}

bool affinity_spoken_of(const struct cfg *cfg, const struct xl_conf *conf)
{
	return cfg_find(cfg, "cpus") || cfg_find(cfg, "cpus_soft") || conf->vm_cpumask ||
	       conf->pv_cpumask || conf->hvm_cpumask;
}

int affinity_say_vcpus(struct cfg *cfg, const struct xl_conf *conf, struct err *err)
{
	static const char *const one[] = { "vcpus=1" };

	if (!affinity_spoken_of(cfg, conf) || cfg_find(cfg, "vcpus") || cfg_find(cfg, "maxvcpus") ||
	    cfg_find(cfg, "vnuma"))
		return 0;
	return cfg_parse_words(cfg, one, ARRAY_SIZE(one), err);
}

int affinity_mask(const struct affinity_host *host, const struct xl_conf *conf,
		  enum domain_type type, struct bitmap *cpus, struct err *err)
{
	const char *const texts[] = {
		conf->vm_cpumask, type == DOMAIN_PV ? conf->pv_cpumask : conf->hvm_cpumask,
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct bitmap mask;
		int rc = texts[i] ? keyparse_cpulist(&host->host, texts[i], &mask, err) : 0;

		if (rc < 0)
			return fail_in(err, "xl.conf: cpu mask '%s'", texts[i]);
		for (size_t j = 0; texts[i] && j < ARRAY_SIZE(mask.word); j++)
			cpus->word[j] &= mask.word[j];
	}
	return bitmap_empty(cpus) ? fail(err, EINVAL, "xl.conf's cpu masks leave none of these "
					 "cpus") : 0;
}

int affinity_pin(struct xen *xen, uint32_t domid, uint32_t vcpu, const struct bitmap *hard,
		 const struct bitmap *soft, bool force, struct err *err)
{
	struct domctl_info info;
	int rc;

	if (vcpu != AFFINITY_ALL)
		return domctl_vcpu_set_affinity(xen, domid, vcpu, hard, soft, force, err);
	rc = domctl_info(xen, domid, &info, err);
	for (vcpu = 0; rc == 0 && vcpu < info.nr_vcpus; vcpu++)
		rc = domctl_vcpu_set_affinity(xen, domid, vcpu, hard, soft, force, err);
	return rc;
}

int affinity_pool(struct xen *xen, const struct domain_config *config, uint32_t *pool,
		  struct err *err)
{
	struct pool_info info;
	int rc;

	*pool = 0;
	if (!config->pool)
		return 0;
	rc = cpupool_lookup(xen, config->pool, pool, err);
	if (rc == 0)
		rc = pool_get(xen, *pool, &info, err);
	if (rc < 0)
		return fail_in(err, "pool='%s'", config->pool);
	if (bitmap_empty(&info.cpus))
		return fail(err, EINVAL, "pool='%s': it has no cpus", config->pool);
	return 0;
}

/* A number the config gives, or what Xen has. */
static int given(int config, int xen)
{
	return config == CONFIG_SCHED_DEFAULT ? xen : config;
}

/* What another scheduler would take is not lost in silence. */
static void warn_unused(const struct sched_config *config, enum sched_kind kind)
{
	bool share = kind == SCHED_CREDIT || kind == SCHED_CREDIT2;

	if (!share && (config->weight != CONFIG_SCHED_DEFAULT || config->cap != CONFIG_SCHED_DEFAULT))
		log_warn("cpu_weight and cap have no effect: the scheduler is %s", sched_name(kind));
	if (kind != SCHED_RTDS && (config->period != CONFIG_SCHED_DEFAULT ||
				   config->budget != CONFIG_SCHED_DEFAULT))
		log_warn("period and budget have no effect: the scheduler is %s, not rtds",
			 sched_name(kind));
}

static int apply_sched(struct xen *xen, uint32_t domid, const struct sched_config *config,
		       struct err *err)
{
	struct sched_domain params;
	int rc;

	if (config->weight == CONFIG_SCHED_DEFAULT && config->cap == CONFIG_SCHED_DEFAULT &&
	    config->period == CONFIG_SCHED_DEFAULT && config->budget == CONFIG_SCHED_DEFAULT &&
	    config->extratime == CONFIG_SCHED_DEFAULT)
		return 0;
	rc = sched_domain_get(xen, domid, &params, err);
	if (rc < 0)
		return rc;
	warn_unused(config, params.kind);
	params.weight = given(config->weight, params.weight);
	params.cap = given(config->cap, params.cap);
	params.period_us = given(config->period, params.period_us);
	params.budget_us = given(config->budget, params.budget_us);
	params.extratime = config->extratime != 0;	/* libxl's default is to have it */
	return sched_domain_set(xen, domid, &params, err);
}

int affinity_apply(struct xen *xen, uint32_t domid, const struct domain_config *config,
		   struct err *err)
{
	size_t nr = config->nr_hard_affinity > config->nr_soft_affinity ?
		config->nr_hard_affinity : config->nr_soft_affinity;
	int rc = 0;

	for (size_t i = 0; i < nr && i < config->max_vcpus && rc == 0; i++) {
		const struct bitmap *hard = i < config->nr_hard_affinity ?
			&config->hard_affinity[i] : NULL;
		const struct bitmap *soft = i < config->nr_soft_affinity ?
			&config->soft_affinity[i] : NULL;

		if (hard && bitmap_empty(hard))
			return fail(err, EINVAL, "vcpu %zu has no cpu to run on: cpus= and the cpu "
				    "masks of xl.conf have none in common", i);
		rc = domctl_vcpu_set_affinity(xen, domid, (unsigned int)i, hard, soft, false, err);
	}
	return rc < 0 ? rc : apply_sched(xen, domid, &config->sched, err);
}
