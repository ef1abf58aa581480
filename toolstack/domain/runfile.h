/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /run/xlite/NAME.dom: one file for each domain that xlite made or is making, one
 * line of text in it. It is locked (flock) from before the domain exists until it is
 * complete. So a record that says "creating" in a file that nobody holds locked
 * is what a killed create left behind, and the uuid in it names the debris. The same
 * files answer "who is called so" without asking the store once per domain.
 *
 * A record is a claim, not a proof: the domain may have gone since, or been renamed
 * by another toolstack. Callers compare it with the hypervisor and the store.
 */
#ifndef DOMAIN_RUNFILE_H
#define DOMAIN_RUNFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define RUNFILE_DIR "/run/xlite"
#define RUNFILE_SUFFIX ".dom"
/* Beside it while a successor is being made (supervisor/intent.h). */
#define RUNFILE_RESTART_SUFFIX ".restart"

struct runfile_record {
	bool creating;			/* else complete */
	bool unwatched;			/* complete, and its end is nothing to the supervisor */
	uint8_t uuid[16];
	uint32_t domid;			/* 0: not known yet */
	unsigned int restarts;		/* quick ones in a row that led to it (supervisor/) */
	int64_t started;		/* when it was complete, seconds of CLOCK_REALTIME */
};

struct runfile {
	int fd;				/* -1: not held */
	char *path;
};

#define RUNFILE_INIT { .fd = -1 }

/*
 * Locks NAME's file, making it if there is none: *found says whether it held a
 * record, *old. -EBUSY when another xlite is making a domain of that name.
 */
int runfile_lock(const char *dir, const char *name, struct runfile *rf, bool *found,
		 struct runfile_record *old, struct err *err) must_check;

/* The same, but what has the file for a moment (`xlite cleanup`) is waited for. -EINTR. */
int runfile_lock_patiently(const char *dir, const char *name, struct runfile *rf, bool *found,
			   struct runfile_record *old, struct err *err) must_check;

/* Replaces the record; a reader, or the next xlite after a kill, sees the old or the new. */
int runfile_write(struct runfile *rf, const struct runfile_record *record,
		  struct err *err) must_check;

/*
 * Whether somebody has NAME's file locked; asked without taking the lock, which a create that just
 * starts would find held. True also when that cannot be found out.
 */
bool runfile_is_held(const char *dir, const char *name);

/* Has the supervisor look at NAME's record, and what belongs to it, again. */
void runfile_touch(const char *dir, const char *name);

/* Releases the lock: keeps the file, or removes it. */
void runfile_unlock(struct runfile *rf);
void runfile_remove(struct runfile *rf);
/* On scope exit the file is removed: what is complete has been unlocked before. */
static inline void scoped_runfile(struct runfile *rf)
{
	runfile_remove(rf);
}

/* NAME's record without a lock; -ENOENT when there is none. */
int runfile_read(const char *dir, const char *name, struct runfile_record *record,
		 struct err *err) must_check;

/*
 * Removes NAME's file if it is about this domain and nobody holds it; whether it did. The
 * uuid alone does not tell: a config that gives one has it in all its domains.
 */
bool runfile_drop(const char *dir, const char *name, uint32_t domid, const uint8_t uuid[16]);

/* The same for any name: for a domain whose name is not known any more. */
void runfile_drop_any(const char *dir, uint32_t domid, const uint8_t uuid[16]);

/*
 * NAME.end: held by whoever sees to the end of NAME's domain, so that one of them restarts it and
 * the other destroys what came of that. Waits; -EINTR. The file goes with the lock.
 */
int runfile_lock_end(const char *dir, const char *name, struct runfile *end,
		     struct err *err) must_check;

/* Whether somebody has it, or had and was killed. */
bool runfile_has_end(const char *dir, const char *name);
/* Removes those of any name that nobody has. */
void runfile_sweep_ends(const char *dir);

struct runfile_entry {
	char *name;
	struct runfile_record record;
};

/*
 * All files; free with runfile_list_free. No folder: none. One without a record (its
 * create was killed, or is just starting) counts as creating, with a zero uuid.
 */
int runfile_list(const char *dir, struct runfile_entry **list, size_t *nr,
		 struct err *err) must_check;
void runfile_list_free(struct runfile_entry *list, size_t nr);

#endif
