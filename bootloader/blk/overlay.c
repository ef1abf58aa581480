/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "overlay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "blk.h"
#include "bytes.h"

/* An open hash table of sectors, at most half full. */
struct overlay {
	struct blk blk;
	struct blk *below;
	size_t nr, slots;	/* a power of two */
	uint64_t *number;	/* of the sector plus one; 0: a free slot */
	uint8_t (*data)[OVERLAY_SECTOR];
};

static size_t find(const struct overlay *o, uint64_t sector)
{
	size_t slot = (size_t)(sector * 0x9e3779b97f4a7c15ull >> 20) & (o->slots - 1);

	while (o->number[slot] && o->number[slot] != sector + 1)
		slot = (slot + 1) & (o->slots - 1);
	return slot;
}

static int resize(struct overlay *o, size_t slots, struct err *err)
{
	struct overlay bigger = { .slots = slots };

	bigger.number = calloc(slots, sizeof(*bigger.number));
	bigger.data = malloc(slots * sizeof(*bigger.data));
	if (!bigger.number || !bigger.data) {
		free(bigger.number);
		free(bigger.data);
		return fail_nomem(err);
	}
	for (size_t i = 0; i < o->slots; i++) {
		size_t slot;

		if (!o->number[i])
			continue;
		slot = find(&bigger, o->number[i] - 1);
		bigger.number[slot] = o->number[i];
		memcpy(bigger.data[slot], o->data[i], OVERLAY_SECTOR);
	}
	free(o->number);
	free(o->data);
	o->slots = slots;
	o->number = bigger.number;
	o->data = bigger.data;
	return 0;
}

static int read_through(struct blk *blk, uint64_t offset, void *buf, size_t len, struct err *err)
{
	struct overlay *o = (struct overlay *)blk;
	uint8_t *to = buf;
	int rc = blk_read(o->below, offset, buf, len, err);

	if (rc < 0 || !o->nr)
		return rc;
	while (len) {
		size_t skip = offset % OVERLAY_SECTOR;
		size_t part = len < OVERLAY_SECTOR - skip ? len : OVERLAY_SECTOR - skip;
		size_t slot = find(o, offset / OVERLAY_SECTOR);

		if (o->number[slot])
			memcpy(to, o->data[slot] + skip, part);
		to += part;
		offset += part;
		len -= part;
	}
	return 0;
}

static void overlay_close(struct blk *blk)
{
	struct overlay *o = (struct overlay *)blk;

	free(o->number);
	free(o->data);
	free(o);
}

int overlay_open(struct blk *below, struct blk **out, struct err *err)
{
	static const struct blk_ops ops = { read_through, overlay_close };
	struct overlay *o = calloc(1, sizeof(*o));
	int rc;

	if (!o)
		return fail_nomem(err);
	o->blk = (struct blk){ &ops, below->size, below->sector, below->budget };
	o->below = below;
	rc = resize(o, 256, err);
	if (rc < 0) {
		free(o);
		return rc;
	}
	*out = &o->blk;
	return 0;
}

/* The slot of a sector, with what is below it when it is new. */
static int slot_for(struct overlay *o, uint64_t sector, size_t *slot, struct err *err)
{
	uint64_t at = sector * OVERLAY_SECTOR;
	int rc;

	*slot = find(o, sector);
	if (o->number[*slot])
		return 0;
	if (o->nr == OVERLAY_SECTORS_MAX)
		return fail(err, EFBIG, "its log has too much in it");
	if (o->nr * 2 >= o->slots) {
		rc = resize(o, o->slots * 2, err);
		if (rc < 0)
			return rc;
		*slot = find(o, sector);
	}
	memset(o->data[*slot], 0, OVERLAY_SECTOR);
	rc = blk_read(o->below, at, o->data[*slot], o->blk.size - at < OVERLAY_SECTOR ?
		      (size_t)(o->blk.size - at) : OVERLAY_SECTOR, err);
	if (rc < 0)
		return rc;
	o->number[*slot] = sector + 1;
	o->nr++;
	return 0;
}

int overlay_write(struct blk *blk, uint64_t offset, const void *data, size_t len, struct err *err)
{
	struct overlay *o = (struct overlay *)blk;
	const uint8_t *from = data;

	if (!inside(offset, len, blk->size))
		return fail(err, ENODATA, "its log writes beyond its end");
	while (len) {
		size_t skip = offset % OVERLAY_SECTOR, slot;
		size_t part = len < OVERLAY_SECTOR - skip ? len : OVERLAY_SECTOR - skip;
		int rc = slot_for(o, offset / OVERLAY_SECTOR, &slot, err);

		if (rc < 0)
			return rc;
		memcpy(o->data[slot] + skip, from, part);
		from += part;
		offset += part;
		len -= part;
	}
	return 0;
}
