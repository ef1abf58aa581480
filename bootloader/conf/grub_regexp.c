/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GRUB's regexp: [--set [GROUP:]VAR]... PATTERN TEXT */
#include <string.h>

#include "grub.h"
#include "regex.h"
#include "text.h"

struct wanted {
	char *set[REGEX_GROUPS];
	size_t nr;
};

static void regexp_option(void *arg, const char *name, char *value)
{
	struct wanted *w = arg;

	(void)name;
	if (value && w->nr < REGEX_GROUPS)
		w->set[w->nr++] = value;
}

/* "1:var", or "var" for the first group. */
static int set_group(struct grub *g, char *spec, const char *text,
		     const struct regex_match *groups, struct err *err)
{
	char *colon = strchr(spec, ':'), *value;
	const struct regex_match *m;
	long n = 1;

	if (colon) {
		*colon = '\0';
		if (!text_number(spec, REGEX_GROUPS - 1, &n))
			return 1;
		spec = colon + 1;
	}
	m = &groups[n];
	value = m->start < 0 || m->end < m->start ? arena_string(&g->menu->arena, "") :
		arena_copy(&g->menu->arena, text + m->start, (size_t)(m->end - m->start));
	return value ? grub_set(g, spec, value, err) : conf_nomem(err);
}

int grub_regexp(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		struct err *err)
{
	static const struct grub_option options[] = {
		{ "--set", true, false }, { "-s", true, false }, { .name = NULL },
	};
	struct regex_match groups[REGEX_GROUPS];
	struct grub_args rest = { .n = 0 };
	struct wanted wanted = { .nr = 0 };
	int rc = grub_options(g, args, options, regexp_option, &wanted, &rest, err);

	(void)cmd;
	if (rc < 0 || rest.n != 2)
		return rc < 0 ? rc : 1;
	/* The text's length times the pattern's, which may be much longer than it is written. */
	if (strlen(rest.v[1]) > REGEX_TEXT_MAX)
		return 1;
	rc = grub_steps(g, 4 * (unsigned int)strlen(rest.v[1]) + 100, err);
	if (rc < 0 || regex_search(rest.v[0], rest.v[1], groups) != 1)
		return rc < 0 ? rc : 1;
	for (size_t i = 0; i < wanted.nr && rc == 0; i++)
		rc = set_group(g, wanted.set[i], rest.v[1], groups, err);
	return rc;
}
