/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HVM guests before there is a domain: limits, viridian's bits, the info table, nodes, clocks. */
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <xen/hvm/hvm_info_table.h>
#include <xen/hvm/params.h>

#include "base/scope.h"
#include "builders/hvminfo.h"
#include "config/config.h"
#include "config/platform.h"
#include "domain/firmware.h"
#include "domain/layout.h"
#include "domain/platform.h"
#include "domain/viridian.h"
#include "tap.h"
#include "xen/host.h"
#include "xen/nodes.h"

#define MIB 1024
#define DEFAULT_SET (HVMPV_base_freq | HVMPV_time_ref_count | HVMPV_apic_assist | \
	HVMPV_crash_ctl | HVMPV_no_vp_limit | HVMPV_cpu_hotplug)

/* libxl's numbers of the groups */
enum { BASE, FREQ, TIME_REF, TSC, FLUSH, APIC, CRASH, SYNIC, STIMER };

static void test_viridian(void)
{
	static const struct {
		enum tri defaults;
		uint64_t enable, disable, want;
		const char *msg;
	} cases[] = {
		{ TRI_DEFAULT, 0, 0, 0, NULL },
		{ TRI_TRUE, 0, 0, DEFAULT_SET, NULL },
		{ TRI_TRUE, 1 << SYNIC, 1 << CRASH,
		  (DEFAULT_SET & ~HVMPV_crash_ctl) | HVMPV_synic, NULL },
		{ TRI_DEFAULT, 1 << BASE, 0, HVMPV_base_freq | HVMPV_no_freq, NULL },
		{ TRI_DEFAULT, 1 << BASE | 1 << FREQ, 0, HVMPV_base_freq, NULL },
		{ TRI_TRUE, 0, 1 << FREQ, DEFAULT_SET | HVMPV_no_freq, NULL },
		{ TRI_DEFAULT, 1 << BASE | 1 << STIMER, 0, HVMPV_base_freq | HVMPV_no_freq |
		  HVMPV_time_ref_count | HVMPV_synic | HVMPV_stimer, NULL },
		/* "all" */
		{ TRI_DEFAULT, UINT64_MAX, 0, HVMPV_feature_mask & ~HVMPV_no_freq, NULL },
		{ TRI_DEFAULT, 1 << SYNIC, 0, 0, "viridian: the other groups need the group base" },
		{ TRI_TRUE, 0, 1 << BASE, 0, "viridian: the other groups need the group base" },
		{ TRI_DEFAULT, 1 << TSC, 1 << TSC, 0,
		  "viridian group reference_tsc is both on and off" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hvm_config hvm = {
			.viridian = cases[i].defaults, .viridian_enable = cases[i].enable,
			.viridian_disable = cases[i].disable,
		};
		struct err err = ERR_INIT;
		uint64_t mask = 0;

		is_int(viridian_mask(&hvm, &mask, &err), cases[i].msg ? -EINVAL : 0,
		       "viridian %zu", i);
		is_int(mask, cases[i].want, "viridian %zu: bits", i);
		if (cases[i].msg)
			is_str(err.msg, cases[i].msg, "viridian %zu: message", i);
	}
}

static void test_info(void)
{
	struct hvm_info_table info = { .length = sizeof(info), .low_mem_pgend = 0x3800 };
	const uint8_t *bytes = (const uint8_t *)&info;
	uint8_t sum = 0;

	for (size_t i = 0; i < sizeof(info); i++)
		sum = (uint8_t)(sum + bytes[i]);
	info.checksum = (uint8_t)-sum;
	hvminfo_set(&info, 20, 11, false);
	is_int(info.nr_vcpus, 20, "info table: vcpus");
	is_int(info.apic_mode, 0, "info table: no APICs");
	is_int(info.vcpu_online[0], 0xff, "info table: the first eight are online");
	is_int(info.vcpu_online[1], 0x07, "info table: and three more");
	is_int(info.vcpu_online[2], 0, "info table: the others are not");
	is_int(info.low_mem_pgend, 0x3800, "info table: memory stays");
	for (size_t i = sum = 0; i < sizeof(info); i++)
		sum = (uint8_t)(sum + bytes[i]);
	is_int(sum, 0, "info table: checksum");
	hvminfo_set(&info, 128, 128, true);
	is_int(info.vcpu_online[15], 0xff, "info table: as many as there can be");
}

static void test_check(void)
{
	static char path[] = "/x";
	static const struct {
		struct domain_config config;
		int code;
		const char *msg;
	} cases[] = {
		{ { .max_vcpus = 128 }, 0, NULL },
		{ { .max_vcpus = 129 }, EINVAL,
		  "an HVM guest cannot have 129 vcpus: 128 is the most" },
		{ { .hvm = { .bios = 1 } }, EOPNOTSUPP,
		  "bios=\"rombios\" was qemu-xen-traditional's: use seabios" },
		{ { .hvm = { .rdm_strategy = RDM_STRATEGY_HOST } }, EOPNOTSUPP, "rdm=\"strategy=host\" is not "
		  "supported: only memory that the guest's own devices claim is looked at" },
		{ { .ramdisk = path }, EINVAL,
		  "ramdisk belongs to a kernel, and the config gives none" },
		{ { .cmdline = path }, EINVAL,
		  "a kernel command line belongs to a kernel, and the config gives none" },
		{ { .kernel = path, .ramdisk = path, .cmdline = path }, 0, NULL },
		{ { .video_memkb = 4 * MIB }, EINVAL,
		  "videoram is 4 MiB, but this vga needs 8 MiB" },
		{ { .hvm = { .vga_kind = VGA_STD }, .video_memkb = 8 * MIB }, EINVAL,
		  "videoram is 8 MiB, but this vga needs 16 MiB" },
		{ { .hvm = { .vga_kind = VGA_QXL }, .target_memkb = 128 * MIB, .max_memkb = 128 * MIB },
		  EINVAL, "memory is 128 MiB, but an HVM guest needs at least 136 MiB: 8 and 128 "
		  "for its video card" },
		{ { .hvm = { .vga_kind = VGA_NONE }, .target_memkb = 8 * MIB, .max_memkb = 8 * MIB }, 0,
		  NULL },
		{ { .target_memkb = 8 * MIB, .max_memkb = 64 * MIB }, EINVAL,
		  "memory is 8 MiB, but an HVM guest needs at least 16 MiB: 8 and 8 for its video "
		  "card" },
		{ { .hvm = { .viridian_enable = 2 } }, EINVAL,
		  "viridian: the other groups need the group base" },
		{ { .nested_hvm = TRI_TRUE, .hvm = { .altp2m = TRI_TRUE } }, EINVAL,
		  "nestedhvm and altp2m are not possible together" },
		{ { .altp2m = 2, .target_memkb = 64 * MIB, .max_memkb = 128 * MIB }, EINVAL,
		  "altp2m is not possible with memory less than maxmem" },
		{ { .nr_pcidevs = 1, .target_memkb = 64 * MIB, .max_memkb = 128 * MIB }, EINVAL,
		  "passthrough is not possible with memory (64 MiB) less than maxmem (128 MiB)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct domain_config config = cases[i].config;
		struct err err = ERR_INIT;

		config.type = DOMAIN_HVM;
		if (!config.max_memkb)
			config.target_memkb = config.max_memkb = 128 * MIB;
		if (!config.video_memkb)
			config.video_memkb = config_video_memkb(&config);
		is_int(platform_check(&config, &err), -cases[i].code, "check %zu", i);
		if (cases[i].msg)
			is_str(err.msg, cases[i].msg, "check %zu: message", i);
	}
}

static void test_plan(void)
{
	static const struct host_guests host = {
		.pv = true, .hvm = true, .hap = true, .shadow = true,
	};
	static const struct {
		struct domain_config config;
		const char *msg;
	} cases[] = {
		{ { .nested_hvm = TRI_TRUE }, NULL },
		{ { .nested_hvm = TRI_TRUE, .hap = TRI_FALSE },
		  "nestedhvm needs hardware assisted paging (hap)" },
		{ { .vpmu = TRI_TRUE }, "vpmu=1, but this hypervisor offers no virtual performance "
		  "counters (Xen's option vpmu)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct domain_config config = cases[i].config;
		struct platform platform;
		struct err err = ERR_INIT;
		int rc;

		config.type = DOMAIN_HVM;
		config.shadow_memkb = CONFIG_MEMKB_DEFAULT;
		rc = platform_plan(&config, &host, &platform, &err);
		is_str(rc < 0 ? err.msg : NULL, cases[i].msg, "plan %zu", i);
	}
}

static const char *value_of(const struct store_nodes *nodes, const char *path)
{
	for (size_t i = 0; i < nodes->nr; i++) {
		if (strcmp(nodes->items[i].path, path) == 0)
			return nodes->items[i].value;
	}
	return NULL;
}

static void test_nodes(void)
{
	static const struct layout_facts facts = {
		.domid = 7, .uuid = "u", .smbios_address = 0x1f000, .smbios_length = 0x123,
	};
	static const struct { const char *path, *value; } cases[] = {
		{ "/libxl/7/type", "hvm" },
		{ "/vm/u/image/ostype", "hvm" },
		{ "/vm/u/rtc/timeoffset", "" },
		{ "/local/domain/7/memory/static-max", "262144" },
		/* less the video card's, less what PoD keeps back */
		{ "/local/domain/7/memory/target", "113664" },
		{ "/local/domain/7/memory/videoram", "16384" },
		{ "/local/domain/7/control/feature-s3", "" },
		{ "/local/domain/7/hvmloader/bios", "ovmf" },
		{ "/local/domain/7/hvmloader/allow-memory-relocate", "0" },
		{ "/local/domain/7/hvmloader/smbios/address", "0x1f000" },
		{ "/local/domain/7/hvmloader/smbios/length", "0x123" },
		{ "/local/domain/7/hvmloader/acpi/address", NULL },
		{ "/local/domain/7/platform/acpi", "1" },
		{ "/local/domain/7/platform/acpi_s3", "0" },
		{ "/local/domain/7/platform/acpi_s4", "1" },
		{ "/local/domain/7/platform/acpi_laptop_slate", "0" },
		{ "/local/domain/7/platform/mmio_hole_size", "1073741824" },
		{ "/local/domain/7/platform/device-model", "qemu_xen" },
		{ "/local/domain/7/platform/generation-id", "1:256" },
		{ "/local/domain/7/bios-strings/system-product-name", "a=b_c" },
		{ "/local/domain/7/bios-strings/oem-1", "x" },
		{ "/local/domain/7/bios-strings/oem-2", "y" },
	};
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	char name[] = "h", product[] = "system_product_name=a=b_c", x[] = "oem=x", y[] = "oem=y";
	char *strings[] = { product, x, y };
	struct domain_config config = {
		.name = name, .type = DOMAIN_HVM, .max_vcpus = 1, .vcpus = 1,
		.max_memkb = 256 * MIB, .target_memkb = 128 * MIB, .video_memkb = 16 * MIB,
		.hvm = {
			.bios = 3, .acpi_s3 = TRI_FALSE, .mmio_hole_memkb = 1024 * MIB,
			.ms_vm_genid = { [0] = 1, [9] = 1 },
			.smbios = { strings, ARRAY_SIZE(strings) },
		},
	};

	layout_root(&nodes, &config, &facts);
	layout_domain(&nodes, &config, &facts);
	layout_rings(&nodes, &facts);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		is_str(value_of(&nodes, cases[i].path), cases[i].value, "%s", cases[i].path);
}

static void test_clock(void)
{
	struct domain_config config = { .rtc_timeoffset = -30 };

	setenv("TZ", "XYZ-02:00", 1);
	tzset();
	is_int(platform_clock_offset(&config, 1700000000), -30, "clock: an offset");
	config.localtime = TRI_TRUE;
	is_int(platform_clock_offset(&config, 1700000000), 7170, "clock: and local time");
}

static void test_firmware(void)
{
	char file[] = "/dev/null";
	struct domain_config config = {
		.type = DOMAIN_HVM, .hvm = { .firmware = file, .system_firmware = file, .bios = 3 },
	};
	struct firmware firmware = { NULL, NULL };
	struct err err = ERR_INIT;

	is_int(firmware_find(&config, &firmware, &err), 0, "firmware: as given");
	is_str(firmware.loader, file, "firmware: in hvmloader's place");
	is_str(firmware.system, file, "firmware: the BIOS");
	is_str(firmware_bios(&config), "ovmf", "firmware: its name");
	config.hvm.bios = 0;
	is_str(firmware_bios(&config), "seabios", "firmware: the usual one's");
}

int main(void)
{
	test_viridian();
	test_info();
	test_check();
	test_plan();
	test_nodes();
	test_clock();
	test_firmware();
	return tap_done();
}
