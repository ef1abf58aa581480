/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the supervisor's child does about one guest that has ended, or whose restart was cut
 * off. A process of its own, exec'd, because it reads what a guest's owner wrote. And how a
 * destroy keeps it from that.
 */
#ifndef SUPERVISOR_SUCCESSOR_H
#define SUPERVISOR_SUCCESSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct xen;

/* No exit status of anything else. */
enum { SUCCESSOR_HELD = 75 };

/*
 * Carries out what domid's config says about its end, or goes on with the restart that NAME's
 * intent is about. Idempotent: after a kill at any moment it is done again, and a guest
 * gets one successor. restarts is for the successor's record: counted when the guest ended, since
 * whatever comes between then and now is no life of its. matter: "end", or of a guest that lives
 * "model", its QEMU has ended, or "eject", it wants a CD drive empty; or "dying": it was destroyed
 * and does not go, which is told. SUCCESSOR_HELD: all but its restart is done, and that is to be
 * asked for (waited) after ending_pause(restarts - 1). 0 also when there is nothing (any more) to do;
 * -EINTR when it is to be done again.
 */
int successor_carry_out(struct xen *xen, const char *name, uint32_t domid, const uint8_t uuid[16],
			unsigned int restarts, const char *matter, bool waited,
			struct err *err) must_check;

/*
 * Destroys domid for good: what somebody does about its end is waited for, and the domain that
 * came of it goes as well; what rename-restart has kept aside stays, which is said. -ENOENT when
 * there is no such domain.
 */
int successor_destroy(struct xen *xen, uint32_t domid, struct err *err) must_check;

/*
 * The same for a guest that may have no domain now. uuid: its; NULL: that of whoever's end
 * somebody is at under that NAME. 1 when there was something to prevent, 0 else.
 */
int successor_prevent(struct xen *xen, const char *name, const uint8_t *uuid,
		      struct err *err) must_check;

#endif
