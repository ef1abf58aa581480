/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pure parts of the live view. */
#ifndef CMD_TOP_H
#define CMD_TOP_H

#include <stddef.h>

struct domctl_info;
struct stats_row;

enum { TOP_RATE_LEN = 8 };

/* "0B", "1.5K", "640M": at most 5 characters, by 1024. */
void top_rate(double rate, char buf[TOP_RATE_LEN]);

const char *top_state(const struct domctl_info *info);

/* One line, without its end: printable ASCII, whatever a name holds. As snprintf(). */
int top_header(char *buf, size_t size);
int top_row(const struct stats_row *row, char *buf, size_t size);

/* The order that a key stands for, or NULL. */
const char *top_sort_word(char key);

#endif
