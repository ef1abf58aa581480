/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order is libxl's (libxl_create.c, do_domain_soft_reset), which resets HVM guests alone. */
#include "reset.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uuid/uuid.h>

#include "base/scope.h"
#include "config/config.h"
#include "destroy.h"
#include "devices/device.h"
#include "layout.h"
#include "lookup.h"
#include "userdata.h"
#include "xen/domctl.h"
#include "xen/nodes.h"
#include "xen/store.h"

/* xenconsoled keeps a domain's terminal as long as there is the domain, and names it once. */
static int read_tty(struct xen *xen, uint32_t domid, char **tty, struct err *err)
{
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/console/tty", domid);
	rc = store_read(xen, NULL, path, tty, err);
	return rc == -ENOENT ? 0 : rc;
}

/* What the guest was told last, and what was plugged in: its QEMU has as many vcpus. */
static int read_size(struct xen *xen, uint32_t domid, struct domain_config *config,
		     uint64_t *target_kb, struct err *err)
{
	unsigned int online = 0;
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/memory/target", domid);
	rc = store_read_u64(xen, NULL, path, target_kb, err);
	for (unsigned int i = 0; i < config->max_vcpus && rc == 0; i++) {
		scoped(free) char *text = NULL;

		snprintf(path, sizeof(path), "/local/domain/%u/cpu/%u/availability", domid, i);
		rc = store_read(xen, NULL, path, &text, err);
		online += rc == 0 && strcmp(text, "online") == 0;
	}
	if (rc == 0 && config->type == DOMAIN_HVM && online)
		config->vcpus = online;
	return rc;
}

/* Devices first: what a backend has mapped or bound is of the guest as it was. */
static int take_apart(struct xen *xen, uint32_t domid, const struct domain_config *config,
		      int *model, struct err *err)
{
	int rc = domctl_pause(xen, domid, err);

	if (rc == 0 && config->type == DOMAIN_HVM)
		rc = devices_save_model(xen, domid, model, err);
	if (rc == 0)
		rc = domain_strip(xen, domid, config->uuid, err);
	if (rc == 0)
		rc = store_release(xen, domid, err);
	return rc < 0 ? rc : domctl_soft_reset(xen, domid, err);
}

static int new_channels(struct xen *xen, struct layout_facts *facts, struct err *err)
{
	uint32_t store_domid;
	int rc = store_daemon_domid(xen, "xenstored", &store_domid, err);

	if (rc == 0)
		rc = store_daemon_domid(xen, "xenconsoled", &facts->console_domid, err);
	if (rc == 0)
		rc = domctl_evtchn_alloc(xen, facts->domid, store_domid, &facts->store_port, err);
	if (rc == 0)
		rc = domctl_evtchn_alloc(xen, facts->domid, facts->console_domid,
					 &facts->console_port, err);
	return rc < 0 ? rc : domctl_set_ports(xen, facts->domid, facts->store_port,
					      facts->console_port, err);
}

/* As in a create, but that its memory stands. */
static int put_together(struct xen *xen, struct domain_config *config,
			const struct layout_facts *facts, int model, struct err *err)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	scoped(devices) struct devices devices = {
		.find_domain = domain_lookup, .model_state = model > 0 ? model : 0,
	};
	int rc = devices_prepare(&devices, xen, config, err);

	if (rc == 0)
		rc = devices_open(&devices, facts->domid, err);
	if (rc < 0)
		return rc;
	layout_root(&nodes, config, facts);
	layout_domain(&nodes, config, facts);
	devices_nodes(&devices, &nodes);
	layout_rings(&nodes, facts);
	rc = store_nodes_write(&nodes, facts->domid, err);
	if (rc == 0)
		rc = devices_start(&devices, err);
	if (rc == 0)
		rc = store_introduce(xen, facts->domid, facts->store_gfn, facts->store_port, err);
	return rc < 0 ? rc : devices_connect(&devices, err);
}

int domain_soft_reset(struct xen *xen, uint32_t domid, struct domain_config *config,
		      struct err *err)
{
	scoped(userdata_lock) struct userdata_lock lock = USERDATA_LOCK_INIT;
	struct userdata ud = { .domid = domid };
	struct layout_facts facts = { .domid = domid };
	scoped(free) char *tty = NULL;
	scoped(fd) int model = -1;	/* a PVH guest's QEMU serves backends alone: a new one */
	int rc;

	/* Nobody attaches to what is being taken apart. */
	memcpy(ud.uuid, config->uuid, sizeof(ud.uuid));
	rc = userdata_lock(&ud, &lock, err);
	if (rc == 0)
		rc = read_tty(xen, domid, &tty, err);
	if (rc == 0)
		rc = read_size(xen, domid, config, &facts.target_kb, err);
	if (rc == 0)
		rc = domctl_rings(xen, domid, &facts.store_gfn, &facts.console_gfn, err);
	if (rc < 0)
		return rc;
	uuid_unparse_lower(config->uuid, facts.uuid);
	clock_gettime(CLOCK_REALTIME, &facts.start);
	facts.tty = tty;
	rc = take_apart(xen, domid, config, &model, err);
	if (rc == 0)
		rc = new_channels(xen, &facts, err);
	if (rc == 0)
		rc = put_together(xen, config, &facts, model, err);
	return rc < 0 ? rc : domctl_unpause(xen, domid, err);
}
