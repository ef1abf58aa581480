/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hotplug scripts (docs/misc/block-scripts.txt, xen-common scripts): only run when a config
 * names one that xlite does not do itself. Environment and result as with libxl.
 */
#ifndef DEVICES_SCRIPT_H
#define DEVICES_SCRIPT_H

#include <stddef.h>

#include "base/err.h"

struct xen;

#define SCRIPT_DIR "/etc/xen/scripts"

struct script_call {
	const char *script;		/* absolute path */
	const char *action;		/* "add", "remove", "online", "offline" */
	const char *extra;		/* "type_if=vif" or NULL */
	const char *backend;		/* the backend's store path */
	const char *type;		/* "vbd", "vif" */
	const char *const *env;		/* "vif=vif3.0", ...; NULL-terminated, or NULL */
};

/*
 * Runs it and waits, at most timeout_ms; then it and its children are killed. A failure
 * is what it wrote to hotplug-error, or its exit status and the name of its log
 * (/var/log/xen/xen-hotplug.log). -EINTR when the user interrupted; an action that takes
 * down (remove, offline) is carried on with then.
 */
int script_run(struct xen *xen, const struct script_call *call, int timeout_ms,
	       struct err *err) must_check;

/* NAME as it is when it starts with '/', else below SCRIPT_DIR; must be executable. */
int script_path(const char *name, char *path, size_t size, struct err *err) must_check;

#endif
