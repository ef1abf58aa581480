/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "grub.h"
#include "text.h"

struct expander {
	struct grub *g;
	struct grub_args *out;
	struct abuf text;	/* of the argument under way */
	bool exists;		/* it is one even when it is empty */
	bool pattern;		/* * ? or [ stood outside quotes */
};

int grub_args_add(struct grub *g, struct grub_args *args, char *s, struct err *err)
{
	char **v;

	if (!s)
		return conf_nomem(err);
	if (args->n >= GRUB_ARGS_MAX)
		return fail(err, E2BIG, "more than %d words in one command", GRUB_ARGS_MAX);
	v = arena_grow(&g->menu->arena, args->v, args->n, sizeof(*v));
	if (!v)
		return conf_nomem(err);
	args->v = v;
	v[args->n++] = s;
	return 0;
}

/* "/boot/vmlinuz-*": the last component against the folder; true when something matched. */
static int expand_pattern(struct expander *e, char *word, bool *matched, struct err *err)
{
	struct grub *g = e->g;
	char *slash = strrchr(word, '/');
	struct err ignored = ERR_INIT;
	struct names names = { .nr = 0 };
	const char *folder;
	unsigned int dev;
	char *copy;
	int rc = 0;

	*matched = false;
	if (!slash || !slash[1] || !(copy = arena_copy(&g->menu->arena, word,
						       (size_t)(slash - word) + 1)))
		return 0;
	if (strpbrk(copy, "*?[") || !grub_path(g, copy, &dev, &folder) ||
	    conf_list(g->menu, dev, folder, "", &names, &ignored) < 0)
		return 0;
	rc = grub_steps(g, 20 * (unsigned int)names.nr, err);
	for (size_t i = 0; i < names.nr && rc == 0; i++) {
		if ((names.names[i][0] == '.' && slash[1] != '.') ||
		    !glob_match(slash + 1, names.names[i]))
			continue;
		rc = grub_args_add(g, e->out,
				   arena_format(&g->menu->arena, "%s%s", copy, names.names[i]), err);
		*matched = true;
	}
	return rc;
}

static int end_argument(struct expander *e, struct err *err)
{
	char *text;
	bool matched = false;
	int rc = 0;

	if (!e->exists && !e->text.len)
		return 0;
	text = abuf_text(&e->text);
	if (!text)
		return e->text.len > GRUB_VALUE_MAX / 2 ?
			fail(err, E2BIG, "a word is longer than %d bytes", GRUB_VALUE_MAX) :
			conf_nomem(err);
	if (e->pattern && (*text == '/' || *text == '('))
		rc = expand_pattern(e, text, &matched, err);
	if (rc == 0 && !matched)
		rc = grub_args_add(e->g, e->out, text, err);
	e->text = (struct abuf)ABUF_INIT(&e->g->menu->arena, GRUB_VALUE_MAX);
	e->exists = e->pattern = false;
	return rc;
}

/* Outside quotes blanks within a value separate arguments; those at its ends do nothing. */
static int add_split(struct expander *e, const char *value, struct err *err)
{
	static const char blanks[] = " \t\n";
	int rc = 0;

	for (value += strspn(value, blanks); *value && rc == 0;) {
		size_t len = strcspn(value, blanks);

		e->pattern |= strcspn(value, "*?[") < len;
		abuf_add(&e->text, value, len);
		value += len;
		value += strspn(value, blanks);
		if (*value)
			rc = end_argument(e, err);
	}
	return rc;
}

static int add_value(struct expander *e, const struct grub_part *part, const char *value,
		     struct err *err)
{
	if (!value)
		value = "";
	e->exists |= part->quoted;
	if (!part->quoted)
		return add_split(e, value, err);
	abuf_string(&e->text, value);
	return 0;
}

/* $* and $@; "$@" gives each parameter as an argument of its own. */
static int add_all_params(struct expander *e, const struct grub_part *part, struct err *err)
{
	const struct grub_args *params = &e->g->params;
	bool apart = part->s[0] == '@' && part->quoted;
	int rc = 0;

	if (!params->n)
		return 0;
	for (size_t i = 0; i < params->n && rc == 0; i++) {
		if (i && (apart || !part->quoted))
			rc = end_argument(e, err);
		else if (i)
			abuf_char(&e->text, ' ');
		if (rc == 0)
			rc = add_value(e, part, params->v[i], err);
	}
	return rc;
}

static int add_variable(struct expander *e, const struct grub_part *part, struct err *err)
{
	const struct grub *g = e->g;
	char number[16];
	long n;

	if (strchr("*@", part->s[0]))
		return add_all_params(e, part, err);
	if (strchr("?#", part->s[0])) {
		snprintf(number, sizeof(number), "%d",
			 part->s[0] == '?' ? g->status : (int)g->params.n);
		return add_value(e, part, number, err);
	}
	if (part->s[0] >= '0' && part->s[0] <= '9') {
		if (!text_number(part->s, GRUB_ARGS_MAX, &n) || n < 1 || (size_t)n > g->params.n)
			return add_value(e, part, NULL, err);
		return add_value(e, part, g->params.v[n - 1], err);
	}
	return add_value(e, part, grub_get(g, part->s), err);
}

static int add_part(struct expander *e, const struct grub_part *part, struct err *err)
{
	int rc = grub_step(e->g, err);

	if (rc < 0)
		return rc;
	if (part->kind == GRUB_VAR)
		return add_variable(e, part, err);
	e->exists |= part->quoted;
	e->pattern |= !part->quoted && strpbrk(part->s, "*?[");
	abuf_string(&e->text, part->s);
	return 0;
}

int grub_expand(struct grub *g, const struct grub_word *words, struct grub_args *out,
		struct err *err)
{
	struct expander e = {
		.g = g, .out = out, .text = ABUF_INIT(&g->menu->arena, GRUB_VALUE_MAX),
	};
	int rc = 0;

	for (; words && rc == 0; words = words->next) {
		for (const struct grub_part *p = words->parts; p && rc == 0; p = p->next)
			rc = add_part(&e, p, err);
		if (rc == 0)
			rc = end_argument(&e, err);
	}
	return rc;
}
