/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names that a disk keeps in UTF-16 (long names of FAT, Joliet), as UTF-8. */
#ifndef FS_UTF_H
#define FS_UTF_H

#include <stddef.h>
#include <stdint.h>

/*
 * Up to len units, to a 0 unit; an unpaired surrogate becomes U+FFFD. Writes at most
 * size bytes without a terminator and returns how many: 3 * len are always enough.
 */
size_t utf8_of_utf16(const uint16_t *units, size_t len, char *buf, size_t size);

#endif
