/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Event channels and time without interrupts: events stay masked and are
 * never delivered; SCHEDOP_poll sleeps until one of our ports is pending.
 * Times are nanoseconds since the host booted.
 */
#ifndef GUESTS_EVENT_H
#define GUESTS_EVENT_H

#include <stdint.h>

#define NSEC_PER_MSEC	1000000ull
#define NSEC_PER_SEC	1000000000ull

struct shared_info;

void event_init(struct shared_info *shared);

/* event_wait() wakes for this port from now on; there is room for four. */
void event_listen(uint32_t port);

void event_notify(uint32_t port);

/*
 * Sleeps until an event, or until the clock passes deadline (0: for ever).
 * It takes the events: look at every ring again before the next wait.
 */
void event_wait(uint64_t deadline);

uint64_t event_clock(void);

#endif
