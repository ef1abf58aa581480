/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loop devices for image files (linux/loop.h). They go by themselves with their last user
 * (autoclear): while only the descriptor given here is open, closing it undoes everything.
 */
#ifndef DEVICES_LOOP_H
#define DEVICES_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/err.h"

struct loop {
	int fd;				/* of the loop device; -1: none */
	dev_t rdev;
	char path[32];			/* "/dev/loop0" */
};

#define LOOP_INIT { .fd = -1 }

/*
 * Attaches image (open as readonly says; path for losetup to show) to a free loop device, with
 * direct I/O where its file system can. The loop device keeps image's open file, and what is
 * locked by it, when the descriptor is closed.
 */
int loop_attach(int image, const char *path, bool readonly, struct loop *loop,
		struct err *err) must_check;
void loop_close(struct loop *loop);

/* What a loop device stands on: a file's device and inode, or a block device. */
struct loop_status {
	dev_t file_dev, file_rdev;	/* file_rdev: 0 when it is a regular file */
	ino_t file_ino;
	bool readonly, autoclear;
};

/* -ENXIO (without a message) when nothing is attached to the device at path. */
int loop_status(const char *path, struct loop_status *status, struct err *err) must_check;

/* Whether the loop device stands on what st is about. */
bool loop_is_of(const struct loop_status *status, const struct stat *st);

/*
 * Detaches a loop device that has no autoclear and stands on image still: what the block
 * script of xl left. While somebody has it open it goes when he closes it.
 */
void loop_detach(const char *path, const struct stat *image);

#endif
