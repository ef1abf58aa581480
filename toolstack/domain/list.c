/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/scope.h"
#include "lookup.h"
#include "userdata.h"
#include "xen/sched.h"
#include "xen/store.h"

void domain_list_free(struct domain_list *list)
{
	int saved = errno;

	for (size_t i = 0; i < list->nr; i++)
		free(list->items[i].name);
	free(list->items);
	*list = (struct domain_list)DOMAIN_LIST_INIT;
	errno = saved;
}

/* A domain on its way in or out has no name: not an error. */
static int list_fill(struct domain_list *out, const struct domctl_info *infos, size_t nr,
		     struct err *err)
{
	scoped(free) char **names = calloc(nr + 1, sizeof(*names));
	struct domain_list list = { .items = calloc(nr + 1, sizeof(*list.items)), .nr = nr };
	int rc = names && list.items ? domain_get_names(infos, nr, names, err) : fail_nomem(err);

	if (rc < 0) {
		free(list.items);
		return rc;
	}
	for (size_t i = 0; i < nr; i++)
		list.items[i] = (struct domain_entry){ .info = infos[i], .name = names[i] };
	*out = list;
	return 0;
}

int domain_list_all(struct xen *xen, struct domain_list *list, struct err *err)
{
	scoped(free) struct domctl_info *infos = NULL;
	size_t nr;
	int rc = domctl_list(xen, &infos, &nr, err);

	return rc < 0 ? rc : list_fill(list, infos, nr, err);
}

int domain_list_one(struct xen *xen, uint32_t domid, struct domain_list *list, struct err *err)
{
	struct domctl_info info;
	int rc = domctl_info(xen, domid, &info, err);

	return rc < 0 ? rc : list_fill(list, &info, 1, err);
}

/* The members that a refresh may add, in the IDL's order: libxl prints in that order. */
static const char *const c_info_head[] = {
	"type", "hap", "oos", "ssidref", "ssid_label", "name", "domid", "uuid",
};
static const char *const b_info_head[] = {
	"max_vcpus", "avail_vcpus", "cpumap", "nodemap", "vcpu_hard_affinity",
	"vcpu_soft_affinity", "numa_placement", "tsc_mode", "max_memkb", "target_memkb",
};

static int sort_head(json_t *parent, const char *member, const char *const *head, size_t nr,
		     struct err *err)
{
	json_t *object = json_object_get(parent, member);
	scoped(json) json_t *sorted = json_object();

	for (size_t i = 0; i < nr && sorted; i++) {
		json_t *value = json_object_get(object, head[i]);

		if (value && json_object_set(sorted, head[i], value) < 0)
			return fail_nomem(err);
	}
	/* Known ones keep their place, the others follow in the order they had. */
	if (!sorted || json_object_update(sorted, object) < 0)
		return fail_nomem(err);
	if (json_object_set(parent, member, sorted) < 0)
		return fail_nomem(err);
	return 0;
}

/* The object member of that name, made when it is missing or something else. */
static json_t *object_member(json_t *parent, const char *name)
{
	json_t *object = json_object_get(parent, name);

	if (json_is_object(object))
		return object;
	object = json_object();
	if (!object || json_object_set_new(parent, name, object) < 0)
		return NULL;
	return object;
}

static int refresh_identity(json_t *c_info, const struct domain_entry *entry, struct err *err)
{
	static const uint8_t none[16];
	char uuid[37];
	int rc;

	rc = json_add(c_info, "name", json_text(entry->name ? entry->name : ""), err);
	/* libxl leaves out a uuid of zeros: domain 0 has it. */
	if (rc == 0 && memcmp(entry->info.uuid, none, sizeof(none)) != 0) {
		userdata_format_uuid(entry->info.uuid, uuid);
		rc = json_add(c_info, "uuid", json_text(uuid), err);
	}
	return rc;
}

/* What libxl leaves alone for HVM: there QEMU knows it. */
static int refresh_vcpus(struct xen *xen, json_t *b_info, uint32_t domid, struct err *err)
{
	json_int_t max = json_integer_value(json_object_get(b_info, "max_vcpus"));
	scoped(json) json_t *online = json_array();

	if (!online)
		return fail_nomem(err);
	for (json_int_t i = 0; i < max; i++) {
		scoped(free) char *state = NULL;
		char path[64];
		int rc;

		snprintf(path, sizeof(path), "/local/domain/%u/cpu/%lld/availability", domid,
			 (long long)i);
		rc = store_read(xen, NULL, path, &state, err);
		if (rc < 0 && rc != -ENOENT)
			return rc;
		if (rc == 0 && strcmp(state, "online") == 0 &&
		    json_array_append_new(online, json_integer(i)) < 0)
			return fail_nomem(err);
	}
	if (json_array_size(online) == 0)
		return 0;
	return json_add(b_info, "avail_vcpus", take(online), err);
}

/* Nobody writes dom0's nodes before somebody balloons it: Xen's figures hold then. */
static int read_memory(struct xen *xen, const struct domctl_info *info, const char *node,
		       uint64_t dom0_pages, uint64_t *kb, struct err *err)
{
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/memory/%s", info->domid, node);
	rc = store_read_u64(xen, NULL, path, kb, err);
	if (rc != -ENOENT || info->domid != 0)
		return rc;
	*kb = dom0_pages * 4;
	return 0;
}

/*
 * The store's target leaves out video memory, and with populate-on-demand one
 * more MiB (libxl__get_targetmem_fudge). Nodes that are missing leave the stored
 * values as they are.
 */
static int refresh_memory(struct xen *xen, json_t *b_info, const struct domctl_info *info,
			  bool hvm, struct err *err)
{
	json_int_t video = json_integer_value(json_object_get(b_info, "video_memkb"));
	json_int_t old_target = json_integer_value(json_object_get(b_info, "target_memkb"));
	json_int_t old_max = json_integer_value(json_object_get(b_info, "max_memkb"));
	json_int_t fudge = video + (hvm && old_max > old_target ? 1024 : 0);
	uint64_t target, max;
	int rc;

	if (read_memory(xen, info, "target", info->nr_pages, &target, err) < 0 ||
	    read_memory(xen, info, "static-max", info->max_pages, &max, err) < 0)
		return 0;
	rc = json_add(b_info, "max_memkb", json_integer((json_int_t)max), err);
	if (rc == 0)
		rc = json_add(b_info, "target_memkb", json_integer((json_int_t)target + fudge),
			      err);
	return rc;
}

static int add_param(json_t *params, const char *name, int value, struct err *err)
{
	return value < 0 ? 0 : json_add(params, name, json_integer(value), err);
}

static int refresh_sched(struct xen *xen, json_t *b_info, uint32_t domid, struct err *err)
{
	scoped(json) json_t *params = json_object();
	struct sched_domain sched;
	int rc;

	/* The domain may be gone by now; the stored values then stay. */
	if (sched_domain_get(xen, domid, &sched, err) < 0)
		return 0;
	rc = json_add(params, "sched", json_text(sched_name(sched.kind)), err);
	if (rc == 0)
		rc = add_param(params, "weight", sched.weight, err);
	if (rc == 0)
		rc = add_param(params, "cap", sched.cap, err);
	if (rc == 0)
		rc = add_param(params, "period", sched.period_us, err);
	if (rc == 0)
		rc = add_param(params, "budget", sched.budget_us, err);
	if (rc == 0)
		rc = json_add(b_info, "sched_params", take(params), err);
	return rc;
}

static int refresh(struct xen *xen, json_t *config, const struct domain_entry *entry,
		   struct err *err)
{
	json_t *c_info = object_member(config, "c_info");
	json_t *b_info = object_member(config, "b_info");
	const char *type = json_string_value(json_object_get(c_info, "type"));
	bool hvm = type && strcmp(type, "hvm") == 0;
	uint32_t domid = entry->info.domid;
	int rc;

	if (!c_info || !b_info)
		return fail_nomem(err);
	rc = refresh_identity(c_info, entry, err);
	if (rc == 0 && !hvm)
		rc = refresh_vcpus(xen, b_info, domid, err);
	if (rc == 0)
		rc = refresh_memory(xen, b_info, &entry->info, hvm, err);
	if (rc == 0)
		rc = refresh_sched(xen, b_info, domid, err);
	if (rc == 0)
		rc = sort_head(config, "c_info", c_info_head, ARRAY_SIZE(c_info_head), err);
	if (rc == 0)
		rc = sort_head(config, "b_info", b_info_head, ARRAY_SIZE(b_info_head), err);
	return rc;
}

/* Readers of the list want a name followed by a uuid in every entry. */
static int minimal_config(const struct domain_entry *entry, json_t **out, struct err *err)
{
	scoped(json) json_t *config = json_object();
	scoped(json) json_t *c_info = json_object();
	int rc;

	rc = json_add(c_info, "type", json_text(entry->info.hvm ? "hvm" : "pv"), err);
	if (rc == 0)
		rc = refresh_identity(c_info, entry, err);
	if (rc == 0)
		rc = json_add(config, "c_info", take(c_info), err);
	if (rc == 0)
		*out = take(config);
	return rc;
}

/* Between the listing and now, or dying: without a name nothing can be done to it. */
static bool is_gone(struct xen *xen, const struct domain_entry *entry)
{
	struct domctl_info now;
	struct err ignored = ERR_INIT;

	return domctl_info(xen, entry->info.domid, &now, &ignored) == -ENOENT ||
	       (now.dying && !entry->name);
}

static int read_stored(const struct domain_entry *entry, json_t **config, struct err *err)
{
	struct userdata ud = { .domid = entry->info.domid };
	int rc;

	memcpy(ud.uuid, entry->info.uuid, sizeof(ud.uuid));
	rc = userdata_read(&ud, config, err);
	if (rc == 0 && !json_is_object(*config))
		rc = fail(err, EINVAL, "its stored configuration is not an object");
	return rc;
}

int domain_current_config(struct xen *xen, const struct domain_entry *entry, json_t **out,
			  struct err *err)
{
	scoped(json) json_t *config = NULL;
	uint32_t domid = entry->info.domid;
	int rc = read_stored(entry, &config, err);

	if (rc < 0 && is_gone(xen, entry))
		return fail(err, ENOENT, "domain %u is going away", domid);
	if (rc < 0) {
		log_warn("domain %u: only name and uuid are known: %s", domid, err->msg);
		return minimal_config(entry, out, err);
	}
	rc = refresh(xen, config, entry, err);
	if (rc == 0)
		*out = take(config);
	return rc;
}

int domain_live_config(struct xen *xen, const struct domain_entry *entry, json_t **out,
		       struct err *err)
{
	scoped(json) json_t *config = NULL;
	int rc = read_stored(entry, &config, err);

	if (rc == 0)
		rc = refresh(xen, config, entry, err);
	if (rc == 0)
		*out = take(config);
	return rc;
}
