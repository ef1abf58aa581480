/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Private to supervisor/: CD drives that a guest ejects. A PV driver writes "eject" to
 * device/vbd/N/eject below its home and waits for "" (libxl_disk.c, disk_eject_xswatch_callback).
 * Which disks are drives is in the toolstack's own copy; of what a guest writes only that one word is
 * looked for.
 */
#ifndef SUPERVISOR_DRIVES_H
#define SUPERVISOR_DRIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct xen;

/* 1: domid has a CD drive (eject: that its guest wants empty), 0: none. */
int drives_any(struct xen *xen, uint32_t domid, bool eject, struct err *err) must_check;

/* Empties those that the guest wants empty; events tell. */
int drives_eject(struct xen *xen, const char *name, uint32_t domid, struct err *err) must_check;

#endif
