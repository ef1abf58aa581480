/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cfg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/scope.h"
#include "base/str.h"

struct parser {
	struct cfg *cfg;
	const char *origin;
	const char *p, *end;		/* next byte, end of the text */
	const char *line_start;
	unsigned int line;
};

static void value_free(struct cfg_value *v)
{
	for (size_t i = 0; i < v->nr; i++)
		value_free(&v->items[i]);
	free(v->items);
	free(v->text);
	*v = (struct cfg_value){ .kind = CFG_ATOM };
}

static void scoped_value(struct cfg_value *v)
{
	value_free(v);
}

void cfg_free(struct cfg *cfg)
{
	for (size_t i = 0; i < cfg->nr; i++) {
		free(cfg->settings[i].name);
		value_free(&cfg->settings[i].value);
	}
	for (size_t i = 0; i < cfg->nr_origins; i++)
		free(cfg->origins[i]);
	free(cfg->settings);
	free(cfg->origins);
	*cfg = (struct cfg)CFG_INIT;
}

/* Characters and words that valid configs cannot have here, but Python has. */
static bool looks_like_python(const struct parser *ps, const char *at)
{
	static const char *const words[] = {
		"import ", "from ", "def ", "if ", "for ", "while ", "print", "else:", "try:",
		"return", "with ",
	};

	const char *line = ps->line_start;

	if (at < ps->end && *at == '-')
		return false;
	if (at < ps->end && strchr("+.():%{}", *at))
		return true;
	while (line < ps->end && (*line == ' ' || *line == '\t'))
		line++;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t len = strlen(words[i]);

		if ((size_t)(ps->end - line) >= len && strncmp(line, words[i], len) == 0)
			return true;
	}
	return false;
}

/* The error at `at`, which must be on the current line. */
static int syntax_error(const struct parser *ps, const char *at, const char *what, struct err *err)
{
	const char *hint = !looks_like_python(ps, at) ? "" :
		" (Python code is not supported, only assignments of strings, numbers and lists)";
	unsigned int col = (unsigned int)(at - ps->line_start) + 1;
	const char *stop = at;
	char near[48];

	if (at == ps->end)
		return fail(err, EINVAL, "%s:%u:%u: %s, at the end of the text%s", ps->origin,
			    ps->line, col, what, hint);
	if (*at == '\n' || (*at == '\r' && at + 1 < ps->end && at[1] == '\n'))
		return fail(err, EINVAL, "%s:%u:%u: %s, at the end of the line%s", ps->origin,
			    ps->line, col, what, hint);
	do
		stop++;
	while (stop < ps->end && !strchr(" \t\r\n", *stop));
	return fail(err, EINVAL, "%s:%u:%u: %s, near '%s'%s", ps->origin, ps->line, col, what,
		    str_escape(at, (size_t)(stop - at), near, sizeof(near)), hint);
}

static void skip_blanks(struct parser *ps)
{
	while (ps->p < ps->end && (*ps->p == ' ' || *ps->p == '\t'))
		ps->p++;
}

/* Blanks, then at most one line end with its comment; true if there was one. */
static bool skip_line_end(struct parser *ps)
{
	const char *p;

	skip_blanks(ps);
	p = ps->p;
	if (p < ps->end && *p == '#') {
		while (p < ps->end && *p != '\n')
			p++;
		ps->p = p;
		if (p == ps->end)
			return true;
	}
	if (p + 1 < ps->end && p[0] == '\r' && p[1] == '\n')
		p++;
	if (p == ps->end || *p != '\n')
		return false;
	ps->p = ps->line_start = p + 1;
	ps->line++;
	return true;
}

static void skip_line_ends(struct parser *ps)
{
	while (ps->p < ps->end && skip_line_end(ps))
		;
	skip_blanks(ps);
}

static bool is_ident(char c, bool first)
{
	return (c >= 'a' && c <= 'z') ||
	       (!first && ((c >= '0' && c <= '9') || c == '.' || c == '_'));
}

static int hex_digit(const struct parser *ps, const char *p)
{
	if (p >= ps->end)
		return -1;
	if (*p >= '0' && *p <= '9')
		return *p - '0';
	if ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'f')
		return (*p | 0x20) - 'a' + 10;
	return -1;
}

/* One escape: ps->p is behind the backslash on entry and behind the escape after. */
static int parse_escape(struct parser *ps, struct strbuf *out, struct err *err)
{
	static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
	const char *at = ps->p - 1;
	const char *known;
	unsigned int byte = 0;
	char c;

	if (ps->p == ps->end || *ps->p == '\n')
		return syntax_error(ps, at, "a string cannot continue on the next line", err);
	c = *ps->p++;
	known = strchr(from, c);
	if (c && known) {
		strbuf_add(out, &to[known - from], 1);
		return 0;
	}
	if (c == 'x' && hex_digit(ps, ps->p) >= 0 && hex_digit(ps, ps->p + 1) >= 0) {
		byte = (unsigned int)(hex_digit(ps, ps->p) * 16 + hex_digit(ps, ps->p + 1));
		ps->p += 2;
	} else if (c >= '0' && c <= '7') {
		byte = (unsigned int)(c - '0');
		for (int i = 0; i < 2 && ps->p < ps->end && *ps->p >= '0' && *ps->p <= '7'; i++)
			byte = byte * 8 + (unsigned int)(*ps->p++ - '0');
	}
	if (byte == 0 || byte > 255)
		return syntax_error(ps, at, "bad escape in a string", err);
	strbuf_add(out, &(char){ (char)byte }, 1);
	return 0;
}

static int parse_string(struct parser *ps, struct cfg_value *out, struct err *err)
{
	scoped(strbuf) struct strbuf text = STRBUF_INIT;
	const char *open = ps->p++;

	while (ps->p < ps->end && *ps->p != *open && *ps->p != '\n') {
		const char *from = ps->p;
		int rc;

		if (*ps->p == '\\') {
			ps->p++;
			rc = parse_escape(ps, &text, err);
			if (rc < 0)
				return rc;
			continue;
		}
		while (ps->p < ps->end && *ps->p != *open && *ps->p != '\n' && *ps->p != '\\')
			ps->p++;
		strbuf_add(&text, from, (size_t)(ps->p - from));
	}
	if (ps->p == ps->end || *ps->p == '\n')
		return syntax_error(ps, open, "a string without its closing quote", err);
	ps->p++;
	out->len = text.len;
	return strbuf_finish(&text, &out->text, err);
}

static int parse_number(struct parser *ps, struct cfg_value *out, struct err *err)
{
	const char *from = ps->p;

	while (ps->p < ps->end && *ps->p && strchr("0123456789abcdefx", *ps->p))
		ps->p++;
	out->len = (size_t)(ps->p - from);
	out->text = strndup(from, out->len);
	return out->text ? 0 : fail_nomem(err);
}

static int list_add(struct cfg_value *list, struct cfg_value *item, struct err *err)
{
	if (list->nr == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 4;
		struct cfg_value *items = reallocarray(list->items, cap, sizeof(*items));

		if (!items)
			return fail_nomem(err);
		list->items = items;
		list->cap = cap;
	}
	list->items[list->nr++] = *item;
	*item = (struct cfg_value){ .kind = CFG_ATOM };
	return 0;
}

static int parse_value(struct parser *ps, unsigned int depth, struct cfg_value *out,
		       struct err *err);

static int parse_list(struct parser *ps, unsigned int depth, struct cfg_value *out,
		      struct err *err)
{
	const char *open = ps->p++;
	unsigned int open_line = ps->line, open_col = (unsigned int)(open - ps->line_start) + 1;
	int rc;

	if (depth == CFG_MAX_DEPTH)
		return syntax_error(ps, open, "lists nested too deeply", err);
	for (;;) {
		scoped(value) struct cfg_value item = { .kind = CFG_ATOM };

		skip_line_ends(ps);
		if (ps->p < ps->end && *ps->p == ']')
			break;
		if (ps->p == ps->end)
			return fail(err, EINVAL, "%s:%u:%u: a list without its closing ']'",
				    ps->origin, open_line, open_col);
		rc = parse_value(ps, depth + 1, &item, err);
		if (rc == 0)
			rc = list_add(out, &item, err);
		if (rc < 0)
			return rc;
		skip_line_ends(ps);
		if (ps->p < ps->end && *ps->p == ',')
			ps->p++;
		else if (ps->p < ps->end && *ps->p != ']')
			return syntax_error(ps, ps->p, "expected ',' or ']' in a list", err);
	}
	ps->p++;
	return 0;
}

static int parse_value(struct parser *ps, unsigned int depth, struct cfg_value *out,
		       struct err *err)
{
	char c = ps->p < ps->end ? *ps->p : '\0';

	out->origin = ps->origin;
	out->line = ps->line;
	out->col = (unsigned int)(ps->p - ps->line_start) + 1;
	if (c == '[') {
		out->kind = CFG_LIST;
		return parse_list(ps, depth, out, err);
	}
	if (c == '"' || c == '\'')
		return parse_string(ps, out, err);
	if (c >= '0' && c <= '9')
		return parse_number(ps, out, err);
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
		return syntax_error(ps, ps->p, "expected a value; strings need quotes", err);
	if (c == '-')
		return syntax_error(ps, ps->p, "expected a value; negative numbers need quotes",
				    err);
	return syntax_error(ps, ps->p, "expected a string, a number or a list", err);
}

/* prev += more; afterwards prev holds both and more is empty. */
static int value_append(struct cfg_value *prev, struct cfg_value *more, struct err *err)
{
	int rc = 0;

	if (prev->kind == CFG_ATOM && prev->len + more->len >= prev->cap) {
		/* Doubled, so that a file full of += is not quadratic work. */
		size_t cap = (prev->len + more->len + 1) * 2;
		char *text = realloc(prev->text, cap);

		if (!text)
			return fail_nomem(err);
		prev->text = text;
		prev->cap = cap;
	}
	if (prev->kind == CFG_ATOM) {
		memcpy(prev->text + prev->len, more->text, more->len + 1);
		prev->len += more->len;
		return 0;
	}
	for (size_t i = 0; i < more->nr && rc == 0; i++)
		rc = list_add(prev, &more->items[i], err);
	return rc;
}

static struct cfg_setting *find(const struct cfg *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->nr; i++) {
		if (strcmp(cfg->settings[i].name, name) == 0)
			return &cfg->settings[i];
	}
	return NULL;
}

const struct cfg_setting *cfg_find(const struct cfg *cfg, const char *name)
{
	return find(cfg, name);
}

/* NULL and err: no room. */
static struct cfg_setting *new_setting(struct parser *ps, char **name, struct err *err)
{
	struct cfg *cfg = ps->cfg;

	if (cfg->nr == CFG_MAX_SETTINGS) {
		fail(err, E2BIG, "%s:%u: more than %d settings", ps->origin, ps->line,
		     CFG_MAX_SETTINGS);
		return NULL;
	}
	if (cfg->nr == cfg->cap) {
		size_t cap = cfg->cap ? cfg->cap * 2 : 32;
		struct cfg_setting *settings = reallocarray(cfg->settings, cap, sizeof(*settings));

		if (!settings) {
			fail_nomem(err);
			return NULL;
		}
		cfg->settings = settings;
		cfg->cap = cap;
	}
	cfg->settings[cfg->nr] = (struct cfg_setting){ .name = take(*name) };
	return &cfg->settings[cfg->nr++];
}

/* name = value or name += value; takes over what it keeps. at is the name's place. */
static int store(struct parser *ps, char **name, bool add, struct cfg_value *value,
		 const struct cfg_value *at, struct err *err)
{
	struct cfg_setting *setting = find(ps->cfg, *name);
	int rc = 0;

	if (setting && add && setting->value.kind != value->kind)
		return fail(err, EINVAL, "%s:%u:%u: cannot add a %s to '%s', which is a %s",
			    ps->origin, at->line, at->col,
			    value->kind == CFG_LIST ? "list" : "string", *name,
			    value->kind == CFG_LIST ? "string" : "list");
	if (setting && add) {
		rc = value_append(&setting->value, value, err);
	} else {
		if (!setting)
			setting = new_setting(ps, name, err);
		if (!setting)
			return -err->code;
		value_free(&setting->value);
		setting->value = *value;
		*value = (struct cfg_value){ .kind = CFG_ATOM };
	}
	if (rc < 0)
		return rc;
	setting->origin = ps->origin;
	setting->line = at->line;
	setting->col = at->col;
	setting->added = add;
	return 0;
}

static int parse_assignment(struct parser *ps, struct err *err)
{
	scoped(value) struct cfg_value value = { .kind = CFG_ATOM };
	scoped(free) char *name = NULL;
	const char *from = ps->p, *op;
	struct cfg_value at = {
		.line = ps->line, .col = (unsigned int)(from - ps->line_start) + 1,
	};
	bool add;
	int rc;

	while (ps->p < ps->end && is_ident(*ps->p, ps->p == from))
		ps->p++;
	if (ps->p == from)
		return syntax_error(ps, from, *from >= 'A' && *from <= 'Z' ?
				    "expected a key, which is lower case" : "expected a key", err);
	name = strndup(from, (size_t)(ps->p - from));
	if (!name)
		return fail_nomem(err);
	skip_blanks(ps);
	op = ps->p;
	add = ps->end - op >= 2 && op[0] == '+' && op[1] == '=';
	if (!add && (op == ps->end || *op != '='))
		return syntax_error(ps, op, "expected '=' or '+=' after the key", err);
	ps->p += add ? 2 : 1;
	skip_blanks(ps);
	rc = parse_value(ps, 0, &value, err);
	return rc < 0 ? rc : store(ps, &name, add, &value, &at, err);
}

static int parse_all(struct parser *ps, struct err *err)
{
	for (;;) {
		int rc;

		skip_line_ends(ps);
		if (ps->p == ps->end)
			return 0;
		if (*ps->p == ';') {
			ps->p++;
			continue;
		}
		rc = parse_assignment(ps, err);
		if (rc < 0)
			return rc;
		skip_blanks(ps);
		if (ps->p == ps->end)
			return 0;
		if (*ps->p != ';' && !skip_line_end(ps))
			return syntax_error(ps, ps->p, "expected the end of the line or ';'", err);
	}
}

static int check_text(const char *origin, const char *text, size_t len, struct err *err)
{
	const char *nul = memchr(text, '\0', len);
	unsigned int line = 1;

	if (len > CFG_MAX_BYTES)
		return fail(err, EFBIG, "%s: %zu bytes are too many for a config (at most %d)",
			    origin, len, CFG_MAX_BYTES);
	if (!nul)
		return 0;
	for (const char *p = text; p < nul; p++)
		line += *p == '\n';
	return fail(err, EINVAL, "%s:%u: not a text file (it has a NUL byte)", origin, line);
}

static int add_origin(struct cfg *cfg, const char *origin, struct err *err)
{
	char **origins = reallocarray(cfg->origins, cfg->nr_origins + 1, sizeof(*origins));

	if (!origins)
		return fail_nomem(err);
	cfg->origins = origins;
	origins[cfg->nr_origins] = strdup(origin);
	if (!origins[cfg->nr_origins])
		return fail_nomem(err);
	cfg->nr_origins++;
	return 0;
}

/* origin stays the caller's; it must live in cfg->origins. */
static int parse_text(struct cfg *cfg, const char *origin, unsigned int line, const char *text,
		      size_t len, struct err *err)
{
	struct parser ps = {
		.cfg = cfg, .origin = origin, .p = text, .end = text + len,
		.line_start = text, .line = line,
	};
	int rc = check_text(origin, text, len, err);

	return rc < 0 ? rc : parse_all(&ps, err);
}

int cfg_parse(struct cfg *cfg, const char *origin, const char *text, size_t len, struct err *err)
{
	int rc = add_origin(cfg, origin, err);

	return rc < 0 ? rc : parse_text(cfg, cfg->origins[cfg->nr_origins - 1], 1, text, len, err);
}

int cfg_parse_file(struct cfg *cfg, const char *path, struct err *err)
{
	scoped(bytes) struct bytes text = BYTES_INIT;
	int rc;

	if (strcmp(path, "/dev/null") == 0)
		return cfg_parse(cfg, path, "", 0, err);
	rc = file_read(path, CFG_MAX_BYTES, &text, err);
	return rc < 0 ? rc : cfg_parse(cfg, path, text.data, text.len, err);
}

int cfg_parse_words(struct cfg *cfg, const char *const *words, size_t nr, struct err *err)
{
	int rc = add_origin(cfg, "command line", err);

	for (size_t i = 0; i < nr && rc == 0; i++)
		rc = parse_text(cfg, cfg->origins[cfg->nr_origins - 1], (unsigned int)i + 1,
				words[i], strlen(words[i]), err);
	return rc;
}
