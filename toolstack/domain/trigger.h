/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What hardware would do to a guest from outside: its buttons, NMI, waking from S3. */
#ifndef DOMAIN_TRIGGER_H
#define DOMAIN_TRIGGER_H

#include <stdint.h>

#include "base/err.h"

struct xen;

enum trigger {
	TRIGGER_NMI, TRIGGER_RESET, TRIGGER_INIT, TRIGGER_POWER, TRIGGER_SLEEP, TRIGGER_S3RESUME,
};

/* -EINVAL in xl's words when it is none. */
int trigger_parse(const char *word, enum trigger *trigger, struct err *err) must_check;

/*
 * vcpu is for NMI and INIT. RESET ends the domain with the reason "reboot". -EOPNOTSUPP, with
 * what to do instead, where the guest's type has no such hardware.
 */
int domain_trigger(struct xen *xen, uint32_t domid, enum trigger trigger, unsigned int vcpu,
		   struct err *err) must_check;

/*
 * Asks the guest's kernel for what it would do at that key (Linux: admin-guide/sysrq). It takes
 * the letter out of the store when it has seen it; nobody waits for that. -ENOENT: no such domain.
 */
int domain_sysrq(struct xen *xen, uint32_t domid, char letter, struct err *err) must_check;

#endif
