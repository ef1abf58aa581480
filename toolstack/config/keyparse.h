/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keys whose values take more than a kind and a range: the parse functions that
 * the rows of the key table name. Each has the type key_parse (keys.h).
 */
#ifndef CONFIG_KEYPARSE_H
#define CONFIG_KEYPARSE_H

#include "config/keys.h"

#define KEYPARSE(name)									\
	int keyparse_##name(struct key_reader *r, const struct key_row *row,		\
			    const struct cfg_setting *s, struct err *err)

KEYPARSE(name);
KEYPARSE(uuid);
KEYPARSE(seclabel);
KEYPARSE(vnuma);
KEYPARSE(cpus);
KEYPARSE(cpus_soft);
KEYPARSE(cpuid);
KEYPARSE(timer_mode);
KEYPARSE(bootloader_args);
KEYPARSE(pci_default);
KEYPARSE(rdm);
KEYPARSE(vfb);
KEYPARSE(vsnd);
KEYPARSE(viridian);
KEYPARSE(ms_vm_genid);
KEYPARSE(mca_caps);
KEYPARSE(smbios);
KEYPARSE(stdvga);
KEYPARSE(gfx_passthru);
KEYPARSE(sve);
KEYPARSE(arm_sci);
KEYPARSE(llc_colors);
KEYPARSE(xenstore_quota);

/* The cpus of a CPULIST on this host; NULL: a host of which nothing is known. */
int keyparse_cpulist(const struct config_host *host, const char *text, struct bitmap *out,
		     struct err *err) must_check;

#endif
