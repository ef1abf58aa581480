/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of a domain. Works on domains of any toolstack, and again on one whose
 * first destroy was cut off: the store goes first, the domain itself next, the
 * run file last, so whatever is left can still be found by number.
 */
#ifndef DOMAIN_DESTROY_H
#define DOMAIN_DESTROY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct runfile_record;
struct xen;

/* Kills domid and removes all that belongs to it; -ENOENT when there is none. */
int domain_destroy(struct xen *xen, uint32_t domid, struct err *err) must_check;

/* The same for a domain that is ours and half built: nobody waits for its last words. */
int domain_destroy_unfinished(struct xen *xen, uint32_t domid, const uint8_t uuid[16],
			      struct err *err) must_check;

/* All of a paused domain goes but itself and its stored config: QEMU, devices, store nodes. */
int domain_strip(struct xen *xen, uint32_t domid, const uint8_t uuid[16],
		 struct err *err) must_check;

/*
 * Looks for the domain that a record is about: *domid, 0 when there is none. If the
 * record says "creating" the domain is destroyed; the caller holds the record's lock.
 */
int domain_reap(struct xen *xen, const struct runfile_record *record, uint32_t *domid,
		struct err *err) must_check;

/*
 * Destroys what killed creates left behind: every record that says "creating" in a file
 * nobody holds locked. Calls report() for each. Returns how many there were, or the
 * first failure after having tried all.
 */
int domain_cleanup(struct xen *xen, void (*report)(const char *name, uint32_t domid),
		   struct err *err) must_check;

#endif
