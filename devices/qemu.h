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
struct xen;

/* A list of words that grows; a failed allocation shows when it is used. */
struct qemu_args {
	char **words;			/* owned, NULL-terminated */
	size_t nr, cap;
	bool failed;
};

void qemu_arg(struct qemu_args *args, const char *fmt, ...) printf_like(2, 3);
void scoped_qemu_args(struct qemu_args *args);

/* Pure: the whole command line for set's domain, from the domain and its devices. */
void qemu_command(const struct devices *set, const char *program, struct qemu_args *args);

/* Finds the program before a domain exists; -ENOENT names the package and the device that wants it. */
int qemu_check(const struct devices *set, struct err *err) must_check;

/* Spawns it; set->qemu. */
int qemu_start(struct devices *set, struct err *err) must_check;

/* Until it says "running"; its death is reported with the last lines of its log. */
int qemu_wait(struct devices *set, int64_t deadline, struct err *err) must_check;

/* Whether domid has a live QEMU (ours or xl's): *pid, or 0. */
int qemu_find(struct xen *xen, uint32_t domid, int *pid, struct err *err) must_check;

/* Kills it, waits until it is gone, removes its nodes and sockets. */
int qemu_stop(struct xen *xen, uint32_t domid, struct err *err) must_check;

void qemu_free(struct devices *set);

#endif
