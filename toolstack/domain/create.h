/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain from a config. domain_create() returns with a complete domain that is
 * paused, or with nothing left of it: what was made is undone in reverse on every
 * way out, and a run file lets the next xlite undo it after a kill.
 */
#ifndef DOMAIN_CREATE_H
#define DOMAIN_CREATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct domain_config;
struct runfile;
struct runfile_record;
struct xen;

/*
 * What must be true before any work: a supported type, a usable name, a kernel,
 * sizes. Pure. config has its defaults (config_defaults).
 */
int domain_check_config(const struct domain_config *config, struct err *err) must_check;

/* The same one by one, for who wants all that is wrong. */
enum { DOMAIN_CONFIG_CHECKS = 5 };
typedef int (*domain_config_check)(const struct domain_config *config, struct err *err);
extern const domain_config_check domain_config_checks[DOMAIN_CONFIG_CHECKS];

struct create_how {
	bool watched;	/* what its config says about its end is the supervisor's, else the caller's */
	int terminal;	/* bootloader=: where the guest's boot menu is shown; -1: nowhere */
	bool successor;	/* of a domain that has ended: nobody is there to try once more */
	unsigned int restarts;	/* for its record (runfile.h) */
};

/*
 * Creates config's domain, paused: *domid. Makes a uuid when the config gives none, and paths
 * absolute, and stores them in config. Needs the hypervisor and the store open. -EEXIST when the
 * name or uuid is taken, -ENOMEM when memory is short (the message says how much there is),
 * -EINTR when the user interrupted.
 */
int domain_create(struct xen *xen, struct domain_config *config, const struct create_how *how,
		  uint32_t *domid, struct err *err) must_check;

/* Whether the supervisor shall see to NAME's end, from now on. */
int domain_set_watched(const char *name, bool watched, struct err *err) must_check;

/* NAME's record, held until runfile_unlock(): nobody else can take the name. -EBUSY, -ENOENT. */
int domain_hold(const char *name, struct runfile *rf, struct runfile_record *record,
		struct err *err) must_check;

#endif
