/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * struct domain_config as a table: one row per field of libxl's JSON, in the order
 * of libxl_types.idl (4.17, and what later versions added, where they added it).
 * What a config starts as and frees (fields.c) and both directions of JSON
 * (config_json.c) follow from it.
 */
#ifndef CONFIG_FIELDS_H
#define CONFIG_FIELDS_H

#include "config/config.h"
#include "config/spec.h"

struct list_kind;

enum section {
	SECTION_ROOT, SECTION_C_INFO, SECTION_B_INFO, SECTION_SCHED, SECTION_HVM,
	SECTION_HVM_VGA, SECTION_HVM_VNC, SECTION_HVM_SDL, SECTION_HVM_SPICE,
	SECTION_HVM_RDM, SECTION_PV, SECTION_PVH, SECTION_ARM, SECTION_ARM_SCI,
	SECTION_X86, SECTION_QUOTA, SECTION_COUNT,
};

/* The objects that hold fields; all of a guest's type are there, even if empty. */
struct field_section {
	enum section parent;
	const char *name;
	enum domain_type type;		/* DOMAIN_UNKNOWN: in every config */
	bool optional;			/* newer than 4.17: only there when filled */
};

extern const struct field_section field_sections[SECTION_COUNT];

enum field_kind {
	FIELD_STR, FIELD_TRI, FIELD_INT, FIELD_U32, FIELD_U64, FIELD_ENUM, FIELD_STRS, FIELD_BITS,
	FIELD_UUID, FIELD_LIST, FIELD_CUSTOM,
};

typedef int (*field_to_json)(const struct domain_config *config, json_t **out, struct err *err);
typedef int (*field_from_json)(struct domain_config *config, json_t *json, struct err *err);

struct field {
	enum section section;
	const char *json;
	enum field_kind kind;
	size_t offset;
	uint64_t def;			/* the value that is left out */
	const struct spec_names *names;
	const struct list_kind *list;
	field_to_json to;		/* *out stays NULL for the default */
	field_from_json from;
};

extern const struct field field_table[];
extern const size_t field_table_size;

/* Where a field's value is, by kind; the enums are read as 32 bits. */
static inline char **field_str(const struct field *f, struct domain_config *config)
{
	return (char **)((char *)config + f->offset);
}

static inline uint32_t *field_u32(const struct field *f, struct domain_config *config)
{
	return (uint32_t *)((char *)config + f->offset);
}

static inline uint64_t *field_u64(const struct field *f, struct domain_config *config)
{
	return (uint64_t *)((char *)config + f->offset);
}

static inline struct str_list *field_strs(const struct field *f, struct domain_config *config)
{
	return (struct str_list *)((char *)config + f->offset);
}

#endif
