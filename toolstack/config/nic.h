/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vif= and network-attach specs (man xl-network-configuration).
 */
#ifndef CONFIG_NIC_H
#define CONFIG_NIC_H

#include <stdbool.h>

#include "config/spec.h"

enum nic_type { NIC_TYPE_UNSET, NIC_TYPE_VIF_IOEMU, NIC_TYPE_VIF };

/* COLO replication's settings: kept and passed on, never interpreted. */
enum { NIC_COLO_SETTINGS = 49 };

struct nic {
	uint32_t backend_domid;
	char *backend_domname;
	int devid;			/* -1: the caller gives it the position in the list */
	uint32_t mtu;			/* bytes, 0: the bridge's */
	char *model;
	uint8_t mac[6];			/* all 0: to be generated */
	char *ip, *bridge, *ifname, *script;
	enum nic_type type;		/* UNSET: follows from the domain's type */
	uint64_t rate_bytes;		/* per interval; 0: unlimited */
	uint32_t rate_interval_us;
	char *gatewaydev;
	char *colo[NIC_COLO_SETTINGS];
	enum tri trusted;
	char *vlan;			/* Xen 4.21 and later */
	bool link_down;			/* ours, not in JSON: starts with the host's link down */
};

#define NIC_INIT { .devid = -1 }

/*
 * "" is a nic with all defaults. Unknown keys and types are complaints (xl
 * carries on after these in a config); a bad mac or rate is an error.
 */
int nic_parse(const char *spec, const struct spec_defaults *d, struct nic *out,
	      struct err *err) must_check;
void nic_free(struct nic *nic);

/* A COLO setting's name in libxl's backend nodes; n < NIC_COLO_SETTINGS. */
const char *nic_colo_node(unsigned int n);

int nic_to_json(const struct nic *nic, json_t **out, struct err *err) must_check;
int nic_from_json(json_t *json, struct nic *out, struct err *err) must_check;

static inline void scoped_nic(struct nic *nic)
{
	nic_free(nic);
}

#endif
