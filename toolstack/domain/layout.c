/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layout.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/scope.h"
#include "config/config.h"
#include "xen/nodes.h"

/* Nodes that the guest may write, all empty at first. */
static const char *const guest_nodes[] = {
	"device/suspend/event-channel",
	"control/shutdown", "control/feature-poweroff", "control/feature-reboot",
	"control/feature-suspend", "control/sysrq",
	"data", "drivers", "feature", "attr", "error",
};

static void add_home(struct store_nodes *nodes, const struct domain_config *config,
		     const struct layout_facts *facts, const char *home)
{
	/* What follows below home inherits: root owns, the guest reads. */
	store_nodes_add(nodes, STORE_GUEST_READ, home, "", "%s", "");
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
			config->target_memkb);
	store_nodes_add(nodes, STORE_INHERIT, home, "memory/videoram", "0");
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
		store_nodes_add(nodes, STORE_INHERIT, vm, "image/kernel", "%s", config->kernel);
		if (config->ramdisk)
			store_nodes_add(nodes, STORE_INHERIT, vm, "image/ramdisk", "%s",
					config->ramdisk);
		if (config->cmdline)
			store_nodes_add(nodes, STORE_INHERIT, vm, "image/cmdline", "%s",
					config->cmdline);
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

void layout_domain(struct store_nodes *nodes, const struct domain_config *config,
		   const struct layout_facts *facts)
{
	char home[LAYOUT_PATH_LEN], libxl[LAYOUT_PATH_LEN];
	char roots[LAYOUT_ROOTS][LAYOUT_PATH_LEN];
	/* Nobody can have left nodes of a uuid that was made up a moment ago. */
	size_t nr = layout_roots(facts->domid, config->uuid_given ? facts->uuid : NULL, roots);

	/* But another toolstack may have those of a domain that had this number. */
	for (size_t i = 0; i < nr; i++)
		store_nodes_add(nodes, STORE_REMOVED, roots[i], "", "%s", "");
	snprintf(home, sizeof(home), "/local/domain/%u", facts->domid);
	snprintf(libxl, sizeof(libxl), "/libxl/%u", facts->domid);
	add_home(nodes, config, facts, home);
	add_vm(nodes, config, facts);
	store_nodes_add(nodes, STORE_INHERIT, libxl, "type", "%s", config_type_name(config->type));
	store_nodes_add(nodes, STORE_INHERIT, libxl, "dm-version", "qemu_xen");
	add_console_backend(nodes, facts);
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
	store_nodes_add(nodes, STORE_INHERIT, console, "tty", "%s", "");
	store_nodes_add(nodes, STORE_INHERIT, console, "port", "%u", facts->console_port);
	store_nodes_add(nodes, STORE_INHERIT, console, "ring-ref", "%" PRIu64,
			facts->console_gfn);
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
