/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guests that come and go with the host: one config file (or a link to one) each in a folder,
 * in the order of the files' names. What the xendomains scripts do with the same folder, but
 * several at a time. Needs the hypervisor and the store open.
 */
#ifndef DOMAIN_AUTOSTART_H
#define DOMAIN_AUTOSTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct xen;

#define AUTOSTART_DIR "/etc/xen/auto"
/* Where xendomains keeps guests that it has saved, each under its name. */
#define AUTOSTART_SAVE_DIR "/var/lib/xen/save"

struct autostart_guest {
	char *file;		/* in the folder, with its path */
	char *name;		/* NULL: the file cannot be read, or gives none; *why says it */
	char *why;
	bool saved;		/* there is a saved image of it */
	bool runs;		/* there is a domain of that name, domid */
	uint32_t domid;
};

struct autostart {
	struct autostart_guest *guests;
	size_t nr;
};

#define AUTOSTART_INIT { .guests = NULL }

void autostart_free(struct autostart *list);

static inline void scoped_autostart(struct autostart *list)
{
	autostart_free(list);
}

/* No folder: no guests. Hidden files, backups (*~) and dpkg's and rpm's leavings are none. */
int autostart_read(struct xen *xen, const char *dir, struct autostart *list,
		   struct err *err) must_check;

/*
 * Creates all that do not run, at most `jobs` at a time (0: 1), each by a child "xlite create -q".
 * A saved guest is not started anew: its disks are those of the saved one. Tells what became of
 * each; one that fails holds up no other. The error counts them; -EINTR.
 */
int autostart_start(const struct autostart *list, unsigned int jobs, struct err *err) must_check;

struct autostart_stop {
	int timeout_ms;		/* for all together */
	/* Of who has not ended by then, for good; NULL: they stay. */
	int (*destroy)(struct xen *xen, uint32_t domid, struct err *err);
	/* Whether anybody sees to the ends of guests. */
	bool (*attended)(void);
};

/*
 * Shuts down the guests of the list (NULL: all of the host) at once and waits until they are gone,
 * or kept by their config; who restarts meanwhile is asked again. -ETIMEDOUT when some have not
 * ended; -EINTR.
 */
int autostart_stop(struct xen *xen, const struct autostart *list,
		   const struct autostart_stop *how, struct err *err) must_check;

#endif
