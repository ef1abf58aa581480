/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host's PCI devices: what sysfs says of them, who drives them, and xen-pciback, the driver
 * that holds those which guests may have. Numbers are the host's.
 */
#ifndef DEVICES_PCIHOST_H
#define DEVICES_PCIHOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "pci.h"

/* That and no other spelling. */
bool pci_bdf_parse(const char *text, struct pci_bdf *bdf);
bool pci_bdf_equal(const struct pci_bdf *a, const struct pci_bdf *b);

/*
 * Whether there is such a device that a guest could have, and xen-pciback to hold it: messages
 * begin with its address.
 */
int pcihost_check(const struct pci_bdf *bdf, struct err *err) must_check;

/* Bit n: the device has a function n. */
unsigned int pcihost_functions(const struct pci_bdf *bdf);

/*
 * Keeps others of us from giving the device to a guest, or taking it back, until *claim is closed.
 * -EBUSY when somebody is at that.
 */
int pcihost_claim(const struct pci_bdf *bdf, int *claim, struct err *err) must_check;

/* Whether xen-pciback has it. */
bool pcihost_is_bound(const struct pci_bdf *bdf);

/* All that it has, in order; the caller frees *list. */
int pcihost_bound(struct pci_bdf **list, size_t *nr, struct err *err) must_check;

/*
 * From its driver, if it has one, to xen-pciback, and back to none. *driver: the folder in
 * sysfs of the one that it had, or NULL; owned.
 */
int pcihost_bind(const struct pci_bdf *bdf, char **driver, struct err *err) must_check;
int pcihost_unbind(const struct pci_bdf *bdf, struct err *err) must_check;
/* Gives it to the driver of that folder. */
int pcihost_give(const struct pci_bdf *bdf, const char *driver, struct err *err) must_check;

/* Stops all that it does, as far as it can be stopped: not every device has a reset. */
void pcihost_reset(const struct pci_bdf *bdf);

/* The guest may write all of its configuration space. */
int pcihost_permit(const struct pci_bdf *bdf, struct err *err) must_check;

struct pci_range {
	uint64_t start, size;
	bool ports;		/* else memory */
};

struct pci_resources {
	struct pci_range ranges[PCI_FUNCTIONS];
	size_t nr;
	uint32_t irq;		/* 0: none */
};

int pcihost_resources(const struct pci_bdf *bdf, struct pci_resources *out,
		      struct err *err) must_check;

/* Pure: sysfs's file "resource", a line for each: start, end and flags. */
void pcihost_parse_resources(const char *text, struct pci_resources *out);

#endif
