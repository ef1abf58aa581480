/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VNC server that QEMU is for a framebuffer. */
#ifndef DEVICES_VNC_H
#define DEVICES_VNC_H

#include <stdint.h>

#include "base/err.h"

struct qmp;
struct vnc_config;
struct xen;

/*
 * After QEMU has started: asks it where it really listens, sets the password, and writes both
 * to ~/console as libxl does.
 */
int vnc_publish(struct xen *xen, uint32_t domid, const struct vnc_config *vnc, struct qmp *qmp,
		int64_t deadline, struct err *err) must_check;

#endif
