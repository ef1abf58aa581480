/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All of XenStore that the toolstack uses. Values are strings; one that a guest
 * could have written is returned as it is and may hold anything but NUL: callers
 * treat it as hostile. An absent node is -ENOENT from store_read/store_list and
 * success for store_rm. `txn` may be NULL (no transaction).
 *
 * Permissions: nodes inherit their parent's unless a row of struct store_node
 * says otherwise, so each explicit one costs a second request.
 */
#ifndef XEN_STORE_H
#define XEN_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct xen;

struct store_txn {
	struct xen *xen;	/* NULL when no transaction is open */
	uint32_t id;
};

#define STORE_TXN_INIT { .xen = NULL }

int store_txn_start(struct xen *xen, struct store_txn *txn, struct err *err) must_check;
/* Commits; -EAGAIN (no message) when somebody else's change came between: do it all again. */
int store_txn_commit(struct store_txn *txn, struct err *err) must_check;
/* Drops what was done in it; nothing when none is open. */
void scoped_store_txn(struct store_txn *txn);

/* Reads path into a new string. */
int store_read(struct xen *xen, const struct store_txn *txn, const char *path, char **value,
	       struct err *err) must_check;
/* The same for a decimal number; -EINVAL when the node holds something else. */
int store_read_u64(struct xen *xen, const struct store_txn *txn, const char *path,
		   uint64_t *value, struct err *err) must_check;
/*
 * Reads nr nodes at once, on a connection of its own; an absent one's value is NULL.
 * Nothing is written on failure but NULLs. The caller frees each value.
 */
int store_read_many(const char *const *paths, size_t nr, char **values,
		    struct err *err) must_check;
/* What one read takes now, on a connection of its own; -ETIMEDOUT when there is no answer. */
int store_ping(int timeout_ms, double *seconds, struct err *err) must_check;
/* Names of the children; free with store_list_free(). */
int store_list(struct xen *xen, const struct store_txn *txn, const char *path, char ***names,
	       unsigned int *nr, struct err *err) must_check;
void store_list_free(char **names);
int store_write(struct xen *xen, const struct store_txn *txn, const char *path,
		const char *value, struct err *err) must_check;
int store_mkdir(struct xen *xen, const struct store_txn *txn, const char *path,
		struct err *err) must_check;
int store_rm(struct xen *xen, const struct store_txn *txn, const char *path,
	     struct err *err) must_check;

/* Who may read and write a node (nodes.h); owner is a domid. */
enum store_perm {
	STORE_INHERIT,		/* as the parent: no second request */
	STORE_PRIVATE,		/* owner 0, nobody else */
	STORE_GUEST_READ,	/* owner 0, the guest reads */
	STORE_GUEST_OWNS,	/* the guest owns it: it may do anything to it */
	STORE_FRONTEND,		/* the guest owns it, the peer reads (libxl's frontends) */
	STORE_BACKEND,		/* the peer owns it, the guest reads; peer 0: STORE_GUEST_READ */
	STORE_REMOVED,		/* in a list of nodes: it and all below it go */
};

/*
 * Watches path and all below it; events carry token. Watches have a connection of
 * their own, made by the first one: their events never mix with replies.
 */
int store_watch(struct xen *xen, const char *path, const char *token, struct err *err) must_check;
int store_unwatch(struct xen *xen, const char *path, const char *token, struct err *err) must_check;

/*
 * Takes one watch event that has arrived, without blocking: 1 and *token (owned by
 * the caller) written, 0 when there is none.
 */
int store_take_event(struct xen *xen, char **token, struct err *err) must_check;

/*
 * The descriptor that polls readable when a watch event has arrived; -1 before the
 * first watch. Take events until there is none before polling it.
 */
int store_fd(struct xen *xen);
/* Ends all watches; xen_close() does it. */
void store_watches_close(struct xen *xen);

/*
 * Waits for the next watch event: 0 and *token, -ETIMEDOUT after timeout_ms
 * (negative: for ever), -EINTR when the user interrupted. Never sets a message
 * for these two: the caller knows what it waited for.
 */
int store_wait_event(struct xen *xen, int timeout_ms, char **token, struct err *err) must_check;

/*
 * Returns when all that a process sent before it was killed has been carried out: xenstored
 * takes one request of each connection in turn, so as many of ours as it can have had
 * under way (STORE_NODES_BATCH) come after them.
 */
int store_settle(struct err *err) must_check;

/*
 * Returns when this kernel's backends have looked at all that was written before: it runs
 * their watches one after the other, and the last is ours.
 */
int store_kernel_settle(struct err *err) must_check;

/*
 * Tells xenstored of a domain's ring; it maps it through the grant table
 * (GNTTAB_RESERVED_XENSTORE), so the grants must stand before.
 */
int store_introduce(struct xen *xen, uint32_t domid, uint64_t gfn, uint32_t port,
		    struct err *err) must_check;
/* The domain that "xenstored" or "xenconsoled" runs in; 0 where nothing is said. */
int store_daemon_domid(struct xen *xen, const char *name, uint32_t *domid,
		       struct err *err) must_check;
/* False also when xenstored does not answer. */
bool store_is_introduced(struct xen *xen, uint32_t domid);
int store_release(struct xen *xen, uint32_t domid, struct err *err) must_check;

#endif
