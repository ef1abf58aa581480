/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* why: what is known of a domain's failure. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "command.h"
#include "output.h"
#include "supervisor/why.h"

enum { DEFAULT_LINES = 10, MOST_LINES = 1000 };

struct why_options {
	bool json;
	struct option_uint lines;
};

static int print_json(const struct why *why, struct err *err)
{
	scoped(json) json_t *sources = json_array();
	scoped(json) json_t *object = NULL;

	for (size_t i = 0; i < why->nr; i++) {
		const struct why_source *source = &why->sources[i];
		json_t *lines = json_array();

		for (size_t k = 0; k < source->nr; k++)
			json_array_append_new(lines, json_string(source->lines[k]));
		if (json_array_append_new(sources, json_pack("{s:s s:s s:o}", "what", source->what,
							     "from", source->from, "lines",
							     lines)) < 0)
			return fail_nomem(err);
	}
	object = json_pack("{s:o s:o s:b s:s s:O}",
			   "name", why->name ? json_text(why->name) : json_null(),
			   "domid", why->known_domid ? json_integer(why->domid) : json_null(),
			   "there", why->there, "state", why->state, "sources", sources);
	return object ? output_json(object, err) : fail_nomem(err);
}

static void print_text(const struct why *why)
{
	char shown[WHY_LINE_MOST];
	const char *name = why->name ? why->name : "(no name)";

	printf("%s", str_escape(name, strlen(name), shown, sizeof(shown)));
	if (why->known_domid)
		printf(" (domain %u)", why->domid);
	printf(" %s\n", why->state);
	for (size_t i = 0; i < why->nr; i++) {
		printf("--- %s: %s\n", why->sources[i].what, why->sources[i].from);
		for (size_t k = 0; k < why->sources[i].nr; k++)
			puts(why->sources[i].lines[k]);
	}
}

static int run_why(struct cmd *cmd, struct err *err)
{
	const struct why_options *opts = cmd->options;
	scoped(why) struct why why = WHY_INIT;
	unsigned int most = opts->lines.given ? opts->lines.value : DEFAULT_LINES;
	int rc;

	if (most < 1 || most > MOST_LINES)
		return fail(err, EINVAL, "--lines is a number from 1 to %d", MOST_LINES);
	rc = why_find(&cmd->xen, cmd->words[0], most, &why, err);
	if (rc < 0)
		return rc;
	if (opts->json)
		return print_json(&why, err);
	print_text(&why);
	return 0;
}

#define AT(member) offsetof(struct why_options, member)

static const struct option_row options[] = {
	{ 'n', "lines", "N", "At most N lines of each log (10).", OPTION_UINT, AT(lines) },
	{ 0, "json", NULL, "As a JSON object.", OPTION_FLAG, AT(json) },
};

const struct command cmd_why = {
	.name = "why", .args = "[-n N] [--json] <Domain>",
	.help = "Show what is known of a domain's failure, also of one that is gone",
	.more = "Looks at its events, its devices' errors in xenstore, what Xen said of it, and the "
		"ends of\nthe logs of xl, its bootloader, QEMU and its console. Unprintable bytes are "
		"shown as \\xNN.",
	.needs = NEED_XEN | NEED_STORE, .min = 1, .max = 1, COMMAND_OPTIONS(options),
	.run = run_why,
};
