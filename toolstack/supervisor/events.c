/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "events.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"

enum { HOUR_S = 3600 };

/* Each line starts so, and has the name after it (json_pack() below). */
#define LINE_START "{\"time\":"

static bool can_be_caused(const char *kind)
{
	static const char *const by_guest[] = {
		"shutdown", "reboot", "crash", "restart", "core-dump", "held-back", "error",
		"device",
	};

	for (size_t i = 0; i < ARRAY_SIZE(by_guest); i++) {
		if (strcmp(kind, by_guest[i]) == 0)
			return true;
	}
	return false;
}

unsigned int events_count(const char *log, size_t len, const char *kind, const char *name,
			  double since)
{
	scoped(json) json_t *text = json_text(name);
	scoped(free) char *quoted = text ? json_dumps(text, JSON_ENCODE_ANY) : NULL;
	scoped(free) char *wanted = !quoted ? NULL :
		str_format("%s%s\"name\":%s,", kind ? kind : "", kind ? "\"," : "", quoted);
	unsigned int nr = 0;

	for (const char *line = log, *end; wanted && line < log + len; line = end + 1) {
		end = memchr(line, '\n', (size_t)(log + len - line));
		if (!end)
			break;
		if (memmem(line, (size_t)(end - line), wanted, strlen(wanted)) &&
		    strncmp(line, LINE_START, strlen(LINE_START)) == 0 &&
		    strtod(line + strlen(LINE_START), NULL) >= since)
			nr++;
	}
	return nr;
}

/* Whether name has had its share within the last hour; told: and that was said. */
static bool is_too_much(int fd, const char *name, double now, bool *told)
{
	scoped(bytes) struct bytes log = BYTES_INIT;
	off_t size = lseek(fd, 0, SEEK_END);
	struct err ignored;	/* what cannot be read is none */

	if (size <= 0 || file_read_fd(fd, EVENTS_PATH, (size_t)size, &log, &ignored) < 0)
		return false;
	*told = events_count(log.data, log.len, "suppressed", name, now - HOUR_S) > 0;
	return events_count(log.data, log.len, NULL, name, now - HOUR_S) >= EVENTS_PER_HOUR;
}

static int append(int fd, const json_t *event, struct err *err)
{
	scoped(free) char *line = json_dumps(event, JSON_COMPACT);
	size_t len = line ? strlen(line) : 0;
	off_t end = lseek(fd, 0, SEEK_END);
	int rc;

	if (!line)
		return fail_nomem(err);
	line[len++] = '\n';	/* instead of the NUL */
	rc = end < 0 ? -errno : file_write_all(fd, line, len);
	/* The next one begins a line of its own. */
	if (rc < 0 && end >= 0 && ftruncate(fd, end) < 0)
		log_debug("cannot shorten '%s': %s", EVENTS_PATH, strerror(errno));
	if (rc < 0)
		return fail_sys(err, -rc, "cannot write '%s'", EVENTS_PATH);
	if (end + (off_t)len >= EVENTS_MOST && rename(EVENTS_PATH, EVENTS_PATH ".1") < 0)
		return fail_sys(err, errno, "cannot rotate '%s'", EVENTS_PATH);
	return 0;
}

static int append_text(int fd, double now, const char *kind, const char *name, uint32_t domid,
		       const char *text, struct err *err)
{
	scoped(json) json_t *event = json_pack("{s:f s:s s:o s:I s:o}", "time", now, "event", kind,
					       "name", json_text(name), "domid",
					       (json_int_t)domid, "text", json_text(text));

	return event ? append(fd, event, err) : fail_nomem(err);
}

/* Under the file's lock, so that of two only one makes room. 1: it is one too many. */
static int add(double now, const char *kind, const char *name, uint32_t domid, const char *text,
	       struct err *err)
{
	scoped(fd) int fd = -1;
	bool told = false;
	int rc = file_mkdirs(EVENTS_DIR, 0755, err);

	if (rc == 0)
		rc = file_lock(EVENTS_PATH, 1, &fd, err);
	if (rc < 0)
		return rc;
	if (!can_be_caused(kind) || !is_too_much(fd, name, now, &told))
		return append_text(fd, now, kind, name, domid, text, err);
	rc = told ? 0 : append_text(fd, now, "suppressed", name, domid, "more than it may have "
				    "within an hour: what follows is left out", err);
	return rc < 0 ? rc : 1;
}

/* RFC 3164, as syslog(3), which would wait for a daemon that does not read. */
static void tell_syslog(time_t now, const char *kind, const char *name, uint32_t domid,
			const char *text)
{
	static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	enum { NOTICE = 3 << 3 | 5 };	/* of a daemon */
	scoped(fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char stamp[32], who[256], said[1024], line[1536];
	struct tm tm;
	int len;

	/* Without a daemon there is nobody to tell. */
	if (fd < 0) {
		log_warn("an event is lost to syslog: %s", strerror(errno));
		return;
	}
	strftime(stamp, sizeof(stamp), "%b %e %T", localtime_r(&now, &tm));
	len = snprintf(line, sizeof(line), "<%d>%s xlite[%d]: %s (domain %u): %s%s%s", NOTICE, stamp,
		       (int)getpid(), str_escape(name, strlen(name), who, sizeof(who)), domid, kind,
		       *text ? ": " : "", str_escape(text, strlen(text), said, sizeof(said)));
	(void)!sendto(fd, line, (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1, 0,
		      (const struct sockaddr *)&address, sizeof(address));
}

void event_add(const char *kind, const char *name, uint32_t domid, const char *fmt, ...)
{
	struct timespec now;
	struct err err;
	char text[512];
	va_list ap;
	int rc;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	clock_gettime(CLOCK_REALTIME, &now);
	rc = add((double)now.tv_sec + (double)now.tv_nsec / 1e9, kind, name, domid, text, &err);
	if (rc < 0)
		log_warn("an event is lost: %s", err.msg);
	if (rc <= 0)
		tell_syslog(now.tv_sec, kind, name, domid, text);
	log_debug("domain %u (%s): %s: %s", domid, name, kind, text);
}

static void each_in(FILE *log, void (*each)(const struct json_t *event, void *arg), void *arg)
{
	scoped(free) char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while (log && (len = getline(&line, &size, log)) > 0) {
		scoped(json) json_t *event = NULL;
		struct err unused;

		if (json_from_text(line, (size_t)len, &event, &unused) == 0 && json_is_object(event))
			each(event, arg);
	}
}

static int open_log(const char *path, FILE **log, struct stat *st, struct err *err)
{
	*log = fopen(path, "re");
	if (*log ? fstat(fileno(*log), st) == 0 : errno == ENOENT)
		return 0;
	return fail_sys(err, errno, "cannot open '%s'", path);
}

int events_each(void (*each)(const struct json_t *event, void *arg), void *arg, struct err *err)
{
	scoped(file) FILE *now = NULL, *before = NULL;
	struct stat st_now = { .st_ino = 0 }, st_before = { .st_ino = 0 };
	/* In this order, a rotation in between shows the same file twice, but hides none. */
	int rc = open_log(EVENTS_PATH, &now, &st_now, err);

	if (rc == 0)
		rc = open_log(EVENTS_PATH ".1", &before, &st_before, err);
	if (rc < 0)
		return rc;
	if (!now || st_now.st_ino != st_before.st_ino)
		each_in(before, each, arg);
	each_in(now, each, arg);
	return 0;
}
