/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The disks and vifs whose backend is in this domain, while the toolstack is in another: what a
 * driver domain does for its guests. Their nodes are the toolstack's; here an image gets its loop
 * device, a link goes on its bridge, a script is run. When a device has closed, its nodes are
 * removed: that is what the toolstack waits for. Needs the store alone.
 */
#ifndef DEVICES_DRIVER_H
#define DEVICES_DRIVER_H

#include "base/err.h"

struct driver;
struct xen;

/* From here on nothing is missed. The store is open; it is not the toolstack's domain (-EINVAL). */
int driver_open(struct xen *xen, struct driver **driver, struct err *err) must_check;

/*
 * Serves until it is interrupted (-EINTR), or the store is lost. What is up stays up, and is the
 * next one's. What cannot be brought up is said in the log and in the device's hotplug-error.
 */
int driver_serve(struct driver *driver, struct err *err) must_check;

void driver_close(struct driver *driver);
static inline void scoped_driver(struct driver **driver)
{
	driver_close(*driver);
}

#endif
