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

struct devices;
struct domain_config;
struct vfb;
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
void scoped_qemu_args(struct qemu_args *args);

/* Pure: the whole command line for set's domain, from the domain and its devices. */
void qemu_command(const struct devices *set, const char *program, struct qemu_args *args);

/* The framebuffer that QEMU shows, or NULL: libxl's choice is the first. */
const struct vfb *qemu_vfb(const struct devices *set);

/* Finding and ending it: qemu.c */

/* The part of a socket's name in front of "-DOMID". */
#define QEMU_QMP	"qmp-libxl"
#define QEMU_QMP_STAT	"qmp-libxenstat"
enum { QEMU_PATH_LEN = 64 };
const char *qemu_socket(uint32_t domid, const char *name, char path[QEMU_PATH_LEN]);

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

/* Whether domid has a live QEMU (ours or xl's): *pid, or 0. */
int qemu_find(struct xen *xen, uint32_t domid, int *pid, struct err *err) must_check;

/* Kills it, waits until it is gone, removes its nodes and sockets. */
int qemu_stop(struct xen *xen, uint32_t domid, struct err *err) must_check;

/* Starting it: qemu_start.c */

/* Spawns it, or takes the one that serves a live domain already; set->qemu. */
int qemu_start(struct devices *set, struct err *err) must_check;

/*
 * Until it says "running" and has taken each of the set's devices; its death, and a
 * device that it cannot open, are reported in its own words. Then what its VNC server is
 * bound to is written down.
 */
int qemu_wait(struct devices *set, int64_t deadline, struct err *err) must_check;

void qemu_free(struct devices *set);

#endif
