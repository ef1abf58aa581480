/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What runs on this host: the hypervisor's figures with the store's names, and a
 * domain's configuration as it stands now (what `list -l` shows).
 */
#ifndef DOMAIN_LIST_H
#define DOMAIN_LIST_H

#include <stddef.h>

#include "base/err.h"
#include "xen/domctl.h"

struct json_t;
struct xen;

struct domain_entry {
	struct domctl_info info;
	char *name;		/* NULL: none (any more) */
};

struct domain_list {
	struct domain_entry *items;	/* by ascending domid; owned */
	size_t nr;
};

#define DOMAIN_LIST_INIT { .items = NULL }

/* All domains. */
int domain_list_all(struct xen *xen, struct domain_list *list, struct err *err) must_check;
/* One domain; -ENOENT when there is none of that number. */
int domain_list_one(struct xen *xen, uint32_t domid, struct domain_list *list,
		    struct err *err) must_check;
void domain_list_free(struct domain_list *list);

static inline void scoped_domain_list(struct domain_list *list)
{
	domain_list_free(list);
}

/*
 * The stored libxl JSON with what may have changed since: name, uuid, online
 * vcpus, memory, scheduling. Takes no lock: the file is replaced whole. A
 * domain without readable JSON yields its name and uuid alone, with a warning;
 * -ENOENT for one that is gone or of which no more than a number is left.
 */
int domain_current_config(struct xen *xen, const struct domain_entry *entry,
			  struct json_t **config, struct err *err) must_check;

/* The same for who acts on it: what is stored must be readable. */
int domain_live_config(struct xen *xen, const struct domain_entry *entry, struct json_t **config,
		       struct err *err) must_check;

#endif
