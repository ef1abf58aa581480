/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grub_script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "text.h"

static int syntax_error(const struct grub_parser *ps, const char *what, struct err *err)
{
	return fail(err, EINVAL, "line %u: %s", ps->line, what);
}

/* Behind blanks and continued lines; newlines stay. */
static void skip_blanks(struct grub_parser *ps)
{
	for (;;) {
		if (text_is_blank(*ps->p)) {
			ps->p++;
		} else if (ps->p[0] == '\\' && ps->p[1] == '\n') {
			ps->p += 2;
			ps->line++;
		} else {
			return;
		}
	}
}

static void skip_comment(struct grub_parser *ps)
{
	if (*ps->p == '#')
		ps->p += strcspn(ps->p, "\n");
}

/* Behind everything that only separates commands. */
static void skip_separators(struct grub_parser *ps)
{
	for (;;) {
		skip_blanks(ps);
		skip_comment(ps);
		if (*ps->p != '\n' && *ps->p != ';')
			return;
		ps->line += *ps->p == '\n';
		ps->p++;
	}
}

static bool ends_word(char c)
{
	return !c || text_is_blank(c) || strchr("\n;{}", c);
}

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The length of a variable's name at s: a name, digits, or one of ?*@#; 0: there is none. */
static size_t var_length(const char *s)
{
	size_t len = 0;

	if (is_name_start(*s)) {
		while (is_name_start(s[len]) || is_digit(s[len]))
			len++;
	} else if (is_digit(*s)) {
		while (is_digit(s[len]))
			len++;
	} else if (*s && strchr("?*@#", *s)) {
		len = 1;
	}
	return len;
}

struct word_builder {
	struct grub_parser *ps;
	struct grub_part **end;
	struct abuf text;
	bool quoted;		/* the text that is being gathered */
	bool any;		/* there was a quote: the word exists even when it is empty */
};

static int add_part(struct word_builder *w, enum grub_part_kind kind, bool quoted, const char *s,
		    struct err *err)
{
	struct grub_part *part = s ? arena_alloc(w->ps->arena, sizeof(*part)) : NULL;

	if (!part)
		return conf_nomem(err);
	*part = (struct grub_part){ .kind = kind, .quoted = quoted, .s = s };
	*w->end = part;
	w->end = &part->next;
	return 0;
}

/* What was gathered becomes a part. */
static int flush_text(struct word_builder *w, struct err *err)
{
	int rc = 0;

	if (w->text.len || w->any)
		rc = add_part(w, GRUB_TEXT, w->quoted, abuf_text(&w->text), err);
	w->text = (struct abuf)ABUF_INIT(w->ps->arena, CONF_FILE_MAX);
	w->any = false;
	return rc;
}

/* At a '$'; one that starts no variable is a character. */
static int parse_variable(struct word_builder *w, bool quoted, struct err *err)
{
	struct grub_parser *ps = w->ps;
	bool braces = ps->p[1] == '{';
	const char *name = ps->p + 1 + braces;
	size_t len = var_length(name);
	int rc;

	if (!len || (braces && name[len] != '}')) {
		abuf_char(&w->text, *ps->p++);
		return 0;
	}
	if (len > GRUB_NAME_MAX)
		return syntax_error(ps, "a variable's name is too long", err);
	rc = flush_text(w, err);
	if (rc < 0)
		return rc;
	ps->p = name + len + braces;
	w->quoted = quoted;
	return add_part(w, GRUB_VAR, quoted, arena_copy(ps->arena, name, len), err);
}

static int parse_single_quotes(struct word_builder *w, struct err *err)
{
	struct grub_parser *ps = w->ps;
	size_t len = strcspn(++ps->p, "'");

	if (!ps->p[len])
		return syntax_error(ps, "a ' is not closed", err);
	abuf_add(&w->text, ps->p, len);
	for (size_t i = 0; i < len; i++)
		ps->line += ps->p[i] == '\n';
	ps->p += len + 1;
	return 0;
}

static int parse_double_quotes(struct word_builder *w, struct err *err)
{
	struct grub_parser *ps = w->ps;
	int rc = 0;

	ps->p++;
	while (rc == 0 && *ps->p != '"') {
		if (!*ps->p)
			return syntax_error(ps, "a \" is not closed", err);
		if (*ps->p == '$') {
			rc = parse_variable(w, true, err);
			continue;
		}
		ps->line += *ps->p == '\n';
		if (*ps->p == '\\' && ps->p[1] && strchr("$\"\\\n", ps->p[1])) {
			ps->p++;
			if (*ps->p == '\n') {
				ps->line++;
				ps->p++;
				continue;
			}
		}
		abuf_char(&w->text, *ps->p++);
	}
	ps->p++;
	return rc;
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/*
 * A backslash outside quotes. Fedora's and Red Hat's GRUB leave \x2d as it is, which
 * is how systemd's unit names get into command lines.
 */
static void parse_escape(struct word_builder *w)
{
	struct grub_parser *ps = w->ps;

	if (ps->p[1] == 'x' && is_hex(ps->p[2]) && is_hex(ps->p[3])) {
		abuf_add(&w->text, ps->p, 4);
		ps->p += 4;
	} else if (ps->p[1] == '\n') {
		ps->line++;
		ps->p += 2;
	} else {
		ps->p++;
		if (*ps->p)
			abuf_char(&w->text, *ps->p++);
	}
}

/* Text of one kind (quoted or not) is one part. */
static int set_quoted(struct word_builder *w, bool quoted, struct err *err)
{
	int rc = 0;

	if (w->quoted != quoted)
		rc = flush_text(w, err);
	w->quoted = quoted;
	w->any |= quoted;
	return rc;
}

static int parse_piece(struct word_builder *w, struct err *err)
{
	struct grub_parser *ps = w->ps;
	bool translated = ps->p[0] == '$' && ps->p[1] == '"';
	char c = translated ? '"' : *ps->p;
	int rc = set_quoted(w, c == '\'' || c == '"', err);

	if (rc < 0)
		return rc;
	ps->p += translated;
	switch (c) {
	case '\'': return parse_single_quotes(w, err);
	case '"': return parse_double_quotes(w, err);
	case '$': return parse_variable(w, false, err);
	case '\\': parse_escape(w); return 0;
	default: abuf_char(&w->text, *ps->p++); return 0;
	}
}

static int parse_word(struct grub_parser *ps, struct grub_word **out, struct err *err)
{
	struct grub_word *word = arena_alloc(ps->arena, sizeof(*word));
	struct word_builder w = {
		.ps = ps, .end = word ? &word->parts : NULL,
		.text = ABUF_INIT(ps->arena, CONF_FILE_MAX),
	};

	if (!word)
		return conf_nomem(err);
	while (!ends_word(*ps->p)) {
		int rc = parse_piece(&w, err);

		if (rc < 0)
			return rc;
	}
	*out = word;
	return flush_text(&w, err);
}

/* True when the next word is this one, unquoted; then it is behind the parser. */
static bool take_keyword(struct grub_parser *ps, const char *keyword)
{
	size_t len = strlen(keyword);

	if (strncmp(ps->p, keyword, len) != 0 || !ends_word(ps->p[len]))
		return false;
	ps->p += len;
	return true;
}

static bool at_keyword(const struct grub_parser *ps, const char *const *keywords)
{
	for (; *keywords; keywords++) {
		struct grub_parser copy = *ps;

		if (take_keyword(&copy, *keywords))
			return true;
	}
	return false;
}

static int parse_command(struct grub_parser *ps, struct grub_cmd **out, struct err *err);

/* Commands up to one of the keywords or a '}', which is left where it is. */
static int parse_list(struct grub_parser *ps, const char *const *until, struct grub_cmd **out,
		      struct err *err)
{
	struct grub_cmd **end = out;
	int rc = 0;

	if (++ps->depth > GRUB_DEPTH_MAX)
		return syntax_error(ps, "blocks are nested too deep", err);
	for (;;) {
		skip_separators(ps);
		if (!*ps->p || *ps->p == '}' || at_keyword(ps, until))
			break;
		rc = parse_command(ps, end, err);
		if (rc < 0)
			return rc;
		end = &(*end)->next;
	}
	ps->depth--;
	return 0;
}

static int expect(struct grub_parser *ps, const char *keyword, struct err *err)
{
	skip_separators(ps);
	if (take_keyword(ps, keyword))
		return 0;
	return fail(err, EINVAL, "line %u: '%s' is missing", ps->line, keyword);
}

static int parse_block(struct grub_parser *ps, struct grub_cmd **body, struct err *err)
{
	static const char *const nothing[] = { NULL };
	int rc;

	skip_separators(ps);
	if (*ps->p != '{')
		return syntax_error(ps, "a '{' is missing", err);
	ps->p++;
	rc = parse_list(ps, nothing, body, err);
	if (rc < 0)
		return rc;
	if (*ps->p != '}')
		return syntax_error(ps, "a '{' is not closed", err);
	ps->p++;
	return 0;
}

static int parse_words(struct grub_parser *ps, struct grub_word **out, struct err *err)
{
	struct grub_word **end = out;

	for (;;) {
		int rc;

		skip_blanks(ps);
		skip_comment(ps);
		if (ends_word(*ps->p))
			return 0;
		rc = parse_word(ps, end, err);
		if (rc < 0)
			return rc;
		end = &(*end)->next;
	}
}

/* Behind "if" or "elif". */
static int parse_if(struct grub_parser *ps, struct grub_cmd *cmd, struct err *err)
{
	static const char *const then[] = { "then", NULL };
	static const char *const ends[] = { "elif", "else", "fi", NULL };
	static const char *const fi[] = { "fi", NULL };

	for (;;) {
		int rc = parse_list(ps, then, &cmd->cond, err);

		if (rc == 0)
			rc = expect(ps, "then", err);
		if (rc == 0)
			rc = parse_list(ps, ends, &cmd->body, err);
		if (rc < 0)
			return rc;
		if (!take_keyword(ps, "elif"))
			break;
		cmd->orelse = arena_alloc(ps->arena, sizeof(*cmd));
		if (!cmd->orelse)
			return conf_nomem(err);
		cmd->orelse->kind = GRUB_IF;
		cmd->orelse->line = ps->line;
		cmd = cmd->orelse;
	}
	if (take_keyword(ps, "else")) {
		int rc = parse_list(ps, fi, &cmd->orelse, err);

		if (rc < 0)
			return rc;
	}
	return expect(ps, "fi", err);
}

static int parse_do(struct grub_parser *ps, struct grub_cmd *cmd, struct err *err)
{
	static const char *const done[] = { "done", NULL };
	int rc = expect(ps, "do", err);

	if (rc == 0)
		rc = parse_list(ps, done, &cmd->body, err);
	return rc < 0 ? rc : expect(ps, "done", err);
}

static int parse_loop(struct grub_parser *ps, struct grub_cmd *cmd, struct err *err)
{
	static const char *const to[] = { "do", NULL };
	int rc = parse_list(ps, to, &cmd->cond, err);

	return rc < 0 ? rc : parse_do(ps, cmd, err);
}

static int parse_name(struct grub_parser *ps, const char **out, struct err *err)
{
	size_t len = 0;

	skip_blanks(ps);
	while (!ends_word(ps->p[len]))
		len++;
	if (!len || len > GRUB_NAME_MAX)
		return syntax_error(ps, len ? "a name is too long" : "a name is missing", err);
	*out = arena_copy(ps->arena, ps->p, len);
	ps->p += len;
	return *out ? 0 : conf_nomem(err);
}

static int parse_for(struct grub_parser *ps, struct grub_cmd *cmd, struct err *err)
{
	int rc = parse_name(ps, &cmd->name, err);

	if (rc == 0)
		rc = expect(ps, "in", err);
	if (rc == 0)
		rc = parse_words(ps, &cmd->words, err);
	return rc < 0 ? rc : parse_do(ps, cmd, err);
}

static int parse_simple(struct grub_parser *ps, struct grub_cmd *cmd, struct err *err)
{
	static const char *const out_of_place[] = {
		"then", "elif", "else", "fi", "do", "done", "in", NULL
	};
	int rc;

	if (at_keyword(ps, out_of_place))
		return fail(err, EINVAL, "line %u: '%.*s' is out of place", ps->line,
			    (int)strcspn(ps->p, " \t\n;{}"), ps->p);
	rc = parse_words(ps, &cmd->words, err);
	if (rc < 0)
		return rc;
	if (!cmd->words)
		return fail(err, EINVAL, "line %u: '%c' is out of place", ps->line, *ps->p);
	if (*ps->p != '{')
		return 0;
	cmd->has_block = true;
	return parse_block(ps, &cmd->body, err);
}

static int parse_command(struct grub_parser *ps, struct grub_cmd **out, struct err *err)
{
	struct grub_cmd *cmd = arena_alloc(ps->arena, sizeof(*cmd));
	int rc;

	if (!cmd)
		return conf_nomem(err);
	*out = cmd;
	cmd->line = ps->line;
	if (take_keyword(ps, "if")) {
		cmd->kind = GRUB_IF;
		return parse_if(ps, cmd, err);
	}
	if (take_keyword(ps, "while")) {
		cmd->kind = GRUB_WHILE;
		return parse_loop(ps, cmd, err);
	}
	if (take_keyword(ps, "until")) {
		cmd->kind = GRUB_UNTIL;
		return parse_loop(ps, cmd, err);
	}
	if (take_keyword(ps, "for")) {
		cmd->kind = GRUB_FOR;
		return parse_for(ps, cmd, err);
	}
	if (take_keyword(ps, "function")) {
		cmd->kind = GRUB_FUNCTION;
		rc = parse_name(ps, &cmd->name, err);
		return rc < 0 ? rc : parse_block(ps, &cmd->body, err);
	}
	return parse_simple(ps, cmd, err);
}

int grub_parse(struct grub_parser *ps, struct grub_cmd **out, struct err *err)
{
	struct grub_cmd *cmd = NULL;
	int rc;

	ps->depth = 0;
	skip_separators(ps);
	if (!*ps->p)
		return 0;
	rc = parse_command(ps, &cmd, err);
	if (rc < 0) {
		ps->p += strcspn(ps->p, "\n");
		return rc;
	}
	*out = cmd;
	return 1;
}
