/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a disk's first and last sector say it is. Pure. For warnings only: a guest writes
 * these bytes, so nobody may choose a parser by them.
 */
#ifndef DEVICES_IMAGEHEAD_H
#define DEVICES_IMAGEHEAD_H

#include <stddef.h>

enum { IMAGEHEAD_SECTOR = 512 };

/* "qcow2", "qcow", "vhd", "vhdx", "vmdk", "qed", "vdi"; NULL: nothing known. */
const char *imagehead_format(const void *first, size_t first_len, const void *last,
			     size_t last_len);

#endif
