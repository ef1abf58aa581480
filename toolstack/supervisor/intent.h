/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /run/xlite/NAME.restart: a restart that is under way. Written before the old domain goes and
 * removed when its successor runs, so that whoever is killed in between, the guest is not lost:
 * the next one reads here what to make. JSON; only root may read it (configs hold passwords).
 */
#ifndef SUPERVISOR_INTENT_H
#define SUPERVISOR_INTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "domain/ending.h"

struct json_t;

struct intent {
	uint32_t domid;			/* of the domain that has ended */
	uint8_t uuid[16];		/* its, and its successor's */
	unsigned int restarts;		/* for the successor's record */
	bool soft_reset;		/* the domain itself was to go on, */
	unsigned int reason;		/* which had shut down for that reason */
	struct ending_aside aside;	/* rename-restart; else without a name */
	struct json_t *config;		/* libxl's JSON, owned */
};

#define INTENT_INIT { .domid = 0 }

void scoped_intent(struct intent *intent);

/* The old one, or the new one, never half; synced, wherever /run is. When it fails, none. */
int intent_write(const char *dir, const char *name, const struct intent *intent,
		 struct err *err) must_check;

/* -ENOENT when no restart is under way; -EINVAL for a file that says nonsense. */
int intent_read(const char *dir, const char *name, struct intent *intent,
		struct err *err) must_check;

bool intent_exists(const char *dir, const char *name);

/* Whose is under way that has uuid: *name, the caller's, or NULL. */
int intent_find(const char *dir, const uint8_t uuid[16], char **name, struct err *err) must_check;

void intent_remove(const char *dir, const char *name);

/* The names of all that are under way; each owned by the caller, and the array. */
int intent_list(const char *dir, char ***names, size_t *nr, struct err *err) must_check;

#endif
