/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many reads with all requests under way at once: one after the other, each costs
 * two switches between this process and xenstored.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "nodes.h"
#include "store.h"
#include "wire.h"
#include "xen.h"

/* So many that neither side's socket buffer can fill up with the other side waiting. */
enum { BATCH = 64 };

static int send_batch(struct wire *w, const char *const *paths, size_t first, size_t nr,
		      struct err *err)
{
	scoped(strbuf) struct strbuf out = STRBUF_INIT;
	int rc = 0;

	for (size_t i = first; i < first + nr && rc == 0; i++)
		rc = wire_put(&out, XS_READ, 0, paths[i], NULL, err);
	return rc < 0 ? rc : wire_flush(w, &out, err);
}

/* xenstored answers one connection's requests in the order they came. */
static int take_value(struct wire *w, const char *path, char **value, struct err *err)
{
	int rc = wire_wait(w, err);

	if (rc < 0)
		return rc;
	wire_done(w);
	if (w->in.header.type == XS_ERROR && wire_errno(w) == ENOENT)
		return 0;
	if (w->in.header.type != XS_READ)
		return fail_sys(err, wire_errno(w), "cannot read xenstore node '%s'", path);
	*value = strdup(wire_payload(w));
	return *value ? 0 : fail_nomem(err);
}

int store_read_many(const char *const *paths, size_t nr, char **values, struct err *err)
{
	scoped(wire) struct wire w = { .fd = -1 };
	int rc = nr ? wire_open(&w, err) : 0;

	memset(values, 0, nr * sizeof(*values));
	for (size_t first = 0; first < nr && rc == 0; first += BATCH) {
		size_t batch = nr - first < BATCH ? nr - first : BATCH;

		rc = send_batch(&w, paths, first, batch, err);
		for (size_t i = first; i < first + batch && rc == 0; i++)
			rc = take_value(&w, paths[i], &values[i], err);
	}
	for (size_t i = 0; i < nr && rc < 0; i++)
		free(take(values[i]));
	return rc;
}

int store_settle(struct err *err)
{
	enum { ROUNDS = 2 * STORE_NODES_BATCH + 8 };
	const char *paths[ROUNDS];
	char *values[ROUNDS];
	int rc;

	for (size_t i = 0; i < ROUNDS; i++)
		paths[i] = "/tool";
	rc = store_read_many(paths, ROUNDS, values, err);
	for (size_t i = 0; i < ROUNDS && rc == 0; i++)
		free(values[i]);
	return rc;
}
