/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "base/scope.h"
#include "base/str.h"
#include "xen.h"

static xs_transaction_t txn_id(const struct store_txn *txn)
{
	return txn ? txn->id : XBT_NULL;
}

int store_txn_start(struct xen *xen, struct store_txn *txn, struct err *err)
{
	xs_transaction_t id = xs_transaction_start(xen->xs);

	if (id == XBT_NULL)
		return fail_sys(err, errno, "cannot start a xenstore transaction");
	*txn = (struct store_txn){ .xen = xen, .id = id };
	return 0;
}

int store_txn_commit(struct store_txn *txn, struct err *err)
{
	struct xs_handle *xs = txn->xen->xs;

	txn->xen = NULL;
	if (xs_transaction_end(xs, txn->id, false))
		return 0;
	if (errno == EAGAIN)
		return -EAGAIN;
	return fail_sys(err, errno, "cannot commit a xenstore transaction");
}

void scoped_store_txn(struct store_txn *txn)
{
	int saved = errno;

	if (txn->xen)
		xs_transaction_end(txn->xen->xs, txn->id, true);
	txn->xen = NULL;
	errno = saved;
}

int store_read(struct xen *xen, const struct store_txn *txn, const char *path, char **value,
	       struct err *err)
{
	unsigned int len;
	char *v = xs_read(xen->xs, txn_id(txn), path, &len);

	if (!v)
		return fail_sys(err, errno, "cannot read xenstore node '%s'", path);
	*value = v;
	return 0;
}

int store_read_u64(struct xen *xen, const struct store_txn *txn, const char *path,
		   uint64_t *value, struct err *err)
{
	scoped(free) char *text = NULL;
	char shown[40];
	int rc;

	rc = store_read(xen, txn, path, &text, err);
	if (rc < 0)
		return rc;
	if (str_to_u64(text, UINT64_MAX, value) < 0)
		return fail(err, EINVAL, "xenstore node '%s' holds '%s', not a number", path,
			    str_escape(text, strlen(text), shown, sizeof(shown)));
	return 0;
}

int store_list(struct xen *xen, const struct store_txn *txn, const char *path, char ***names,
	       unsigned int *nr, struct err *err)
{
	char **list = xs_directory(xen->xs, txn_id(txn), path, nr);

	if (!list)
		return fail_sys(err, errno, "cannot list xenstore node '%s'", path);
	*names = list;
	return 0;
}

void store_list_free(char **names)
{
	free(names);	/* libxenstore returns one block: pointers, then the strings */
}

int store_write(struct xen *xen, const struct store_txn *txn, const char *path,
		const char *value, struct err *err)
{
	if (!xs_write(xen->xs, txn_id(txn), path, value, (unsigned int)strlen(value)))
		return fail_sys(err, errno, "cannot write xenstore node '%s'", path);
	return 0;
}

int store_mkdir(struct xen *xen, const struct store_txn *txn, const char *path, struct err *err)
{
	if (!xs_mkdir(xen->xs, txn_id(txn), path))
		return fail_sys(err, errno, "cannot create xenstore node '%s'", path);
	return 0;
}

int store_rm(struct xen *xen, const struct store_txn *txn, const char *path, struct err *err)
{
	if (!xs_rm(xen->xs, txn_id(txn), path) && errno != ENOENT)
		return fail_sys(err, errno, "cannot remove xenstore node '%s'", path);
	return 0;
}

int store_introduce(struct xen *xen, uint32_t domid, uint64_t gfn, uint32_t port,
		    struct err *err)
{
	if (!xs_introduce_domain(xen->xs, domid, gfn, port))
		return fail_sys(err, errno, "xenstored refused domain %u", domid);
	return 0;
}

int store_daemon_domid(struct xen *xen, const char *name, uint32_t *domid, struct err *err)
{
	uint64_t value = 0;
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "/tool/%s/domid", name);
	rc = store_read_u64(xen, NULL, path, &value, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	*domid = (uint32_t)value;
	return 0;
}

bool store_is_introduced(struct xen *xen, uint32_t domid)
{
	return xs_is_domain_introduced(xen->xs, domid);
}

int store_release(struct xen *xen, uint32_t domid, struct err *err)
{
	if (!xs_release_domain(xen->xs, domid))
		return fail_sys(err, errno, "xenstored could not release domain %u", domid);
	return 0;
}
