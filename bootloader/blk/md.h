/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members of Linux software RAID1 whose data does not begin with the device (superblock 1.1, 1.2). */
#ifndef BLK_MD_H
#define BLK_MD_H

#include <stdint.h>

#include "base/err.h"

struct blk;

struct md {
	int level;		/* 1: a mirror */
	uint64_t start, size;	/* the data, bytes */
	char name[40];		/* as mdadm --name has it, without the host's */
	char uuid[33];		/* hexadecimal */
};

/* 1: it is a member; 0: it is none. */
int md_read(struct blk *blk, struct md *md, struct err *err) must_check;

#endif
