/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain's configuration as libxl keeps it: one JSON file, and a lock file that
 * every toolstack takes while it changes the domain's configuration. Names as
 * libxl makes them (libxl_internal.c, libxl_dom.c):
 *   DIR/userdata-d.DOMID.UUID.libxl-json
 *   DIR/userdata-l.DOMID.UUID.domain-userdata-lock
 *   DIR/userdata-l.DOMID.UUID.libxl-device-changes-lock
 * libxl reads the file as a C string, so its last byte is NUL.
 */
#ifndef DOMAIN_USERDATA_H
#define DOMAIN_USERDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct bytes;
struct json_t;

#define USERDATA_DIR "/var/lib/xen"

struct userdata {
	const char *dir;	/* NULL: USERDATA_DIR */
	uint32_t domid;
	uint8_t uuid[16];
};

struct userdata_lock {
	int fd;			/* -1: not held */
	char *path;
};

#define USERDATA_LOCK_INIT { .fd = -1 }

/*
 * Waits for the lock. The domain may have gone meanwhile: check that it exists
 * afterwards, before writing. Released by scope; the lock file goes with it.
 */
int userdata_lock(const struct userdata *ud, struct userdata_lock *lock,
		  struct err *err) must_check;

/*
 * Another lock, around what talks to a domain's QEMU before it changes the configuration:
 * who holds that one may wait for the one above, never the reverse.
 */
int userdata_lock_changes(const struct userdata *ud, struct userdata_lock *lock,
			  struct err *err) must_check;
void scoped_userdata_lock(struct userdata_lock *lock);

/* The stored tree, or -ENOENT when there is no file. Readers need no lock. */
int userdata_read(const struct userdata *ud, struct json_t **json, struct err *err) must_check;

/* Replaces the file atomically, mode 0600, makes the folder when it is missing. */
int userdata_write(const struct userdata *ud, const struct json_t *json,
		   struct err *err) must_check;

/* The same for data of another kind ("xl"), as they are. */
int userdata_read_bytes(const struct userdata *ud, const char *kind, size_t max,
			struct bytes *out, struct err *err) must_check;
int userdata_write_bytes(const struct userdata *ud, const char *kind, const void *data,
			 size_t len, struct err *err) must_check;

/* Whether anything is kept for this domain, or somebody has a lock of it. */
bool userdata_exists(const struct userdata *ud);

/*
 * Removes everything kept for this domain, whatever its kind ("xl", other
 * programs' data), but for the lock file, which goes with the lock. Take it before.
 */
int userdata_remove_all(const struct userdata *ud, struct err *err) must_check;

/* 36 characters and NUL, lower case, as libxl prints it. */
void userdata_format_uuid(const uint8_t uuid[16], char text[37]);

#endif
