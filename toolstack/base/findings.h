/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What somebody looked at and found: a list to be printed whole. */
#ifndef BASE_FINDINGS_H
#define BASE_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

enum finding_level { FINDING_OK, FINDING_WARNING, FINDING_ERROR };

struct finding {
	enum finding_level level;
	const char *what;	/* static: a word for programs, "xenstored" */
	char *text;		/* owned; printable, without a line end */
	char *todo;		/* owned; what to do about it, NULL: nothing */
};

struct findings {
	struct finding *items;	/* owned, in the order found */
	size_t nr;
	bool failed;		/* one is lost: out of memory */
};

#define FINDINGS_INIT { .items = NULL }

/* todo may be NULL. Bytes that are not printable ASCII are escaped. */
void findings_add(struct findings *list, enum finding_level level, const char *what,
		  const char *todo, const char *fmt, ...) printf_like(5, 6);
void scoped_findings(struct findings *list);

size_t findings_count(const struct findings *list, enum finding_level level);

/* "ok", "warning", "error" */
const char *finding_level_name(enum finding_level level);

#endif
