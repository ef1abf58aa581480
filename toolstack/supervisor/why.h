/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is known of a domain's failure, also of one that is gone: gathered from where each part of
 * the system says it. All lines are printable ASCII: much of it a guest could have written.
 */
#ifndef SUPERVISOR_WHY_H
#define SUPERVISOR_WHY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct xen;

struct why_source {
	const char *what;	/* static: "QEMU" */
	char *from;		/* owned: a file and when it was last written, the store, ... */
	char **lines;		/* owned, without line ends; the last ones, the oldest first */
	size_t nr;
};

enum { WHY_SOURCES = 8, WHY_LINE_MOST = 512 };

struct why {
	char *name;		/* owned; NULL: not known */
	uint32_t domid;
	bool known_domid, there;
	bool known_number;	/* the number means it still: no boot and no other domain since */
	char state[96];		/* "is there: running", "is gone" */
	struct why_source sources[WHY_SOURCES];	/* those that know something */
	size_t nr;
};

#define WHY_INIT { .name = NULL }

/*
 * At most `most` lines of each log. word is a name or a number. -ENOENT when nothing at
 * all is known. Both handles open.
 */
int why_find(struct xen *xen, const char *word, size_t most, struct why *why,
	     struct err *err) must_check;
void scoped_why(struct why *why);

/* Pure: whether a line of Xen's console is about that domain: "(XEN) d5v0 ...", "Domain 5 ...". */
bool why_xen_line(const char *line, size_t len, uint32_t domid);

/* Pure: text's last lines, escaped and cut, are added to source; false when out of memory. */
bool why_tail(struct why_source *source, const char *text, size_t len, size_t most);

#endif
