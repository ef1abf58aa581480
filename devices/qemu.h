/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device model: one QEMU for a domain that needs it. Its pid stands in the store
 * (~/image/device-model-pid) before it is exec'd, so that whoever comes after a
 * kill finds it; a pid is believed only while /proc says that it serves this domain.
 */
#ifndef DEVICES_QEMU_H
#define DEVICES_QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct device_kind;
struct devices;
struct domain_config;
struct hvm_config;
struct qmp;
struct sdl_config;
struct store_nodes;
struct strbuf;
struct vnc_config;
struct xen;

/* Command line: qemu_args.c */

/* A list of words that grows; a failed allocation shows when it is used. */
struct qemu_args {
	char **words;			/* owned, NULL-terminated */
	size_t nr, cap;
	bool failed;
};

#define QEMU_ARGS_INIT { .words = NULL }

void qemu_arg(struct qemu_args *args, const char *fmt, ...) printf_like(2, 3);
/* One word of before, value and after; commas in value do not end an option. */
void qemu_arg_value(struct qemu_args *args, const char *before, const char *value,
		    const char *after);
void qemu_escape(struct strbuf *text, const char *value);
void scoped_qemu_args(struct qemu_args *args);

/* How much of the host it may touch: qemu_jail.c */
struct qemu_jail {
	bool restricted;		/* dm_restrict */
	uint32_t kill_uid;		/* all that runs as this user is its own; 0: shared */
	char runas[64];			/* "" root; a name, or "UID:GID" */
};

/*
 * The users are in /etc/passwd, or -ENOENT names what is missing. domid 0: it is not known yet
 * which of a range it will be.
 */
int qemu_jail_plan(const struct domain_config *config, uint32_t domid, struct qemu_jail *jail,
		   struct err *err) must_check;

/* In the child that will be QEMU: -errno. Async-signal-safe. */
int qemu_jail_enter(const struct domain_config *config) must_check;

/* Makes what it needs, when its pid stands in the store; fd becomes the QMP socket. */
int qemu_jail_make(struct xen *xen, uint32_t domid, const struct qemu_jail *jail, int fd,
		   struct err *err) must_check;
int qemu_jail_remove(uint32_t domid, struct err *err) must_check;

/* Kills all that runs as domid's own QEMU user; nothing where it has none. */
int qemu_jail_kill(struct xen *xen, uint32_t domid, struct err *err) must_check;

/* Pure: the whole command line for set's domain, from the domain and its devices. */
void qemu_command(const struct devices *set, const char *program, const struct qemu_jail *jail,
		  struct qemu_args *args);

/*
 * What the devices of one kind add; whether any of them is emulated. A disk's or nic's
 * arguments are for HVM guests alone: a PV guest's QEMU finds its backends in the store.
 */
bool qemu_device_args(const struct devices *set, const struct device_kind *kind,
		      struct qemu_args *args);

/* What it shows and where: an HVM guest's card or the first vfb. NULL: not there. */
struct qemu_display {
	const struct vnc_config *vnc;
	const struct sdl_config *sdl;
	const char *keymap;
};

void qemu_display(const struct devices *set, struct qemu_display *display);

/* An HVM guest's machine: qemu_hvm.c. Pure; set->config is not NULL. */

/* What no QEMU can do or this version does not, by the key's name. */
int qemu_hvm_check(const struct domain_config *config, struct err *err) must_check;

void qemu_hvm_args(const struct devices *set, struct qemu_args *args);
void qemu_hvm_machine(const struct domain_config *config, struct qemu_args *args);
void qemu_hvm_disk_args(const struct devices *set, struct qemu_args *args);

/* Finding and ending it: qemu.c */

/* The part of a socket's name in front of "-DOMID". */
#define QEMU_QMP	"qmp-libxl"
#define QEMU_QMP_STAT	"qmp-libxenstat"
/* The descriptor of a restricted one's QMP socket, which is made before it starts. */
#define QEMU_QMP_FD_TEXT "4"
/* That of the state that it goes on from. */
#define QEMU_STATE_FD_TEXT "5"
enum { QEMU_PATH_LEN = 64, QEMU_QMP_FD = 4, QEMU_STATE_FD = 5 };
const char *qemu_socket(uint32_t domid, const char *name, char path[QEMU_PATH_LEN]);

/* The folder that a restricted one sees as its root. */
const char *qemu_root(uint32_t domid, char path[QEMU_PATH_LEN]);

/* In /proc/PID/comm from the fork until the exec. */
enum { QEMU_COMM_LEN = 16 };
const char *qemu_comm(uint32_t domid, char comm[QEMU_COMM_LEN]);

/* device_model_override, or the first of the usual places that has one. */
const char *qemu_program(const struct domain_config *config);

/*
 * Finds the program before a domain exists; -ENOENT names the package and the device
 * that wants it. -EOPNOTSUPP for a device model of a sort that there is not.
 */
int qemu_check(const struct devices *set, struct err *err) must_check;

/*
 * Before a domain exists: whether program can do what display and hvm (may be NULL) ask for and
 * many builds leave out, SDL, SPICE, USB redirection, QXL, VNC passwords, a keymap: which shows
 * when it runs, so that it is run for a moment when one of these is wanted. -EOPNOTSUPP names the
 * key.
 */
int qemu_probe(const char *program, const struct qemu_display *display,
	       const struct hvm_config *hvm, struct err *err) must_check;

/* Whether domid has a live QEMU (ours or xl's): *pid, or 0. */
int qemu_find(struct xen *xen, uint32_t domid, int *pid, struct err *err) must_check;
/* The same with a pidfd, which the caller closes; -1 where *pid is 0. */
int qemu_open(struct xen *xen, uint32_t domid, int *pid, int *pidfd, struct err *err) must_check;

/* A QMP connection to it, ready for commands; -ESRCH when there is none. monitor.c */
int qemu_talk(struct xen *xen, uint32_t domid, int64_t deadline, struct qmp *qmp,
	      struct err *err) must_check;

/*
 * Kills it and all that runs as its own user, waits until it is gone, removes its nodes,
 * sockets and empty root.
 */
int qemu_stop(struct xen *xen, uint32_t domid, struct err *err) must_check;

/* Starting it: qemu_start.c */

/* The first part of qemu_start() for a new domain: its process is there and waits; set->qemu. */
int qemu_spawn(struct devices *set, struct err *err) must_check;
/* What has to be in the store, below the domain's own folder, before qemu_start() lets it go. */
int qemu_nodes(struct devices *set, struct store_nodes *nodes, struct err *err) must_check;

/* Starts it, or takes the one that serves a live domain already; set->qemu. */
int qemu_start(struct devices *set, struct err *err) must_check;

/*
 * Until it says "running" (a restricted one cannot: until it answers) and has taken each of the
 * set's devices; its death, and a device that it cannot open, are reported in its own words. Then
 * what its VNC server is bound to is written down, and its serial ports' terminals.
 */
int qemu_wait(struct devices *set, int64_t deadline, struct err *err) must_check;

void qemu_free(struct devices *set);

#endif
