/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "qmp.h"
#include "xen/store.h"

const char *serial_pty(const json_t *item, unsigned int *port)
{
	static const char serial[] = "serial", pty[] = "pty:";
	const char *label = json_string_value(json_object_get(item, "label"));
	const char *file = json_string_value(json_object_get(item, "filename"));
	uint64_t number;

	if (!label || !file || !str_starts(label, serial) || !str_starts(file, pty) ||
	    str_to_u64(label + strlen(serial), INT32_MAX, &number) < 0)
		return NULL;
	*port = (unsigned int)number;
	return file + strlen(pty);
}

int serial_publish(struct xen *xen, uint32_t domid, struct qmp *qmp, int64_t deadline,
		   struct err *err)
{
	scoped(json) json_t *answer = NULL;
	int rc = qmp_run(qmp, "query-chardev", NULL, deadline, &answer, err);

	if (rc < 0)
		return rc;
	if (!json_is_array(answer))
		return fail(err, EPROTO, "query-chardev: QEMU does not answer with a list");
	for (size_t i = 0; i < json_array_size(answer) && rc == 0; i++) {
		unsigned int port;
		const char *pty = serial_pty(json_array_get(answer, i), &port);
		char path[64];

		if (!pty)
			continue;
		snprintf(path, sizeof(path), "/local/domain/%u/serial/%u/tty", domid, port);
		rc = store_write(xen, NULL, path, pty, err);
	}
	return rc;
}
