/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nodes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

void store_nodes_add(struct store_nodes *nodes, enum store_perm perm, const char *dir,
		     const char *name, const char *value, ...)
{
	struct store_node node = { .perm = perm };
	va_list ap;

	if (nodes->nr == nodes->cap) {
		size_t cap = nodes->cap ? nodes->cap * 2 : 32;
		struct store_node *items = realloc(nodes->items, cap * sizeof(*items));

		if (!items) {
			nodes->failed = true;
			return;
		}
		nodes->items = items;
		nodes->cap = cap;
	}
	node.path = str_format("%s%s%s", dir, *name ? "/" : "", name);
	va_start(ap, value);
	if (vasprintf(&node.value, value, ap) < 0)
		node.value = NULL;
	va_end(ap);
	if (!node.path || !node.value)
		nodes->failed = true;
	nodes->items[nodes->nr++] = node;
}

int store_nodes_write(struct xen *xen, const struct store_txn *txn,
		      const struct store_nodes *nodes, uint32_t domid, struct err *err)
{
	if (nodes->failed)
		return fail_nomem(err);
	for (size_t i = 0; i < nodes->nr; i++) {
		const struct store_node *node = &nodes->items[i];
		int rc = store_write(xen, txn, node->path, node->value, err);

		if (rc < 0)
			return rc;
		rc = store_set_perms(xen, txn, node->path, node->perm, domid, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

void scoped_store_nodes(struct store_nodes *nodes)
{
	int saved = errno;

	for (size_t i = 0; i < nodes->nr; i++) {
		free(nodes->items[i].path);
		free(nodes->items[i].value);
	}
	free(nodes->items);
	*nodes = (struct store_nodes)STORE_NODES_INIT;
	errno = saved;
}
