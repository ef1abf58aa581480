/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpupool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/config.h"
#include "vcpus.h"
#include "xen/domctl.h"
#include "xen/host.h"
#include "xen/store.h"

enum { PATH_MAX_LEN = 48 };

static const char *pool_path(char buf[PATH_MAX_LEN], uint32_t id, const char *node)
{
	snprintf(buf, PATH_MAX_LEN, "/local/pool/%u%s", id, node);
	return buf;
}

void cpupool_list_free(struct cpupool_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		free(list->items[i].name);
	free(list->items);
	*list = (struct cpupool_list)CPUPOOL_LIST_INIT;
}

char *cpupool_name(struct xen *xen, uint32_t id)
{
	char path[PATH_MAX_LEN], *name = NULL;
	struct err ignored;

	if (store_read(xen, NULL, pool_path(path, id, "/name"), &name, &ignored) < 0)
		return NULL;
	return name;
}

int cpupool_list_all(struct xen *xen, struct cpupool_list *out, struct err *err)
{
	scoped(free) struct pool_info *infos = NULL;
	struct cpupool_list list = CPUPOOL_LIST_INIT;
	size_t nr;
	int rc = pool_list(xen, &infos, &nr, err);

	if (rc < 0)
		return rc;
	list.items = calloc(nr + 1, sizeof(*list.items));
	if (!list.items)
		return fail_nomem(err);
	for (; list.nr < nr; list.nr++)
		list.items[list.nr] = (struct cpupool){
			.info = infos[list.nr], .name = cpupool_name(xen, infos[list.nr].id),
		};
	*out = list;
	return 0;
}

static int find_name(struct xen *xen, const char *name, uint32_t *id, struct err *err)
{
	scoped(cpupool_list) struct cpupool_list list = CPUPOOL_LIST_INIT;
	int rc = cpupool_list_all(xen, &list, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < list.nr; i++) {
		if (list.items[i].name && strcmp(list.items[i].name, name) == 0) {
			*id = list.items[i].info.id;
			return 0;
		}
	}
	return fail(err, ENOENT, "there is no cpupool '%s'", name);
}

int cpupool_lookup(struct xen *xen, const char *word, uint32_t *id, struct err *err)
{
	struct pool_info info;
	uint64_t number;
	int rc;

	if (!str_is_digits(word))
		return find_name(xen, word, id, err);
	if (str_to_u64(word, UINT32_MAX, &number) < 0)
		return fail(err, ENOENT, "there is no cpupool %s", word);
	rc = pool_get(xen, (uint32_t)number, &info, err);
	if (rc == 0)
		*id = info.id;
	return rc;
}

/* As for domains: a number would be taken for one. id: who may have it already. */
static int check_name(struct xen *xen, const char *name, uint32_t id, struct err *err)
{
	uint32_t other;
	int rc = config_check_name(name, err);

	if (rc < 0)
		return rc;
	rc = find_name(xen, name, &other, err);
	if (rc == 0 && other != id)
		return fail(err, EEXIST, "cpupool %u is already called '%s'", other, name);
	return rc == -ENOENT ? 0 : rc;
}

static int write_nodes(struct xen *xen, uint32_t id, const char *name, struct err *err)
{
	char uuid[UUID_STR_LEN], path[PATH_MAX_LEN];
	uuid_t bytes;
	int rc;

	uuid_generate_random(bytes);
	uuid_unparse_lower(bytes, uuid);
	rc = store_write(xen, NULL, pool_path(path, id, "/uuid"), uuid, err);
	return rc < 0 ? rc : store_write(xen, NULL, pool_path(path, id, "/name"), name, err);
}

int cpupool_add_cpus(struct xen *xen, uint32_t id, const struct bitmap *cpus, struct err *err)
{
	struct err later, *at = err;
	int rc, first = 0;

	for (unsigned int cpu = 0; cpu < BITMAP_BITS; cpu++) {
		rc = bitmap_test(cpus, cpu) ? pool_add_cpu(xen, id, cpu, at) : 0;
		if (rc < 0 && !first) {
			first = rc;
			at = &later;
		}
	}
	return first;
}

int cpupool_remove_cpus(struct xen *xen, uint32_t id, const struct bitmap *cpus, struct err *err)
{
	struct err later, *at = err;
	int rc, first = 0;

	for (unsigned int cpu = 0; cpu < BITMAP_BITS; cpu++) {
		rc = bitmap_test(cpus, cpu) ? pool_remove_cpu(xen, id, cpu, at) : 0;
		if (rc < 0 && !first) {
			first = rc;
			at = &later;
		}
	}
	return first;
}

int cpupool_create(struct xen *xen, const char *name, enum sched_kind sched,
		   const struct bitmap *cpus, uint32_t *out, struct err *err)
{
	struct err undo;
	uint32_t id;
	int rc = check_name(xen, name, UINT32_MAX, err);

	if (rc == 0)
		rc = pool_make(xen, sched, &id, err);
	if (rc < 0)
		return rc;
	rc = cpupool_add_cpus(xen, id, cpus, err);
	if (rc == 0)
		rc = write_nodes(xen, id, name, err);
	if (rc < 0 && cpupool_destroy(xen, id, &undo) < 0)
		log_warn("cpupool %u stays: %s", id, undo.msg);
	if (rc < 0)
		return rc;
	*out = id;
	return 0;
}

int cpupool_destroy(struct xen *xen, uint32_t id, struct err *err)
{
	struct pool_info info;
	char path[PATH_MAX_LEN];
	struct err undo;
	int rc = pool_get(xen, id, &info, err);

	if (rc < 0)
		return rc;
	if (info.nr_domains)
		return fail(err, EBUSY, "it has %u domain%s", info.nr_domains,
			    info.nr_domains > 1 ? "s" : "");
	rc = cpupool_remove_cpus(xen, id, &info.cpus, err);
	if (rc == 0)
		rc = pool_remove(xen, id, err);
	/* Those that had gone come back; what was there all the time is no failure. */
	if (rc < 0 && cpupool_add_cpus(xen, id, &info.cpus, &undo) < 0)
		log_debug("cpupool %u: %s", id, undo.msg);
	return rc < 0 ? rc : store_rm(xen, NULL, pool_path(path, id, ""), err);
}

int cpupool_rename(struct xen *xen, uint32_t id, const char *name, struct err *err)
{
	char path[PATH_MAX_LEN];
	int rc = check_name(xen, name, id, err);

	return rc < 0 ? rc : store_write(xen, NULL, pool_path(path, id, "/name"), name, err);
}

/* dom0 gives vcpus back when its kernel has read the store. */
enum { DOM0_MS = 10000, LOOK_MS = 50 };

static int shrink_dom0(struct xen *xen, unsigned int nr, struct err *err)
{
	int64_t deadline = wait_deadline(DOM0_MS);
	struct domctl_info info;
	int rc = domctl_info(xen, 0, &info, err);

	if (rc < 0 || info.nr_online_vcpus <= nr)
		return rc;
	rc = domain_set_vcpus(xen, 0, nr, err);
	while (rc == 0) {
		rc = domctl_info(xen, 0, &info, err);
		if (rc < 0 || info.nr_online_vcpus <= nr)
			return rc;
		if (wait_now_ms() >= deadline)
			return fail(err, ETIMEDOUT, "domain 0 still has %u vcpus, more than the %u "
				    "cpus of its node", info.nr_online_vcpus, nr);
		if (wait_poll(NULL, 0, wait_deadline(LOOK_MS)) == -EINTR)
			return fail(err, EINTR, "interrupted");
	}
	return rc;
}

static unsigned int node_cpus(const struct host_cpu *cpus, size_t nr, unsigned int node,
			      struct bitmap *out)
{
	unsigned int count = 0;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < nr; i++) {
		if (cpus[i].node == node && bitmap_set(out, cpus[i].cpu))
			count++;
	}
	return count;
}

static void only_those_of(struct bitmap *cpus, const struct bitmap *of)
{
	for (size_t i = 0; i < ARRAY_SIZE(cpus->word); i++)
		cpus->word[i] &= of->word[i];
}

static int split_off(struct xen *xen, const struct pool_info *first, unsigned int node,
		     struct bitmap *cpus, struct err *err)
{
	struct bitmap taken = *cpus;
	char name[32];
	uint32_t id;
	int rc;

	only_those_of(&taken, &first->cpus);
	rc = cpupool_remove_cpus(xen, first->id, &taken, err);
	if (rc < 0)
		return rc;
	snprintf(name, sizeof(name), "Pool-node%u", node);
	return cpupool_create(xen, name, first->sched, cpus, &id, err);
}

int cpupool_numa_split(struct xen *xen, struct err *err)
{
	scoped(free) struct pool_info *pools = NULL;
	scoped(free) struct host_cpu *cpus = NULL;
	struct bitmap of_node, spare;
	size_t nr_pools, nr;
	unsigned int count;
	char name[32];
	int rc = pool_list(xen, &pools, &nr_pools, err);

	if (rc < 0)
		return rc;
	if (nr_pools != 1)
		return fail(err, EBUSY, "splitting not possible, already cpupools in use");
	rc = host_cpus(xen, &cpus, &nr, err);
	if (rc == 0)
		rc = pool_free_cpus(xen, &spare, err);
	if (rc < 0)
		return rc;
	/* Cpus come before others go: Pool-0 is never without. */
	count = node_cpus(cpus, nr, cpus[0].node, &of_node);
	only_those_of(&spare, &of_node);
	snprintf(name, sizeof(name), "Pool-node%u", cpus[0].node);
	rc = cpupool_add_cpus(xen, pools[0].id, &spare, err);
	if (rc == 0)
		rc = cpupool_rename(xen, pools[0].id, name, err);
	if (rc == 0)
		rc = shrink_dom0(xen, count, err);
	for (size_t i = 0; i < nr && rc == 0; i++) {
		/* Each node once, at its first cpu. */
		bool seen = cpus[i].node == cpus[0].node;

		for (size_t j = 0; j < i; j++)
			seen |= cpus[j].node == cpus[i].node;
		if (seen)
			continue;
		node_cpus(cpus, nr, cpus[i].node, &of_node);
		rc = split_off(xen, &pools[0], cpus[i].node, &of_node, err);
	}
	return rc;
}
