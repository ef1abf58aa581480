/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Private to supervisor/: there is one supervisor, and it and its children are this program.
 */
#ifndef SUPERVISOR_START_H
#define SUPERVISOR_START_H

#include <sys/types.h>

#include "base/err.h"

/* 1: the caller is the supervisor until it unlocks *fd; 0: another one is. */
int start_lock(int *fd, struct err *err) must_check;
void start_unlock(int *fd);

/* This program with these words, in a session of its own; its messages go to the log. */
int start_self(char *const args[], pid_t *pid, struct err *err) must_check;

#endif
