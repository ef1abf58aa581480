/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages on stderr. stdout is for answers only. The level is the only global
 * variable of the program: set once by main from -v, read by everything.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "err.h"

enum log_level { LOG_QUIET, LOG_WARN, LOG_INFO, LOG_DEBUG };

extern enum log_level log_level;

/* "xlite: warning: ..."; for what the user should know although it worked. */
void log_warn(const char *fmt, ...) printf_like(1, 2);
/*
 * For who collects them: from now on warnings go to sink() instead, whatever the level; NULL: as
 * before. The one exception to "no global variables" beside the level.
 */
void log_divert_warnings(void (*sink)(const char *text, void *arg), void *arg);
/* Progress, shown by default as xl shows it ("Parsing config from x"). */
void log_info(const char *fmt, ...) printf_like(1, 2);
/* Steps and timing, shown with -v. */
void log_debug(const char *fmt, ...) printf_like(1, 2);

#endif
