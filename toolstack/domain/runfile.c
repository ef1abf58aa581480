/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "base/file.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"

/* Fixed length, so that one pwrite replaces it all: "creating UUID          0     0           0\n". */
#define RECORD_FORMAT "%-8s %36s %10u %5u %11" PRId64 "\n"
enum { RECORD_LEN = 8 + 1 + 36 + 1 + 10 + 1 + 5 + 1 + 11 + 1, MOST_RESTARTS = 99999 };

static const char *state_word(const struct runfile_record *record)
{
	return record->creating ? "creating" : record->unwatched ? "alone" : "complete";
}

static char *runfile_path(const char *dir, const char *name)
{
	return str_format("%s/%s" RUNFILE_SUFFIX, dir, name);
}

static bool parse_record(const char *text, struct runfile_record *record)
{
	char state[9], uuid[37];

	if (sscanf(text, "%8s %36s %10u %5u %11" SCNd64, state, uuid, &record->domid,
		   &record->restarts, &record->started) != 5 ||
	    uuid_parse(uuid, record->uuid) < 0)
		return false;
	record->creating = strcmp(state, "creating") == 0;
	record->unwatched = strcmp(state, "alone") == 0;
	/* What stands in a record may be destroyed: anything else is none. */
	return strcmp(state, state_word(record)) == 0;
}

static bool read_record(int fd, struct runfile_record *record)
{
	char text[RECORD_LEN + 1];
	ssize_t n = pread(fd, text, RECORD_LEN, 0);

	if (n != RECORD_LEN)
		return false;
	text[n] = '\0';
	return parse_record(text, record);
}

int runfile_lock(const char *dir, const char *name, struct runfile *rf, bool *found,
		 struct runfile_record *old, struct err *err)
{
	scoped(free) char *path = runfile_path(dir, name);
	int rc;

	if (!path)
		return fail_nomem(err);
	rc = file_mkdirs(dir, 0700, err);
	if (rc < 0)
		return rc;
	rc = file_lock(path, 0, &rf->fd, err);
	if (rc == -EWOULDBLOCK)
		return fail(err, EBUSY, "another xlite is just creating a domain called '%s'", name);
	if (rc < 0)
		return rc;
	rf->path = take(path);
	*found = read_record(rf->fd, old);
	return 0;
}

/*
 * How long a file is waited for that is held for a moment, and how often it is looked at whether
 * another has done with an end: each look wakes the supervisor, who watches the folder.
 */
enum { BUSY_TRIES = 50, BUSY_MS = 200, END_MS = 100 };

int runfile_lock_patiently(const char *dir, const char *name, struct runfile *rf, bool *found,
			   struct runfile_record *old, struct err *err)
{
	int rc = runfile_lock(dir, name, rf, found, old, err);

	for (int i = 0; rc == -EBUSY && i < BUSY_TRIES; i++) {
		if (wait_poll(NULL, 0, wait_deadline(BUSY_MS)) == -EINTR)
			return fail(err, EINTR, "interrupted");
		rc = runfile_lock(dir, name, rf, found, old, err);
	}
	return rc;
}

#define END_SUFFIX ".end"

static char *end_path(const char *dir, const char *name)
{
	return str_format("%s/%s" END_SUFFIX, dir, name);
}

void runfile_sweep_ends(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *de;

	while (d && (de = readdir(d))) {
		scoped(free) char *path = NULL;
		scoped(fd) int fd = -1;
		struct err ignored;	/* somebody has it */

		if (!str_stem(de->d_name, END_SUFFIX))
			continue;
		path = str_format("%s/%s", dir, de->d_name);
		if (path && file_lock(path, 0, &fd, &ignored) == 0)
			unlink(path);
	}
	if (d)
		closedir(d);
}

bool runfile_has_end(const char *dir, const char *name)
{
	scoped(free) char *path = end_path(dir, name);

	return path && access(path, F_OK) == 0;
}

int runfile_lock_end(const char *dir, const char *name, struct runfile *end, struct err *err)
{
	scoped(free) char *path = end_path(dir, name);
	int64_t patience = wait_deadline(WAIT_PATIENCE_MS);
	int rc;

	if (!path)
		return fail_nomem(err);
	rc = file_mkdirs(dir, 0700, err);
	if (rc < 0)
		return rc;
	/* Tried again and again: a signal just before a wait in the kernel would be lost. */
	while ((rc = file_lock(path, 0, &end->fd, err)) == -EWOULDBLOCK) {
		if (wait_poll(NULL, 0, wait_deadline(END_MS)) == -EINTR)
			return fail(err, EINTR, "interrupted");
		if (wait_now_ms() < patience)
			continue;
		log_info("waiting for what is done about the end of '%s'", name);
		patience = INT64_MAX;
	}
	if (rc == 0)
		end->path = take(path);
	return rc;
}

int runfile_write(struct runfile *rf, const struct runfile_record *record, struct err *err)
{
	char text[RECORD_LEN + 1], uuid[37];
	ssize_t n;

	uuid_unparse_lower(record->uuid, uuid);
	snprintf(text, sizeof(text), RECORD_FORMAT, state_word(record), uuid, record->domid,
		 record->restarts < MOST_RESTARTS ? record->restarts : MOST_RESTARTS,
		 record->started);
	n = pwrite(rf->fd, text, RECORD_LEN, 0);
	if (n == RECORD_LEN)
		return 0;
	return fail_sys(err, n < 0 ? errno : ENOSPC, "cannot write '%s'", rf->path);
}

bool runfile_is_held(const char *dir, const char *name)
{
	scoped(free) char *path = runfile_path(dir, name);
	scoped(file) FILE *locks = fopen("/proc/locks", "re");
	char line[256], kind[16];
	unsigned long inode;
	struct stat st;

	if (!path || !locks || stat(path, &st) < 0)
		return true;
	/* "4: FLOCK  ADVISORY  WRITE 1234 00:19:5678 0 EOF"; numbers of inodes of one folder differ */
	while (fgets(line, sizeof(line), locks)) {
		if (sscanf(line, "%*s %15s %*s %*s %*d %*x:%*x:%lu", kind, &inode) == 2 &&
		    strcmp(kind, "FLOCK") == 0 && inode == st.st_ino)
			return true;
	}
	return false;
}

void runfile_touch(const char *dir, const char *name)
{
	scoped(free) char *path = runfile_path(dir, name);
	scoped(fd) int fd = -1;

	/* It waits for the end of a write, of however little. */
	if (path)
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
}

void runfile_unlock(struct runfile *rf)
{
	if (rf->fd >= 0)
		close(rf->fd);
	free(rf->path);
	*rf = (struct runfile)RUNFILE_INIT;
}

void runfile_remove(struct runfile *rf)
{
	int saved = errno;

	/* Before the lock goes: whoever waits for it looks again whether the file is there. */
	if (rf->fd >= 0)
		unlink(rf->path);
	runfile_unlock(rf);
	errno = saved;
}

int runfile_read(const char *dir, const char *name, struct runfile_record *record,
		 struct err *err)
{
	scoped(free) char *path = runfile_path(dir, name);
	scoped(fd) int fd = -1;

	if (!path)
		return fail_nomem(err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fail_sys(err, errno, "cannot open '%s'", path);
	if (!read_record(fd, record))
		return fail(err, ENOENT, "'%s' holds no record", path);
	return 0;
}

/* A create that was killed may not have written the number yet. */
static bool is_about(const struct runfile_record *record, uint32_t domid, const uint8_t uuid[16])
{
	return memcmp(record->uuid, uuid, sizeof(record->uuid)) == 0 &&
	       (record->domid == domid || (record->creating && !record->domid));
}

bool runfile_drop(const char *dir, const char *name, uint32_t domid, const uint8_t uuid[16])
{
	struct runfile rf = RUNFILE_INIT;
	struct runfile_record record;
	struct err ignored;	/* a file that stays is found to be stale by whoever reads it */
	bool found;

	if (runfile_read(dir, name, &record, &ignored) < 0 || !is_about(&record, domid, uuid) ||
	    runfile_lock(dir, name, &rf, &found, &record, &ignored) < 0)
		return false;
	/* Without a record it was removed meanwhile, and this lock has made it anew. */
	if (found && !is_about(&record, domid, uuid)) {
		runfile_unlock(&rf);
		return false;
	}
	runfile_remove(&rf);
	return true;
}

static int list_add(struct runfile_entry **list, size_t *nr, const char *name, size_t len,
		    const struct runfile_record *record, struct err *err)
{
	struct runfile_entry *grown = realloc(*list, (*nr + 1) * sizeof(*grown));

	if (!grown)
		return fail_nomem(err);
	*list = grown;
	grown[*nr] = (struct runfile_entry){ .name = strndup(name, len), .record = *record };
	if (!grown[*nr].name)
		return fail_nomem(err);
	(*nr)++;
	return 0;
}

int runfile_list(const char *dir, struct runfile_entry **out, size_t *out_nr, struct err *err)
{
	struct runfile_entry *list = NULL;
	size_t nr = 0;
	struct dirent *de;
	DIR *d = opendir(dir);
	int rc = 0;

	if (!d && errno != ENOENT)
		return fail_sys(err, errno, "cannot list '%s'", dir);
	while (d && rc == 0 && (de = readdir(d))) {
		size_t len = str_stem(de->d_name, RUNFILE_SUFFIX);
		struct runfile_record record = { 0 };
		scoped(fd) int fd = -1;

		if (!len)
			continue;
		fd = openat(dirfd(d), de->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			continue;
		/* Killed before it wrote: the name of no domain yet. */
		if (!read_record(fd, &record))
			record = (struct runfile_record){ .creating = true };
		rc = list_add(&list, &nr, de->d_name, len, &record, err);
	}
	if (d)
		closedir(d);
	if (rc < 0) {
		runfile_list_free(list, nr);
		return rc;
	}
	*out = list;
	*out_nr = nr;
	return 0;
}

void runfile_drop_any(const char *dir, uint32_t domid, const uint8_t uuid[16])
{
	struct runfile_entry *list = NULL;
	struct err ignored;	/* a file that stays is found to be stale by whoever reads it */
	size_t nr = 0;

	if (runfile_list(dir, &list, &nr, &ignored) < 0)
		return;
	for (size_t i = 0; i < nr; i++) {
		if (is_about(&list[i].record, domid, uuid))
			runfile_drop(dir, list[i].name, domid, uuid);
	}
	runfile_list_free(list, nr);
}

void runfile_list_free(struct runfile_entry *list, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free(list[i].name);
	free(list);
}
