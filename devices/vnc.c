/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vnc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/config.h"
#include "device.h"
#include "qemu.h"
#include "qmp.h"
#include "xen/nodes.h"
#include "xen/store.h"

enum { VNC_PORT = 5900 };

void scoped_vnc_address(struct vnc_address *address)
{
	scoped_free(&address->host);
	scoped_free(&address->password);
}

static int write_console(struct xen *xen, uint32_t domid, const char *name, const char *value,
			 struct err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/console/%s", domid, name);
	return store_write(xen, NULL, path, value, err);
}

static int set_password(struct xen *xen, uint32_t domid, struct qmp *qmp, const char *password,
			int64_t deadline, struct err *err)
{
	scoped(json) json_t *args = json_pack("{s:s}", "password", password);
	int rc;

	if (!args)
		return fail(err, EINVAL, "VNC password: not UTF-8");
	rc = qmp_run(qmp, "change-vnc-password", args, deadline, NULL, err);
	return rc < 0 ? rc : write_console(xen, domid, "vnc-pass", password, err);
}

int vnc_publish(struct xen *xen, uint32_t domid, const struct vnc_config *vnc, struct qmp *qmp,
		int64_t deadline, struct err *err)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	scoped(json) json_t *answer = NULL;
	const char *host, *port;
	char console[64];
	int rc = qmp_run(qmp, "query-vnc", NULL, deadline, &answer, err);

	if (rc < 0)
		return rc;
	if (!json_is_true(json_object_get(answer, "enabled")))
		return fail(err, EPROTO, "QEMU has no VNC server");
	host = json_string_value(json_object_get(answer, "host"));
	port = json_string_value(json_object_get(answer, "service"));
	if (!host || !port)
		return fail(err, EPROTO, "QEMU does not say where its VNC server listens");
	snprintf(console, sizeof(console), "/local/domain/%u/console", domid);
	store_nodes_add(&nodes, STORE_INHERIT, console, "vnc-listen", "%s", host);
	store_nodes_add(&nodes, STORE_INHERIT, console, "vnc-port", "%s", port);
	rc = store_nodes_write(&nodes, domid, err);
	if (rc == 0 && vnc->passwd && *vnc->passwd)
		rc = set_password(xen, domid, qmp, vnc->passwd, deadline, err);
	return rc;
}

static int read_console(struct xen *xen, uint32_t domid, const char *name, char **value,
			struct err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/console/%s", domid, name);
	return store_read(xen, NULL, path, value, err);
}

int vnc_find(struct xen *xen, uint32_t domid, struct vnc_address *address, struct err *err)
{
	scoped(vnc_address) struct vnc_address new = { .host = NULL };
	scoped(free) char *text = NULL;
	uint64_t port;
	int rc;

	rc = read_console(xen, domid, "vnc-port", &text, err);
	if (rc == -ENOENT)
		return fail(err, ENOENT, "domain %u has no VNC server", domid);
	if (rc < 0)
		return rc;
	if (str_to_u64(text, UINT16_MAX, &port) < 0)
		return fail(err, EINVAL, "domain %u: bad VNC port '%.20s'", domid, text);
	new.display = (int)port - VNC_PORT;
	rc = read_console(xen, domid, "vnc-listen", &new.host, err);
	if (rc == -ENOENT) {
		new.host = strdup("localhost");
		rc = new.host ? 0 : fail_nomem(err);
	}
	if (rc < 0)
		return rc;
	rc = read_console(xen, domid, "vnc-pass", &new.password, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	*address = new;
	new = (struct vnc_address){ .host = NULL };
	return 0;
}

/* Before anything is typed: it must have a server, with a password, in a QEMU that can do these. */
int vnc_can_change(struct xen *xen, uint32_t domid, struct err *err)
{
	scoped(vnc_address) struct vnc_address address = { .host = NULL };
	static char any[] = "x";
	const struct vnc_config vnc = { .passwd = any };
	const struct qemu_display display = { .vnc = &vnc };
	const char *program = qemu_program(NULL);
	struct stat known, running;
	char link[32];
	int pid, rc = vnc_find(xen, domid, &address, err);

	if (rc == 0)
		rc = qemu_find(xen, domid, &pid, err);
	if (rc < 0)
		return rc;
	if (!pid)
		return fail(err, ESRCH, "domain %u has no device model that runs", domid);
	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	/* No other program is run: it may be one that the guest's QEMU has made. */
	if (stat(link, &running) == 0 && stat(program, &known) == 0 &&
	    running.st_dev == known.st_dev && running.st_ino == known.st_ino)
		rc = qemu_probe(program, &display, NULL, err);
	if (rc == 0 && !address.password)
		return fail(err, EINVAL, "the VNC server of domain %u was started without a "
			    "password (vncpasswd), and cannot get one now", domid);
	return rc;
}

int vnc_change_password(struct xen *xen, uint32_t domid, const char *password, struct err *err)
{
	int64_t deadline = wait_deadline(DEVICE_WAIT_MS);
	scoped(qmp) struct qmp qmp = QMP_INIT;
	int rc = qemu_talk(xen, domid, deadline, &qmp, err);

	return rc < 0 ? rc : set_password(xen, domid, &qmp, password, deadline, err);
}
