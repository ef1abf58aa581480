/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A physical volume has a label in one of its first sectors, which leads to a ring of
 * metadata texts; the one in use describes the whole volume group.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "blk.h"
#include "bootloader/bootloader.h"
#include "bytes.h"
#include "lvm.h"

enum {
	SECTOR = 512, LABEL_SECTORS = 4, LABEL_OFFSET = 20, LABEL_TYPE = 24,
	PV_ID = 32, PV_AREAS = 40, AREA_LEN = 16, AREAS_MAX = 8,
	MDA_MAGIC = 4, MDA_SIZE = 32, MDA_TEXT = 40, MDA_TEXT_SIZE = 48, MDA_HEADER = 512,
	TEXT_MAX = 4 << 20, DEPTH_MAX = 8,
};

struct pv {
	struct blk *blk;
	char id[LVM_ID];		/* with its dashes, as in texts */
	char *text;			/* owned: the metadata */
	uint64_t seqno;			/* of text: counts the changes of the volume group */
};

/* Where a text stands in its sections. */
struct parse {
	const char *p;
	struct blk *blk;		/* for the budget */
	unsigned int depth;
	char section[DEPTH_MAX][LVM_NAME];
	char key[LVM_NAME], value[LVM_NAME];
	uint64_t number;
	/* What has been read. */
	uint64_t seqno;
	uint64_t extent_size;		/* bytes */
	char vg_id[LVM_ID];
	struct group_pv {
		char name[LVM_NAME], id[LVM_ID];
		uint64_t start;
	} pv[LVM_PVS];
	size_t nr_pvs;
	struct lvm *out;
	struct lvm_lv *lv;
};

/* 32 characters in groups of 6-4-4-4-4-4-6. */
static void id_text(const uint8_t *raw, char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < PV_ID; i++) {
		if (i == 6 || (i > 6 && i < 30 && (i - 6) % 4 == 0))
			text[n++] = '-';
		text[n++] = (char)raw[i];
	}
	text[n] = '\0';
}

/* The ring of texts: what does not fit behind goes on after the header. */
static int read_text(struct pv *pv, uint64_t at, struct err *err)
{
	static const char magic[] = " LVM2 x[5A%r0N*>";
	uint8_t h[MDA_HEADER];
	uint64_t offset, len, size, first;
	scoped(free) char *text = NULL;
	int rc;

	if (!inside(at, sizeof(h), pv->blk->size))
		return 0;
	rc = blk_read(pv->blk, at, h, sizeof(h), err);
	if (rc < 0)
		return rc;
	size = get_le64(h + MDA_SIZE);
	offset = get_le64(h + MDA_TEXT);
	len = get_le64(h + MDA_TEXT_SIZE);
	if (memcmp(h + MDA_MAGIC, magic, sizeof(magic) - 1) != 0 || !len || len > TEXT_MAX ||
	    !inside(at, size, pv->blk->size) || offset < MDA_HEADER || offset >= size ||
	    len > size - MDA_HEADER)
		return 0;
	text = malloc((size_t)len + 1);
	if (!text)
		return fail_nomem(err);
	first = len < size - offset ? len : size - offset;
	rc = blk_read(pv->blk, at + offset, text, (size_t)first, err);
	if (rc == 0)
		rc = blk_read(pv->blk, at + MDA_HEADER, text + first, (size_t)(len - first), err);
	text[len] = '\0';
	if (rc == 0)
		pv->text = take(text);
	return rc;
}

/* Data areas, a zero, metadata areas, a zero. */
static int read_areas(struct pv *pv, const uint8_t *p, const uint8_t *end, struct err *err)
{
	bool metadata = false;
	int rc = 0;

	for (; p + AREA_LEN <= end && rc == 0 && !pv->text; p += AREA_LEN) {
		uint64_t at = get_le64(p);

		if (!at && metadata)
			break;
		if (!at)
			metadata = true;
		else if (metadata)
			rc = read_text(pv, at, err);
	}
	return rc;
}

static int read_pv(struct blk *blk, struct pv *pv, struct err *err)
{
	uint8_t s[SECTOR];

	pv->blk = NULL;
	for (uint64_t i = 0; i < LABEL_SECTORS && inside(i * SECTOR, SECTOR, blk->size); i++) {
		uint32_t at;
		int rc = blk_read(blk, i * SECTOR, s, sizeof(s), err);

		if (rc < 0)
			return rc;
		at = get_le32(s + LABEL_OFFSET);
		if (memcmp(s, "LABELONE", 8) != 0 || memcmp(s + LABEL_TYPE, "LVM2 001", 8) != 0 ||
		    at > SECTOR - PV_AREAS)
			continue;
		pv->blk = blk;
		id_text(s + at, pv->id);
		return read_areas(pv, s + at + PV_AREAS, s + sizeof(s), err);
	}
	return 0;
}

static void skip_blanks(struct parse *t)
{
	for (;;) {
		t->p += strspn(t->p, " \t\r\n,");
		if (*t->p != '#')
			return;
		t->p += strcspn(t->p, "\n");
	}
}

/* A name, a number, or what stands between quotes; false where it does not fit. */
static bool word(struct parse *t, char *to)
{
	bool quoted = *t->p == '"';
	size_t len;

	t->p += quoted;
	len = strcspn(t->p, quoted ? "\"" : " \t\r\n=,{}[]#\"");
	if (!len || len >= LVM_NAME)
		return false;
	memcpy(to, t->p, len);
	to[len] = '\0';
	t->p += len;
	if (quoted && *t->p++ != '"')
		return false;
	return true;
}

static bool in(const struct parse *t, unsigned int depth, const char *section)
{
	return t->depth >= depth && strcmp(t->section[depth - 1], section) == 0;
}

static bool is(const struct parse *t, const char *key)
{
	return strcmp(t->key, key) == 0;
}

static void cannot(struct lvm_lv *lv, const char *what)
{
	char shown[80];

	snprintf(lv->note, sizeof(lv->note), "%s: not read here: " BOOT_ADVICE,
		 str_escape(what, strlen(what), shown, sizeof(shown)));
}

static void is_bad(struct lvm_lv *lv, const char *why)
{
	snprintf(lv->note, sizeof(lv->note), "%s", why);
}

static bool begin_section(struct parse *t)
{
	if (t->depth == DEPTH_MAX)
		return false;
	strcpy(t->section[t->depth++], t->key);
	if (t->depth == 3 && in(t, 2, "physical_volumes")) {
		if (t->nr_pvs == LVM_PVS)
			return false;
		strcpy(t->pv[t->nr_pvs++].name, t->key);
	}
	if (t->depth == 3 && in(t, 2, "logical_volumes")) {
		struct lvm_lv *lv = &t->out->lv[t->out->nr];

		if (t->out->nr == LVM_LVS)
			return false;
		*lv = (struct lvm_lv){ .nr = 0 };
		lv->segment = calloc(LVM_SEGMENTS, sizeof(*lv->segment));
		if (!lv->segment)
			return false;
		t->out->nr++;
		t->lv = lv;
		strcpy(lv->name, t->key);
		strcpy(lv->vg, t->section[0]);
		snprintf(lv->vg_id, sizeof(lv->vg_id), "%s", t->vg_id);
	}
	if (t->depth == 4 && in(t, 2, "logical_volumes")) {
		if (t->lv->nr == LVM_SEGMENTS)
			return false;
		t->lv->nr++;
	}
	return true;
}

static bool bytes_of(uint64_t extents, uint64_t size, uint64_t *out)
{
	return !__builtin_mul_overflow(extents, size, out) && *out < 1ull << 60;
}

static bool segment_value(struct parse *t, struct lvm_segment *s)
{
	if (is(t, "start_extent"))
		return bytes_of(t->number, t->extent_size, &s->start);
	if (is(t, "extent_count"))
		return bytes_of(t->number, t->extent_size, &s->len);
	if (is(t, "stripe_size"))
		return bytes_of(t->number, SECTOR, &s->stripe_size);
	if (is(t, "type") && strcmp(t->value, "striped") != 0)
		cannot(t->lv, t->value);
	return true;
}

static bool value(struct parse *t)
{
	t->number = strtoull(t->value, NULL, 10);
	if (t->depth == 1 && is(t, "id"))
		snprintf(t->vg_id, sizeof(t->vg_id), "%.39s", t->value);
	else if (t->depth == 1 && is(t, "seqno"))
		t->seqno = t->number;
	else if (t->depth == 1 && is(t, "extent_size"))
		return bytes_of(t->number, SECTOR, &t->extent_size) && t->extent_size;
	else if (t->depth == 3 && in(t, 2, "physical_volumes") && is(t, "id"))
		snprintf(t->pv[t->nr_pvs - 1].id, sizeof(t->pv[0].id), "%.39s", t->value);
	else if (t->depth == 3 && in(t, 2, "physical_volumes") && is(t, "pe_start"))
		return bytes_of(t->number, SECTOR, &t->pv[t->nr_pvs - 1].start);
	else if (t->depth == 3 && in(t, 2, "logical_volumes") && is(t, "id"))
		snprintf(t->lv->id, sizeof(t->lv->id), "%.39s", t->value);
	else if (t->depth == 4 && in(t, 2, "logical_volumes"))
		return segment_value(t, &t->lv->segment[t->lv->nr - 1]);
	return true;
}

/* One value of a list; only those of stripes matter: pairs of a name and an extent. */
static bool list_value(struct parse *t, unsigned int index)
{
	struct lvm_segment *s;
	struct lvm_stripe *stripe;

	if (t->depth != 4 || !in(t, 2, "logical_volumes") || !is(t, "stripes"))
		return true;
	s = &t->lv->segment[t->lv->nr - 1];
	if (index / 2 == LVM_STRIPES)
		return false;
	stripe = &s->stripe[index / 2];
	s->nr_stripes = index / 2 + 1;
	if (index % 2 == 0) {
		strcpy(stripe->pv, t->value);
		return true;
	}
	return bytes_of(strtoull(t->value, NULL, 10), t->extent_size, &stripe->at);
}

static bool list(struct parse *t)
{
	for (unsigned int i = 0;; i++) {
		skip_blanks(t);
		if (*t->p == ']') {
			t->p++;
			return true;
		}
		if (!word(t, t->value) || !list_value(t, i))
			return false;
	}
}

/* One "key = value", "section {" or "}"; false where it ends or is damaged. */
static bool statement(struct parse *t)
{
	skip_blanks(t);
	if (*t->p == '}') {
		t->p++;
		return t->depth-- > 0;
	}
	if (!word(t, t->key))
		return false;
	skip_blanks(t);
	if (*t->p == '{') {
		t->p++;
		return begin_section(t);
	}
	if (*t->p++ != '=')
		return false;
	skip_blanks(t);
	if (*t->p == '[') {
		t->p++;
		return list(t);
	}
	return word(t, t->value) && value(t);
}

/* Finds the devices of a volume's segments; what is not whole gets a note. */
static void resolve(struct parse *t, struct lvm_lv *lv, const struct pv *pvs, size_t nr)
{
	uint64_t end = 0;

	for (size_t i = 0; i < lv->nr && !lv->note[0]; i++) {
		struct lvm_segment *s = &lv->segment[i];

		if (!s->nr_stripes || s->start != end || !s->len ||
		    (s->nr_stripes > 1 && (!s->stripe_size || s->len % s->nr_stripes)))
			is_bad(lv, "a damaged volume");
		end = s->start + s->len;
		for (unsigned int k = 0; k < s->nr_stripes; k++) {
			struct lvm_stripe *stripe = &s->stripe[k];
			const char *id = "";

			for (size_t n = 0; n < t->nr_pvs; n++) {
				if (strcmp(t->pv[n].name, stripe->pv) == 0) {
					id = t->pv[n].id;
					stripe->at += t->pv[n].start;
				}
			}
			for (size_t n = 0; n < nr; n++) {
				if (pvs[n].blk && strcmp(pvs[n].id, id) == 0)
					stripe->blk = pvs[n].blk;
			}
			if (!stripe->blk)
				is_bad(lv, "a volume on a missing disk");
		}
	}
	if (!lv->nr)
		is_bad(lv, "an empty volume");
}

/* It comes before the sections. */
static int read_seqno(struct pv *pv, struct err *err)
{
	scoped(free) struct parse *t = calloc(1, sizeof(*t));
	int rc = 0;

	if (!t)
		return fail_nomem(err);
	t->p = pv->text;
	do
		rc = blk_step(pv->blk, err);
	while (rc == 0 && !t->seqno && t->depth < 2 && statement(t));
	pv->seqno = t->seqno;
	return rc;
}

/* A disk that was away while the group changed has an older text. */
static struct pv *newest(struct pv *pvs, size_t nr)
{
	struct pv *best = NULL;

	for (size_t i = 0; i < nr; i++) {
		if (pvs[i].text && (!best || pvs[i].seqno > best->seqno))
			best = &pvs[i];
	}
	return best;
}

/* The groups whose texts were read. */
struct groups {
	size_t nr;
	char id[LVM_PVS][LVM_ID];
};

/* A text that was read before, from another volume of the group; a new one is known from now on. */
static bool known(struct groups *groups, const char *id)
{
	for (size_t i = 0; i < groups->nr; i++) {
		if (strcmp(groups->id[i], id) == 0)
			return true;
	}
	strcpy(groups->id[groups->nr++], id);
	return false;
}

static int read_group(const struct pv *pvs, size_t nr, const struct pv *from,
		      struct groups *groups, struct lvm *out, struct err *err)
{
	scoped(free) struct parse *t = calloc(1, sizeof(*t));
	size_t first = out->nr;
	int rc = 0;

	if (!t)
		return fail_nomem(err);
	t->p = from->text;
	t->out = out;
	do
		rc = blk_step(from->blk, err);
	while (rc == 0 && statement(t));
	/* Damaged in the middle: what is whole may still be of use. */
	if (known(groups, t->vg_id)) {
		for (; out->nr > first; out->nr--)
			free(out->lv[out->nr - 1].segment);
		return rc;
	}
	for (size_t i = first; i < out->nr; i++)
		resolve(t, &out->lv[i], pvs, nr);
	return rc;
}

int lvm_read(struct blk *const *blks, size_t nr, struct lvm *out, struct err *err)
{
	scoped(lvm) struct lvm lvm = { .nr = 0 };
	struct pv pvs[LVM_PVS] = { { NULL, "", NULL, 0 } }, *pv;
	struct groups groups = { .nr = 0 };
	size_t found = 0;
	int rc = 0;

	lvm.lv = calloc(LVM_LVS, sizeof(*lvm.lv));
	if (!lvm.lv)
		return fail_nomem(err);
	for (size_t i = 0; i < nr && found < LVM_PVS && rc == 0; i++) {
		rc = read_pv(blks[i], &pvs[found], err);
		/* A damaged one is none; only the rest of a run's means end all. */
		rc = rc == -ENOMEM || rc == -ETIME ? rc : 0;
		if (rc == 0 && pvs[found].text)
			rc = read_seqno(&pvs[found], err);
		found += pvs[found].blk != NULL;
	}
	while (rc == 0 && (pv = newest(pvs, found))) {
		rc = read_group(pvs, found, pv, &groups, &lvm, err);
		free(pv->text);
		pv->text = NULL;
	}
	for (size_t i = 0; i < LVM_PVS; i++)
		free(pvs[i].text);
	if (rc == 0) {
		*out = lvm;
		lvm = (struct lvm){ .nr = 0 };
	}
	return rc;
}

void scoped_lvm(struct lvm *lvm)
{
	int saved = errno;

	for (size_t i = 0; i < lvm->nr; i++)
		free(lvm->lv[i].segment);
	free(lvm->lv);
	*lvm = (struct lvm){ .nr = 0 };
	errno = saved;
}

struct volume {
	struct blk blk;
	size_t nr;
	struct lvm_segment *segment;	/* owned */
};

/* Where a byte of a segment is, and how many follow it there. */
static struct blk *locate(const struct lvm_segment *s, uint64_t within, uint64_t *at, uint64_t *len)
{
	uint64_t chunk, skip;
	unsigned int i;

	if (s->nr_stripes == 1) {
		*at = s->stripe[0].at + within;
		*len = s->len - within;
		return s->stripe[0].blk;
	}
	chunk = within / s->stripe_size;
	skip = within % s->stripe_size;
	i = (unsigned int)(chunk % s->nr_stripes);
	*at = s->stripe[i].at + chunk / s->nr_stripes * s->stripe_size + skip;
	*len = s->stripe_size - skip;
	return s->stripe[i].blk;
}

static int volume_read(struct blk *blk, uint64_t offset, void *buf, size_t len, struct err *err)
{
	struct volume *v = (struct volume *)blk;
	uint8_t *to = buf;
	size_t i = 0;

	while (len) {
		uint64_t at, part;
		struct blk *from;
		int rc = blk_step(blk, err);

		while (i < v->nr && offset >= v->segment[i].start + v->segment[i].len)
			i++;
		if (rc == 0 && i == v->nr)
			return fail(err, EIO, "the volume ends too early");
		if (rc < 0)
			return rc;
		from = locate(&v->segment[i], offset - v->segment[i].start, &at, &part);
		part = part < len ? part : len;
		rc = blk_read(from, at, to, (size_t)part, err);
		if (rc < 0)
			return rc;
		to += part;
		offset += part;
		len -= (size_t)part;
	}
	return 0;
}

static void volume_close(struct blk *blk)
{
	free(((struct volume *)blk)->segment);
	free(blk);
}

int lvm_open(struct lvm_lv *lv, struct budget *budget, struct blk **out, struct err *err)
{
	static const struct blk_ops ops = { volume_read, volume_close };
	const struct lvm_segment *last = &lv->segment[lv->nr - 1];
	struct volume *v = calloc(1, sizeof(*v));

	if (!v)
		return fail_nomem(err);
	v->blk = (struct blk){ .ops = &ops, .size = last->start + last->len, .budget = budget };
	v->nr = lv->nr;
	v->segment = take(lv->segment);
	lv->nr = 0;
	*out = &v->blk;
	return 0;
}
