/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network interfaces. What Xen's script vif-bridge does is done here by netlink: the backend's
 * link gets its name, the address that no bridge ever picks as its own, the MTU, its bridge, and
 * is set up. Other scripts are run, and so is vif-bridge itself on a host where it would do more
 * than that: where bridged packets pass the firewall (br_netfilter) it adds iptables rules for
 * the link, and it runs the hooks in vif-post.d.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xen/io/xenbus.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/nic.h"
#include "kind.h"
#include "link.h"
#include "nicplan.h"
#include "qemu.h"
#include "script.h"
#include "xen/store.h"
#include "xen/xen.h"

/* The largest address that is not the broadcast's: a bridge takes its smallest port's. */
static const uint8_t port_mac[6] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff };

static void link_name(const char *vifname, uint32_t domid, uint32_t devid, char *name, size_t size)
{
	if (vifname && *vifname)
		snprintf(name, size, "%s", vifname);
	else
		snprintf(name, size, "vif%u.%u", domid, devid);
}

/* What QEMU calls the tap of its card; and what it is called then. */
static void tap_made(uint32_t domid, uint32_t devid, char *name, size_t size)
{
	snprintf(name, size, "vif%u.%u" NIC_TAP_SUFFIX, domid, devid);
}

static void tap_name(const char *vifname, uint32_t domid, uint32_t devid, char *name, size_t size)
{
	char link[LINK_NAME_MAX + 16];

	link_name(vifname, domid, devid, link, sizeof(link));
	snprintf(name, size, "%s" NIC_TAP_SUFFIX, link);
}

static void free_plan(struct device *dev)
{
	free(dev->plan);
	dev->plan = NULL;
}

/* Before the nodes are written: no news of a link may be missed. */
static int open_device(struct devices *set, struct device *dev, struct err *err)
{
	const struct nic_plan *plan = dev->plan;

	return plan->native ? nic_open_links(set, err) : 0;
}

static void keys(const struct devices *set, const struct device *dev, struct device_keys *keys)
{
	const struct nic *nic = dev->item;
	const struct nic_plan *plan = dev->plan;

	(void)set;
	device_back(keys, "script", "%s", plan->script);
	if (nic->ifname)
		device_back(keys, "vifname", "%s", nic->ifname);
	for (unsigned int i = 0; i < NIC_COLO_SETTINGS; i++) {
		if (nic->colo[i])
			device_back(keys, nic_colo_node(i), "%s", nic->colo[i]);
	}
	device_back(keys, "mac", NIC_MAC_FORMAT, NIC_MAC_BYTES(nic->mac));
	if (nic->ip)
		device_back(keys, "ip", "%s", nic->ip);
	if (nic->gatewaydev)
		device_back(keys, "gatewaydev", "%s", nic->gatewaydev);
	if (nic->rate_interval_us)
		device_back(keys, "rate", "%" PRIu64 ",%" PRIu32, nic->rate_bytes,
			    nic->rate_interval_us);
	if (nic->mtu && nic->mtu != NIC_MTU_DEFAULT)
		device_back(keys, "mtu", "%u", nic->mtu);
	device_back(keys, "bridge", "%s", nic_bridge(nic));
	device_back(keys, "handle", "%u", dev->devid);
	device_back(keys, "type", "%s", nic->type == NIC_TYPE_VIF_IOEMU ? "vif_ioemu" : "vif");
	/* netback lets a frontend connect only when this says "connected". */
	device_back(keys, "hotplug-status", "%s", "");
	device_front(keys, "handle", "%u", dev->devid);
	device_front(keys, "mac", NIC_MAC_FORMAT, NIC_MAC_BYTES(nic->mac));
	device_front(keys, "trusted", "%d", nic->trusted != TRI_FALSE);
	device_front_ro(keys, "mtu", "%u", plan->mtu ? plan->mtu : nic->mtu ? nic->mtu :
			NIC_MTU_DEFAULT);
}

/* As libxl's: the bridge stands there for programs that read command lines, QEMU is told no script. */
static void qemu_args(const struct devices *set, const struct device *dev, struct qemu_args *args)
{
	const struct nic *nic = dev->item;
	char tap[40];

	tap_made(set->domid, dev->devid, tap, sizeof(tap));
	qemu_arg(args, "-device");
	qemu_arg(args, "%s,id=nic%u,netdev=net%u,mac=" NIC_MAC_FORMAT,
		 nic->model ? nic->model : "rtl8139", dev->devid, dev->devid,
		 NIC_MAC_BYTES(nic->mac));
	qemu_arg(args, "-netdev");
	qemu_arg(args, "type=tap,id=net%u,ifname=%s,br=%s,script=no,downscript=no", dev->devid, tap,
		 nic_bridge(nic));
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
	const struct nic_plan *plan = dev->plan;
	const struct nic *nic = dev->item;
	char name[32], alias[32], back[DEVICE_PATH_LEN], path[DEVICE_PATH_LEN + 16];
	struct link_setup setup = {
		.rename = nic->ifname, .mac = port_mac, .mtu = plan->mtu, .alias = alias,
		.up = !nic->link_down,
	};
	unsigned int index;
	int rc;

	nic_mac_alias(nic->mac, alias);
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
	snprintf(interface, sizeof(interface), "INTERFACE=vif%u.%u" NIC_TAP_SUFFIX, facts->domid,
		 facts->devid);
	return script_run(xen, &call, DEVICE_SCRIPT_MS, err);
}

/*
 * vif-bridge writes the MTU for the domain that it finds in the link's name, also when that is a
 * vifname= (Xen 4.17): below /local/domain/NAME, where nobody would ever remove it.
 */
static void remove_stray(struct xen *xen, const char *vifname)
{
	const char *start = str_starts(vifname, "vif") ? vifname + 3 : vifname;
	const char *dot = strrchr(start, '.');
	scoped(free) char *word = strndup(start, dot ? (size_t)(dot - start) : strlen(start));
	char path[64];
	struct err ignored;	/* it was not there */

	if (!word || !*word || strchr(word, '/') || str_is_digits(word))
		return;
	snprintf(path, sizeof(path), "/local/domain/%s", word);
	if (store_rm(xen, NULL, path, &ignored) < 0)
		log_debug("%s", ignored.msg);
}

static int set_one(struct links *links, const char *name, bool up, struct err *err)
{
	const struct link_setup setup = { .up = up, .down = !up };
	unsigned int index;
	int rc = link_index(name, &index, err);

	return rc < 0 ? rc : links_set(links, index, &setup, err);
}

static int connect_scripted(struct devices *set, struct device *dev, struct err *err)
{
	const struct nic_plan *plan = dev->plan;
	const struct nic *nic = dev->item;
	char back[DEVICE_PATH_LEN], name[32];
	struct script_facts facts = {
		.script = plan->script, .back = back, .gatewaydev = nic->gatewaydev,
		.domid = set->domid, .devid = dev->devid, .emulated = dev->emulated,
	};
	int rc;

	device_back_path(set, dev, back);
	rc = run_script(set->xen, &facts, "online", "type_if=vif", err);
	if (nic->ifname && nic_is_vif_bridge(plan->script))
		remove_stray(set->xen, nic->ifname);
	if (rc < 0 || !nic->link_down)
		return rc;
	link_name(nic->ifname, set->domid, dev->devid, name, sizeof(name));
	rc = nic_open_links(set, err);
	return rc < 0 ? rc : set_one(set->links, name, false, err);
}

static int connect(struct devices *set, struct device *dev, int64_t deadline, struct err *err)
{
	const struct nic_plan *plan = dev->plan;
	int rc;

	if (plan->native)
		return connect_native(set, dev, deadline, err);
	rc = device_wait_backend(set, dev, BACKEND_READY, deadline, err);
	if (rc < 0 || dev->backend_domid != 0)
		return rc;
	return connect_scripted(set, dev, err);
}

/* QEMU has made the tap of its card: it goes where the vif is. */

static int connect_tap(struct devices *set, struct device *dev, int64_t deadline, struct err *err)
{
	const struct nic_plan *plan = dev->plan;
	const struct nic *nic = dev->item;
	char made[40], name[40];
	struct link_setup setup = {
		.rename = nic->ifname ? name : NULL, .mac = port_mac, .mtu = plan->mtu,
		.up = !nic->link_down,
	};
	unsigned int index;
	int rc;

	tap_made(set->domid, dev->devid, made, sizeof(made));
	tap_name(nic->ifname, set->domid, dev->devid, name, sizeof(name));
	rc = links_wait(set->links, made, false, deadline, &index, err);
	if (rc == 0)
		rc = link_index(plan->bridge, &setup.master, err);
	return rc < 0 ? rc : links_set(set->links, index, &setup, err);
}

static int connect_emulated(struct devices *set, struct device *dev, int64_t deadline,
			    struct err *err)
{
	const struct nic_plan *plan = dev->plan;
	const struct nic *nic = dev->item;
	char back[DEVICE_PATH_LEN], name[40];
	struct script_facts facts = {
		.script = plan->script, .back = back, .gatewaydev = nic->gatewaydev,
		.domid = set->domid, .devid = dev->devid, .emulated = true,
	};
	int rc;

	if (dev->backend_domid != 0)
		return 0;
	if (plan->native)
		return connect_tap(set, dev, deadline, err);
	device_back_path(set, dev, back);
	rc = run_script(set->xen, &facts, "add", "type_if=tap", err);
	if (rc < 0 || !nic->link_down)
		return rc;
	tap_name(nic->ifname, set->domid, dev->devid, name, sizeof(name));
	return set_one(set->links, name, false, err);
}

/* Down: the link dies with its backend, also one that xl made; scripts hear of it. */

/* The card stays in a guest that lives on, and its tap with it: on no bridge, as with xl. */
static void disconnect_tap(const char *name)
{
	const struct link_setup setup = { .down = true, .no_master = true };
	struct links *links = NULL;
	unsigned int index;
	struct err err;
	int rc;

	if (link_index(name, &index, &err) < 0)
		return;
	rc = links_open(&links, &err);
	if (rc == 0)
		rc = links_set(links, index, &setup, &err);
	if (rc < 0 && rc != -ENODEV)
		log_warn("%s", err.msg);
	links_close(links);
}

/* What is known of a vif that goes, from the toolstack's copy; NULL: the copy does not say. */
struct traces {
	char *script, *bridge, *gatewaydev, *type, *vifname;	/* owned */
};

static void scoped_traces(struct traces *t)
{
	scoped_free(&t->script);
	scoped_free(&t->bridge);
	scoped_free(&t->gatewaydev);
	scoped_free(&t->type);
	scoped_free(&t->vifname);
}

static int read_traces(struct xen *xen, const struct device_entry *entry, struct traces *t,
		       struct err *err)
{
	const struct { const char *name; char **value; } words[] = {
		{ "script", &t->script }, { "bridge", &t->bridge },
		{ "gatewaydev", &t->gatewaydev }, { "type", &t->type },
		{ "vifname", &t->vifname },
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(words) && rc == 0; i++)
		rc = device_read(xen, entry->copy, words[i].name, words[i].value, err);
	return rc;
}

/* A script that fails changes nothing: the link is gone. */
static void run_down(struct xen *xen, const struct device_entry *entry,
		     const struct script_facts *facts, const char *action, const char *type_if)
{
	char label[64];
	struct err err;

	if (run_script(xen, facts, action, type_if, &err) < 0)
		log_warn("%s: %s", device_label(entry->kind, entry->devid, label, sizeof(label)),
			 err.msg);
}

static int disconnect(struct xen *xen, const struct device_entry *entry, struct err *err)
{
	scoped(traces) struct traces t = { .script = NULL };
	struct script_facts facts;
	char path[256], tap[40];
	int rc;

	if (entry->backend_domid != 0)
		return 0;
	rc = read_traces(xen, entry, &t, err);
	if (rc < 0 || !t.script)
		return rc;
	facts = (struct script_facts){
		.script = t.script, .back = entry->backend, .gatewaydev = t.gatewaydev,
		.domid = entry->domid, .devid = entry->devid,
		.emulated = t.type && strcmp(t.type, "vif_ioemu") == 0,
	};
	if (nic_is_vif_bridge(t.script) && !nic_script_does_more(t.bridge ? t.bridge : "")) {
		tap_name(t.vifname, entry->domid, entry->devid, tap, sizeof(tap));
		if (facts.emulated)
			disconnect_tap(tap);
		return 0;
	}
	rc = script_path(t.script, path, sizeof(path), err);
	if (rc < 0) {
		log_warn("%s", err->msg);
		return 0;
	}
	run_down(xen, entry, &facts, "offline", "type_if=vif");
	if (facts.emulated)
		run_down(xen, entry, &facts, "remove", "type_if=tap");
	return 0;
}

/* In a driver domain */

static int serve_native(struct xen *xen, const struct device_entry *entry, const struct traces *t,
			struct err *err)
{
	static const struct device_word connected = { "hotplug-status", "connected" };
	scoped(free) char *mtu = NULL;
	struct link_setup setup = { .rename = t->vifname, .mac = port_mac, .up = true };
	struct links *links = NULL;
	unsigned int index;
	uint64_t bytes = 0;
	char name[32];
	int rc = device_read(xen, entry->backend, "mtu", &mtu, err);

	if (rc == 0)
		rc = links_open(&links, err);
	if (rc == 0)
		rc = link_index(t->bridge, &setup.master, err);
	link_name(NULL, entry->domid, entry->devid, name, sizeof(name));
	if (rc == 0)
		rc = links_wait(links, name, false, wait_deadline(DEVICE_WAIT_MS), &index, err);
	if (mtu && str_to_u64(mtu, UINT32_MAX, &bytes) == 0)
		setup.mtu = (uint32_t)bytes;
	if (rc == 0)
		rc = links_set(links, index, &setup, err);
	links_close(links);
	return rc < 0 ? rc : device_tell(xen, entry->backend, "bridge", t->bridge, &connected, 1, err);
}

static int serve(struct xen *xen, const struct device_entry *entry, int *keep, struct err *err)
{
	scoped(traces) struct traces t = { .script = NULL };
	struct script_facts facts;
	char path[256];
	int rc = read_traces(xen, entry, &t, err);

	(void)keep;
	if (rc < 0)
		return rc;
	if (!t.script)
		return fail(err, ENOENT, "its nodes name no script");
	if (nic_is_vif_bridge(t.script) && t.bridge && !nic_script_does_more(t.bridge))
		return serve_native(xen, entry, &t, err);
	facts = (struct script_facts){
		.script = path, .back = entry->backend, .gatewaydev = t.gatewaydev,
		.domid = entry->domid, .devid = entry->devid,
	};
	rc = script_path(t.script, path, sizeof(path), err);
	return rc < 0 ? rc : run_script(xen, &facts, "online", "type_if=vif", err);
}

/* Live */

static int set_links(const char *name, uint32_t domid, uint32_t devid, bool up, struct err *err)
{
	struct links *links = NULL;
	char tap[40], index[16];
	uint32_t of_domid, of_devid;
	int rc;

	if (!nic_link_owner(name, &of_domid, &of_devid) || of_domid != domid || of_devid != devid)
		return fail(err, ENODEV, "vif %u of domain %u has no network link '%s' on this host",
			    devid, domid, name);
	rc = links_open(&links, err);
	if (rc < 0)
		return rc;
	rc = set_one(links, name, up, err);
	snprintf(tap, sizeof(tap), "%s" NIC_TAP_SUFFIX, name);
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
	.backends = { "vif" },
	.nr_items = offsetof(struct domain_config, nr_nics), .item_size = sizeof(struct nic),
	.json_list = "nics", .json_id = "devid", .guest_adds = 11,
	.guest_adds_queue = 5,	/* queue-N and its two rings and two event channels */
	.to_json = to_json, .prepare = nic_prepare, .open = open_device, .keys = keys,
	.qemu_args = qemu_args, .connect = connect, .connect_emulated = connect_emulated,
	.disconnect = disconnect, .serve = serve, .free_plan = free_plan,
};
