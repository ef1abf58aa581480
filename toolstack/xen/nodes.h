/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A list of store nodes to be written: made by pure code (domain/layout.c, devices),
 * written by one function. Order is kept: a folder with permissions of its own
 * comes before what shall inherit them.
 */
#ifndef XEN_NODES_H
#define XEN_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store.h"

struct store_node {
	char *path, *value;	/* owned */
	enum store_perm perm;
	uint32_t peer;		/* who is on the backend's side; 0 but for driver domains */
};

struct store_nodes {
	struct store_node *items;
	size_t nr, cap;
	uint32_t peer;		/* for the nodes that are added from now on */
	bool failed;		/* an addition ran out of memory; the write reports it */
};

#define STORE_NODES_INIT { .items = NULL }

/* Nodes under way at once; each is one request, or two. */
#define STORE_NODES_BATCH 32

/* Adds dir/name ("" for dir itself) with a value. */
void store_nodes_add(struct store_nodes *nodes, enum store_perm perm, const char *dir,
		     const char *name, const char *value, ...) printf_like(5, 6);

/*
 * Writes them in order, in no transaction; permissions name domid as the guest. Many
 * requests are under way at once, but none any more when it returns.
 */
int store_nodes_write(const struct store_nodes *nodes, uint32_t domid, struct err *err) must_check;

/* The same in one transaction, again and again while others' changes come between. */
int store_nodes_commit(const struct store_nodes *nodes, uint32_t domid, struct err *err) must_check;

void scoped_store_nodes(struct store_nodes *nodes);

#endif
