/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pci= and pci-attach specs: "[DDDD:]BB:DD.F[@SLOT][,key=value...]" or
 * "name=...,key=value..." (man xl-pci-configuration). F may be '*'.
 */
#ifndef CONFIG_PCI_H
#define CONFIG_PCI_H

#include "config/spec.h"

#define PCI_FUNC_ALL UINT32_MAX

struct pci {
	uint32_t func, dev, bus, domain;
	uint32_t vdevfn;		/* guest's slot << 3; 0: any */
	uint32_t vfunc_mask;		/* PCI_FUNC_ALL for '*'; 0 when found by name */
	bool msitranslate, power_mgmt, permissive, seize;
	enum rdm_policy rdm_policy;
	char *name;			/* of xl pci-assignable-add; else NULL */
};

#define PCI_INIT { .func = 0 }

int pci_parse(const char *spec, const struct spec_defaults *d, struct pci *out,
	      struct err *err) must_check;
void pci_free(struct pci *pci);
int pci_to_json(const struct pci *pci, json_t **out, struct err *err) must_check;
int pci_from_json(json_t *json, struct pci *out, struct err *err) must_check;

static inline void scoped_pci(struct pci *pci)
{
	pci_free(pci);
}

#endif
