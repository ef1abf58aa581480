/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Boot Loader Specification entries and loader.conf; the last file is an image's os-release. */
#include "bootconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {
		"/loader/entries/a-1.conf", "/loader/entries/a-2+0-1.conf",
		"/loader/entries/b.conf", "/loader/loader.conf", "/EFI/Linux/c.efi", NULL,
	};

	return bootconf_fuzz(data, size, "bls", paths);
}
