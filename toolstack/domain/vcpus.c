/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vcpus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "devices/device.h"
#include "lookup.h"
#include "xen/domctl.h"
#include "xen/store.h"
#include "xen/xen.h"

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
	enum domain_type type;
	struct domctl_info info;
	int rc = domctl_info(xen, domid, &info, err);

	if (rc < 0)
		return rc;
	if (nr == 0)
		return fail(err, EINVAL, "domain %u cannot run without vcpus", domid);
	if (nr > info.nr_vcpus)
		return fail(err, EINVAL, "domain %u cannot have %u vcpus: %u is its maximum "
			    "(maxvcpus)", domid, nr, info.nr_vcpus);
	rc = domain_get_type(xen, domid, &type, err);
	if (rc == 0 && type == DOMAIN_HVM)
		rc = devices_plug_vcpus(xen, domid, nr, err);
	if (rc < 0)
		return rc;
	do
		rc = write_all(xen, domid, nr, info.nr_vcpus, err);
	while (rc == -EAGAIN);
	return rc;
}
