/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between the two ways in (pv.c, pvh.c) and the one guest above them (main.c).
 */
#ifndef GUESTS_TINY_H
#define GUESTS_TINY_H

#include <stdbool.h>
#include <stdint.h>

#include "memory.h"

struct shared_info;
struct start_info;
struct hvm_start_info;
struct xencons_interface;
struct xenstore_domain_interface;

struct boot {
	const char *kind;			/* "pv", "pvh" */
	const char *cmdline;
	struct shared_info *shared;
	struct xencons_interface *console;	/* NULL: there is none */
	struct xenstore_domain_interface *store;
	uint32_t console_port, store_port;
	struct memory memory;
	const struct hvm_start_info *start;	/* NULL: PV */
	bool (*nmi_came)(void);			/* one since the last call; NULL: PV */
	void (*again)(void);			/* from the start, after a soft reset; NULL: never */
};

__attribute__((noreturn)) void tiny(const struct boot *boot);

/* called by entry.S */
void pv_start(struct start_info *info);
void pvh_start(const struct hvm_start_info *info);
void pvh_trapped(const unsigned long *stack);

#endif
