/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What other commands share of create: its words and how its config is read. */
#ifndef CMD_CREATE_H
#define CMD_CREATE_H

#include <stdbool.h>

#include "base/err.h"

/* The words are not one config file; create_read() alone says it. */
enum { CREATE_NO_FILE = 10000 };

struct cmd;
struct domain_config;
struct str_list;

/*
 * The config that create would make a domain of with the same words, file being -f's argument or
 * NULL. All errors of its keys are added to errors, and then it fails; -CREATE_NO_FILE: not one file.
 */
int create_read(struct cmd *cmd, const char *file, bool strict, struct str_list *errors,
		struct domain_config *config, struct err *err) must_check;

#endif
