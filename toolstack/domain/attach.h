/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One device to or from a domain that exists. Both hold libxl's userdata lock, so that
 * no two toolstacks change one domain's devices at once, and keep libxl's JSON in step:
 * `xl list -l`, a reboot and the other toolstack's commands see the change.
 */
#ifndef DOMAIN_ATTACH_H
#define DOMAIN_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct device_kind;
struct pci_dev;
struct xen;

/*
 * item is the kind's struct of the config (struct disk for a vbd), parsed and without
 * defaults; what was chosen (devid, MAC) is in it afterwards. A devid of -1 becomes the
 * first free one. -EEXIST when the domain has a device of that number, -ENOENT
 * when there is no such domain. A failure, and SIGINT, leave nothing behind.
 */
int domain_attach(struct xen *xen, uint32_t domid, const struct device_kind *kind, void *item,
		  struct err *err) must_check;

/*
 * The guest is asked to let go of the device and has timeout_ms for it; then -EBUSY
 * names the states of both ends, or, with force, it goes all the same.
 * -ENOENT when the domain has no such device.
 */
int domain_detach(struct xen *xen, uint32_t domid, const struct device_kind *kind, uint32_t devid,
		  bool force, int timeout_ms, struct err *err) must_check;

/* The same for PCI devices, which are found by what the config would say of them. */
int domain_detach_pci(struct xen *xen, uint32_t domid, const struct pci_dev *dev, bool force,
		      int timeout_ms, struct err *err) must_check;

#endif
