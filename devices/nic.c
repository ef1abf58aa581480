/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network interfaces. What Xen's script vif-bridge does is done here by netlink: the backend's
 * link gets its name, the address that no bridge ever picks as its own, the MTU, its bridge, and
 * is set up. Other scripts are run, and so is vif-bridge itself on a host where it would do more
 * than that: where bridged packets pass the firewall (br_netfilter) it adds iptables rules for
 * the link, and it runs the hooks in vif-post.d.
 *
 * Two with one MAC on a bridge are refused: in one config, and on the host as far as the kernel
 * knows. Our links carry the guest's MAC in their alias, so one that has never sent counts;
 * of others it is known only what the bridge has learnt. The store is not searched: that would
 * cost more with each guest.
 */
#include "nic.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <xen/io/xenbus.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/nic.h"
#include "kind.h"
#include "link.h"
#include "script.h"
#include "xen/domctl.h"
#include "xen/store.h"
#include "xen/xen.h"

#define DEFAULT_BRIDGE "xenbr0"
#define DEFAULT_SCRIPT "vif-bridge"
#define NF_CALL "/proc/sys/net/bridge/bridge-nf-call-iptables"

enum { MTU_DEFAULT = 1500, MTU_MIN = 68 };

/* The largest address that is not the broadcast's: a bridge takes its smallest port's. */
static const uint8_t port_mac[6] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff };

#define MAC_FORMAT "%02x:%02x:%02x:%02x:%02x:%02x"
#define MAC_BYTES(mac) (mac)[0], (mac)[1], (mac)[2], (mac)[3], (mac)[4], (mac)[5]

struct plan {
	char script[256];		/* its path, as the backend's node has it */
	char bridge[LINK_NAME_MAX + 1];	/* native: the one that exists */
	bool native;
	uint32_t mtu;			/* native: of the link */
};

/* Names */

static const char *bridge_of(const struct nic *nic)
{
	return nic->bridge ? nic->bridge : DEFAULT_BRIDGE;
}

static void link_name(const char *vifname, uint32_t domid, uint32_t devid, char *name, size_t size)
{
	if (vifname && *vifname)
		snprintf(name, size, "%s", vifname);
	else
		snprintf(name, size, "vif%u.%u", domid, devid);
}

static void mac_alias(const uint8_t mac[6], char alias[32])
{
	snprintf(alias, 32, "guest " MAC_FORMAT, MAC_BYTES(mac));
}

static bool is_vif_bridge(const char *script)
{
	return strcmp(script, SCRIPT_DIR "/" DEFAULT_SCRIPT) == 0;
}

static bool reads_one(const char *path)
{
	scoped(file) FILE *f = fopen(path, "re");

	return f && fgetc(f) == '1';
}

/* Whether vif-bridge does more for a port of bridge than we do. */
static bool script_does_more(const char *bridge)
{
	char text[8];
	glob_t found;
	bool hooks;

	if (reads_one(NF_CALL))
		return true;
	if (access(NF_CALL, F_OK) == 0 &&
	    link_attribute(bridge, "bridge/nf_call_iptables", text, sizeof(text)) == 0 &&
	    *text == '1')
		return true;
	hooks = glob(SCRIPT_DIR "/vif-post.d/*.hook", GLOB_NOSORT, NULL, &found) == 0;
	if (hooks)
		globfree(&found);
	return hooks;
}

/* Checks */

static int check_type(const struct devices *set, struct nic *nic, struct err *err)
{
	if (set->type != DOMAIN_HVM && nic->type == NIC_TYPE_VIF_IOEMU)
		return fail(err, EINVAL, "type=ioemu: only an HVM guest has emulated network cards");
	if (nic->type == NIC_TYPE_UNSET)
		nic->type = set->type == DOMAIN_HVM && !set->live ? NIC_TYPE_VIF_IOEMU :
			NIC_TYPE_VIF;
	if (nic->type == NIC_TYPE_VIF_IOEMU)
		return fail(err, EOPNOTSUPP, "emulated network cards are not supported yet");
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
		    strcmp(bridge_of(theirs), bridge_of(ours)) != 0 ||
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
		return fail(err, EINVAL, "mac=" MAC_FORMAT " is a multicast address, which a guest "
			    "cannot have as its own", MAC_BYTES(nic->mac));
	if (mac_in_set(set, dev, nic->mac, &devid))
		return fail(err, EEXIST, "mac=" MAC_FORMAT " is that of vif %u already",
			    MAC_BYTES(nic->mac), devid);
	return 0;
}

/*
 * Old configs say xenbrN where the bridge has the name of the card that it took over: ethN.
 * What vif-bridge does for them.
 */
static int find_bridge(const char *wanted, char bridge[LINK_NAME_MAX + 1], struct err *err)
{
	char all[256], index[16];

	snprintf(bridge, LINK_NAME_MAX + 1, "%s", wanted);
	if (link_is_bridge(wanted) && strlen(wanted) <= LINK_NAME_MAX)
		return 0;
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
static bool link_owner(const char *name, uint32_t *domid, uint32_t *devid)
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

static int open_links(struct devices *set, struct err *err)
{
	return set->links ? 0 : links_open(&set->links, err);
}

static int check_mac_on_host(struct devices *set, const struct nic *nic, const char *bridge,
			     struct err *err)
{
	char alias[32], name[LINK_NAME_MAX + 1];
	uint32_t domid, devid;
	unsigned int index;
	int rc = open_links(set, err);

	if (rc == 0)
		rc = link_index(bridge, &index, err);
	if (rc < 0)
		return rc;
	mac_alias(nic->mac, alias);
	rc = links_find_mac(set->links, index, nic->mac, alias, name, err);
	if (rc <= 0)
		return rc;
	if (!link_owner(name, &domid, &devid))
		log_warn("mac " MAC_FORMAT " is in use on the network already: bridge '%s' has seen "
			 "it at '%s'", MAC_BYTES(nic->mac), bridge, name);
	else if (owner_lives(set->xen, domid, devid))
		return fail(err, EEXIST, "mac=" MAC_FORMAT " is in use on bridge '%s' already: by "
			    "'%s', vif %u of domain %u", MAC_BYTES(nic->mac), bridge, name, devid,
			    domid);
	return 0;
}

/* A link of this name that belongs to a device on its way out is waited for. */
static int check_vifname(struct devices *set, const struct device *dev, struct err *err)
{
	const struct nic *nic = dev->item;
	uint32_t domid, devid;
	char index[16];
	int rc;

	for (const struct device *other = set->items; other < dev; other++) {
		const struct nic *theirs = other->item;

		if (other->kind == dev->kind && theirs->ifname &&
		    strcmp(theirs->ifname, nic->ifname) == 0)
			return fail(err, EEXIST, "vifname=%s is that of vif %u already",
				    nic->ifname, other->devid);
	}
	if (link_attribute(nic->ifname, "ifindex", index, sizeof(index)) < 0)
		return 0;
	if (!link_owner(nic->ifname, &domid, &devid))
		return fail(err, EEXIST, "vifname=%s: this host has a network link of that name",
			    nic->ifname);
	if (owner_lives(set->xen, domid, devid))
		return fail(err, EEXIST, "vifname=%s: that is the link of vif %u of domain %u",
			    nic->ifname, devid, domid);
	rc = open_links(set, err);
	return rc < 0 ? rc : links_wait(set->links, nic->ifname, true,
					wait_deadline(DEVICE_WAIT_MS), NULL, err);
}

static int plan_native(struct devices *set, const struct nic *nic, struct plan *plan,
		       bool check_mac, struct err *err)
{
	uint64_t mtu;
	char text[16];
	int rc = find_bridge(bridge_of(nic), plan->bridge, err);

	if (rc == 0 && check_mac)
		rc = check_mac_on_host(set, nic, plan->bridge, err);
	if (rc < 0)
		return rc;
	plan->native = !script_does_more(plan->bridge);
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
	struct plan *plan = calloc(1, sizeof(*plan));
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
	if (is_vif_bridge(plan->script))
		rc = plan_native(set, nic, plan, check_mac, err);
	if (rc == 0 && !plan->native)
		rc = script_path(script, path, sizeof(path), err);
	if (rc == 0 && nic->ifname)
		rc = check_vifname(set, dev, err);
	return rc;
}

static int prepare(struct devices *set, struct device *dev, unsigned int index, struct err *err)
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
	return rc < 0 ? fail_in(err, "%s", device_label(dev->kind, dev->devid, label,
							sizeof(label))) : 0;
}

static void free_plan(struct device *dev)
{
	free(dev->plan);
	dev->plan = NULL;
}

/* Before the nodes are written: no news of a link may be missed. */
static int open_device(struct devices *set, struct device *dev, struct err *err)
{
	const struct plan *plan = dev->plan;

	return plan->native ? open_links(set, err) : 0;
}

static void keys(const struct devices *set, const struct device *dev, struct device_keys *keys)
{
	const struct nic *nic = dev->item;
	const struct plan *plan = dev->plan;

	(void)set;
	device_back(keys, "script", "%s", plan->script);
	if (nic->ifname)
		device_back(keys, "vifname", "%s", nic->ifname);
	for (unsigned int i = 0; i < NIC_COLO_SETTINGS; i++) {
		if (nic->colo[i])
			device_back(keys, nic_colo_node(i), "%s", nic->colo[i]);
	}
	device_back(keys, "mac", MAC_FORMAT, MAC_BYTES(nic->mac));
	if (nic->ip)
		device_back(keys, "ip", "%s", nic->ip);
	if (nic->gatewaydev)
		device_back(keys, "gatewaydev", "%s", nic->gatewaydev);
	if (nic->rate_interval_us)
		device_back(keys, "rate", "%" PRIu64 ",%" PRIu32, nic->rate_bytes,
			    nic->rate_interval_us);
	if (nic->mtu && nic->mtu != MTU_DEFAULT)
		device_back(keys, "mtu", "%u", nic->mtu);
	device_back(keys, "bridge", "%s", bridge_of(nic));
	device_back(keys, "handle", "%u", dev->devid);
	device_back(keys, "type", "%s", nic->type == NIC_TYPE_VIF_IOEMU ? "vif_ioemu" : "vif");
	/* netback lets a frontend connect only when this says "connected". */
	device_back(keys, "hotplug-status", "%s", "");
	device_front(keys, "handle", "%u", dev->devid);
	device_front(keys, "mac", MAC_FORMAT, MAC_BYTES(nic->mac));
	device_front(keys, "trusted", "%d", nic->trusted != TRI_FALSE);
	device_front_ro(keys, "mtu", "%u", plan->mtu ? plan->mtu : nic->mtu ? nic->mtu :
			MTU_DEFAULT);
}

/* Up */

enum { BACKEND_READY = 1U << XenbusStateInitWait | 1U << XenbusStateInitialised |
	1U << XenbusStateConnected };

/* netback makes the link once it has seen the nodes; when it does not, its state says why. */
static int wait_link(struct devices *set, struct device *dev, const char *name, int64_t deadline,
		     unsigned int *index, struct err *err)
{
	struct err why;
	int rc = links_wait(set->links, name, false, deadline, index, err);

	if (rc == -ETIMEDOUT && device_wait_backend(set, dev, BACKEND_READY, 0, &why) < 0) {
		if (access("/sys/bus/xen-backend/drivers/vif", F_OK) < 0)
			return fail(err, ETIMEDOUT, "%s: there is no driver for it, try: modprobe "
				    "xen-netback", why.msg);
		*err = why;
	}
	return rc;
}

static int connect_native(struct devices *set, struct device *dev, int64_t deadline,
			  struct err *err)
{
	const struct plan *plan = dev->plan;
	const struct nic *nic = dev->item;
	char name[32], alias[32], back[DEVICE_PATH_LEN], path[DEVICE_PATH_LEN + 16];
	struct link_setup setup = {
		.rename = nic->ifname, .mac = port_mac, .mtu = plan->mtu, .alias = alias,
		.up = !nic->link_down,
	};
	unsigned int index;
	int rc;

	mac_alias(nic->mac, alias);
	link_name(NULL, set->domid, dev->devid, name, sizeof(name));
	rc = wait_link(set, dev, name, deadline, &index, err);
	if (rc == 0)
		rc = link_index(plan->bridge, &setup.master, err);
	if (rc == 0)
		rc = links_set(set->links, index, &setup, err);
	if (rc < 0)
		return rc;
	device_back_path(set, dev, back);
	snprintf(path, sizeof(path), "%s/hotplug-status", back);
	return store_write(set->xen, NULL, path, "connected", err);
}

struct script_facts {
	const char *script, *back, *gatewaydev;
	uint32_t domid, devid;
	bool emulated;			/* a tap of QEMU belongs to it */
};

static int run_script(struct xen *xen, const struct script_facts *facts, const char *action,
		      const char *type_if, struct err *err)
{
	char vif[32], interface[40];
	scoped(free) char *netdev = str_format("netdev=%s",
					       facts->gatewaydev ? facts->gatewaydev : "");
	const char *const env[] = { netdev, vif, facts->emulated ? interface : NULL, NULL };
	struct script_call call = {
		.script = facts->script, .action = action, .extra = type_if,
		.backend = facts->back, .type = "vif", .env = env,
	};

	if (!netdev)
		return fail_nomem(err);
	snprintf(vif, sizeof(vif), "vif=vif%u.%u", facts->domid, facts->devid);
	snprintf(interface, sizeof(interface), "INTERFACE=vif%u.%u-emu", facts->domid,
		 facts->devid);
	return script_run(xen, &call, DEVICE_SCRIPT_MS, err);
}

static int connect_scripted(struct devices *set, struct device *dev, struct err *err)
{
	const struct link_setup down = { .down = true };
	const struct plan *plan = dev->plan;
	const struct nic *nic = dev->item;
	char back[DEVICE_PATH_LEN], name[32];
	struct script_facts facts = {
		.script = plan->script, .back = back, .gatewaydev = nic->gatewaydev,
		.domid = set->domid, .devid = dev->devid,
	};
	unsigned int index;
	int rc;

	device_back_path(set, dev, back);
	rc = run_script(set->xen, &facts, "online", "type_if=vif", err);
	if (rc < 0 || !nic->link_down)
		return rc;
	link_name(nic->ifname, set->domid, dev->devid, name, sizeof(name));
	rc = open_links(set, err);
	if (rc == 0)
		rc = link_index(name, &index, err);
	return rc < 0 ? rc : links_set(set->links, index, &down, err);
}

static int connect(struct devices *set, struct device *dev, int64_t deadline, struct err *err)
{
	const struct plan *plan = dev->plan;
	int rc;

	if (plan->native)
		return connect_native(set, dev, deadline, err);
	rc = device_wait_backend(set, dev, BACKEND_READY, deadline, err);
	if (rc < 0 || dev->backend_domid != 0)
		return rc;
	return connect_scripted(set, dev, err);
}

/* Down: the link dies with its backend, also one that xl made; scripts hear of it. */

static char *read_copy(struct xen *xen, const struct device_entry *entry, const char *name)
{
	scoped(free) char *path = str_format("%s/%s", entry->copy, name);
	struct err ignored;	/* it has none */
	char *value = NULL;

	if (!path || store_read(xen, NULL, path, &value, &ignored) < 0)
		return NULL;
	return value;
}

static void disconnect(struct xen *xen, const struct device_entry *entry)
{
	scoped(free) char *script = read_copy(xen, entry, "script");
	scoped(free) char *bridge = read_copy(xen, entry, "bridge");
	scoped(free) char *gatewaydev = read_copy(xen, entry, "gatewaydev");
	scoped(free) char *type = read_copy(xen, entry, "type");
	struct script_facts facts = {
		.script = script, .back = entry->backend, .gatewaydev = gatewaydev,
		.domid = entry->domid, .devid = entry->devid,
		.emulated = type && strcmp(type, "vif_ioemu") == 0,
	};
	char path[256], label[64];
	struct err err = ERR_INIT;
	int rc;

	if (entry->backend_domid != 0 || !script)
		return;
	if (is_vif_bridge(script) && !script_does_more(bridge ? bridge : DEFAULT_BRIDGE))
		return;
	rc = script_path(script, path, sizeof(path), &err);
	if (rc == 0)
		rc = run_script(xen, &facts, "offline", "type_if=vif", &err);
	if (rc == 0 && facts.emulated)
		rc = run_script(xen, &facts, "remove", "type_if=tap", &err);
	if (rc < 0)
		log_warn("%s: %s", device_label(entry->kind, entry->devid, label, sizeof(label)),
			 err.msg);
}

/* Live */

static int set_one(struct links *links, const char *name, bool up, struct err *err)
{
	const struct link_setup setup = { .up = up, .down = !up };
	unsigned int index;
	int rc = link_index(name, &index, err);

	return rc < 0 ? rc : links_set(links, index, &setup, err);
}

static int set_links(const char *name, uint32_t domid, uint32_t devid, bool up, struct err *err)
{
	struct links *links = NULL;
	char tap[40], index[16];
	uint32_t of_domid, of_devid;
	int rc;

	if (!link_owner(name, &of_domid, &of_devid) || of_domid != domid || of_devid != devid)
		return fail(err, ENODEV, "vif %u of domain %u has no network link '%s' on this host",
			    devid, domid, name);
	rc = links_open(&links, err);
	if (rc < 0)
		return rc;
	rc = set_one(links, name, up, err);
	snprintf(tap, sizeof(tap), "%s-emu", name);
	if (rc == 0 && link_attribute(tap, "ifindex", index, sizeof(index)) == 0)
		rc = set_one(links, tap, up, err);
	links_close(links);
	return rc;
}

int nic_set_link(struct xen *xen, uint32_t domid, uint32_t devid, bool up, struct err *err)
{
	scoped(free) char *backend = NULL, *vifname = NULL;
	char copy[64], path[80], ours[64], name[32];
	struct err ignored;	/* it has the usual name */
	int rc;

	snprintf(copy, sizeof(copy), "/libxl/%u/device/vif/%u", domid, devid);
	snprintf(path, sizeof(path), "%s/backend", copy);
	rc = store_read(xen, NULL, path, &backend, err);
	if (rc == -ENOENT)
		return fail(err, ENOENT, "domain %u has no vif %u", domid, devid);
	if (rc < 0)
		return rc;
	snprintf(ours, sizeof(ours), "/local/domain/0/backend/vif/%u/%u", domid, devid);
	if (strcmp(backend, ours) != 0)
		return fail(err, EOPNOTSUPP, "the backend of vif %u is not in this domain but at %s",
			    devid, backend);
	snprintf(path, sizeof(path), "%s/vifname", copy);
	if (store_read(xen, NULL, path, &vifname, &ignored) < 0)
		vifname = NULL;
	link_name(vifname, domid, devid, name, sizeof(name));
	return set_links(name, domid, devid, up, err);
}

static int to_json(const void *item, json_t **out, struct err *err)
{
	return nic_to_json(item, out, err);
}

const struct device_kind device_nic = {
	.name = "vif", .what = "vif", .items = offsetof(struct domain_config, nics),
	.nr_items = offsetof(struct domain_config, nr_nics), .item_size = sizeof(struct nic),
	.json_list = "nics", .json_id = "devid", .guest_adds = 11,
	.guest_adds_queue = 5,	/* queue-N and its two rings and two event channels */
	.to_json = to_json, .prepare = prepare, .open = open_device, .keys = keys, .connect = connect,
	.disconnect = disconnect, .free_plan = free_plan,
};
