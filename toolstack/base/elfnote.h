/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Xen's notes in an ELF file (xen/elfnote.h), by which a kernel tells how it can be
 * started. Pure; the file may be hostile. libxenguest reads them as well, but only says
 * whether it found a way to load the kernel, and takes one without notes for firmware.
 */
#ifndef BASE_ELFNOTE_H
#define BASE_ELFNOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether there is such a note; not in what is damaged or no little-endian ELF file. */
bool elfnote_has(const void *elf, size_t len, uint32_t type);

/* Its value, in elf; or NULL. */
const void *elfnote_find(const void *elf, size_t len, uint32_t type, size_t *size);

/* Where the last of the segments that are loaded ends: more than len in a file that was cut. */
uint64_t elfnote_segments_end(const void *elf, size_t len);

/* Ways in which the notes say that the kernel can be started. */
enum { ELFNOTE_PV = 1, ELFNOTE_PVH = 2 };

unsigned int elfnote_modes(const void *elf, size_t len);

bool elfnote_is_linux(const void *elf, size_t len);

#endif
