/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What happened to guests, one JSON object a line, for `xlite events`; and to syslog, where there
 * is one. Bounded: a guest that fails for ever fills no disk, and does not push out what is known of
 * others.
 *
 *	create, running		made; let go (also with a successor: restart)
 *	shutdown, reboot, crash	its end, "REASON: ACTION"
 *	restart			a successor runs
 *	held-back, given-up	it restarts again and again
 *	core-dump		written, or why not
 *	device, balloon		changed by a command, or by the guest (a CD that it ejects)
 *	device-model		its QEMU has ended
 *	destroyed, dying	gone; or destroyed and still there
 *	watched			`xlite watch`
 *	unfinished		a killed create left it
 *	error			what its config says could not be done
 *	suppressed		more than EVENTS_PER_HOUR that a guest can cause: those that follow are lost
 */
#ifndef SUPERVISOR_EVENTS_H
#define SUPERVISOR_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define EVENTS_DIR "/var/log/xen"
#define EVENTS_PATH EVENTS_DIR "/xlite-events.log"

/* The file and the one before it (".1") have at most this many bytes each. */
enum { EVENTS_MOST = 1024 * 1024, EVENTS_PER_HOUR = 240 };

/*
 * Appends one: kind is a word of the above, name the guest's. What cannot be written is a warning: no
 * guest waits for its log.
 */
void event_add(const char *kind, const char *name, uint32_t domid, const char *fmt, ...)
	printf_like(4, 5);

struct json_t;

/* Shows each event that is kept to each(), the oldest first. What is no event is left out. */
int events_each(void (*each)(const struct json_t *event, void *arg), void *arg,
		struct err *err) must_check;

/* Pure: how many of a log's lines are of a kind (NULL: any), about NAME, not before since (seconds). */
unsigned int events_count(const char *log, size_t len, const char *kind, const char *name,
			  double since);

#endif
