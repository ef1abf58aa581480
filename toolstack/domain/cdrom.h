/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The medium in a running HVM guest's cdrom drive. */
#ifndef DOMAIN_CDROM_H
#define DOMAIN_CDROM_H

#include <stdint.h>

#include "base/err.h"

struct disk;
struct xen;

/*
 * disk is a parsed cdrom: its vdev names a drive that the domain has, its target is the new
 * medium, a raw image or device, or none. -ENOENT: no such drive; -EINVAL: no hvm guest. A
 * medium that cannot be opened, or that somebody writes to, leaves the old one in.
 */
int domain_change_cdrom(struct xen *xen, uint32_t domid, struct disk *disk,
			struct err *err) must_check;

#endif
