/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network links of this host by rtnetlink. A link is found by its own news, by sysfs or by
 * a dump, never by asking for the index of a name that may be absent (the ioctl
 * runs modprobe then).
 */
#ifndef DEVICES_LINK_H
#define DEVICES_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct links;			/* two netlink sockets: requests, and news of links */

enum { LINK_NAME_MAX = 15 };	/* IFNAMSIZ - 1 */

int links_open(struct links **links, struct err *err) must_check;
void links_close(struct links *links);

/* The index of an existing link, or -ENODEV. */
int link_index(const char *name, unsigned int *index, struct err *err) must_check;

/*
 * Waits for a link to come into being, or to go away (gone; index may be NULL then). Open
 * links before whatever makes it. -ETIMEDOUT, -EINTR.
 */
int links_wait(struct links *links, const char *name, bool gone, int64_t deadline,
	       unsigned int *index, struct err *err) must_check;

struct link_setup {
	const char *rename;		/* NULL: keep the name */
	unsigned int master;		/* index of its bridge; 0: as it is */
	bool no_master;			/* leaves its bridge */
	uint32_t mtu;			/* bytes; 0: as it is */
	const uint8_t *mac;		/* 6 bytes, NULL: as it is */
	const char *alias;		/* free text, shown by `ip link`; NULL: as it is */
	bool up, down;
};

/*
 * One RTM_NEWLINK; one more before it that takes the link down where a new name or
 * address needs that. The kernel's reason is in the message.
 */
int links_set(struct links *links, unsigned int index, const struct link_setup *setup,
	      struct err *err) must_check;

/*
 * Who on a bridge has a MAC already: a port with this alias, or the one behind which the
 * bridge has seen it lately. 1 and its name, or 0.
 */
int links_find_mac(struct links *links, unsigned int bridge, const uint8_t mac[6],
		   const char *alias, char name[LINK_NAME_MAX + 1], struct err *err) must_check;

/* A number or a word from the link's folder in sysfs; -ENOENT when there is none. */
int link_attribute(const char *name, const char *attribute, char *buf, size_t size) must_check;

/* Whether name is a bridge of the kernel; and the names of all, for messages ("xenbr0, br1"). */
bool link_is_bridge(const char *name);
void link_list_bridges(char *buf, size_t size);

#endif
