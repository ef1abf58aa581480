/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI devices: addresses, resources, slots in the store, what QEMU answers, who gets an IOMMU. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/scope.h"
#include "config/config.h"
#include "config/pci.h"
#include "devices/kind.h"
#include "devices/pcidev.h"
#include "devices/pcihost.h"
#include "domain/hostparts.h"
#include "domain/platform.h"
#include "tests/unit/tap.h"
#include "xen/host.h"
#include "xen/nodes.h"

static void test_address(void)
{
	static const struct { const char *text; bool good; uint32_t number; } cases[] = {
		{ "0000:00:08.0", true, 0x40 },
		{ "0001:ff:1f.7", true, 0x1ffff },
		{ "ffff:00:00.0", true, 0xffff0000 },
		{ "00:08.0", false, 0 }, { "0000:00:08.8", false, 0 }, { "0000:00:20.0", false, 0 },
		{ "0000:00:8.0", false, 0 }, { "0000:00:08.0 ", false, 0 }, { "0000:00:08.0x", false, 0 },
		{ "+000:00:08.0", false, 0 }, { "", false, 0 }, { "bind", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pci_bdf bdf;
		char text[PCI_BDF_LEN], path[PCI_INFO_LEN];
		bool good = pci_bdf_parse(cases[i].text, &bdf);

		ok(good == cases[i].good, "'%s' is%s an address", cases[i].text, good ? "" : " not");
		if (!good || !cases[i].good)
			continue;
		is_int(pci_bdf_number(&bdf), cases[i].number, "%s: number", cases[i].text);
		is_str(pci_bdf_text(&bdf, text), cases[i].text, "%s: text", cases[i].text);
		ok(strlen(pci_info_path(&bdf, "driver_path", path)) == strlen("/libxl/pci/"
		   "0000-00-00-0/driver_path"), "%s: path '%s'", cases[i].text, path);
	}
}

static void test_resources(void)
{
	static const struct { const char *what, *text, *ranges; } cases[] = {
		{ "nothing", "", "" },
		{ "an e1000", "0x00000000feb80000 0x00000000feb9ffff 0x0000000000040200\n"
		  "0x000000000000c080 0x000000000000c0bf 0x0000000000040101\n"
		  "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		  "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		  "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		  "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		  "0x00000000feac0000 0x00000000feafffff 0x0000000000046200\n"
		  "0x0000000000001000 0x0000000000001fff 0x0000000000000101\n",
		  "mfeb80000+20000 pc080+40 mfeac0000+40000 " },
		{ "an end before its start", "0x2000 0x1000 0x200\n", "" },
		{ "nonsense", "what\n0x1000 0x1fff 0x100\n", "p1000+1000 " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pci_resources res;
		char text[256] = "";

		pcihost_parse_resources(cases[i].text, &res);
		for (size_t k = 0; k < res.nr; k++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text),
				 "%c%" PRIx64 "+%" PRIx64 " ", res.ranges[k].ports ? 'p' : 'm',
				 res.ranges[k].start, res.ranges[k].size);
		is_str(text, cases[i].ranges, "resources: %s", cases[i].what);
	}
}

static void test_slots(void)
{
	static const char *const wanted[] = {
		"/b/key-2=0000:03:00.1", "/b/dev-2=0000:03:00.1", "/b/vdevfn-2=39", "/b/name-2=gpu",
		"/b/opts-2=msitranslate=0,power_mgmt=0,permissive=1,rdm_policy=relaxed", "/b/state-2=1",
		"/b/key-3=0000:03:00.0", "/b/dev-3=0000:03:00.0",
		"/b/opts-3=msitranslate=1,power_mgmt=1,permissive=0,rdm_policy=strict", "/b/state-3=1",
		"/b/num_devs=4",
	};
	static char name[] = "gpu";
	static const struct pci_dev devs[] = {
		{ .permissive = true, .rdm_policy = RDM_POLICY_RELAXED, .name = name },
		{ .msitranslate = true, .power_mgmt = true },
	};
	struct pci_function functions[] = {
		{ { { 0, 3, 0, 1 }, 2, 7 << 3 | 1 }, &devs[0], -1 },
		{ { { 0, 3, 0, 0 }, 3, 0 }, &devs[1], -1 },
	};
	struct pci_plan plan = { .functions = functions, .nr = 2, .nr_before = 2 };
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;

	pci_slot_nodes(&plan, "/b", &nodes);
	is_int(nodes.nr, ARRAY_SIZE(wanted), "nodes of two slots");
	for (size_t i = 0; i < nodes.nr && i < ARRAY_SIZE(wanted); i++) {
		char text[128];

		snprintf(text, sizeof(text), "%s=%s", nodes.items[i].path, nodes.items[i].value);
		is_str(text, wanted[i], "node %zu", i);
	}
}

static void test_qemu(void)
{
	static const char answer[] =
		"[{\"bus\":0,\"devices\":[{\"bus\":0,\"slot\":1,\"function\":0,\"qdev_id\":\"\"},"
		"{\"slot\":6,\"function\":3,\"qdev_id\":\"pci-pt-00_08.0\"},{\"qdev_id\":7},3]},4]";
	static const struct { const char *id; bool found; uint32_t vdevfn; } cases[] = {
		{ "pci-pt-00_08.0", true, 6 << 3 | 3 }, { "pci-pt-00_08.1", false, 0 },
		{ "pci-pt", false, 0 },
	};
	scoped(json) json_t *json = NULL;
	struct err err;

	ok(json_from_text(answer, strlen(answer), &json, &err) == 0, "an answer");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t vdevfn = 0;

		ok(pci_qemu_find(json, cases[i].id, &vdevfn) == cases[i].found, "'%s'%s there",
		   cases[i].id, cases[i].found ? "" : " not");
		is_int(vdevfn, cases[i].vdevfn, "'%s': its place", cases[i].id);
	}
	ok(!pci_qemu_find(NULL, "x", &(uint32_t){ 0 }), "no answer");
}

/* One device of several in libxl's JSON. */
static void test_json(void)
{
	static const char text[] =
		"{\"pcidevs\":[{\"dev\":8},{\"dev\":9,\"func\":1,\"name\":\"x\"},{\"bus\":1,\"dev\":8}]}";
	struct pci_dev dev = { .dev = 9, .func = 1, .vfunc_mask = 1 };
	scoped(json) json_t *json = NULL;
	struct err err;

	ok(json_from_text(text, strlen(text), &json, &err) == 0, "a config");
	ok(device_json_has(&device_pci, json, 0), "it has the device that all of them are");
	ok(device_json_add(&device_pci, json, &dev, 0, &err) == 0, "the same again");
	is_int(json_array_size(json_object_get(json, "pcidevs")), 3, "takes the other's place");
	ok(!device_json_remove(&device_pci, json, 0x41), "no such function");
	ok(device_json_remove(&device_pci, json, 0x40), "one goes");
	ok(device_json_remove(&device_pci, json, 0x140), "another");
	is_int(json_array_size(json_object_get(json, "pcidevs")), 1, "one is left");
	ok(device_json_remove(&device_pci, json, 0x49), "the last");
	ok(!json_object_get(json, "pcidevs"), "and no empty list");
	ok(!device_json_has(&device_pci, json, 0), "no device any more");
}

static void test_iommu(void)
{
	static const struct host_guests all = {
		.pv = true, .hvm = true, .hap = true, .iommu = true, .iommu_share = true,
	};
	static const struct host_guests apart = {
		.pv = true, .hvm = true, .hap = true, .iommu = true,
	};
	static const struct host_guests none = { .pv = true, .hvm = true, .hap = true };
	static const struct {
		const char *what;
		enum domain_type type;
		int passthrough;
		size_t nr_pcidevs;
		const struct host_guests *host;
		bool iommu, sync;
		const char *msg;
	} cases[] = {
		{ "nothing wanted", DOMAIN_PV, 0, 0, &none, false, false, NULL },
		{ "disabled", DOMAIN_HVM, 1, 0, &none, false, false, NULL },
		{ "a PV device", DOMAIN_PV, 0, 1, &all, true, true, NULL },
		{ "an HVM device", DOMAIN_HVM, 0, 1, &all, true, false, NULL },
		{ "where tables cannot be shared", DOMAIN_HVM, 0, 1, &apart, true, true, NULL },
		{ "enabled", DOMAIN_HVM, 2, 0, &all, true, false, NULL },
		{ "sync_pt", DOMAIN_HVM, 3, 0, &all, true, true, NULL },
		{ "share_pt", DOMAIN_HVM, 4, 0, &all, true, false, NULL },
		{ "share_pt of PV", DOMAIN_PV, 4, 0, &all, false, false, "passthrough=\"share_pt\", one set "
		  "of page tables for the processor and the IOMMU: a PV guest has none of its own" },
		{ "share_pt where it cannot be", DOMAIN_HVM, 4, 0, &apart, false, false,
		  "passthrough=\"share_pt\", one set of page tables for the processor and the IOMMU: "
		  "this host's IOMMU cannot" },
		{ "disabled, and a device", DOMAIN_PV, 1, 1, &all, false, false,
		  "passthrough=\"disabled\", but the config has PCI devices" },
		{ "no IOMMU", DOMAIN_PV, 0, 1, &none, false, false, "the config has PCI devices, but this "
		  "host has no IOMMU that Xen uses: it is off in the firmware, or Xen has iommu=0" },
		{ "no IOMMU for enabled", DOMAIN_HVM, 2, 0, &none, false, false, "the config has "
		  "passthrough=, but this host has no IOMMU that Xen uses: it is off in the firmware, "
		  "or Xen has iommu=0" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct domain_config config = {
			.type = cases[i].type, .passthrough = cases[i].passthrough,
			.nr_pcidevs = cases[i].nr_pcidevs, .max_memkb = 1 << 20,
		};
		struct platform platform = { .pv = config.type == DOMAIN_PV, .hap = true };
		struct err err = ERR_INIT;
		int rc = hostparts_plan(&config, cases[i].host, &platform, &err);

		is_str(rc < 0 ? err.msg : NULL, cases[i].msg, "%s: message", cases[i].what);
		ok(platform.iommu == cases[i].iommu && platform.iommu_sync == cases[i].sync,
		   "%s: iommu %d, tables of its own %d", cases[i].what, platform.iommu,
		   platform.iommu_sync);
		/* 1 GiB: 512 tables of the last level, and one of each above. */
		is_int(platform.overhead_kb, cases[i].sync ? 4 * 515 : 0, "%s: memory for tables",
		       cases[i].what);
	}
}

int main(void)
{
	test_address();
	test_resources();
	test_slots();
	test_qemu();
	test_json();
	test_iommu();
	return tap_done();
}
