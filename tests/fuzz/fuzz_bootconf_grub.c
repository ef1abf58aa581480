/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GRUB 2 scripts, with grubenv, a file to source and a BLS entry beside them. */
#include "bootconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = { "/boot/grub/grub.cfg", "/boot/grub/grubenv",
					     "/boot/grub/custom.cfg", "/loader/entries/a-1.conf",
					     NULL };

	return bootconf_fuzz(data, size, "grub2", paths);
}
