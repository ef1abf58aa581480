/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process between a program and xenstored: counts the requests on the wire, and
 * answers the Nth with an error instead of passing it on, however the program sends
 * them. A program is led to it by XENSTORED_RUNDIR=dir in its environment, which
 * libxenstore's xs_daemon_socket() obeys.
 */
#ifndef FAULT_STOREPROXY_H
#define FAULT_STOREPROXY_H

struct storeproxy_state {
	unsigned long requests;		/* since it was set to 0 */
	unsigned long fail_at;		/* 0: none */
	unsigned long hit;		/* number of the one that was failed, 0: none yet */
	int code;			/* the errno it was given */
	unsigned int type;		/* enum xsd_sockmsg_type */
	char path[256];			/* what it was about */
};

/*
 * Listens at dir/socket (dir is made) until this process ends. The state is shared
 * with it: read and set it while no program runs. NULL with errno.
 */
volatile struct storeproxy_state *storeproxy_start(const char *dir);

/* Removes dir; the process ends with this one. */
void storeproxy_stop(const char *dir);

#endif
