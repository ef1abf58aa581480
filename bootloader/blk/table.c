/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <errno.h>
#include <stdio.h>

#include "blk.h"

bool table_add(struct blk *disk, struct table *table, const struct part *part)
{
	struct part *p;

	if (table->nr == TABLE_PARTS)
		return false;
	if (!part->size)
		return true;
	if (part->start >= disk->size) {
		snprintf(table->note, sizeof(table->note), "partition %u begins beyond the end of "
			 "the disk", part->nr);
		return true;
	}
	p = &table->parts[table->nr++];
	*p = *part;
	if (p->size > disk->size - p->start) {
		p->size = disk->size - p->start;
		snprintf(table->note, sizeof(table->note), "partition %u ends beyond the end of "
			 "the disk", p->nr);
	}
	return true;
}

int table_read(struct blk *disk, struct table *table, struct err *err)
{
	struct table mbr = { .kind = TABLE_NONE };
	bool protective = false;
	int rc;

	*table = mbr;
	rc = mbr_read(disk, &mbr, &protective, err);
	if (rc == -ENODATA)
		return 0;
	if (rc < 0)
		return rc;
	if (protective) {
		rc = gpt_read(disk, table, err);
		if (rc != -ENODATA)
			return rc;
		snprintf(mbr.note, sizeof(mbr.note), "its MBR announces a GPT, but neither header "
			 "of that is intact");
	}
	*table = mbr;
	return 0;
}
