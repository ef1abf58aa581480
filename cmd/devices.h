/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What block-list, network-list and devices have in common: the devices of the domains
 * that are named, with what the store says of them now. States and rings are what the
 * guest wrote: numbers, or -1 for all else.
 */
#ifndef CMD_DEVICES_H
#define CMD_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "devices/device.h"

struct cmd;
struct disk;
struct option_uint;

/* What is read of each device: a node of its frontend, its backend or the toolstack's copy. */
enum device_node {
	DEVICE_STATE, DEVICE_EVENT_CHANNEL, DEVICE_RING_REF, DEVICE_TX_RING_REF,
	DEVICE_RX_RING_REF, DEVICE_BACK_STATE, DEVICE_PORT, DEVICE_CONSOLE_RING, DEVICE_NUMBERS,
	/* from here on texts: what the device is */
	DEVICE_PARAMS = DEVICE_NUMBERS, DEVICE_MODE, DEVICE_TYPE, DEVICE_NODE, DEVICE_MAC,
	DEVICE_BRIDGE, DEVICE_IP, DEVICE_VIFNAME, DEVICE_SCRIPT, DEVICE_NAME, DEVICE_CONNECTION,
	DEVICE_PATH, DEVICE_TAG, DEVICE_VNCLISTEN, DEVICE_TTY, DEVICE_NODES,
};

struct device_row {
	const struct device_entry *entry;
	int numbers[DEVICE_NUMBERS];	/* -1: absent, or no number */
	char *texts[DEVICE_NODES];	/* owned; NULL: absent */
};

struct device_listing {
	const char *kind;		/* NULL: all */
	const char *header;		/* a line above the table, printed first */
	void (*print)(const struct device_row *row);
	bool carry_on;			/* a domain that is not there is a message on stderr */
	bool json;
};

/* Prints the devices of the domains that are the command's words. */
int device_listing_run(struct cmd *cmd, const struct device_listing *how,
		       struct err *err) must_check;

/*
 * The number of a domain's device by its MAC ("00:16:3e:..."). -ENOENT without a message
 * when it has none of these.
 */
int device_find_mac(struct cmd *cmd, uint32_t domid, const uint8_t mac[6], uint32_t *devid,
		    struct err *err) must_check;

/* What a dry run prints of a disk: libxl's JSON. */
int cmd_print_disk(const struct disk *disk, struct err *err) must_check;

/* --timeout SECONDS in ms; DEVICE_WAIT_MS when it was not given. */
int device_timeout(const struct option_uint *option, int *timeout_ms, struct err *err) must_check;

#endif
