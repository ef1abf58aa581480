/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>

#include "base/scope.h"
#include "xen.h"

/* libxc's maps are bytes, as many as the host's cpus need. */
static int bitmap_from_xen(struct xen *xen, struct bitmap *to, const uint8_t *from,
			   struct err *err)
{
	int size = xc_get_cpumap_size(xen->xc);

	if (size <= 0)
		return xen_fail(xen, err, "cannot get the number of cpus");
	memset(to, 0, sizeof(*to));
	for (unsigned int i = 0; i < 8 * (unsigned int)size; i++) {
		if (from[i / 8] >> i % 8 & 1)
			bitmap_set(to, i);
	}
	return 0;
}

/* The first pool of that number or a higher one; -ENOENT when there is none. */
static int pool_from(struct xen *xen, uint32_t id, struct pool_info *info, struct err *err)
{
	xc_cpupoolinfo_t *xi = xc_cpupool_getinfo(xen->xc, id);
	int rc;

	if (!xi && errno == ENOENT)
		return fail(err, ENOENT, "there is no cpupool %u", id);
	if (!xi)
		return xen_fail(xen, err, "cannot get information on cpupool %u", id);
	info->id = xi->cpupool_id;
	info->sched = (enum sched_kind)xi->sched_id;
	info->nr_domains = xi->n_dom;
	rc = bitmap_from_xen(xen, &info->cpus, xi->cpumap, err);
	xc_cpupool_infofree(xen->xc, xi);
	return rc;
}

int pool_get(struct xen *xen, uint32_t id, struct pool_info *out, struct err *err)
{
	struct pool_info info;
	int rc = pool_from(xen, id, &info, err);

	if (rc < 0)
		return rc;
	if (info.id != id)
		return fail(err, ENOENT, "there is no cpupool %u", id);
	*out = info;
	return 0;
}

int pool_list(struct xen *xen, struct pool_info **out, size_t *nr, struct err *err)
{
	scoped(free) struct pool_info *list = NULL;
	uint32_t next = 0;
	size_t count = 0;

	for (;;) {
		struct pool_info *grown = realloc(list, (count + 1) * sizeof(*list));
		int rc;

		if (!grown)
			return fail_nomem(err);
		list = grown;
		rc = pool_from(xen, next, &list[count], err);
		if (rc == -ENOENT)
			break;
		if (rc < 0)
			return rc;
		next = list[count++].id + 1;
	}
	*out = take(list);
	*nr = count;
	return 0;
}

int pool_free_cpus(struct xen *xen, struct bitmap *cpus, struct err *err)
{
	scoped(free) xc_cpumap_t map = xc_cpupool_freeinfo(xen->xc);

	if (!map)
		return xen_fail(xen, err, "cannot get the cpus outside all cpupools");
	return bitmap_from_xen(xen, cpus, map, err);
}

int pool_make(struct xen *xen, enum sched_kind sched, uint32_t *id, struct err *err)
{
	uint32_t any = XC_CPUPOOL_POOLID_ANY;

	if (xc_cpupool_create(xen->xc, &any, sched) == 0) {
		*id = any;
		return 0;
	}
	/* sched_init_one() looks for it among those that Xen was built with. */
	if (errno == EINVAL || errno == ENOENT)
		return fail(err, EINVAL, "this hypervisor has no scheduler '%s'", sched_name(sched));
	return xen_fail(xen, err, "cannot make a cpupool");
}

int pool_remove(struct xen *xen, uint32_t id, struct err *err)
{
	if (xc_cpupool_destroy(xen->xc, id) < 0)
		return xen_fail(xen, err, "cannot remove cpupool %u", id);
	return 0;
}

/* What Xen's numbers mean here: cpupool_do_sysctl() and below. */
int pool_add_cpu(struct xen *xen, uint32_t id, unsigned int cpu, struct err *err)
{
	if (xc_cpupool_addcpu(xen->xc, id, (int)cpu) == 0)
		return 0;
	if (errno == ENODEV)
		return fail(err, ENODEV, "cpu %u is in a cpupool already, or not online", cpu);
	return xen_fail(xen, err, "cannot add cpu %u", cpu);
}

int pool_remove_cpu(struct xen *xen, uint32_t id, unsigned int cpu, struct err *err)
{
	if (xc_cpupool_removecpu(xen->xc, id, (int)cpu) == 0)
		return 0;
	if (errno == EBUSY)
		return fail(err, EBUSY, "cpu %u is the last one of a cpupool that has domains", cpu);
	if (errno == EADDRINUSE)
		return fail(err, EADDRINUSE, "cpu %u is in use: a vcpu is tied to it for the moment",
			    cpu);
	if (errno == EADDRNOTAVAIL || errno == EINVAL || errno == ENODEV)
		return fail(err, EINVAL, "cpu %u is not in that cpupool", cpu);
	return xen_fail(xen, err, "cannot remove cpu %u", cpu);
}

int pool_move(struct xen *xen, uint32_t id, uint32_t domid, struct err *err)
{
	if (xc_cpupool_movedomain(xen->xc, id, domid) == 0)
		return 0;
	if (errno == ENOENT)
		return fail(err, ENOENT, "cannot move domain %u: the cpupool has no cpus, or is gone",
			    domid);
	/* rcu_lock_remote_domain_by_id(): neither an absent domain nor the caller's own. */
	if (errno == EPERM || errno == ESRCH)
		return fail(err, errno, domid ? "domain %u does not exist" :
			    "domain %u cannot be moved: it is the one that asks", domid);
	return xen_fail(xen, err, "cannot move domain %u to another cpupool", domid);
}
