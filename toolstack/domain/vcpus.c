/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vcpus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "xen/domctl.h"
#include "xen/store.h"
#include "xen/xen.h"

/* QEMU plugs the vcpus of an HVM guest; dom0 and what others made may have no type. */
static int check_type(struct xen *xen, uint32_t domid, struct err *err)
{
	scoped(free) char *type = NULL;
	char path[40];
	int rc;

	snprintf(path, sizeof(path), "/libxl/%u/type", domid);
	rc = store_read(xen, NULL, path, &type, err);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0 && strcmp(type, "hvm") == 0)
		return fail(err, EOPNOTSUPP, "domain %u is an HVM guest: its vcpus cannot be changed "
			    "yet", domid);
	return rc;
}

/* All or none: a guest that sees half of it would go there first. */
static int write_all(struct xen *xen, uint32_t domid, unsigned int nr, unsigned int max,
		     struct err *err)
{
	scoped(store_txn) struct store_txn txn = STORE_TXN_INIT;
	int rc = store_txn_start(xen, &txn, err);

	for (unsigned int i = 0; rc == 0 && i < max; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/local/domain/%u/cpu/%u/availability", domid, i);
		rc = store_write(xen, &txn, path, i < nr ? "online" : "offline", err);
	}
	return rc < 0 ? rc : store_txn_commit(&txn, err);
}

int domain_set_vcpus(struct xen *xen, uint32_t domid, unsigned int nr, struct err *err)
{
	struct domctl_info info;
	int rc = domctl_info(xen, domid, &info, err);

	if (rc < 0)
		return rc;
	if (nr == 0)
		return fail(err, EINVAL, "domain %u cannot run without vcpus", domid);
	if (nr > info.nr_vcpus)
		return fail(err, EINVAL, "domain %u cannot have %u vcpus: %u is its maximum "
			    "(maxvcpus)", domid, nr, info.nr_vcpus);
	rc = check_type(xen, domid, err);
	if (rc < 0)
		return rc;
	do
		rc = write_all(xen, domid, nr, info.nr_vcpus, err);
	while (rc == -EAGAIN);
	return rc;
}
