/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the QEMU of an HVM guest is told beyond what every one is: the machine. In the order of
 * libxl 4.17 (libxl_dm.c). Pure.
 */
#include "qemu.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "config/devices.h"
#include "config/disk.h"
#include "kind.h"

/* Numbers of config.h. */
enum { HDTYPE_AHCI = 2, VENDOR_XENSERVER = 1 };

/* xen/hvm/e820.h: HVM_BELOW_4G_MMIO_LENGTH. A hole that is no larger is what there is anyway. */
#define MMIO_HOLE_KB (UINT64_C(0x10000000) >> 10)

enum { BOOT_DEVICES = 3 };	/* as many as QEMU's PC has room for */

/* soundhw=: libxl's words and QEMU's devices. */
static const struct { const char *name, *device, *second; } sound_cards[] = {
	{ "ac97", "ac97", NULL }, { "adlib", "adlib", NULL }, { "cs4231a", "cs4231a", NULL },
	{ "es1370", "es1370", NULL }, { "gus", "gus", NULL },
	{ "hda", "intel-hda", "hda-duplex" }, { "sb16", "sb16", NULL },
};

/* Checks: what no QEMU could make of it. */

static int check_boot(const char *boot, struct err *err)
{
	for (const char *p = boot ? boot : ""; *p; p++) {
		if (!strchr("abcdn", *p))
			return fail(err, EINVAL, "boot=\"%.20s\": '%.1s' is none of c (disk), d "
				    "(cdrom), n (network) and a (floppy)", boot, p);
		if (strchr(p + 1, *p))
			return fail(err, EINVAL, "boot=\"%.20s\" has '%.1s' twice", boot, p);
	}
	if (boot && strlen(boot) > BOOT_DEVICES)
		return fail(err, EINVAL, "boot=\"%.20s\": %d devices are the most", boot,
			    BOOT_DEVICES);
	return 0;
}

static bool has_usb_bus(const struct hvm_config *hvm)
{
	return hvm->usb == TRI_TRUE || hvm->usbdevice || hvm->usbdevice_list.nr;
}

static int check_usb(const struct hvm_config *hvm, struct err *err)
{
	bool redirects = hvm->spice.enable == TRI_TRUE && hvm->spice.usbredirection;

	if (hvm->usbversion < 0 || hvm->usbversion > 3)
		return fail(err, EINVAL, "usbversion=%d: only 1, 2 and 3 are known",
			    hvm->usbversion);
	if (redirects && (hvm->spice.usbredirection < 0 || hvm->spice.usbredirection > 4))
		return fail(err, EINVAL, "spiceusbredirection=%d: 4 devices are the most",
			    hvm->spice.usbredirection);
	if ((hvm->usbversion || redirects) && has_usb_bus(hvm))
		return fail(err, EINVAL, "%s cannot be used with usb and usbdevice",
			    hvm->usbversion ? "usbversion" : "spiceusbredirection");
	return 0;
}

static int check_spice(const struct spice_config *spice, struct err *err)
{
	if (spice->enable != TRI_TRUE)
		return 0;
	if (!spice->port && !spice->tls_port)
		return fail(err, EINVAL, "spice=1 needs spiceport or spicetls_port");
	if (spice->disable_ticketing != TRI_TRUE && (!spice->passwd || !*spice->passwd))
		return fail(err, EINVAL, "spice=1 needs spicepasswd, or "
			    "spicedisable_ticketing=1 for none");
	return 0;
}

static int check_sound(const char *soundhw, struct err *err)
{
	scoped(strbuf) struct strbuf names = STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(sound_cards); i++) {
		if (!soundhw || strcmp(soundhw, sound_cards[i].name) == 0)
			return 0;
		strbuf_printf(&names, "%s%s", i ? ", " : "", sound_cards[i].name);
	}
	return fail(err, EINVAL, "unknown soundhw '%.40s', valid are %s", soundhw,
		    names.s ? names.s : "");
}

int qemu_hvm_check(const struct domain_config *config, struct err *err)
{
	const struct hvm_config *hvm = &config->hvm;
	int rc;

	if (hvm->gfx_passthru == TRI_TRUE)
		return fail(err, EOPNOTSUPP, "gfx_passthru is not supported");
	rc = check_boot(hvm->boot, err);
	if (rc == 0)
		rc = check_usb(hvm, err);
	if (rc == 0)
		rc = check_spice(&hvm->spice, err);
	return rc == 0 ? check_sound(hvm->soundhw, err) : rc;
}

/* Arguments */

static void pair(struct qemu_args *args, const char *name, const char *value)
{
	qemu_arg(args, "%s", name);
	qemu_arg(args, "%s", value);
}

static void pair_if(struct qemu_args *args, const char *name, const char *value)
{
	if (value)
		pair(args, name, value);
}

static void pairs(struct qemu_args *args, const char *name, const struct str_list *values)
{
	for (size_t i = 0; i < values->nr; i++)
		pair(args, name, values->items[i]);
}

/* Its place among the PCI devices is this one, with whatever kind the disks are. */
static void scsi_args(struct qemu_args *args, const struct domain_config *config)
{
	for (size_t i = 0; i < config->nr_disks; i++) {
		if (!config->disks[i].cdrom && str_starts(config->disks[i].vdev, "sd")) {
			pair(args, "-device", "lsi53c895a");
			return;
		}
	}
}

static void add_option(struct strbuf *options, const char *name, const char *value)
{
	if (!value)
		return;
	strbuf_printf(options, ",%s=", name);
	qemu_escape(options, value);
}

static void spice_args(struct qemu_args *args, const struct spice_config *spice)
{
	scoped(strbuf) struct strbuf options = STRBUF_INIT;
	bool open = spice->disable_ticketing == TRI_TRUE;

	if (spice->enable != TRI_TRUE)
		return;
	strbuf_printf(&options, "port=%d,tls-port=%d", spice->port, spice->tls_port);
	add_option(&options, "addr", spice->host);
	add_option(&options, "disable-ticketing", open ? "on" : NULL);
	add_option(&options, "password", open ? NULL : spice->passwd);
	add_option(&options, "agent-mouse", spice->agent_mouse == TRI_FALSE ? "off" : "on");
	add_option(&options, "disable-copy-paste",
		   spice->clipboard_sharing == TRI_TRUE ? NULL : "on");
	add_option(&options, "image-compression", spice->image_compression);
	add_option(&options, "streaming-video", spice->streaming_video);
	args->failed |= options.failed;
	pair(args, "-spice", options.s ? options.s : "");
	if (spice->vdagent != TRI_TRUE)
		return;
	pair(args, "-device", "virtio-serial");
	pair(args, "-chardev", "spicevmc,id=vdagent,name=vdagent");
	pair(args, "-device", "virtserialport,chardev=vdagent,name=com.redhat.spice.0");
}

static void video_args(struct qemu_args *args, const struct domain_config *config)
{
	uint64_t mb = (config->video_memkb + 1023) / 1024;

	if (config->hvm.vga_kind == VGA_NONE)
		return;
	qemu_arg(args, "-device");
	if (config->hvm.vga_kind == VGA_QXL)
		qemu_arg(args, "qxl-vga,vram_size_mb=%" PRIu64 ",ram_size_mb=%" PRIu64, mb / 2,
			 mb / 2);
	else
		qemu_arg(args, "%s,vgamem_mb=%" PRIu64,
			 config->hvm.vga_kind == VGA_STD ? "VGA" : "cirrus-vga", mb);
}

/* The controllers of a USB version: 2 has companions for the slower devices. */
static void usb_controller_args(struct qemu_args *args, unsigned int version)
{
	if (version == 1)
		pair(args, "-device", "piix3-usb-uhci,id=usb");
	if (version == 2)
		pair(args, "-device", "ich9-usb-ehci1,id=usb,addr=0x1d.0x7,multifunction=on");
	for (unsigned int i = 0; version == 2 && i < 3; i++) {
		qemu_arg(args, "-device");
		qemu_arg(args, "ich9-usb-uhci%u,masterbus=usb.0,firstport=%u,addr=0x1d.%#x,"
			 "multifunction=on", i + 1, 2 * i, i);
	}
	if (version == 3)
		pair(args, "-device", "nec-usb-xhci,id=usb");
}

static void usb_args(struct qemu_args *args, const struct hvm_config *hvm)
{
	int redirected = hvm->spice.enable == TRI_TRUE ? hvm->spice.usbredirection : 0;

	if (has_usb_bus(hvm)) {
		qemu_arg(args, "-usb");
		pair_if(args, "-usbdevice", hvm->usbdevice);
		pairs(args, "-usbdevice", &hvm->usbdevice_list);
		return;
	}
	/* What is redirected has a version 2 controller if nothing else is said. */
	usb_controller_args(args, hvm->usbversion ? (unsigned int)hvm->usbversion :
			    redirected ? 2 : 0);
	for (int i = 1; i <= redirected; i++) {
		qemu_arg(args, "-chardev");
		qemu_arg(args, "spicevmc,name=usbredir,id=usbrc%d", i);
		qemu_arg(args, "-device");
		qemu_arg(args, "usb-redir,chardev=usbrc%d,id=usbrc%d", i, i);
	}
}

static void sound_args(struct qemu_args *args, const char *soundhw)
{
	for (size_t i = 0; soundhw && i < ARRAY_SIZE(sound_cards); i++) {
		if (strcmp(soundhw, sound_cards[i].name) != 0)
			continue;
		pair(args, "-device", sound_cards[i].device);
		pair_if(args, "-device", sound_cards[i].second);
	}
}

void qemu_hvm_args(const struct devices *set, struct qemu_args *args)
{
	const struct domain_config *config = set->config;
	const struct hvm_config *hvm = &config->hvm;
	struct qemu_display display;

	qemu_display(set, &display);
	pair_if(args, "-kernel", config->kernel);
	pair_if(args, "-initrd", config->ramdisk);
	pair_if(args, "-append", config->cmdline);
	scsi_args(args, config);
	pair_if(args, "-serial", hvm->serial);
	pairs(args, "-serial", &hvm->serial_list);
	if (hvm->nographic == TRI_TRUE && !display.vnc && !display.sdl)
		qemu_arg(args, "-nographic");
	spice_args(args, &hvm->spice);
	video_args(args, config);
	qemu_arg(args, "-boot");
	qemu_arg(args, "order=%s", hvm->boot ? hvm->boot : "cda");
	usb_args(args, hvm);
	sound_args(args, hvm->soundhw);
	if (config->acpi == TRI_FALSE || hvm->acpi == TRI_FALSE)
		qemu_arg(args, "-no-acpi");
	if (config->max_vcpus > 1) {
		qemu_arg(args, "-smp");
		qemu_arg(args, "%u,maxcpus=%u", config->vcpus, config->max_vcpus);
	}
	if (!qemu_device_args(set, &device_nic, args))
		pair(args, "-net", "none");
}

/* The value of -machine. Without its PCI device a guest finds no PV drivers. */
void qemu_hvm_machine(const struct domain_config *config, struct qemu_args *args)
{
	const char *machine = config->hvm.xen_platform_pci == TRI_FALSE ?
		"pc,accel=xen,suppress-vmdesc=on" : "xenfv,suppress-vmdesc=on";
	uint64_t hole_kb = config->hvm.mmio_hole_memkb;

	if (hole_kb != CONFIG_MEMKB_DEFAULT && hole_kb >= MMIO_HOLE_KB)
		qemu_arg(args, "%s,max-ram-below-4g=%" PRIu64, machine,
			 (UINT64_C(1) << 32) - (hole_kb << 10));
	else
		qemu_arg(args, "%s", machine);
}

void qemu_hvm_disk_args(const struct devices *set, struct qemu_args *args)
{
	if (set->config->hvm.hdtype == HDTYPE_AHCI)
		pair(args, "-device", "ahci,id=ahci0");
	(void)qemu_device_args(set, &device_disk, args);
	if (set->config->hvm.vendor_device == VENDOR_XENSERVER)
		pair(args, "-device", "xen-pvdevice,device-id=0xc000");
}
