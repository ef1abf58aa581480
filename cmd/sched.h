/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What sched-credit, sched-credit2 and sched-rtds share: the walk over pools and domains. */
#ifndef CMD_SCHED_H
#define CMD_SCHED_H

#include <stdint.h>

#include "command.h"
#include "domain/cpupool.h"
#include "xen/sched.h"

struct domain_entry;
struct json_t;

enum { SCHED_NAME_BUF = 4100 };

/* How one scheduler is shown: on stdout, or, where array is given, added to it. */
struct sched_report {
	enum sched_kind kind;
	void (*header)(void);
	int (*pool)(struct cmd *cmd, uint32_t id, struct json_t *array, struct err *err);
	int (*domain)(struct cmd *cmd, const struct domain_entry *entry, struct json_t *array,
		      struct err *err);
};

/* Every pool with that scheduler, or the one that is named, and the domains in it. */
int sched_print_all(struct cmd *cmd, const struct sched_report *report, const char *pool,
		    struct json_t *array, struct err *err) must_check;
/* One domain; -EINVAL when its scheduler is another. */
int sched_print_one(struct cmd *cmd, const struct sched_report *report, const char *word,
		    struct json_t *array, struct err *err) must_check;

/* A cpupool by number or name, failing in xl's words. */
int sched_pool_of(struct cmd *cmd, const char *word, uint32_t *id, struct err *err) must_check;
/* -EINVAL when the domain's scheduler is another. */
int sched_expect(struct cmd *cmd, uint32_t domid, enum sched_kind kind,
		 struct err *err) must_check;

#endif
