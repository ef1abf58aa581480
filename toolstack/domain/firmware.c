/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firmware.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"
#include "config/config.h"

#ifndef XEN_BUILT_VERSION
#define XEN_BUILT_VERSION "4.17"
#endif

/* Numbers of config.h. */
enum { BIOS_UNKNOWN, BIOS_ROMBIOS, BIOS_SEABIOS, BIOS_OVMF };

/* Debian's place first, then what Xen's own build and other distributions use. */
static const char *const loader_paths[] = {
	"/usr/lib/xen-" XEN_BUILT_VERSION "/boot/hvmloader",
	"/usr/lib/xen/boot/hvmloader",
	"/usr/libexec/xen/boot/hvmloader",
	"/usr/local/lib/xen/boot/hvmloader",
};

static const char *const shim_paths[] = {
	"/usr/lib/xen-" XEN_BUILT_VERSION "/boot/xen-shim",
	"/usr/lib/xen/boot/xen-shim",
	"/usr/libexec/xen/boot/xen-shim",
	"/usr/local/lib/xen/boot/xen-shim",
};

static const char *const seabios_paths[] = {
	"/usr/share/seabios/bios-256k.bin",
	"/usr/share/qemu/bios-256k.bin",
	"/usr/lib/xen/boot/seabios.bin",
};

static const char *const ovmf_paths[] = {
	"/usr/share/ovmf/OVMF.fd",
	"/usr/share/edk2/xen/OVMF.fd",
	"/usr/lib/xen/boot/ovmf.bin",
};

static const struct source {
	const char *what, *package, *key;	/* key: what the config may name instead */
	const char *const *paths;
	size_t nr;
} loader = {
	"hvmloader", "xen-utils", "firmware_override", loader_paths, ARRAY_SIZE(loader_paths),
}, shim = {
	"xen-shim", "xen-utils", "pvshim_path", shim_paths, ARRAY_SIZE(shim_paths),
}, bioses[] = {
	[BIOS_SEABIOS] = { "seabios", "seabios", "bios_path_override", seabios_paths,
			   ARRAY_SIZE(seabios_paths) },
	[BIOS_OVMF] = { "ovmf", "ovmf", "bios_path_override", ovmf_paths,
			ARRAY_SIZE(ovmf_paths) },
};

static int find(const struct source *source, const char **path, struct err *err)
{
	for (size_t i = 0; i < source->nr; i++) {
		if (access(source->paths[i], F_OK) == 0) {
			*path = source->paths[i];
			return 0;
		}
	}
	return fail(err, ENOENT, "there is no %s (%s): install the package %s, or give %s",
		    source->what, source->paths[0], source->package, source->key);
}

/*
 * EDK2 has a platform of its own for Xen since 2021, and no Xen in the others; only its image
 * begins as an ELF file, so that Xen can start it in a PVH guest as well.
 */
static int check_ovmf(const char *path, struct err *err)
{
	scoped(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char magic[4] = "";

	if (fd < 0)
		return fail_sys(err, errno, "cannot open '%s'", path);
	if (pread(fd, magic, sizeof(magic), 0) == sizeof(magic) && !memcmp(magic, "\177ELF", 4))
		return 0;
	return fail(err, EOPNOTSUPP, "'%s' was built without support for Xen, guests hang in it: "
		    "use bios=\"seabios\", or give an OvmfXen image with bios_path_override", path);
}

int firmware_find(const struct domain_config *config, struct firmware *out, struct err *err)
{
	int bios = config->hvm.bios == BIOS_UNKNOWN ? BIOS_SEABIOS : config->hvm.bios;
	struct firmware firmware = {
		.loader = config->hvm.firmware, .system = config->hvm.system_firmware,
	};
	int rc = 0;

	if (!firmware.loader)
		rc = find(&loader, &firmware.loader, err);
	if (rc == 0 && !firmware.system) {
		rc = find(&bioses[bios], &firmware.system, err);
		if (rc == 0 && bios == BIOS_OVMF)
			rc = check_ovmf(firmware.system, err);
	}
	if (rc == 0)
		*out = firmware;
	return rc;
}

int firmware_shim(const struct domain_config *config, const char **path, struct err *err)
{
	*path = config->pvh.pvshim_path;
	return *path ? 0 : find(&shim, path, err);
}

const char *firmware_bios(const struct domain_config *config)
{
	return config->hvm.bios == BIOS_OVMF ? "ovmf" : "seabios";
}
