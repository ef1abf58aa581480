/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "viridian.h"

#include <errno.h>
#include <stdbool.h>
#include <xen/hvm/params.h>

#include "base/scope.h"
#include "config/config.h"

/* libxl's groups in the order of their numbers, and what each means to Xen. */
static const struct group {
	const char *name;
	uint64_t bits;
	bool by_default;	/* viridian=1 */
} groups[] = {
	/* Xen has base and freq as one with a bit against freq. */
	{ "base", HVMPV_base_freq | HVMPV_no_freq, true },
	{ "freq", 0, true },
	{ "time_ref_count", HVMPV_time_ref_count, true },
	{ "reference_tsc", HVMPV_reference_tsc, false },
	{ "hcall_remote_tlb_flush", HVMPV_hcall_remote_tlb_flush, false },
	{ "apic_assist", HVMPV_apic_assist, true },
	{ "crash_ctl", HVMPV_crash_ctl, true },
	{ "synic", HVMPV_synic, false },
	/* These timers need what they count with and what they signal through. */
	{ "stimer", HVMPV_time_ref_count | HVMPV_synic | HVMPV_stimer, false },
	{ "hcall_ipi", HVMPV_hcall_ipi, false },
	{ "ex_processor_masks", HVMPV_ex_processor_masks, false },
	{ "no_vp_limit", HVMPV_no_vp_limit, true },
	{ "cpu_hotplug", HVMPV_cpu_hotplug, true },
};

enum { BASE, FREQ };

static bool has(uint64_t set, unsigned int i)
{
	return set >> i & 1;
}

int viridian_mask(const struct hvm_config *hvm, uint64_t *mask, struct err *err)
{
	uint64_t on = 0, bits = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(groups); i++) {
		if (has(hvm->viridian_enable, i) && has(hvm->viridian_disable, i))
			return fail(err, EINVAL, "viridian group %s is both on and off",
				    groups[i].name);
		if (has(hvm->viridian_disable, i) ||
		    (!has(hvm->viridian_enable, i) &&
		     !(hvm->viridian == TRI_TRUE && groups[i].by_default)))
			continue;
		on |= UINT64_C(1) << i;
		bits |= groups[i].bits;
	}
	if (on && !has(on, BASE))
		return fail(err, EINVAL, "viridian: the other groups need the group base");
	if (has(on, FREQ))
		bits &= ~(uint64_t)HVMPV_no_freq;
	*mask = bits;
	return 0;
}
