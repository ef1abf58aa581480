/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "platform.h"

#include <errno.h>
#include <inttypes.h>

#include "builders/builder.h"
#include "config/config.h"
#include "xen/domctl.h"
#include "xen/host.h"

/* What libxl counts, so that both take the same guests on the same host. */
enum { PV_OVERHEAD_KB = 1024, HVM_OVERHEAD_KB = 2048, VCPU_OVERHEAD_KB = 1024 };

/* HVMPTM_no_delay_for_missed_ticks, libxl's default; config counts from 1 */
enum { TIMER_MODE_DEFAULT = 1 };

static int check_pvh(const struct domain_config *config, struct err *err)
{
	/* Numbers of config.h: 1 is "disabled". */
	if (config->passthrough > 1)
		return fail(err, EINVAL, "passthrough is not possible for PVH guests: Xen has none "
			    "for them");
	if (config->pvh.pvshim == TRI_TRUE)
		return fail(err, EOPNOTSUPP, "pvshim is not supported yet: give a kernel with PVH "
			    "support, or type=\"pv\"");
	/* type="auto" is PV with more. */
	if (!config->type_auto && config->max_vcpus > BUILDER_PVH_MAX_VCPUS)
		return fail(err, EINVAL, "a PVH guest cannot have %u vcpus: %d is the most",
			    config->max_vcpus, BUILDER_PVH_MAX_VCPUS);
	return 0;
}

int platform_check(const struct domain_config *config, struct err *err)
{
	if (config->type == DOMAIN_PVH)
		return check_pvh(config, err);
	if (config->type != DOMAIN_PV)
		return fail(err, EOPNOTSUPP, "type '%s' is not supported yet: this version creates "
			    "PV and PVH guests", config_type_name(config->type));
	return 0;
}

bool platform_may_be_pvh(const struct domain_config *config, const struct host_guests *guests)
{
	return guests->hvm && config->max_vcpus <= BUILDER_PVH_MAX_VCPUS;
}

/* As libxl: 1 MiB for each vcpu and a page for each MiB, two when Xen keeps shadows. */
static uint64_t paging_kb(const struct domain_config *config, bool hap)
{
	if (config->shadow_memkb != CONFIG_MEMKB_DEFAULT)
		return config->shadow_memkb;
	return (uint64_t)config->max_vcpus * VCPU_OVERHEAD_KB +
		4 * (hap ? 1 : 2) * (config->max_memkb / 1024);
}

int platform_plan(const struct domain_config *config, const struct host_guests *guests,
		  struct platform *out, struct err *err)
{
	struct platform platform = { .pv = config->type == DOMAIN_PV };

	if (platform.pv) {
		platform.overhead_kb = PV_OVERHEAD_KB +
			(uint64_t)config->max_vcpus * VCPU_OVERHEAD_KB;
		*out = platform;
		return 0;
	}
	if (!guests->hvm)
		return fail(err, ENODEV, "this host cannot run PVH guests: its processors offer no "
			    "virtualization, or the firmware has switched it off");
	platform.hap = config->hap == TRI_DEFAULT ? guests->hap : config->hap == TRI_TRUE;
	if (platform.hap && !guests->hap)
		return fail(err, ENODEV, "hap=1, but this host has no hardware assisted paging");
	if (!platform.hap && !guests->shadow)
		return fail(err, ENODEV, "%s, and this hypervisor has no shadow paging",
			    config->hap == TRI_FALSE ? "hap=0" :
			    "this host has no hardware assisted paging");
	platform.oos_off = config->oos == TRI_FALSE;
	platform.paging_kb = paging_kb(config, platform.hap);
	platform.overhead_kb = HVM_OVERHEAD_KB + platform.paging_kb;
	*out = platform;
	return 0;
}

int platform_set_up(struct xen *xen, uint32_t domid, const struct domain_config *config,
		    const struct platform *platform, struct err *err)
{
	struct domctl_platform how = {
		.timer_mode = config->timer_mode ? (unsigned int)config->timer_mode - 1 :
			TIMER_MODE_DEFAULT,
		.altp2m = (unsigned int)config->altp2m,
	};
	int rc;

	if (platform->pv)
		return 0;
	rc = domctl_set_platform(xen, domid, &how, err);
	if (rc < 0)
		return rc;
	return domctl_set_paging_memory(xen, domid, platform->paging_kb, err);
}
