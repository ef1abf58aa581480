/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "platform.h"

#include <errno.h>
#include <inttypes.h>

#include "builders/builder.h"
#include "config/config.h"
#include "config/platform.h"
#include "hostparts.h"
#include "viridian.h"
#include "xen/domctl.h"
#include "xen/host.h"

/* What libxl counts, so that both take the same guests on the same host. */
enum { PV_OVERHEAD_KB = 1024, HVM_OVERHEAD_KB = 2048, VCPU_OVERHEAD_KB = 1024 };

/* What hvmloader and SeaBIOS have been seen to come up in. */
enum { HVM_LEAST_KB = 8 * 1024 };

/* HVMPTM_no_delay_for_missed_ticks, libxl's default; config counts from 1 */
enum { TIMER_MODE_DEFAULT = 1 };

static int check_pvh(const struct domain_config *config, struct err *err)
{
	/* Numbers of config.h: 1 is "disabled". */
	if (config->passthrough > 1)
		return fail(err, EINVAL, "passthrough is not possible for PVH guests: Xen has none "
			    "for them");
	/* type="auto" is PV with more. */
	if (!config->type_auto && config->max_vcpus > BUILDER_HVM_MAX_VCPUS)
		return fail(err, EINVAL, "a PVH guest cannot have %u vcpus: %d is the most",
			    config->max_vcpus, BUILDER_HVM_MAX_VCPUS);
	return 0;
}

/* A guest that gets its memory page by page, or in several views, cannot have everything else. */
static int check_memory_views(const struct domain_config *config, struct err *err)
{
	bool altp2m = config->altp2m ||
		(config->type == DOMAIN_HVM && config->hvm.altp2m == TRI_TRUE);
	bool on_demand = config->target_memkb < config->max_memkb;

	if (altp2m && config->nested_hvm == TRI_TRUE)
		return fail(err, EINVAL, "nestedhvm and altp2m are not possible together");
	if (altp2m && on_demand)
		return fail(err, EINVAL, "altp2m is not possible with memory less than maxmem");
	/* Numbers of config.h: 1 is "disabled". */
	if (on_demand && (config->passthrough > 1 || config->nr_pcidevs))
		return fail(err, EINVAL, "passthrough is not possible with memory (%" PRIu64
			    " MiB) less than maxmem (%" PRIu64 " MiB)", config->target_memkb >> 10,
			    config->max_memkb >> 10);
	return 0;
}

static int check_video(const struct domain_config *config, struct err *err)
{
	uint64_t least_kb = config_video_memkb(config);

	if (config->video_memkb < least_kb)
		return fail(err, EINVAL, "videoram is %" PRIu64 " MiB, but this vga needs %" PRIu64
			    " MiB", config->video_memkb >> 10, least_kb >> 10);
	if (config->target_memkb < config->video_memkb + HVM_LEAST_KB)
		return fail(err, EINVAL, "memory is %" PRIu64 " MiB, but an HVM guest needs at "
			    "least %" PRIu64 " MiB: %d and %" PRIu64 " for its video card",
			    config->target_memkb >> 10, (config->video_memkb + HVM_LEAST_KB) >> 10,
			    HVM_LEAST_KB >> 10, config->video_memkb >> 10);
	return 0;
}

static int check_hvm(const struct domain_config *config, struct err *err)
{
	uint64_t mask;
	int rc;

	if (config->max_vcpus > BUILDER_HVM_MAX_VCPUS)
		return fail(err, EINVAL, "an HVM guest cannot have %u vcpus: %d is the most",
			    config->max_vcpus, BUILDER_HVM_MAX_VCPUS);
	/* Numbers of config.h. */
	if (config->hvm.bios == 1)
		return fail(err, EOPNOTSUPP, "bios=\"rombios\" was qemu-xen-traditional's: use "
			    "seabios");
	if (!config->kernel && (config->ramdisk || config->cmdline))
		return fail(err, EINVAL, "%s belongs to a kernel, and the config gives none",
			    config->ramdisk ? "ramdisk" : "a kernel command line");
	if (config->hvm.rdm_strategy == RDM_STRATEGY_HOST)
		return fail(err, EOPNOTSUPP, "rdm=\"strategy=host\" is not supported: only memory "
			    "that the guest's own devices claim is looked at");
	rc = check_video(config, err);
	return rc < 0 ? rc : viridian_mask(&config->hvm, &mask, err);
}

static int check_videoram(const struct domain_config *config, struct err *err)
{
	if (config->video_memkb && config->video_memkb >= config->target_memkb)
		return fail(err, EINVAL, "videoram (%" PRIu64 " MiB) is all of memory (%" PRIu64
			    " MiB)", config->video_memkb >> 10, config->target_memkb >> 10);
	return 0;
}

int platform_check(const struct domain_config *config, struct err *err)
{
	int rc;

	/* With devices of the host type="auto" becomes PV. */
	if (config->type == DOMAIN_PV || (config->type_auto && hostparts_wants_iommu(config)))
		return check_videoram(config, err);
	rc = config->type == DOMAIN_HVM ? check_hvm(config, err) : check_pvh(config, err);
	if (rc == 0)
		rc = check_videoram(config, err);
	return rc < 0 ? rc : check_memory_views(config, err);
}

bool platform_may_be_pvh(const struct domain_config *config, const struct host_guests *guests)
{
	return guests->hvm && config->max_vcpus <= BUILDER_HVM_MAX_VCPUS &&
	       !hostparts_wants_iommu(config);
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
	int rc;

	if (platform.pv) {
		platform.overhead_kb = PV_OVERHEAD_KB +
			(uint64_t)config->max_vcpus * VCPU_OVERHEAD_KB;
		rc = hostparts_plan(config, guests, &platform, err);
		if (rc == 0)
			*out = platform;
		return rc;
	}
	if (!guests->hvm)
		return fail(err, ENODEV, "this host cannot run %s guests: its processors offer no "
			    "virtualization, or the firmware has switched it off",
			    config->type == DOMAIN_HVM ? "HVM" : "PVH");
	platform.hap = config->hap == TRI_DEFAULT ? guests->hap : config->hap == TRI_TRUE;
	if (platform.hap && !guests->hap)
		return fail(err, ENODEV, "hap=1, but this host has no hardware assisted paging");
	if (!platform.hap && !guests->shadow)
		return fail(err, ENODEV, "%s, and this hypervisor has no shadow paging",
			    config->hap == TRI_FALSE ? "hap=0" :
			    "this host has no hardware assisted paging");
	if (!platform.hap && config->nested_hvm == TRI_TRUE)
		return fail(err, EINVAL, "nestedhvm needs hardware assisted paging (hap)");
	if (config->vpmu == TRI_TRUE && !guests->vpmu)
		return fail(err, ENODEV, "vpmu=1, but this hypervisor offers no virtual performance "
			    "counters (Xen's option vpmu)");
	platform.oos_off = config->oos == TRI_FALSE;
	platform.paging_kb = paging_kb(config, platform.hap);
	platform.overhead_kb = HVM_OVERHEAD_KB + platform.paging_kb;
	rc = hostparts_plan(config, guests, &platform, err);
	if (rc == 0)
		*out = platform;
	return rc;
}

int32_t platform_clock_offset(const struct domain_config *config, time_t now)
{
	struct tm local;

	if (config->localtime != TRI_TRUE || !localtime_r(&now, &local))
		return config->rtc_timeoffset;
	return config->rtc_timeoffset + (int32_t)local.tm_gmtoff;
}

int platform_set_up(struct xen *xen, uint32_t domid, const struct domain_config *config,
		    const struct platform *platform, struct err *err)
{
	const struct hvm_config *hvm = &config->hvm;
	struct domctl_platform how = {
		.timer_mode = config->timer_mode ? (unsigned int)config->timer_mode - 1 :
			TIMER_MODE_DEFAULT,
		.altp2m = (unsigned int)config->altp2m,
		.pc = config->type == DOMAIN_HVM,
	};
	int rc = 0;

	if (platform->pv)
		return 0;
	if (how.pc) {
		/* altp2mhvm=1 of old is "mixed". */
		how.altp2m = how.altp2m ? how.altp2m : hvm->altp2m == TRI_TRUE;
		how.hpet = hvm->hpet != TRI_FALSE;
		how.vpt_align = hvm->vpt_align != TRI_FALSE;
		how.mca_caps = hvm->mca_caps;
		rc = viridian_mask(hvm, &how.viridian, err);
	}
	if (rc == 0)
		rc = domctl_set_platform(xen, domid, &how, err);
	if (rc == 0)
		rc = domctl_set_paging_memory(xen, domid, platform->paging_kb, err);
	return rc;
}
