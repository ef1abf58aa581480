/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "output.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/findings.h"
#include "base/json.h"
#include "base/scope.h"

int output_json(const json_t *json, struct err *err)
{
	scoped(free) char *text = NULL;
	int rc = json_to_text(json, &text, err);

	if (rc == 0)
		fputs(text, stdout);
	return rc;
}

const char *output_name(const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "%s", name ? name : "(null)");
	if (!isatty(STDOUT_FILENO))
		return buf;
	for (unsigned char *p = (unsigned char *)buf; *p; p++) {
		/* C0, DEL and, as bytes of their own, C1. */
		if (*p < 0x20 || *p == 0x7f || (*p >= 0x80 && *p < 0xa0))
			*p = '?';
	}
	return buf;
}

static unsigned int bit(const uint8_t *map, unsigned int i)
{
	return map[i / 8] >> i % 8 & 1;
}

const char *output_bitmap(const uint8_t *map, unsigned int nr, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; i < nr && used < size; i++) {
		unsigned int first = i;

		if (!bit(map, i))
			continue;
		while (i + 1 < nr && bit(map, i + 1))
			i++;
		if (first == 0 && i == nr - 1) {
			snprintf(buf, size, "all");
			return buf;
		}
		used += (size_t)snprintf(buf + used, size - used, "%s%u", used ? "," : "", first);
		if (i > first && used < size)
			used += (size_t)snprintf(buf + used, size - used, "-%u", i);
	}
	if (!used)
		snprintf(buf, size, "none");
	return buf;
}

static int findings_json(const struct findings *list, struct err *err)
{
	scoped(json) json_t *array = json_array();

	for (size_t i = 0; i < list->nr; i++) {
		const struct finding *f = &list->items[i];

		if (json_array_append_new(array, json_pack("{s:s s:s s:s s:o}", "level",
							   finding_level_name(f->level), "what",
							   f->what, "text", f->text, "todo",
							   f->todo ? json_string(f->todo) :
							   json_null())) < 0)
			return fail_nomem(err);
	}
	return output_json(array, err);
}

int output_findings(const struct findings *list, bool json, struct err *err)
{
	if (list->failed)
		return fail_nomem(err);
	if (json)
		return findings_json(list, err);
	for (size_t i = 0; i < list->nr; i++) {
		const struct finding *f = &list->items[i];

		printf("%s: %s%s%s\n", finding_level_name(f->level), f->text, f->todo ? "; " : "",
		       f->todo ? f->todo : "");
	}
	return 0;
}
