/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI devices as the store has them. Only dom0 writes what is read here. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "config/pci.h"
#include "kind.h"
#include "pcidev.h"
#include "pcihost.h"
#include "xen/domctl.h"
#include "xen/passthrough.h"
#include "xen/store.h"
#include "xen/xen.h"

#define ROOT "/libxl/pci"

/* What pciback could have in one bus's slots, and more than any guest has. */
#define SLOTS_MAX 256

enum { SLOTS_TRIES = 3 };

const char *pci_info_path(const struct pci_bdf *bdf, const char *name, char path[PCI_INFO_LEN])
{
	snprintf(path, PCI_INFO_LEN, ROOT "/%04x-%02x-%02x-%01x%s%s", bdf->domain & 0xffff,
		 bdf->bus & 0xff, bdf->dev & 0x1f, bdf->func & 7, *name ? "/" : "", name);
	return path;
}

int pci_info_read(struct xen *xen, const struct pci_bdf *bdf, const char *name, char **value,
		  struct err *err)
{
	char path[PCI_INFO_LEN];

	return store_read(xen, NULL, pci_info_path(bdf, name, path), value, err);
}

int pci_info_write(struct xen *xen, const struct pci_bdf *bdf, const char *name,
		   const char *value, struct err *err)
{
	char path[PCI_INFO_LEN];
	int rc;

	pci_info_path(bdf, name, path);
	if (value)
		return store_write(xen, NULL, path, value, err);
	rc = store_rm(xen, NULL, path, err);
	device_prune_folder(xen, pci_info_path(bdf, "", path));
	device_prune_folder(xen, ROOT);
	return rc;
}

static bool parse_folder(const char *text, struct pci_bdf *bdf)
{
	char path[PCI_INFO_LEN];

	return sscanf(text, "%4x-%2x-%2x-%1x", &bdf->domain, &bdf->bus, &bdf->dev,
		      &bdf->func) == 4 &&
	       strcmp(pci_info_path(bdf, "", path) + strlen(ROOT "/"), text) == 0;
}

int pci_find_name(struct xen *xen, const char *name, struct pci_bdf *bdf, struct err *err)
{
	scoped(free) char **folders = NULL;
	struct err ignored;	/* no such folder, or one without a name */
	unsigned int nr = 0;

	if (store_list(xen, NULL, ROOT, &folders, &nr, &ignored) < 0)
		nr = 0;
	for (unsigned int i = 0; i < nr; i++) {
		scoped(free) char *value = NULL;
		struct pci_bdf found;

		if (parse_folder(folders[i], &found) &&
		    pci_info_read(xen, &found, "name", &value, &ignored) == 0 &&
		    strcmp(value, name) == 0) {
			*bdf = found;
			return 0;
		}
	}
	return fail(err, ENOENT, "there is no PCI device of the name '%s' "
		    "(pci-assignable-list -n shows them)", name);
}

int pci_dev_bdf(struct xen *xen, const struct pci_dev *dev, struct pci_bdf *bdf, struct err *err)
{
	if (dev->name)
		return pci_find_name(xen, dev->name, bdf, err);
	*bdf = (struct pci_bdf){ dev->domain, dev->bus, dev->dev, dev->func };
	return 0;
}

static int read_slot(struct xen *xen, uint32_t domid, unsigned int i, struct pci_slot *slot,
		     struct err *err)
{
	scoped(free) char *dev = NULL;
	scoped(free) char *vdevfn = NULL;
	char path[DEVICE_PATH_LEN];
	int rc;

	snprintf(path, sizeof(path), "/local/domain/0/backend/pci/%u/0/dev-%u", domid, i);
	rc = store_read(xen, NULL, path, &dev, err);
	if (rc < 0)
		return rc;
	*slot = (struct pci_slot){ .index = i };
	if (!pci_bdf_parse(dev, &slot->bdf))
		return fail(err, EINVAL, "'%s' is no PCI address", path);
	snprintf(path, sizeof(path), "/local/domain/0/backend/pci/%u/0/vdevfn-%u", domid, i);
	rc = store_read(xen, NULL, path, &vdevfn, err);
	/* Without it the guest chooses the slot. */
	if (rc == 0)
		slot->vdevfn = (uint32_t)strtoul(vdevfn, NULL, 16) & 0xff;
	return rc == -ENOENT ? 0 : rc;
}

/* -ENOENT: one of those that are counted is not there. readable: such ones are passed over. */
static int read_slots(struct xen *xen, uint32_t domid, bool readable, struct pci_slot **slots,
		      size_t *nr, struct err *err)
{
	scoped(free) struct pci_slot *list = NULL;
	char path[DEVICE_PATH_LEN];
	uint64_t count = 0;
	size_t found = 0;
	int rc;

	snprintf(path, sizeof(path), "/local/domain/0/backend/pci/%u/0/num_devs", domid);
	rc = store_read_u64(xen, NULL, path, &count, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (count > SLOTS_MAX)
		return fail(err, EINVAL, "'%s' is more than %d", path, SLOTS_MAX);
	list = calloc(count + 1, sizeof(*list));
	if (!list)
		return fail_nomem(err);
	for (unsigned int i = 0; i < count; i++) {
		rc = read_slot(xen, domid, i, &list[found], err);
		if (rc < 0 && !(readable && (rc == -ENOENT || rc == -EINVAL)))
			return rc;
		found += rc == 0;
	}
	*slots = take(list);
	*nr = found;
	return 0;
}

int pci_slots(struct xen *xen, uint32_t domid, struct pci_slot **slots, size_t *nr,
	      struct err *err)
{
	int rc = read_slots(xen, domid, false, slots, nr, err);

	/* A detach has taken it away between two of our looks. */
	for (int i = 0; rc == -ENOENT && i < SLOTS_TRIES; i++)
		rc = read_slots(xen, domid, false, slots, nr, err);
	return rc == -ENOENT ? fail(err, EPROTO, "domain %u has fewer PCI devices than its backend "
				    "counts", domid) : rc;
}

int pci_slots_left(struct xen *xen, uint32_t domid, struct pci_slot **slots, size_t *nr,
		   struct err *err)
{
	int rc = pci_slots(xen, domid, slots, nr, err);

	if (rc != -EPROTO && rc != -EINVAL)
		return rc;
	log_warn("%s", err->msg);
	*nr = 0;
	rc = read_slots(xen, domid, true, slots, nr, err);
	return rc == -EINVAL ? 0 : rc;	/* not even their number */
}

int pci_user(struct xen *xen, const struct pci_bdf *bdf, uint32_t *domid, struct err *err)
{
	scoped(free) struct pci_slot *slots = NULL;
	struct domctl_info info;
	char path[PCI_INFO_LEN];
	uint64_t user = 0;
	size_t nr = 0;
	int rc = store_read_u64(xen, NULL, pci_info_path(bdf, "domid", path), &user, err);

	*domid = 0;
	if (rc == 0)
		rc = domctl_info(xen, (uint32_t)user, &info, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	rc = pci_slots(xen, (uint32_t)user, &slots, &nr, err);
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		if (pci_bdf_equal(&slots[i].bdf, bdf))
			*domid = (uint32_t)user;
	}
	return rc;
}

int pci_check_unused(struct xen *xen, const struct pci_bdf *bdf, uint32_t asker, struct err *err)
{
	char text[PCI_BDF_LEN];
	uint32_t user;
	int rc = pci_user(xen, bdf, &user, err);

	if (rc < 0 || !user)
		return rc;
	pci_bdf_text(bdf, text);
	if (user == asker)
		return fail(err, EEXIST, "PCI device %s is attached to domain %u already", text,
			    user);
	return fail(err, EBUSY, "PCI device %s is in use by domain %u", text, user);
}

int pci_claim(struct xen *xen, const struct pci_bdf *bdf, int *claim, struct err *err)
{
	int rc = pcihost_claim(bdf, claim, err);

	return rc < 0 ? rc : pci_check_unused(xen, bdf, 0, err);
}

int pci_cut(struct xen *xen, uint32_t domid, const struct pci_bdf *bdf, struct err *err)
{
	int rc = passthrough_deassign(xen, domid, pci_bdf_number(bdf), err);

	/* Without an IOMMU Xen cannot say whose it is; the store does. */
	if (rc == 0 || rc == -EOPNOTSUPP)
		pcihost_reset(bdf);
	/* It may not have come as far as Xen; there may be no IOMMU, or the domain be gone. */
	return rc == -ENODEV || rc == -EOPNOTSUPP || rc == -ESRCH ? 0 : rc;
}

static int remove_empty(struct xen *xen, const struct store_txn *txn, const char *dir,
			struct err *err)
{
	char **names = NULL;
	unsigned int nr = 0;
	int rc = store_list(xen, txn, dir, &names, &nr, err);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	store_list_free(names);
	return nr ? 0 : store_rm(xen, txn, dir, err);
}

int pci_forget(struct xen *xen, const struct store_txn *txn, uint32_t domid,
	       const struct pci_bdf *bdf, struct err *err)
{
	char path[PCI_INFO_LEN];
	uint64_t user;
	int rc = store_read_u64(xen, txn, pci_info_path(bdf, "domid", path), &user, err);

	if (rc < 0 || user != domid)
		return rc == -ENOENT || rc == 0 ? 0 : rc;
	rc = store_rm(xen, txn, path, err);
	if (rc == 0)
		rc = remove_empty(xen, txn, pci_info_path(bdf, "", path), err);
	return rc == 0 ? remove_empty(xen, txn, ROOT, err) : rc;
}

static int forget_folders(struct xen *xen, const struct store_txn *txn, uint32_t domid,
			  struct err *err)
{
	char **folders = NULL;
	unsigned int nr = 0;
	int rc = store_list(xen, txn, ROOT, &folders, &nr, err);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	for (unsigned int i = 0; i < nr && rc == 0; i++) {
		struct pci_bdf bdf;

		if (parse_folder(folders[i], &bdf))
			rc = pci_forget(xen, txn, domid, &bdf, err);
	}
	store_list_free(folders);
	return rc;
}

int pci_forget_all(struct xen *xen, uint32_t domid, struct err *err)
{
	int rc;

	do {
		scoped(store_txn) struct store_txn txn = STORE_TXN_INIT;

		rc = store_txn_start(xen, &txn, err);
		if (rc == 0)
			rc = forget_folders(xen, &txn, domid, err);
		if (rc == 0)
			rc = store_txn_commit(&txn, err);
	} while (rc == -EAGAIN);
	return rc;
}
