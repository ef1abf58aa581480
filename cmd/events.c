/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* events: what happened to guests, from the log that supervisor/events.h keeps. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "base/wait.h"
#include "command.h"
#include "supervisor/events.h"

struct events_options {
	bool follow, json;
};

/* A line of the log, which a name or a message of a guest may be part of. */
static void print_event(const struct events_options *opts, const char *line, size_t len)
{
	scoped(json) json_t *event = NULL;
	struct err err;
	const char *name, *text;
	char stamp[32], shown[512];
	time_t when;
	struct tm tm;

	if (opts->json) {
		printf("%.*s\n", (int)len, line);
		return;
	}
	if (json_from_text(line, len, &event, &err) < 0)
		return;
	when = (time_t)json_number_value(json_object_get(event, "time"));
	strftime(stamp, sizeof(stamp), "%F %T", localtime_r(&when, &tm));
	name = json_string_value(json_object_get(event, "name"));
	printf("%s  %-20s %5lld  ", stamp, str_escape(name ? name : "", name ? strlen(name) : 0,
						       shown, sizeof(shown)),
	       (long long)json_integer_value(json_object_get(event, "domid")));
	text = json_string_value(json_object_get(event, "text"));
	printf("%s %s\n", json_string_value(json_object_get(event, "event")),
	       str_escape(text ? text : "", text ? strlen(text) : 0, shown, sizeof(shown)));
}

static int open_log(const char *path, FILE **log, struct err *err)
{
	*log = fopen(path, "re");
	return *log || errno == ENOENT ? 0 : fail_sys(err, errno, "cannot open '%s'", path);
}

/* From where it stands to the end of the last whole line. */
static void print_rest(const struct events_options *opts, FILE *log)
{
	scoped(free) char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, log)) > 0 && line[len - 1] == '\n')
		print_event(opts, line, (size_t)len - 1);
	if (len > 0)
		(void)fseeko(log, -len, SEEK_CUR);	/* being written */
	clearerr(log);
	fflush(stdout);
}

/* What is new in *log and, where that has been rotated, in the one that follows. */
static int print_new(const struct events_options *opts, FILE **log, struct err *err)
{
	for (;;) {
		/* Asked before it is read: nobody writes to it once it has been rotated. */
		bool rotated = *log && !file_is_at(fileno(*log), EVENTS_PATH);
		int rc = *log ? 0 : open_log(EVENTS_PATH, log, err);

		if (!*log)
			return rc;
		print_rest(opts, *log);
		if (!rotated)
			return 0;
		fclose(*log);
		*log = NULL;
	}
}

static int follow(const struct events_options *opts, FILE **log, struct err *err)
{
	scoped(fd) int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	char buf[4096];
	int rc;

	/* The folder: the file may not be there yet, and another one follows it. */
	if (fd < 0 || inotify_add_watch(fd, EVENTS_DIR, IN_CLOSE_WRITE) < 0)
		return fail_sys(err, errno, "cannot watch '%s'", EVENTS_DIR);
	rc = wait_catch_interrupts(err);
	while (rc >= 0) {
		rc = print_new(opts, log, err);
		if (rc == 0)
			rc = wait_poll(&poll_fd, 1, INT64_MAX);
		while (rc > 0 && read(fd, buf, sizeof(buf)) > 0)
			continue;
	}
	return rc == -EINTR ? 0 : rc;
}

static bool same_file(FILE *a, FILE *b)
{
	struct stat st_a, st_b;

	return fstat(fileno(a), &st_a) == 0 && fstat(fileno(b), &st_b) == 0 &&
	       st_a.st_dev == st_b.st_dev && st_a.st_ino == st_b.st_ino;
}

static int run_events(struct cmd *cmd, struct err *err)
{
	const struct events_options *opts = cmd->options;
	scoped(file) FILE *before = NULL;
	FILE *log = NULL;
	/* In this order: a rotation in between shows one file as both, but hides none. */
	int rc = open_log(EVENTS_PATH, &log, err);

	if (rc == 0)
		rc = open_log(EVENTS_PATH ".1", &before, err);
	if (before && !(log && same_file(log, before)))
		print_rest(opts, before);
	if (rc == 0)
		rc = print_new(opts, &log, err);
	if (rc == 0 && opts->follow)
		rc = follow(opts, &log, err);
	if (log)
		fclose(log);
	return rc;
}

#define AT(member) offsetof(struct events_options, member)

static const struct option_row events_options[] = {
	{ 'f', "follow", NULL, "Go on with what happens from now on", OPTION_FLAG, AT(follow) },
	{ 0, "json", NULL, "One JSON object a line", OPTION_FLAG, AT(json) },
};

const struct command cmd_events = {
	.name = "events", .args = "[-f] [--json]",
	.help = "What happened to guests that xlite looks after", .needs = NEED_NOTHING,
	COMMAND_OPTIONS(events_options), .run = run_events,
};
