/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

enum log_level log_level = LOG_INFO;

static struct {
	void (*sink)(const char *text, void *arg);
	void *arg;
} diverted;

void log_divert_warnings(void (*sink)(const char *text, void *arg), void *arg)
{
	diverted.sink = sink;
	diverted.arg = arg;
}

static void printf_like(3, 0)
log_line(enum log_level level, const char *prefix, const char *fmt, va_list ap)
{
	char line[1024];
	int saved = errno;

	if (level > log_level && !(level == LOG_WARN && diverted.sink))
		return;
	vsnprintf(line, sizeof(line), fmt, ap);
	if (level == LOG_WARN && diverted.sink) {
		diverted.sink(line, diverted.arg);
		errno = saved;
		return;
	}
	/* One call per line: lines of parallel processes do not mix. */
	fprintf(stderr, "%s%s\n", prefix, line);
	errno = saved;
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_WARN, "xlite: warning: ", fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_INFO, "", fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_DEBUG, "xlite: ", fmt, ap);
	va_end(ap);
}
