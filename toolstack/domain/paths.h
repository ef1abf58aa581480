/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of the host that a config names: kernel, ramdisk, firmware, device model; and its disks'
 * images. With a bootloader, kernel and ramdisk are files of the guest's.
 */
#ifndef DOMAIN_PATHS_H
#define DOMAIN_PATHS_H

#include "base/err.h"

struct domain_config;

/*
 * As they are seen from the current folder, so that a restart finds them from wherever it is made;
 * for disks devices_prepare() does that.
 */
int paths_make_absolute(struct domain_config *config, struct err *err) must_check;

/* -EINVAL for one that depends on the current folder. Pure. */
int paths_check_absolute(const struct domain_config *config, struct err *err) must_check;

/* Whether all are there and can be read. */
int paths_check_there(const struct domain_config *config, struct err *err) must_check;

#endif
