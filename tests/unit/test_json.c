/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json.h"

#include <errno.h>

#include "base/scope.h"
#include "tests/unit/tap.h"

/* Layout as yajl 2.1 beautifies it with 4 blanks, which is what xl prints. */
static const struct { const char *in, *out; } layouts[] = {
	{ "{}", "{\n\n}\n" },
	{ "[]", "[\n\n]\n" },
	{ "{\"a\":{}}", "{\n    \"a\": {\n\n    }\n}\n" },
	{ "{\"a\":[]}", "{\n    \"a\": [\n\n    ]\n}\n" },
	{ "{\"b\":1,\"a\":-2}", "{\n    \"b\": 1,\n    \"a\": -2\n}\n" },
	{ "[1,[2,{\"x\":true}],null,false]",
	  "[\n    1,\n    [\n        2,\n        {\n            \"x\": true\n        }\n    ],\n"
	  "    null,\n    false\n]\n" },
	{ "[\"/\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\\u00fc\"]",
	  "[\n    \"/\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001F\x7f\xc3\xbc\"\n]\n" },
	{ "{\"a\\\"b\":1}", "{\n    \"a\\\"b\": 1\n}\n" },
	{ "[9223372036854775807]", "[\n    9223372036854775807\n]\n" },
	{ "[1.5]", "[\n    1.5\n]\n" },
};

static const struct { const char *in, *message; } bad[] = {
	{ "", "line 1: '[' or '{' expected near end of file" },
	{ "1", "line 1: '[' or '{' expected near '1'" },
	{ "{", "line 1: string or '}' expected near end of file" },
	{ "{}x", "line 1: end of file expected near 'x'" },
	{ "{\"a\":1,\n\"a\":2}", "line 2: duplicate object key near '\"a\"'" },
};

int main(void)
{
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		scoped(json) json_t *json = NULL;
		scoped(free) char *text = NULL;

		is_int(json_from_text(layouts[i].in, strlen(layouts[i].in), &json, &err), 0, "parse %s",
		       layouts[i].in);
		is_int(json_to_text(json, &text, &err), 0, "print %s", layouts[i].in);
		is_str(text, layouts[i].out, "layout of %s", layouts[i].in);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		json_t *json = NULL;

		is_int(json_from_text(bad[i].in, strlen(bad[i].in), &json, &err), -EINVAL, "refuse %s",
		       bad[i].in);
		is_str(err.msg, bad[i].message, "message for %s", bad[i].in);
		ok(!json, "nothing given for %s", bad[i].in);
	}

	scoped(json) json_t *stored = NULL;

	is_int(json_from_text("{}\n\0", 4, &stored, &err), 0, "a text with its NUL");
	scoped(json) json_t *object = json_object();
	scoped(free) char *text = NULL;

	is_int(json_add(object, "a", json_text("caf\xe9"), &err), 0, "bytes that are not UTF-8");
	is_int(json_add(object, "b", NULL, &err), -ENOMEM, "no value is out of memory");
	is_int(json_to_text(object, &text, &err), 0, "print");
	is_str(text, "{\n    \"a\": \"caf\xe9\"\n}\n", "they are printed as they are");
	return tap_done();
}
