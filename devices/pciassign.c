/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices of the host that guests may have: xen-pciback holds them, Xen lets them do nothing,
 * and the store says where they came from. As libxl leaves it, so that each undoes the other.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/scope.h"
#include "pcidev.h"
#include "pcihost.h"
#include "xen/passthrough.h"
#include "xen/xen.h"

enum { NAME_MAX_LEN = 64 };	/* libxl's */

void pci_assignable_free(struct pci_assignable *list, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free(list[i].name);
	free(list);
}

int pci_assignable_list(struct xen *xen, struct pci_assignable **list, size_t *nr,
			struct err *err)
{
	scoped(free) struct pci_bdf *bound = NULL;
	struct pci_assignable *found;
	size_t nr_bound = 0, count = 0;
	int rc = pcihost_bound(&bound, &nr_bound, err);

	if (rc < 0)
		return rc;
	found = calloc(nr_bound + 1, sizeof(*found));
	if (!found)
		return fail_nomem(err);
	for (size_t i = 0; i < nr_bound && rc == 0; i++) {
		struct err ignored;	/* it has no name */
		uint32_t user = 0;

		rc = pci_user(xen, &bound[i], &user, err);
		if (rc < 0 || user)
			continue;
		found[count].bdf = bound[i];
		if (pci_info_read(xen, &bound[i], "name", &found[count].name, &ignored) < 0)
			found[count].name = NULL;
		count++;
	}
	if (rc < 0) {
		pci_assignable_free(found, count);
		return rc;
	}
	*list = found;
	*nr = count;
	return 0;
}

static int check_name(const char *name, struct err *err)
{
	if (strlen(name) > NAME_MAX_LEN)
		return fail(err, ENAMETOOLONG, "a name has at most %d characters", NAME_MAX_LEN);
	for (const char *p = name; *p; p++) {
		if (!isgraph((unsigned char)*p))
			return fail(err, EINVAL, "a name has neither blanks nor control characters");
	}
	return *name ? 0 : fail(err, EINVAL, "the name is empty");
}

/* Nobody but its own driver may have it: what it is doing there is our caller's concern. */
static int bind(struct xen *xen, const struct pci_bdf *bdf, const char *text, struct err *err)
{
	scoped(free) char *driver = NULL;
	scoped(free) char *was = NULL;
	struct err why;		/* that nothing is known of it is no failure */
	int rc = pcihost_bind(bdf, &driver, err);

	if (rc < 0)
		return rc;
	if (driver) {
		rc = pci_info_write(xen, bdf, "driver_path", driver, err);
		/* Nobody would know any more which it was. */
		if (rc < 0 && (pcihost_unbind(bdf, &why) < 0 || pcihost_give(bdf, driver, &why) < 0))
			log_warn("PCI device %s: %s", text, why.msg);
		return rc;
	}
	if (pci_info_read(xen, bdf, "driver_path", &was, &why) < 0)
		log_info("PCI device %s had no driver: none will be given back to it", text);
	return 0;
}

static int rebind_driver(struct xen *xen, const struct pci_bdf *bdf, const char *text,
			 struct err *err)
{
	scoped(free) char *driver = NULL;
	struct err ignored;	/* it had none, or nobody knows */
	int rc;

	if (pci_info_read(xen, bdf, "driver_path", &driver, &ignored) < 0) {
		log_warn("PCI device %s: nobody knows which driver it had", text);
		return 0;
	}
	rc = pcihost_give(bdf, driver, err);
	return rc < 0 ? rc : pci_info_write(xen, bdf, "driver_path", NULL, err);
}

static int release(struct xen *xen, const struct pci_bdf *bdf, const char *text, bool rebind,
		   struct err *err)
{
	struct err ignored;
	int rc;

	/* Without an IOMMU Xen never had it; else its own driver would not work. */
	if (passthrough_deassign(xen, PASSTHROUGH_QUARANTINE, pci_bdf_number(bdf), &ignored) < 0)
		log_debug("PCI device %s: %s", text, ignored.msg);
	rc = pcihost_unbind(bdf, err);
	if (rc == 0 && rebind)
		rc = rebind_driver(xen, bdf, text, err);
	if (rc == 0)
		rc = pci_info_write(xen, bdf, "name", NULL, err);
	return rc < 0 ? fail_in(err, "PCI device %s", text) : 0;
}

/* Out of xen-pciback again, when Xen does not take what it got. */
static void give_back(struct xen *xen, const struct pci_bdf *bdf, const char *text)
{
	struct err err;

	if (release(xen, bdf, text, true, &err) < 0)
		log_warn("%s", err.msg);
}

int pci_assignable_add(struct xen *xen, const struct pci_bdf *bdf, const char *name,
		       struct err *err)
{
	char text[PCI_BDF_LEN];
	int rc = name ? check_name(name, err) : 0;
	bool fresh;

	pci_bdf_text(bdf, text);
	if (rc == 0)
		rc = pcihost_check(bdf, err);
	if (rc < 0)
		return rc;
	fresh = !pcihost_is_bound(bdf);
	if (!fresh)
		log_info("PCI device %s is assignable already", text);
	rc = fresh ? bind(xen, bdf, text, err) : 0;
	if (rc == 0)
		rc = pci_info_write(xen, bdf, "name", name, err);
	/* A guest that has it keeps it. */
	if (rc == 0 && fresh)
		rc = passthrough_assign(xen, PASSTHROUGH_QUARANTINE, pci_bdf_number(bdf), false, err);
	if (rc == 0)
		return 0;
	rc = fail_in(err, "PCI device %s", text);
	if (fresh && pcihost_is_bound(bdf))
		give_back(xen, bdf, text);
	return rc;
}

int pci_assignable_remove(struct xen *xen, const struct pci_bdf *bdf, bool rebind,
			  struct err *err)
{
	scoped(fd) int claim = -1;
	char text[PCI_BDF_LEN];
	int rc = pcihost_check(bdf, err);

	pci_bdf_text(bdf, text);
	if (rc == 0)
		rc = pci_claim(xen, bdf, &claim, err);
	if (rc < 0)
		return rc;
	if (!pcihost_is_bound(bdf))
		log_warn("PCI device %s is not held by xen-pciback", text);
	return release(xen, bdf, text, rebind, err);
}
