/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A xenstore client over the shared ring (xen/io/xs_wire.h): one request at a
 * time, no transactions.  Relative paths are below /local/domain/<our id>.
 * A daemon that is silent for STORE_PATIENCE is given up for good.
 */
#ifndef GUESTS_STORE_H
#define GUESTS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xenstore_domain_interface;

void store_init(struct xenstore_domain_interface *ring, uint32_t port);

/*
 * False on failure.  value gets what was read or, on failure, the daemon's
 * word for it ("ENOENT"), "EIO" when it is not there.
 */
bool store_read(const char *path, char *value, size_t size);
bool store_write(const char *path, const char *text, char *value, size_t size);
bool store_rm(const char *path, char *value, size_t size);

/* id, 0 to 9, is what store_fired() calls this watch. */
bool store_watch(const char *path, unsigned int id);

/* Bit set of the watches that fired since the last call.  Never waits. */
unsigned int store_fired(void);

#endif
