/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The key table. Rows are read from top to bottom, so a key that others build on
 * stands before them. Where a row's guest types are fewer than the man page says,
 * they are those for which xl's parser looks at the key.
 */
#include "keys.h"

#include "base/scope.h"
#include "config/keyparse.h"
#include "config/lists.h"
#include "config/types.h"

/* The offset of a member whose type must be this one. */
#define AT(m, type) (offsetof(struct domain_config, m) + 0 * sizeof(char[			\
	__builtin_types_compatible_p(__typeof__(((struct domain_config *)0)->m), type) ? 1 : -1]))
#define HEAD(n, k, help_) .name = n, .kind = k, .help = help_
#define STR(n, m, t, help, ...) \
	{ HEAD(n, KEY_STR, help), .offset = AT(m, char *), .types = t, ##__VA_ARGS__ }
#define BOOL(n, m, t, help, ...) \
	{ HEAD(n, KEY_BOOL, help), .offset = AT(m, enum tri), .types = t, ##__VA_ARGS__ }
#define INT(n, m, t, help, ...) \
	{ HEAD(n, KEY_INT, help), .offset = AT(m, int), .types = t, ##__VA_ARGS__ }
#define UINT(n, m, t, lo, hi, help, ...) \
	{ HEAD(n, KEY_INT, help), .offset = AT(m, uint32_t), .types = t, .min = lo, .max = hi, \
	  ##__VA_ARGS__ }
#define MIB(n, m, t, lo, hi, help, ...) \
	{ HEAD(n, KEY_MIB, help), .offset = AT(m, uint64_t), .types = t, .min = lo, .max = hi, \
	  .must = true, ##__VA_ARGS__ }
#define ENUM(n, m, type, t, nms, help, ...) \
	{ HEAD(n, KEY_ENUM, help), .offset = AT(m, type), .types = t, .names = &names_##nms, \
	  ##__VA_ARGS__ }
#define STRS(n, m, t, help, ...) \
	{ HEAD(n, KEY_STRS, help), .offset = AT(m, struct str_list), .types = t, ##__VA_ARGS__ }
#define LIST(n, l, t, help, ...) \
	{ HEAD(n, KEY_LIST, help), .list = &list_##l, .types = t, ##__VA_ARGS__ }
#define PARSE(n, fn, t, help, ...) \
	{ HEAD(n, KEY_PARSE, help), .parse = keyparse_##fn, .types = t, ##__VA_ARGS__ }
#define ELSEWHERE(n, t, help, ...) { HEAD(n, KEY_ELSEWHERE, help), .types = t, ##__VA_ARGS__ }
#define PCI(n, which, help) \
	PARSE(n, pci_default, KEY_ALL, help, .second = offsetof(struct spec_defaults, which))

#define SINCE(minor) .since = minor
#define WARN .later = KEY_LATER_WARN
#define FAIL .later = KEY_LATER_FAIL
#define MUST .must = true

#define ALL KEY_ALL
#define PV KEY_PV
#define PVH KEY_PVH
#define HVM KEY_HVM

/* More than any machine has, and far from where KiB overflow. */
#define MAX_MIB (INT64_C(1) << 33)
#define BIG INT32_MAX

const struct key_row key_table[] = {
	/* Who it is. */
	ELSEWHERE("type", ALL, "kind of guest: pv (default), pvh, hvm, or auto (pvh where it can be)"),
	ELSEWHERE("builder", ALL, "old form of type: generic (pv) or hvm"),
	PARSE("name", name, ALL, "name of the guest, unique on the host"),
	PARSE("uuid", uuid, ALL, "uuid of the guest; made up if not given"),
	STR("pool", pool, ALL, "cpupool that the guest runs in, by name or number"),
	PARSE("init_seclabel", seclabel, ALL, "FLASK label while the guest is built", FAIL),
	PARSE("seclabel", seclabel, ALL, "FLASK label of the guest", FAIL),
	BOOL("driver_domain", driver_domain, ALL, "the guest serves devices to others"),
	BOOL("hap", hap, ALL, "use hardware assisted paging (default on)"),
	BOOL("oos", oos, ALL, "out of sync page tables with shadow paging (default on)"),
	ENUM("passthrough", passthrough, int, ALL, passthrough,
	     "let devices be passed through: disabled, enabled, sync_pt or share_pt"),
	BOOL("xend_suspend_evtchn_compat", xend_suspend_evtchn_compat, ALL,
	     "leave out the suspend event channel node, for guests that xend served", WARN),
	UINT("xenstore_feature_mask", xenstore_feature_mask, ALL, 0, UINT32_MAX,
	     "xenstore features that the guest may see", SINCE(21), WARN),
	PARSE("xenstore_quota", xenstore_quota, ALL, "xenstore quota, a list of name=value",
	      SINCE(22), WARN),

	/* Memory and processors. */
	MIB("memory", target_memkb, ALL, 1, MAX_MIB, "memory at start in MiB"),
	MIB("maxmem", max_memkb, ALL, 1, MAX_MIB, "most memory in MiB (default: memory)"),
	UINT("vcpus", vcpus, ALL, 1, CONFIG_MAX_VCPUS, "vcpus online at start (default 1)", MUST),
	UINT("maxvcpus", max_vcpus, ALL, 1, CONFIG_MAX_VCPUS, "most vcpus (default: vcpus)", MUST),
	PARSE("vnuma", vnuma, ALL, "virtual NUMA nodes, a list of lists", FAIL),
	PARSE("cpus", cpus, ALL, "cpus to run on, one CPULIST or a list with one per vcpu"),
	PARSE("cpus_soft", cpus_soft, ALL,
	     "cpus to prefer, one CPULIST or a list with one per vcpu"),
	INT("cpu_weight", sched.weight, ALL, "scheduler weight (default 256)"),
	INT("cap", sched.cap, ALL, "most cpu time in percent of one cpu, 0 for no limit"),
	INT("period", sched.period, ALL, "rtds scheduler: period in microseconds"),
	INT("slice", sched.slice, ALL, "has no effect (sedf scheduler)"),
	INT("latency", sched.latency, ALL, "has no effect (sedf scheduler)"),
	INT("extratime", sched.extratime, ALL, "rtds scheduler: use idle time too"),
	PARSE("cpuid", cpuid, ALL, "cpu features, \"host,name=value,...\" or a list of leaves"),
	BOOL("msr_relaxed", msr_relaxed, ALL, "let the guest read MSRs that Xen does not know",
	     .note = "msr_relaxed will be removed in future versions. If it fixes an issue you are "
		     "having please report to xen-devel@lists.xenproject.org."),
	BOOL("vpmu", vpmu, ALL, "virtual performance counters"),
	MIB("shadow_memory", shadow_memkb, ALL, 0, MAX_MIB,
	     "memory for shadow or hap tables in MiB"),
	UINT("max_event_channels", max_event_channels, ALL, 0, BIG,
	     "most event channels (default 1023)"),
	UINT("max_grant_frames", max_grant_frames, ALL, 0, BIG, "most grant table frames", MUST),
	UINT("max_maptrack_frames", max_maptrack_frames, ALL, 0, BIG, "most maptrack frames", MUST),
	INT("max_grant_version", max_grant_version, ALL, "newest grant table version", .max = BIG,
	    MUST),
	BOOL("nomigrate", nomigrate, ALL, "the guest will not be saved or migrated"),
	UINT("vmtrace_buf_kb", vmtrace_buf_kb, ALL, 0, BIG, "size of vmtrace buffers in KiB", WARN),
	PARSE("llc_colors", llc_colors, ALL, "last level cache colors, a list of ranges", SINCE(20),
	      FAIL),

	/* Time. */
	{ HEAD("tsc_mode", KEY_ENUM_NUM, "time stamp counter: default, always_emulate, native or "
	       "native_paravirt"), .offset = AT(tsc_mode, int), .types = ALL,
	  .names = &names_tsc_mode, .note = "" },
	PARSE("timer_mode", timer_mode, ALL, "how missed ticks are delivered (hvm)",
	      .offset = AT(timer_mode, int), .min = 1, .names = &names_timer_mode),
	{ HEAD("rtc_timeoffset", KEY_INT, "offset of the guest's clock from the host's in seconds"),
	  .offset = AT(rtc_timeoffset, int32_t), .types = ALL },
	BOOL("localtime", localtime, ALL, "the guest's clock has local time, not UTC"),

	/* What happens when it ends. */
	ENUM("on_poweroff", on_poweroff, enum config_action, ALL, action,
	     "what to do after poweroff (default destroy)"),
	ENUM("on_reboot", on_reboot, enum config_action, ALL, action,
	     "what to do on reboot (default restart)"),
	ENUM("on_watchdog", on_watchdog, enum config_action, ALL, action,
	     "what to do when the watchdog fires (default destroy)"),
	ENUM("on_crash", on_crash, enum config_action, ALL, action,
	     "what to do after a crash (default destroy)"),
	ENUM("on_soft_reset", on_soft_reset, enum config_action, ALL, action,
	     "what to do when it asks for a soft reset, as with kexec: soft-reset (default), or as above"),
	ENUM("on_device_model_exit", on_device_model_exit, enum config_model_exit, ALL, model_exit,
	     "what to do when its QEMU has ended: warn (default), destroy, preserve (paused), restart"),

	/* What boots. */
	STR("kernel", kernel, ALL, "kernel image"),
	STR("ramdisk", ramdisk, ALL, "initial ramdisk"),
	STR("cmdline", cmdline, ALL, "kernel command line"),
	ELSEWHERE("root", ALL, "root= of the kernel command line, if there is no cmdline"),
	ELSEWHERE("extra", ALL, "appended to root, if there is no cmdline"),
	STR("bootloader", bootloader, ALL,
	     "finds the kernel in the guest's disk: pygrub (xlite's own), or a program's path"),
	PARSE("bootloader_args", bootloader_args, ALL, "arguments for the bootloader, a list",
	      .offset = AT(bootloader_args, struct str_list)),
	BOOL("bootloader_restrict", bootloader_restrict, ALL,
	     "run the bootloader without privileges",
	     SINCE(18)),
	STR("bootloader_user", bootloader_user, ALL, "user that the bootloader runs as", SINCE(18)),
	ELSEWHERE("firmware", ALL, "hvm: ovmf, seabios, rombios, uefi, bios or a path; "
		  "pv, pvh: pvgrub32 or pvgrub64"),
	STR("device_tree", device_tree, ALL, "Arm: partial device tree", FAIL),
	BOOL("acpi", acpi, ALL, "ACPI tables (default on)"),
	BOOL("pvshim", pvh.pvshim, PVH, "run a pv kernel inside a pvh guest"),
	STR("pvshim_path", pvh.pvshim_path, PVH, "the shim (default xen-shim)"),
	STR("pvshim_cmdline", pvh.pvshim_cmdline, PVH, "the shim's command line"),
	STR("pvshim_extra", pvh.pvshim_extra, PVH, "appended to the shim's command line"),

	/* The hvm platform. */
	STR("firmware_override", hvm.firmware, HVM, "replaces hvmloader"),
	STR("bios_path_override", hvm.system_firmware, HVM, "file with the bios"),
	ENUM("bios", hvm.bios, int, HVM, bios, "rombios, seabios (default) or ovmf"),
	STR("boot", hvm.boot, HVM, "boot order, letters of cdn"),
	BOOL("pae", hvm.pae, HVM, "physical address extensions (default on)"),
	BOOL("acpi_s3", hvm.acpi_s3, HVM, "ACPI S3 (default on)"),
	BOOL("acpi_s4", hvm.acpi_s4, HVM, "ACPI S4 (default on)"),
	BOOL("acpi_laptop_slate", hvm.acpi_laptop_slate, HVM, "ACPI laptop/slate switch"),
	BOOL("nx", hvm.nx, HVM, "no-execute pages (default on)"),
	BOOL("hpet", hvm.hpet, HVM, "high precision event timer (default on)"),
	BOOL("vpt_align", hvm.vpt_align, HVM, "align virtual timers (default on)"),
	BOOL("apic", apic, HVM, "local and i/o APIC (default on)"),
	BOOL("nestedhvm", nested_hvm, ALL, "let the guest be a hypervisor"),
	PARSE("viridian", viridian, HVM, "enlightenments for Windows, a number or a list of groups",
	      .offset = AT(hvm.viridian, enum tri)),
	MIB("mmio_hole", hvm.mmio_hole_memkb, HVM, 256, 3840, "mmio hole below 4 GiB in MiB"),
	BOOL("altp2mhvm", hvm.altp2m, HVM, "old form of altp2m",
	     .note = "Specifying \"altp2mhvm\" is deprecated. Please use \"altp2m\" instead."),
	{ HEAD("altp2m", KEY_ENUM_NUM, "alternate p2m: disabled, mixed, external or limited"),
	  .offset = AT(altp2m, int), .types = ALL, .names = &names_altp2m },
	UINT("altp2m_count", altp2m_count, ALL, 0, UINT16_MAX,
	     "number of alternate p2ms", SINCE(21), WARN),
	STR("smbios_firmware", hvm.smbios_firmware, HVM, "file with further SMBIOS tables"),
	PARSE("smbios", smbios, HVM, "SMBIOS strings, a list of type=value", SINCE(18)),
	STR("acpi_firmware", hvm.acpi_firmware, HVM, "file with further ACPI tables"),
	PARSE("ms_vm_genid", ms_vm_genid, HVM, "generation id: generate or none"),
	PARSE("mca_caps", mca_caps, HVM, "machine check capabilities, a list: lmce"),
	BOOL("hvm_pirq", hvm.pirq, HVM, "route guest interrupts over event channels", SINCE(19),
	     WARN),
	BOOL("xen_platform_pci", hvm.xen_platform_pci, HVM, "the Xen platform device (default on)"),
	BOOL("xen_platform_pci_bar_uc", hvm.xen_platform_pci_bar_uc, HVM,
	     "map the platform device uncached (default on)", SINCE(21), WARN),
	ENUM("vendor_device", hvm.vendor_device, int, HVM, vendor_device,
	     "PCI device for vendors' drivers: none or xenserver"),

	/* Display, sound, input. */
	PARSE("stdvga", stdvga, HVM, "old form of vga"),
	ENUM("vga", hvm.vga_kind, int, HVM, vga, "cirrus (default), stdvga, qxl or none"),
	MIB("videoram", video_memkb, ALL, 0, MAX_MIB, "video memory in MiB"),
	BOOL("vnc", hvm.vnc.enable, ALL, "display over VNC; for pv guests makes a vfb"),
	STR("vnclisten", hvm.vnc.listen, ALL, "address to listen on (default 127.0.0.1)"),
	STR("vncpasswd", hvm.vnc.passwd, ALL, "VNC password"),
	INT("vncdisplay", hvm.vnc.display, ALL, "VNC display number"),
	BOOL("vncunused", hvm.vnc.findunused, ALL,
	     "take the next free display number (default on)"),
	ELSEWHERE("vncviewer", ALL, "ignored", .note = "ignoring \"vncviewer\" option. Use \"-V\" "
		  "option of \"xl create\" to automatically spawn vncviewer."),
	BOOL("sdl", hvm.sdl.enable, ALL, "display in a window"),
	BOOL("opengl", hvm.sdl.opengl, ALL, "OpenGL for that window"),
	STR("display", hvm.sdl.display, ALL, "X display for that window"),
	STR("xauthority", hvm.sdl.xauthority, ALL, "X authority file for that window"),
	STR("keymap", hvm.keymap, ALL, "keyboard layout (default en-us)"),
	BOOL("nographic", hvm.nographic, HVM, "no display"),
	BOOL("spice", hvm.spice.enable, HVM, "display over SPICE"),
	INT("spiceport", hvm.spice.port, HVM, "SPICE port"),
	INT("spicetls_port", hvm.spice.tls_port, HVM, "SPICE port with TLS"),
	STR("spicehost", hvm.spice.host, HVM, "address to listen on"),
	BOOL("spicedisable_ticketing", hvm.spice.disable_ticketing, HVM, "no SPICE password"),
	STR("spicepasswd", hvm.spice.passwd, HVM, "SPICE password"),
	BOOL("spiceagent_mouse", hvm.spice.agent_mouse, HVM, "mouse by the agent (default on)"),
	BOOL("spicevdagent", hvm.spice.vdagent, HVM, "the SPICE agent's channel"),
	BOOL("spice_clipboard_sharing", hvm.spice.clipboard_sharing, HVM, "share the clipboard"),
	INT("spiceusbredirection", hvm.spice.usbredirection, HVM,
	     "number of redirected USB devices"),
	STR("spice_image_compression", hvm.spice.image_compression, HVM, "image compression"),
	STR("spice_streaming_video", hvm.spice.streaming_video, HVM, "video streaming"),
	PARSE("gfx_passthru", gfx_passthru, HVM, "graphics passthrough, a number or igd",
	      .offset = AT(hvm.gfx_passthru_kind, int), .names = &names_gfx_passthru),
	{ HEAD("serial", KEY_STR_OR_STRS, "serial port, a string or a list"),
	  .offset = AT(hvm.serial, char *), .second = AT(hvm.serial_list, struct str_list),
	  .types = HVM },
	BOOL("usb", hvm.usb, HVM, "emulated USB"),
	INT("usbversion", hvm.usbversion, HVM, "version of the emulated USB controller, 1 to 3"),
	{ HEAD("usbdevice", KEY_STR_OR_STRS,
	     "emulated USB device such as tablet, a string or a list"),
	  .offset = AT(hvm.usbdevice, char *), .second = AT(hvm.usbdevice_list, struct str_list),
	  .types = HVM },
	BOOL("vkb_device", hvm.vkb_device, HVM, "pv keyboard (default on)"),
	STR("soundhw", hvm.soundhw, HVM, "sound card such as hda or ac97"),
	ENUM("hdtype", hvm.hdtype, int, HVM, hdtype, "disk controller: ide (default) or ahci"),

	/* Device model. */
	ELSEWHERE("device_model", ALL, "ignored, see device_model_override",
		  .note = "ignoring device_model directive. Use \"device_model_override\" instead "
			  "if you really want a non-default device_model"),
	STR("device_model_override", device_model, ALL, "path of QEMU"),
	ENUM("device_model_version", device_model_version, int, ALL, device_model,
	     "qemu-xen or qemu-xen-traditional"),
	BOOL("device_model_stubdomain_override", device_model_stubdomain, ALL,
	     "device model in a domain of its own"),
	STR("device_model_stubdomain_seclabel", device_model_ssid_label, ALL,
	     "that domain's label"),
	STR("device_model_user", device_model_user, ALL, "user that QEMU runs as"),
	STR("stubdomain_kernel", stubdomain_kernel, ALL, "kernel of the device model's domain"),
	STR("stubdomain_cmdline", stubdomain_cmdline, ALL, "that kernel's command line"),
	STR("stubdomain_ramdisk", stubdomain_ramdisk, ALL, "that kernel's ramdisk"),
	MIB("stubdomain_memory", stubdomain_memkb, ALL, 0, MAX_MIB, "that domain's memory in MiB"),
	STRS("device_model_args", dm_args, ALL, "further arguments for QEMU, a list"),
	STRS("device_model_args_pv", dm_args_pv, ALL, "the same for pv guests"),
	STRS("device_model_args_hvm", dm_args_hvm, ALL, "the same for hvm guests"),
	BOOL("dm_restrict", dm_restrict, ALL, "run QEMU without privileges"),

	/* Devices. */
	LIST("disk", disks, ALL, "disks, a list of specs"),
	LIST("vif", nics, ALL, "network interfaces, a list of specs"),
	ELSEWHERE("vif2", ALL, "ignored",
		  .note = "vif2: netchannel2 is deprecated and not supported by xl"),
	PARSE("vfb", vfb, ALL, "pv framebuffers, a list of specs", .list = &list_vfbs),
	LIST("vkb", vkbs, ALL, "pv keyboards, a list of specs"),
	BOOL("e820_host", e820_host, PV, "give the guest the host's memory map"),
	PCI("pci_msitranslate", pci_msitranslate, "default for pci: translate MSI (no effect)"),
	PCI("pci_power_mgmt", pci_power_mgmt, "default for pci: power management (no effect)"),
	PCI("pci_permissive", pci_permissive,
	     "default for pci: let the guest write all of config space"),
	PCI("pci_seize", pci_seize, "default for pci: take the device from its driver"),
	PARSE("rdm", rdm, ALL, "reserved device memory, strategy=host,policy=strict or relaxed"),
	MIB("rdm_mem_boundary", hvm.rdm_mem_boundary_memkb, HVM, 0, MAX_MIB,
	    "where reserved device memory may push memory aside, in MiB"),
	LIST("pci", pcidevs, ALL, "PCI devices, a list of specs"),
	LIST("dtdev", dtdevs, ALL, "Arm: device tree nodes to pass through, a list", FAIL),
	LIST("ioports", ioports, ALL, "i/o ports the guest may use, a list of ranges"),
	LIST("irqs", irqs, ALL, "interrupts the guest may use, a list"),
	LIST("iomem", iomem, ALL,
	     "i/o memory the guest may use, a list of START,NUMBER[@GFN]"),
	LIST("channel", channels, ALL, "data channels, a list of specs"),
	LIST("p9", p9s, ALL, "9pfs shares, a list of specs"),
	LIST("pvcalls", pvcalls, ALL, "PV Calls interfaces, a list of specs", FAIL),
	LIST("usbctrl", usbctrls, ALL, "USB controllers, a list of specs", FAIL),
	LIST("usbdev", usbdevs, ALL, "USB devices, a list of specs", FAIL),
	LIST("vtpm", vtpms, ALL, "virtual TPMs, a list of specs", FAIL),
	LIST("vdispl", vdispls, ALL, "virtual displays, a list of specs", FAIL),
	PARSE("vsnd", vsnd, ALL, "virtual sound cards, a list of lists", FAIL),
	LIST("virtio", virtios, ALL, "virtio devices, a list of specs", SINCE(18), FAIL),

	/* Arm. */
	ENUM("gic_version", gic_version, int, ALL, gic_version, "interrupt controller: v2 or v3"),
	ENUM("vuart", vuart, int, ALL, vuart, "emulated UART: sbsa_uart"),
	ENUM("tee", tee, int, ALL, tee, "trusted execution: none, optee or ffa"),
	PARSE("sve", sve, ALL, "SVE vector length: disabled, hw or bits", SINCE(18)),
	UINT("nr_spis", nr_spis, ALL, 0, BIG, "number of SPIs", SINCE(19)),
	PARSE("arm_sci", arm_sci, ALL, "system control interface, type=none or scmi_smc", SINCE(21),
	      .names = &names_arm_sci),
	BOOL("trap_unmapped_accesses", trap_unmapped_accesses, ALL,
	     "fault on accesses to nothing", SINCE(21)),
};

const size_t key_table_size = ARRAY_SIZE(key_table);
