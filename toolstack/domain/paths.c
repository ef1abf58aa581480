/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "paths.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "base/file.h"
#include "base/scope.h"
#include "config/config.h"
#include "config/disk.h"
#include "devices/device.h"

#define AT(member) offsetof(struct domain_config, member)

static const struct {
	const char *key;
	size_t at;
	bool guests;	/* with a bootloader */
} paths[] = {
	{ "kernel", AT(kernel), true },
	{ "ramdisk", AT(ramdisk), true },
	{ "device_model_override", AT(device_model), false },
	{ "firmware_override", AT(hvm.firmware), false },
	{ "bios_path_override", AT(hvm.system_firmware), false },
	{ "smbios_firmware", AT(hvm.smbios_firmware), false },
	{ "acpi_firmware", AT(hvm.acpi_firmware), false },
	{ "pvshim_path", AT(pvh.pvshim_path), false },
};

/* NULL: none, or none of the host's. */
static const char *get(const struct domain_config *config, size_t i)
{
	const char *path = *(char *const *)((const char *)config + paths[i].at);

	if (paths[i].guests && config->bootloader && config->type != DOMAIN_HVM)
		return NULL;
	return path && *path ? path : NULL;
}

int paths_make_absolute(struct domain_config *config, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(paths) && rc == 0; i++) {
		if (get(config, i))
			rc = file_absolute((char **)((char *)config + paths[i].at), err);
	}
	return rc;
}

static int check_absolute(const char *key, const char *path, struct err *err)
{
	return *path == '/' ? 0 : fail(err, EINVAL, "%s '%s': give the whole path: the restart "
				       "that it is for is made from another folder", key, path);
}

static int check_there(const char *key, const char *path, struct err *err)
{
	return access(path, R_OK) == 0 ? 0 : fail_sys(err, errno, "%s '%s'", key, path);
}

static int check_all(const struct domain_config *config,
		     int (*check)(const char *key, const char *path, struct err *err),
		     struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(paths) && rc == 0; i++) {
		const char *path = get(config, i);

		rc = path ? check(paths[i].key, path, err) : 0;
	}
	for (size_t i = 0; i < config->nr_disks && rc == 0; i++) {
		const char *path = disk_file(&config->disks[i]);

		rc = path ? check("disk", path, err) : 0;
	}
	return rc;
}

int paths_check_absolute(const struct domain_config *config, struct err *err)
{
	return check_all(config, check_absolute, err);
}

int paths_check_there(const struct domain_config *config, struct err *err)
{
	return check_all(config, check_there, err);
}
