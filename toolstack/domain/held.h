/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who keeps a domain that is dying: Xen has it as long as anybody maps a page of it, and says
 * nothing about that anywhere.
 */
#ifndef DOMAIN_HELD_H
#define DOMAIN_HELD_H

#include <stddef.h>
#include <stdint.h>

struct domctl_info;
struct xen;

/*
 * "2 page(s) of it are in use by backend vbd-5-51712" (of this host's kernel), or "... by another
 * guest, or one of: xenconsoled (812), ...": the processes that map memory of any domain, without the
 * QEMU of others. Looking at a process that hangs in the kernel may hang as well.
 */
void held_explain(const struct domctl_info *info, char *text, size_t size);

/* Warns when domid is still dying; for a user who waits, and who holds no lock. */
void held_warn(struct xen *xen, uint32_t domid);

#endif
