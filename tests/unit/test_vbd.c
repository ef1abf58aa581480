/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks as devices: what is chosen and refused, the nodes, headers, mounts. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/str.h"
#include "config/disk.h"
#include "devices/diskuse.h"
#include "devices/imagehead.h"
#include "devices/kind.h"
#include "tests/unit/tap.h"
#include "xen/nodes.h"
#include "xen/xen.h"

static char folder[] = "/tmp/xlite-vbd.XXXXXX";

#define AT_START(text) text, sizeof(text) - 1, NULL, 0
#define AT_END(text) NULL, 0, text, sizeof(text) - 1

static void check_heads(void)
{
	static const char sector[IMAGEHEAD_SECTOR];
	char vdi[IMAGEHEAD_SECTOR] = "<<< QEMU VM Virtual Disk Image >>>\n";

	memcpy(vdi + 64, "\x7f\x10\xda\xbe", 4);
	is_str(imagehead_format(AT_START("QFI\xfb\0\0\0\3....")), "qcow2", "qcow2");
	is_str(imagehead_format(AT_START("QFI\xfb\0\0\0\1....")), "qcow", "qcow");
	is_str(imagehead_format(AT_START("QED\0")), "qed", "qed");
	is_str(imagehead_format(AT_START("conectix")), "vhd", "vhd");
	is_str(imagehead_format(AT_END("conectix")), "vhd", "vhd at the end");
	is_str(imagehead_format(AT_START("KDMV")), "vmdk", "vmdk");
	is_str(imagehead_format(AT_START("# Disk DescriptorFile\nversion=1")), "vmdk",
	       "vmdk's description");
	is_str(imagehead_format(AT_START("vhdxfile")), "vhdx", "vhdx");
	is_str(imagehead_format(vdi, sizeof(vdi), sector, sizeof(sector)), "vdi", "vdi");
	is_str(imagehead_format(sector, sizeof(sector), sector, sizeof(sector)), NULL, "zeroes");
	is_str(imagehead_format(AT_START("QFI")), NULL, "too short");
	is_str(imagehead_format(AT_END("QFI\xfb")), NULL, "qcow2's at the end means nothing");
	is_str(imagehead_format(NULL, 0, NULL, 0), NULL, "nothing at all");
}

static const struct {
	const char *line;
	unsigned int major, minor;	/* 0, 0: refused */
	bool readonly;
	const char *source, *where;
} mounts[] = {
	{ "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n", 98, 0,
	  false, "/dev/root", "/mnt2" },
	{ "36 35 8:17 / /a\\040b ro - ext4 /dev/sd\\134b1 ro,x\n", 8, 17, true, "/dev/sd\\b1",
	  "/a b" },
	{ "36 35 7:0 / /x ro,relatime shared:1 master:2 - iso9660 /dev/loop0 ro\n", 7, 0, true,
	  "/dev/loop0", "/x" },
	{ "36 35 7:0 / /x ro - ext4 /dev/loop0 rw\n", 7, 0, false, "/dev/loop0", "/x" },
	{ "36 35 7:0 / /x ro - ext4 /dev/loop0 root\n", 7, 0, false, "/dev/loop0", "/x" },
	{ "36 35 7:0 / /x ro\n", 0, 0, false, NULL, NULL },
	{ "36 35 7:0 / /x ro - ext4\n", 0, 0, false, NULL, NULL },
	{ "36 35 x / /x ro - ext4 y rw\n", 0, 0, false, NULL, NULL },
	{ "", 0, 0, false, NULL, NULL },
};

static void check_mounts(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		struct diskuse_mount mount;
		bool good = diskuse_parse_mount(mounts[i].line, &mount);

		is_int(good, mounts[i].source != NULL, "mount %zu: parsed", i);
		if (!good || !mounts[i].source)
			continue;
		is_int((long long)mount.dev, (long long)makedev(mounts[i].major, mounts[i].minor),
		       "mount %zu: device", i);
		is_int(mount.readonly, mounts[i].readonly, "mount %zu: readonly", i);
		is_str(mount.source, mounts[i].source, "mount %zu: source", i);
		is_str(mount.where, mounts[i].where, "mount %zu: place", i);
	}
}

/* "@" in specs and texts is the folder of this test's files. */
static char *expand(const char *text)
{
	scoped(strbuf) struct strbuf b = STRBUF_INIT;
	struct err err;
	char *out = NULL;

	for (; *text; text++) {
		if (*text == '@')
			strbuf_printf(&b, "%s", folder);
		else
			strbuf_add(&b, text, 1);
	}
	return strbuf_finish(&b, &out, &err) == 0 ? out : NULL;
}

static int no_domain(struct xen *xen, const char *word, uint32_t *domid, struct err *err)
{
	(void)xen;
	if (strcmp(word, "storage") != 0)
		return fail(err, ENOENT, "there is no domain '%s'", word);
	*domid = 9;
	return 0;
}

static const struct {
	const char *spec, *message;
} refused[] = {
	{ "@/absent,raw,xvda", "disk 'xvda': cannot find '@/absent': No such file or directory" },
	{ "@,raw,xvda", "disk 'xvda': '@' is a directory, neither an image nor a block device" },
	{ "@/fifo,raw,xvda", "disk 'xvda': '@/fifo' is a FIFO, neither an image nor a block device" },
	{ "/dev/null,raw,xvda", "disk 'xvda': '/dev/null' is a character device, neither an image "
	  "nor a block device" },
	{ "@/empty,raw,xvda", "disk 'xvda': '@/empty' is empty" },
	{ "@/short,raw,xvda", "disk 'xvda': '@/short' is shorter than a sector" },
	{ "@/protected,raw,xvda,w", "disk 'xvda': '@/protected' is write-protected (mode 444): say "
	  "access r, or change its mode" },
	{ "phy:no/such,xvda", "disk 'xvda': cannot find '/dev/no/such': No such file or directory" },
	{ "@/image,qcow2,xvda,backendtype=phy", "disk 'xvda': backendtype phy serves raw disks, not "
	  "format qcow2: leave it out, or say qdisk" },
	{ "@/image,raw,xvda,backendtype=tap", "disk 'xvda': backendtype tap (blktap) is not "
	  "supported, nor is it by xl: use phy or qdisk" },
	{ "@/image,raw,xvda,specification=virtio", "disk 'xvda': virtio disks (specification virtio, "
	  "backendtype standalone) are not supported" },
	{ "@/image,raw,xvda,backendtype=standalone", "disk 'xvda': virtio disks (specification "
	  "virtio, backendtype standalone) are not supported" },
	{ "@/image,raw,xvda,colo", "disk 'xvda': COLO is not supported" },
	{ "@/image,qcow2,xvda,script=block-x", "disk 'xvda': script 'block-x' cannot be used with "
	  "QEMU (qcow2)" },
	{ "@/image,raw,xvda,backendtype=qdisk,script=/x", "disk 'xvda': script '/x' cannot be used "
	  "with QEMU (backendtype qdisk)" },
	{ "@/absent,qcow2,xvda", "disk 'xvda': cannot find '@/absent': No such file or directory" },
	{ "script=@/image,vdev=xvda,target=x", "disk 'xvda': hotplug script '@/image': Permission "
	  "denied" },
	{ "@/image,raw,xvda,backend=nobody", "disk 'xvda': backend domain: there is no domain "
	  "'nobody'" },
};

static int prepare(struct devices *set, struct disk *disk, struct err *err)
{
	struct device *dev = &set->items[set->nr++];

	*dev = (struct device){ .kind = &device_disk, .item = disk };
	return device_disk.prepare(set, dev, 0, err);
}

static void start(struct devices *set, struct xen *xen)
{
	*set = (struct devices){ .xen = xen, .find_domain = no_domain, .domid = 7,
				 .type = DOMAIN_PV };
	set->items = calloc(4, sizeof(*set->items));
}

static void check_refused(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		scoped(free) char *spec = expand(refused[i].spec);
		scoped(free) char *message = expand(refused[i].message);
		scoped(devices) struct devices set;
		scoped(disk) struct disk disk = DISK_INIT;
		struct xen xen = XEN_INIT;
		struct err err = ERR_INIT;

		start(&set, &xen);
		is_int(disk_parse(spec, NULL, &disk, &err), 0, "%s is parsed", refused[i].spec);
		is_int(prepare(&set, &disk, &err) < 0, 1, "%s is refused", refused[i].spec);
		is_str(err.msg, message, "%s: message", refused[i].spec);
	}
}

/* Only what the kind adds, in the backend and in front. */
static const struct {
	const char *spec, *backend, *nodes;
	bool needs_qemu;
} accepted[] = {
	{ "@/image,qcow2,xvda", "qdisk", "b:params=qcow2:@/image b:removable=0 b:bootable=1 "
	  "b:dev=xvda b:type=qdisk b:mode=w b:device-type=disk b:discard-enable=1 "
	  "b:specification=xen f:virtual-device=51712 f:device-type=disk f:trusted=1 "
	  "f:protocol=x86_64-abi ", true },
	{ "@/protected,raw,hdc,r,cdrom,backendtype=qdisk,discard,untrusted,direct-io-safe", "qdisk",
	  "b:params=aio:@/protected b:removable=1 b:bootable=1 b:dev=hdc b:type=qdisk b:mode=r "
	  "b:device-type=cdrom b:direct-io-safe=1 b:discard-enable=1 b:specification=xen "
	  "f:virtual-device=5632 f:device-type=cdrom f:trusted=0 f:protocol=x86_64-abi ", true },
	{ ",,hdc,cdrom", "qdisk", "b:params=aio: b:removable=1 b:bootable=1 b:dev=hdc b:type=qdisk "
	  "b:mode=r b:device-type=cdrom b:discard-enable=0 b:specification=xen "
	  "f:virtual-device=5632 f:device-type=cdrom f:trusted=1 f:protocol=x86_64-abi ", true },
	{ "backendtype=qdisk,vdev=xvda,target=nbd://host:1/x", "qdisk",
	  "b:params=aio:nbd://host:1/x b:removable=0 b:bootable=1 b:dev=xvda b:type=qdisk b:mode=w "
	  "b:device-type=disk b:discard-enable=1 b:specification=xen f:virtual-device=51712 "
	  "f:device-type=disk f:trusted=1 f:protocol=x86_64-abi ", true },
	{ "backend=storage,vdev=xvdaa,access=r,target=vg/lv", "vbd",
	  "b:params=vg/lv b:script=/etc/xen/scripts/block b:removable=0 b:bootable=1 b:dev=xvdaa "
	  "b:type=phy b:mode=r b:device-type=disk b:discard-enable=0 b:specification=xen "
	  "f:virtual-device=268442112 f:device-type=disk f:trusted=1 f:protocol=x86_64-abi ", false },
	{ "script=@/script,vdev=xvda,target=iqn=a,b", "vbd",
	  "b:params=iqn=a,b b:script=@/script b:removable=0 b:bootable=1 b:dev=xvda b:type=phy "
	  "b:mode=w b:device-type=disk b:discard-enable=1 b:specification=xen "
	  "f:virtual-device=51712 f:device-type=disk f:trusted=1 f:protocol=x86_64-abi ", false },
	{ "script=@/script,vdev=xvda,access=w!,target=x", "vbd",
	  "b:params=x b:script=@/script b:removable=0 b:bootable=1 b:dev=xvda b:type=phy "
	  "b:mode=w! b:device-type=disk b:discard-enable=1 b:specification=xen "
	  "f:virtual-device=51712 f:device-type=disk f:trusted=1 f:protocol=x86_64-abi ", false },
};

static char *nodes_text(const struct devices *set, const struct device *dev)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	struct device_keys keys = { &nodes, "f", "b", "c" };
	scoped(strbuf) struct strbuf b = STRBUF_INIT;
	struct err err;
	char *out = NULL;

	device_disk.keys(set, dev, &keys);
	for (size_t i = 0; i < nodes.nr; i++) {
		if (nodes.items[i].path[0] != 'c')
			strbuf_printf(&b, "%c:%s=%s ", nodes.items[i].path[0],
				      nodes.items[i].path + 2, nodes.items[i].value);
	}
	return strbuf_finish(&b, &out, &err) == 0 ? out : NULL;
}

static void check_accepted(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(accepted); i++) {
		scoped(free) char *spec = expand(accepted[i].spec);
		scoped(free) char *want = expand(accepted[i].nodes), *got = NULL;
		scoped(devices) struct devices set;
		scoped(disk) struct disk disk = DISK_INIT;
		struct xen xen = XEN_INIT;
		struct err err = ERR_INIT;
		int rc;

		start(&set, &xen);
		rc = disk_parse(spec, NULL, &disk, &err);
		if (rc == 0)
			rc = prepare(&set, &disk, &err);
		if (!is_int(rc, 0, "%s is accepted", accepted[i].spec)) {
			printf("#   %s\n", err.msg);
			continue;
		}
		is_str(set.items[0].backend_kind, accepted[i].backend, "%s: backend",
		       accepted[i].spec);
		is_int(set.items[0].needs_qemu, accepted[i].needs_qemu, "%s: QEMU",
		       accepted[i].spec);
		got = nodes_text(&set, &set.items[0]);
		is_str(got, want, "%s: nodes", accepted[i].spec);
	}
}

/* Two of one config; a relative name. */
static void check_twins(const char *first, const char *second, const char *message)
{
	scoped(free) char *spec1 = expand(first), *spec2 = expand(second);
	scoped(free) char *want = expand(message);
	scoped(devices) struct devices set;
	scoped(disk) struct disk a = DISK_INIT, b = DISK_INIT;
	struct xen xen = XEN_INIT;
	struct err err = ERR_INIT;

	start(&set, &xen);
	is_int(disk_parse(spec1, NULL, &a, &err), 0, "%s", first);
	is_int(disk_parse(spec2, NULL, &b, &err), 0, "%s", second);
	is_int(prepare(&set, &a, &err), 0, "%s goes", first);
	err = (struct err)ERR_INIT;
	is_int(prepare(&set, &b, &err) < 0, *want != '\0', "then %s", second);
	is_str(err.msg, want, "%s and %s: message", first, second);
}

static void check_relative(void)
{
	scoped(disk) struct disk disk = DISK_INIT;
	scoped(free) char *want = expand("@/image"), *here = getcwd(NULL, 0);
	scoped(devices) struct devices set;
	struct xen xen = XEN_INIT;
	struct err err = ERR_INIT;

	start(&set, &xen);
	is_int(chdir(folder), 0, "in the folder");
	is_int(disk_parse("phy:image,xvda,r", NULL, &disk, &err), 0, "a relative name");
	is_int(prepare(&set, &disk, &err), 0, "is found in the current folder");
	is_str(disk.target, want, "and its whole path kept for the next start");
	is_int(chdir(here), 0, "back");
}

static void make(const char *name, size_t size, mode_t mode)
{
	scoped(free) char *path = str_format("%s/%s", folder, name);
	scoped(fd) int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0 || fchmod(fd, mode) < 0)
		ok(false, "made %s", path);
}

int main(void)
{
	scoped(free) char *clean = NULL;

	if (!mkdtemp(folder))
		return 1;
	make("image", 4096, 0644);
	make("protected", 4096, 0444);
	make("empty", 0, 0644);
	make("short", 511, 0644);
	make("script", 1, 0755);
	clean = str_format("%s/fifo", folder);
	ok(mkfifo(clean, 0644) == 0, "made a FIFO");
	check_heads();
	check_mounts();
	check_refused();
	check_accepted();
	check_twins("@/image,raw,xvda,w", "@/image,raw,xvdb,r",
		    "disk 'xvdb': '@/image' is disk 'xvda' already, and one of them is for writing");
	check_twins("@/image,raw,xvda,r", "@/./image,raw,xvdb,w",
		    "disk 'xvdb': '@/./image' is disk 'xvda' already, and one of them is for writing");
	check_twins("@/image,raw,xvda,r", "@/image,raw,xvdb,r", "");
	check_twins("@/image,raw,xvda,w", "@/image,raw,xvdb,w!", "");
	check_relative();
	free(clean);
	clean = str_format("rm -r %s", folder);
	return system(clean) ? 1 : tap_done();
}
