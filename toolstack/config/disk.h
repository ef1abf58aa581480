/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * disk= and block-attach specs (man xl-disk-configuration): positional, key=value
 * and xend's prefixed form, and virtual device numbers. Whether a target exists
 * and which backend serves it is not asked here.
 */
#ifndef CONFIG_DISK_H
#define CONFIG_DISK_H

#include "config/spec.h"

enum disk_backend {
	DISK_BACKEND_UNSET, DISK_BACKEND_PHY, DISK_BACKEND_TAP, DISK_BACKEND_QDISK,
	DISK_BACKEND_STANDALONE,
};

enum disk_format {
	DISK_FORMAT_UNSET, DISK_FORMAT_QCOW, DISK_FORMAT_QCOW2, DISK_FORMAT_VHD,
	DISK_FORMAT_RAW, DISK_FORMAT_EMPTY, DISK_FORMAT_QED,
};

enum disk_specification {
	DISK_SPECIFICATION_UNSET, DISK_SPECIFICATION_XEN, DISK_SPECIFICATION_VIRTIO,
};

enum disk_transport { DISK_TRANSPORT_UNSET, DISK_TRANSPORT_MMIO };

struct disk {
	uint32_t backend_domid;
	char *backend_domname;
	char *target;			/* libxl's pdev_path; NULL or "": an empty drive */
	char *vdev;			/* never NULL after a parse; disk_devnum() knows it */
	enum disk_backend backend;	/* UNSET: to be chosen */
	enum disk_format format;	/* never UNSET after a parse */
	char *script;
	bool removable, readwrite, cdrom, direct_io_safe;
	enum tri discard;
	enum disk_specification specification;
	enum disk_transport transport;
	uint32_t irq;
	uint64_t base;
	enum tri colo_enable, colo_restore_enable;
	char *colo_host;
	uint32_t colo_port;
	char *colo_export, *active_disk, *hidden_disk;
	enum tri trusted;
	enum tri grant_usage;		/* Xen 4.18 and later, virtio */
	/* Not in libxl's JSON: */
	bool forced;			/* access w!: whoever else uses it */
	bool phy;			/* "phy:NAME", which meant /dev/NAME */
};

#define DISK_INIT { .target = NULL }

int disk_parse(const char *spec, const struct spec_defaults *d, struct disk *out,
	       struct err *err) must_check;
void disk_free(struct disk *disk);
int disk_to_json(const struct disk *disk, json_t **out, struct err *err) must_check;
int disk_from_json(json_t *json, struct disk *out, struct err *err) must_check;

static inline void scoped_disk(struct disk *disk)
{
	disk_free(disk);
}

/* The names that libxl and the man page use: "qcow2", "phy"; "" for UNSET. */
const char *disk_format_name(enum disk_format format);
const char *disk_backend_name(enum disk_backend backend);

/* What a virtual device's name begins with. */
enum disk_bus { DISK_BUS_XVD, DISK_BUS_HD, DISK_BUS_SD, DISK_BUS_FD };

/* "hdc1": DISK_BUS_HD, disk 2, partition 1 (0: the whole). -EINVAL for a number and for what is none. */
int disk_name(const char *vdev, enum disk_bus *bus, uint32_t *disk, uint32_t *part) must_check;

/*
 * The number of a virtual device (docs/man/xen-vbd-interface.7): "xvda" 51712,
 * "xvdq1", "hdc", "sda2", "d0p1" or a number as it is. -EINVAL for anything else. "fda" and "fdb",
 * which xl does not have, are Linux's numbers: 512 and 513.
 */
int disk_devnum(const char *vdev, uint32_t *number) must_check;

enum { DISK_VDEV_MAX = 16 };

/* The inverse: the name that disk_devnum() turns into number, or its digits. */
const char *disk_vdev(uint32_t number, char buf[DISK_VDEV_MAX]);

#endif
