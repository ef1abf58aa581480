/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of an HVM guest's QEMU, from the text of its config; and what is refused. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/scope.h"
#include "base/str.h"
#include "config/cfg.h"
#include "config/config.h"
#include "config/nic.h"
#include "devices/kind.h"
#include "devices/qemu.h"
#include "devices/serial.h"
#include "tap.h"

#define FRONT "qemu -xen-domid 7 -no-shutdown " \
	"-chardev socket,id=libxl-cmd,path=/var/run/xen/qmp-libxl-7,server=on,wait=off " \
	"-mon chardev=libxl-cmd,mode=control "
#define FRONT_FD "qemu -xen-domid 7 -no-shutdown " \
	"-chardev socket,id=libxl-cmd,fd=4,server=on,wait=off -mon chardev=libxl-cmd,mode=control "
#define STAT "-chardev " \
	"socket,id=libxenstat-cmd,path=/var/run/xen/qmp-libxenstat-7,server=on,wait=off " \
	"-mon chardev=libxenstat-cmd,mode=control -nodefaults -no-user-config -name g "
#define VNC "-vnc 127.0.0.1:0,to=99 -display none "
#define CIRRUS "-device cirrus-vga,vgamem_mb=8 "
#define BOOT "-boot order=cda "
#define NO_NET "-net none "
#define MACHINE "-machine xenfv,suppress-vmdesc=on "
#define HEAD "name='g'\ntype='hvm'\nmemory=64\n"

static int read_config(const char *text, struct domain_config *config, struct err *err)
{
	scoped(config_warnings) struct config_warnings w = { .list = { .nr = 0 } };
	scoped(cfg) struct cfg cfg = CFG_INIT;
	scoped(free) char *all = str_format(HEAD "%s", text);
	int rc = all ? cfg_parse(&cfg, "c", all, strlen(all), err) : -ENOMEM;

	if (rc == 0)
		rc = config_from_cfg(&cfg, NULL, config, &w, err);
	if (rc == 0)
		config_defaults(config);
	return rc;
}

static char *words_of(const struct devices *set, const struct qemu_jail *jail)
{
	scoped(qemu_args) struct qemu_args args = QEMU_ARGS_INIT;
	scoped(strbuf) struct strbuf text = STRBUF_INIT;
	char *all = NULL;
	struct err err;

	qemu_command(set, "qemu", jail, &args);
	for (size_t i = 0; i < args.nr; i++)
		strbuf_printf(&text, "%s%s", i ? " " : "", args.words[i]);
	if (args.failed || strbuf_finish(&text, &all, &err) < 0)
		return NULL;
	return all;
}

/* What stands between the front, which is always the same, and the end. */
static const struct { const char *cfg, *want; } commands[] = {
	{ "", VNC CIRRUS BOOT NO_NET MACHINE "-m 56" },
	{ "kernel='/k'\nramdisk='/r'\nextra='a b'",
	  VNC "-kernel /k -initrd /r -append a b " CIRRUS BOOT NO_NET MACHINE "-m 56" },
	{ "serial='pty'", VNC "-serial pty " CIRRUS BOOT NO_NET MACHINE "-m 56" },
	{ "serial=['pty','file:/x','none']",
	  VNC "-serial pty -serial file:/x -serial none " CIRRUS BOOT NO_NET MACHINE "-m 56" },
	{ "vnc=0\nnographic=1",
	  "-vnc none -display none -nographic " CIRRUS BOOT NO_NET MACHINE "-m 56" },
	{ "nographic=1", VNC CIRRUS BOOT NO_NET MACHINE "-m 56" },
	{ "vnc=0", "-vnc none -display none " CIRRUS BOOT NO_NET MACHINE "-m 56" },
	{ "vnclisten='0.0.0.0'\nvncdisplay=3\nvncunused=0\nvncpasswd='p'\nkeymap='de'",
	  "-vnc 0.0.0.0:3,password=on -display none -k de " CIRRUS BOOT NO_NET MACHINE "-m 56" },
	{ "sdl=1\nvnc=0", "-vnc none -display none -display sdl " CIRRUS BOOT NO_NET MACHINE
	  "-m 56" },
	{ "spice=1\nspiceport=6000\nspicehost='h'\nspicedisable_ticketing=1\nspicevdagent=1",
	  VNC "-spice port=6000,tls-port=0,addr=h,disable-ticketing=on,agent-mouse=on,"
	  "disable-copy-paste=on -device virtio-serial -chardev spicevmc,id=vdagent,name=vdagent "
	  "-device virtserialport,chardev=vdagent,name=com.redhat.spice.0 " CIRRUS BOOT NO_NET
	  MACHINE "-m 56" },
	{ "spice=1\nspicetls_port=6001\nspicepasswd='a,b'\nspiceagent_mouse=0\n"
	  "spice_clipboard_sharing=1\nspice_image_compression='off'\n"
	  "spice_streaming_video='filter'\nspiceusbredirection=2",
	  VNC "-spice port=0,tls-port=6001,password=a,,b,agent-mouse=off,image-compression=off,"
	  "streaming-video=filter " CIRRUS BOOT
	  "-device ich9-usb-ehci1,id=usb,addr=0x1d.0x7,multifunction=on "
	  "-device ich9-usb-uhci1,masterbus=usb.0,firstport=0,addr=0x1d.0,multifunction=on "
	  "-device ich9-usb-uhci2,masterbus=usb.0,firstport=2,addr=0x1d.0x1,multifunction=on "
	  "-device ich9-usb-uhci3,masterbus=usb.0,firstport=4,addr=0x1d.0x2,multifunction=on "
	  "-chardev spicevmc,name=usbredir,id=usbrc1 -device usb-redir,chardev=usbrc1,id=usbrc1 "
	  "-chardev spicevmc,name=usbredir,id=usbrc2 -device usb-redir,chardev=usbrc2,id=usbrc2 "
	  NO_NET MACHINE "-m 56" },
	{ "vga='stdvga'", VNC "-device VGA,vgamem_mb=16 " BOOT NO_NET MACHINE "-m 48" },
	{ "vga='stdvga'\nvideoram=32", VNC "-device VGA,vgamem_mb=32 " BOOT NO_NET MACHINE "-m 32" },
	{ "vga='none'", VNC BOOT NO_NET MACHINE "-m 64" },
	{ "vga='qxl'\nmemory=256",
	  VNC "-device qxl-vga,vram_size_mb=64,ram_size_mb=64 " BOOT NO_NET MACHINE "-m 128" },
	{ "boot='dn'", VNC CIRRUS "-boot order=dn " NO_NET MACHINE "-m 56" },
	{ "usb=1\nusbdevice='tablet'",
	  VNC CIRRUS BOOT "-usb -usbdevice tablet " NO_NET MACHINE "-m 56" },
	{ "usbdevice=['tablet','host:1.2']",
	  VNC CIRRUS BOOT "-usb -usbdevice tablet -usbdevice host:1.2 " NO_NET MACHINE "-m 56" },
	{ "usbversion=1", VNC CIRRUS BOOT "-device piix3-usb-uhci,id=usb " NO_NET MACHINE "-m 56" },
	{ "usbversion=3", VNC CIRRUS BOOT "-device nec-usb-xhci,id=usb " NO_NET MACHINE "-m 56" },
	{ "soundhw='hda'", VNC CIRRUS BOOT "-device intel-hda -device hda-duplex " NO_NET MACHINE
	  "-m 56" },
	{ "soundhw='es1370'", VNC CIRRUS BOOT "-device es1370 " NO_NET MACHINE "-m 56" },
	{ "acpi=0\nvcpus=2\nmaxvcpus=3",
	  VNC CIRRUS BOOT "-no-acpi -smp 2,maxcpus=3 " NO_NET MACHINE "-m 56" },
	{ "xen_platform_pci=0\nmaxmem=128",
	  VNC CIRRUS BOOT NO_NET "-machine pc,accel=xen,suppress-vmdesc=on -m 120" },
	{ "mmio_hole=1024", VNC CIRRUS BOOT NO_NET
	  "-machine xenfv,suppress-vmdesc=on,max-ram-below-4g=3221225472 -m 56" },
	{ "device_model_args=['-a']\ndevice_model_args_pv=['-p']\ndevice_model_args_hvm=['-h']",
	  VNC CIRRUS BOOT NO_NET "-a " MACHINE "-h -m 56" },
	{ "disk=['/a,raw,sda,w']\nhdtype='ahci'\nvendor_device='xenserver'",
	  VNC "-device lsi53c895a " CIRRUS BOOT NO_NET MACHINE
	  "-m 56 -device ahci,id=ahci0 -device xen-pvdevice,device-id=0xc000" },
	{ "disk=['/a,raw,sda,cdrom']", VNC CIRRUS BOOT NO_NET MACHINE "-m 56" },
};

static void test_commands(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
		scoped(free) char *want = str_format(FRONT STAT "%s", commands[i].want);
		scoped(free) char *got = NULL;
		struct err err = ERR_INIT;
		int rc = read_config(commands[i].cfg, &config, &err);
		struct devices set = { .domid = 7, .type = DOMAIN_HVM, .name = config.name,
				       .config = &config };

		if (!ok(rc == 0, "'%s': read: %s", commands[i].cfg, err.msg))
			continue;
		is_int(qemu_hvm_check(&config, &err), 0, "'%s': allowed", commands[i].cfg);
		got = words_of(&set, NULL);
		is_str(got, want, "'%s'", commands[i].cfg);
	}
}

static const struct { const char *cfg, *message; } refused[] = {
	{ "gfx_passthru=1", "gfx_passthru is not supported" },
	{ "gfx_passthru='igd'", "gfx_passthru is not supported" },
	{ "boot='ce'", "boot=\"ce\": 'e' is none of c (disk), d (cdrom), n (network) and a "
	  "(floppy)" },
	{ "boot='cdc'", "boot=\"cdc\" has 'c' twice" },
	{ "boot='cdna'", "boot=\"cdna\": 3 devices are the most" },
	{ "usbversion=4", "usbversion=4: only 1, 2 and 3 are known" },
	{ "usbversion=2\nusb=1", "usbversion cannot be used with usb and usbdevice" },
	{ "spice=1\nspiceport=1\nspicedisable_ticketing=1\nspiceusbredirection=1\nusbdevice='tablet'",
	  "spiceusbredirection cannot be used with usb and usbdevice" },
	{ "spice=1\nspiceport=1\nspicedisable_ticketing=1\nspiceusbredirection=5",
	  "spiceusbredirection=5: 4 devices are the most" },
	{ "spice=1", "spice=1 needs spiceport or spicetls_port" },
	{ "spice=1\nspiceport=1",
	  "spice=1 needs spicepasswd, or spicedisable_ticketing=1 for none" },
	{ "soundhw='tuba'", "unknown soundhw 'tuba', valid are ac97, adlib, cs4231a, es1370, gus, "
	  "hda, sb16" },
};

static void test_refused(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
		struct err err = ERR_INIT;

		if (!ok(read_config(refused[i].cfg, &config, &err) == 0, "'%s': read: %s",
			refused[i].cfg, err.msg))
			continue;
		ok(qemu_hvm_check(&config, &err) < 0, "'%s' is refused", refused[i].cfg);
		is_str(err.msg, refused[i].message, "its message");
	}
}

static void test_jail(void)
{
	struct qemu_jail own = { .restricted = true, .kill_uid = 65543, .runas = "65543:65536" };
	struct qemu_jail user = { .kill_uid = 5, .runas = "qemu" };
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	scoped(free) char *restricted = NULL, *as_user = NULL;
	struct err err = ERR_INIT;
	struct devices set = { .domid = 7, .type = DOMAIN_HVM };

	if (!ok(read_config("device_model_args=['-a']\nvendor_device='xenserver'", &config, &err)
		== 0, "read: %s", err.msg))
		return;
	set.config = &config;
	set.name = config.name;
	restricted = words_of(&set, &own);
	is_str(restricted, FRONT_FD STAT VNC CIRRUS BOOT NO_NET
	       "-xen-domid-restrict -chroot /var/run/xen/qemu-root-7 -a " MACHINE
	       "-m 56 -device xen-pvdevice,device-id=0xc000 -runas 65543:65536", "dm_restrict=1");
	as_user = words_of(&set, &user);
	is_str(as_user, FRONT STAT VNC CIRRUS BOOT NO_NET "-a " MACHINE
	       "-m 56 -device xen-pvdevice,device-id=0xc000 -runas qemu", "device_model_user");
	is_int(qemu_jail_plan(&config, 7, &own, &err), 0, "none of these");
	ok(!own.restricted && !own.kill_uid && !*own.runas, "is root");
	config.device_model_user = strdup("root");
	is_int(qemu_jail_plan(&config, 7, &own, &err), -EINVAL, "device_model_user='root'");
	is_str(err.msg, "user 'root' is root, who is not restricted", "its message");
	free(config.device_model_user);
	config.device_model_user = strdup("nosuch-user");
	is_int(qemu_jail_plan(&config, 7, &own, &err), -ENOENT, "a user that is not there");
	is_str(err.msg, "device_model_user 'nosuch-user' is not in /etc/passwd", "its message");
	free(config.device_model_user);
	config.device_model_user = strdup("daemon");
	is_int(qemu_jail_plan(&config, 7, &own, &err), 0, "a user");
	is_str(own.runas, "daemon", "its name");
	is_int(own.kill_uid, 1, "its number");
}

static void test_nic(void)
{
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	scoped(free) char *got = NULL;
	struct err err = ERR_INIT;
	struct device dev = { .kind = &device_nic };
	struct devices set = { .domid = 7, .type = DOMAIN_HVM, .items = &dev, .nr = 1 };

	if (!ok(read_config("vif=['mac=00:16:3e:00:00:01,type=vif']", &config, &err) == 0,
		"read: %s", err.msg))
		return;
	dev.item = &config.nics[0];
	set.config = &config;
	set.name = config.name;
	got = words_of(&set, NULL);
	is_str(got, FRONT STAT VNC CIRRUS BOOT NO_NET MACHINE "-m 56", "a vif that is none of QEMU's");
}

static void test_serial(void)
{
	static const struct { const char *json, *pty; unsigned int port; } cases[] = {
		{ "{\"label\":\"serial0\",\"filename\":\"pty:/dev/pts/3\"}", "/dev/pts/3", 0 },
		{ "{\"label\":\"serial12\",\"filename\":\"pty:/dev/pts/4\"}", "/dev/pts/4", 12 },
		{ "{\"label\":\"serial0\",\"filename\":\"file\"}", NULL, 0 },
		{ "{\"label\":\"serial\",\"filename\":\"pty:/x\"}", NULL, 0 },
		{ "{\"label\":\"serial1x\",\"filename\":\"pty:/x\"}", NULL, 0 },
		{ "{\"label\":\"libxl-cmd\",\"filename\":\"pty:/x\"}", NULL, 0 },
		{ "{\"label\":5,\"filename\":\"pty:/x\"}", NULL, 0 },
		{ "[]", NULL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *json = json_loads(cases[i].json, 0, NULL);
		unsigned int port = 0;

		is_str(serial_pty(json, &port), cases[i].pty, "%s", cases[i].json);
		is_int(port, cases[i].port, "its port");
		json_decref(json);
	}
}

int main(void)
{
	test_commands();
	test_refused();
	test_jail();
	test_nic();
	test_serial();
	return tap_done();
}
