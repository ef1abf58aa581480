/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files that an HVM guest starts from: hvmloader, and the BIOS that it puts in place; and
 * the hypervisor inside a PVH guest that runs a PV one there.
 */
#ifndef DOMAIN_FIRMWARE_H
#define DOMAIN_FIRMWARE_H

#include "base/err.h"

struct domain_config;

/* Paths, borrowed from the config or static; NULL where there is none. */
struct firmware {
	const char *loader;	/* hvmloader, or what the config has in its place */
	const char *system;	/* SeaBIOS, OVMF */
};

/*
 * What config names, else the first of the usual places that has it. -ENOENT names the package;
 * -EOPNOTSUPP for an OVMF that was built without Xen: a guest would hang in it, without a word.
 */
int firmware_find(const struct domain_config *config, struct firmware *firmware,
		  struct err *err) must_check;

/* The shim for pvshim=1: pvshim_path, or found as above. */
int firmware_shim(const struct domain_config *config, const char **path,
		  struct err *err) must_check;

/* xl.cfg's word for what config has as its BIOS. Pure. */
const char *firmware_bios(const struct domain_config *config);

#endif
