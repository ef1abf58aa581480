/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sandbox around what reads a guest's disk. After sandbox_enter() the process can
 * use the descriptors that it has, and memory; it cannot open, connect, fork, exec,
 * signal or trace anything, and a try ends it (SIGSYS). Entered before the first byte
 * of a disk is read, and never left.
 */
#ifndef BOOTLOADER_SANDBOX_H
#define BOOTLOADER_SANDBOX_H

#include <stdint.h>

#include "base/err.h"

/* What is there beside seccomp, no_new_privs and limits, which are mandatory. */
enum {
	SANDBOX_UID = 1,	/* another user: root became nobody */
	SANDBOX_NAMESPACES = 2,
	SANDBOX_LANDLOCK = 4,
	SANDBOX_NO_FILES = 8,	/* an empty root, and none of the host's mounts */
};

/*
 * memory: bytes of address space; seconds: of cpu time; terminal: a descriptor on which
 * terminal modes may be changed, or -1. *got: what of the optional parts was had.
 */
int sandbox_enter(uint64_t memory, unsigned int seconds, int terminal, unsigned int *got,
		  struct err *err) must_check;

#endif
