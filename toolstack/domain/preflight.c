/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "preflight.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <uuid/uuid.h>

#include "affinity.h"
#include "base/file.h"
#include "base/findings.h"
#include "base/scope.h"
#include "boot.h"
#include "bootdisk.h"
#include "builders/builder.h"
#include "claim.h"
#include "config/config.h"
#include "create.h"
#include "devices/device.h"
#include "lookup.h"
#include "platform.h"
#include "room.h"
#include "xen/host.h"

void preflight_config(const struct domain_config *config, struct findings *out)
{
	for (size_t i = 0; i < DOMAIN_CONFIG_CHECKS; i++) {
		struct err err = ERR_INIT;

		if (domain_config_checks[i](config, &err) < 0)
			findings_add(out, FINDING_ERROR, "config", NULL, "%s", err.msg);
	}
}

/* Each file by itself: what reads them all stops at the first. Whether all of them are there. */
static bool check_files(const struct domain_config *config, struct findings *out)
{
	bool theirs = config->bootloader && config->type != DOMAIN_HVM;
	const struct {
		const char *key, *path;
	} files[] = {
		{ "kernel", theirs ? NULL : config->kernel },
		{ "ramdisk", theirs ? NULL : config->ramdisk },
		{ "firmware_override", config->hvm.firmware },
		{ "bios_path_override", config->hvm.system_firmware },
		{ "acpi_firmware", config->hvm.acpi_firmware },
		{ "smbios_firmware", config->hvm.smbios_firmware },
	};
	bool all = true;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		scoped(fd) int fd = -1;
		struct err err = ERR_INIT;
		size_t size;

		if (!files[i].path || !*files[i].path)
			continue;
		fd = file_open_regular(files[i].path, &size, &err);
		if (fd >= 0)
			continue;
		findings_add(out, FINDING_ERROR, "file", NULL, "%s: %s", files[i].key, err.msg);
		all = false;
	}
	return all;
}

/* What the host can run; type="auto" is settled by the kernel. */
static void check_platform(struct xen *xen, const struct domain_config *config,
			   struct platform *platform, struct findings *out, struct err *err)
{
	struct host_guests guests;
	int rc = host_guests(xen, &guests, err);

	if (rc == 0)
		rc = platform_plan(config, &guests, platform, err);
	if (rc < 0)
		findings_add(out, FINDING_ERROR, "host", NULL, "%s", err->msg);
}

/* Reads kernel, firmware or the guest's own disk as create does. */
static void check_boot(struct xen *xen, struct domain_config *config, struct platform *platform,
		       struct findings *out)
{
	scoped(image) struct image *image = NULL;
	struct err host = ERR_INIT, err = ERR_INIT;

	if (!config->type_auto)
		check_platform(xen, config, platform, out, &host);
	/* A config that is wrong in itself is nothing that can be read. */
	if (!check_files(config, out) || domain_check_config(config, &err) < 0)
		return;
	if (config->bootloader && config->type != DOMAIN_HVM && bootdisks_run_scripts(config)) {
		findings_add(out, FINDING_WARNING, "boot", NULL, "what it boots is not looked at: "
			     "that is on a disk that its script would have to bring up");
		return;
	}
	/* It ends with the platform, which was told before. */
	if (boot_load(xen, config, -1, &image, platform, &err) < 0 && strcmp(err.msg, host.msg) != 0)
		findings_add(out, FINDING_ERROR, "boot", NULL, "%s", err.msg);
}

static void check_memory(struct xen *xen, const struct domain_config *config,
			 const struct platform *platform, struct findings *out)
{
	struct err err = ERR_INIT;
	uint64_t dom0_kb;

	if (room_check(xen, config->target_memkb + platform->overhead_kb, &dom0_kb, &err) < 0)
		findings_add(out, FINDING_ERROR, "memory", NULL, "%s", err.msg);
	else if (dom0_kb)
		findings_add(out, FINDING_WARNING, "memory", NULL, "domain 0 would have to give %"
			     PRIu64 " MiB for it", (dom0_kb + 1023) >> 10);
}

static void refused(const struct err *err, void *arg)
{
	findings_add(arg, FINDING_ERROR, "device", NULL, "%s", err->msg);
}

static void check_devices(struct xen *xen, struct domain_config *config, struct findings *out)
{
	scoped(devices) struct devices devices = {
		.find_domain = domain_lookup, .refused = refused, .refused_arg = out,
	};
	struct err err = ERR_INIT;

	if (devices_prepare(&devices, xen, config, &err) < 0)
		refused(&err, out);
}

static void check_ids(struct xen *xen, struct domain_config *config, struct findings *out)
{
	struct err err = ERR_INIT;

	/* No uuid is a new one. */
	if (uuid_is_null(config->uuid))
		uuid_generate_random(config->uuid);
	if (config->name && claim_check(xen, config->name, config->uuid, &err) < 0)
		findings_add(out, FINDING_ERROR, "name", NULL, "%s", err.msg);
}

static void check_pool(struct xen *xen, const struct domain_config *config, struct findings *out)
{
	struct err err = ERR_INIT;
	uint32_t pool;

	if (affinity_pool(xen, config, &pool, &err) < 0)
		findings_add(out, FINDING_ERROR, "pool", NULL, "%s", err.msg);
}

void preflight_host(struct xen *xen, struct domain_config *config, struct findings *out)
{
	struct platform platform = { .overhead_kb = 0 };

	check_ids(xen, config, out);
	check_boot(xen, config, &platform, out);
	check_memory(xen, config, &platform, out);
	check_pool(xen, config, out);
	check_devices(xen, config, out);
}
