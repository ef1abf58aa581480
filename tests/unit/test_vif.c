/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network interfaces as devices: what is decided and refused, and the nodes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "config/nic.h"
#include "devices/kind.h"
#include "devices/nicplan.h"
#include "tests/unit/tap.h"
#include "xen/nodes.h"

enum { NICS_MAX = 3, BACKEND = 9 };

/* The backends are elsewhere, so that nothing of this host is looked at. */
static int find_domain(struct xen *xen, const char *word, uint32_t *domid, struct err *err)
{
	(void)xen;
	if (strcmp(word, "net") != 0)
		return fail(err, ENOENT, "there is no domain '%s'", word);
	*domid = BACKEND;
	return 0;
}

struct host {
	struct nic nics[NICS_MAX];
	struct domain_config config;
	struct devices set;
};

static int prepare(struct host *host, enum domain_type type, const char *const specs[NICS_MAX],
		   struct err *err)
{
	struct spec_defaults defaults = { .vif_backend = "net" };
	size_t nr = 0;

	memset(host, 0, sizeof(*host));
	for (; nr < NICS_MAX && specs[nr]; nr++) {
		if (nic_parse(specs[nr], &defaults, &host->nics[nr], err) < 0)
			tap_ok(false, __FILE__, __LINE__, "%s", err->msg);
	}
	host->config.type = type;
	host->config.nics = host->nics;
	host->config.nr_nics = nr;
	host->set.find_domain = find_domain;
	return devices_prepare(&host->set, NULL, &host->config, err);
}

static void release(struct host *host)
{
	scoped_devices(&host->set);
	for (size_t i = 0; i < NICS_MAX; i++)
		nic_free(&host->nics[i]);
}

static const struct {
	const char *specs[NICS_MAX];
	const char *message;
} refused[] = {
	{ { "", "mac=01:00:5e:00:00:01" }, "vif 1: mac=01:00:5e:00:00:01 is a multicast address, which "
	  "a guest cannot have as its own" },
	{ { "mac=00:16:3e:00:00:01", "", "mac=0:16:3e:0:0:1" }, "vif 2: mac=00:16:3e:00:00:01 is that "
	  "of vif 0 already" },
	{ { "devid=1", "" }, "vif 1: there are two of it" },
	{ { "type=ioemu" }, "vif 0: type=ioemu: only an HVM guest has emulated network cards" },
	{ { "mtu=67" }, "vif 0: mtu=67: at least 68 are needed" },
	{ { "backend=nobody" }, "vif 0: backend domain: there is no domain 'nobody'" },
};

static void check_refused(void)
{
	struct err err = ERR_INIT;
	struct host host;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		ok(prepare(&host, DOMAIN_PV, refused[i].specs, &err) < 0, "refused: %zu", i);
		is_str(err.msg, refused[i].message, "message %zu", i);
		release(&host);
	}
}

static void check_decided(void)
{
	static const char *const two[NICS_MAX] = { "", "mac=00:16:3e:00:00:01", "devid=7,type=vif" };
	static const char *const same[NICS_MAX] = { "mac=00:16:3e:00:00:01,bridge=a",
						    "mac=00:16:3e:00:00:01,bridge=b" };
	static const uint8_t given[6] = { 0, 0x16, 0x3e, 0, 0, 1 };
	struct err err = ERR_INIT;
	struct host host;

	is_int(prepare(&host, DOMAIN_PVH, two, &err), 0, "three vifs");
	ok(memcmp(host.nics[0].mac, given, 3) == 0 && host.nics[0].mac[3] < 0x80,
	   "a MAC with Xen's prefix is made");
	ok(memcmp(host.nics[0].mac + 3, host.nics[2].mac + 3, 3) != 0, "another for each");
	ok(memcmp(host.nics[1].mac, given, 6) == 0, "a given one stays");
	is_int(host.nics[0].devid, 0, "number of the first");
	is_int(host.nics[2].devid, 7, "a given number");
	is_int(host.nics[0].type, NIC_TYPE_VIF, "type of the first");
	is_int((int)host.set.items[0].backend_domid, BACKEND, "its backend");
	release(&host);
	is_int(prepare(&host, DOMAIN_PV, same, &err), 0, "one MAC on two bridges is for the guest to "
	       "make sense of");
	release(&host);
}

static const char *const full[NICS_MAX] = {
	"devid=3,mac=00:16:3e:00:00:01,ip=10.0.0.1 10.0.0.2,bridge=br1,vifname=foo,script=vif-x,mtu=9000,"
	"rate=10MB/s@20ms,gatewaydev=eth1,untrusted,forwarddev=f,colo_checkpoint_port=5",
	"mac=00:16:3e:00:00:02,script=/a/b,mtu=1500",
};

#define BACK "/local/domain/9/backend/vif/4/"
#define FRONT "/local/domain/4/device/vif/"

/* What libxl__set_xenstore_nic() writes, in the backend and in the copy. */
static const char *const wanted_back[] = {
	"3/script=/etc/xen/scripts/vif-x", "3/vifname=foo", "3/forwarddev=f",
	"3/colo_checkpoint_port=5", "3/mac=00:16:3e:00:00:01", "3/ip=10.0.0.1 10.0.0.2",
	"3/gatewaydev=eth1", "3/rate=200000,20000", "3/mtu=9000", "3/bridge=br1", "3/handle=3",
	"3/type=vif", "3/hotplug-status=", "1/script=/a/b", "1/mac=00:16:3e:00:00:02",
	"1/bridge=xenbr0", "1/handle=1", "1/type=vif", "1/hotplug-status=",
};

static const char *const wanted_front[] = {
	"3/handle=3", "3/mac=00:16:3e:00:00:01", "3/trusted=0", "3/mtu=9000", "1/handle=1",
	"1/mac=00:16:3e:00:00:02", "1/trusted=1", "1/mtu=1500",
};

/* The kind's own nodes below a folder, "PATH=VALUE" each on a line. */
static char *below(const struct store_nodes *nodes, const char *folder)
{
	static const char *const common[] = {
		"/frontend", "/frontend-id", "/backend", "/backend-id", "/online", "/state",
	};
	scoped(strbuf) struct strbuf b = STRBUF_INIT;
	struct err err;
	char *out = NULL;

	for (size_t i = 0; i < nodes->nr; i++) {
		const char *path = nodes->items[i].path, *name = strrchr(path, '/');
		bool own = str_starts(path, folder) && strchr(path + strlen(folder), '/');

		for (size_t k = 0; k < ARRAY_SIZE(common); k++)
			own &= strcmp(name, common[k]) != 0;
		if (own)
			strbuf_printf(&b, "%s=%s\n", path + strlen(folder), nodes->items[i].value);
	}
	return strbuf_finish(&b, &out, &err) == 0 ? out : NULL;
}

static void compare(const struct store_nodes *nodes, const char *folder,
		    const char *const *wanted, size_t nr)
{
	scoped(strbuf) struct strbuf b = STRBUF_INIT;
	scoped(free) char *got = below(nodes, folder), *want = NULL;
	struct err err;

	for (size_t i = 0; i < nr; i++)
		strbuf_printf(&b, "%s\n", wanted[i]);
	if (strbuf_finish(&b, &want, &err) == 0)
		is_str(got, want, "nodes below %s", folder);
}

static void check_nodes(void)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	struct err err = ERR_INIT;
	struct host host;

	is_int(prepare(&host, DOMAIN_PV, full, &err), 0, "two vifs: %s", err.msg);
	host.set.domid = 4;
	devices_nodes(&host.set, &nodes);
	compare(&nodes, BACK, wanted_back, ARRAY_SIZE(wanted_back));
	compare(&nodes, "/libxl/4/device/vif/", wanted_back, ARRAY_SIZE(wanted_back));
	compare(&nodes, FRONT, wanted_front, ARRAY_SIZE(wanted_front));
	for (size_t i = 0; i < nodes.nr; i++) {
		if (strcmp(nodes.items[i].path, FRONT "3/mtu") == 0)
			is_int(nodes.items[i].perm, STORE_BACKEND, "the guest only reads its mtu");
	}
	release(&host);
}

int main(void)
{
	log_level = LOG_QUIET;
	check_refused();
	check_decided();
	check_nodes();
	return tap_done();
}
