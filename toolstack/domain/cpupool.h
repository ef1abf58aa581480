/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cpupools with their names, which Xen does not know: /local/pool/NUMBER/{uuid,name} in the store,
 * as libxl writes them (libxl_cpupool.c). Both handles open.
 */
#ifndef DOMAIN_CPUPOOL_H
#define DOMAIN_CPUPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "xen/pool.h"

struct bitmap;
struct xen;

struct cpupool {
	struct pool_info info;
	char *name;		/* NULL: none; nobody can name it but by its number */
};

struct cpupool_list {
	struct cpupool *items;	/* by ascending number; owned */
	size_t nr;
};

#define CPUPOOL_LIST_INIT { .items = NULL }

int cpupool_list_all(struct xen *xen, struct cpupool_list *list, struct err *err) must_check;
void cpupool_list_free(struct cpupool_list *list);

static inline void scoped_cpupool_list(struct cpupool_list *list)
{
	cpupool_list_free(list);
}

/* By number or name (xl's rule: all digits is a number); -ENOENT when there is none. */
int cpupool_lookup(struct xen *xen, const char *word, uint32_t *id, struct err *err) must_check;
/* NULL when it has none (any more). */
char *cpupool_name(struct xen *xen, uint32_t id) must_check;

/*
 * All of it or nothing. cpus must be free. -EEXIST: the name is taken; -EINVAL: no name, or Xen
 * was built without that scheduler.
 */
int cpupool_create(struct xen *xen, const char *name, enum sched_kind sched,
		   const struct bitmap *cpus, uint32_t *id, struct err *err) must_check;
/* Its cpus are free then. -EBUSY, and nothing has changed, while domains are in it. */
int cpupool_destroy(struct xen *xen, uint32_t id, struct err *err) must_check;
/* -EEXIST: another pool has the name. */
int cpupool_rename(struct xen *xen, uint32_t id, const char *name, struct err *err) must_check;

/* Each cpu of a set, whatever becomes of the others; the first failure is returned. */
int cpupool_add_cpus(struct xen *xen, uint32_t id, const struct bitmap *cpus,
		     struct err *err) must_check;
int cpupool_remove_cpus(struct xen *xen, uint32_t id, const struct bitmap *cpus,
			struct err *err) must_check;

/*
 * A pool for each NUMA node, "Pool-nodeN"; Pool-0 becomes that of the first cpu's node, and
 * domain 0 gets no more vcpus than that has cpus. -EBUSY when there are more pools than one.
 */
int cpupool_numa_split(struct xen *xen, struct err *err) must_check;

#endif
