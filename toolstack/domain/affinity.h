/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where vcpus may run and how much they get: what a config says (cpus, cpus_soft, cpu_weight,
 * cap, pool), and vcpu-pin. Hypervisor handle open, and the store's where said.
 */
#ifndef DOMAIN_AFFINITY_H
#define DOMAIN_AFFINITY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "config/config.h"

struct bitmap;
struct cfg;
struct xen;
struct xl_conf;

/* The cpus of this host, for CPULISTs; nodes is what host points into. */
struct affinity_host {
	struct config_host host;
	struct bitmap *nodes;	/* owned */
};

#define AFFINITY_HOST_INIT { .nodes = NULL }

int affinity_host(struct xen *xen, struct affinity_host *out, struct err *err) must_check;

static inline void scoped_affinity_host(struct affinity_host *h)
{
	free(h->nodes);
}

/* Whether the config or xl.conf says where vcpus run: only then is the host asked. */
bool affinity_spoken_of(const struct cfg *cfg, const struct xl_conf *conf);

/*
 * xl passes over that where nothing says how many vcpus there are; here they are one, and it counts.
 * Before config_from_cfg().
 */
int affinity_say_vcpus(struct cfg *cfg, const struct xl_conf *conf, struct err *err) must_check;

/* Takes what xl.conf's masks for a guest of this type leave out; -EINVAL when nothing remains. */
int affinity_mask(const struct affinity_host *host, const struct xl_conf *conf,
		  enum domain_type type, struct bitmap *cpus, struct err *err) must_check;

/* One vcpu, or AFFINITY_ALL; hard and soft may be NULL, to be left. */
#define AFFINITY_ALL UINT32_MAX
int affinity_pin(struct xen *xen, uint32_t domid, uint32_t vcpu, const struct bitmap *hard,
		 const struct bitmap *soft, bool force, struct err *err) must_check;

/* pool=, a name or a number; 0 where none is given. Store open. */
int affinity_pool(struct xen *xen, const struct domain_config *config, uint32_t *pool,
		  struct err *err) must_check;
/* What the config says of its vcpus; before they run. */
int affinity_apply(struct xen *xen, uint32_t domid, const struct domain_config *config,
		   struct err *err) must_check;

#endif
