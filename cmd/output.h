/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How answers are printed: on stdout, which main flushes and checks. */
#ifndef CMD_OUTPUT_H
#define CMD_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct json_t;

/* The tree in yajl's layout, one line end after it. */
int output_json(const struct json_t *json, struct err *err) must_check;

/*
 * A name for a table: "(null)" for none, as xl prints. The bytes are kept, but
 * what could move a terminal's cursor or change its state becomes '?' when stdout
 * is a terminal. The text lies in buf.
 */
const char *output_name(const char *name, char *buf, size_t size);

/* Bits as xl writes them: "all" of nr, "none", "0-3,5". The text lies in buf. */
const char *output_bitmap(const uint8_t *map, unsigned int nr, char *buf, size_t size);

struct findings;

/* A line for each, "warning: TEXT; WHAT TO DO", or a JSON array; ok ones too. */
int output_findings(const struct findings *list, bool json, struct err *err) must_check;

#endif
