/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cpuid=: both "host,feature=0,..." and xend's list of "LEAF[,SUBLEAF]:ecx=BITS".
 * What comes out is what xc_cpuid_apply_policy() takes (struct xc_xend_cpuid and
 * xc_msr in xenctrl.h): one character per bit, the highest first:
 * 1, 0, x (default), k (keep the host's), s (like k, constant over migration).
 */
#ifndef CONFIG_CPUID_H
#define CONFIG_CPUID_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

#define CPUID_UNUSED UINT32_MAX		/* XEN_CPUID_INPUT_UNUSED: no subleaf */

enum { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX, CPUID_REGS };

struct cpuid_leaf {
	uint32_t leaf, subleaf;
	char policy[CPUID_REGS][33];	/* "" for a register that nothing is said about */
};

struct cpuid_msr {
	uint32_t index;
	char policy[65];
};

struct cpuid {
	struct cpuid_leaf *leaves;	/* owned, in the order of first mention */
	unsigned int nr_leaves;
	struct cpuid_msr *msrs;		/* owned */
	unsigned int nr_msrs;
};

#define CPUID_INIT { .leaves = NULL }

/*
 * The string form. xl prints a complaint about a bad part and starts the guest
 * without it; here it is an error, because a guest that was to be kept from a
 * feature would silently have it.
 */
int cpuid_parse(const char *text, struct cpuid *out, struct err *err) must_check;
/* One item of the list form, added to what is there. */
int cpuid_add(struct cpuid *cpuid, const char *item, struct err *err) must_check;
void cpuid_free(struct cpuid *cpuid);
/* {"cpuid": [...], "msr": [...]} as libxl 4.17.7 has it. */
int cpuid_to_json(const struct cpuid *cpuid, json_t **out, struct err *err) must_check;
/* Also the array without MSRs that earlier libxls wrote. */
int cpuid_from_json(json_t *json, struct cpuid *out, struct err *err) must_check;

static inline void scoped_cpuid(struct cpuid *cpuid)
{
	cpuid_free(cpuid);
}

#endif
