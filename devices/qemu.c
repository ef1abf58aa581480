/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu.h"

#include <errno.h>

#include "device.h"

int qemu_check(const struct devices *set, struct err *err)
{
	(void)set, (void)err;
	return 0;
}

int qemu_start(struct devices *set, struct err *err)
{
	(void)set;
	return fail(err, EOPNOTSUPP, "not supported yet");
}

int qemu_wait(struct devices *set, int64_t deadline, struct err *err)
{
	(void)set, (void)deadline, (void)err;
	return 0;
}

void qemu_free(struct devices *set)
{
	(void)set;
}
