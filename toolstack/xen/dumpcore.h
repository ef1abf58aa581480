/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain's registers and memory as a core file in Xen's ELF format, which
 * docs/misc/dump-core-format.txt in Xen's tree tells; crash(8) and gdbsx read it.
 */
#ifndef XEN_DUMPCORE_H
#define XEN_DUMPCORE_H

#include <stdint.h>

#include "base/err.h"

struct xen;

/*
 * Writes path, over what stands there; none is left when it fails. A domain that runs goes on
 * meanwhile: pages that it gives back are zeroes at the end, pages that it gains are left out.
 */
int dumpcore_write(struct xen *xen, uint32_t domid, const char *path, struct err *err) must_check;

#endif
