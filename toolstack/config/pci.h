/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pci= and pci-attach specs: "[DDDD:]BB:DD.F[@SLOT][,key=value...]" or
 * "name=...,key=value..." (man xl-pci-configuration). F may be '*'.
 */
#ifndef CONFIG_PCI_H
#define CONFIG_PCI_H

#include "config/spec.h"

#define PCI_FUNC_ALL UINT32_MAX

struct pci_dev {
	uint32_t func, dev, bus, domain;
	uint32_t vdevfn;		/* guest's slot << 3; 0: any */
	uint32_t vfunc_mask;		/* PCI_FUNC_ALL for '*'; 0 when found by name */
	bool msitranslate, power_mgmt, permissive, seize;
	enum rdm_policy rdm_policy;
	char *name;			/* of xl pci-assignable-add; else NULL */
};

#define PCI_INIT { .func = 0 }

int pci_parse(const char *spec, const struct spec_defaults *d, struct pci_dev *out,
	      struct err *err) must_check;
void pci_free(struct pci_dev *pci);
int pci_to_json(const struct pci_dev *pci, json_t **out, struct err *err) must_check;
int pci_from_json(json_t *json, struct pci_dev *out, struct err *err) must_check;

static inline void scoped_pci(struct pci_dev *pci)
{
	pci_free(pci);
}

/* Memory that a passed-through device's firmware claims; only in libxl's JSON. */
struct rdm {
	uint64_t start, size;		/* bytes */
	enum rdm_policy policy;
};

int rdm_to_json(const struct rdm *rdm, json_t **out, struct err *err) must_check;
int rdm_from_json(json_t *json, struct rdm *out, struct err *err) must_check;

#endif
