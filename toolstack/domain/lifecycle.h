/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a running domain is asked to do: shut down, reboot, bear another name.
 * Both handles open.
 */
#ifndef DOMAIN_LIFECYCLE_H
#define DOMAIN_LIFECYCLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

struct xen;

enum lifecycle_request { LIFECYCLE_POWEROFF, LIFECYCLE_REBOOT };

/* One domain that was asked; filled by lifecycle_ask, moved on by lifecycle_wait. */
struct lifecycle_target {
	uint32_t domid;
	uint8_t uuid[16];	/* the number may be another domain's later */
	bool by_button;		/* asked through ACPI: a guest acknowledges nothing */
	bool acked;		/* took the request out of the store, or has ended */
	bool ended;		/* shut down, or gone */
	bool gone;		/* no longer there */
	bool told, told_gone;	/* that it has ended, that it is gone: to whoever waits */
	unsigned int reason;	/* enum domctl_reason when ended and not gone */
};

/*
 * Writes the request for the guest. -EOPNOTSUPP (no message) for an HVM guest
 * without PV drivers when button is false; else it gets the ACPI button instead.
 */
int lifecycle_ask(struct xen *xen, uint32_t domid, enum lifecycle_request request, bool button,
		  struct lifecycle_target *target, struct err *err) must_check;

enum lifecycle_until { LIFECYCLE_ACKED, LIFECYCLE_ENDED, LIFECYCLE_GONE };

/*
 * Waits until all targets are that far; -ETIMEDOUT (no message) after timeout_ms
 * (negative: for ever), -EINTR. report, if given, is called once for each that
 * shuts down and once for each that goes.
 */
int lifecycle_wait(struct xen *xen, struct lifecycle_target *targets, size_t nr,
		   enum lifecycle_until until, int timeout_ms,
		   void (*report)(const struct lifecycle_target *target),
		   struct err *err) must_check;

/*
 * Waits until one has shut down or is gone, or (1) until other, a descriptor or -1, is readable.
 * -EINTR as above.
 */
int lifecycle_wait_end(struct xen *xen, struct lifecycle_target *target, int other,
		       struct err *err) must_check;

/* -EEXIST when another domain has the name; see config_check_name. */
int lifecycle_rename(struct xen *xen, uint32_t domid, const char *name,
		     struct err *err) must_check;

#endif
