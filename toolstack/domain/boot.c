/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot.h"

#include <errno.h>

#include "base/file.h"
#include "base/scope.h"
#include "base/str.h"
#include "bootload.h"
#include "builders/builder.h"
#include "config/config.h"
#include "firmware.h"
#include "hostparts.h"
#include "platform.h"
#include "xen/host.h"

/* QEMU reads them, and is there only once the domain is. */
static int check_direct_boot(const struct domain_config *config, struct err *err)
{
	const char *const paths[] = { config->kernel, config->ramdisk };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		scoped(fd) int fd = -1;
		size_t size;

		if (!paths[i])
			continue;
		fd = file_open_regular(paths[i], &size, err);
		if (fd < 0)
			return fail_in(err, i ? "ramdisk" : "kernel");
		if (size == 0)
			return fail(err, EINVAL, "%s '%s' is empty", i ? "ramdisk" : "kernel",
				    paths[i]);
	}
	return 0;
}

/* An HVM guest starts in its firmware; a kernel of its own is QEMU's to load. */
static int plan_firmware(const struct domain_config *config, struct builder_spec *spec,
			 struct err *err)
{
	struct firmware firmware;
	int rc = firmware_find(config, &firmware, err);

	if (rc < 0)
		return rc;
	spec->kernel = firmware.loader;
	spec->ramdisk = spec->cmdline = NULL;
	spec->system_firmware = firmware.system;
	spec->acpi_firmware = config->hvm.acpi_firmware;
	spec->smbios_firmware = config->hvm.smbios_firmware;
	spec->mmio_hole_kb = config->hvm.mmio_hole_memkb == CONFIG_MEMKB_DEFAULT ? 0 :
		config->hvm.mmio_hole_memkb;
	spec->apic = config->apic != TRI_FALSE;
	return check_direct_boot(config, err);
}

/* Out of the guest's own disk. */
static int plan_bootloader(struct xen *xen, const struct domain_config *config, int terminal,
			   struct builder_spec *spec, struct bootload *found, struct err *err)
{
	int rc = bootload_run(xen, config, terminal, found, err);

	if (rc < 0)
		return rc;
	spec->kernel = found->kernel;
	spec->ramdisk = *found->ramdisk ? found->ramdisk : NULL;
	spec->cmdline = found->cmdline;
	return 0;
}

/* The hypervisor that runs the config's kernel as a PV guest inside the domain. */
static int plan_shim(const struct domain_config *config, struct builder_spec *spec, char **cmdline,
		     struct err *err)
{
	const struct pvh_config *pvh = &config->pvh;
	const char *path;
	int rc = firmware_shim(config, &path, err);

	if (rc < 0)
		return rc;
	*cmdline = str_format("%s%s%s", pvh->pvshim_cmdline ? pvh->pvshim_cmdline :
			      "pv-shim console=xen,pv", pvh->pvshim_extra ? " " : "",
			      pvh->pvshim_extra ? pvh->pvshim_extra : "");
	spec->payload = spec->kernel;
	spec->payload_cmdline = spec->cmdline;
	spec->kernel = path;
	spec->cmdline = *cmdline;
	return *cmdline ? 0 : fail_nomem(err);
}

int boot_load(struct xen *xen, struct domain_config *config, int terminal, struct image **image,
	      struct platform *platform, struct err *err)
{
	static const enum builder_type types[] = {
		[DOMAIN_PV] = BUILDER_PV, [DOMAIN_PVH] = BUILDER_PVH, [DOMAIN_HVM] = BUILDER_HVM,
	};
	/* Video memory is the guest's as well, but QEMU's to place. */
	uint64_t video_kb = config->type == DOMAIN_PV ? 0 : config->video_memkb;
	struct host_guests guests = { .pv = true };
	struct builder_spec spec = {
		.type = types[config->type],
		.kernel = config->kernel,
		.ramdisk = config->ramdisk,
		.cmdline = config->cmdline,
		.memory_kb = config->target_memkb - video_kb,
		.max_memory_kb = config->max_memkb - video_kb,
		.max_vcpus = config->max_vcpus,
		.vcpus = config->vcpus,
		.acpi = config->acpi != TRI_FALSE,
		.host_map = config->e820_host == TRI_TRUE,
		.claim = config->claim_mode != TRI_FALSE,
	};
	scoped(bootload) struct bootload found = BOOTLOAD_INIT;
	scoped(free) char *shim_cmdline = NULL;
	bool shim = config->type == DOMAIN_PVH && config->pvh.pvshim == TRI_TRUE;
	int rc = config->type == DOMAIN_PV && !hostparts_wants_iommu(config) ? 0 :
		host_guests(xen, &guests, err);

	if (rc == 0 && config->type == DOMAIN_HVM)
		rc = plan_firmware(config, &spec, err);
	else if (rc == 0 && config->bootloader)
		rc = plan_bootloader(xen, config, terminal, &spec, &found, err);
	if (rc == 0 && shim)
		rc = plan_shim(config, &spec, &shim_cmdline, err);
	if (rc < 0)
		return rc;
	if (config->type_auto && !shim)
		spec.type = platform_may_be_pvh(config, &guests) ? BUILDER_AUTO : BUILDER_PV;
	rc = builder_load(xen, &spec, image, err);
	if (rc < 0)
		return rc;
	if (config->type_auto)
		config->type = builder_type(*image) == BUILDER_PVH ? DOMAIN_PVH : DOMAIN_PV;
	config->type_auto = false;
	return platform_plan(config, &guests, platform, err);
}
