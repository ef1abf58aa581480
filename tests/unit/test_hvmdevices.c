/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks and network cards that QEMU shows an HVM guest: its arguments, and what is refused. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "config/disk.h"
#include "config/nic.h"
#include "devices/diskplan.h"
#include "devices/kind.h"
#include "devices/qemu.h"
#include "tests/unit/tap.h"
#include "xen/nodes.h"
#include "xen/xen.h"

enum { ITEMS_MAX = 5, IDE = 1, AHCI = 2 };

static char folder[] = "/tmp/xlite-hvm,dev.XXXXXX";

/* "@" in a spec is the folder of this test's files, in an argument that with its comma doubled. */
static char *expand(const char *text, const char *at)
{
	scoped(strbuf) struct strbuf b = STRBUF_INIT;
	struct err err;
	char *out = NULL;

	for (; *text; text++) {
		if (*text == '@')
			strbuf_printf(&b, "%s", at);
		else
			strbuf_add(&b, text, 1);
	}
	return strbuf_finish(&b, &out, &err) == 0 ? out : NULL;
}

static char *doubled(void)
{
	const char *comma = strchr(folder, ',');

	return str_format("%.*s,%s", (int)(comma - folder), folder, comma);
}

static int find_domain(struct xen *xen, const char *word, uint32_t *domid, struct err *err)
{
	(void)xen;
	(void)err;
	*domid = strcmp(word, "storage") == 0 ? 9 : 0;
	return 0;
}

struct host {
	struct domain_config config;
	struct disk disks[ITEMS_MAX];
	struct nic nics[ITEMS_MAX];
	struct xen xen;
	struct devices set;
};

static void release(struct host *host)
{
	scoped_devices(&host->set);
	for (size_t i = 0; i < ITEMS_MAX; i++) {
		disk_free(&host->disks[i]);
		nic_free(&host->nics[i]);
	}
}

/* The disks one after the other, each with its place in the set. */
static int prepare_disks(struct host *host, int hdtype, const char *const *specs, struct err *err)
{
	int rc = 0;

	memset(host, 0, sizeof(*host));
	host->xen = (struct xen)XEN_INIT;
	host->config.type = DOMAIN_HVM;
	host->config.hvm.hdtype = hdtype;
	host->set = (struct devices){ .xen = &host->xen, .find_domain = find_domain, .domid = 7,
				      .type = DOMAIN_HVM, .config = &host->config };
	host->set.items = calloc(ITEMS_MAX, sizeof(*host->set.items));
	for (size_t i = 0; rc == 0 && i < ITEMS_MAX && specs[i]; i++) {
		scoped(free) char *spec = expand(specs[i], folder);
		struct device *dev = &host->set.items[host->set.nr++];

		*dev = (struct device){ .kind = &device_disk, .item = &host->disks[i] };
		/* A target with a comma in it is one that is named as such, at the end. */
		rc = disk_parse(spec, NULL, &host->disks[i], err);
		if (rc == 0)
			rc = device_disk.prepare(&host->set, dev, (unsigned int)i, err);
	}
	return rc;
}

static char *args_of(const struct devices *set, const struct device_kind *kind)
{
	scoped(qemu_args) struct qemu_args args = QEMU_ARGS_INIT;
	scoped(strbuf) struct strbuf text = STRBUF_INIT;
	struct err err;
	char *all = NULL;

	(void)qemu_device_args(set, kind, &args);
	for (size_t i = 0; i < args.nr; i++)
		strbuf_printf(&text, "%s%s", i ? " " : "", args.words[i]);
	return !args.failed && strbuf_finish(&text, &all, &err) == 0 ? all : NULL;
}

#define DISK(more, name) more "vdev=" name ",target=@/image"
#define FILE_ARG "-drive file=@/image"

static const struct {
	int hdtype;
	const char *specs[ITEMS_MAX], *args;
} shown[] = {
	/* Names mean places: hda and xvda the same. */
	{ IDE, { DISK("", "hda") },
	  FILE_ARG ",if=ide,index=0,media=disk,format=raw,cache=writeback" },
	{ IDE, { DISK("", "xvdd1") },
	  FILE_ARG ",if=ide,index=3,media=disk,format=raw,cache=writeback" },
	{ IDE, { DISK("", "d1p0") },
	  FILE_ARG ",if=ide,index=1,media=disk,format=raw,cache=writeback" },
	{ IDE, { DISK("", "xvde") }, "" },
	{ IDE, { DISK("", "51712") }, "" },
	{ IDE, { DISK("format=qcow2,", "hdb") },
	  FILE_ARG ",if=ide,index=1,media=disk,format=qcow2,cache=writeback" },
	{ IDE, { DISK("format=vhd,", "hdb") },
	  FILE_ARG ",if=ide,index=1,media=disk,format=vpc,cache=writeback" },
	{ IDE, { "format=qcow2,vdev=hda,target=nbd://host:1/x" },
	  "-drive file=nbd://host:1/x,if=ide,index=0,media=disk,format=qcow2,cache=writeback" },
	{ IDE, { "backend=storage,vdev=hda,target=vg/lv" }, "" },
	/* AHCI has six, cdroms stay on IDE. */
	{ AHCI, { DISK("", "xvdf") }, FILE_ARG ",if=none,id=ahcidisk-5,format=raw,cache=writeback "
	  "-device ide-hd,bus=ahci0.5,unit=0,drive=ahcidisk-5" },
	{ AHCI, { DISK("", "xvda"), ",,hdb,cdrom" },
	  FILE_ARG ",if=none,id=ahcidisk-0,format=raw,cache=writeback "
	  "-device ide-hd,bus=ahci0.0,unit=0,drive=ahcidisk-0 "
	  "-drive if=none,readonly=on,id=ide-832 "
	  "-device ide-cd,id=ide-832,drive=ide-832,bus=ide.0,unit=1" },
	{ AHCI, { DISK("", "xvdg") }, "" },
	/* SCSI whatever hdtype says; it can be read-only. */
	{ AHCI, { DISK("", "sda") }, FILE_ARG ",id=scsi0-hd0,format=raw,if=none,readonly=off,"
	  "cache=writeback -device scsi-hd,drive=scsi0-hd0,scsi-id=0" },
	{ IDE, { DISK("access=r,", "sdh") }, FILE_ARG ",id=scsi0-hd7,format=raw,if=none,readonly=on,"
	  "cache=writeback -device scsi-hd,drive=scsi0-hd7,scsi-id=7" },
	/* Drives. */
	{ IDE, { DISK("cdrom,", "hdc") }, "-drive if=none,readonly=on,id=ide-5632,file=@/image,"
	  "format=raw -device ide-cd,id=ide-5632,drive=ide-5632,bus=ide.1,unit=0" },
	{ IDE, { ",,hdd,cdrom" }, "-drive if=none,readonly=on,id=ide-5696 "
	  "-device ide-cd,id=ide-5696,drive=ide-5696,bus=ide.1,unit=1" },
	{ IDE, { DISK("access=r,", "fda"), "vdev=fdb,target=@/other" },
	  FILE_ARG ",if=floppy,index=0,format=raw,readonly=on "
	  "-drive file=@/other,if=floppy,index=1,format=raw,readonly=off" },
};

static void check_shown(void)
{
	scoped(free) char *at = doubled();

	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		scoped(free) char *want = NULL, *got = NULL;
		struct err err = ERR_INIT;
		struct host host;
		int rc = prepare_disks(&host, shown[i].hdtype, shown[i].specs, &err);

		if (!is_int(rc, 0, "%s: taken", shown[i].specs[0]))
			printf("# %s\n", err.msg);
		want = expand(shown[i].args, at);
		got = args_of(&host.set, &device_disk);
		is_str(got, want, "%s: arguments", shown[i].specs[0]);
		release(&host);
	}
}

static const struct {
	int hdtype;
	const char *specs[ITEMS_MAX], *message;
} refused[] = {
	{ IDE, { DISK("access=r,", "hda") }, "disk 'hda': an emulated IDE disk cannot be read-only: give "
	  "access w, a cdrom, or a name that is not emulated there (sda, xvde)" },
	{ AHCI, { DISK("access=r,", "xvdb") }, "disk 'xvdb': an emulated AHCI disk cannot be read-only: "
	  "give access w, a cdrom, or a name that is not emulated there (sdb, xvdh)" },
	{ IDE, { DISK("", "sdi") }, "disk 'sdi': the emulated SCSI controller takes 8 disks, sda to sdh: "
	  "name it xvdi to have it through PV drivers alone" },
	{ IDE, { DISK("", "hda"), "vdev=xvda,target=@/other" },
	  "disk 'xvda': disk 'hda' is IDE disk number 1 already" },
	{ IDE, { DISK("", "hdb1"), "vdev=hdb2,target=@/other" },
	  "disk 'hdb2': disk 'hdb1' is IDE disk number 2 already" },
	{ IDE, { DISK("", "hdc"), ",,xvdc,cdrom" },
	  "disk 'xvdc': disk 'hdc' is IDE disk number 3 already" },
	{ IDE, { ",,fda,cdrom" }, "disk 'fda': a floppy drive is no cdrom" },
	{ IDE, { DISK("format=qcow2,", "fda") },
	  "disk 'fda': a floppy's image is raw, not qcow2" },
	{ IDE, { "backend=storage,vdev=fda,target=x" },
	  "disk 'fda': a floppy drive has neither a script nor a backend domain" },
	{ IDE, { DISK("cdrom,backendtype=phy,", "hdc") }, "disk 'hdc': a cdrom of an HVM guest cannot "
	  "have backendtype phy: leave it out" },
};

static void check_refused(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct err err = ERR_INIT;
		struct host host;

		ok(prepare_disks(&host, refused[i].hdtype, refused[i].specs, &err) < 0,
		   "refused: %zu", i);
		is_str(err.msg, refused[i].message, "message %zu", i);
		release(&host);
	}
}

/* A floppy stands in QEMU's arguments and nowhere else; its image is nobody else's meanwhile. */
static void check_floppy(void)
{
	static const char *const specs[ITEMS_MAX] = { DISK("", "fda"), "vdev=fdb,target=@/image" };
	static const char *const one[ITEMS_MAX] = { DISK("backendtype=qdisk,", "fda") };
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	struct err err = ERR_INIT;
	struct host host;

	ok(prepare_disks(&host, IDE, specs, &err) < 0, "one image in two drives is refused");
	release(&host);
	is_int(prepare_disks(&host, IDE, one, &err), 0, "a floppy");
	devices_nodes(&host.set, &nodes);
	devices_stale(&host.set, 7, &nodes);
	is_int((long long)nodes.nr, 0, "has no nodes");
	ok(!host.set.items[0].needs_qemu, "and no backend that QEMU would have");
	release(&host);
	is_int(prepare_disks(&host, IDE, one, &err), 0, "again");
	disk_free_plan(&host.set.items[0]);
	host.set.type = DOMAIN_PV;
	ok(device_disk.prepare(&host.set, &host.set.items[0], 0, &err) < 0, "not for a PV guest");
	release(&host);
}

/* Added to a running guest, a disk is a PV disk whatever its name. */
static void check_live(void)
{
	scoped(free) char *spec = expand(DISK("", "hda"), folder);
	struct device items[1] = { { .kind = &device_disk } };
	struct devices set = { .find_domain = find_domain, .type = DOMAIN_HVM, .live = true,
			       .items = items, .nr = 1 };
	scoped(disk) struct disk disk = DISK_INIT;
	struct xen xen = XEN_INIT;
	struct err err = ERR_INIT;

	set.xen = &xen;
	items[0].item = &disk;
	is_int(disk_parse(spec, NULL, &disk, &err), 0, "hda");
	is_int(device_disk.prepare(&set, &items[0], 0, &err), 0, "for a running guest");
	ok(!items[0].emulated, "is not emulated");
	disk_free_plan(&items[0]);
}

static const struct {
	const char *spec, *args;	/* args NULL: refused, with message */
	const char *message;
} nics[] = {
	{ "backend=storage,mac=00:16:3e:00:00:01", "-device rtl8139,id=nic0,netdev=net0,"
	  "mac=00:16:3e:00:00:01 -netdev type=tap,id=net0,ifname=vif7.0-emu,br=xenbr0,script=no,"
	  "downscript=no", NULL },
	{ "backend=storage,mac=00:16:3e:00:00:01,model=e1000,bridge=br1,devid=3,vifname=foo",
	  "-device e1000,id=nic3,netdev=net3,mac=00:16:3e:00:00:01 -netdev type=tap,id=net3,"
	  "ifname=vif7.3-emu,br=br1,script=no,downscript=no", NULL },
	{ "backend=storage,type=vif,model=e1000", "", NULL },
	{ "backend=storage,vifname=twelve-chars", NULL, "vif 0: vifname=twelve-chars: the link of the "
	  "emulated card is called twelve-chars-emu, which is longer than 15 characters" },
	{ "backend=storage,vifname=twelve-chars,type=vif", "", NULL },
	{ "backend=storage,colo_checkpoint_port=5", NULL,
	  "vif 0: COLO (colo_checkpoint_port) is not supported" },
};

static void check_nics(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(nics); i++) {
		scoped(free) char *got = NULL;
		struct err err = ERR_INIT;
		struct host host = { .config = { .type = DOMAIN_HVM, .nr_nics = 1 } };
		int rc = nic_parse(nics[i].spec, NULL, &host.nics[0], &err);

		host.config.nics = host.nics;
		host.config.hvm.vkb_device = TRI_FALSE;
		host.set.find_domain = find_domain;
		if (rc == 0)
			rc = devices_prepare(&host.set, NULL, &host.config, &err);
		/* Without the QEMU that this machine may not have. */
		if (rc == -ENOENT)
			rc = 0;
		is_int(rc < 0, !nics[i].args, "%s: taken", nics[i].spec);
		host.set.domid = 7;
		if (nics[i].args) {
			got = args_of(&host.set, &device_nic);
			is_str(got, nics[i].args, "%s: arguments", nics[i].spec);
		} else {
			is_str(err.msg, nics[i].message, "%s: message", nics[i].spec);
		}
		release(&host);
	}
}

static void check_keyboard(void)
{
	struct domain_config config = { .type = DOMAIN_HVM };

	for (int given = TRI_DEFAULT; given <= TRI_TRUE; given++) {
		struct devices set = DEVICES_INIT;
		struct err err = ERR_INIT;
		int rc;

		config.hvm.vkb_device = (enum tri)given;
		rc = devices_prepare(&set, NULL, &config, &err);
		ok(rc == 0 || rc == -ENOENT, "prepared");
		is_int((long long)set.nr, given != TRI_FALSE, "vkb_device=%d: a keyboard", given);
		if (set.nr)
			is_str(set.items[0].backend_kind, "vkbd", "which is QEMU's");
		scoped_devices(&set);
	}
}

/* What QEMU does to an image: its locks say so. */
static void check_qemu(void)
{
	static const struct {
		off_t byte;
		const char *spec;
		bool taken;
	} cases[] = {
		{ 100, DISK("access=r,", "xvde"), true },
		{ 101, DISK("access=r,", "xvde"), false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *specs[ITEMS_MAX] = { cases[i].spec };
		struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET,
				      .l_start = cases[i].byte, .l_len = 1 };
		scoped(free) char *path = expand("@/image", folder);
		scoped(free) char *want = str_format("disk 'xvde': '%s' is in use by a QEMU", path);
		scoped(fd) int fd = open(path, O_RDWR | O_CLOEXEC);
		struct err err = ERR_INIT;
		struct host host;

		is_int(fcntl(fd, F_OFD_SETLK, &lock), 0, "a lock as QEMU's");
		is_int(prepare_disks(&host, IDE, specs, &err) == 0, cases[i].taken,
		       "%s while byte %d is locked", cases[i].spec, (int)cases[i].byte);
		if (!cases[i].taken)
			is_str(err.msg, want, "message");
		release(&host);
	}
}

static void make(const char *name)
{
	scoped(free) char *path = str_format("%s/%s", folder, name);
	scoped(fd) int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, 4096) < 0)
		ok(false, "made %s", path);
}

int main(void)
{
	scoped(free) char *clean = NULL;

	log_level = LOG_QUIET;
	if (!mkdtemp(folder))
		return 1;
	make("image");
	make("other");
	check_shown();
	check_refused();
	check_floppy();
	check_live();
	check_nics();
	check_keyboard();
	check_qemu();
	clean = str_format("rm -r '%s'", folder);
	return system(clean) ? 1 : tap_done();
}
