/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/str.h"

#define LOG_DIR "/var/log/xen"

/*
 * As many older ones as libxl keeps; lines shown; bytes of a log that are looked at; a line is
 * begun where that much is left.
 */
enum { OLDER_LOGS = 10, TAIL_LINES = 3, LOOK_BYTES = 16384, LINE_ROOM = 16 };

static int move(const char *from, const char *to, struct err *err)
{
	if (rename(from, to) < 0 && errno != ENOENT)
		return fail_sys(err, errno, "cannot rename '%s'", from);
	return 0;
}

static int rotate(const char *path, struct err *err)
{
	scoped(free) char *oldest = str_format("%s.%d", path, OLDER_LOGS);

	if (!oldest)
		return fail_nomem(err);
	if (access(path, F_OK) < 0)
		return 0;
	/* A rename that replaces a file has ext4 write the new one out first. */
	if (unlink(oldest) < 0 && errno != ENOENT)
		return fail_sys(err, errno, "cannot remove '%s'", oldest);
	for (int i = OLDER_LOGS - 1; i >= 0; i--) {
		scoped(free) char *from = i ? str_format("%s.%d", path, i) : strdup(path);
		scoped(free) char *to = str_format("%s.%d", path, i + 1);
		int rc;

		if (!from || !to)
			return fail_nomem(err);
		rc = move(from, to, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static char *log_path(const char *name)
{
	return str_format(LOG_DIR "/qemu-dm-%s.log", name);
}

int qemu_log_create(struct qemu_log *log, const char *name, struct err *err)
{
	scoped(free) char *path = log_path(name);
	int rc;

	if (!path)
		return fail_nomem(err);
	rc = rotate(path, err);
	if (rc < 0)
		return rc;
	log->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (log->fd < 0)
		return fail_sys(err, errno, "cannot open QEMU's log '%s'", path);
	return 0;
}

void qemu_log_of(struct qemu_log *log, int pid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/2", pid);
	/* A QEMU that its guest has taken over may have anything there by now. */
	log->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (log->fd >= 0 && fstat(log->fd, &st) == 0 && S_ISREG(st.st_mode))
		log->start = st.st_size;
	else
		qemu_log_close(log);
}

void qemu_log_named(struct qemu_log *log, const char *name)
{
	scoped(free) char *path = log_path(name);

	if (path)
		log->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

void qemu_log_close(struct qemu_log *log)
{
	scoped_fd(&log->fd);
	*log = (struct qemu_log)QEMU_LOG_INIT;
}

/* The last bytes, NUL-terminated. */
static size_t look(const struct qemu_log *log, char *buf, size_t size)
{
	struct stat st;
	off_t from;
	ssize_t n;

	buf[0] = '\0';
	if (log->fd < 0 || fstat(log->fd, &st) < 0)
		return 0;
	from = st.st_size - (off_t)size + 1;
	n = pread(log->fd, buf, size - 1, from > log->start ? from : log->start);
	if (n < 0)
		n = 0;
	buf[n] = '\0';
	return (size_t)n;
}

void qemu_log_tail(const struct qemu_log *log, char *buf, size_t size)
{
	char text[1024], *line;
	size_t len = look(log, text, sizeof(text)), from, at = 0;
	unsigned int lines = 0;

	buf[0] = '\0';
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	text[len] = '\0';
	for (from = len; from > 0; from--) {
		if (text[from - 1] == '\n' && ++lines == TAIL_LINES)
			break;
	}
	for (line = text + from; *line && size - at > LINE_ROOM; line += strcspn(line, "\n")) {
		line += strspn(line, "\n");
		at += (size_t)snprintf(buf + at, size - at, at ? "; " : ": ");
		str_escape(line, strcspn(line, "\r\n"), buf + at, size - at);
		at += strlen(buf + at);
	}
}

/* xen_bus_backend_create() in QEMU's hw/xen/xen-bus.c, and what the kinds put behind it. */
bool qemu_log_refused(const struct qemu_log *log, const char *backend_kind, uint32_t devid,
		      char *why, size_t size)
{
	char text[LOOK_BYTES], words[96];
	char *found;

	if (!look(log, text, sizeof(text)))
		return false;
	snprintf(words, sizeof(words), "failed to create '%s' device '%u': ", backend_kind, devid);
	found = strstr(text, words);
	if (!found || !strchr(found, '\n'))
		return false;
	found += strlen(words);
	str_escape(found, strcspn(found, "\r\n"), why, size);
	return true;
}
