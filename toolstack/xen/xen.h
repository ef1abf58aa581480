/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The handles to Xen and to xenstored. Opened when a caller says that it needs
 * them (main does, from the command table), closed by xen_close(). Every other
 * file of toolstack/xen/ takes a struct xen whose handle is open.
 *
 * libxc and libxenguest report details only to a logger: ours shows them with -v
 * and keeps the last error line, which xen_fail() uses when errno says little.
 */
#ifndef XEN_XEN_H
#define XEN_XEN_H

#include <stdint.h>

#include "base/err.h"

struct xc_interface_core;
struct store_watches;
struct xs_handle;
struct xentoollog_logger;

#define XEN_DOMID_MAX 0x7fefu	/* xen/xen.h: DOMID_FIRST_RESERVED - 1 */

struct xen {
	struct xc_interface_core *xc;		/* NULL until opened */
	struct xs_handle *xs;			/* NULL until opened */
	struct store_watches *watches;		/* NULL until the first watch */
	struct xentoollog_logger *logger;
	char detail[256];			/* last error line of libxc, "" if none */
};

#define XEN_INIT { .xc = NULL }

/*
 * Opens the hypervisor interface. Names the cause when this is no Xen host, the
 * caller is not root, or the library belongs to another Xen version (every domctl
 * would fail with EACCES).
 */
int xen_open(struct xen *xen, struct err *err) must_check;

/* Connects to xenstored; says when it does not run. */
int xen_open_store(struct xen *xen, struct err *err) must_check;

void xen_close(struct xen *xen);
static inline void scoped_xen(struct xen *xen)
{
	xen_close(xen);
}

/*
 * A failed libxc or libxenguest call: "what: detail" or "what: strerror(errno)".
 * Takes errno as the call left it; returns -errno. Used on the line after the call.
 */
int xen_fail(struct xen *xen, struct err *err, const char *fmt, ...) printf_like(3, 4);
#define xen_fail(...) err_negative((xen_fail)(__VA_ARGS__))

/*
 * The text for a domctl that failed with EACCES on a Xen of version major.minor:
 * pure, so that a unit test can read it without another hypervisor.
 */
int xen_version_mismatch(unsigned int major, unsigned int minor, struct err *err);

#endif
