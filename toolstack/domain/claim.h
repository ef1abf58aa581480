/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A name for a domain that is about to be made. What a killed create left behind
 * under the name is destroyed first. Our own domains answer from their run files;
 * the store is asked, one read each, only for those of other toolstacks. (So a name that
 * another toolstack gave to a domain of ours is not seen to be taken; looking domains
 * up by name does see it.)
 */
#ifndef DOMAIN_CLAIM_H
#define DOMAIN_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct runfile;
struct xen;

/*
 * Locks NAME's run file and writes a record with uuid into it. -EEXIST when a domain
 * of that name or uuid exists, -EBUSY when one is just being made; patient: who has the file for
 * a moment is waited for.
 */
int claim_name(struct xen *xen, const char *name, const uint8_t uuid[16], bool patient,
	       struct runfile *rf, struct err *err) must_check;

/* Only whether both are free now: -EEXIST as above. */
int claim_check(struct xen *xen, const char *name, const uint8_t uuid[16],
		struct err *err) must_check;

#endif
