/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dying.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <uuid/uuid.h>

#include "base/log.h"
#include "base/wait.h"
#include "guests.h"
#include "start.h"
#include "xen/domctl.h"

/* Most are gone in milliseconds. */
enum { DYING_MS = 5000 };

static bool is_known(const struct dying *dying, uint32_t domid)
{
	for (size_t i = 0; i < dying->nr; i++) {
		if (dying->items[i].domid == domid)
			return true;
	}
	return false;
}

static void add(struct dying *dying, const char *name, uint32_t domid)
{
	struct dying_one *grown = reallocarray(dying->items, dying->nr + 1, sizeof(*grown));
	char *copy = grown ? strdup(name) : NULL;

	/* Without memory it is not told. */
	if (grown)
		dying->items = grown;
	if (copy)
		dying->items[dying->nr++] =
			(struct dying_one){ copy, domid, wait_deadline(DYING_MS) };
}

static void drop(struct dying *dying, size_t i)
{
	free(dying->items[i].name);
	dying->items[i] = dying->items[--dying->nr];
}

static void add_new(struct dying *dying, const struct guests *guests,
		    const struct domctl_info *info)
{
	for (size_t i = 0; i < guests->nr; i++) {
		const struct guest *guest = &guests->items[i];

		if (guest->record.domid == info->domid &&
		    memcmp(guest->record.uuid, info->uuid, sizeof(info->uuid)) == 0)
			add(dying, guest->name, info->domid);
	}
}

static const struct domctl_info *find(const struct domctl_info *list, size_t nr, uint32_t domid)
{
	for (size_t i = 0; i < nr; i++) {
		if (list[i].domid == domid && list[i].dying)
			return &list[i];
	}
	return NULL;
}

/* By a child: where it has to look it may hang, beside whoever has the memory. */
static int tell(char *name, const struct domctl_info *info)
{
	char self[] = "xlite", verb[] = "supervise", end[] = "--end", none[] = "0", matter[] = "dying";
	char domid[16], uuid[37];
	char *const args[] = { self, verb, end, name, domid, uuid, none, matter, NULL };
	struct err err;
	pid_t pid;
	int rc;

	snprintf(domid, sizeof(domid), "%u", info->domid);
	uuid_unparse_lower(info->uuid, uuid);
	rc = start_self(args, &pid, &err);
	if (rc < 0)
		log_warn("domain %u is still there: %s", info->domid, err.msg);
	return rc;
}

int64_t dying_look(struct dying *dying, const struct guests *guests,
		   const struct domctl_info *list, size_t nr)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < nr; i++) {
		if (list[i].dying && !is_known(dying, list[i].domid))
			add_new(dying, guests, &list[i]);
	}
	for (size_t i = dying->nr; i-- > 0;) {
		struct dying_one *one = &dying->items[i];
		const struct domctl_info *info = find(list, nr, one->domid);

		if (!info) {
			drop(dying, i);
			continue;
		}
		if (wait_now_ms() >= one->due)
			one->due = tell(one->name, info) < 0 ? wait_deadline(DYING_MS) : INT64_MAX;
		if (one->due < next)
			next = one->due;
	}
	return next;
}

bool dying_any(const struct dying *dying)
{
	for (size_t i = 0; i < dying->nr; i++) {
		if (dying->items[i].due != INT64_MAX)
			return true;
	}
	return false;
}

void dying_free(struct dying *dying)
{
	while (dying->nr)
		drop(dying, 0);
	free(dying->items);
	*dying = (struct dying){ .items = NULL };
}
