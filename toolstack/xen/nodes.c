/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nodes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "wire.h"

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

/* Each request alone would cost two switches between this process and xenstored. */
enum { BATCH = STORE_NODES_BATCH };

/* In the order of xs_set_permissions: the owner, who may do all, and what the others may. */
static size_t format_perms(enum store_perm perm, uint32_t domid, char *text, size_t size)
{
	bool guests = perm == STORE_GUEST_OWNS || perm == STORE_FRONTEND;
	size_t len = (size_t)snprintf(text, size, "n%u", guests ? domid : 0) + 1;

	if (perm == STORE_GUEST_READ || perm == STORE_FRONTEND)
		len += (size_t)snprintf(text + len, size - len, "r%u", guests ? 0 : domid) + 1;
	return len;
}

static int put_node(struct strbuf *out, const struct store_node *node, uint32_t domid,
		    struct err *err)
{
	char perms[32];
	int rc;

	if (node->perm == STORE_REMOVED)
		return wire_put(out, XS_RM, 0, node->path, NULL, err);
	rc = wire_put_bytes(out, XS_WRITE, 0, node->path, node->value, strlen(node->value), err);
	if (rc == 0 && node->perm != STORE_INHERIT)
		rc = wire_put_bytes(out, XS_SET_PERMS, 0, node->path, perms,
				    format_perms(node->perm, domid, perms, sizeof(perms)), err);
	return rc < 0 ? fail_in(err, "cannot write xenstore node '%s'", node->path) : 0;
}

/* What xenstored refused first goes to refused; the result is about the connection. */
static int take_reply(struct wire *w, const char *what, const struct store_node *node,
		      struct err *refused, struct err *err)
{
	int rc = wire_wait(w, err);

	if (rc < 0)
		return fail_in(err, "cannot %s xenstore node '%s'", what, node->path);
	wire_done(w);
	if (node->perm == STORE_REMOVED && w->in.header.type == XS_ERROR && wire_errno(w) == ENOENT)
		return 0;
	if (w->in.header.type == XS_ERROR && !refused->code)
		fail_sys(refused, wire_errno(w), "cannot %s xenstore node '%s'", what, node->path);
	return 0;
}

static int write_batch(struct wire *w, const struct store_node *items, size_t nr, uint32_t domid,
		       struct err *err)
{
	scoped(strbuf) struct strbuf out = STRBUF_INIT;
	struct err refused = ERR_INIT;
	int rc = 0;

	for (size_t i = 0; i < nr && rc == 0; i++)
		rc = put_node(&out, &items[i], domid, err);
	if (rc == 0)
		rc = wire_flush(w, &out, err);
	/* All of them, even after one that failed: what undoes this must come last. */
	for (size_t i = 0; i < nr && rc == 0; i++) {
		rc = take_reply(w, items[i].perm == STORE_REMOVED ? "remove" : "write", &items[i],
				&refused, err);
		if (rc == 0 && items[i].perm != STORE_INHERIT && items[i].perm != STORE_REMOVED)
			rc = take_reply(w, "set permissions of", &items[i], &refused, err);
	}
	if (rc < 0 || !refused.code)
		return rc;
	*err = refused;
	return -refused.code;
}

int store_nodes_write(const struct store_nodes *nodes, uint32_t domid, struct err *err)
{
	scoped(wire) struct wire w = { .fd = -1 };
	int rc;

	if (nodes->failed)
		return fail_nomem(err);
	rc = wire_open(&w, err);
	for (size_t i = 0; i < nodes->nr && rc == 0; i += BATCH)
		rc = write_batch(&w, nodes->items + i, nodes->nr - i < BATCH ? nodes->nr - i : BATCH,
				 domid, err);
	return rc;
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
