/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "types.h"

#include <string.h>
#include <strings.h>

#define LIST(...) (const char *const[]){ __VA_ARGS__ }
#define COUNT(...) (sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *))

/* The same words in both. */
#define NAMES(name, ...)                                                                           \
	const struct spec_names names_##name = { LIST(__VA_ARGS__), NULL, COUNT(__VA_ARGS__),      \
						 false }

NAMES(domain_type, NULL, "hvm", "pv", "pvh");
NAMES(tsc_mode, "default", "always_emulate", "native", "native_paravirt");
/* HVM_PARAM_TIMER_MODE's values plus one. */
NAMES(timer_mode, "unknown", "delay_for_missed_ticks", "no_delay_for_missed_ticks",
      "no_missed_ticks_pending", "one_missed_tick_pending");
NAMES(bios, "unknown", "rombios", "seabios", "ovmf");
NAMES(hdtype, NULL, "ide", "ahci");
NAMES(gfx_passthru, "default", "igd");
NAMES(vendor_device, "none", "xenserver");
NAMES(rdm_strategy, "ignore", "host");
NAMES(rdm_policy, NULL, "strict", "relaxed");
NAMES(altp2m, "disabled", "mixed", "external", "limited");
NAMES(passthrough, "default", "disabled", "enabled", "sync_pt", "share_pt");
NAMES(gic_version, "default", "v2", "v3");
NAMES(vuart, "unknown", "sbsa_uart");
NAMES(tee, "none", "optee", "ffa");
NAMES(arm_sci, "none", "scmi_smc");
NAMES(model_exit, "warn", "destroy", "preserve", "restart");

const struct spec_names names_action = {
	LIST(NULL, "destroy", "restart", "restart_rename", "preserve", "coredump_destroy",
	     "coredump_restart", "soft_reset"),
	LIST(NULL, "destroy", "restart", "rename-restart", "preserve", "coredump-destroy",
	     "coredump-restart", "soft-reset"),
	8, false,
};
const struct spec_names names_vga = {
	LIST("unknown", "cirrus", "std", "none", "qxl"),
	LIST(NULL, "cirrus", "stdvga", "none", "qxl"), 5, false,
};
const struct spec_names names_device_model = {
	LIST("unknown", "qemu_xen_traditional", "qemu_xen"),
	LIST(NULL, "qemu-xen-traditional", "qemu-xen"), 3, false,
};

const char *names_get(const struct spec_names *names, int value, bool json)
{
	if (value < 0 || (unsigned int)value >= names->nr)
		return NULL;
	return (json || !names->words ? names->json : names->words)[value];
}

int names_find(const struct spec_names *names, const char *name, bool json)
{
	/* Words that are xl's own are compared by xl, the others by libxl. */
	bool exact = !json && names->words;

	for (unsigned int i = 0; i < names->nr; i++) {
		const char *have = names_get(names, (int)i, json);

		if (have && (exact ? strcmp : strcasecmp)(have, name) == 0)
			return (int)i;
	}
	return -1;
}
