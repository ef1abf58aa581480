/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be done to a vif while its domain runs, beside attach and detach. */
#ifndef DEVICES_NIC_H
#define DEVICES_NIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct xen;

/*
 * Sets the host's end of a vif up or down, and that of its emulated card: while it is down
 * nothing passes. -ENOENT when the domain has no such vif; -EOPNOTSUPP when another domain has
 * its backend. Nothing remembers it: a reboot makes a new link, which is up.
 */
int nic_set_link(struct xen *xen, uint32_t domid, uint32_t devid, bool up,
		 struct err *err) must_check;

#endif
