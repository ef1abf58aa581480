/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Private to supervisor/: guests that were destroyed and do not go, because somebody has memory
 * of theirs. Each is told once, by a child (successor.h: "dying").
 */
#ifndef SUPERVISOR_DYING_H
#define SUPERVISOR_DYING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct domctl_info;
struct guests;

struct dying_one {
	char *name;
	uint32_t domid;
	int64_t due;		/* when it is told (wait_now_ms); INT64_MAX: it was */
};

struct dying {
	struct dying_one *items;
	size_t nr;
};

/*
 * Looks through all domains for those of guests; tells of what is there for too long. When to look
 * again though nothing happens, or INT64_MAX.
 */
int64_t dying_look(struct dying *dying, const struct guests *guests,
		   const struct domctl_info *list, size_t nr);

/* Whether any may have to be told yet. */
bool dying_any(const struct dying *dying);

void dying_free(struct dying *dying);

#endif
