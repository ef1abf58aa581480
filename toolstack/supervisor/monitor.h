/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a guest's end is some process's already: xl's, which stays behind its create and
 * writes to xl-NAME.log, or a create that stays in the foreground (-F, -c).
 */
#ifndef SUPERVISOR_MONITOR_H
#define SUPERVISOR_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct domctl_info;
struct xen;

/* That process, or 0. proc is "/proc". */
pid_t monitor_find(const char *proc, const char *name);

/*
 * Whether these words (len bytes at most, each ended by NUL, the last by two) are a create that
 * stays for NAME; its file is seen from cwd.
 */
bool monitor_stays_for(const char *words, size_t len, const char *cwd, const char *name);

/* Whether the supervisor, such a process or libvirt looks after a domain; name may be NULL. */
bool monitor_attends(const struct domctl_info *info, const char *name);

/*
 * From now on the supervisor looks after a guest that nobody looks after: -EALREADY when it does,
 * -EBUSY names the process that does. Its stored config must be readable.
 */
int monitor_adopt(struct xen *xen, uint32_t domid, struct err *err) must_check;

#endif
