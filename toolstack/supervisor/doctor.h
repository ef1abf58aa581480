/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether this host is in order for running guests: a finding for each thing that was looked at,
 * with what to do about it.
 */
#ifndef SUPERVISOR_DOCTOR_H
#define SUPERVISOR_DOCTOR_H

struct findings;
struct xen;

/* xen is not open yet: that it cannot be is a finding. */
void doctor_look(struct xen *xen, struct findings *out);

#endif
