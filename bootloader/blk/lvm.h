/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LVM2: linear and striped logical volumes over the physical volumes of one guest. Thin,
 * cached, mirrored and RAID volumes are left out, and named in `note`.
 */
#ifndef BLK_LVM_H
#define BLK_LVM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct blk;
struct budget;

enum { LVM_PVS = 16, LVM_LVS = 64, LVM_SEGMENTS = 64, LVM_STRIPES = 8, LVM_NAME = 128,
	LVM_ID = 40 };

struct lvm_segment {
	uint64_t start, len;		/* bytes of the volume */
	uint64_t stripe_size;		/* bytes */
	unsigned int nr_stripes;	/* 1: linear */
	struct lvm_stripe {
		char pv[LVM_NAME];	/* as the metadata calls it */
		uint64_t at;		/* bytes from the start of pv */
		struct blk *blk;	/* borrowed */
	} stripe[LVM_STRIPES];
};

struct lvm_lv {
	char vg[LVM_NAME], name[LVM_NAME];
	char vg_id[LVM_ID], id[LVM_ID];
	size_t nr;
	struct lvm_segment *segment;	/* owned */
	char note[200];			/* why it cannot be read, or "" */
};

struct lvm {
	size_t nr;
	struct lvm_lv *lv;		/* owned */
};

void scoped_lvm(struct lvm *lvm);

/*
 * Finds the volume groups on those of blks that are physical volumes. A damaged one is
 * left out; errors are lack of memory and budget only.
 */
int lvm_read(struct blk *const *blks, size_t nr, struct lvm *out, struct err *err) must_check;

/* Takes the segments out of lv, which must have no note. */
int lvm_open(struct lvm_lv *lv, struct budget *budget, struct blk **out, struct err *err) must_check;

#endif
