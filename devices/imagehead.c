/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "imagehead.h"

#include <stdbool.h>
#include <string.h>

#include "base/scope.h"

/* QEMU's docs/interop; VHD also ends in a copy of its header, which fixed ones have alone. */
static const struct {
	const char *magic;
	size_t len, offset;
	const char *format;
	bool last;
} formats[] = {
	{ "QFI\xfb\0\0\0\1", 8, 0, "qcow", false },
	{ "QFI\xfb", 4, 0, "qcow2", false },
	{ "QED\0", 4, 0, "qed", false },
	{ "conectix", 8, 0, "vhd", false },
	{ "conectix", 8, 0, "vhd", true },
	{ "vhdxfile", 8, 0, "vhdx", false },
	{ "KDMV", 4, 0, "vmdk", false },
	{ "# Disk DescriptorFile", 21, 0, "vmdk", false },
	{ "\x7f\x10\xda\xbe", 4, 64, "vdi", false },
};

const char *imagehead_format(const void *first, size_t first_len, const void *last,
			     size_t last_len)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		const char *in = formats[i].last ? last : first;
		size_t len = formats[i].last ? last_len : first_len;

		if (formats[i].offset + formats[i].len <= len &&
		    memcmp(in + formats[i].offset, formats[i].magic, formats[i].len) == 0)
			return formats[i].format;
	}
	return NULL;
}
