/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach.h"

#include <errno.h>

int domain_attach(struct xen *xen, uint32_t domid, const struct device_kind *kind, void *item,
		  struct err *err)
{
	(void)xen, (void)domid, (void)kind, (void)item;
	return fail(err, EOPNOTSUPP, "not supported yet");
}

int domain_detach(struct xen *xen, uint32_t domid, const struct device_kind *kind, uint32_t devid,
		  bool force, int timeout_ms, struct err *err)
{
	(void)xen, (void)domid, (void)kind, (void)devid, (void)force, (void)timeout_ms;
	return fail(err, EOPNOTSUPP, "not supported yet");
}
