/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store nodes of a domain: order, permissions, and how many requests they cost. */
#include <string.h>

#include "base/scope.h"
#include "config/config.h"
#include "domain/layout.h"
#include "tap.h"
#include "xen/nodes.h"

static const struct layout_facts facts = {
	.domid = 7, .uuid = "01020304-0506-0708-090a-0b0c0d0e0f10",
	.start = { .tv_sec = 1700000000, .tv_nsec = 123456789 },
	.store_port = 1, .console_port = 2, .store_gfn = 1000, .console_gfn = 1001,
};

static const struct store_node *find(const struct store_nodes *nodes, const char *path)
{
	for (size_t i = 0; i < nodes->nr; i++) {
		if (nodes->items[i].perm != STORE_REMOVED && strcmp(nodes->items[i].path, path) == 0)
			return &nodes->items[i];
	}
	return NULL;
}

static void check(const struct store_nodes *nodes, const char *path, const char *value,
		  enum store_perm perm)
{
	const struct store_node *node = find(nodes, path);

	is_str(node ? node->value : NULL, value, "%s", path);
	is_int(node ? node->perm : 99, perm, "permissions of %s", path);
}

/* A PVH guest has what a PV guest has, but for what libxl says of a PV kernel. */
static void test_pvh(struct domain_config *config)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	bool image = false, platform = false;

	config->type = DOMAIN_PVH;
	layout_root(&nodes, config, &facts);
	layout_domain(&nodes, config, &facts);
	check(&nodes, "/libxl/7/type", "pvh", STORE_INHERIT);
	check(&nodes, "/local/domain/7/memory/videoram", "0", STORE_INHERIT);
	check(&nodes, "/vm/01020304-0506-0708-090a-0b0c0d0e0f10/start_time", "1700000000.12",
	      STORE_INHERIT);
	for (size_t i = 0; i < nodes.nr; i++) {
		image |= strstr(nodes.items[i].path, "/image") != NULL;
		platform |= strstr(nodes.items[i].path, "/platform/") ||
			strstr(nodes.items[i].path, "/hvmloader");
	}
	ok(!image && !platform, "PVH: nothing about image and platform");
}

int main(void)
{
	scoped(store_nodes) struct store_nodes before = STORE_NODES_INIT, after = STORE_NODES_INIT;
	char name[] = "g", kernel[] = "/k", cmdline[] = "a b";
	struct domain_config config = {
		.name = name, .type = DOMAIN_PV, .kernel = kernel, .cmdline = cmdline,
		.max_memkb = 65536, .target_memkb = 32768, .max_vcpus = 2, .vcpus = 1,
	};
	char roots[LAYOUT_ROOTS][LAYOUT_PATH_LEN];
	size_t requests = 0, nr, outside = 0;

	layout_root(&before, &config, &facts);
	layout_domain(&before, &config, &facts);
	layout_rings(&after, &facts);
	check(&before, "/local/domain/7", "", STORE_GUEST_READ);
	check(&before, "/local/domain/7/vm", "/vm/01020304-0506-0708-090a-0b0c0d0e0f10",
	      STORE_INHERIT);
	check(&before, "/local/domain/7/memory/target", "32768", STORE_INHERIT);
	check(&before, "/local/domain/7/memory/static-max", "65536", STORE_INHERIT);
	check(&before, "/local/domain/7/cpu/0/availability", "online", STORE_INHERIT);
	check(&before, "/local/domain/7/cpu/1/availability", "offline", STORE_INHERIT);
	check(&before, "/local/domain/7/control/shutdown", "", STORE_GUEST_OWNS);
	check(&before, "/vm/01020304-0506-0708-090a-0b0c0d0e0f10/start_time", "1700000000.12",
	      STORE_INHERIT);
	check(&before, "/libxl/7/type", "pv", STORE_INHERIT);
	check(&after, "/local/domain/7/console/backend-id", "0", STORE_FRONTEND);
	check(&after, "/local/domain/7/store/ring-ref", "1000", STORE_INHERIT);
	ok(find(&before, "/local/domain/7") == &before.items[3],
	   "the home is first, so that the rest inherits from it");
	for (int i = 0; i < 3; i++)
		is_int(before.items[i].perm, STORE_REMOVED, "before it %s is removed",
		       before.items[i].path);
	ok(!find(&before, "/vm/01020304-0506-0708-090a-0b0c0d0e0f10/image/ramdisk"),
	   "no node for a ramdisk that is not there");
	nr = layout_roots(7, facts.uuid, roots);
	for (int list = 0; list < 2; list++) {
		const struct store_nodes *nodes = list ? &after : &before;

		for (size_t i = 0; i < nodes->nr; i++) {
			bool below = false;

			requests += nodes->items[i].perm == STORE_INHERIT ||
				nodes->items[i].perm == STORE_REMOVED ? 1 : 2;
			for (size_t r = 0; r < nr; r++)
				below |= strncmp(nodes->items[i].path, roots[r],
						 strlen(roots[r])) == 0;
			outside += !below;
		}
	}
	is_int(outside, 0, "removing the roots removes every node");
	/* Plus two reads, one for Domain-0's name and the introduction: 75 is the bound. */
	ok(requests <= 71, "%zu requests", requests);
	ok(!before.failed && !after.failed, "complete");
	test_pvh(&config);
	return tap_done();
}
