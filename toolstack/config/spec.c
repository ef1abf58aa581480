/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/spec.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uuid/uuid.h>

#include "base/scope.h"
#include "base/str.h"

#define BLANKS " \t"

static void *at(void *obj, size_t offset)
{
	return (char *)obj + offset;
}

/* Sets what is not zero when empty; obj is zeroed. */
static void init_fields(const struct spec_table *t, void *obj)
{
	for (unsigned int i = 0; i < t->nr_fields; i++) {
		const struct spec_field *f = &t->fields[i];

		if (f->kind == SPEC_DEVID)
			*(int *)at(obj, f->offset) = -1;
		else if (f->kind == SPEC_STRUCT)
			init_fields(f->sub, at(obj, f->offset));
	}
}

void spec_init(const struct spec_table *t, void *obj)
{
	memset(obj, 0, t->size);
	init_fields(t, obj);
}

static void free_fields(const struct spec_table *t, void *obj);

static void free_list(const struct spec_table *t, struct spec_list *list)
{
	for (unsigned int i = 0; i < list->nr; i++)
		free_fields(t, (char *)list->items + i * t->size);
	free(list->items);
}

static void free_fields(const struct spec_table *t, void *obj)
{
	for (unsigned int i = 0; i < t->nr_fields; i++) {
		const struct spec_field *f = &t->fields[i];

		if (f->kind == SPEC_STR)
			free(*(char **)at(obj, f->offset));
		else if (f->kind == SPEC_STRUCT)
			free_fields(f->sub, at(obj, f->offset));
		else if (f->kind == SPEC_UNION)
			free_fields(f->sub, obj);
		else if (f->kind == SPEC_LIST)
			free_list(f->sub, at(obj, f->offset));
	}
}

void spec_free(const struct spec_table *t, void *obj)
{
	int saved = errno;

	free_fields(t, obj);
	spec_init(t, obj);
	errno = saved;
}

void *spec_list_add(struct spec_list *list, const struct spec_table *t)
{
	void *items;

	if (list->nr >= SPEC_LIST_MAX)
		return NULL;
	items = realloc(list->items, (list->nr + 1) * t->size);
	if (!items)
		return NULL;
	list->items = items;
	items = (char *)items + list->nr++ * t->size;
	spec_init(t, items);
	return items;
}

int spec_complain(const struct spec_defaults *d, struct err *err, const char *fmt, ...)
{
	struct err said;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said.msg, sizeof(said.msg), fmt, ap);
	va_end(ap);
	if (!d || !d->warn || d->warn(d->warn_arg, said.msg))
		return fail(err, EINVAL, "%s", said.msg);
	return 0;
}

void spec_advise(const struct spec_defaults *d, const char *fmt, ...)
{
	char msg[512];
	va_list ap;

	if (!d || !d->warn)
		return;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	(void)d->warn(d->warn_arg, msg);
}

int spec_check_text(const char *what, const char *text, struct err *err)
{
	size_t len = strnlen(text, SPEC_TEXT_MAX + 1);
	char near[64];

	if (len > SPEC_TEXT_MAX)
		return fail(err, EINVAL, "%s is longer than %d characters", what, SPEC_TEXT_MAX);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return fail(err, EINVAL, "%s has a control character in it, near '%s'",
				    what, str_escape(text + (i > 16 ? i - 16 : 0),
						     i > 16 ? 17 : i + 1, near, sizeof(near)));
	}
	return 0;
}

int spec_enum(const struct spec_names *names, const char *word)
{
	const char *const *words = names->words ? names->words : names->json;

	for (unsigned int i = 0; i < names->nr; i++) {
		if (!words[i])
			continue;
		if (names->nocase ? !strcasecmp(words[i], word) : !strcmp(words[i], word))
			return (int)i;
	}
	return -1;
}

/* A fixed buffer that drops what does not fit: only messages are built in it. */
struct text {
	size_t len;
	char s[384];
};

static void text_add(struct text *t, const char *separator, const char *s)
{
	int n = snprintf(t->s + t->len, sizeof(t->s) - t->len, "%s%s",
			 t->len ? separator : "", s);

	if (n > 0)
		t->len += (size_t)n;
	if (t->len >= sizeof(t->s))
		t->len = sizeof(t->s) - 1;
}

int spec_bad_enum(const char *what, const struct spec_names *names, const char *word,
		  struct err *err)
{
	const char *const *words = names->words ? names->words : names->json;
	struct text valid = { .len = 0 };

	for (unsigned int i = 0; i < names->nr; i++) {
		if (words[i])
			text_add(&valid, ", ", words[i]);
	}
	return fail(err, EINVAL, "unknown %s '%.60s', valid are %s", what, word, valid.s);
}

static void nearer(const char *word, const char *candidate, size_t *best, const char **found)
{
	size_t distance = str_distance(word, candidate);

	if (distance < *best) {
		*best = distance;
		*found = candidate;
	}
}

/* All keys and words of the table for a message; the nearest to word in *near. */
static void collect_keys(const struct spec_table *t, const char *word, struct text *valid,
			 size_t *best, const char **near)
{
	for (unsigned int i = 0; i < t->nr_fields; i++) {
		const struct spec_field *f = &t->fields[i];

		if (f->key) {
			nearer(word, f->key, best, near);
			if (!f->hidden)
				text_add(valid, ", ", f->key);
		}
		if (f->kind == SPEC_STRUCT || f->kind == SPEC_UNION)
			collect_keys(f->sub, word, valid, best, near);
	}
	for (unsigned int i = 0; i < t->nr_words; i++) {
		nearer(word, t->words[i].word, best, near);
		text_add(valid, ", ", t->words[i].word);
	}
}

static bool is_word(const struct spec_table *t, const char *word)
{
	for (unsigned int i = 0; i < t->nr_words; i++) {
		if (!strcmp(t->words[i].word, word))
			return true;
	}
	return false;
}

int spec_bad_key(const struct spec_table *t, const char *word, struct err *err)
{
	struct text valid = { .len = 0 };
	const char *near = NULL;
	size_t best = 3;	/* further away is no help */

	collect_keys(t, word, &valid, &best, &near);
	if (!best)		/* it is known, so the '=' was missing or too much */
		return fail(err, EINVAL, "%s key '%s' %s", t->what, word,
			    is_word(t, word) ? "takes no value" : "needs a value");
	if (near)
		return fail(err, EINVAL, "unknown %s key '%.60s', did you mean '%s'?", t->what,
			    word, near);
	return fail(err, EINVAL, "unknown %s key '%.60s', valid are %s", t->what, word, valid.s);
}

int spec_number(const char *what, const char *value, uint64_t max, uint64_t *out,
		struct err *err)
{
	bool hex = value[0] == '0' && (value[1] == 'x' || value[1] == 'X');
	const char *digits = hex ? value + 2 : value;
	char *end;
	uint64_t n;

	/* strtoull would take blanks and signs as well. */
	if (!*digits || digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")])
		return fail(err, EINVAL, "%s is not a number: '%.60s'", what, value);
	errno = 0;
	n = strtoull(digits, &end, hex ? 16 : 10);
	if (errno || n > max)
		return fail(err, ERANGE, "%s is too large: '%.60s', at most %llu", what, value,
			    (unsigned long long)max);
	*out = n;
	return 0;
}

int spec_set_str(char **to, const char *value, struct err *err)
{
	char *copy = strdup(value);

	if (!copy)
		return fail_nomem(err);
	free(*to);
	*to = copy;
	return 0;
}

static int set_mac(uint8_t mac[6], const char *key, const char *value, struct err *err)
{
	uint8_t bytes[6];
	const char *p = value;

	for (unsigned int i = 0; i < 6; i++) {
		size_t digits = strspn(p, "0123456789abcdefABCDEF");

		char after = p[digits];

		if (digits < 1 || digits > 2 || (i < 5 ? after != ':' && after != '-' : after))
			return fail(err, EINVAL, "bad %s '%.60s', expected XX:XX:XX:XX:XX:XX",
				    key, value);
		bytes[i] = (uint8_t)strtoul(p, NULL, 16);
		p += digits + 1;
	}
	/* In our structs that means "none given". */
	if (memcmp(bytes, (const uint8_t[6]){ 0 }, sizeof(bytes)) == 0)
		return fail(err, EINVAL, "bad %s '%.60s': all zero is no address, leave it out to "
			    "have one made", key, value);
	memcpy(mac, bytes, sizeof(bytes));
	return 0;
}

static int set_number(const struct spec_field *f, void *to, const char *value, struct err *err)
{
	static const uint64_t max[] = {
		[SPEC_UINT] = UINT32_MAX, [SPEC_U64] = INT64_MAX, [SPEC_DEVID] = INT_MAX,
		[SPEC_BOOL] = INT_MAX, [SPEC_FLAG] = INT_MAX, [SPEC_DEFBOOL] = INT_MAX,
	};
	uint64_t n = 0;
	int rc;

	rc = spec_number(f->key, value, f->max ? f->max : max[f->kind], &n, err);
	if (rc < 0)
		return rc;
	if (f->kind == SPEC_UINT)
		*(uint32_t *)to = (uint32_t)n;
	else if (f->kind == SPEC_U64)
		*(uint64_t *)to = n;
	else if (f->kind == SPEC_DEVID)
		*(int *)to = (int)n;
	else if (f->kind == SPEC_DEFBOOL)
		*(enum tri *)to = n ? TRI_TRUE : TRI_FALSE;
	else
		*(bool *)to = n != 0;
	return 0;
}

static int set_enum(const struct spec_field *f, void *to, const char *value, struct err *err)
{
	int n = spec_enum(f->names, value);

	if (n < 0)
		return spec_bad_enum(f->key, f->names, value, err);
	*(unsigned int *)to = (unsigned int)n;
	return 0;
}

static int set_field(const struct spec_field *f, void *obj, const char *value,
		     const struct spec_defaults *d, struct err *err)
{
	void *to = at(obj, f->offset);

	if (f->set)
		return f->set(obj, value, d, err);
	switch (f->kind) {
	case SPEC_STR:
		return spec_set_str(to, value, err);
	case SPEC_UINT: case SPEC_U64: case SPEC_BOOL: case SPEC_FLAG: case SPEC_DEFBOOL:
	case SPEC_DEVID:
		return set_number(f, to, value, err);
	case SPEC_ENUM: case SPEC_UNION:
		return set_enum(f, to, value, err);
	case SPEC_MAC:
		return set_mac(to, f->key, value, err);
	case SPEC_UUID:
		if (uuid_parse(value, to) < 0)
			return fail(err, EINVAL, "bad %s '%.60s'", f->key, value);
		return 0;
	case SPEC_STRUCT: case SPEC_LIST: case SPEC_ALIAS:
		break;		/* only by a set function */
	}
	return -ENOENT;
}

int spec_set(const struct spec_table *t, void *obj, const char *key, const char *value,
	     const struct spec_defaults *d, struct err *err)
{
	for (unsigned int i = 0; i < t->nr_fields; i++) {
		const struct spec_field *f = &t->fields[i];
		int rc = -ENOENT;

		if (f->key && !strcmp(f->key, key))
			return set_field(f, obj, value, d, err);
		if (f->kind == SPEC_STRUCT)
			rc = spec_set(f->sub, at(obj, f->offset), key, value, d, err);
		else if (f->kind == SPEC_UNION)
			rc = spec_set(f->sub, obj, key, value, d, err);
		if (rc != -ENOENT)
			return rc;
	}
	return -ENOENT;
}

int spec_set_word(const struct spec_table *t, void *obj, const char *word)
{
	for (unsigned int i = 0; i < t->nr_words; i++) {
		const struct spec_word *w = &t->words[i];

		if (strcmp(w->word, word))
			continue;
		if (w->kind == SPEC_DEFBOOL)
			*(enum tri *)at(obj, w->offset) = w->value;
		else
			*(bool *)at(obj, w->offset) = w->value;
		return 0;
	}
	return -ENOENT;
}

char *spec_next(char **rest, const char *delims)
{
	while (**rest) {
		char *item = *rest;
		size_t len = strcspn(item, delims);

		*rest = item + len + (item[len] ? 1 : 0);
		item[len] = '\0';
		item += strspn(item, BLANKS);
		len = strlen(item);
		while (len && strchr(BLANKS, item[len - 1]))
			item[--len] = '\0';
		if (len)
			return item;
	}
	return NULL;
}

char *spec_split(char *item)
{
	char *equals = strchr(item, '=');
	char *end = equals;

	if (!equals)
		return NULL;
	while (end > item && strchr(BLANKS, end[-1]))
		end--;
	*end = '\0';
	return equals + 1 + strspn(equals + 1, BLANKS);
}

static int parse_item(const struct spec_table *t, void *obj, char *item,
		      enum spec_unknown unknown, const struct spec_defaults *d,
		      struct err *err)
{
	char *value = spec_split(item);
	struct err bad;
	int rc;

	rc = value ? spec_set(t, obj, item, value, d, err) : spec_set_word(t, obj, item);
	if (rc != -ENOENT)
		return rc;
	rc = spec_bad_key(t, item, &bad);
	if (unknown == SPEC_UNKNOWN_COMPLAIN)
		return spec_complain(d, err, "%s", bad.msg);
	*err = bad;
	return rc;
}

int spec_parse(const struct spec_table *t, void *obj, const char *text,
	       enum spec_unknown unknown, const struct spec_defaults *d, struct err *err)
{
	scoped(free) char *copy = NULL;
	char *rest, *item;
	int rc;

	rc = spec_check_text(t->what, text, err);
	if (rc < 0)
		return rc;
	rest = copy = strdup(text);
	if (!copy)
		return fail_nomem(err);
	while ((item = spec_next(&rest, ","))) {
		rc = parse_item(t, obj, item, unknown, d, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
