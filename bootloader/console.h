/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader's own terminal, descriptors 0 and 1: a raw one, set so by who gave it. */
#ifndef BOOTLOADER_CONSOLE_H
#define BOOTLOADER_CONSOLE_H

#include "menu.h"

extern const struct menu_io console_io;

/* A line; what is the guest's, its end, escaped. */
void console_say(const char *ours, const char *guests);

#endif
