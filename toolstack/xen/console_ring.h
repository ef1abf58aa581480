/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The console ring of a guest, looked at from dom0. xenconsoled empties it; a
 * guest's last line may be all that matters, so a destroy waits until it has.
 */
#ifndef XEN_CONSOLE_RING_H
#define XEN_CONSOLE_RING_H

#include <stdint.h>

struct xen;

/*
 * Waits until xenconsoled has taken what domid wrote, at most timeout_ms: the ring
 * is the guest's, which can make it look full for ever. The domain is paused or has
 * shut down. Cannot fail: without a ring there is nothing to wait for.
 */
void console_ring_drain(struct xen *xen, uint32_t domid, int timeout_ms);

#endif
