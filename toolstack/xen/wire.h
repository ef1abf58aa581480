/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A connection to xenstored without libxenstore: xen/io/xs_wire.h's messages, sent
 * and received apart. For what that library cannot do: watch events without a
 * thread, and many requests under way at once. Private to toolstack/xen/.
 */
#ifndef XEN_WIRE_H
#define XEN_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <xen/io/xs_wire.h>

#include "base/err.h"
#include "base/str.h"

struct wire {
	int fd;			/* non-blocking; -1: not connected */
	size_t ahead_at, ahead_len;	/* what has been read beyond the message in `in` */
	char ahead[4096];
	size_t nr_in;
	union {
		struct xsd_sockmsg header;
		char bytes[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX + 1];
	} in;
};

int wire_open(struct wire *w, struct err *err) must_check;
/* -ETIMEDOUT (wait_deadline()) where too many others wait for a daemon that does not answer. */
int wire_open_until(struct wire *w, int64_t deadline, struct err *err) must_check;
void wire_close(struct wire *w);
static inline void scoped_wire(struct wire *w)
{
	wire_close(w);
}

/*
 * Adds a request to out, in transaction txn (0: none); its payload is first and second,
 * each with its NUL (second may be NULL). Replies come in the order of the requests.
 * -E2BIG when that is more than a message holds.
 */
int wire_put(struct strbuf *out, enum xsd_sockmsg_type type, uint32_t txn, const char *first,
	     const char *second, struct err *err) must_check;

/* The same with any bytes behind first and its NUL. */
int wire_put_bytes(struct strbuf *out, enum xsd_sockmsg_type type, uint32_t txn,
		   const char *first, const char *bytes, size_t len, struct err *err) must_check;

/* Sends what out holds and empties it. */
int wire_flush(struct wire *w, struct strbuf *out, struct err *err) must_check;

/*
 * 1: a message is in w->in, NUL after its payload, until wire_done(); 0: not yet
 * (wire_wait: never 0). Only after a 0 does polling w->fd tell whether more has come.
 */
int wire_receive(struct wire *w, struct err *err) must_check;
int wire_wait(struct wire *w, struct err *err) must_check;
void wire_done(struct wire *w);

/* The payload of the message that is there, and the errno that an XS_ERROR names. */
const char *wire_payload(const struct wire *w);
int wire_errno(const struct wire *w);

#endif
