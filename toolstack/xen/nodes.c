/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nodes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "wire.h"

void store_nodes_add(struct store_nodes *nodes, enum store_perm perm, const char *dir,
		     const char *name, const char *value, ...)
{
	struct store_node node = { .perm = perm, .peer = nodes->peer };
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
static size_t format_perms(const struct store_node *node, uint32_t domid, char *text, size_t size)
{
	uint32_t owner = 0, reader = domid;
	bool alone = node->perm == STORE_GUEST_OWNS || node->perm == STORE_PRIVATE;
	size_t len;

	if (node->perm == STORE_GUEST_OWNS || node->perm == STORE_FRONTEND) {
		owner = domid;
		reader = node->peer;
	} else if (node->perm == STORE_BACKEND) {
		owner = node->peer;
	}
	len = (size_t)snprintf(text, size, "n%u", owner) + 1;
	if (!alone)
		len += (size_t)snprintf(text + len, size - len, "r%u", reader) + 1;
	return len;
}

static int put_node(struct strbuf *out, uint32_t txn, const struct store_node *node,
		    uint32_t domid, struct err *err)
{
	char perms[32];
	int rc;

	if (node->perm == STORE_REMOVED)
		return wire_put(out, XS_RM, txn, node->path, NULL, err);
	rc = wire_put_bytes(out, XS_WRITE, txn, node->path, node->value, strlen(node->value),
			    err);
	if (rc == 0 && node->perm != STORE_INHERIT)
		rc = wire_put_bytes(out, XS_SET_PERMS, txn, node->path, perms,
				    format_perms(node, domid, perms, sizeof(perms)), err);
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

static int write_batch(struct wire *w, uint32_t txn, const struct store_node *items, size_t nr,
		       uint32_t domid, struct err *err)
{
	scoped(strbuf) struct strbuf out = STRBUF_INIT;
	struct err refused = ERR_INIT;
	int rc = 0;

	for (size_t i = 0; i < nr && rc == 0; i++)
		rc = put_node(&out, txn, &items[i], domid, err);
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

static int write_all(struct wire *w, uint32_t txn, const struct store_nodes *nodes,
		     uint32_t domid, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < nodes->nr && rc == 0; i += BATCH)
		rc = write_batch(w, txn, nodes->items + i,
				 nodes->nr - i < BATCH ? nodes->nr - i : BATCH, domid, err);
	return rc;
}

int store_nodes_write(const struct store_nodes *nodes, uint32_t domid, struct err *err)
{
	scoped(wire) struct wire w = { .fd = -1 };
	int rc;

	if (nodes->failed)
		return fail_nomem(err);
	rc = wire_open(&w, err);
	return rc < 0 ? rc : write_all(&w, 0, nodes, domid, err);
}

/* One request and its reply; -EAGAIN has no message. */
static int ask(struct wire *w, enum xsd_sockmsg_type type, uint32_t txn, const char *word,
	       struct err *err)
{
	scoped(strbuf) struct strbuf out = STRBUF_INIT;
	int rc = wire_put(&out, type, txn, word, NULL, err);

	if (rc == 0)
		rc = wire_flush(w, &out, err);
	if (rc == 0)
		rc = wire_wait(w, err);
	if (rc < 0)
		return rc;
	wire_done(w);
	if (w->in.header.type != XS_ERROR)
		return 0;
	if (wire_errno(w) == EAGAIN)
		return -EAGAIN;
	return fail_sys(err, wire_errno(w), "xenstored refused a transaction");
}

/* -EAGAIN: another change came between. */
static int commit_once(struct wire *w, const struct store_nodes *nodes, uint32_t domid,
		       struct err *err)
{
	struct err ignored;	/* the first failure is the one to tell */
	uint32_t txn;
	int rc = ask(w, XS_TRANSACTION_START, 0, "", err);

	if (rc < 0)
		return rc == -EAGAIN ? fail_sys(err, EAGAIN, "no transaction") : rc;
	txn = (uint32_t)strtoul(wire_payload(w), NULL, 10);
	rc = write_all(w, txn, nodes, domid, err);
	if (rc == 0)
		return ask(w, XS_TRANSACTION_END, txn, "T", err);
	if (ask(w, XS_TRANSACTION_END, txn, "F", &ignored) < 0)
		log_debug("a transaction could not be dropped: %s", ignored.msg);
	return rc;
}

int store_nodes_commit(const struct store_nodes *nodes, uint32_t domid, struct err *err)
{
	scoped(wire) struct wire w = { .fd = -1 };
	int before = wait_interrupted();	/* what undoes because of that goes on */
	int rc;

	if (nodes->failed)
		return fail_nomem(err);
	rc = wire_open(&w, err);
	while (rc == 0) {
		rc = commit_once(&w, nodes, domid, err);
		if (rc != -EAGAIN)
			break;
		if (wait_interrupted() && !before)
			return fail(err, EINTR, "interrupted");
		rc = 0;
	}
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
