/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of the enumerations in struct domain_config: as libxl's JSON has them
 * (libxl_types.idl) and, where these differ, as xl.cfg has them. The index is the
 * value in the struct.
 */
#ifndef CONFIG_TYPES_H
#define CONFIG_TYPES_H

#include "config/spec.h"

extern const struct spec_names names_domain_type, names_action, names_tsc_mode,
	names_timer_mode, names_bios, names_hdtype, names_vga, names_gfx_passthru,
	names_vendor_device, names_rdm_strategy, names_rdm_policy, names_altp2m,
	names_passthrough, names_device_model, names_gic_version, names_vuart, names_tee,
	names_arm_sci, names_model_exit;

/* The name in JSON (json = true) or in xl.cfg; NULL for a value without a name. */
const char *names_get(const struct spec_names *names, int value, bool json);

/* The value of a JSON or xl.cfg name; -1: unknown (spec_bad_enum() says so). */
int names_find(const struct spec_names *names, const char *name, bool json);

#endif
