/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QEMU that has been started or found, from there until it serves: qemu_start.c, qemu_wait.c. */
#ifndef DEVICES_QEMU_RUN_H
#define DEVICES_QEMU_RUN_H

#include <stdbool.h>

#include "qemu.h"
#include "qemu_log.h"

struct qemu {
	int pid, pidfd;
	int link;			/* to the child until its exec; -1: not started by us */
	int socket;			/* a restricted one's for QMP, until it is let go; -1 */
	bool waits;			/* the child, to be let go */
	bool started;			/* or tried to: its traces are ours to remove */
	struct qemu_jail jail;
	struct qemu_log log;
	char *name;			/* of a live domain */
};

#endif
