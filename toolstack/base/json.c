/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json.h"

#include <errno.h>
#include <string.h>

#include "scope.h"

static void print_string(const char *s, size_t len, struct strbuf *out)
{
	static const char from[] = "\r\n\\\"\f\b\t", to[] = "rn\\\"fbt";
	size_t done = 0;

	strbuf_add(out, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		const char *known = c ? strchr(from, c) : NULL;

		if (!known && c >= 0x20)
			continue;
		strbuf_add(out, s + done, i - done);
		done = i + 1;
		if (known)
			strbuf_printf(out, "\\%c", to[known - from]);
		else
			strbuf_printf(out, "\\u%04X", c);
	}
	strbuf_add(out, s + done, len - done);
	strbuf_add(out, "\"", 1);
}

static void print_indent(unsigned int depth, struct strbuf *out)
{
	while (depth--)
		strbuf_add(out, "    ", 4);
}

static void print_value(const json_t *json, unsigned int depth, struct strbuf *out);

/* What yajl puts between members; an empty container has an empty line in it. */
static void print_separator(size_t *nr, unsigned int depth, struct strbuf *out)
{
	if ((*nr)++)
		strbuf_add(out, ",\n", 2);
	print_indent(depth, out);
}

static void print_object(const json_t *json, unsigned int depth, struct strbuf *out)
{
	/* jansson's iterators are not const, though they change nothing. */
	json_t *object = (json_t *)(uintptr_t)json;
	size_t nr = 0;

	strbuf_add(out, "{\n", 2);
	for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it)) {
		const char *name = json_object_iter_key(it);

		print_separator(&nr, depth + 1, out);
		print_string(name, strlen(name), out);
		strbuf_add(out, ": ", 2);
		print_value(json_object_iter_value(it), depth + 1, out);
	}
	strbuf_add(out, "\n", 1);
	print_indent(depth, out);
	strbuf_add(out, "}", 1);
}

static void print_array(const json_t *json, unsigned int depth, struct strbuf *out)
{
	size_t nr = 0;

	strbuf_add(out, "[\n", 2);
	for (size_t i = 0; i < json_array_size(json); i++) {
		print_separator(&nr, depth + 1, out);
		print_value(json_array_get(json, i), depth + 1, out);
	}
	strbuf_add(out, "\n", 1);
	print_indent(depth, out);
	strbuf_add(out, "]", 1);
}

static void print_value(const json_t *json, unsigned int depth, struct strbuf *out)
{
	switch (json ? json_typeof(json) : JSON_NULL) {
	case JSON_OBJECT:
		print_object(json, depth, out);
		break;
	case JSON_ARRAY:
		print_array(json, depth, out);
		break;
	case JSON_STRING:
		print_string(json_string_value(json), json_string_length(json), out);
		break;
	case JSON_INTEGER:
		strbuf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
		break;
	case JSON_REAL:
		strbuf_printf(out, "%.17g", json_real_value(json));
		break;
	case JSON_TRUE:
		strbuf_add(out, "true", 4);
		break;
	case JSON_FALSE:
		strbuf_add(out, "false", 5);
		break;
	case JSON_NULL:
		strbuf_add(out, "null", 4);
		break;
	}
}

void json_print(const json_t *json, struct strbuf *out)
{
	print_value(json, 0, out);
	strbuf_add(out, "\n", 1);
}

int json_to_text(const json_t *json, char **out, struct err *err)
{
	scoped(strbuf) struct strbuf text = STRBUF_INIT;

	json_print(json, &text);
	return strbuf_finish(&text, out, err);
}

int json_from_text(const char *text, size_t len, json_t **out, struct err *err)
{
	json_error_t bad;
	json_t *json;

	/* libxl stores the NUL of its strings too. */
	while (len && !text[len - 1])
		len--;
	if (len > JSON_MAX_BYTES)
		return fail(err, EFBIG, "%zu bytes of JSON, at most %d are allowed", len,
			    JSON_MAX_BYTES);
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &bad);
	if (!json)
		return fail(err, EINVAL, "line %d: %s", bad.line, bad.text);
	*out = json;
	return 0;
}

int json_add(json_t *object, const char *name, json_t *value, struct err *err)
{
	/* With a NULL value jansson refuses, which is the case wanted here. */
	return json_object_set_new_nocheck(object, name, value) < 0 ? fail_nomem(err) : 0;
}

json_t *json_text(const char *s)
{
	return json_string_nocheck(s);
}
