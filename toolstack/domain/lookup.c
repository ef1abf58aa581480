/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "runfile.h"
#include "xen/domctl.h"
#include "xen/store.h"
#include "xen/xen.h"

int domain_get_name(struct xen *xen, uint32_t domid, char **name, struct err *err)
{
	char path[48];

	snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
	return store_read(xen, NULL, path, name, err);
}

int domain_get_names(const struct domctl_info *infos, size_t nr, char **names, struct err *err)
{
	scoped(free) char (*paths)[48] = calloc(nr + 1, sizeof(*paths));
	scoped(free) const char **list = calloc(nr + 1, sizeof(*list));

	if (!paths || !list)
		return fail_nomem(err);
	for (size_t i = 0; i < nr; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/local/domain/%u/name", infos[i].domid);
		list[i] = paths[i];
	}
	return store_read_many(list, nr, names, err);
}

/*
 * A run file says which of our domains had the name; whether it has it still, the
 * store and the hypervisor say. Two requests instead of one for each domain.
 */
static bool find_in_runfile(struct xen *xen, const char *name, uint32_t *domid)
{
	scoped(free) char *now = NULL;
	struct runfile_record record;
	struct domctl_info info;
	struct err ignored = ERR_INIT;

	if (strchr(name, '/') || runfile_read(RUNFILE_DIR, name, &record, &ignored) < 0 ||
	    record.creating)
		return false;
	if (domain_get_name(xen, record.domid, &now, &ignored) < 0 || strcmp(now, name) != 0 ||
	    domctl_info(xen, record.domid, &info, &ignored) < 0 ||
	    memcmp(info.uuid, record.uuid, sizeof(record.uuid)) != 0)
		return false;
	*domid = record.domid;
	return true;
}

int domain_find_name(struct xen *xen, const char *name, uint32_t *domid, struct err *err)
{
	scoped(free) struct domctl_info *list = NULL;
	scoped(free) char **names = NULL;
	bool found = false;
	size_t nr;
	int rc;

	/* A domain that is being made may have "" for a moment; nobody means that one. */
	if (!*name)
		return fail(err, ENOENT, "the empty string names no domain");
	if (find_in_runfile(xen, name, domid))
		return 0;
	rc = domctl_list(xen, &list, &nr, err);
	if (rc < 0)
		return rc;
	names = calloc(nr + 1, sizeof(*names));
	if (!names)
		return fail_nomem(err);
	rc = domain_get_names(list, nr, names, err);
	for (size_t i = 0; i < nr; i++) {
		if (!found && names[i] && strcmp(names[i], name) == 0) {
			*domid = list[i].domid;
			found = true;
		}
		free(names[i]);
	}
	if (rc < 0 || found)
		return rc;
	return fail(err, ENOENT, "no domain is called '%s'", name);
}

int domain_lookup(struct xen *xen, const char *word, uint32_t *domid, struct err *err)
{
	uint64_t number;

	if (!*word)
		return fail(err, EINVAL, "the empty string names no domain");
	if (!str_is_digits(word))
		return domain_find_name(xen, word, domid, err);
	/* Larger numbers would be cut to 16 bits on their way to Xen: another domain. */
	if (str_to_u64(word, XEN_DOMID_MAX, &number) < 0)
		return fail(err, ENOENT, "domain %s does not exist", word);
	*domid = (uint32_t)number;
	return 0;
}

int domain_get_type(struct xen *xen, uint32_t domid, enum domain_type *type, struct err *err)
{
	static const enum domain_type types[] = { DOMAIN_PV, DOMAIN_PVH, DOMAIN_HVM };
	scoped(free) char *name = NULL;
	struct domctl_info info;
	char path[40];
	int rc = domctl_info(xen, domid, &info, err);

	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "/libxl/%u/type", domid);
	rc = store_read(xen, NULL, path, &name, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	*type = info.hvm ? DOMAIN_HVM : DOMAIN_PV;
	for (size_t i = 0; i < ARRAY_SIZE(types) && rc == 0; i++) {
		if (strcmp(name, config_type_name(types[i])) == 0)
			*type = types[i];
	}
	return 0;
}
