/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The disks of a config that a bootloader can read on this host: files and block devices of a
 * format that the reader knows, and what a script= brings up for it.
 */
#ifndef DOMAIN_BOOTDISK_H
#define DOMAIN_BOOTDISK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "bootloader/bootloader.h"
#include "devices/diskborrow.h"

struct domain_config;
struct xen;

struct bootdisks {
	struct boot_disks disks;
	struct disk_borrow borrowed[BOOT_DISKS_MAX];	/* until the descriptors are closed */
	size_t nr_borrowed;
	char *path;		/* of the last one, for a program that opens it itself */
};

#define BOOTDISKS_INIT { .disks = BOOT_DISKS_INIT }

void scoped_bootdisks(struct bootdisks *b);

/* Refuses a config with no disk that can be read, with the first one's reason. */
int bootdisks_check(const struct domain_config *config, struct err *err) must_check;
/* Whether opening them runs scripts, which may touch what a guest that has them works with. */
bool bootdisks_run_scripts(const struct domain_config *config);
/* The first for a program, which gets the first disk and must find it raw. */
int bootdisks_check_first(const struct domain_config *config, struct err *err) must_check;

/* Opens those that can be read, in their order: at most max and BOOT_DISKS_MAX. */
int bootdisks_open(struct xen *xen, const struct domain_config *config, size_t max,
		   struct bootdisks *out, struct err *err) must_check;

/* Warns of each disk that was left out and has something in it. */
void bootdisks_explain(const struct domain_config *config);

#endif
