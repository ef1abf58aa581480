/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members of Linux software RAID: superblocks of version 0.90, 1.0, 1.1 and 1.2. */
#ifndef BLK_MD_H
#define BLK_MD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct blk;

struct md {
	int level;		/* 1: a mirror */
	uint64_t start, size;	/* the data, bytes */
	uint64_t events;	/* the member with the most is up to date; 0: it is not in step */
	char name[40];		/* as mdadm --name has it, without the host's; a number with 0.90 */
	char uuid[33];		/* hexadecimal */
};

/* 1: it is a member; 0: it is none. */
int md_read(struct blk *blk, struct md *md, struct err *err) must_check;

#endif
