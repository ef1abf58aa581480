/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int (fail)(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	err->code = code ? code : EIO;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return -err->code;
}

int (fail_sys)(struct err *err, int code, const char *fmt, ...)
{
	const char *reason;
	va_list ap;
	size_t len;

	err->code = code ? code : EIO;
	reason = strerror(err->code);
	va_start(ap, fmt);
	/* A long path must not push the reason out. */
	vsnprintf(err->msg, sizeof(err->msg) - strlen(reason) - 2, fmt, ap);
	va_end(ap);
	len = strlen(err->msg);
	snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", reason);
	return -err->code;
}

int (fail_in)(struct err *err, const char *fmt, ...)
{
	char old[sizeof(err->msg)];
	va_list ap;
	size_t len;

	memcpy(old, err->msg, sizeof(old));
	/* A context that fills the buffer must not push the cause out of it. */
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg) / 2, fmt, ap);
	va_end(ap);
	len = strlen(err->msg);
	if (snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", old) < 0)
		err->msg[len] = '\0';
	return -err->code;
}

int (fail_nomem)(struct err *err)
{
	return fail(err, ENOMEM, "out of memory");
}
