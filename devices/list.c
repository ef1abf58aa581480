/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What devices a domain has, from the toolstack's own copy in the store. Guests cannot
 * write there, but other programs of dom0 can: a path that is not where this domain's
 * devices are is never believed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "kind.h"
#include "xen/store.h"
#include "xen/xen.h"

static void free_entry(struct device_entry *entry)
{
	free(entry->frontend);
	free(entry->backend);
	free(entry->copy);
	*entry = (struct device_entry){ .kind = NULL };
}

void scoped_device_list(struct device_list *list)
{
	int saved = errno;

	for (size_t i = 0; i < list->nr; i++)
		free_entry(&list->items[i]);
	free(list->items);
	*list = (struct device_list)DEVICE_LIST_INIT;
	errno = saved;
}

const struct device_entry *device_list_find(const struct device_list *list,
					    const struct device_kind *kind, uint32_t devid)
{
	for (size_t i = 0; i < list->nr; i++) {
		const struct device_entry *entry = &list->items[i];

		if (entry->devid == devid && entry->kind == kind)
			return entry;
	}
	return NULL;
}

/* Kinds are folder names of libxl's table: "vbd", "9pfs". */
static bool is_kind(const char *name, size_t size)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789");

	return len > 0 && len < size && name[len] == '\0';
}

/* Whether path is what fmt makes of the numbers that were read from it: no second spelling. */
static bool parse_backend(const char *path, uint32_t domid, uint32_t devid,
			  struct device_entry *entry)
{
	char expected[DEVICE_PATH_LEN];
	unsigned int backend_domid;

	if (sscanf(path, "/local/domain/%5u/backend/%15[a-z0-9]/", &backend_domid,
		   entry->backend_kind) != 2 || backend_domid > XEN_DOMID_MAX)
		return false;
	snprintf(expected, sizeof(expected), "/local/domain/%u/backend/%s/%u/%u", backend_domid,
		 entry->backend_kind, domid, devid);
	entry->backend_domid = backend_domid;
	return strcmp(path, expected) == 0;
}

bool device_entry_parse(uint32_t domid, const char *kind, const char *number, const char *frontend,
			const char *backend, struct device_entry *entry)
{
	char expected[DEVICE_PATH_LEN];
	uint64_t devid;

	*entry = (struct device_entry){ .domid = domid };
	if (!is_kind(kind, sizeof(entry->kind_name)) || !str_is_digits(number) ||
	    (number[0] == '0' && number[1]) || str_to_u64(number, UINT32_MAX, &devid) < 0)
		return false;
	snprintf(entry->kind_name, sizeof(entry->kind_name), "%s", kind);
	entry->kind = device_kind_find(kind);
	entry->devid = (uint32_t)devid;
	snprintf(expected, sizeof(expected), "/local/domain/%u/device/%s/%u", domid, kind,
		 entry->devid);
	return strcmp(frontend, expected) == 0 &&
	       parse_backend(backend, domid, entry->devid, entry);
}

/* The names of the folders that hold one device each; their two paths are read at once. */
struct found {
	char **kinds, **numbers;	/* owned */
	char **paths, **values;		/* owned: frontend, backend of each */
	size_t nr, cap;
};

static void scoped_found(struct found *found)
{
	for (size_t i = 0; i < found->nr; i++) {
		free(found->kinds[i]);
		free(found->numbers[i]);
	}
	for (size_t i = 0; i < 2 * found->nr; i++) {
		free(found->paths[i]);
		if (found->values)
			free(found->values[i]);
	}
	free(found->kinds);
	free(found->numbers);
	free(found->paths);
	free(found->values);
}

static int grow(struct found *found, size_t nr, struct err *err)
{
	size_t cap = found->nr + nr;
	char **kinds = realloc(found->kinds, (cap + 1) * sizeof(*kinds));
	char **numbers, **paths;

	if (kinds)
		found->kinds = kinds;
	numbers = realloc(found->numbers, (cap + 1) * sizeof(*numbers));
	if (numbers)
		found->numbers = numbers;
	paths = realloc(found->paths, (2 * cap + 1) * sizeof(*paths));
	if (paths)
		found->paths = paths;
	return kinds && numbers && paths ? 0 : fail_nomem(err);
}

static int find_kind(struct xen *xen, uint32_t domid, const char *kind, struct found *found,
		     struct err *err)
{
	scoped(free) char *dir = str_format("/libxl/%u/device/%s", domid, kind);
	scoped(free) char **numbers = NULL;
	unsigned int nr;
	int rc = dir ? store_list(xen, NULL, dir, &numbers, &nr, err) : fail_nomem(err);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	rc = grow(found, nr, err);
	for (unsigned int i = 0; i < nr && rc == 0; i++) {
		size_t at = found->nr;

		/* Console 0 is the domain's own: it goes with it. */
		if (strcmp(kind, "console") == 0 && strcmp(numbers[i], "0") == 0)
			continue;
		found->nr++;
		found->kinds[at] = strdup(kind);
		found->numbers[at] = strdup(numbers[i]);
		found->paths[2 * at] = str_format("%s/%s/frontend", dir, numbers[i]);
		found->paths[2 * at + 1] = str_format("%s/%s/backend", dir, numbers[i]);
		if (!found->kinds[at] || !found->numbers[at] || !found->paths[2 * at] ||
		    !found->paths[2 * at + 1])
			rc = fail_nomem(err);
	}
	return rc;
}

/* Those of which libxl has no copy, and one at most: the backend's folder, no guest's, tells. */
static int find_joint(uint32_t domid, struct found *found, struct err *err)
{
	int rc = grow(found, device_kinds_nr, err);

	for (size_t i = 0; i < device_kinds_nr && rc == 0; i++) {
		size_t at = found->nr;

		if (!device_kinds[i]->joint)
			continue;
		found->nr++;
		found->kinds[at] = strdup(device_kinds[i]->name);
		found->numbers[at] = strdup("0");
		for (size_t k = 2 * at; k < 2 * at + 2; k++)
			found->paths[k] = str_format("/local/domain/0/backend/%s/%u/0/%s",
						     device_kinds[i]->name, domid,
						     k % 2 ? "frontend-id" : "frontend");
		if (!found->kinds[at] || !found->numbers[at] || !found->paths[2 * at] ||
		    !found->paths[2 * at + 1])
			rc = fail_nomem(err);
	}
	return rc;
}

/* What stands where a copy would have the backend's path. */
static int set_joint_backend(uint32_t domid, struct found *found, size_t i, struct err *err)
{
	const struct device_kind *kind = device_kind_find(found->kinds[i]);

	if (!kind || !kind->joint || !found->values[2 * i])
		return 0;
	free(found->values[2 * i + 1]);
	found->values[2 * i + 1] = str_format("/local/domain/0/backend/%s/%u/0", kind->name,
					      domid);
	return found->values[2 * i + 1] ? 0 : fail_nomem(err);
}

static int find_all(struct xen *xen, uint32_t domid, struct found *found, struct err *err)
{
	scoped(free) char **kinds = NULL;
	unsigned int nr = 0;
	char dir[40];
	int rc;

	snprintf(dir, sizeof(dir), "/libxl/%u/device", domid);
	rc = store_list(xen, NULL, dir, &kinds, &nr, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	rc = find_joint(domid, found, err);
	for (unsigned int i = 0; i < nr && rc == 0; i++)
		rc = find_kind(xen, domid, kinds[i], found, err);
	if (rc < 0)
		return rc;
	found->values = calloc(2 * found->nr + 1, sizeof(*found->values));
	if (!found->values)
		return fail_nomem(err);
	rc = store_read_many((const char *const *)found->paths, 2 * found->nr, found->values,
			     err);
	for (size_t i = 0; i < found->nr && rc == 0; i++)
		rc = set_joint_backend(domid, found, i, err);
	return rc;
}

int devices_list(struct xen *xen, uint32_t domid, struct device_list *list, struct err *err)
{
	scoped(device_list) struct device_list all = DEVICE_LIST_INIT;
	scoped(found) struct found found = { .nr = 0 };
	int rc = find_all(xen, domid, &found, err);

	if (rc < 0)
		return fail_in(err, "devices of domain %u", domid);
	all.items = calloc(found.nr + 1, sizeof(*all.items));
	if (!all.items)
		return fail_nomem(err);
	for (size_t i = 0; i < found.nr; i++) {
		struct device_entry *entry = &all.items[all.nr];
		const char *front = found.values[2 * i], *back = found.values[2 * i + 1];

		if (!front && !back)
			continue;
		if (!device_entry_parse(domid, found.kinds[i], found.numbers[i],
					front ? front : "", back ? back : "", entry)) {
			log_debug("/libxl/%u/device/%s/%s names no backend of this domain",
				  domid, found.kinds[i], found.numbers[i]);
			continue;
		}
		all.nr++;
		entry->frontend = take(found.values[2 * i]);
		entry->backend = take(found.values[2 * i + 1]);
		entry->copy = str_format("/libxl/%u/device/%s/%u", domid, entry->kind_name,
					 entry->devid);
		if (!entry->copy)
			return fail_nomem(err);
	}
	*list = all;
	all = (struct device_list)DEVICE_LIST_INIT;
	return 0;
}
