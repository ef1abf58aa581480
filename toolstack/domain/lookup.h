/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From what a person types to a domain number, and back. Numbers are taken as
 * they are (xl's rule: all digits is a number, never a name); whether a domain of
 * that number exists is for the caller's next call to say. Needs the hypervisor
 * and the store open.
 */
#ifndef DOMAIN_LOOKUP_H
#define DOMAIN_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

struct domctl_info;
struct xen;

/*
 * By number or name. -ENOENT when no domain has the name or the number is no
 * domain's; -EINVAL for "" (which xl takes for domain 0).
 */
int domain_lookup(struct xen *xen, const char *word, uint32_t *domid, struct err *err) must_check;

/* By name only; -ENOENT when there is none. A dying domain has no name any more. */
int domain_find_name(struct xen *xen, const char *name, uint32_t *domid,
		     struct err *err) must_check;

/* The name as the store has it, any bytes but NUL; -ENOENT when there is none. */
int domain_get_name(struct xen *xen, uint32_t domid, char **name, struct err *err) must_check;

/*
 * The names of nr domains into nr entries of names: NULL for a domain that has none
 * (being made, or dying). The caller frees each.
 */
int domain_get_names(const struct domctl_info *infos, size_t nr, char **names,
		     struct err *err) must_check;

/*
 * As what the domain was built: what its toolstack wrote down, and where there is nothing (dom0,
 * other toolstacks) what Xen sees, to whom PVH and HVM are the same. -ENOENT: no such domain.
 */
int domain_get_type(struct xen *xen, uint32_t domid, enum domain_type *type,
		    struct err *err) must_check;

#endif
