/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xlite-boot as a bootloader= of xl: pygrub's command line and output (libxl's
 * libxl_bootloader.c calls it so). On a terminal with the guest's menu, unless -q or --entry.
 */
#ifndef BOOTLOADER_PYGRUB_H
#define BOOTLOADER_PYGRUB_H

/* An exit status. */
int pygrub_run(int argc, char **argv);

#endif
