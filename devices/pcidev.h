/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of PCI devices share. What the toolstacks know of a device of the host stands
 * in /libxl/pci/BDF: its name, who has it, and the driver it came from. Private to devices/.
 */
#ifndef DEVICES_PCIDEV_H
#define DEVICES_PCIDEV_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "pci.h"

struct device;
struct devices;
struct pci_range;
struct store_nodes;
struct store_txn;

/* One function that a guest gets: pcidev.c */
struct pci_function {
	struct pci_slot slot;
	const struct pci_dev *dev;	/* borrowed: what the config says of it */
	int claim;			/* pci_claim(), from its opening on; else -1 */
};

struct pci_plan {
	struct pci_function *functions;	/* owned; in the order of their slots */
	size_t nr;
	size_t nr_before;		/* slots that the domain has already */
	char *name;			/* owned: the domain's */
};

/* Pure: the nodes of its functions, and how many there are then. */
void pci_slot_nodes(const struct pci_plan *plan, const char *back, struct store_nodes *nodes);
/* Pure: that domid has them. */
void pci_user_nodes(const struct pci_plan *plan, uint32_t domid, struct store_nodes *nodes);

/* Lets the domain use these ports or this memory of a device, or no longer. */
int pci_allow(struct xen *xen, uint32_t domid, const struct pci_range *range, bool allow,
	      struct err *err) must_check;
/* Lets the domain use them, as far as Xen goes; and QEMU, for HVM. */
int pci_give(struct devices *set, const struct pci_plan *plan, struct err *err) must_check;
int pci_plug(struct devices *set, struct device *dev, int64_t deadline,
	     struct err *err) must_check;

/* More functions for a domain that has some: pcilive.c */
int pci_grow(struct devices *set, struct device *dev, int64_t deadline,
	     struct err *err) must_check;

/* In the store: pcistore.c */

enum { PCI_INFO_LEN = 64 };
/* "/libxl/pci/0000-03-00-0", or its child; the text lies in path. */
const char *pci_info_path(const struct pci_bdf *bdf, const char *name, char path[PCI_INFO_LEN]);
/* name: "name", "domid" or "driver_path"; -ENOENT when there is none. */
int pci_info_read(struct xen *xen, const struct pci_bdf *bdf, const char *name, char **value,
		  struct err *err) must_check;
/* value NULL: removes it, and the folder with the last one. */
int pci_info_write(struct xen *xen, const struct pci_bdf *bdf, const char *name,
		   const char *value, struct err *err) must_check;

/* Who has bdf; 0: nobody. What stands in the store of a domain that is gone does not count. */
int pci_user(struct xen *xen, const struct pci_bdf *bdf, uint32_t *domid,
	     struct err *err) must_check;
/* -EBUSY when a domain has it, with its number; -EEXIST when that is asker, which 0 is not. */
int pci_check_unused(struct xen *xen, const struct pci_bdf *bdf, uint32_t asker,
		     struct err *err) must_check;
/* pcihost_claim() of one that no domain has: from then on it stays nobody's. */
int pci_claim(struct xen *xen, const struct pci_bdf *bdf, int *claim, struct err *err) must_check;

/* Takes it from a guest that has it as far as it is Xen's matter, and resets it. */
int pci_cut(struct xen *xen, uint32_t domid, const struct pci_bdf *bdf, struct err *err) must_check;
/* domid has it no more; what another has by now stays. */
int pci_forget(struct xen *xen, const struct store_txn *txn, uint32_t domid,
	       const struct pci_bdf *bdf, struct err *err) must_check;
/*
 * pci_slots() for a domain that goes: what its backend's nodes do not tell right, because a write was
 * refused or somebody broke them, is a warning, and not in the way of its end.
 */
int pci_slots_left(struct xen *xen, uint32_t domid, struct pci_slot **slots, size_t *nr,
		   struct err *err) must_check;
/* pci_forget() of all that it has, whatever its backend's nodes tell of them. */
int pci_forget_all(struct xen *xen, uint32_t domid, struct err *err) must_check;

/* With the guest's QEMU: pciqemu.c. Times as wait_now_ms(). */

/* *vdevfn: the guest's address that was asked for (0: any), then what it has. */
int pci_qemu_add(uint32_t domid, const struct pci_bdf *bdf, bool permissive, uint32_t *vdevfn,
		 int64_t deadline, struct err *err) must_check;
/* Asks the guest to let go of all, and waits until it has. -ETIMEDOUT: it has not. */
int pci_qemu_remove(uint32_t domid, const struct pci_slot *list, size_t nr, int64_t deadline,
		    struct err *err) must_check;
/* Pure: looks for a device of that id in the answer to query-pci. */
bool pci_qemu_find(const json_t *answer, const char *id, uint32_t *vdevfn);

#endif
