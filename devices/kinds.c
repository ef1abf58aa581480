/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of all kinds: one more kind is one more file and one more row. */
#include "base/scope.h"
#include "kind.h"

const struct device_kind *const device_kinds[] = {
	&device_disk,
	&device_nic,
	&device_vfb,
	&device_vkb,
	&device_channel,
	&device_p9,
	&device_pci,
};

const size_t device_kinds_nr = ARRAY_SIZE(device_kinds);
