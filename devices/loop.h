/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loop devices for image files (linux/loop.h). They go by themselves with their last user
 * (autoclear): while only the descriptor given here is open, closing it undoes everything.
 */
#ifndef DEVICES_LOOP_H
#define DEVICES_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct loop {
	int fd;				/* of the loop device; -1: none */
	dev_t rdev;
	char path[32];			/* "/dev/loop0" */
};

#define LOOP_INIT { .fd = -1 }

/*
 * Attaches image (open as readonly says; path for /sys and losetup) to a free loop device, with
 * direct I/O where its file system can.
 */
int loop_attach(int image, const char *path, bool readonly, struct loop *loop,
		struct err *err) must_check;
void loop_close(struct loop *loop);

#endif
