/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What QEMU writes to stdout and stderr: /var/log/xen/qemu-dm-NAME.log, and the ten before it
 * as .1 to .10 (libxl's names). Read again when QEMU fails: these are its reasons.
 */
#ifndef DEVICES_QEMU_LOG_H
#define DEVICES_QEMU_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct qemu_log {
	int fd;			/* -1: there is none */
	off_t start;		/* what stands before it is older than what we wait for */
};

#define QEMU_LOG_INIT { .fd = -1 }

/* A new file, after the older ones have moved on by one. */
int qemu_log_create(struct qemu_log *log, const char *name, struct err *err) must_check;

/* The one that a running QEMU has as its stderr, from its end on; none if that is no file. */
void qemu_log_of(struct qemu_log *log, int pid);

/* The newest of a name, all of it, whether that QEMU runs or not; for its tail. */
void qemu_log_named(struct qemu_log *log, const char *name);

void qemu_log_close(struct qemu_log *log);

/* The last lines as ": LINE; LINE", "" when there are none. Printable, cut to fit. */
void qemu_log_tail(const struct qemu_log *log, char *buf, size_t size);

/* Whether it says that it cannot make this backend, and why. */
bool qemu_log_refused(const struct qemu_log *log, const char *backend_kind, uint32_t devid,
		      char *why, size_t size);

#endif
