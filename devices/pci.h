/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PCI devices: those of the host that guests may have, and those that a guest has. All that
 * a guest has are one device of the kind "pci" (number 0) with a slot for each function.
 * For who uses devices/: beside device.h.
 */
#ifndef DEVICES_PCI_H
#define DEVICES_PCI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct device_entry;
struct pci_dev;
struct xen;

struct pci_bdf {
	uint32_t domain, bus, dev, func;
};

enum { PCI_BDF_LEN = 16, PCI_FUNCTIONS = 8 };

/* "0000:03:00.1"; the text lies in buf. */
const char *pci_bdf_text(const struct pci_bdf *bdf, char buf[PCI_BDF_LEN]);

struct pci_slot {
	struct pci_bdf bdf;
	uint32_t index;			/* in the store */
	uint32_t vdevfn;		/* the guest's device << 3 | function; 0: it chose itself */
};

/* What domid has; the caller frees *slots. None is no failure. */
int pci_slots(struct xen *xen, uint32_t domid, struct pci_slot **slots, size_t *nr,
	      struct err *err) must_check;

struct pci_assignable {
	struct pci_bdf bdf;
	char *name;			/* owned; NULL: it has none */
};

/* What xen-pciback holds and no guest has; -ENOENT when xen-pciback is not loaded. */
int pci_assignable_list(struct xen *xen, struct pci_assignable **list, size_t *nr,
			struct err *err) must_check;
void pci_assignable_free(struct pci_assignable *list, size_t nr);

/*
 * Takes a device from its driver, which is remembered, for guests; name may be NULL: it has none
 * then. One that is assignable already has its name replaced.
 */
int pci_assignable_add(struct xen *xen, const struct pci_bdf *bdf, const char *name,
		       struct err *err) must_check;

/*
 * Takes it from xen-pciback; rebind: gives it to the driver that it came from. -EBUSY names the
 * domain that has it.
 */
int pci_assignable_remove(struct xen *xen, const struct pci_bdf *bdf, bool rebind,
			  struct err *err) must_check;

/* The device that was given that name; -ENOENT names it. */
int pci_find_name(struct xen *xen, const char *name, struct pci_bdf *bdf,
		  struct err *err) must_check;

/* The address that a config gives, or the device of the name that it gives. */
int pci_dev_bdf(struct xen *xen, const struct pci_dev *dev, struct pci_bdf *bdf,
		struct err *err) must_check;

/*
 * Takes what dev says (all functions of it with '*'; NULL: all devices) from a domain that runs;
 * entry is its device of the kind "pci". *taken gets the addresses; the caller frees it. *nr 0: the
 * domain has no such. -EBUSY: the guest did not let go in timeout_ms, and not forced.
 */
int pci_detach(struct xen *xen, const struct device_entry *entry, bool hvm,
	       const struct pci_dev *dev, bool force, int timeout_ms, struct pci_slot **taken,
	       size_t *nr, struct err *err) must_check;

/* A number that is this device's alone, in libxl's JSON. */
uint32_t pci_bdf_number(const struct pci_bdf *bdf);

/* An entry of libxl's JSON for all functions (BB:DD.*) of bdf's device becomes one for each. */
int pci_json_split(json_t *config, const struct pci_bdf *bdf, struct err *err) must_check;

#endif
