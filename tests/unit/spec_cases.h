/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of {text, JSON or message} for the config's structured values. The JSON
 * is compared as text, so the order of the fields counts, and is read back and
 * written again, which must give the same.
 */
#ifndef TESTS_UNIT_SPEC_CASES_H
#define TESTS_UNIT_SPEC_CASES_H

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/scope.h"
#include "base/str.h"
#include "config/spec.h"
#include "tests/unit/tap.h"

struct spec_case {
	const char *text;
	const char *json;	/* NULL: must fail */
	const char *message;	/* exact, of the failure or of the (last) warning; NULL: none */
};

static inline int remember_warning(void *arg, const char *msg)
{
	snprintf(arg, 512, "%s", msg);
	return 0;
}

static inline char *compact(json_t *json)
{
	return json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
}

static inline void check_case(const struct spec_case *c, int rc, json_t *json, const char *message,
			      const char *warning)
{
	scoped(free) char *text = rc == 0 ? compact(json) : NULL;

	if (c->json) {
		if (!is_str(text, c->json, "%s", c->text) && rc < 0)
			printf("#   failed: %s\n", message);
		is_str(warning, c->message ? c->message : "", "%s: warning", c->text);
	} else {
		is_int(rc < 0, 1, "%s: refused", c->text);
		if (!is_str(rc < 0 ? message : "", c->message, "%s: message", c->text) && text)
			printf("#   json: %s\n", text);
	}
}

/* void run_KIND(cases, nr, defaults): for a kind with parse, free, to_json, from_json. */
#define SPEC_RUNNER(kind, type, init)							\
	static void run_##kind(const struct spec_case *all, size_t nr,			\
			       const struct spec_defaults *with)			\
	{										\
		for (size_t i = 0; i < nr; i++) {					\
			char warning[512] = "";						\
			struct spec_defaults d = with ? *with : (struct spec_defaults){ 0 };	\
			struct type obj = init, again = init;				\
			json_t *json = NULL, *json2 = NULL;				\
			struct err err = ERR_INIT;					\
			int rc;								\
											\
			d.warn = remember_warning;					\
			d.warn_arg = warning;						\
			rc = kind##_parse(all[i].text, &d, &obj, &err);		\
			if (rc == 0)							\
				rc = kind##_to_json(&obj, &json, &err);			\
			check_case(&all[i], rc, json, err.msg, warning);		\
			if (rc == 0) {							\
				rc = kind##_from_json(json, &again, &err);		\
				if (rc == 0)						\
					rc = kind##_to_json(&again, &json2, &err);	\
				ok(rc == 0 && json_equal(json, json2), "%s: read back",	\
				   all[i].text);					\
			}								\
			kind##_free(&obj);						\
			kind##_free(&obj);						\
			kind##_free(&again);						\
			json_decref(json);						\
			json_decref(json2);						\
		}									\
	}

/* The vectors from xl's own tests: {"args": [...], "rc": 0, "expect": {...}} by line. */
typedef int (*spec_vector_fn)(const char *spec, json_t **out, struct err *err);

static inline void run_vectors(const char *name, spec_vector_fn parse)
{
	const char *dir = getenv("CORPORA") ? getenv("CORPORA") : "../shared/corpora";
	scoped(free) char *path = str_format("%s/xlcfg/%s", dir, name);
	scoped(file) FILE *file = path ? fopen(path, "r") : NULL;
	char line[4096];
	int nr = 0;

	if (!file) {
		ok(true, "%s # SKIP no corpus at %s", name, path);
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		json_t *vector = json_loads(line, 0, NULL), *got = NULL;
		json_t *args = json_object_get(vector, "args");
		struct err err = ERR_INIT;
		char spec[1024] = "";
		int rc;

		for (size_t i = 0; i < json_array_size(args); i++) {
			const char *arg = json_string_value(json_array_get(args, i));

			snprintf(spec + strlen(spec), sizeof(spec) - strlen(spec), "%s%s",
				 i ? "," : "", arg);
		}
		rc = parse(spec, &got, &err);
		if (json_integer_value(json_object_get(vector, "rc")))
			ok(rc < 0, "vector %s is refused", spec);
		else if (!ok(rc == 0 && json_equal(got, json_object_get(vector, "expect")),
			     "vector %s", spec))
			printf("#   %s\n", rc < 0 ? err.msg : compact(got));
		json_decref(vector);
		json_decref(got);
		nr++;
	}
	ok(nr > 20, "%s has %d vectors", name, nr);
}

#endif
