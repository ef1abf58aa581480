/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxl's JSON of a config, both ways, by the field table. A field with its default
 * is left out; the objects that hold fields never are.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "base/json.h"
#include "base/scope.h"
#include "config/fields.h"
#include "config/lists.h"
#include "config/platform.h"
#include "config/types.h"

static json_t *strs_to_json(const struct str_list *list)
{
	json_t *json = json_array();

	for (size_t i = 0; i < list->nr; i++)
		json_array_append_new(json, json_text(list->items[i]));
	return json;
}

/* A simple field's value; NULL when it has its default (*given = false) or no memory is left. */
static json_t *value_to_json(const struct field *f, struct domain_config *config, bool *given)
{
	static const char *const tri[] = { "<default>", "False", "True" };
	char uuid[UUID_STR_LEN];
	uint32_t u32 = f->kind == FIELD_U64 || f->kind == FIELD_BITS ? 0 : *field_u32(f, config);

	switch (f->kind) {
	case FIELD_STR:
		*given = *field_str(f, config);
		return *given ? json_text(*field_str(f, config)) : NULL;
	case FIELD_U64:
		*given = *field_u64(f, config) != f->def;
		return *given ? json_integer((json_int_t)*field_u64(f, config)) : NULL;
	case FIELD_BITS:
		*given = *field_u64(f, config) != 0;
		return *given ? bits_to_json(*field_u64(f, config)) : NULL;
	case FIELD_STRS:
		*given = field_strs(f, config)->nr;
		return *given ? strs_to_json(field_strs(f, config)) : NULL;
	case FIELD_UUID:
		*given = !uuid_is_null((uint8_t *)config + f->offset);
		uuid_unparse_lower((uint8_t *)config + f->offset, uuid);
		return *given ? json_text(uuid) : NULL;
	default:
		break;
	}
	*given = u32 != (uint32_t)f->def;
	if (!*given)
		return NULL;
	if (f->kind == FIELD_TRI)
		return json_text(tri[u32 <= TRI_TRUE ? u32 : TRI_DEFAULT]);
	if (f->kind == FIELD_ENUM)
		return json_text(names_get(f->names, (int)u32, true));
	return json_integer(f->kind == FIELD_INT ? (int32_t)u32 : (json_int_t)u32);
}

static json_t *find_section(json_t *root, enum section s, const struct domain_config *config,
			    bool create)
{
	json_t *parent, *object;

	if (s == SECTION_ROOT)
		return root;
	if (field_sections[s].type != DOMAIN_UNKNOWN && field_sections[s].type != config->type)
		return NULL;
	parent = find_section(root, field_sections[s].parent, config, create);
	object = json_object_get(parent, field_sections[s].name);
	if (object || !create || !parent)
		return object;
	object = json_object();
	if (json_object_set_new_nocheck(parent, field_sections[s].name, object) < 0)
		return NULL;
	return object;
}

static int field_add(const struct field *f, struct domain_config *config, json_t *root,
		     struct err *err)
{
	json_t *object, *value = NULL;
	bool given = true;
	int rc = 0;

	if (field_sections[f->section].type && field_sections[f->section].type != config->type)
		return 0;
	if (f->kind == FIELD_LIST)
		rc = list_to_json(f->list, config, &value, err);
	else if (f->kind == FIELD_CUSTOM)
		rc = f->to(config, &value, err);
	else
		value = value_to_json(f, config, &given);
	if (f->kind == FIELD_LIST || f->kind == FIELD_CUSTOM)
		given = value;
	if (rc < 0)
		return rc;
	if (!given && field_sections[f->section].optional)
		return 0;
	object = find_section(root, f->section, config, true);
	if (!object) {
		json_decref(value);
		return fail_nomem(err);
	}
	return given ? json_add(object, f->json, value, err) : 0;
}

int config_to_json(const struct domain_config *config, json_t **out, struct err *err)
{
	scoped(json) json_t *root = json_object();
	/* Read only; the accessors also serve the other direction. */
	struct domain_config *same = (struct domain_config *)(uintptr_t)config;

	for (size_t i = 0; i < field_table_size; i++) {
		int rc = field_add(&field_table[i], same, root, err);

		if (rc < 0)
			return rc;
	}
	*out = take(root);
	return 0;
}

static int strs_from_json(struct str_list *list, json_t *json, struct err *err)
{
	list->items = calloc(json_array_size(json) + 1, sizeof(*list->items));
	if (!list->items)
		return fail_nomem(err);
	for (size_t i = 0; i < json_array_size(json); i++) {
		const char *item = json_string_value(json_array_get(json, i));

		if (!item)
			return fail(err, EINVAL, "not a list of strings");
		list->items[i] = strdup(item);
		if (!list->items[i])
			return fail_nomem(err);
		list->nr++;
	}
	return 0;
}

static int text_from_json(const struct field *f, const char *text, struct domain_config *config,
			  struct err *err)
{
	int value = -1;

	if (!text)
		return fail(err, EINVAL, "not a string");
	if (f->kind == FIELD_STR) {
		free(*field_str(f, config));
		*field_str(f, config) = strdup(text);
		return *field_str(f, config) ? 0 : fail_nomem(err);
	}
	if (f->kind == FIELD_UUID)
		return uuid_parse(text, (uint8_t *)config + f->offset) < 0 ?
			fail(err, EINVAL, "not a uuid") : 0;
	if (f->kind == FIELD_ENUM)
		value = names_find(f->names, text, true);
	else if (strcmp(text, "True") == 0)
		value = TRI_TRUE;
	else if (strcmp(text, "False") == 0)
		value = TRI_FALSE;
	else if (strcmp(text, "<default>") == 0)
		value = TRI_DEFAULT;
	if (value < 0)
		return fail(err, EINVAL, "unknown value '%.64s'", text);
	*field_u32(f, config) = (uint32_t)value;
	return 0;
}

static int number_from_json(const struct field *f, json_t *json, struct domain_config *config,
			    struct err *err)
{
	json_int_t value = json_integer_value(json);
	json_int_t min = f->kind == FIELD_INT ? INT32_MIN : 0;
	json_int_t max = f->kind == FIELD_INT ? INT32_MAX :
			 f->kind == FIELD_U32 ? (json_int_t)UINT32_MAX : INT64_MAX;

	if (!json_is_integer(json))
		return fail(err, EINVAL, "not a number");
	if (value < min || value > max)
		return fail(err, ERANGE, "%" JSON_INTEGER_FORMAT " is out of range", value);
	if (f->kind == FIELD_U64)
		*field_u64(f, config) = (uint64_t)value;
	else
		*field_u32(f, config) = (uint32_t)value;
	return 0;
}

static int value_from_json(const struct field *f, json_t *json, struct domain_config *config,
			   struct err *err)
{
	switch (f->kind) {
	case FIELD_STR: case FIELD_TRI: case FIELD_ENUM: case FIELD_UUID:
		return text_from_json(f, json_string_value(json), config, err);
	case FIELD_INT: case FIELD_U32: case FIELD_U64:
		return number_from_json(f, json, config, err);
	case FIELD_STRS:
		return strs_from_json(field_strs(f, config), json, err);
	case FIELD_BITS:
		for (size_t i = 0; i < json_array_size(json); i++) {
			json_int_t bit = json_integer_value(json_array_get(json, i));

			if (bit >= 0 && bit < 64)
				*field_u64(f, config) |= UINT64_C(1) << bit;
		}
		return 0;
	case FIELD_LIST:
		return list_from_json(f->list, config, json, err);
	case FIELD_CUSTOM:
		return f->from(config, json, err);
	}
	return 0;
}

int config_from_json(json_t *json, struct domain_config *out, struct err *err)
{
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;

	if (!json_is_object(json))
		return fail(err, EINVAL, "not a JSON object");
	config_init(&config);
	for (size_t i = 0; i < field_table_size; i++) {
		const struct field *f = &field_table[i];
		json_t *object = find_section(json, f->section, &config, false);
		json_t *value = json_object_get(object, f->json);

		if (!value || json_is_null(value) || value_from_json(f, value, &config, err) == 0)
			continue;
		if (f->section == SECTION_ROOT)
			return fail_in(err, "%s", f->json);
		return fail_in(err, "%s.%s", field_sections[f->section].name, f->json);
	}
	if (config.type == DOMAIN_UNKNOWN)
		return fail(err, EINVAL, "c_info.type is missing");
	config.uuid_given = true;
	*out = config;
	config = (struct domain_config)DOMAIN_CONFIG_INIT;
	return 0;
}
