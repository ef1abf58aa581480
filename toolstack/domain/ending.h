/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is done when a domain has ended: its config's on_poweroff, on_reboot, on_crash,
 * on_watchdog and on_soft_reset, in single steps. Who does them: attend.h while a user waits,
 * the supervisor else. Each step may be done again when its first try was cut off.
 */
#ifndef DOMAIN_ENDING_H
#define DOMAIN_ENDING_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/err.h"
#include "config/config.h"

struct json_t;
struct xen;

/*
 * By enum domctl_reason. A suspended domain is whose who saves it: PRESERVE; it may run again.
 */
enum config_action ending_action(const struct domain_config *config, unsigned int reason);

/* on_device_model_exit: whether that is its end, and *action is to be done. */
bool ending_model_action(const struct domain_config *config, enum config_action *action);

/* "powered off", "has crashed": for messages. */
const char *ending_words(unsigned int reason);

/* As JSON and scripts have it: "poweroff", "reboot"; "unknown". */
const char *ending_reason_name(unsigned int reason);

/* The kind of event that it is: "shutdown", "reboot", "crash". */
const char *ending_kind(unsigned int reason);

/*
 * A guest that lived shorter than this restarts "quickly"; after ENDING_FREE such restarts in a
 * row it is held back, and after ENDING_MOST in all left as it ended.
 */
enum { ENDING_QUICK_S = 60, ENDING_FREE = 4, ENDING_MOST = 12 };

/* Pure: seconds to wait before another restart after so many quick ones in a row; -1: no more. */
int ending_pause(unsigned int restarts);

/*
 * What is done instead of a soft reset that cannot be: NULL, *action stays; or why, for people, with
 * another *action.
 */
const char *ending_no_reset(const struct domain_config *config, enum config_action *action);

bool ending_dumps(enum config_action action);
bool ending_restarts(enum config_action action);	/* a successor follows */

/*
 * Its configuration as it stands, with devices that came and went, memory and vcpus, and complete;
 * and as libxl's JSON, the caller's.
 */
int ending_config(struct xen *xen, uint32_t domid, struct domain_config *config,
		  struct json_t **json, struct err *err) must_check;

/* Destroys it; done already by somebody else is fine. */
int ending_destroy(struct xen *xen, uint32_t domid, const uint8_t uuid[16],
		   struct err *err) must_check;

/*
 * The same, and waits until it is really gone, with its memory and all that it had open; or until
 * for five seconds no page of it has gone: one that somebody maps may stay for ever, and its successor
 * can run beside that. -EINTR: the user interrupted.
 */
int ending_make_way(struct xen *xen, uint32_t domid, const uint8_t uuid[16],
		    struct err *err) must_check;

/* rename-restart: who the old domain becomes. */
struct ending_aside {
	char name[CONFIG_NAME_MAX + 8];	/* NAME-YYYYmmddTHHMMZ, as xl's; or with -2, -3... */
	uint8_t uuid[16];
};

/* A name that no domain has, and a new uuid. */
int ending_new_aside(struct xen *xen, const char *name, struct ending_aside *aside,
		     struct err *err) must_check;
/* Pure: the n-th name (from 1) for what is kept at a time. */
void ending_aside_name(const char *name, time_t now, unsigned int n, struct ending_aside *aside);

/* Keeps domid, which has or had uuid, as aside says; nobody attends it any more. */
int ending_keep_aside(struct xen *xen, uint32_t domid, const uint8_t uuid[16],
		      const struct ending_aside *aside, struct err *err) must_check;

#endif
