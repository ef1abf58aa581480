/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "config/lists.h"
#include "config/types.h"

const struct key_row *key_find(const struct key_row *rows, size_t nr, const char *name)
{
	for (size_t i = 0; i < nr; i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

const char *key_nearest(const struct key_row *rows, size_t nr, const char *name)
{
	size_t len = strlen(name), best = len < 4 ? 2 : len < 8 ? 3 : 4;
	const char *nearest = NULL;

	for (size_t i = 0; i < nr; i++) {
		size_t distance = str_distance(name, rows[i].name);

		if (distance < best) {
			best = distance;
			nearest = rows[i].name;
		}
	}
	return nearest;
}

int key_add_str(struct str_list *list, const char *text, struct err *err)
{
	char **items = reallocarray(list->items, list->nr + 1, sizeof(*items));

	if (!items)
		return fail_nomem(err);
	list->items = items;
	items[list->nr] = strdup(text);
	if (!items[list->nr])
		return fail_nomem(err);
	list->nr++;
	return 0;
}

int key_set_str(char **at, const char *text, struct err *err)
{
	char *copy = strdup(text);

	if (!copy)
		return fail_nomem(err);
	free(*at);
	*at = copy;
	return 0;
}

static int at_value(const struct cfg_value *at, struct err *err)
{
	return fail_in(err, "%s:%u:%u", at->origin, at->line, at->col);
}

int key_fail(const struct cfg_value *at, struct err *err, const char *fmt, ...)
{
	va_list ap;

	err->code = EINVAL;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return at_value(at, err);
}

int key_warn(struct key_reader *r, const struct cfg_value *at, struct err *err, const char *fmt,
	     ...)
{
	scoped(free) char *line = NULL;
	char text[sizeof(err->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	line = str_format("%s:%u:%u: %s", at->origin, at->line, at->col, text);
	return line ? key_add_str(&r->warnings->list, line, err) : fail_nomem(err);
}

int key_complain(struct key_reader *r, const struct cfg_value *at, struct err *err,
		 const char *fmt, ...)
{
	char text[sizeof(err->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (r->strict)
		return key_fail(at, err, "%s", text);
	return key_warn(r, at, err, "%.480s; it is ignored", text);
}

int key_text(struct key_reader *r, const struct cfg_setting *s, const char **out,
	     struct err *err)
{
	*out = s->value.kind == CFG_ATOM ? s->value.text : NULL;
	return *out ? 0 : key_complain(r, &s->value, err, "'%s' is a list but should be a single "
				       "value", s->name);
}

int key_number(const char *text, int64_t *out)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 0);
	if (errno || end == text || *end)
		return -EINVAL;
	*out = value;
	return 0;
}

/* A bad value: an error where going on without it would be another guest. */
static int bad_value(struct key_reader *r, const struct key_row *row, const struct cfg_setting *s,
		     const char *what, struct err *err)
{
	char safe[64];

	str_escape(s->value.text, s->value.len, safe, sizeof(safe));
	if (row->must)
		return key_fail(&s->value, err, "%s: '%s' %s", s->name, safe, what);
	return key_complain(r, &s->value, err, "%s: '%s' %s", s->name, safe, what);
}

/* *given tells whether there is a number to use. */
static int read_number(struct key_reader *r, const struct key_row *row,
		       const struct cfg_setting *s, int64_t *out, bool *given, struct err *err)
{
	const char *text;
	int rc = key_text(r, s, &text, err);

	*given = false;
	if (rc < 0 || !text)
		return rc;
	if (s->added)
		return bad_value(r, row, s, "was put together with +=, which numbers cannot be",
				 err);
	if (key_number(text, out) < 0)
		return bad_value(r, row, s, "is not a number", err);
	*given = true;
	return 0;
}

static int read_int(struct key_reader *r, const struct key_row *row, const struct cfg_setting *s,
		    void *at, struct err *err)
{
	const char *unit = row->kind == KEY_MIB ? " MiB" : "";
	bool any = row->min == 0 && row->max == 0;
	int64_t min = any ? INT32_MIN : row->min, max = any ? INT32_MAX : row->max;
	int64_t value;
	bool given;
	int rc = read_number(r, row, s, &value, &given, err);

	if (rc < 0 || !given)
		return rc;
	if (value < min || value > max)
		return key_fail(&s->value, err,
				"%s: %" PRId64 " is out of range, it must be %" PRId64
				" to %" PRId64 "%s",
				s->name, value, min, max, unit);
	if (row->kind == KEY_MIB)
		*(uint64_t *)at = (uint64_t)value * 1024;
	else
		*(uint32_t *)at = (uint32_t)value;
	return 0;
}

static int read_enum(struct key_reader *r, const struct key_row *row, const struct cfg_setting *s,
		     int *at, struct err *err)
{
	const char *text;
	char safe[64];
	int64_t number;
	int value, rc = key_text(r, s, &text, err);

	if (rc < 0 || !text)
		return rc;
	value = names_find(row->names, text, false);
	if (row->kind == KEY_ENUM_NUM && key_number(text, &number) == 0) {
		value = number < 0 || number > INT32_MAX / 2 ? -1 : (int)(number + row->min);
		if (names_get(row->names, value, false) && row->note)
			rc = key_warn(r, &s->value, err,
				      "specifying \"%s\" as an integer is deprecated. "
				      "Please use the named parameter variant. e.g. %s=\"%s\"",
				      row->name, row->name, names_get(row->names, value, false));
		if (rc < 0)
			return rc;
	}
	if (!names_get(row->names, value, false)) {
		spec_bad_enum(row->name, row->names,
			      str_escape(text, strlen(text), safe, sizeof(safe)), err);
		return at_value(&s->value, err);
	}
	*at = value;
	return 0;
}

static int read_strs(struct key_reader *r, const struct cfg_setting *s, struct str_list *list,
		     struct err *err)
{
	if (s->value.kind != CFG_LIST)
		return key_complain(r, &s->value, err,
				    "'%s' is a single value but should be a list", s->name);
	for (size_t i = 0; i < s->value.nr; i++) {
		const struct cfg_value *item = &s->value.items[i];
		int rc;

		if (item->kind == CFG_LIST)
			return key_fail(item, err, "%s: expected a string", s->name);
		rc = key_add_str(list, item->text, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_list(struct key_reader *r, const struct key_row *row, const struct cfg_setting *s,
		     struct err *err)
{
	if (s->value.kind != CFG_LIST)
		return key_complain(r, &s->value, err,
				    "'%s' is a single value but should be a list", s->name);
	for (size_t i = 0; i < s->value.nr; i++) {
		const struct cfg_value *item = &s->value.items[i];
		char safe[64];

		if (item->kind == CFG_LIST)
			return key_fail(item, err, "%s: expected a string", s->name);
		r->at = item;
		if (list_parse(row->list, r->config, item->text, &r->defaults, err) < 0) {
			str_escape(item->text, item->len, safe, sizeof(safe));
			fail_in(err, "%s '%s'", s->name, safe);
			return at_value(item, err);
		}
	}
	return 0;
}

int key_read(struct key_reader *r, const struct key_row *row, const struct cfg_setting *s,
	     struct err *err)
{
	char *at = (char *)r->base + row->offset;
	const char *text;
	int64_t number;
	bool given;
	int rc;

	r->at = &s->value;
	switch (row->kind) {
	case KEY_STR:
		rc = key_text(r, s, &text, err);
		return rc < 0 || !text ? rc : key_set_str((char **)at, text, err);
	case KEY_BOOL:
		rc = read_number(r, row, s, &number, &given, err);
		if (rc == 0 && given)
			*(enum tri *)at = number ? TRI_TRUE : TRI_FALSE;
		return rc;
	case KEY_INT:
	case KEY_MIB:
		return read_int(r, row, s, at, err);
	case KEY_ENUM:
	case KEY_ENUM_NUM:
		return read_enum(r, row, s, (int *)at, err);
	case KEY_STRS:
		return read_strs(r, s, (struct str_list *)at, err);
	case KEY_STR_OR_STRS:
		if (s->value.kind == CFG_ATOM)
			return key_set_str((char **)at, s->value.text, err);
		return read_strs(r, s, (struct str_list *)((char *)r->base + row->second), err);
	case KEY_LIST:
		return read_list(r, row, s, err);
	case KEY_PARSE:
		return row->parse(r, row, s, err);
	case KEY_ELSEWHERE:
		break;
	}
	return 0;
}

int key_collect(struct key_reader *r, int rc, struct err *err)
{
	if (rc >= 0 || rc == -ENOMEM || !r->warnings || !r->warnings->errors)
		return rc;
	r->failed = true;
	return key_add_str(r->warnings->errors, err->msg, err);
}

int key_read_all(struct key_reader *r, const struct key_row *rows, size_t nr, unsigned int type,
		 struct err *err)
{
	for (size_t i = 0; i < nr; i++) {
		const struct cfg_setting *s = cfg_find(r->cfg, rows[i].name);
		int rc = 0;

		if (!s || (type && !(rows[i].types & type)))
			continue;
		if (rows[i].note && rows[i].kind != KEY_ENUM_NUM)
			rc = key_warn(r, &s->value, err, "%s", rows[i].note);
		if (rc == 0)
			rc = key_read(r, &rows[i], s, err);
		rc = key_collect(r, rc, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int key_check_known(struct key_reader *r, const struct key_row *rows, size_t nr, struct err *err)
{
	for (size_t i = 0; i < r->cfg->nr; i++) {
		const struct cfg_setting *s = &r->cfg->settings[i];
		struct cfg_value at = { .origin = s->origin, .line = s->line, .col = s->col };
		const char *near;
		int rc;

		if (key_find(rows, nr, s->name))
			continue;
		near = key_nearest(rows, nr, s->name);
		rc = key_complain(r, &at, err, "unknown key '%.64s'%s%s%s", s->name,
				  near ? " (did you mean '" : "", near ? near : "",
				  near ? "'?)" : "");
		rc = key_collect(r, rc, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
