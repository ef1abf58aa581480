/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GRUB legacy's menu.lst, and the file with the saved default. */
#include "bootconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = { "/boot/grub/menu.lst", "/boot/grub/default", NULL };

	return bootconf_fuzz(data, size, "grub", paths);
}
