/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cpupools, as the hypervisor has them: a set of cpus with a scheduler of its own. It knows them
 * by number alone; their names are in the store (domain/cpupool.h). Hypervisor handle open.
 */
#ifndef XEN_POOL_H
#define XEN_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/bitmap.h"
#include "base/err.h"
#include "sched.h"

struct xen;

struct pool_info {
	uint32_t id;
	enum sched_kind sched;
	unsigned int nr_domains;
	struct bitmap cpus;
};

/* All pools by ascending number; the caller frees *list. */
int pool_list(struct xen *xen, struct pool_info **list, size_t *nr, struct err *err) must_check;
/* -ENOENT when there is none of that number. */
int pool_get(struct xen *xen, uint32_t id, struct pool_info *info, struct err *err) must_check;
/* The cpus that are in no pool. */
int pool_free_cpus(struct xen *xen, struct bitmap *cpus, struct err *err) must_check;

/* A pool without cpus; Xen chooses the number. -EINVAL: Xen has no such scheduler. */
int pool_make(struct xen *xen, enum sched_kind sched, uint32_t *id, struct err *err) must_check;
/* Only one without cpus and domains can go. */
int pool_remove(struct xen *xen, uint32_t id, struct err *err) must_check;
int pool_add_cpu(struct xen *xen, uint32_t id, unsigned int cpu, struct err *err) must_check;
int pool_remove_cpu(struct xen *xen, uint32_t id, unsigned int cpu, struct err *err) must_check;
int pool_move(struct xen *xen, uint32_t id, uint32_t domid, struct err *err) must_check;

#endif
