/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is decided and checked of a vif before its domain exists. Private to nic.c.
 *
 * Two with one MAC on a bridge are refused: in one config, and on the host as far as the kernel
 * knows. Our links carry the guest's MAC in their alias, so one that has never sent counts;
 * of others it is known only what the bridge has learnt. The store is not searched: that would
 * cost more with each guest. Who is shut down or dying is in nobody's way.
 */
#ifndef DEVICES_NICPLAN_H
#define DEVICES_NICPLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "link.h"

struct device;
struct devices;
struct nic;

enum { NIC_MTU_DEFAULT = 1500 };

/* The tap that QEMU's card has on this host is called as the vif's link and this. */
#define NIC_TAP_SUFFIX "-emu"

#define NIC_MAC_FORMAT "%02x:%02x:%02x:%02x:%02x:%02x"
#define NIC_MAC_BYTES(mac) (mac)[0], (mac)[1], (mac)[2], (mac)[3], (mac)[4], (mac)[5]

struct nic_plan {
	char script[256];		/* its path, as the backend's node has it */
	char bridge[LINK_NAME_MAX + 1];	/* native: the one that exists */
	bool native;			/* our netlink instead of the script */
	uint32_t mtu;			/* native: of the link */
};

/* The kind's prepare(): dev->plan is a struct nic_plan then. */
int nic_prepare(struct devices *set, struct device *dev, unsigned int index,
		struct err *err) must_check;

int nic_open_links(struct devices *set, struct err *err) must_check;

/* The config's bridge or the default one. */
const char *nic_bridge(const struct nic *nic);

/* The alias that tells whose link it is. */
void nic_mac_alias(const uint8_t mac[6], char alias[32]);

/* What we do ourselves, and whether the script would do more for a port of bridge. */
bool nic_is_vif_bridge(const char *script);
bool nic_script_does_more(const char *bridge);

/* Whose backend a link is. False when it is none. */
bool nic_link_owner(const char *name, uint32_t *domid, uint32_t *devid);

#endif
