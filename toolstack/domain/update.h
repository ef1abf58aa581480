/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A config that a guest is to have from its next restart on: the text of a file, which config-update
 * keeps with the domain's other data (userdata of kind "xl", which xl's own monitor reads as well,
 * reload_domain_config() in xl_vmcontrol.c). It goes with the domain.
 */
#ifndef DOMAIN_UPDATE_H
#define DOMAIN_UPDATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct domain_config;
struct xen;

/*
 * What the text says, by the rules of `create`; warnings are logged. origin is for messages.
 * -EINVAL also for paths that depend on the current folder: the restart is made from another.
 * Hypervisor handle open.
 */
int update_parse(struct xen *xen, const char *origin, const char *text, size_t len,
		 struct domain_config *config, struct err *err) must_check;

/* Keeps it; -ENOENT when there is no such domain. */
int update_store(struct xen *xen, uint32_t domid, const char *text, size_t len,
		 struct err *err) must_check;

/*
 * 1: *config is what was kept, with the name and uuid that it had. 0: nothing was, or it cannot be
 * used any more (a file is missing), which is a warning: it keeps no guest from its restart.
 */
int update_apply(struct xen *xen, uint32_t domid, const uint8_t uuid[16],
		 struct domain_config *config, struct err *err) must_check;

#endif
