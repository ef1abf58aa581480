/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "findings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scope.h"
#include "str.h"

enum { TEXT_MOST = 1024 };

static char *copy(const char *text)
{
	char shown[TEXT_MOST];

	return strdup(str_escape(text, strlen(text), shown, sizeof(shown)));
}

void findings_add(struct findings *list, enum finding_level level, const char *what,
		  const char *todo, const char *fmt, ...)
{
	struct finding *items = reallocarray(list->items, list->nr + 1, sizeof(*items));
	struct finding *item;
	char text[TEXT_MOST];
	va_list ap;

	if (!items) {
		list->failed = true;
		return;
	}
	list->items = items;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	item = &items[list->nr++];
	*item = (struct finding){
		.level = level, .what = what, .text = copy(text), .todo = todo ? copy(todo) : NULL,
	};
	if (!item->text || (todo && !item->todo)) {
		free(item->text);
		free(item->todo);
		list->nr--;
		list->failed = true;
	}
}

void scoped_findings(struct findings *list)
{
	int saved = errno;

	for (size_t i = 0; i < list->nr; i++) {
		free(list->items[i].text);
		free(list->items[i].todo);
	}
	free(list->items);
	*list = (struct findings)FINDINGS_INIT;
	errno = saved;
}

size_t findings_count(const struct findings *list, enum finding_level level)
{
	size_t nr = 0;

	for (size_t i = 0; i < list->nr; i++)
		nr += list->items[i].level == level;
	return nr;
}

const char *finding_level_name(enum finding_level level)
{
	static const char *const names[] = { "ok", "warning", "error" };

	return names[level];
}
