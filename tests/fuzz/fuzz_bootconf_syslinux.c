/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SYSLINUX, with two files to include. */
#include "bootconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = { "/extlinux.conf", "/a.cfg", "/b.cfg", NULL };

	return bootconf_fuzz(data, size, "syslinux", paths);
}
