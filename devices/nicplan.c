/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nicplan.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/nic.h"
#include "kind.h"
#include "script.h"
#include "xen/domctl.h"
#include "xen/store.h"
#include "xen/xen.h"

#define DEFAULT_BRIDGE "xenbr0"
#define DEFAULT_SCRIPT "vif-bridge"
#define NF_CALL "/proc/sys/net/bridge/bridge-nf-call-iptables"

enum { MTU_MIN = 68 };

/* Names */

const char *nic_bridge(const struct nic *nic)
{
	return nic->bridge ? nic->bridge : DEFAULT_BRIDGE;
}

void nic_mac_alias(const uint8_t mac[6], char alias[32])
{
	snprintf(alias, 32, "guest " NIC_MAC_FORMAT, NIC_MAC_BYTES(mac));
}

bool nic_is_vif_bridge(const char *script)
{
	return strcmp(script, SCRIPT_DIR "/" DEFAULT_SCRIPT) == 0;
}

/* Whether vif-bridge does more for a port of bridge than we do. */
bool nic_script_does_more(const char *bridge)
{
	char text[8];
	glob_t found;
	bool hooks;

	/* Without br_netfilter there is no such file, and the bridge's own switch does nothing. */
	if (file_read_line(NF_CALL, text, sizeof(text)) == 0 &&
	    (*text == '1' ||
	     (link_attribute(bridge, "bridge/nf_call_iptables", text, sizeof(text)) == 0 &&
	      *text == '1')))
		return true;
	hooks = glob(SCRIPT_DIR "/vif-post.d/*.hook", GLOB_NOSORT, NULL, &found) == 0;
	if (hooks)
		globfree(&found);
	return hooks;
}

/* Checks */

/* What libxl starts a QEMU with; on a live domain the card is there already, or never. */
static int check_emulated(const struct devices *set, const struct nic *nic, struct err *err)
{
	if (set->live)
		return fail(err, EOPNOTSUPP, "type=ioemu: an emulated network card cannot be added "
			    "to a running guest, only a vif");
	if (nic->ifname && strlen(nic->ifname) + strlen(NIC_TAP_SUFFIX) > LINK_NAME_MAX)
		return fail(err, ENAMETOOLONG, "vifname=%s: the link of the emulated card is called "
			    "%s" NIC_TAP_SUFFIX ", which is longer than %d characters",
			    nic->ifname, nic->ifname, LINK_NAME_MAX);
	for (unsigned int i = 0; i < NIC_COLO_SETTINGS; i++) {
		if (nic->colo[i])
			return fail(err, EOPNOTSUPP, "COLO (%s) is not supported", nic_colo_node(i));
	}
	return 0;
}

static int check_type(const struct devices *set, struct nic *nic, struct err *err)
{
	if (set->type != DOMAIN_HVM && nic->type == NIC_TYPE_VIF_IOEMU)
		return fail(err, EINVAL, "type=ioemu: only an HVM guest has emulated network cards");
	if (nic->type == NIC_TYPE_UNSET)
		nic->type = set->type == DOMAIN_HVM && !set->live ? NIC_TYPE_VIF_IOEMU :
			NIC_TYPE_VIF;
	if (nic->type == NIC_TYPE_VIF_IOEMU)
		return check_emulated(set, nic, err);
	return 0;
}

static int check_mtu(const struct nic *nic, struct err *err)
{
	if (nic->mtu && nic->mtu < MTU_MIN)
		return fail(err, EINVAL, "mtu=%u: at least %d are needed", nic->mtu, MTU_MIN);
	return 0;
}

static bool mac_in_set(const struct devices *set, const struct device *dev, const uint8_t mac[6],
		       uint32_t *devid)
{
	for (const struct device *other = set->items; other < dev; other++) {
		const struct nic *theirs = other->item, *ours = dev->item;

		if (other->kind != dev->kind || memcmp(theirs->mac, mac, 6) != 0 ||
		    strcmp(nic_bridge(theirs), nic_bridge(ours)) != 0 ||
		    other->backend_domid != dev->backend_domid)
			continue;
		*devid = other->devid;
		return true;
	}
	return false;
}

/* Xen's own prefix, as libxl does; kept in the config, so a reboot finds the same. */
static int make_mac(const struct devices *set, const struct device *dev, uint8_t mac[6],
		    struct err *err)
{
	uint8_t made[6] = { 0x00, 0x16, 0x3e };
	uint32_t ignored;

	do {
		if (getrandom(made + 3, 3, 0) != 3)
			return fail_sys(err, errno, "cannot make a mac");
		made[3] &= 0x7f;
	} while (mac_in_set(set, dev, made, &ignored));
	memcpy(mac, made, sizeof(made));
	return 0;
}

/* *given: the config says it. */
static int check_mac(const struct devices *set, const struct device *dev, bool *given,
		     struct err *err)
{
	struct nic *nic = dev->item;
	uint32_t devid;

	*given = memcmp(nic->mac, (const uint8_t[6]){ 0 }, 6) != 0;
	if (!*given)
		return make_mac(set, dev, nic->mac, err);
	if (nic->mac[0] & 1)
		return fail(err, EINVAL, "mac=" NIC_MAC_FORMAT " is a multicast address, which a guest "
			    "cannot have as its own", NIC_MAC_BYTES(nic->mac));
	if (mac_in_set(set, dev, nic->mac, &devid))
		return fail(err, EEXIST, "mac=" NIC_MAC_FORMAT " is that of vif %u already",
			    NIC_MAC_BYTES(nic->mac), devid);
	return 0;
}

/*
 * Old configs say xenbrN where the bridge has the name of the card that it took over: ethN.
 * What vif-bridge does for them.
 */
static int find_bridge(const char *wanted, char bridge[LINK_NAME_MAX + 1], struct err *err)
{
	char all[256], index[16], id[32];
	int rc = link_attribute(wanted, "bridge/bridge_id", id, sizeof(id));

	snprintf(bridge, LINK_NAME_MAX + 1, "%s", wanted);
	if (rc == 0)
		return 0;
	/* ENODEV, EINVAL: it goes just now. */
	if (rc != -ENOENT && rc != -ENODEV && rc != -EINVAL)
		return fail_sys(err, -rc, "bridge '%s': cannot look at it", wanted);
	if (link_attribute(wanted, "ifindex", index, sizeof(index)) == 0)
		return fail(err, EINVAL, "bridge '%s' is a network link but no bridge of the kernel; "
			    "for Open vSwitch give script=vif-openvswitch", wanted);
	if (str_starts(wanted, "xenbr")) {
		snprintf(bridge, LINK_NAME_MAX + 1, "eth%.*s", LINK_NAME_MAX - 3, wanted + 5);
		if (link_is_bridge(bridge))
			return 0;
	}
	link_list_bridges(all, sizeof(all));
	return fail(err, ENODEV, "bridge '%.60s' does not exist; %s%s", wanted,
		    *all ? "there are: " : "this host has none", all);
}

/* Links of guests, on this host */

/* Whose backend a link is. False when it is none. */
bool nic_link_owner(const char *name, uint32_t *domid, uint32_t *devid)
{
	char node[64];

	return link_attribute(name, "device/nodename", node, sizeof(node)) == 0 &&
	       sscanf(node, "backend/vif/%" SCNu32 "/%" SCNu32, domid, devid) == 2;
}

/* Its domain uses it: neither that nor the device is on its way out. */
static bool owner_lives(struct xen *xen, uint32_t domid, uint32_t devid)
{
	scoped(free) char *path = str_format("/local/domain/0/backend/vif/%u/%u/state", domid,
					     devid);
	scoped(free) char *state = NULL;
	struct domctl_info info;
	struct err ignored;	/* then it has gone */

	return path && domctl_info(xen, domid, &info, &ignored) == 0 && !info.dying &&
	       !info.shutdown && store_read(xen, NULL, path, &state, &ignored) == 0;
}

int nic_open_links(struct devices *set, struct err *err)
{
	return set->links ? 0 : links_open(&set->links, err);
}

static int check_mac_on_host(struct devices *set, const struct nic *nic, const char *bridge,
			     struct err *err)
{
	char alias[32], name[LINK_NAME_MAX + 1];
	uint32_t domid, devid;
	unsigned int index;
	int rc = nic_open_links(set, err);

	if (rc == 0)
		rc = link_index(bridge, &index, err);
	if (rc < 0)
		return rc;
	nic_mac_alias(nic->mac, alias);
	rc = links_find_mac(set->links, index, nic->mac, alias, name, err);
	if (rc <= 0)
		return rc;
	if (!nic_link_owner(name, &domid, &devid))
		log_warn("mac " NIC_MAC_FORMAT " is in use on the network already: bridge '%s' has seen "
			 "it at '%s'", NIC_MAC_BYTES(nic->mac), bridge, name);
	else if (owner_lives(set->xen, domid, devid))
		return fail(err, EEXIST, "mac=" NIC_MAC_FORMAT " is in use on bridge '%s' already: by "
			    "'%s', vif %u of domain %u", NIC_MAC_BYTES(nic->mac), bridge, name, devid,
			    domid);
	return 0;
}

/* A link of this name that belongs to a device on its way out is waited for. */
static int check_vifname(struct devices *set, const struct device *dev, struct err *err)
{
	const struct nic *nic = dev->item;
	uint32_t domid, devid;
	char index[16], tap[40];
	int rc;

	for (const struct device *other = set->items; other < dev; other++) {
		const struct nic *theirs = other->item;

		if (other->kind == dev->kind && theirs->ifname &&
		    strcmp(theirs->ifname, nic->ifname) == 0)
			return fail(err, EEXIST, "vifname=%s is that of vif %u already",
				    nic->ifname, other->devid);
	}
	if (nic->type == NIC_TYPE_VIF_IOEMU) {
		snprintf(tap, sizeof(tap), "%s" NIC_TAP_SUFFIX, nic->ifname);
		if (link_attribute(tap, "ifindex", index, sizeof(index)) == 0)
			return fail(err, EEXIST, "vifname=%s: this host has a network link '%s'",
				    nic->ifname, tap);
	}
	if (link_attribute(nic->ifname, "ifindex", index, sizeof(index)) < 0)
		return 0;
	if (!nic_link_owner(nic->ifname, &domid, &devid))
		return fail(err, EEXIST, "vifname=%s: this host has a network link of that name",
			    nic->ifname);
	if (owner_lives(set->xen, domid, devid))
		return fail(err, EEXIST, "vifname=%s: that is the link of vif %u of domain %u",
			    nic->ifname, devid, domid);
	rc = nic_open_links(set, err);
	return rc < 0 ? rc : links_wait(set->links, nic->ifname, true,
					wait_deadline(DEVICE_WAIT_MS), NULL, err);
}

static int plan_native(struct devices *set, const struct nic *nic, struct nic_plan *plan,
		       bool check_mac, struct err *err)
{
	uint64_t mtu;
	char text[16];
	int rc = find_bridge(nic_bridge(nic), plan->bridge, err);

	if (rc == 0 && check_mac)
		rc = check_mac_on_host(set, nic, plan->bridge, err);
	if (rc < 0)
		return rc;
	plan->native = !nic_script_does_more(plan->bridge);
	if (!plan->native) {
		log_debug("the firewall or hooks of this host need %s", plan->script);
		return 0;
	}
	plan->mtu = nic->mtu;
	if (!plan->mtu && link_attribute(plan->bridge, "mtu", text, sizeof(text)) == 0 &&
	    str_to_u64(text, UINT32_MAX, &mtu) == 0)
		plan->mtu = (uint32_t)mtu;
	return 0;
}

static int make_plan(struct devices *set, struct device *dev, bool check_mac, struct err *err)
{
	struct nic_plan *plan = calloc(1, sizeof(*plan));
	const struct nic *nic = dev->item;
	const char *script = nic->script ? nic->script : DEFAULT_SCRIPT;
	char path[256];
	int rc = 0;

	if (!plan)
		return fail_nomem(err);
	dev->plan = plan;
	if ((size_t)snprintf(plan->script, sizeof(plan->script), "%s%s",
			     *script == '/' ? "" : SCRIPT_DIR "/", script) >= sizeof(plan->script))
		return fail(err, ENAMETOOLONG, "script=%.60s...: too long", script);
	/* Links, bridges and scripts are those of the backend's domain. */
	if (dev->backend_domid != 0)
		return 0;
	if (nic_is_vif_bridge(plan->script))
		rc = plan_native(set, nic, plan, check_mac, err);
	if (rc == 0 && !plan->native)
		rc = script_path(script, path, sizeof(path), err);
	if (rc == 0 && nic->ifname)
		rc = check_vifname(set, dev, err);
	return rc;
}

int nic_prepare(struct devices *set, struct device *dev, unsigned int index, struct err *err)
{
	struct nic *nic = dev->item;
	bool mac_given = false;
	char label[64];
	int rc;

	if (nic->devid < 0)
		nic->devid = (int)index;
	dev->devid = (uint32_t)nic->devid;
	dev->backend_kind = "vif";
	rc = device_backend_domid(set, nic->backend_domname, nic->backend_domid,
				  &dev->backend_domid, err);
	if (rc == 0)
		rc = check_type(set, nic, err);
	if (rc == 0)
		rc = check_mtu(nic, err);
	if (rc == 0)
		rc = check_mac(set, dev, &mac_given, err);
	if (rc == 0)
		rc = make_plan(set, dev, mac_given, err);
	dev->emulated = nic->type == NIC_TYPE_VIF_IOEMU;
	if (rc == 0 && dev->emulated && dev->backend_domid != 0)
		log_warn("vif %u: another domain is its backend, which the emulated card's link cannot "
			 "be in: only PV drivers have a network", dev->devid);
	return rc < 0 ? fail_in(err, "%s", device_label(dev->kind, dev->devid, label,
							sizeof(label))) : 0;
}
