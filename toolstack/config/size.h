/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory sizes on the command line: a number and one of b, k, m, g, t in either
 * case; m when there is none.
 */
#ifndef CONFIG_SIZE_H
#define CONFIG_SIZE_H

#include <stdint.h>

#include "base/err.h"

/* KiB, bytes rounded down; -EINVAL for what is no size, -ERANGE from 2^63 bytes on. */
int size_parse_kb(const char *text, uint64_t *kb, struct err *err) must_check;

#endif
