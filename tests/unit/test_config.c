/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "config/cfg.h"
#include "config/conf.h"
#include "config/keys.h"
#include "tests/unit/tap.h"

static int parse(const char *text, const struct config_options *options,
		 struct domain_config *config, struct config_warnings *w, struct err *err)
{
	scoped(cfg) struct cfg cfg = CFG_INIT;
	int rc = cfg_parse(&cfg, "c", text, strlen(text), err);

	return rc < 0 ? rc : config_from_cfg(&cfg, options, config, w, err);
}

/*
 * tests/unit/keys: configs that use every key of xl 4.17, with what Debian 12's
 * `xl create -n` printed for them. Equal byte for byte, and again after a way
 * through config_from_json().
 */
static const char *const goldens[] = {
	"pv-all", "hvm-all", "hvm-b", "pvh", "mini", "mini2", "vnc0", "esc", "vk",
};

static void test_golden(const char *name)
{
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT, again = DOMAIN_CONFIG_INIT;
	scoped(config_warnings) struct config_warnings w = { .list = { .nr = 0 } };
	scoped(cfg) struct cfg cfg = CFG_INIT;
	scoped(bytes) struct bytes want = BYTES_INIT;
	scoped(json) json_t *json = NULL, *json2 = NULL;
	scoped(free) char *got = NULL, *got2 = NULL;
	char path[80];
	struct err err = ERR_INIT;

	snprintf(path, sizeof(path), "tests/unit/keys/%s.json", name);
	if (!ok(file_read(path, 1 << 20, &want, &err) == 0, "%s is there", path))
		return;
	snprintf(path, sizeof(path), "tests/unit/keys/%s.cfg", name);
	if (!ok(cfg_parse_file(&cfg, path, &err) == 0 &&
		config_from_cfg(&cfg, NULL, &config, &w, &err) == 0 &&
		config_to_json(&config, &json, &err) == 0 && json_to_text(json, &got, &err) == 0,
		"%s: read: %s", name, err.msg))
		return;
	is_str(got, want.data, "%s: JSON as xl prints it", name);
	if (ok(config_from_json(json, &again, &err) == 0 && config_to_json(&again, &json2, &err) == 0 &&
	       json_to_text(json2, &got2, &err) == 0, "%s: JSON read: %s", name, err.msg))
		is_str(got2, want.data, "%s: JSON read and printed again", name);
}

#define PV "name='x'\nkernel='/k'\n"
#define HVM "name='x'\ntype='hvm'\n"

/* What is refused, with the exact message. */
static const struct { const char *text, *message; } errors[] = {
	{ "", "c: the name is missing, the config has no settings at all" },
	{ "kernel='/k'", "c: the name is missing" },
	{ "name='x'", "c: neither kernel nor bootloader specified" },
	{ "name='x'\ntype='pvh'", "c: neither kernel nor bootloader specified" },
	{ "name=['x']", "c:1:6: name: a list cannot be a name" },
	{ "name=''", "c:1:6: a domain's name cannot be empty" },
	{ "name='a/b'", "c:1:6: name 'a/b' contains a '/'" },
	{ "name='a\\nb'", "c:1:6: name 'a\\x0ab' contains a control character" },
	{ "name=42", "c:1:6: name '42' would be taken for a domain number" },
	{ PV "type='xen'", "c:3:6: unknown type 'xen', valid are pv, pvh, hvm, auto" },
	{ PV "builder='linux'", "c:3:9: unknown builder 'linux', valid are generic, hvm" },
	{ HVM "builder='generic'", "c:3:9: builder 'generic' contradicts type 'hvm'" },
	{ PV "uuid='x'", "c:3:6: uuid: 'x' is not a uuid such as dad41a8e-1f3f-4b5e-8b0c-3e0a5ad4c7c1" },
	/* Numbers. */
	{ PV "memory=0", "c:3:8: memory: 0 is out of range, it must be 1 to 8589934592 MiB" },
	{ PV "memory='-1'", "c:3:8: memory: -1 is out of range, it must be 1 to 8589934592 MiB" },
	{ PV "memory='9223372036854775808'", "c:3:8: memory: '9223372036854775808' is not a number" },
	{ PV "memory='9223372036854775807'", "c:3:8: memory: 9223372036854775807 is out of range, it "
	  "must be 1 to 8589934592 MiB" },
	{ PV "memory='1G'", "c:3:8: memory: '1G' is not a number" },
	{ PV "memory=''", "c:3:8: memory: '' is not a number" },
	{ PV "memory=1\nmemory+=2", "c:3:8: memory: '12' was put together with +=, which numbers cannot be" },
	{ PV "vcpus=0", "c:3:7: vcpus: 0 is out of range, it must be 1 to 8192" },
	{ PV "vcpus=10000", "c:3:7: vcpus: 10000 is out of range, it must be 1 to 8192" },
	{ PV "vcpus=4\nmaxvcpus=2", "c:3:7: vcpus = 4 is more than maxvcpus = 2" },
	{ PV "cap='99999999999'", "c:3:5: cap: 99999999999 is out of range, it must be -2147483648 to "
	  "2147483647" },
	{ HVM "mmio_hole=64", "c:3:11: mmio_hole: 64 is out of range, it must be 256 to 3840 MiB" },
	/* Words. */
	{ PV "on_crash='explode'", "c:3:10: unknown on_crash 'explode', valid are destroy, restart, "
	  "rename-restart, preserve, coredump-destroy, coredump-restart, soft-reset" },
	{ PV "on_device_model_exit='reboot'", "c:3:22: unknown on_device_model_exit 'reboot', valid are "
	  "warn, destroy, preserve, restart" },
	{ PV "tsc_mode='fast'", "c:3:10: unknown tsc_mode 'fast', valid are default, always_emulate, "
	  "native, native_paravirt" },
	{ PV "tsc_mode=4", "c:3:10: unknown tsc_mode '4', valid are default, always_emulate, native, "
	  "native_paravirt" },
	{ PV "tsc_mode='-1'", "c:3:10: unknown tsc_mode '-1', valid are default, always_emulate, native, "
	  "native_paravirt" },
	{ PV "timer_mode=1", "c:3:12: timer_mode is not supported for PV guests" },
	{ HVM "timer_mode=4", "c:3:12: unknown timer_mode '4', valid are unknown, "
	  "delay_for_missed_ticks, no_delay_for_missed_ticks, no_missed_ticks_pending, "
	  "one_missed_tick_pending" },
	{ HVM "vga='\\n'", "c:3:5: unknown vga '\\x0a', valid are cirrus, stdvga, none, qxl" },
	{ HVM "ms_vm_genid='x'", "c:3:13: ms_vm_genid must be \"generate\" or \"none\"" },
	{ HVM "mca_caps=['x']", "c:3:11: unrecognized MCA capability 'x'" },
	{ HVM "mca_caps='lmce'", "c:3:10: mca_caps: expected a list of strings" },
	{ HVM "smbios=['x']", "c:3:9: smbios: expected type=value" },
	{ HVM "smbios=['oem=']", "c:3:9: smbios: expected type=value" },
	{ HVM "smbios=['oe=1']", "c:3:9: unknown smbios type 'oe'" },
	{ HVM "vnclisten='1.2.3.4:1'\nvncdisplay=2",
	  "c:3:11: display specified both in vnclisten and vncdisplay" },
	{ PV "firmware='pvgrub64'", "c:3:10: both kernel and firmware specified" },
	{ "name='x'\nfirmware='ovmf'", "c:2:10: unknown firmware 'ovmf', valid are pvgrub32, pvgrub64" },
	{ "name='x'\ntype='pvh'\nfirmware='pvgrub64'", "c:3:10: firmware pvgrub64 is for pv guests; a pvh "
	  "guest starts in 32-bit mode: use pvgrub32, it boots 64-bit kernels too" },
	{ PV "sve=100", "c:3:5: unknown sve '100', valid are disabled, hw, 128, 256, ... 2048" },
	{ PV "arm_sci='scmi_smc'", "c:3:9: arm_sci: expected \"type=...\"" },
	{ PV "llc_colors=['3-1']", "c:3:13: llc_colors: '3-1' is no range of colors" },
	{ PV "llc_colors=['0-4000','0-4000']", "c:3:22: llc_colors: too many colors" },
	{ PV "xenstore_quota=['a']", "c:3:17: xenstore_quota: 'a' is not name=number" },
	/* Places in lists, and what the specs say. */
	{ PV "disk=['/a,raw,xvda',\n 'foo']",
	  "c:4:2: disk 'foo': no vdev (xvda, hda, ...) in disk spec 'foo'" },
	{ PV "disk=[['x']]", "c:3:7: disk: expected a string" },
	{ PV "vnuma=['x']", "c:3:8: vnuma: expected a list of strings" },
	{ PV "maxvcpus=3\nvnuma=[['size=64','vcpus=0-1']]",
	  "c:4:7: vnuma has 2 vcpus but maxvcpus is 3" },
	{ PV "maxmem=32\nvnuma=[['size=64','vcpus=0']]",
	  "c:4:7: vnuma has 64 MiB but maxmem is 32 MiB" },
	{ PV "cpus=[['0']]\nvcpus=1", "c:3:7: cpus: expected a string" },
};

/* What is taken with a warning. */
static const struct { const char *text, *warning; } warned[] = {
	{ PV "maxcpus=2", "c:3:1: unknown key 'maxcpus' (did you mean 'maxvcpus'?); it is ignored" },
	{ PV "on_xend_start='ignore'", "c:3:1: unknown key 'on_xend_start'; it is ignored" },
	{ PV "vif_='x'", "c:3:1: unknown key 'vif_' (did you mean 'vif'?); it is ignored" },
	{ PV "vcpus=[1]", "c:3:7: 'vcpus' is a list but should be a single value; it is ignored" },
	{ PV "disk='x'", "c:3:6: 'disk' is a single value but should be a list; it is ignored" },
	{ PV "localtime='yes'", "c:3:11: localtime: 'yes' is not a number; it is ignored" },
	{ PV "cmdline='a'\nextra='b'", "c:3:9: ignoring root= and extra= in favour of cmdline=" },
	{ PV "vncviewer=1", "c:3:11: ignoring \"vncviewer\" option. Use \"-V\" option of \"xl create\" to "
	  "automatically spawn vncviewer." },
	{ PV "vif=['mac=00:16:3e:00:00:01','color=red']", "c:3:30: unknown vif key 'color', valid are "
	  "backend, devid, mtu, model, mac, ip, bridge, vifname, script, type, rate, gatewaydev, link, trusted, "
	  "untrusted" },
	{ HVM "kernel='/usr/lib/xen/boot/hvmloader'", "c:3:8: you seem to be using \"kernel\" directive to "
	  "override HVM guest firmware. Ignore that. Use \"firmware_override\" instead if you really want "
	  "a non-default firmware" },
	/* Keys of other guests are not looked at. */
	{ PV "vga='nonsense'\nmmio_hole=1", NULL },
	{ PV "memory=64", NULL },
};

static void test_messages(void)
{
	static const struct config_options strict = { .strict = true };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
		scoped(config_warnings) struct config_warnings w = { .list = { .nr = 0 } };
		struct err err = ERR_INIT;

		if (is_int(parse(errors[i].text, NULL, &config, &w, &err) < 0, 1, "'%s': refused",
			   errors[i].text))
			is_str(err.msg, errors[i].message, "'%s': message", errors[i].text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(warned); i++) {
		scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
		scoped(config_warnings) struct config_warnings w = { .list = { .nr = 0 } };
		struct err err = ERR_INIT;

		is_int(parse(warned[i].text, NULL, &config, &w, &err), 0, "'%s': taken: %s", warned[i].text,
		       err.msg);
		is_str(w.list.nr ? w.list.items[0] : NULL, warned[i].warning, "'%s': warning",
		       warned[i].text);
	}

	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	scoped(config_warnings) struct config_warnings w = { .list = { .nr = 0 } };
	struct err err = ERR_INIT;

	is_int(parse(PV "maxcpus=2", &strict, &config, &w, &err), -EINVAL, "strict: refused");
	is_str(err.msg, "c:3:1: unknown key 'maxcpus' (did you mean 'maxvcpus'?)", "strict: message");
	is_int(parse(PV "localtime='yes'", &strict, &config, &w, &err), -EINVAL, "strict: bad value");
	is_str(err.msg, "c:3:11: localtime: 'yes' is not a number", "strict: bad value");
	is_int(parse(PV "vif=['color=red']", &strict, &config, &w, &err), -EINVAL, "strict: vif");
	is_int(parse(PV "vncviewer=1", &strict, &config, &w, &err), 0, "strict: advice is no error");
}

/* One line of a config and what it becomes at a path of the JSON. */
static const struct { const char *text, *path, *json; } values[] = {
	{ PV "root='/dev/xvda'\nextra='ro'", "b_info cmdline", "\"root=/dev/xvda ro\"" },
	{ PV "root='/dev/xvda'", "b_info cmdline", "\"root=/dev/xvda\"" },
	{ PV "extra='ro'", "b_info cmdline", "\"ro\"" },
	{ PV "vcpus=2", "b_info max_vcpus", "2" },
	{ PV "vcpus=2", "b_info avail_vcpus", "[0,1]" },
	{ PV "maxvcpus=2", "b_info avail_vcpus", NULL },
	{ PV "memory=010", "b_info target_memkb", "8192" },
	{ PV "memory='0x10'", "b_info max_memkb", "16384" },
	{ PV "cpus='0-3,^1'\nvcpus=2", "b_info vcpu_hard_affinity", "[[0,2,3],[0,2,3]]" },
	{ PV "cpus='nodes:1'\nvcpus=1", "b_info vcpu_hard_affinity", "[[4,5]]" },
	{ PV "cpus='all'\nvcpus=1", "b_info vcpu_hard_affinity", "[[0,1,2,3,4,5]]" },
	{ PV "cpus=['1','2','3']\nvcpus=2", "b_info vcpu_hard_affinity", "[[1],[2]]" },
	{ PV "cpus='0'\nmaxvcpus=2", "b_info numa_placement", NULL },
	{ PV "cpus=['0']\nvcpus=2", "b_info numa_placement", "\"False\"" },
	{ PV "cpus_soft='0'\nvcpus=1", "b_info numa_placement", "\"False\"" },
	{ PV "seclabel='b'\ninit_seclabel='a'", "b_info exec_ssid_label", "\"b\"" },
	{ PV "seclabel='b'", "c_info ssid_label", "\"b\"" },
	{ PV "smbios=['oem=x']", "b_info smbios", NULL },
	{ HVM "smbios=['oem=x','bios_vendor=y=z']", "b_info type.hvm smbios",
	  "[{\"key\":\"oem\",\"value\":\"x\"},{\"key\":\"bios_vendor\",\"value\":\"y=z\"}]" },
	{ HVM "hvm_pirq=1", "b_info type.hvm pirq", "\"True\"" },
	{ HVM "xen_platform_pci_bar_uc=0", "b_info type.hvm xen_platform_pci_bar_uc", "\"False\"" },
	{ HVM "vga='cirrus'\nstdvga=1", "b_info type.hvm vga kind", "\"cirrus\"" },
	{ HVM "firmware='bios'", "b_info type.hvm bios", NULL },
	{ HVM "rdm='strategy=host'", "b_info type.hvm rdm", "{\"strategy\":\"host\"}" },
	{ "name='x'\nfirmware='pvgrub64'", "b_info kernel", "\"/usr/lib/grub-xen/grub-x86_64-xen.bin\"" },
	{ "name='x'\nfirmware='pvgrub32'", "b_info kernel", "\"/usr/lib/grub-xen/grub-i386-xen.bin\"" },
	{ "name='x'\ntype='pvh'\nfirmware='pvgrub32'", "b_info kernel",
	  "\"/usr/lib/grub-xen/grub-i386-xen_pvh.bin\"" },
	{ "name='x'\ntype='auto'\nfirmware='pvgrub64'", "b_info kernel",
	  "\"/usr/lib/grub-xen/grub-x86_64-xen.bin\"" },
	{ PV "llc_colors=['1-3',7]", "b_info llc_colors", "[1,2,3,7]" },
	{ PV "xenstore_quota=['a=1','b=0x10']", "b_info xenstore_quota",
	  "{\"quota\":[{\"name\":\"a\",\"val\":1},{\"name\":\"b\",\"val\":16}]}" },
	{ PV "xenstore_feature_mask=3", "b_info xenstore_feature_mask", "3" },
	{ PV "altp2m_count=3", "b_info altp2m_count", "3" },
	{ PV "sve='128'\nnr_spis=9\narm_sci='type=scmi_smc'", "b_info arch_arm",
	  "{\"sve_vl\":\"128\",\"nr_spis\":9,\"arm_sci\":{\"type\":\"scmi_smc\"}}" },
	{ PV "bootloader_restrict=1\nbootloader_user='u'", "b_info bootloader_user", "\"u\"" },
	{ PV "trap_unmapped_accesses=1", "b_info trap_unmapped_accesses", "\"True\"" },
	{ PV "virtio=['backend=d,type=virtio,transport=mmio']", "virtios",
	  "[{\"backend_domname\":\"d\",\"type\":\"virtio\",\"transport\":\"mmio\",\"devid\":0}]" },
	{ PV "pci=['01:00.0']\npci_seize=1", "pcidevs", "[{\"bus\":1,\"vfunc_mask\":1,\"seize\":true,"
	  "\"rdm_policy\":\"strict\"}]" },
	{ PV "vnc=1\nvkb=['backend-type=qemu']", "vkbs",
	  "[{\"devid\":0},{\"devid\":1,\"backend_type\":\"qemu\"}]" },
	{ PV "vnc=1\nvfb=['sdl=1']", "vfbs", "[{\"devid\":0,\"vnc\":{},\"sdl\":{\"enable\":\"True\"}}]" },
	{ PV "on_poweroff='destroy'\non_soft_reset='destroy'", "on_soft_reset", NULL },
	{ PV "on_device_model_exit='restart'", "on_device_model_exit", "\"restart\"" },
	{ PV "on_device_model_exit='warn'", "on_device_model_exit", NULL },
};

static char *value_at(json_t *json, const char *path)
{
	scoped(free) char *copy = strdup(path);
	char *rest = copy, *name;

	while (json && (name = strsep(&rest, " ")))
		json = json_object_get(json, name);
	return json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
}

static void test_values(void)
{
	static const struct bitmap nodes[] = { { .word = { 0xf } }, { .word = { 0x30 } } };
	static const struct config_host host = { .nr_cpus = 6, .node_cpus = nodes, .nr_nodes = 2 };
	static const struct config_options options = { .host = &host };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
		scoped(domain_config) struct domain_config again = DOMAIN_CONFIG_INIT;
		scoped(config_warnings) struct config_warnings w = { .list = { .nr = 0 } };
		scoped(json) json_t *json = NULL;
		scoped(json) json_t *json2 = NULL;
		scoped(free) char *got = NULL;
		struct err err = ERR_INIT;

		if (!ok(parse(values[i].text, &options, &config, &w, &err) == 0 &&
			config_to_json(&config, &json, &err) == 0, "'%s': read: %s", values[i].text, err.msg))
			continue;
		got = value_at(json, values[i].path);
		is_str(got, values[i].json, "'%s': %s", values[i].text, values[i].path);
		if (ok(config_from_json(json, &again, &err) == 0 &&
		       config_to_json(&again, &json2, &err) == 0, "JSON read: %s", err.msg))
			ok(json_equal(json, json2), "'%s': JSON read and made again", values[i].text);
	}
}

/* Where Xen cannot be asked: cpus by number mean the same, nodes are refused. */
static void test_unknown_host(void)
{
	static const struct { const char *text, *json, *message; } cases[] = {
		{ PV "cpus='1-2'\nvcpus=1", "[[1,2]]", NULL },
		{ PV "cpus='all'\nvcpus=1", NULL, NULL },
		{ PV "cpus='all,^1'\nvcpus=1", NULL, NULL },
		{ PV "cpus='node:0'\nvcpus=1", NULL, "c:3:6: cpus 'node:0': the cpus of node 0 are only "
		  "known on a Xen host" },
		{ PV "cpus='x'", NULL, "c:3:6: cpus 'x': bad item 'x' in cpu list, expected all, N, N-M, "
		  "node:N or ^ and one of these" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
		scoped(config_warnings) struct config_warnings w = { .list = { .nr = 0 } };
		scoped(json) json_t *json = NULL;
		scoped(free) char *got = NULL;
		struct err err = ERR_INIT;
		int rc = parse(cases[i].text, NULL, &config, &w, &err);

		is_str(rc < 0 ? err.msg : NULL, cases[i].message, "'%s': error", cases[i].text);
		if (rc < 0)
			continue;
		is_int(config_to_json(&config, &json, &err), 0, "'%s': JSON", cases[i].text);
		got = value_at(json, "b_info vcpu_hard_affinity");
		is_str(got, cases[i].json, "'%s': affinity", cases[i].text);
	}
}

static void test_conf(void)
{
	struct xl_conf conf = XL_CONF_INIT;
	const struct config_options options = { .conf = &conf };
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	scoped(config_warnings) struct config_warnings w = { .list = { .nr = 0 } };
	scoped(json) json_t *json = NULL;
	scoped(free) char *nics = NULL;
	scoped(free) char *cpus = NULL;
	char bridge[] = "br9", mask[] = "0-2", pv_mask[] = "1-5", start[] = "xvdc";
	struct err err = ERR_INIT;

	conf.vif_bridge = bridge;
	conf.vm_cpumask = mask;
	conf.pv_cpumask = pv_mask;
	conf.blkdev_start = start;
	conf.claim_mode = TRI_FALSE;
	conf.max_grant_frames = 77;
	is_int(parse(PV "vcpus=1\nvif=['','bridge=b']", &options, &config, &w, &err), 0, "with xl.conf");
	is_int(config_to_json(&config, &json, &err), 0, "JSON");
	nics = value_at(json, "nics");
	is_str(nics, "[{\"devid\":0,\"bridge\":\"br9\"},{\"devid\":1,\"bridge\":\"b\"}]", "default bridge");
	cpus = value_at(json, "b_info vcpu_hard_affinity");
	is_str(cpus, "[[1,2]]", "cpu masks");
	is_int(config.claim_mode, TRI_FALSE, "claim_mode");
	is_int(config.max_grant_frames, 77, "max_grant_frames");
	is_str(config.blkdev_start, "xvdc", "blkdev_start");
}

static void test_defaults(void)
{
	static const struct {
		const char *text;
		unsigned int max_vcpus, vcpus;
		uint64_t max_mib, target_mib;
	} cases[] = {
		{ PV, 1, 1, 32, 32 },
		{ PV "vcpus=3", 3, 3, 32, 32 },
		{ PV "maxvcpus=3", 3, 1, 32, 32 },
		{ PV "memory=64", 1, 1, 64, 64 },
		{ PV "maxmem=64", 1, 1, 64, 64 },
		{ PV "memory=64\nmaxmem=128", 1, 1, 128, 64 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scoped(domain_config) struct domain_config c = DOMAIN_CONFIG_INIT;
		scoped(config_warnings) struct config_warnings w = { .list = { .nr = 0 } };
		struct err err = ERR_INIT;

		is_int(parse(cases[i].text, NULL, &c, &w, &err), 0, "'%s'", cases[i].text);
		config_defaults(&c);
		is_int(c.max_vcpus, cases[i].max_vcpus, "max_vcpus");
		is_int(c.vcpus, cases[i].vcpus, "vcpus");
		is_int(c.max_memkb, cases[i].max_mib * 1024, "max_memkb");
		is_int(c.target_memkb, cases[i].target_mib * 1024, "target_memkb");
		is_int(c.video_memkb, 0, "video_memkb");
		is_int(c.msr_relaxed, TRI_FALSE, "msr_relaxed");
		is_int(c.domid, CONFIG_DOMID_ANY, "domid");
		is_int(c.on_reboot, CONFIG_ACTION_RESTART, "on_reboot");
		is_int(c.on_crash, CONFIG_ACTION_DESTROY, "on_crash");
		config_free(&c);
		config_free(&c);
	}
}

/* All that xl 4.22 reads; a key that is missing here would be called unknown. */
static const char xl_keys[] =
	"acpi acpi_firmware acpi_laptop_slate acpi_s3 acpi_s4 altp2m altp2m_count altp2mhvm apic "
	"arm_sci bios bios_path_override boot bootloader bootloader_args bootloader_restrict "
	"bootloader_user builder cap channel cmdline cpu_weight cpuid cpus cpus_soft "
	"device_model device_model_args device_model_override device_model_stubdomain_override "
	"device_model_stubdomain_seclabel device_model_user device_model_version device_tree "
	"disk display dm_restrict driver_domain dtdev e820_host extra extratime firmware "
	"firmware_override gfx_passthru gic_version hap hdtype hpet hvm_pirq init_seclabel iomem "
	"ioports irqs kernel keymap latency llc_colors localtime max_event_channels "
	"max_grant_frames max_grant_version max_maptrack_frames maxmem maxvcpus mca_caps memory "
	"mmio_hole ms_vm_genid msr_relaxed name nestedhvm nographic nomigrate nr_spis nx "
	"on_crash on_poweroff on_reboot on_soft_reset on_watchdog oos opengl p9 pae passthrough "
	"pci pci_msitranslate pci_permissive pci_power_mgmt pci_seize period pool pvcalls pvshim "
	"pvshim_cmdline pvshim_extra pvshim_path ramdisk rdm rdm_mem_boundary root "
	"rtc_timeoffset sdl seclabel serial shadow_memory slice smbios smbios_firmware soundhw "
	"spice spice_clipboard_sharing spice_image_compression spice_streaming_video "
	"spiceagent_mouse spicedisable_ticketing spicehost spicepasswd spiceport spicetls_port "
	"spiceusbredirection spicevdagent stdvga stubdomain_cmdline stubdomain_kernel "
	"stubdomain_memory stubdomain_ramdisk sve tee timer_mode trap_unmapped_accesses tsc_mode "
	"type usb usbctrl usbdev usbdevice usbversion uuid vcpus vdispl vendor_device vfb vga "
	"videoram vif vif2 viridian virtio vkb vkb_device vmtrace_buf_kb vnc vncdisplay "
	"vnclisten vncpasswd vncunused vncviewer vnuma vpmu vpt_align vsnd vtpm vuart xauthority "
	"xen_platform_pci xen_platform_pci_bar_uc xend_suspend_evtchn_compat "
	"xenstore_feature_mask xenstore_quota ";

static void test_table(void)
{
	scoped(free) char *names = strdup(xl_keys);
	char *save = NULL;

	for (char *name = strtok_r(names, " ", &save); name; name = strtok_r(NULL, " ", &save))
		ok(key_find(key_table, key_table_size, name), "key %s has a row", name);
	for (size_t i = 0; i < key_table_size; i++) {
		const struct key_row *row = &key_table[i];
		size_t len = strlen(row->help);

		ok(key_find(key_table, key_table_size, row->name) == row, "%s: one row", row->name);
		ok(len > 0 && len < 100 && row->help[len - 1] != '.', "%s: help", row->name);
		ok(row->types, "%s: counts for some guest", row->name);
		ok(row->min <= row->max || row->kind == KEY_ENUM_NUM || row->kind == KEY_PARSE,
		   "%s: range", row->name);
		ok(row->since == 0 || (row->since >= 18 && row->since <= 22), "%s: version", row->name);
		ok((row->kind == KEY_PARSE) == (row->parse != NULL), "%s: parse", row->name);
		ok(row->kind != KEY_LIST || row->list, "%s: list", row->name);
		ok((row->kind != KEY_ENUM && row->kind != KEY_ENUM_NUM) || row->names, "%s: names", row->name);
		is_str(key_nearest(key_table, key_table_size, row->name), row->name, "%s: nearest",
		       row->name);
	}
	ok(!key_nearest(key_table, key_table_size, "completely_different"), "nothing near");
	ok(!key_nearest(key_table, key_table_size, "zz"), "nothing near a short one");
}

/* Keys that wait for later versions: a refusal or a warning at create, never at create -n. */
static void test_supported(void)
{
	static const struct { const char *text, *message, *warning; } cases[] = {
		{ PV, NULL, NULL },
		{ PV "pci=['01:00.0']", NULL, NULL },
		{ PV "usbdev=['hostbus=1,hostaddr=2']", "c:3:8: usbdev is not supported yet", NULL },
		{ PV "usbdev=[]", NULL, NULL },
		{ PV "vmtrace_buf_kb=64", NULL,
		  "c:3:16: vmtrace_buf_kb is not supported yet, the guest runs without" },
		{ PV "vmtrace_buf_kb=0", NULL, NULL },
		{ PV "maxmem=32", NULL, NULL },
		{ PV "memory=64", NULL, NULL },
		{ PV "cpuid='host'\nlocaltime=0", NULL, NULL },
		{ PV "localtime=1\nrtc_timeoffset=60", NULL, NULL },
		{ HVM "vga='none'\nserial='pty'", NULL, NULL },
		{ PV "memory=64\nmaxmem=32", "c:3:8: memory = 64 MiB is more than maxmem = 32 MiB", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scoped(domain_config) struct domain_config c = DOMAIN_CONFIG_INIT;
		scoped(config_warnings) struct config_warnings w = { .list = { .nr = 0 } };
		scoped(cfg) struct cfg cfg = CFG_INIT;
		struct err err = ERR_INIT;
		int rc = cfg_parse(&cfg, "c", cases[i].text, strlen(cases[i].text), &err);

		if (rc == 0)
			rc = config_from_cfg(&cfg, NULL, &c, &w, &err);
		is_int(rc, 0, "'%s': read", cases[i].text);
		rc = config_check_supported(&cfg, &c, &w, &err);
		is_str(rc < 0 ? err.msg : NULL, cases[i].message, "'%s': refusal", cases[i].text);
		is_str(w.list.nr ? w.list.items[0] : NULL, cases[i].warning, "'%s': warning",
		       cases[i].text);
	}
}

static void test_bad_json(void)
{
	static const struct { const char *json, *message; } cases[] = {
		{ "[]", "not a JSON object" },
		{ "{}", "c_info.type is missing" },
		{ "{\"c_info\":{\"type\":\"x\"}}", "c_info.type: unknown value 'x'" },
		{ "{\"c_info\":{\"type\":1}}", "c_info.type: not a string" },
		{ "{\"c_info\":{\"type\":\"pv\",\"uuid\":\"x\"}}", "c_info.uuid: not a uuid" },
		{ "{\"c_info\":{\"type\":\"pv\",\"hap\":\"yes\"}}", "c_info.hap: unknown value 'yes'" },
		{ "{\"c_info\":{\"type\":\"pv\"},\"b_info\":{\"max_memkb\":-1}}",
		  "b_info.max_memkb: -1 is out of range" },
		{ "{\"c_info\":{\"type\":\"pv\"},\"b_info\":{\"max_vcpus\":4294967296}}",
		  "b_info.max_vcpus: 4294967296 is out of range" },
		{ "{\"c_info\":{\"type\":\"pv\"},\"b_info\":{\"bootloader_args\":[1]}}",
		  "b_info.bootloader_args: not a list of strings" },
		{ "{\"c_info\":{\"type\":\"pv\"},\"disks\":{}}", "disks: not an array" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scoped(domain_config) struct domain_config c = DOMAIN_CONFIG_INIT;
		scoped(json) json_t *json = json_loads(cases[i].json, 0, NULL);
		struct err err = ERR_INIT;

		is_int(config_from_json(json, &c, &err) < 0, 1, "%s: refused", cases[i].json);
		is_str(err.msg, cases[i].message, "%s: message", cases[i].json);
	}
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(goldens); i++)
		test_golden(goldens[i]);
	test_messages();
	test_values();
	test_unknown_host();
	test_conf();
	test_defaults();
	test_table();
	test_supported();
	test_bad_json();
	return tap_done();
}
