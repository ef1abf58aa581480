/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between the toolstack and the sandboxed reader, over a SOCK_SEQPACKET pair: one
 * request down, then fixed-size messages up, the last one MESSAGE_RESULT or
 * MESSAGE_ERROR. Both sides are of one build. Nothing in a message is trusted above:
 * wire_check() is the toolstack's, and texts are any bytes until they are escaped.
 */
#ifndef BOOTLOADER_WIRE_H
#define BOOTLOADER_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "bootloader.h"

/* Descriptors of the reader. 0 to 2 are its terminal, or /dev/null. */
enum { WIRE_SOCKET = 3, WIRE_KERNEL, WIRE_RAMDISK, WIRE_DISKS };

enum { WIRE_VERSION = 4 };

struct wire_request {
	uint32_t version, action;
	uint32_t nr_disks;
	uint32_t raw, terminal, alone, flat;	/* booleans */
	uint8_t format[BOOT_DISKS_MAX];
	uint32_t sector[BOOT_DISKS_MAX];
	uint64_t offset[BOOT_DISKS_MAX];
	uint64_t kernel_max, ramdisk_max;
	char entry[BOOT_TEXT_MAX];	/* "": the default */
	char kernel[BOOT_TEXT_MAX];	/* in the image, instead of what the configuration says */
	char ramdisk[BOOT_TEXT_MAX];
};

enum wire_kind {
	MESSAGE_DEVICE = 1, MESSAGE_ENTRY, MESSAGE_NOTE, MESSAGE_RESULT, MESSAGE_ERROR,
	/* From the first to the second a user is asked; only with a terminal. */
	MESSAGE_MENU_UP, MESSAGE_MENU_DOWN,
};

struct wire_error {
	int32_t code;
	char msg[512];
};

struct wire_message {
	uint32_t kind;
	union {
		struct boot_device_info device;
		struct boot_entry_info entry;
		char note[512];
		struct boot_result result;
		struct wire_error error;
	};
};

/* The reader's life, in the process that was exec'd for it: an exit status. */
int child_run(void);

/* What the toolstack must know before it looks at a message: all texts end, all numbers are sane. */
bool wire_check(const struct wire_message *m, size_t len, const struct wire_request *request);

#endif
