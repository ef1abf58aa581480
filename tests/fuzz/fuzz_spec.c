/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The config's structured values. The first byte chooses the kind, the next the
 * flags; the rest is the text. What is accepted must give JSON that reads back as
 * the same, what is refused must say why in printable words.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "config/cpuid.h"
#include "config/cpulist.h"
#include "config/devices.h"
#include "config/disk.h"
#include "config/nic.h"
#include "config/pci.h"
#include "config/platform.h"
#include "config/size.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_message(const struct err *err)
{
	require(err->code > 0 && err->msg[0] && strlen(err->msg) < sizeof(err->msg));
	for (const char *p = err->msg; *p; p++)
		require((unsigned char)*p >= 0x20 || *p == '\t');
}

#define STRUCT_KIND(kind, type, init)							\
	static void fuzz_##kind(const char *text, const struct spec_defaults *d, json_t *from)	\
	{										\
		struct type obj = init, again = init;					\
		json_t *json = NULL, *json2 = NULL;					\
		struct err err = ERR_INIT;						\
		int rc;									\
											\
		rc = from ? kind##_from_json(from, &obj, &err) :			\
			kind##_parse(text, d, &obj, &err);				\
		if (rc < 0) {								\
			check_message(&err);						\
		} else {								\
			require(kind##_to_json(&obj, &json, &err) == 0);		\
			require(kind##_from_json(json, &again, &err) == 0);		\
			require(kind##_to_json(&again, &json2, &err) == 0);		\
			require(json_equal(json, json2));				\
		}									\
		kind##_free(&obj);							\
		kind##_free(&obj);							\
		kind##_free(&again);							\
		json_decref(json);							\
		json_decref(json2);							\
	}

static int vsnd_text(const char *text, const struct spec_defaults *d, struct vsnd *out,
		     struct err *err)
{
	scoped(free) char *copy = strdup(text);
	const char *items[16];
	unsigned int nr = 0;

	(void)d;
	for (char *word = strtok(copy, "|"); word && nr < 16; word = strtok(NULL, "|"))
		items[nr++] = word;
	return vsnd_parse(items, nr, out, err);
}

static int cpuid_text(const char *text, const struct spec_defaults *d, struct cpuid *out,
		      struct err *err)
{
	scoped(free) char *copy = strdup(text);
	int rc = 0;

	(void)d;
	if (!strncmp(text, "host", 4))
		return cpuid_parse(text, out, err);
	for (char *word = strtok(copy, "|"); word && rc == 0; word = strtok(NULL, "|"))
		rc = cpuid_add(out, word, err);
	return rc;
}

#define vsnd_parse vsnd_text
#define cpuid_parse cpuid_text
STRUCT_KIND(disk, disk, DISK_INIT)
STRUCT_KIND(nic, nic, NIC_INIT)
STRUCT_KIND(pci, pci_dev, PCI_INIT)
STRUCT_KIND(vfb, vfb, VFB_INIT)
STRUCT_KIND(vkb, vkb, VKB_INIT)
STRUCT_KIND(channel, channel, CHANNEL_INIT)
STRUCT_KIND(p9, p9, P9_INIT)
STRUCT_KIND(usbctrl, usbctrl, USBCTRL_INIT)
STRUCT_KIND(usbdev, usbdev, USBDEV_INIT)
STRUCT_KIND(vtpm, vtpm, VTPM_INIT)
STRUCT_KIND(pvcalls, pvcalls, PVCALLS_INIT)
STRUCT_KIND(vdispl, vdispl, VDISPL_INIT)
STRUCT_KIND(virtio, virtio_dev, VIRTIO_INIT)
STRUCT_KIND(vsnd, vsnd, VSND_INIT)
STRUCT_KIND(cpuid, cpuid, CPUID_INIT)

static int no_nodes(void *arg, unsigned int node, struct bitmap *cpus, struct err *err)
{
	(void)arg;
	if (node > 3)
		return fail(err, ENOENT, "no node %u", node);
	bitmap_set(cpus, node);
	return 0;
}

static void fuzz_small(const char *text, const struct spec_defaults *d, json_t *from)
{
	struct vnuma_node node = VNUMA_NODE_INIT;
	struct cpulist list = CPULIST_INIT;
	struct viridian v = VIRIDIAN_INIT;
	struct err err = ERR_INIT;
	char name[DISK_VDEV_MAX];
	struct ioport_range ports;
	struct iomem_range memory;
	struct rdm_reserve rdm;
	struct bitmap cpus;
	uint32_t n, back;
	uint64_t kb;

	(void)d;
	(void)from;
	if (disk_devnum(text, &n) == 0)
		require(disk_devnum(disk_vdev(n, name), &back) == 0 && back == n);
	if (cpulist_parse(text, &list, &err) < 0 ||
	    cpulist_resolve(&list, 16, no_nodes, NULL, &cpus, &err) < 0)
		check_message(&err);
	else
		require(!bitmap_empty(&cpus) && !bitmap_test(&cpus, 16));
	cpulist_free(&list);
	if (ioport_parse(text, &ports, &err) == 0)
		require(ports.number && ports.first + ports.number <= 0x10000);
	if (iomem_parse(text, &memory, &err) == 0)
		require(memory.number && memory.start + memory.number > memory.start);
	if (size_parse_kb(text, &kb, &err) == 0)
		require(kb <= (uint64_t)INT64_MAX >> 10);
	if (irq_parse(text, &n, &err) < 0 || rdm_reserve_parse(text, &rdm, &err) < 0 ||
	    viridian_add(&v, text, &err) < 0 || vnuma_node_parse(&text, 1, 4, &node, &err) < 0)
		check_message(&err);
	vnuma_node_free(&node);
}

static void (*const kinds[])(const char *text, const struct spec_defaults *d, json_t *from) = {
	fuzz_disk, fuzz_nic, fuzz_pci, fuzz_vfb, fuzz_vkb, fuzz_channel, fuzz_p9, fuzz_usbctrl,
	fuzz_usbdev, fuzz_vtpm, fuzz_pvcalls, fuzz_vdispl, fuzz_virtio, fuzz_vsnd, fuzz_cpuid,
	fuzz_small, fuzz_disk, fuzz_nic,
};

static int warned(void *arg, const char *msg)
{
	struct err err = { .code = 1 };

	snprintf(err.msg, sizeof(err.msg), "%s", msg);
	check_message(&err);
	return *(const uint8_t *)arg >> 1 & 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spec_defaults d = { .vif_bridge = "br", .warn = warned };
	scoped(free) char *text = NULL;
	json_t *from = NULL;
	uint8_t flags;

	if (size < 2)
		return 0;
	flags = data[1];
	d.warn_arg = &flags;
	text = strndup((const char *)data + 2, size - 2);
	if (flags & 1) {
		from = json_loads(text, JSON_DECODE_ANY, NULL);
		if (!from)
			return 0;
	}
	kinds[data[0] % ARRAY_SIZE(kinds)](text, &d, from);
	json_decref(from);
	return 0;
}
