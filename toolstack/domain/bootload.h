/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bootloader=: the kernel and ramdisk of a config out of its own disks, before there is a
 * domain. What comes of it takes the place of kernel=, ramdisk= and the command line.
 */
#ifndef DOMAIN_BOOTLOAD_H
#define DOMAIN_BOOTLOAD_H

#include <stdbool.h>

#include "base/err.h"
#include "bootloader/bootloader.h"

struct domain_config;
struct xen;

enum {
	BOOTLOAD_PATH_LEN = 32,
	BOOTLOAD_TIMEOUT_MS = 120000,	/* libxl's for a bootloader that it restricts */
};

struct bootload {
	struct boot_files files;	/* nobody else's; the paths lead there while this lives */
	char kernel[BOOTLOAD_PATH_LEN];
	char ramdisk[BOOTLOAD_PATH_LEN];		/* "" when there is none */
	char *cmdline;
};

#define BOOTLOAD_INIT { .files = BOOT_FILES_INIT }

void scoped_bootload(struct bootload *b);

/* Refuses a bootloader, arguments and disks that bootload_run() could do nothing with. */
int bootload_check(const struct domain_config *config, struct err *err) must_check;

/*
 * Reads the disks; xen is for those that a script brings up, which only who has claimed the
 * domain's name may. terminal: where the guest's boot menu is shown (create -c), -1: nowhere, its
 * default entry is booted. Warns of what is doubtful; when nothing can be booted, of each
 * partition why. config->kernel and ->ramdisk are paths in the guest's disk, config->cmdline is
 * added to what the entry has. -EINTR when the user left the menu.
 */
int bootload_run(struct xen *xen, const struct domain_config *config, int terminal,
		 struct bootload *out, struct err *err) must_check;

#endif
