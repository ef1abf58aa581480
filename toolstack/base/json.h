/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON trees are jansson's (json_t, reference counted, members keep their
 * order); printing is ours, byte for byte as yajl prints in beautified form with
 * 4 blanks, because scripts read xl's output by line and by column.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "err.h"
#include "str.h"

#define JSON_MAX_BYTES (8 * 1024 * 1024)

static inline void scoped_json(json_t **json)
{
	json_decref(*json);
}

/* Appends the tree and, as yajl does, a line end. A NULL tree is printed as null. */
void json_print(const json_t *json, struct strbuf *out);

/* The text of one tree; free() it. */
int json_to_text(const json_t *json, char **out, struct err *err) must_check;

/* Parses exactly one object or array; NULs after it do not count. Messages: "line N: what". */
int json_from_text(const char *text, size_t len, json_t **out, struct err *err) must_check;

/*
 * Adds value (whose reference is taken even on failure, NULL is out of memory)
 * under a name; strings by json_text() so that bytes which are not UTF-8 survive.
 */
int json_add(json_t *object, const char *name, json_t *value, struct err *err) must_check;
json_t *json_text(const char *s) must_check;

#endif
