/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "config/cpuid.h"
#include "config/lists.h"
#include "config/platform.h"
#include "config/types.h"

const struct field_section field_sections[SECTION_COUNT] = {
	[SECTION_C_INFO] = { SECTION_ROOT, "c_info", DOMAIN_UNKNOWN, false },
	[SECTION_B_INFO] = { SECTION_ROOT, "b_info", DOMAIN_UNKNOWN, false },
	[SECTION_SCHED] = { SECTION_B_INFO, "sched_params", DOMAIN_UNKNOWN, false },
	[SECTION_HVM] = { SECTION_B_INFO, "type.hvm", DOMAIN_HVM, false },
	[SECTION_HVM_VGA] = { SECTION_HVM, "vga", DOMAIN_HVM, false },
	[SECTION_HVM_VNC] = { SECTION_HVM, "vnc", DOMAIN_HVM, false },
	[SECTION_HVM_SDL] = { SECTION_HVM, "sdl", DOMAIN_HVM, false },
	[SECTION_HVM_SPICE] = { SECTION_HVM, "spice", DOMAIN_HVM, false },
	[SECTION_HVM_RDM] = { SECTION_HVM, "rdm", DOMAIN_HVM, false },
	[SECTION_PV] = { SECTION_B_INFO, "type.pv", DOMAIN_PV, false },
	[SECTION_PVH] = { SECTION_B_INFO, "type.pvh", DOMAIN_PVH, false },
	[SECTION_ARM] = { SECTION_B_INFO, "arch_arm", DOMAIN_UNKNOWN, false },
	[SECTION_ARM_SCI] = { SECTION_ARM, "arm_sci", DOMAIN_UNKNOWN, true },
	[SECTION_X86] = { SECTION_B_INFO, "arch_x86", DOMAIN_UNKNOWN, false },
	[SECTION_QUOTA] = { SECTION_B_INFO, "xenstore_quota", DOMAIN_UNKNOWN, true },
};

static int max_vcpus_to_json(const struct domain_config *config, json_t **out, struct err *err)
{
	if (config->max_vcpus == 0 || config->vcpus_unsaid)
		return 0;
	*out = json_integer(config->max_vcpus);
	return *out ? 0 : fail_nomem(err);
}

static int max_vcpus_from_json(struct domain_config *config, json_t *json, struct err *err)
{
	json_int_t number = json_integer_value(json);

	if (!json_is_integer(json))
		return fail(err, EINVAL, "not a number");
	if (number < 0 || number > UINT32_MAX)
		return fail(err, ERANGE, "%lld is out of range", (long long)number);
	config->max_vcpus = (unsigned int)number;
	return 0;
}

static int vcpus_to_json(const struct domain_config *config, json_t **out, struct err *err)
{
	scoped(json) json_t *list = NULL;

	if (config->vcpus == 0 || config->vcpus_unsaid)
		return 0;
	list = json_array();
	for (unsigned int i = 0; i < config->vcpus; i++) {
		if (json_array_append_new(list, json_integer(i)) < 0)
			return fail_nomem(err);
	}
	*out = take(list);
	return 0;
}

static int vcpus_from_json(struct domain_config *config, json_t *json, struct err *err)
{
	if (json_array_size(json) > CONFIG_MAX_VCPUS)
		return fail(err, ERANGE, "more than %d vcpus", CONFIG_MAX_VCPUS);
	config->vcpus = (unsigned int)json_array_size(json);
	return 0;
}

static int bitmaps_to_json(const struct bitmap *maps, size_t nr, json_t **out, struct err *err)
{
	scoped(json) json_t *list = NULL;

	if (nr == 0)
		return 0;
	list = json_array();
	for (size_t i = 0; i < nr; i++) {
		if (json_array_append_new(list, bitmap_to_json(&maps[i])) < 0)
			return fail_nomem(err);
	}
	*out = take(list);
	return 0;
}

static int bitmaps_from_json(json_t *json, struct bitmap **maps, size_t *nr, struct err *err)
{
	size_t size = json_array_size(json);

	if (size > CONFIG_MAX_VCPUS)
		return fail(err, ERANGE, "more than %d vcpus", CONFIG_MAX_VCPUS);
	if (size == 0)
		return 0;
	*maps = calloc(size, sizeof(**maps));
	if (!*maps)
		return fail_nomem(err);
	*nr = size;
	for (size_t i = 0; i < size; i++) {
		json_t *bits = json_array_get(json, i);

		for (size_t j = 0; j < json_array_size(bits); j++) {
			json_int_t bit = json_integer_value(json_array_get(bits, j));

			if (bit < 0 || !bitmap_set(&(*maps)[i], (unsigned int)bit))
				return fail(err, ERANGE, "no cpu number");
		}
	}
	return 0;
}

static int hard_to_json(const struct domain_config *config, json_t **out, struct err *err)
{
	return bitmaps_to_json(config->hard_affinity, config->nr_hard_affinity, out, err);
}

static int hard_from_json(struct domain_config *config, json_t *json, struct err *err)
{
	return bitmaps_from_json(json, &config->hard_affinity, &config->nr_hard_affinity, err);
}

static int soft_to_json(const struct domain_config *config, json_t **out, struct err *err)
{
	return bitmaps_to_json(config->soft_affinity, config->nr_soft_affinity, out, err);
}

static int soft_from_json(struct domain_config *config, json_t *json, struct err *err)
{
	return bitmaps_from_json(json, &config->soft_affinity, &config->nr_soft_affinity, err);
}

static int cpuid_field_to_json(const struct domain_config *config, json_t **out, struct err *err)
{
	if (!config->cpuid || (config->cpuid->nr_leaves == 0 && config->cpuid->nr_msrs == 0))
		return 0;
	return cpuid_to_json(config->cpuid, out, err);
}

static int cpuid_field_from_json(struct domain_config *config, json_t *json, struct err *err)
{
	config->cpuid = calloc(1, sizeof(*config->cpuid));
	return config->cpuid ? cpuid_from_json(json, config->cpuid, err) : fail_nomem(err);
}

static int genid_to_json(const struct domain_config *config, json_t **out, struct err *err)
{
	static const uint8_t none[16];
	scoped(json) json_t *list = NULL;

	if (memcmp(config->hvm.ms_vm_genid, none, sizeof(none)) == 0)
		return 0;
	list = json_array();
	for (size_t i = 0; i < sizeof(none); i++) {
		if (json_array_append_new(list, json_integer(config->hvm.ms_vm_genid[i])) < 0)
			return fail_nomem(err);
	}
	*out = take(list);
	return 0;
}

static int genid_from_json(struct domain_config *config, json_t *json, struct err *err)
{
	if (json_array_size(json) != sizeof(config->hvm.ms_vm_genid))
		return fail(err, EINVAL, "not 16 numbers");
	for (size_t i = 0; i < sizeof(config->hvm.ms_vm_genid); i++)
		config->hvm.ms_vm_genid[i] =
			(uint8_t)json_integer_value(json_array_get(json, i));
	return 0;
}

/* "key=value" strings as an array of {name: key, text: value}. */
static int pairs_to_json(const struct str_list *pairs, const char *name, const char *text,
			 bool number, json_t **out, struct err *err)
{
	scoped(json) json_t *list = NULL;

	if (pairs->nr == 0)
		return 0;
	list = json_array();
	for (size_t i = 0; i < pairs->nr; i++) {
		const char *item = pairs->items[i], *value = strchr(item, '=') + 1;
		json_t *pair = json_object();
		int rc = json_array_append_new(list, pair) < 0 ? fail_nomem(err) : 0;

		if (rc == 0)
			rc = json_add(pair, name,
				      json_stringn_nocheck(item, (size_t)(value - item - 1)), err);
		if (rc == 0)
			rc = json_add(pair, text, number ?
				      json_integer((json_int_t)strtoul(value, NULL, 0)) :
				      json_text(value), err);
		if (rc < 0)
			return rc;
	}
	*out = take(list);
	return 0;
}

static int pairs_from_json(struct str_list *pairs, const char *name, const char *text,
			   json_t *json, struct err *err)
{
	pairs->items = calloc(json_array_size(json) + 1, sizeof(*pairs->items));
	if (!pairs->items)
		return fail_nomem(err);
	for (size_t i = 0; i < json_array_size(json); i++) {
		json_t *value = json_object_get(json_array_get(json, i), text);
		const char *key = json_string_value(json_object_get(json_array_get(json, i), name));

		if (!key || (!json_is_string(value) && !json_is_integer(value)))
			return fail(err, EINVAL, "not a list of %s and %s", name, text);
		pairs->items[i] = json_is_string(value) ?
			str_format("%s=%s", key, json_string_value(value)) :
			str_format("%s=%" JSON_INTEGER_FORMAT, key, json_integer_value(value));
		if (!pairs->items[i])
			return fail_nomem(err);
		pairs->nr++;
	}
	return 0;
}

static int smbios_to_json(const struct domain_config *config, json_t **out, struct err *err)
{
	return pairs_to_json(&config->hvm.smbios, "key", "value", false, out, err);
}

static int smbios_from_json(struct domain_config *config, json_t *json, struct err *err)
{
	return pairs_from_json(&config->hvm.smbios, "key", "value", json, err);
}

static int quota_to_json(const struct domain_config *config, json_t **out, struct err *err)
{
	return pairs_to_json(&config->xenstore_quota, "name", "val", true, out, err);
}

static int quota_from_json(struct domain_config *config, json_t *json, struct err *err)
{
	return pairs_from_json(&config->xenstore_quota, "name", "val", json, err);
}

/* The offset of a member whose type must be this one. */
#define AT(m, type) (offsetof(struct domain_config, m) + 0 * sizeof(char[			\
	__builtin_types_compatible_p(__typeof__(((struct domain_config *)0)->m), type) ? 1 : -1]))
#define FIELD(s, name, k, m, type) \
	.section = SECTION_##s, .json = name, .kind = FIELD_##k, .offset = AT(m, type)
#define STR(s, json, m) { FIELD(s, json, STR, m, char *) }
#define TRI(s, json, m) { FIELD(s, json, TRI, m, enum tri) }
#define INT(s, json, m, d) { FIELD(s, json, INT, m, int), .def = (uint64_t)(d) }
#define U32(s, json, m, d) { FIELD(s, json, U32, m, uint32_t), .def = d }
#define U64(s, json, m, d) { FIELD(s, json, U64, m, uint64_t), .def = d }
#define MEM(s, json, m) U64(s, json, m, CONFIG_MEMKB_DEFAULT)
#define ENUM(s, json, m, type, d, nms) \
	{ FIELD(s, json, ENUM, m, type), .def = d, .names = &names_##nms }
#define STRS(s, json, m) { FIELD(s, json, STRS, m, struct str_list) }
#define BITS(s, json, m) { FIELD(s, json, BITS, m, uint64_t) }
#define LIST(s, name, l) \
	{ .section = SECTION_##s, .json = name, .kind = FIELD_LIST, .list = &list_##l }
#define CUSTOM(s, name, t, f) \
	{ .section = SECTION_##s, .json = name, .kind = FIELD_CUSTOM, .to = t, .from = f }
#define ACTION(m) ENUM(ROOT, #m, m, enum config_action, CONFIG_ACTION_DESTROY, action)

const struct field field_table[] = {
	ENUM(C_INFO, "type", type, enum domain_type, DOMAIN_UNKNOWN, domain_type),
	TRI(C_INFO, "hap", hap),
	TRI(C_INFO, "oos", oos),
	U32(C_INFO, "ssidref", ssidref, 0),
	STR(C_INFO, "ssid_label", ssid_label),
	STR(C_INFO, "name", name),
	U32(C_INFO, "domid", domid, 0),
	{ FIELD(C_INFO, "uuid", UUID, uuid, uint8_t[16]) },
	STR(C_INFO, "pool_name", pool),
	TRI(C_INFO, "run_hotplug_scripts", run_hotplug_scripts),
	TRI(C_INFO, "driver_domain", driver_domain),
	ENUM(C_INFO, "passthrough", passthrough, int, 0, passthrough),
	TRI(C_INFO, "xend_suspend_evtchn_compat", xend_suspend_evtchn_compat),

	CUSTOM(B_INFO, "max_vcpus", max_vcpus_to_json, max_vcpus_from_json),
	CUSTOM(B_INFO, "avail_vcpus", vcpus_to_json, vcpus_from_json),
	CUSTOM(B_INFO, "vcpu_hard_affinity", hard_to_json, hard_from_json),
	CUSTOM(B_INFO, "vcpu_soft_affinity", soft_to_json, soft_from_json),
	TRI(B_INFO, "numa_placement", numa_placement),
	ENUM(B_INFO, "tsc_mode", tsc_mode, int, 0, tsc_mode),
	MEM(B_INFO, "max_memkb", max_memkb),
	MEM(B_INFO, "target_memkb", target_memkb),
	MEM(B_INFO, "video_memkb", video_memkb),
	MEM(B_INFO, "shadow_memkb", shadow_memkb),
	MEM(B_INFO, "iommu_memkb", iommu_memkb),
	{ FIELD(B_INFO, "rtc_timeoffset", U32, rtc_timeoffset, int32_t) },
	STR(B_INFO, "exec_ssid_label", exec_ssid_label),
	TRI(B_INFO, "localtime", localtime),
	TRI(B_INFO, "disable_migrate", nomigrate),
	CUSTOM(B_INFO, "cpuid", cpuid_field_to_json, cpuid_field_from_json),
	STR(B_INFO, "blkdev_start", blkdev_start),
	LIST(B_INFO, "vnuma_nodes", vnuma),
	U32(B_INFO, "max_grant_frames", max_grant_frames, CONFIG_GRANT_DEFAULT),
	U32(B_INFO, "max_maptrack_frames", max_maptrack_frames, CONFIG_GRANT_DEFAULT),
	INT(B_INFO, "max_grant_version", max_grant_version, -1),
	ENUM(B_INFO, "device_model_version", device_model_version, int, 0, device_model),
	TRI(B_INFO, "device_model_stubdomain", device_model_stubdomain),
	MEM(B_INFO, "stubdomain_memkb", stubdomain_memkb),
	STR(B_INFO, "stubdomain_kernel", stubdomain_kernel),
	STR(B_INFO, "stubdomain_cmdline", stubdomain_cmdline),
	STR(B_INFO, "stubdomain_ramdisk", stubdomain_ramdisk),
	STR(B_INFO, "device_model", device_model),
	STR(B_INFO, "device_model_ssid_label", device_model_ssid_label),
	STR(B_INFO, "device_model_user", device_model_user),
	STRS(B_INFO, "extra", dm_args),
	STRS(B_INFO, "extra_pv", dm_args_pv),
	STRS(B_INFO, "extra_hvm", dm_args_hvm),

	INT(SCHED, "weight", sched.weight, CONFIG_SCHED_DEFAULT),
	INT(SCHED, "cap", sched.cap, CONFIG_SCHED_DEFAULT),
	INT(SCHED, "period", sched.period, CONFIG_SCHED_DEFAULT),
	INT(SCHED, "budget", sched.budget, CONFIG_SCHED_DEFAULT),
	INT(SCHED, "extratime", sched.extratime, CONFIG_SCHED_DEFAULT),
	INT(SCHED, "slice", sched.slice, CONFIG_SCHED_DEFAULT),
	INT(SCHED, "latency", sched.latency, CONFIG_SCHED_DEFAULT),

	LIST(B_INFO, "ioports", ioports),
	LIST(B_INFO, "irqs", irqs),
	LIST(B_INFO, "iomem", iomem),
	LIST(B_INFO, "llc_colors", llc_colors),
	TRI(B_INFO, "claim_mode", claim_mode),
	U32(B_INFO, "event_channels", max_event_channels, 0),
	STR(B_INFO, "kernel", kernel),
	STR(B_INFO, "cmdline", cmdline),
	STR(B_INFO, "ramdisk", ramdisk),
	STR(B_INFO, "device_tree", device_tree),
	TRI(B_INFO, "acpi", acpi),
	STR(B_INFO, "bootloader", bootloader),
	STRS(B_INFO, "bootloader_args", bootloader_args),
	TRI(B_INFO, "bootloader_restrict", bootloader_restrict),
	STR(B_INFO, "bootloader_user", bootloader_user),
	ENUM(B_INFO, "timer_mode", timer_mode, int, 0, timer_mode),
	TRI(B_INFO, "nested_hvm", nested_hvm),
	TRI(B_INFO, "apic", apic),
	TRI(B_INFO, "dm_restrict", dm_restrict),
	ENUM(B_INFO, "tee", tee, int, 0, tee),

	STR(HVM, "firmware", hvm.firmware),
	ENUM(HVM, "bios", hvm.bios, int, 0, bios),
	TRI(HVM, "pae", hvm.pae),
	TRI(HVM, "acpi", hvm.acpi),
	TRI(HVM, "acpi_s3", hvm.acpi_s3),
	TRI(HVM, "acpi_s4", hvm.acpi_s4),
	TRI(HVM, "acpi_laptop_slate", hvm.acpi_laptop_slate),
	TRI(HVM, "nx", hvm.nx),
	TRI(HVM, "viridian", hvm.viridian),
	BITS(HVM, "viridian_enable", hvm.viridian_enable),
	BITS(HVM, "viridian_disable", hvm.viridian_disable),
	STR(HVM, "timeoffset", hvm.timeoffset),
	TRI(HVM, "hpet", hvm.hpet),
	TRI(HVM, "vpt_align", hvm.vpt_align),
	MEM(HVM, "mmio_hole_memkb", hvm.mmio_hole_memkb),
	TRI(HVM, "altp2m", hvm.altp2m),
	STR(HVM, "system_firmware", hvm.system_firmware),
	STR(HVM, "smbios_firmware", hvm.smbios_firmware),
	CUSTOM(HVM, "smbios", smbios_to_json, smbios_from_json),
	STR(HVM, "acpi_firmware", hvm.acpi_firmware),
	ENUM(HVM, "hdtype", hvm.hdtype, int, 1, hdtype),
	TRI(HVM, "nographic", hvm.nographic),
	ENUM(HVM_VGA, "kind", hvm.vga_kind, int, 0, vga),
	TRI(HVM_VNC, "enable", hvm.vnc.enable),
	STR(HVM_VNC, "listen", hvm.vnc.listen),
	STR(HVM_VNC, "passwd", hvm.vnc.passwd),
	INT(HVM_VNC, "display", hvm.vnc.display, 0),
	TRI(HVM_VNC, "findunused", hvm.vnc.findunused),
	STR(HVM, "keymap", hvm.keymap),
	TRI(HVM_SDL, "enable", hvm.sdl.enable),
	TRI(HVM_SDL, "opengl", hvm.sdl.opengl),
	STR(HVM_SDL, "display", hvm.sdl.display),
	STR(HVM_SDL, "xauthority", hvm.sdl.xauthority),
	TRI(HVM_SPICE, "enable", hvm.spice.enable),
	INT(HVM_SPICE, "port", hvm.spice.port, 0),
	INT(HVM_SPICE, "tls_port", hvm.spice.tls_port, 0),
	STR(HVM_SPICE, "host", hvm.spice.host),
	TRI(HVM_SPICE, "disable_ticketing", hvm.spice.disable_ticketing),
	STR(HVM_SPICE, "passwd", hvm.spice.passwd),
	TRI(HVM_SPICE, "agent_mouse", hvm.spice.agent_mouse),
	TRI(HVM_SPICE, "vdagent", hvm.spice.vdagent),
	TRI(HVM_SPICE, "clipboard_sharing", hvm.spice.clipboard_sharing),
	INT(HVM_SPICE, "usbredirection", hvm.spice.usbredirection, 0),
	STR(HVM_SPICE, "image_compression", hvm.spice.image_compression),
	STR(HVM_SPICE, "streaming_video", hvm.spice.streaming_video),
	TRI(HVM, "gfx_passthru", hvm.gfx_passthru),
	ENUM(HVM, "gfx_passthru_kind", hvm.gfx_passthru_kind, int, 0, gfx_passthru),
	STR(HVM, "serial", hvm.serial),
	STR(HVM, "boot", hvm.boot),
	TRI(HVM, "usb", hvm.usb),
	INT(HVM, "usbversion", hvm.usbversion, 0),
	STR(HVM, "usbdevice", hvm.usbdevice),
	TRI(HVM, "vkb_device", hvm.vkb_device),
	STR(HVM, "soundhw", hvm.soundhw),
	TRI(HVM, "xen_platform_pci", hvm.xen_platform_pci),
	TRI(HVM, "xen_platform_pci_bar_uc", hvm.xen_platform_pci_bar_uc),
	STRS(HVM, "usbdevice_list", hvm.usbdevice_list),
	ENUM(HVM, "vendor_device", hvm.vendor_device, int, 0, vendor_device),
	CUSTOM(HVM, "ms_vm_genid", genid_to_json, genid_from_json),
	STRS(HVM, "serial_list", hvm.serial_list),
	ENUM(HVM_RDM, "strategy", hvm.rdm_strategy, int, 0, rdm_strategy),
	ENUM(HVM_RDM, "policy", hvm.rdm_policy, int, 0, rdm_policy),
	MEM(HVM, "rdm_mem_boundary_memkb", hvm.rdm_mem_boundary_memkb),
	U64(HVM, "mca_caps", hvm.mca_caps, 0),
	TRI(HVM, "pirq", hvm.pirq),
	TRI(PV, "e820_host", e820_host),
	TRI(PVH, "pvshim", pvh.pvshim),
	STR(PVH, "pvshim_path", pvh.pvshim_path),
	STR(PVH, "pvshim_cmdline", pvh.pvshim_cmdline),
	STR(PVH, "pvshim_extra", pvh.pvshim_extra),

	ENUM(ARM, "gic_version", gic_version, int, 0, gic_version),
	ENUM(ARM, "vuart", vuart, int, 0, vuart),
	STR(ARM, "sve_vl", sve),
	U32(ARM, "nr_spis", nr_spis, UINT32_MAX),
	ENUM(ARM_SCI, "type", arm_sci, int, 0, arm_sci),
	TRI(X86, "msr_relaxed", msr_relaxed),
	ENUM(B_INFO, "altp2m", altp2m, int, 0, altp2m),
	U32(B_INFO, "altp2m_count", altp2m_count, UINT32_MAX),
	U32(B_INFO, "vmtrace_buf_kb", vmtrace_buf_kb, 0),
	TRI(B_INFO, "vpmu", vpmu),
	TRI(B_INFO, "trap_unmapped_accesses", trap_unmapped_accesses),
	U32(B_INFO, "xenstore_feature_mask", xenstore_feature_mask, UINT32_MAX),
	CUSTOM(QUOTA, "quota", quota_to_json, quota_from_json),

	LIST(ROOT, "disks", disks),
	LIST(ROOT, "nics", nics),
	LIST(ROOT, "pcidevs", pcidevs),
	LIST(ROOT, "rdms", rdms),
	LIST(ROOT, "dtdevs", dtdevs),
	LIST(ROOT, "vfbs", vfbs),
	LIST(ROOT, "vkbs", vkbs),
	LIST(ROOT, "virtios", virtios),
	LIST(ROOT, "vtpms", vtpms),
	LIST(ROOT, "p9s", p9s),
	LIST(ROOT, "pvcallsifs", pvcalls),
	LIST(ROOT, "vdispls", vdispls),
	LIST(ROOT, "vsnds", vsnds),
	LIST(ROOT, "channels", channels),
	LIST(ROOT, "usbctrls", usbctrls),
	LIST(ROOT, "usbdevs", usbdevs),

	ACTION(on_poweroff),
	ACTION(on_reboot),
	ACTION(on_watchdog),
	ACTION(on_crash),
	ACTION(on_soft_reset),
	/* Not libxl's, which passes over it; an xl that changes the guest's devices drops it. */
	ENUM(ROOT, "on_device_model_exit", on_device_model_exit, enum config_model_exit,
	     MODEL_EXIT_WARN, model_exit),
};

const size_t field_table_size = ARRAY_SIZE(field_table);

_Static_assert(sizeof(enum tri) == 4 && sizeof(int) == 4, "enums are read as 32 bits");

void config_init(struct domain_config *config)
{
	memset(config, 0, sizeof(*config));
	for (size_t i = 0; i < field_table_size; i++) {
		const struct field *f = &field_table[i];

		if (f->def && (f->kind == FIELD_U64))
			*field_u64(f, config) = f->def;
		else if (f->def)
			*field_u32(f, config) = (uint32_t)f->def;
	}
}

static void str_list_free(struct str_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct str_list){ .items = NULL };
}

void config_warnings_free(struct config_warnings *w)
{
	str_list_free(&w->list);
}

void config_free(struct domain_config *config)
{
	for (size_t i = 0; i < field_table_size; i++) {
		const struct field *f = &field_table[i];

		if (f->kind == FIELD_STR)
			free(*field_str(f, config));
		else if (f->kind == FIELD_STRS)
			str_list_free(field_strs(f, config));
		else if (f->kind == FIELD_LIST)
			list_free(f->list, config);
	}
	str_list_free(&config->hvm.smbios);
	str_list_free(&config->xenstore_quota);
	free(config->hard_affinity);
	free(config->soft_affinity);
	if (config->cpuid)
		cpuid_free(config->cpuid);
	free(config->cpuid);
	*config = (struct domain_config)DOMAIN_CONFIG_INIT;
}
