/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running a VNC viewer for a domain: for vncviewer and create -V. */
#ifndef CMD_VNC_H
#define CMD_VNC_H

#include <stdbool.h>
#include <stdint.h>

struct xen;

/*
 * Starts $VNCVIEWER or vncviewer beside this process; password: it gets the domain's on
 * its stdin. A failure is a warning: the guest runs without a viewer too.
 */
void vncviewer_start(struct xen *xen, uint32_t domid, bool password);

#endif
