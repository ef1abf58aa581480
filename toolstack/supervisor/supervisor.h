/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The supervisor: one process a host that sees to what guests' configs say about their end.
 * It sleeps until a domain ends (@releaseDomain) or a record of /run/xlite changes, and reads
 * nothing that a guest or its owner wrote: what is to be done, a child of its own finds out and does
 * (successor.h). It knows nothing that is not in the records, the intents, Xen and the store: killed at
 * any moment, the next one sees the same. It ends when there is no guest left to look after.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Runs until SIGTERM, SIGINT, SIGHUP or, unless stay, the last guest's end. When there is one already
 * it is 0 at once; with stay that one's end is waited for.
 */
int supervisor_run(bool stay, struct err *err) must_check;

/* Starts one, in a session of its own, unless one runs. Does not wait for it. */
int supervisor_ensure(struct err *err) must_check;

/* Whether one runs; false also when that cannot be found out. */
bool supervisor_runs(void);

#endif
