/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/spec.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"

static const void *at(const void *obj, size_t offset)
{
	return (const char *)obj + offset;
}

static bool all_zero(const uint8_t *bytes, size_t nr)
{
	while (nr--) {
		if (bytes[nr])
			return false;
	}
	return true;
}

static json_t *mac_json(const uint8_t *m)
{
	char text[18];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
		 m[4], m[5]);
	return json_text(text);
}

static json_t *uuid_json(const uint8_t *uuid)
{
	char text[37];

	uuid_unparse_lower(uuid, text);
	return json_text(text);
}

static json_t *enum_json(const struct spec_names *names, unsigned int n)
{
	return n < names->nr && names->json[n] ? json_text(names->json[n]) : json_null();
}

/* Whether libxl would leave the field out. */
static bool is_default(const struct spec_field *f, const void *v)
{
	switch (f->kind) {
	case SPEC_STR: return !*(char *const *)v;
	case SPEC_UINT: return !*(const uint32_t *)v;
	case SPEC_U64: return !*(const uint64_t *)v;
	case SPEC_BOOL: case SPEC_FLAG: return !*(const bool *)v;
	case SPEC_DEFBOOL: return *(const enum tri *)v == TRI_DEFAULT;
	case SPEC_ENUM: return !*(const unsigned int *)v;
	case SPEC_DEVID: return *(const int *)v == -1;
	case SPEC_MAC: return all_zero(v, 6);
	case SPEC_UUID: return all_zero(v, 16);
	case SPEC_LIST: return !((const struct spec_list *)v)->nr;
	case SPEC_STRUCT: case SPEC_UNION: return false;
	case SPEC_ALIAS: break;
	}
	return true;
}

static json_t *scalar_json(const struct spec_field *f, const void *v)
{
	switch (f->kind) {
	case SPEC_STR: return json_text(*(char *const *)v);
	case SPEC_UINT: return json_integer(*(const uint32_t *)v);
	case SPEC_U64: return json_integer((json_int_t)*(const uint64_t *)v);
	case SPEC_BOOL: return json_true();
	case SPEC_FLAG: return json_integer(1);
	case SPEC_DEFBOOL: return json_text(*(const enum tri *)v == TRI_TRUE ? "True" : "False");
	case SPEC_ENUM: return enum_json(f->names, *(const unsigned int *)v);
	case SPEC_DEVID: return json_integer(*(const int *)v);
	case SPEC_MAC: return mac_json(v);
	case SPEC_UUID: return uuid_json(v);
	case SPEC_STRUCT: case SPEC_UNION: case SPEC_LIST: case SPEC_ALIAS: break;
	}
	return NULL;
}

/* A list of numbers or enums is a table of one field without a name. */
static bool is_scalar(const struct spec_table *t)
{
	return t->nr_fields == 1 && !t->fields[0].json;
}

static int list_json(const struct spec_table *t, const struct spec_list *list, json_t **out,
		     struct err *err)
{
	scoped(json) json_t *array = json_array();

	for (unsigned int i = 0; array && i < list->nr; i++) {
		const void *item = at(list->items, i * t->size);
		json_t *json = NULL;

		if (is_scalar(t)) {
			json = scalar_json(&t->fields[0], item);
		} else {
			int rc = spec_to_json(t, item, &json, err);

			if (rc < 0)
				return rc;
		}
		if (json_array_append_new(array, json) < 0)
			return fail_nomem(err);
	}
	if (!array)
		return fail_nomem(err);
	*out = take(array);
	return 0;
}

static int add_fields(const struct spec_table *t, const void *obj, unsigned int when,
		      json_t *json, struct err *err);

/* "type.hostdev": {...}; nothing at all as long as nothing is chosen, like libxl. */
static int add_union(const struct spec_field *f, const void *obj, json_t *json, struct err *err)
{
	unsigned int choice = *(const unsigned int *)at(obj, f->offset);
	json_t *members;
	char name[64];
	int rc;

	if (!choice || choice >= f->names->nr)
		return 0;
	snprintf(name, sizeof(name), "%s.%s", f->json, f->names->json[choice]);
	members = json_object();
	rc = json_add(json, name, members, err);
	return rc < 0 ? rc : add_fields(f->sub, obj, choice, members, err);
}

static int add_field(const struct spec_field *f, const void *obj, json_t *json, struct err *err)
{
	const void *v = at(obj, f->offset);
	json_t *value = NULL;
	int rc = 0;

	if (f->kind == SPEC_UNION)
		return add_union(f, obj, json, err);
	if (is_default(f, v))
		return 0;
	if (f->kind == SPEC_STRUCT)
		rc = spec_to_json(f->sub, v, &value, err);
	else if (f->kind == SPEC_LIST)
		rc = list_json(f->sub, v, &value, err);
	else
		value = scalar_json(f, v);
	return rc < 0 ? rc : json_add(json, f->json, value, err);
}

static int add_fields(const struct spec_table *t, const void *obj, unsigned int when,
		      json_t *json, struct err *err)
{
	for (unsigned int i = 0; i < t->nr_fields; i++) {
		const struct spec_field *f = &t->fields[i];
		int rc;

		if (!f->json || f->when != when)
			continue;
		rc = add_field(f, obj, json, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int spec_to_json(const struct spec_table *t, const void *obj, json_t **out, struct err *err)
{
	scoped(json) json_t *json = json_object();
	int rc;

	if (!json)
		return fail_nomem(err);
	rc = add_fields(t, obj, 0, json, err);
	if (rc < 0)
		return rc;
	*out = take(json);
	return 0;
}

/* ---- and back ---- */

static int wrong_type(const struct spec_field *f, const char *expected, struct err *err)
{
	return fail(err, EINVAL, "field '%s' is not %s", f->json ? f->json : "of a list", expected);
}

static int number_from(const struct spec_field *f, json_t *json, void *to, struct err *err)
{
	json_int_t n = json_integer_value(json);

	if (!json_is_integer(json) || n < 0)
		return wrong_type(f, "a number from 0 on", err);
	if (f->kind == SPEC_U64) {
		*(uint64_t *)to = (uint64_t)n;
	} else if (f->kind == SPEC_DEVID) {
		if (n > INT_MAX)
			return wrong_type(f, "a device number", err);
		*(int *)to = (int)n;
	} else if (f->kind == SPEC_FLAG) {
		*(bool *)to = n != 0;
	} else {
		if (n > UINT32_MAX)
			return wrong_type(f, "a number of 32 bits", err);
		*(uint32_t *)to = (uint32_t)n;
	}
	return 0;
}

static int enum_from(const struct spec_field *f, const char *s, void *to, struct err *err)
{
	const struct spec_names names = { .json = f->names->json, .nr = f->names->nr };
	int n = spec_enum(&names, s);

	if (n < 0)
		return spec_bad_enum(f->json ? f->json : "value", &names, s, err);
	*(unsigned int *)to = (unsigned int)n;
	return 0;
}

static int text_from(const struct spec_field *f, json_t *json, void *to, struct err *err)
{
	const char *s = json_string_value(json);

	if (!s)
		return wrong_type(f, "a string", err);
	switch (f->kind) {
	case SPEC_STR:
		return spec_set_str(to, s, err);
	case SPEC_DEFBOOL:
		*(enum tri *)to = !strcmp(s, "True") ? TRI_TRUE :
			!strcmp(s, "False") ? TRI_FALSE : TRI_DEFAULT;
		return 0;
	case SPEC_UUID:
		return uuid_parse(s, to) < 0 ? wrong_type(f, "a uuid", err) : 0;
	case SPEC_MAC: {
		uint8_t *m = to;
		int end = 0;

		if (sscanf(s, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &m[0], &m[1], &m[2],
			   &m[3], &m[4], &m[5], &end) != 6 || s[end])
			return wrong_type(f, "a mac address", err);
		return 0;
	}
	default:
		return enum_from(f, s, to, err);
	}
}

static int scalar_from(const struct spec_field *f, json_t *json, void *to, struct err *err)
{
	switch (f->kind) {
	case SPEC_UINT: case SPEC_U64: case SPEC_FLAG: case SPEC_DEVID:
		return number_from(f, json, to, err);
	case SPEC_BOOL:
		if (!json_is_boolean(json))
			return wrong_type(f, "true or false", err);
		*(bool *)to = json_is_true(json);
		return 0;
	default:
		return text_from(f, json, to, err);
	}
}

static int fields_from(const struct spec_table *t, json_t *json, void *obj, unsigned int when,
		       struct err *err);

static int list_from(const struct spec_field *f, json_t *json, struct spec_list *list,
		     struct err *err)
{
	if (!json_is_array(json))
		return wrong_type(f, "a list", err);
	for (size_t i = 0; i < json_array_size(json); i++) {
		json_t *value = json_array_get(json, i);
		void *item = spec_list_add(list, f->sub);
		int rc;

		if (!item)
			return list->nr >= SPEC_LIST_MAX ?
				wrong_type(f, "short enough", err) : fail_nomem(err);
		rc = is_scalar(f->sub) ? scalar_from(&f->sub->fields[0], value, item, err) :
			fields_from(f->sub, value, item, 0, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int union_from(const struct spec_field *f, json_t *json, void *obj, struct err *err)
{
	for (unsigned int i = 1; i < f->names->nr; i++) {
		json_t *members;
		char name[64];

		snprintf(name, sizeof(name), "%s.%s", f->json, f->names->json[i]);
		members = json_object_get(json, name);
		if (!members)
			continue;
		*(unsigned int *)((char *)obj + f->offset) = i;
		return fields_from(f->sub, members, obj, i, err);
	}
	return 0;
}

static int fields_from(const struct spec_table *t, json_t *json, void *obj, unsigned int when,
		       struct err *err)
{
	if (!json_is_object(json))
		return fail(err, EINVAL, "not an object");
	for (unsigned int i = 0; i < t->nr_fields; i++) {
		const struct spec_field *f = &t->fields[i];
		json_t *value = f->json ? json_object_get(json, f->json) : NULL;
		void *to = (char *)obj + f->offset;
		int rc = 0;

		if (f->when != when)
			continue;
		if (f->kind == SPEC_UNION)
			rc = union_from(f, json, obj, err);
		else if (!value || json_is_null(value))
			continue;
		else if (f->kind == SPEC_STRUCT)
			rc = fields_from(f->sub, value, to, 0, err);
		else if (f->kind == SPEC_LIST)
			rc = list_from(f, value, to, err);
		else
			rc = scalar_from(f, value, to, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int spec_from_json(const struct spec_table *t, json_t *json, void *obj, struct err *err)
{
	int rc;

	spec_init(t, obj);
	rc = fields_from(t, json, obj, 0, err);
	if (rc < 0) {
		spec_free(t, obj);
		return fail_in(err, "%s", t->what);
	}
	return 0;
}
