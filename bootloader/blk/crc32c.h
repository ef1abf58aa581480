/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CRC-32C (Castagnoli, reflected) as ext4, XFS and btrfs use it: no inversion, the caller does that. */
#ifndef BLK_CRC32C_H
#define BLK_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/* The same without the processor's help; for tests. */
uint32_t crc32c_by_table(uint32_t crc, const void *data, size_t len);

#endif
