/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain's registers and memory as a core file in Xen's ELF format, which
 * docs/misc/dump-core-format.txt in Xen's tree tells; crash(8) reads it.
 */
#ifndef XEN_DUMPCORE_H
#define XEN_DUMPCORE_H

#include <stdint.h>

#include "base/err.h"

struct xen;

/*
 * Writes path, over what stands there; none is left when it fails, nor when the domain has gone
 * before the end. One that runs goes on meanwhile. The file has place for more pages than are found:
 * those at the end are zeroes, and their frame number is ~0. The store has to be open as well.
 */
int dumpcore_write(struct xen *xen, uint32_t domid, const char *path, struct err *err) must_check;

/*
 * The frame behind the last that is looked at, of a guest that is not PV: nr_gfns from Xen, but not
 * beyond what the builders may have made of max_pages or static_max_kb (0: unknown), whichever is more.
 */
uint64_t dumpcore_end_gfn(uint64_t nr_gfns, uint64_t max_pages, uint64_t static_max_kb);

#endif
