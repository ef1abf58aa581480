/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Waiting that a person can interrupt. After wait_catch_interrupts(), SIGINT and
 * SIGTERM no longer kill the process: the wait that is under way, or the next
 * one, ends with -EINTR and the callers unwind as for any error. Code that
 * computes for long asks wait_interrupted() between its steps.
 */
#ifndef BASE_WAIT_H
#define BASE_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct pollfd;

/* A wait that takes longer says what it waits for. */
enum { WAIT_PATIENCE_MS = 1000 };

/* Monotonic clock, milliseconds. */
int64_t wait_now_ms(void);

/* The deadline timeout_ms from now; a negative timeout never ends (INT64_MAX). */
int64_t wait_deadline(int timeout_ms);

/* Installs the handlers; idempotent. */
int wait_catch_interrupts(struct err *err) must_check;

/* In a forked child: its own handlers' state instead of the one shared with the parent. */
int wait_after_fork(struct err *err) must_check;

/* The signal that arrived (SIGINT, SIGTERM, SIGHUP), or 0. */
int wait_interrupted(void);

/* Takes the signal for heard: what is undone because of it waits as it has to. */
void wait_forgive(void);

/*
 * poll(2) until one descriptor is ready (number of them), -ETIMEDOUT at the
 * deadline, or -EINTR. nr <= 8; 0 (fds NULL) only waits. Sets no message: the caller knows what for.
 */
int wait_poll(struct pollfd *fds, unsigned int nr, int64_t deadline) must_check;

#endif
