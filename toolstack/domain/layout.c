/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "config/config.h"
#include "firmware.h"
#include "xen/nodes.h"

/* libxl's LIBXL_MAXMEM_CONSTANT: special pages, which count as memory that PoD can give. */
#define LAYOUT_POD_SLACK_KB 1024

/* Nodes that the guest may write, all empty at first. */
static const char *const guest_nodes[] = {
	"device/suspend/event-channel",
	"control/shutdown", "control/feature-poweroff", "control/feature-reboot",
	"control/feature-suspend", "control/sysrq",
	"data", "drivers", "feature", "attr", "error",
};

/* smbios=["bios_vendor=X", "oem=Y", ...]: hvmloader wants bios-strings/bios-vendor, /oem-1, ... */
static void add_smbios(struct store_nodes *nodes, const struct str_list *strings, const char *home)
{
	unsigned int nr_oem = 0;

	for (size_t i = 0; i < strings->nr; i++) {
		const char *value = strchr(strings->items[i], '=');
		int len = value ? (int)(value - strings->items[i]) : 0;
		char name[64];

		if (!value)
			continue;
		if (len == 3 && strncmp(strings->items[i], "oem", 3) == 0)
			snprintf(name, sizeof(name), "bios-strings/oem-%u", ++nr_oem);
		else
			snprintf(name, sizeof(name), "bios-strings/%.*s", len, strings->items[i]);
		for (char *p = name; *p; p++)
			*p = *p == '_' ? '-' : *p;
		store_nodes_add(nodes, STORE_INHERIT, home, name, "%s", value + 1);
	}
}

/* What hvmloader and its ACPI tables go by. */
static void add_hvm(struct store_nodes *nodes, const struct domain_config *config,
		    const char *home)
{
	const struct hvm_config *hvm = &config->hvm;
	const struct { const char *name; bool on; } flags[] = {
		{ "platform/acpi", config->acpi != TRI_FALSE && hvm->acpi != TRI_FALSE },
		{ "platform/acpi_s3", hvm->acpi_s3 != TRI_FALSE },
		{ "platform/acpi_s4", hvm->acpi_s4 != TRI_FALSE },
		{ "platform/acpi_laptop_slate", hvm->acpi_laptop_slate == TRI_TRUE },
		/* Guest memory stays where it is when its devices need room: QEMU knows. */
		{ "hvmloader/allow-memory-relocate", false },
	};
	uint64_t genid[2];

	store_nodes_add(nodes, STORE_GUEST_OWNS, home, "control/feature-s3", "%s", "");
	store_nodes_add(nodes, STORE_GUEST_OWNS, home, "control/feature-s4", "%s", "");
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		store_nodes_add(nodes, STORE_INHERIT, home, flags[i].name, "%d", flags[i].on);
	if (hvm->mmio_hole_memkb && hvm->mmio_hole_memkb != CONFIG_MEMKB_DEFAULT)
		store_nodes_add(nodes, STORE_INHERIT, home, "platform/mmio_hole_size", "%" PRIu64,
				hvm->mmio_hole_memkb << 10);
	store_nodes_add(nodes, STORE_INHERIT, home, "platform/device-model", "qemu_xen");
	store_nodes_add(nodes, STORE_INHERIT, home, "hvmloader/bios", "%s", firmware_bios(config));
	add_smbios(nodes, &hvm->smbios, home);
	memcpy(genid, hvm->ms_vm_genid, sizeof(genid));
	if (genid[0] || genid[1])
		store_nodes_add(nodes, STORE_INHERIT, home, "platform/generation-id",
				"%" PRIu64 ":%" PRIu64, genid[0], genid[1]);
}

/* What the balloon driver is told: without what is the video card's, and what PoD keeps back. */
static uint64_t memory_target(const struct domain_config *config)
{
	uint64_t kept_kb = config->type == DOMAIN_HVM && config->max_memkb > config->target_memkb ?
		LAYOUT_POD_SLACK_KB : 0;

	return config->target_memkb - config->video_memkb - kept_kb;
}

static void add_home(struct store_nodes *nodes, const struct domain_config *config,
		     const struct layout_facts *facts, const char *home)
{
	store_nodes_add(nodes, STORE_INHERIT, home, "vm", "/vm/%s", facts->uuid);
	store_nodes_add(nodes, STORE_INHERIT, home, "name", "%s", config->name);
	for (unsigned int i = 0; i < config->max_vcpus; i++) {
		char name[48];

		snprintf(name, sizeof(name), "cpu/%u/availability", i);
		store_nodes_add(nodes, STORE_INHERIT, home, name, "%s",
				i < config->vcpus ? "online" : "offline");
	}
	store_nodes_add(nodes, STORE_INHERIT, home, "memory/static-max", "%" PRIu64,
			config->max_memkb);
	store_nodes_add(nodes, STORE_INHERIT, home, "memory/target", "%" PRIu64,
			facts->target_kb ? facts->target_kb : memory_target(config));
	store_nodes_add(nodes, STORE_INHERIT, home, "memory/videoram", "%" PRIu64,
			config->video_memkb);
	if (config->type == DOMAIN_HVM)
		add_hvm(nodes, config, home);
	for (size_t i = 0; i < ARRAY_SIZE(guest_nodes); i++)
		store_nodes_add(nodes, STORE_GUEST_OWNS, home, guest_nodes[i], "%s", "");
	if (config->driver_domain == TRI_TRUE) {
		store_nodes_add(nodes, STORE_GUEST_OWNS, home, "libxl", "%s", "");
		store_nodes_add(nodes, STORE_GUEST_OWNS, home, "device-model", "%s", "");
	}
	store_nodes_add(nodes, STORE_INHERIT, home,
			"control/platform-feature-multiprocessor-suspend", "1");
	store_nodes_add(nodes, STORE_INHERIT, home,
			"control/platform-feature-xs_reset_watches", "1");
	store_nodes_add(nodes, STORE_INHERIT, home, "domid", "%u", facts->domid);
}

static void add_vm(struct store_nodes *nodes, const struct domain_config *config,
		   const struct layout_facts *facts)
{
	char vm[LAYOUT_PATH_LEN];

	snprintf(vm, sizeof(vm), "/vm/%s", facts->uuid);
	store_nodes_add(nodes, STORE_GUEST_READ, vm, "", "%s", "");
	store_nodes_add(nodes, STORE_INHERIT, vm, "uuid", "%s", facts->uuid);
	store_nodes_add(nodes, STORE_INHERIT, vm, "name", "%s", config->name);
	if (config->type == DOMAIN_PV) {
		store_nodes_add(nodes, STORE_INHERIT, vm, "image/ostype", "linux");
		/* With a bootloader they are in the guest's disk. */
		if (config->kernel && !config->bootloader)
			store_nodes_add(nodes, STORE_INHERIT, vm, "image/kernel", "%s",
					config->kernel);
		if (config->ramdisk && !config->bootloader)
			store_nodes_add(nodes, STORE_INHERIT, vm, "image/ramdisk", "%s",
					config->ramdisk);
		if (config->cmdline)
			store_nodes_add(nodes, STORE_INHERIT, vm, "image/cmdline", "%s",
					config->cmdline);
	}
	if (config->type == DOMAIN_HVM) {
		store_nodes_add(nodes, STORE_INHERIT, vm, "rtc/timeoffset", "%s",
				config->hvm.timeoffset ? config->hvm.timeoffset : "");
		store_nodes_add(nodes, STORE_INHERIT, vm, "image/ostype", "hvm");
	}
	store_nodes_add(nodes, STORE_INHERIT, vm, "start_time", "%jd.%02ld",
			(intmax_t)facts->start.tv_sec, facts->start.tv_nsec / 10000000);
}

/* Both ends of console 0, and libxl's private copy of what it needs to remove it. */
static void add_console_backend(struct store_nodes *nodes, const struct layout_facts *facts)
{
	char back[LAYOUT_PATH_LEN], copy[LAYOUT_PATH_LEN], front[LAYOUT_PATH_LEN];

	snprintf(back, sizeof(back), "/local/domain/0/backend/console/%u/0", facts->domid);
	snprintf(front, sizeof(front), "/local/domain/%u/console", facts->domid);
	snprintf(copy, sizeof(copy), "/libxl/%u/device/console/0", facts->domid);
	store_nodes_add(nodes, STORE_GUEST_READ, back, "", "%s", "");
	store_nodes_add(nodes, STORE_INHERIT, copy, "frontend", "%s", front);
	store_nodes_add(nodes, STORE_INHERIT, copy, "backend", "%s", back);
	store_nodes_add(nodes, STORE_INHERIT, back, "frontend", "%s", front);
	for (int i = 0; i < 2; i++) {
		const char *dir = i ? copy : back;

		store_nodes_add(nodes, STORE_INHERIT, dir, "frontend-id", "%u", facts->domid);
		store_nodes_add(nodes, STORE_INHERIT, dir, "online", "1");
		store_nodes_add(nodes, STORE_INHERIT, dir, "state", "1");
		store_nodes_add(nodes, STORE_INHERIT, dir, "protocol", "vt100");
	}
}

void layout_root(struct store_nodes *nodes, const struct domain_config *config,
		 const struct layout_facts *facts)
{
	char home[LAYOUT_PATH_LEN], roots[LAYOUT_ROOTS][LAYOUT_PATH_LEN];
	/* Nobody can have left nodes of a uuid that was made up a moment ago. */
	size_t nr = layout_roots(facts->domid, config->uuid_given ? facts->uuid : NULL, roots);

	/* But another toolstack may have those of a domain that had this number. */
	for (size_t i = 0; i < nr; i++)
		store_nodes_add(nodes, STORE_REMOVED, roots[i], "", "%s", "");
	snprintf(home, sizeof(home), "/local/domain/%u", facts->domid);
	/* What follows below home inherits: root owns, the guest reads. */
	store_nodes_add(nodes, STORE_GUEST_READ, home, "", "%s", "");
}

void layout_domain(struct store_nodes *nodes, const struct domain_config *config,
		   const struct layout_facts *facts)
{
	char home[LAYOUT_PATH_LEN], libxl[LAYOUT_PATH_LEN];

	snprintf(home, sizeof(home), "/local/domain/%u", facts->domid);
	snprintf(libxl, sizeof(libxl), "/libxl/%u", facts->domid);
	add_home(nodes, config, facts, home);
	add_vm(nodes, config, facts);
	store_nodes_add(nodes, STORE_INHERIT, libxl, "type", "%s", config_type_name(config->type));
	store_nodes_add(nodes, STORE_INHERIT, libxl, "dm-version", "qemu_xen");
	add_console_backend(nodes, facts);
}

/* Where hvmloader finds further tables: xen/hvm/hvm_xs_strings.h. */
static void add_tables(struct store_nodes *nodes, const char *home, const char *what,
		       uint64_t address, uint32_t length)
{
	char name[40];

	if (!length)
		return;
	snprintf(name, sizeof(name), "hvmloader/%s/address", what);
	store_nodes_add(nodes, STORE_INHERIT, home, name, "%#" PRIx64, address);
	snprintf(name, sizeof(name), "hvmloader/%s/length", what);
	store_nodes_add(nodes, STORE_INHERIT, home, name, "%#x", length);
}

void layout_rings(struct store_nodes *nodes, const struct layout_facts *facts)
{
	char home[LAYOUT_PATH_LEN], console[LAYOUT_PATH_LEN];

	snprintf(home, sizeof(home), "/local/domain/%u", facts->domid);
	snprintf(console, sizeof(console), "/local/domain/%u/console", facts->domid);
	store_nodes_add(nodes, STORE_INHERIT, home, "store/port", "%u", facts->store_port);
	store_nodes_add(nodes, STORE_INHERIT, home, "store/ring-ref", "%" PRIu64,
			facts->store_gfn);
	store_nodes_add(nodes, STORE_INHERIT, console, "backend",
			"/local/domain/0/backend/console/%u/0", facts->domid);
	store_nodes_add(nodes, STORE_FRONTEND, console, "backend-id", "0");
	store_nodes_add(nodes, STORE_INHERIT, console, "limit", "1048576");
	store_nodes_add(nodes, STORE_INHERIT, console, "type", "xenconsoled");
	store_nodes_add(nodes, STORE_INHERIT, console, "output", "pty");
	store_nodes_add(nodes, STORE_INHERIT, console, "tty", "%s", facts->tty ? facts->tty : "");
	store_nodes_add(nodes, STORE_INHERIT, console, "port", "%u", facts->console_port);
	store_nodes_add(nodes, STORE_INHERIT, console, "ring-ref", "%" PRIu64,
			facts->console_gfn);
	add_tables(nodes, home, "acpi", facts->acpi_address, facts->acpi_length);
	add_tables(nodes, home, "smbios", facts->smbios_address, facts->smbios_length);
}

size_t layout_roots(uint32_t domid, const char *uuid, char roots[LAYOUT_ROOTS][LAYOUT_PATH_LEN])
{
	size_t n = 0;

	snprintf(roots[n++], LAYOUT_PATH_LEN, "/local/domain/0/backend/console/%u", domid);
	snprintf(roots[n++], LAYOUT_PATH_LEN, "/local/domain/%u", domid);
	if (uuid)
		snprintf(roots[n++], LAYOUT_PATH_LEN, "/vm/%s", uuid);
	snprintf(roots[n++], LAYOUT_PATH_LEN, "/libxl/%u", domid);
	return n;
}
