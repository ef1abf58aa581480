/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/cpulist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "config/spec.h"

static bool skip(const char **at, const char *prefix)
{
	if (!str_starts(*at, prefix))
		return false;
	*at += strlen(prefix);
	return true;
}

/* N at *at, which is moved behind it. */
static int take_number(const char *item, const char **at, unsigned int *out, struct err *err)
{
	unsigned int n = 0;
	const char *p = *at;

	for (; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (unsigned int)(*p - '0');
		if (n >= BITMAP_BITS)
			return fail(err, ERANGE, "cpu list has '%.60s', numbers go up to %d", item,
				    BITMAP_BITS - 1);
	}
	if (p == *at)
		return fail(err, EINVAL, "bad item '%.60s' in cpu list, expected all, N, N-M, "
			    "node:N or ^ and one of these", item);
	*at = p;
	*out = n;
	return 0;
}

static int take_range(const char *item, struct cpu_range *range, struct err *err)
{
	const char *at = item;
	int rc;

	range->exclude = skip(&at, "^");
	range->nodes = skip(&at, "nodes:") || skip(&at, "node:");
	range->all = !strcmp(at, "all");
	if (range->all && range->exclude)
		return fail(err, EINVAL, "cpu list has '%.60s': all cannot be excluded", item);
	if (range->all)
		return 0;
	rc = take_number(item, &at, &range->first, err);
	if (rc < 0)
		return rc;
	range->last = range->first;
	if (skip(&at, "-")) {
		rc = take_number(item, &at, &range->last, err);
		if (rc < 0)
			return rc;
	}
	if (*at)
		return fail(err, EINVAL, "bad item '%.60s' in cpu list, near '%.30s'", item, at);
	if (range->last < range->first)
		return fail(err, EINVAL, "cpu list has '%.60s', which ends before it begins", item);
	return 0;
}

int cpulist_parse(const char *text, struct cpulist *out, struct err *err)
{
	scoped(cpulist) struct cpulist list = CPULIST_INIT;
	scoped(free) char *copy = NULL;
	char *rest, *item;
	int rc;

	rc = spec_check_text("cpu list", text, err);
	if (rc < 0)
		return rc;
	rest = copy = strdup(text);
	if (!copy)
		return fail_nomem(err);
	while ((item = spec_next(&rest, ","))) {
		struct cpu_range *grown;

		/* At most one range for two characters of a bounded text. */
		grown = realloc(list.ranges, (list.nr + 1) * sizeof(*grown));
		if (!grown)
			return fail_nomem(err);
		list.ranges = grown;
		grown[list.nr] = (struct cpu_range){ .all = false };
		rc = take_range(item, &grown[list.nr], err);
		if (rc < 0)
			return rc;
		list.nr++;
	}
	if (!list.nr)
		return fail(err, EINVAL, "empty cpu list");
	*out = list;
	list = (struct cpulist)CPULIST_INIT;
	return 0;
}

void cpulist_free(struct cpulist *list)
{
	scoped_free(&list->ranges);
	*list = (struct cpulist)CPULIST_INIT;
}

bool cpulist_has_nodes(const struct cpulist *list)
{
	for (unsigned int i = 0; i < list->nr; i++) {
		if (list->ranges[i].nodes && !list->ranges[i].all)
			return true;
	}
	return false;
}

static void set_range(struct bitmap *set, unsigned int first, unsigned int last, bool exclude)
{
	for (unsigned int cpu = first; cpu <= last; cpu++) {
		if (exclude)
			bitmap_clear(set, cpu);
		else
			bitmap_set(set, cpu);
	}
}

static int set_nodes(struct bitmap *set, const struct cpu_range *range,
		     cpulist_node_fn node_cpus, void *arg, struct err *err)
{
	for (unsigned int node = range->first; node <= range->last; node++) {
		struct bitmap cpus = { .word = { 0 } };
		int rc;

		if (!node_cpus)
			return fail(err, ENOTSUP, "the cpus of node %u are only known on a Xen host",
				    node);
		rc = node_cpus(arg, node, &cpus, err);
		if (rc < 0)
			return rc;
		for (unsigned int i = 0; i < BITMAP_BITS / 64; i++) {
			if (range->exclude)
				set->word[i] &= ~cpus.word[i];
			else
				set->word[i] |= cpus.word[i];
		}
	}
	return 0;
}

int cpulist_resolve(const struct cpulist *list, unsigned int nr_cpus,
		    cpulist_node_fn node_cpus, void *arg, struct bitmap *out, struct err *err)
{
	unsigned int nr = nr_cpus && nr_cpus < BITMAP_BITS ? nr_cpus : BITMAP_BITS;
	struct bitmap set = { .word = { 0 } };

	for (unsigned int i = 0; i < list->nr; i++) {
		const struct cpu_range *range = &list->ranges[i];
		int rc = 0;

		if (range->all)
			set_range(&set, 0, nr - 1, false);
		else if (range->nodes)
			rc = set_nodes(&set, range, node_cpus, arg, err);
		else
			set_range(&set, range->first, range->last, range->exclude);
		if (rc < 0)
			return rc;
	}
	for (unsigned int cpu = nr; cpu < BITMAP_BITS; cpu++)
		bitmap_clear(&set, cpu);
	if (bitmap_empty(&set))
		return fail(err, EINVAL, "cpu list has no cpu of this host in it");
	*out = set;
	return 0;
}
