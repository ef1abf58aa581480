/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/platform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"

/* SLIT distances: 10 is a node itself, 255 unreachable. */
enum { DISTANCE_MAX = 255 };

static void scoped_node(struct vnuma_node *node)
{
	vnuma_node_free(node);
}

static int set_vcpus(struct vnuma_node *node, char *value, struct err *err)
{
	char *rest = value, *piece;

	while ((piece = spec_next(&rest, ","))) {
		char *dash = strchr(piece, '-');
		uint64_t first = 0, last = 0;

		if (dash)
			*dash = '\0';
		if (str_to_u64(piece, BITMAP_BITS - 1, &first) < 0 ||
		    str_to_u64(dash ? dash + 1 : piece, BITMAP_BITS - 1, &last) < 0 ||
		    last < first)
			return fail(err, EINVAL, "bad vcpus '%.30s%s%.30s' in vnuma, expected N or "
				    "N-M", piece, dash ? "-" : "", dash ? dash + 1 : "");
		while (first <= last)
			bitmap_set(&node->vcpus, (unsigned int)first++);
	}
	return 0;
}

static int set_distances(struct vnuma_node *node, char *value, struct err *err)
{
	char *rest = value, *piece;
	unsigned int i = 0;

	while ((piece = spec_next(&rest, ","))) {
		uint64_t distance = 0;
		int rc;

		if (i == node->nr_distances)
			return fail(err, EINVAL, "vnuma has more vdistances than nodes, %u", i);
		rc = spec_number("vnuma distance", piece, DISTANCE_MAX, &distance, err);
		if (rc < 0)
			return rc;
		node->distances[i++] = (uint32_t)distance;
	}
	return 0;
}

static int set_option(struct vnuma_node *node, const char *key, char *value, struct err *err)
{
	uint64_t n = 0;
	int rc;

	if (!strcmp(key, "vcpus"))
		return set_vcpus(node, value, err);
	if (!strcmp(key, "vdistances"))
		return set_distances(node, value, err);
	if (!strcmp(key, "pnode")) {
		rc = spec_number("vnuma pnode", value, BITMAP_BITS - 1, &n, err);
		node->pnode = (uint32_t)n;
		node->pnode_given = rc == 0;
		return rc;
	}
	if (!strcmp(key, "size")) {
		rc = spec_number("vnuma size", value, UINT32_MAX, &n, err);
		node->mem_kb = n << 10;
		return rc;
	}
	return fail(err, EINVAL, "unknown vnuma key '%.60s', valid are pnode, size, vcpus, "
		    "vdistances", key);
}

int vnuma_node_parse(const char *const *options, unsigned int nr, unsigned int nr_nodes,
		     struct vnuma_node *out, struct err *err)
{
	scoped(node) struct vnuma_node node = VNUMA_NODE_INIT;

	if (!nr_nodes || nr_nodes > SPEC_LIST_MAX)
		return fail(err, EINVAL, "vnuma has %u nodes, possible are 1 to %d", nr_nodes,
			    SPEC_LIST_MAX);
	node.distances = calloc(nr_nodes, sizeof(*node.distances));
	if (!node.distances)
		return fail_nomem(err);
	node.nr_distances = nr_nodes;
	for (unsigned int i = 0; i < nr; i++) {
		scoped(free) char *copy = NULL;
		char *rest, *item, *value;
		int rc;

		rc = spec_check_text("vnuma option", options[i], err);
		if (rc < 0)
			return rc;
		rest = copy = strdup(options[i]);
		if (!copy)
			return fail_nomem(err);
		item = spec_next(&rest, "");	/* the commas belong to the value */
		value = item ? spec_split(item) : NULL;
		if (!value)
			return fail(err, EINVAL, "vnuma option '%.60s' is not KEY=VALUE",
				    options[i]);
		rc = set_option(&node, item, value, err);
		if (rc < 0)
			return rc;
	}
	*out = node;
	node = (struct vnuma_node)VNUMA_NODE_INIT;
	return 0;
}

void vnuma_node_free(struct vnuma_node *node)
{
	scoped_free(&node->distances);
	*node = (struct vnuma_node)VNUMA_NODE_INIT;
}

static json_t *distances_json(const struct vnuma_node *node)
{
	json_t *json = json_array();

	for (unsigned int i = 0; json && i < node->nr_distances; i++) {
		if (json_array_append_new(json, json_integer(node->distances[i])) < 0) {
			json_decref(json);
			return NULL;
		}
	}
	return json;
}

int vnuma_node_to_json(const struct vnuma_node *node, json_t **out, struct err *err)
{
	scoped(json) json_t *json = json_object();
	int rc = 0;

	if (!json)
		return fail_nomem(err);
	if (node->mem_kb)
		rc = json_add(json, "memkb", json_integer((json_int_t)node->mem_kb), err);
	if (rc == 0 && node->nr_distances)
		rc = json_add(json, "distances", distances_json(node), err);
	if (rc == 0 && node->pnode)
		rc = json_add(json, "pnode", json_integer(node->pnode), err);
	if (rc == 0 && !bitmap_empty(&node->vcpus))
		rc = json_add(json, "vcpus", bitmap_to_json(&node->vcpus), err);
	if (rc < 0)
		return rc;
	*out = take(json);
	return 0;
}
