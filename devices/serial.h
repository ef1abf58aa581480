/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An HVM guest's serial ports: QEMU's character devices. */
#ifndef DEVICES_SERIAL_H
#define DEVICES_SERIAL_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

struct qmp;
struct xen;

/* After QEMU has started: writes the ptys of its ports to ~/serial/N/tty, as libxl does. */
int serial_publish(struct xen *xen, uint32_t domid, struct qmp *qmp, int64_t deadline,
		   struct err *err) must_check;

/* Pure: the pty (borrowed) and number of one item of query-chardev's answer; NULL: no such port. */
const char *serial_pty(const json_t *item, unsigned int *port);

#endif
