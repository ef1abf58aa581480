/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a config's guest starts from: kernel, shim or firmware, and the builder for it. */
#ifndef DOMAIN_BOOT_H
#define DOMAIN_BOOT_H

#include "base/err.h"

struct domain_config;
struct image;
struct platform;
struct xen;

/*
 * Reads and parses all of it before there is a domain; the kernel has the last word on
 * type="auto", which is settled in config then. terminal as for bootload_run(). *image is the
 * caller's. Errors name the file.
 */
int boot_load(struct xen *xen, struct domain_config *config, int terminal, struct image **image,
	      struct platform *platform, struct err *err) must_check;

#endif
