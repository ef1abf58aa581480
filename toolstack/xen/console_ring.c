/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "console_ring.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>
#include <xen/io/console.h>

#include "base/log.h"
#include "base/wait.h"
#include "store.h"
#include "xen.h"

static void wait_empty(const volatile struct xencons_interface *ring, int timeout_ms)
{
	int64_t deadline = wait_deadline(timeout_ms);

	/* xenconsoled tells nobody that it has read: look every 2 ms. */
	while (ring->out_cons != ring->out_prod && wait_now_ms() < deadline)
		poll(NULL, 0, 2);
	if (ring->out_cons != ring->out_prod)
		log_debug("the console still holds output: is xenconsoled running?");
}

void console_ring_drain(struct xen *xen, uint32_t domid, int timeout_ms)
{
	xenforeignmemory_handle *fmem;
	char path[64];
	struct err ignored;	/* see the header */
	uint64_t gfn;
	void *page;

	snprintf(path, sizeof(path), "/local/domain/%u/console/ring-ref", domid);
	if (store_read_u64(xen, NULL, path, &gfn, &ignored) < 0)
		return;
	fmem = xenforeignmemory_open(NULL, 0);
	if (!fmem)
		return;
	page = xenforeignmemory_map(fmem, domid, PROT_READ, 1, &gfn, NULL);
	if (page) {
		wait_empty(page, timeout_ms);
		xenforeignmemory_unmap(fmem, page, 1);
	}
	xenforeignmemory_close(fmem);
}
