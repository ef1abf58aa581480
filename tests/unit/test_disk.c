/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/disk.h"

#include "tests/unit/spec_cases.h"

#define VDEV_MESSAGE(vdev) "unknown vdev '" vdev "', valid are xvda..., hda to hdd, sda to sdp, " \
	"each with a partition's number or without, fda, fdb, dNpM and device numbers"
#define QCOW2_MESSAGE "disk hda: '/a.qcow2' is used as a raw image; if it is a qcow2 image, " \
	"say format=qcow2"

static const struct spec_case cases[] = {
	/* The three forms of one disk. */
	{ "/dev/vg/lv,raw,xvda,rw",
	  "{\"pdev_path\":\"/dev/vg/lv\",\"vdev\":\"xvda\",\"format\":\"raw\",\"readwrite\":1}", NULL },
	{ "phy:/dev/vg/lv,xvda,w",
	  "{\"pdev_path\":\"/dev/vg/lv\",\"vdev\":\"xvda\",\"format\":\"raw\",\"readwrite\":1}", NULL },
	{ " format=raw ,vdev = xvda, access=w,target=/dev/vg/lv",
	  "{\"pdev_path\":\"/dev/vg/lv\",\"vdev\":\"xvda\",\"format\":\"raw\",\"readwrite\":1}", NULL },
	{ "file:/boot/x.img, xvda, w",
	  "{\"pdev_path\":\"/boot/x.img\",\"vdev\":\"xvda\",\"format\":\"raw\",\"readwrite\":1}", NULL },
	/* Prefixes count wherever an item begins, as in xl. */
	{ "file:/disk.img,ioemu:hda,w",
	  "{\"pdev_path\":\"/disk.img\",\"vdev\":\"hda\",\"format\":\"raw\",\"readwrite\":1}", NULL },
	{ "tap:qcow2:/a,xvda,r", "{\"pdev_path\":\"/a\",\"vdev\":\"xvda\",\"format\":\"qcow2\"}", NULL },
	{ "tap2:tapdisk:vhd:/a,xvda,r",
	  "{\"pdev_path\":\"/a\",\"vdev\":\"xvda\",\"format\":\"vhd\"}", NULL },
	{ "nbd:1.2.3.4 20004,hda1,w", "{\"pdev_path\":\"1.2.3.4 20004\",\"vdev\":\"hda1\","
	  "\"format\":\"raw\",\"script\":\"block-nbd\",\"readwrite\":1}", NULL },
	{ "rbd:pool/img,raw,xvda",
	  "{\"pdev_path\":\"rbd:pool/img\",\"vdev\":\"xvda\",\"format\":\"raw\",\"readwrite\":1}",
	  NULL },
	/* target= takes the rest as it is. */
	{ "vdev=xvda,target=iqn=a,b=c, d", "{\"pdev_path\":\"iqn=a,b=c, d\",\"vdev\":\"xvda\","
	  "\"format\":\"raw\",\"readwrite\":1}", NULL },
	{ "vdev=xvda,target=/x,", "{\"pdev_path\":\"/x\",\"vdev\":\"xvda\",\"format\":\"raw\","
	  "\"readwrite\":1}", NULL },
	{ "phy:/dev/x,sdb1,w!", "{\"pdev_path\":\"/dev/x\",\"vdev\":\"sdb1\",\"format\":\"raw\","
	  "\"readwrite\":1}", NULL },
	/* Drives. */
	{ ",,hdc,cdrom", "{\"pdev_path\":\"\",\"vdev\":\"hdc\",\"format\":\"empty\",\"removable\":1,"
	  "\"is_cdrom\":1}", NULL },
	{ "/iso,,hdc:cdrom,r", "{\"pdev_path\":\"/iso\",\"vdev\":\"hdc\",\"format\":\"raw\","
	  "\"removable\":1,\"is_cdrom\":1}", NULL },
	{ ",hdc:cdrom,r", "{\"pdev_path\":\"\",\"vdev\":\"hdc\",\"format\":\"empty\",\"removable\":1,"
	  "\"is_cdrom\":1}", NULL },
	{ "/x,raw,xvda:disk", "{\"pdev_path\":\"/x\",\"vdev\":\"xvda\",\"format\":\"raw\","
	  "\"readwrite\":1}", NULL },
	/* All the rest of the keys, in the IDL's order. */
	{ "backend=dd,backendtype=qdisk,direct-io-safe,no-discard,specification=virtio,colo,"
	  "colo-host=h,colo-port=9000,colo-export=e,active-disk=a,hidden-disk=b,untrusted,"
	  "script=block-x,grant_usage=1,format=qed,vdev=xvdb,access=,target=t",
	  "{\"backend_domname\":\"dd\",\"pdev_path\":\"t\",\"vdev\":\"xvdb\",\"backend\":\"qdisk\","
	  "\"format\":\"qed\",\"script\":\"block-x\",\"readwrite\":1,\"direct_io_safe\":true,"
	  "\"discard_enable\":\"False\",\"specification\":\"virtio\",\"colo_enable\":\"True\","
	  "\"colo_host\":\"h\",\"colo_port\":9000,\"colo_export\":\"e\",\"active_disk\":\"a\","
	  "\"hidden_disk\":\"b\",\"trusted\":\"False\",\"grant_usage\":\"True\"}", NULL },
	{ "file:/a.qcow2,hda,w", "{\"pdev_path\":\"/a.qcow2\",\"vdev\":\"hda\",\"format\":\"raw\","
	  "\"readwrite\":1}", QCOW2_MESSAGE },
	/* An empty value may be replaced, another one may not; the same format may be said twice. */
	{ ",raw,xvda,format=raw,target=/x", "{\"pdev_path\":\"/x\",\"vdev\":\"xvda\","
	  "\"format\":\"raw\",\"readwrite\":1}", NULL },
	{ "/x,raw,xvda,target=/y", NULL, "target is given twice, the second time as '/y'" },
	{ "/x,raw,xvda,format=qcow2", NULL, "format is given twice, the second time as 'qcow2'" },
	{ "qcow:/x,xvda,vdev=xvdb", NULL, "vdev is given twice, the second time as 'xvdb'" },
	{ "nbd:drbd:x,xvda", NULL, "script is given twice, the second time as 'block-drbd'" },
	/* What is wrong with it. */
	{ "", NULL, "no vdev (xvda, hda, ...) in disk spec ''" },
	{ "foo", NULL, "no vdev (xvda, hda, ...) in disk spec 'foo'" },
	{ "/persist/win.iso,iso,hdc:cdrom,ro", NULL,
	  "unknown format 'iso', valid are qcow, qcow2, vhd, raw, empty, qed" },
	{ "/x,raw,xvda,x", NULL, "unknown access 'x', valid are r, ro, w, rw, w!" },
	{ "/x,raw,xvda,w,w", NULL, "'w' is one positional item too many, they are target, format, "
	  "vdev, access" },
	{ "/x,raw,xvda:floppy", NULL, "unknown devtype 'floppy', valid are cdrom, disk" },
	{ "/x,raw,xvda,devtype=tape", NULL, "unknown devtype 'tape', valid are cdrom, disk" },
	{ "/x,raw,xvda,backendtype=loop", NULL,
	  "unknown backendtype 'loop', valid are phy, tap, qdisk, standalone" },
	{ "/x,raw,xvda,vdef=xvda", NULL, "unknown disk key 'vdef', did you mean 'vdev'?" },
	{ "/x,raw,xvda,cdrom=1", NULL, "disk key 'cdrom' takes no value" },
	{ "/x,raw,xvda,quux=1", NULL, "unknown disk key 'quux', valid are backend, target, vdev, "
	  "backendtype, format, script, access, devtype, specification, cdrom, direct-io-safe, "
	  "discard, no-discard, colo, no-colo, trusted, untrusted" },
	{ "/x=y,raw,xvda", NULL, "'/x=...' is no disk key; a target with '=' or ',' in it is given "
	  "by target=, as the last item" },
	{ "http://x,raw,xvda", NULL, "unknown disk prefix 'http:', valid are phy, file, tap, tap2, "
	  "aio, raw, qcow, qcow2, vhd, iscsi, nbd, enbd, drbd (a target with ':' in it is given by "
	  "target=)" },
	{ "/x,raw,xvd", NULL, VDEV_MESSAGE("xvd") },
	{ "/x,raw,hde", NULL, VDEV_MESSAGE("hde") },
	{ "vdev=xvda", NULL, "no target for disk xvda, only a cdrom can be empty" },
	{ "format=empty,vdev=xvda", NULL, "disk xvda is empty, only a cdrom can be" },
	{ "/x,empty,hdc,cdrom", NULL, "disk hdc has format empty and a target" },
	{ "/x,raw,xvda,colo-port=0", NULL, "colo-port must not be 0" },
	{ "/x,raw,xvda,colo-port=65536", NULL, "colo-port is too large: '65536', at most 65535" },
	{ "/x\n,raw,xvda", NULL, "disk spec has a control character in it, near '/x\\x0a'" },
};

SPEC_RUNNER(disk, disk, DISK_INIT)

static int vector(const char *spec, json_t **out, struct err *err)
{
	scoped(disk) struct disk disk = DISK_INIT;
	int rc = disk_parse(spec, NULL, &disk, err);

	return rc < 0 ? rc : disk_to_json(&disk, out, err);
}

/* What libxl's JSON has no place for. */
static const struct {
	const char *spec;
	bool readwrite, forced, phy;
} beside_json[] = {
	{ "phy:vg/lv,xvda,w", true, false, true },
	{ "phy:vg/lv,xvda,w!", true, true, true },
	{ "/x,raw,xvda,!", true, true, false },
	{ "file:x,xvda,rw!", true, true, false },
	{ "/x,raw,xvda,r", false, false, false },
	{ "access=w!,vdev=xvda,target=x", true, true, false },
	{ "/x,raw,hdc:cdrom,w!", false, false, false },
};

static void check_beside_json(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(beside_json); i++) {
		scoped(disk) struct disk disk = DISK_INIT;
		struct err err = ERR_INIT;

		is_int(disk_parse(beside_json[i].spec, NULL, &disk, &err), 0, "%s: accepted",
		       beside_json[i].spec);
		is_int(disk.readwrite, beside_json[i].readwrite, "%s: readwrite",
		       beside_json[i].spec);
		is_int(disk.forced, beside_json[i].forced, "%s: forced", beside_json[i].spec);
		is_int(disk.phy, beside_json[i].phy, "%s: phy", beside_json[i].spec);
	}
}

static const struct {
	const char *vdev;
	uint32_t number;
	const char *back;	/* NULL: the same */
} numbers[] = {
	{ "xvda", 51712, NULL }, { "xvdb", 51728, NULL }, { "xvda1", 51713, NULL },
	{ "xvdp15", 51967, NULL }, { "xvda16", 268435472, NULL }, { "xvdq", 268439552, NULL },
	{ "xvdz", 268441856, NULL }, { "xvdaa", 268442112, NULL }, { "xvdzz", 268614912, NULL },
	{ "xvdaaa255", 268615423, NULL },
	{ "hda", 768, NULL }, { "hdb", 832, NULL }, { "hdc", 5632, NULL }, { "hdd", 5696, NULL },
	{ "hdd63", 5759, NULL }, { "sda", 2048, NULL }, { "sda10", 2058, NULL },
	{ "sdp15", 2303, NULL }, { "fda", 512, NULL }, { "fdb", 513, NULL },
	{ "fdc", UINT32_MAX, NULL }, { "fda1", UINT32_MAX, NULL }, { "514", 514, "514" },
	{ "d0", UINT32_MAX, NULL }, { "d0p0", 51712, "xvda" }, { "d26p3", 268442115, "xvdaa3" },
	{ "d1048575p255", 536870911, "xvdbgqcv255" }, { "d1048576p0", UINT32_MAX, NULL },
	{ "0x3", 3, "3" }, { "010", 8, "8" }, { "51712", 51712, "xvda" }, { "896", 896, "896" },
	{ "2147483647", 2147483647, NULL },
	{ "2147483648", UINT32_MAX, NULL }, { "-1", UINT32_MAX, NULL }, { "", UINT32_MAX, NULL },
	{ "xvd", UINT32_MAX, NULL }, { "xvda0", UINT32_MAX, NULL }, { "xvda256", UINT32_MAX, NULL },
	{ "xvdaaaaaaaaaaaaaaaaaaaaaa", UINT32_MAX, NULL }, { "hde", UINT32_MAX, NULL },
	{ "hda64", UINT32_MAX, NULL }, { "sdq", UINT32_MAX, NULL }, { "sda16", UINT32_MAX, NULL },
	{ "xvdA", UINT32_MAX, NULL }, { "vda", UINT32_MAX, NULL }, { "xvda1x", UINT32_MAX, NULL },
};

/* The first number that a name does not lead back to. */
static long long first_without_return(uint32_t from, uint32_t to)
{
	char buf[DISK_VDEV_MAX];
	uint32_t back;

	for (uint32_t n = from; n < to && n <= INT32_MAX; n++) {
		if (disk_devnum(disk_vdev(n, buf), &back) < 0 || back != n)
			return n;
	}
	return -1;
}

static void check_numbers(void)
{
	char buf[DISK_VDEV_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uint32_t number = 0, near;
		int rc = disk_devnum(numbers[i].vdev, &number);

		if (numbers[i].number == UINT32_MAX) {
			is_int(rc, -EINVAL, "vdev '%s' is refused", numbers[i].vdev);
			continue;
		}
		is_int(rc == 0 ? number : UINT32_MAX, numbers[i].number, "number of %s",
		       numbers[i].vdev);
		is_str(disk_vdev(number, buf), numbers[i].back ? numbers[i].back : numbers[i].vdev,
		       "name of %u", number);
		near = number > 300 ? number - 300 : 0;
		is_int(first_without_return(near, near + 600), -1,
		       "numbers near that of %s come back", numbers[i].vdev);
	}
}

int main(void)
{
	char *longest = malloc(SPEC_TEXT_MAX + 2);
	struct disk disk = DISK_INIT;
	struct err err;

	run_disk(cases, ARRAY_SIZE(cases), NULL);
	run_vectors("disk-parse-cases.jsonl", vector);
	check_beside_json();
	check_numbers();

	memset(longest, 'a', SPEC_TEXT_MAX + 1);
	longest[SPEC_TEXT_MAX + 1] = '\0';
	is_int(disk_parse(longest, NULL, &disk, &err), -EINVAL, "a long spec is refused");
	is_str(err.msg, "disk spec is longer than 8192 characters", "message about it");
	free(longest);
	return tap_done();
}
