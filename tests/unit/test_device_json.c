/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is believed of the store's list of devices, and a device in libxl's JSON. */
#include <stdlib.h>

#include "base/json.h"
#include "base/scope.h"
#include "config/disk.h"
#include "config/nic.h"
#include "devices/kind.h"
#include "domain/attach.h"
#include "tests/unit/tap.h"

#define DISK "/local/domain/7/device/vbd/51712"
#define DISK_BACK "/local/domain/0/backend/vbd/7/51712"

static const struct entry_case {
	const char *kind, *number, *frontend, *backend;
	bool good;
	uint32_t backend_domid;
	const char *backend_kind;
} entry_cases[] = {
	{ "vbd", "51712", DISK, DISK_BACK, true, 0, "vbd" },
	{ "vbd", "51712", DISK, "/local/domain/0/backend/qdisk/7/51712", true, 0, "qdisk" },
	{ "vif", "0", "/local/domain/7/device/vif/0", "/local/domain/3/backend/vif/7/0", true, 3, "vif" },
	{ "9pfs", "4294967295", "/local/domain/7/device/9pfs/4294967295",
	  "/local/domain/0/backend/9pfs/7/4294967295", true, 0, "9pfs" },
	{ "vtpm", "1", "/local/domain/7/device/vtpm/1", "/local/domain/32751/backend/vtpm/7/1",
	  true, 32751, "vtpm" },
	/* other places */
	{ "vbd", "51712", DISK, "", false, 0, NULL },
	{ "vbd", "51712", "", DISK_BACK, false, 0, NULL },
	{ "vbd", "51712", DISK, "/local/domain/0/backend/vbd/8/51712", false, 0, NULL },
	{ "vbd", "51712", DISK, "/local/domain/0/backend/vbd/7/51728", false, 0, NULL },
	{ "vbd", "51712", DISK, DISK_BACK "/", false, 0, NULL },
	{ "vbd", "51712", DISK, DISK_BACK "/state", false, 0, NULL },
	{ "vbd", "51712", DISK "/", DISK_BACK, false, 0, NULL },
	{ "vbd", "51712", "/local/domain/8/device/vbd/51712", DISK_BACK, false, 0, NULL },
	{ "vbd", "51712", DISK, "/local/domain/00/backend/vbd/7/51712", false, 0, NULL },
	{ "vbd", "51712", DISK, "/local/domain/32752/backend/vbd/7/51712", false, 0, NULL },
	{ "vbd", "51712", DISK, "/local/domain/-1/backend/vbd/7/51712", false, 0, NULL },
	{ "vbd", "51712", DISK, "/local/domain/ 0/backend/vbd/7/51712", false, 0, NULL },
	{ "vbd", "51712", DISK, "/local/domain/0/backend/../7/51712", false, 0, NULL },
	{ "vbd", "51712", DISK, "/local/domain/0/backend/aaaaaaaaaaaaaaaa/7/51712", false, 0, NULL },
	{ "vbd", "51712", DISK, "/tool/xenstored", false, 0, NULL },
	/* other numbers */
	{ "vbd", "051712", DISK, DISK_BACK, false, 0, NULL },
	{ "vbd", "+51712", DISK, DISK_BACK, false, 0, NULL },
	{ "vbd", "4294967296", "/local/domain/7/device/vbd/4294967296",
	  "/local/domain/0/backend/vbd/7/4294967296", false, 0, NULL },
	{ "vbd", "", "/local/domain/7/device/vbd/", "/local/domain/0/backend/vbd/7/", false, 0, NULL },
	/* kinds that would not fit */
	{ "", "0", "/local/domain/7/device//0", "/local/domain/0/backend/vbd/7/0", false, 0, NULL },
	{ "aaaaaaaaaaaaaaaa", "0", "/local/domain/7/device/aaaaaaaaaaaaaaaa/0",
	  "/local/domain/0/backend/vbd/7/0", false, 0, NULL },
	{ "v-d", "0", "/local/domain/7/device/v-d/0", "/local/domain/0/backend/vbd/7/0", false, 0, NULL },
};

static void test_entries(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(entry_cases); i++) {
		const struct entry_case *t = &entry_cases[i];
		struct device_entry entry;
		bool good = device_entry_parse(7, t->kind, t->number, t->frontend, t->backend,
					       &entry);

		ok(good == t->good, "%s %s %s: %s", t->kind, t->number,
		       t->backend, t->good ? "believed" : "refused");
		if (!good || !t->good)
			continue;
		ok(entry.backend_domid == t->backend_domid && entry.domid == 7, "its domains");
		is_str(entry.backend_kind, t->backend_kind, "its backend");
		ok(entry.kind == device_kind_find(t->kind), "its kind");
	}
}

/* Adds, replaces and removes; the text shows what libxl will read. */
static void is_json(const json_t *config, const char *want, const char *what)
{
	scoped(free) char *text = json_dumps(config, JSON_COMPACT | JSON_SORT_KEYS);

	is_str(text, want, "%s", what);
}

static void test_disks(void)
{
	const struct device_kind *kind = device_kind_find("vbd");
	scoped(json) json_t *config = json_loads("{\"on_reboot\":\"restart\"}", 0, NULL);
	scoped(disk) struct disk disk = DISK_INIT;
	struct err err;

	ok(disk_parse("/dev/a,raw,xvdb,r", NULL, &disk, &err) == 0, "a disk");
	ok(device_json_add(kind, config, &disk, 51728, &err) == 0, "added");
	is_json(config, "{\"disks\":[{\"format\":\"raw\",\"pdev_path\":\"/dev/a\",\"vdev\":\"xvdb\"}],"
		"\"on_reboot\":\"restart\"}", "a list of its own");
	ok(device_json_has(kind, config, 51728), "it is there");
	ok(!device_json_has(kind, config, 51712), "another is not");
	ok(device_json_add(kind, config, &disk, 51728, &err) == 0 &&
	       json_array_size(json_object_get(config, "disks")) == 1,
	   "added again it replaces itself");
	ok(!device_json_remove(kind, config, 51712), "another is not removed");
	ok(device_json_remove(kind, config, 51728), "removed");
	is_json(config, "{\"on_reboot\":\"restart\"}", "no empty list stays");
}

static void test_others(void)
{
	const struct device_kind *vbd = device_kind_find("vbd"), *vif = device_kind_find("vif");
	scoped(json) json_t *config = json_loads("{\"disks\":[{\"vdev\":\"51712\"},{\"vdev\":\"d1p0\"},"
		"{\"vdev\":7},{},null],\"nics\":[{\"devid\":0},{\"devid\":1},{\"devid\":\"x\"}]}", 0, NULL);
	scoped(json) json_t *odd = json_loads("{\"disks\":\"none\",\"nics\":{}}", 0, NULL);
	scoped(nic) struct nic nic = NIC_INIT;
	struct err err;

	ok(device_json_has(vbd, config, 51712), "a vdev that is a number");
	ok(device_json_has(vbd, config, 51728), "a vdev in libxl's other form");
	ok(device_json_has(vif, config, 0), "vif 0");
	ok(device_json_remove(vif, config, 1), "vif 1 removed");
	ok(device_json_has(vif, config, 0) && !device_json_has(vif, config, 1),
	   "and no other");
	nic.devid = 3;
	ok(device_json_add(vif, odd, &nic, 3, &err) == 0 && device_json_has(vif, odd, 3),
	   "what is no list is replaced by one");
	ok(!device_json_has(vbd, odd, 0), "or has nothing");
}

int main(void)
{
	test_entries();
	test_disks();
	test_others();
	return tap_done();
}
