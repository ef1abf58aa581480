/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VNC server that QEMU is for a framebuffer. */
#ifndef DEVICES_VNC_H
#define DEVICES_VNC_H

#include <stdint.h>

#include "base/err.h"

struct qmp;
struct vnc_config;
struct xen;

/* Where a domain's VNC server listens. Owned strings; password NULL when there is none. */
struct vnc_address {
	char *host, *password;
	int display;			/* port - 5900 */
};

void scoped_vnc_address(struct vnc_address *address);

/*
 * Before a domain exists: whether program can do what vnc asks for. Passwords need a cipher that
 * many builds of QEMU lack, which only shows when it is run: so it is run for a moment.
 */
int vnc_check(const char *program, const struct vnc_config *vnc, struct err *err) must_check;

/*
 * After QEMU has started: asks it where it really listens, sets the password, and writes both
 * to ~/console as libxl does.
 */
int vnc_publish(struct xen *xen, uint32_t domid, const struct vnc_config *vnc, struct qmp *qmp,
		int64_t deadline, struct err *err) must_check;

/* What was written there, also by xl; -ENOENT when the domain has no VNC server. */
int vnc_find(struct xen *xen, uint32_t domid, struct vnc_address *address,
	     struct err *err) must_check;

#endif
