/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table in guest memory that hvmloader reads: xen/hvm/hvm_info_table.h. Pure. */
#ifndef BUILDERS_HVMINFO_H
#define BUILDERS_HVMINFO_H

#include <stdbool.h>

struct hvm_info_table;

/*
 * Says how many vcpus there are, that the first online ones run at start, and whether there are
 * APICs; the rest of a table with a valid checksum stays, and it stays valid.
 */
void hvminfo_set(struct hvm_info_table *info, unsigned int max_vcpus, unsigned int online,
		 bool apic);

#endif
