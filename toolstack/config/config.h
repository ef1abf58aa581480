/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * struct domain_config: what a config file (or libxl's JSON of one) says about
 * a guest, before any default that needs a host is applied. It owns all it
 * points to. Sizes are in KiB, as in libxl; "not given" is 0, NULL, TRI_DEFAULT
 * or the CONFIG_..._DEFAULT marker named at the field. Field meanings and JSON
 * names follow tools/libs/light/libxl_types.idl (domain_config).
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitmap.h"
#include "base/err.h"

struct cfg;
struct json_t;
struct xl_conf;

struct disk;
struct nic;
struct pci_dev;
struct rdm;
struct vfb;
struct vkb;
struct vtpm;
struct p9;
struct pvcalls;
struct vdispl;
struct vsnd;
struct channel;
struct usbctrl;
struct usbdev;
struct virtio_dev;
struct vnuma_node;
struct cpuid;
struct ioport_range;
struct iomem_range;

#define CONFIG_MEMKB_DEFAULT UINT64_MAX		/* LIBXL_MEMKB_DEFAULT */
#define CONFIG_GRANT_DEFAULT UINT32_MAX		/* LIBXL_MAX_GRANT_DEFAULT */
#define CONFIG_SCHED_DEFAULT (-1)		/* weight, cap; see sched below */

#define CONFIG_DOMID_ANY UINT32_MAX		/* xl's INVALID_DOMID: Xen chooses */

/* A vcpu number above this is refused: Xen's MAX_VIRT_CPUS (PV) is 8192. */
#define CONFIG_MAX_VCPUS 8192

enum domain_type { DOMAIN_UNKNOWN, DOMAIN_HVM, DOMAIN_PV, DOMAIN_PVH };	/* libxl's numbers */

enum tri { TRI_DEFAULT, TRI_FALSE, TRI_TRUE };

enum config_action {		/* numbers of libxl_action_on_shutdown */
	CONFIG_ACTION_DESTROY = 1,
	CONFIG_ACTION_RESTART,
	CONFIG_ACTION_RENAME_RESTART,
	CONFIG_ACTION_PRESERVE,
	CONFIG_ACTION_COREDUMP_DESTROY,
	CONFIG_ACTION_COREDUMP_RESTART,
	CONFIG_ACTION_SOFT_RESET,
};

/* on_device_model_exit: xlite's own key. */
enum config_model_exit { MODEL_EXIT_WARN, MODEL_EXIT_DESTROY, MODEL_EXIT_PRESERVE, MODEL_EXIT_RESTART };

struct str_list {
	char **items;		/* owned, each item too */
	size_t nr;
};

struct vnc_config {
	enum tri enable;
	char *listen, *passwd;
	int display;
	enum tri findunused;
};

/* "ADDRESS:DISPLAY" in listen: its colons may also be those of an IPv6 address. */
bool vnc_names_display(const char *listen);

struct sdl_config {
	enum tri enable, opengl;
	char *display, *xauthority;
};

struct spice_config {
	enum tri enable;
	int port, tls_port;
	char *host;
	enum tri disable_ticketing;
	char *passwd;
	enum tri agent_mouse, vdagent, clipboard_sharing;
	int usbredirection;
	char *image_compression, *streaming_video;
};

struct sched_config {		/* CONFIG_SCHED_DEFAULT etc.: leave Xen's own value */
	int weight, cap, period, budget, extratime, slice, latency;
};

/* libxl's numbers. */
enum vga_kind { VGA_UNKNOWN, VGA_CIRRUS, VGA_STD, VGA_NONE, VGA_QXL };

struct hvm_config {
	char *firmware;		/* replaces hvmloader */
	int bios;		/* 0 unknown, 1 rombios, 2 seabios, 3 ovmf */
	enum tri pae, acpi, acpi_s3, acpi_s4, acpi_laptop_slate, nx, viridian;
	uint64_t viridian_enable, viridian_disable;	/* bit = enlightenment */
	char *timeoffset;
	enum tri hpet, vpt_align;
	uint64_t mmio_hole_memkb;
	enum tri altp2m;
	char *system_firmware, *smbios_firmware, *acpi_firmware;
	struct str_list smbios;			/* 4.18: "type=value" as given */
	int hdtype;		/* 1 ide, 2 ahci */
	enum tri nographic;
	int vga_kind;		/* enum vga_kind */
	struct vnc_config vnc;
	char *keymap;
	struct sdl_config sdl;
	struct spice_config spice;
	enum tri gfx_passthru;
	int gfx_passthru_kind;	/* 0 default, 1 igd */
	char *serial, *boot;
	enum tri usb;
	int usbversion;
	char *usbdevice;
	enum tri vkb_device;
	char *soundhw;
	enum tri xen_platform_pci, xen_platform_pci_bar_uc;
	enum tri pirq;
	struct str_list usbdevice_list, serial_list;
	int vendor_device;	/* 0 none, 1 xenserver */
	bool ms_vm_genid_generate;	/* the caller fills in ms_vm_genid */
	uint8_t ms_vm_genid[16];
	int rdm_strategy;	/* 0 ignore, 1 host */
	int rdm_policy;		/* enum rdm_policy of config/spec.h, 0: not given */
	uint64_t rdm_mem_boundary_memkb;
	uint64_t mca_caps;
};

struct pvh_config {
	enum tri pvshim;
	char *pvshim_path, *pvshim_cmdline, *pvshim_extra;
};

struct domain_config {
	/* Who it is. */
	char *name;
	uint8_t uuid[16];	/* all 0 until uuid_given or the caller made one */
	bool uuid_given;
	uint32_t domid;		/* CONFIG_DOMID_ANY in what is stored; else 0: nothing said */
	enum domain_type type;
	bool type_auto;		/* type is PVH where kernel and host can: create decides */
	enum tri hap, oos;
	uint32_t ssidref;
	char *ssid_label, *exec_ssid_label;
	char *pool;
	enum tri run_hotplug_scripts, driver_domain, xend_suspend_evtchn_compat;
	int passthrough;	/* 0 default, 1 disabled, 2 enabled, 3 sync_pt, 4 share_pt */
	uint32_t xenstore_feature_mask;		/* 4.21; all ones: not given */
	struct str_list xenstore_quota;		/* 4.22 */

	/* Processors. 0 vcpus: not given (config_defaults() makes it 1). */
	unsigned int max_vcpus;
	unsigned int vcpus;	/* online at start: 0 .. vcpus-1 */
	bool vcpus_unsaid;	/* both are defaults: libxl stores neither */
	struct bitmap *hard_affinity, *soft_affinity;	/* one per vcpu */
	size_t nr_hard_affinity, nr_soft_affinity;
	enum tri numa_placement;
	struct vnuma_node *vnuma;
	size_t nr_vnuma;
	struct cpuid *cpuid;	/* NULL: nothing said (config/cpuid.h) */
	struct sched_config sched;
	int tsc_mode;		/* 0 default, 1 always_emulate, 2 native, 3 native_paravirt */
	int timer_mode;		/* 0: not given; else HVM_PARAM_TIMER_MODE plus one */
	enum tri apic, nested_hvm, vpmu, msr_relaxed;
	int altp2m;		/* 0 disabled, 1 mixed, 2 external, 3 limited */
	uint32_t altp2m_count;	/* 4.21; all ones: not given */
	uint32_t vmtrace_buf_kb;

	/* Memory; CONFIG_MEMKB_DEFAULT: not given. */
	uint64_t max_memkb, target_memkb, video_memkb, shadow_memkb, iommu_memkb;
	enum tri claim_mode;

	/* Time. */
	int32_t rtc_timeoffset;
	enum tri localtime;

	/* Limits. */
	unsigned int max_event_channels;	/* 0: not given */
	uint32_t max_grant_frames, max_maptrack_frames;	/* CONFIG_GRANT_DEFAULT */
	int max_grant_version;			/* -1: not given */
	enum tri nomigrate;

	/* What boots. */
	char *kernel, *ramdisk, *cmdline;	/* cmdline: root= and extra= merged in */
	char *device_tree;
	char *bootloader;
	struct str_list bootloader_args;
	enum tri bootloader_restrict;		/* 4.18 */
	char *bootloader_user;			/* 4.18 */
	enum tri acpi;

	/* Device model. */
	int device_model_version;	/* 0 unknown, 1 traditional, 2 qemu_xen */
	enum tri device_model_stubdomain, dm_restrict;
	uint64_t stubdomain_memkb;
	char *stubdomain_kernel, *stubdomain_cmdline, *stubdomain_ramdisk;
	char *device_model, *device_model_ssid_label, *device_model_user;
	struct str_list dm_args, dm_args_pv, dm_args_hvm;
	char *blkdev_start;

	/* By type. Only the guest's own type's part is used. */
	struct hvm_config hvm;
	struct pvh_config pvh;
	enum tri e820_host;		/* PV */

	/* Arm; carried so that a config is not silently cut. */
	int gic_version, vuart, tee, arm_sci;	/* names in config/types.h */
	uint32_t nr_spis;		/* all ones: not given */
	char *sve;
	enum tri trap_unmapped_accesses;
	uint32_t *llc_colors;
	size_t nr_llc_colors;

	/* Host resources. */
	struct ioport_range *ioports;
	struct iomem_range *iomem;
	uint32_t *irqs;
	size_t nr_ioports, nr_iomem, nr_irqs;

	/* Devices, in config order. */
	struct disk *disks;
	struct nic *nics;
	struct pci_dev *pcidevs;
	struct rdm *rdms;
	char **dtdevs;			/* Arm: device tree paths */
	struct vfb *vfbs;
	struct vkb *vkbs;
	struct vtpm *vtpms;
	struct p9 *p9s;
	struct pvcalls *pvcalls;
	struct vdispl *vdispls;
	struct vsnd *vsnds;
	struct channel *channels;
	struct usbctrl *usbctrls;
	struct usbdev *usbdevs;
	struct virtio_dev *virtios;
	size_t nr_disks, nr_nics, nr_pcidevs, nr_rdms, nr_dtdevs, nr_vfbs, nr_vkbs, nr_vtpms,
	       nr_p9s, nr_pvcalls, nr_vdispls, nr_vsnds, nr_channels, nr_usbctrls,
	       nr_usbdevs, nr_virtios;

	/* What happens when it ends. */
	enum config_action on_poweroff, on_reboot, on_watchdog, on_crash, on_soft_reset;
	enum config_model_exit on_device_model_exit;
};

#define DOMAIN_CONFIG_INIT { .name = NULL }

/* Facts about the host that a config may refer to; all 0: unknown. */
struct config_host {
	unsigned int nr_cpus;			/* "all" means 0 .. nr_cpus-1 */
	const struct bitmap *node_cpus;		/* per node, for "nodes:N" */
	unsigned int nr_nodes;
};

/* Everything that is not the text: how config_from_cfg() should read it. */
struct config_options {
	bool strict;				/* an unknown key is an error */
	const struct xl_conf *conf;		/* NULL: built-in defaults */
	const struct config_host *host;		/* NULL: unknown */
};

/* Messages that are not errors, in the order found; each "FILE:LINE:COL: text". */
struct config_warnings {
	struct str_list list;
	/*
	 * NULL: the first error ends the reading. Else each is added there, and of what is read
	 * alone the rest is read; the last one is what the reader fails with.
	 */
	struct str_list *errors;
};

void config_warnings_free(struct config_warnings *w);

static inline void scoped_config_warnings(struct config_warnings *w)
{
	config_warnings_free(w);
}

/* Every field "not given", as libxl_domain_config_init + the guest type's init. */
void config_init(struct domain_config *config);
void config_free(struct domain_config *config);	/* safe on an empty one and twice */

static inline void scoped_domain_config(struct domain_config *config)
{
	config_free(config);
}

/*
 * The parsed text as a config. Pure: nothing is read or generated; a missing
 * uuid stays 0 (uuid_given = false) and a missing MAC too. Errors and warnings
 * carry FILE:LINE:COL.
 */
int config_from_cfg(const struct cfg *cfg, const struct config_options *options,
		    struct domain_config *out, struct config_warnings *warnings,
		    struct err *err) must_check;

/*
 * What libxl fills in when nothing is said and no host is needed: 1 vcpu,
 * 32 MiB, target = max, and the few values that libxl adds to the JSON that it
 * stores of a domain. Call before building and storing, not before printing JSON
 * (xl prints what was given).
 */
void config_defaults(struct domain_config *config);

/* What an HVM guest's video card needs, in KiB, which is libxl's default; other types: 0. Pure. */
uint64_t config_video_memkb(const struct domain_config *config);

/*
 * Keys that were given but that this version cannot act on: one warning text
 * each for those that a guest can live without, an error for those it cannot
 * (a device that would be missing). For create, not for create -n.
 */
int config_check_supported(const struct cfg *cfg, const struct domain_config *config,
			   struct config_warnings *warnings, struct err *err) must_check;

/* libxl's JSON of the config, fields in IDL order; the caller owns *out. */
int config_to_json(const struct domain_config *config, struct json_t **out,
		   struct err *err) must_check;

/* The reverse; unknown members are ignored as libxl does. */
int config_from_json(struct json_t *json, struct domain_config *out,
		     struct err *err) must_check;

/*
 * Whether a domain may be called so: not empty, not too long, no number (commands
 * would take it for a domain id), without '/' and control characters.
 */
#define CONFIG_NAME_MAX 200	/* log files have the name, a prefix and a suffix in theirs */
int config_check_name(const char *name, struct err *err) must_check;

const char *config_type_name(enum domain_type type);		/* "pv", ... */
const char *config_action_name(enum config_action action);	/* xl.cfg's words */
const char *config_model_exit_name(enum config_model_exit action);

#endif
