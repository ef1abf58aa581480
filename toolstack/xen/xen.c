/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenstore.h>
#include <xenstore_lib.h>
#include <xentoollog.h>

#include "base/file.h"
#include "base/log.h"
#include "store.h"

struct logger {
	struct xentoollog_logger vtable;
	struct xen *xen;
};

/* "panic: file.c:12: function: what" says where in libxenguest; only the what is of use. */
static const char *skip_origin(const char *line)
{
	static const char panic[] = "panic: ";
	int n = 0;

	if (strncmp(line, panic, strlen(panic)) != 0)
		return line;
	line += strlen(panic);
	if (sscanf(line, "%*[^: ]:%*d: %n", &n) == 0 && n)
		line += n;
	n = 0;
	if (sscanf(line, "%*[a-z0-9_]: %n", &n) == 0 && n)
		line += n;
	return line;
}

static void printf_like(5, 0)
logger_message(struct xentoollog_logger *vtable, xentoollog_level level, int errnoval,
	       const char *context, const char *format, va_list al)
{
	struct logger *logger = (struct logger *)vtable;
	char line[sizeof(logger->xen->detail)];

	vsnprintf(line, sizeof(line), format, al);
	if (level >= XTL_ERROR)
		snprintf(logger->xen->detail, sizeof(line), "%s", skip_origin(line));
	log_debug("%s: %s%s%s", context ? context : "libxc", line, errnoval > 0 ? ": " : "",
		  errnoval > 0 ? strerror(errnoval) : "");
}

/* libxc calls it without looking whether it is there. */
static void logger_progress(struct xentoollog_logger *vtable, const char *context,
			    const char *doing_what, int percent, unsigned long done,
			    unsigned long total)
{
	(void)vtable, (void)context, (void)doing_what, (void)percent, (void)done, (void)total;
}

static void logger_destroy(struct xentoollog_logger *vtable)
{
	free(vtable);
}

static int logger_open(struct xen *xen, struct err *err)
{
	struct logger *logger = calloc(1, sizeof(*logger));

	if (!logger)
		return fail_nomem(err);
	logger->vtable.vmessage = logger_message;
	logger->vtable.progress = logger_progress;
	logger->vtable.destroy = logger_destroy;
	logger->xen = xen;
	xen->logger = &logger->vtable;
	return 0;
}

int xen_version_mismatch(unsigned int major, unsigned int minor, struct err *err)
{
	return fail(err, EACCES, "this xlite was built for Xen %s, but the hypervisor is Xen %u.%u: "
		    "use one built for it", XEN_BUILT_VERSION, major, minor);
}

static int fail_open(int code, struct err *err)
{
	if (access("/proc/xen", F_OK) < 0 && access("/sys/hypervisor/type", F_OK) < 0)
		return fail(err, code, "cannot talk to the hypervisor: this machine does not run Xen");
	if (code == EACCES || code == EPERM)
		return fail(err, code, "cannot talk to the hypervisor: not root");
	if (code == ENOENT)
		return fail(err, code, "cannot talk to the hypervisor: no /dev/xen/privcmd "
			    "(is the module xen-privcmd loaded, and is this dom0?)");
	return fail_sys(err, code, "cannot talk to the hypervisor");
}

int xen_open(struct xen *xen, struct err *err)
{
	int rc, version;
	xc_domaininfo_t info;

	if (xen->xc)
		return 0;
	if (!xen->logger) {
		rc = logger_open(xen, err);
		if (rc < 0)
			return rc;
	}
	xen->xc = xc_interface_open(xen->logger, xen->logger, 0);
	if (!xen->xc)
		return fail_open(errno, err);
	/* One cheap domctl-versioned call tells whether library and hypervisor match. */
	if (xc_domain_getinfolist(xen->xc, 0, 1, &info) >= 0)
		return 0;
	if (errno != EACCES)
		return fail_open(errno, err);
	version = xc_version(xen->xc, XENVER_version, NULL);
	if (version < 0)
		return fail_sys(err, errno, "cannot read the hypervisor's version");
	return xen_version_mismatch((unsigned int)version >> 16, (unsigned int)version & 0xffff,
				    err);
}

/* A domain that Xen knows to serve the store: xenstored need not run here. */
static bool store_is_elsewhere(struct xen *xen)
{
	xc_domaininfo_t info;
	uint32_t next = 0;
	struct err ignored;	/* of a host without Xen: then it is nowhere */

	if (xen_open(xen, &ignored) < 0)
		return false;
	while (xc_domain_getinfolist(xen->xc, next, 1, &info) == 1) {
		if (info.flags & XEN_DOMINF_xs_domain)
			return true;
		next = info.domain + 1u;
	}
	return false;
}

/*
 * Where libxenstore cannot connect to the daemon's socket it uses the kernel's device
 * instead, and in a dom0 whose xenstored has died that never answers. With this
 * variable its second choice is the socket too.
 */
static int forbid_device(struct xen *xen, struct err *err)
{
	const char *socket = xs_daemon_socket();
	char capabilities[32];

	if (access(socket, F_OK) == 0 && setenv("XENSTORED_PATH", socket, 0) < 0)
		return fail_nomem(err);
	/* Empty in a domain that is not privileged. */
	if (access(socket, F_OK) == 0 ||
	    file_read_line("/proc/xen/capabilities", capabilities, sizeof(capabilities)) < 0 ||
	    !*capabilities || store_is_elsewhere(xen))
		return 0;
	return fail(err, ENOENT, "cannot connect to xenstored: it does not run (no %s)", socket);
}

int xen_open_store(struct xen *xen, struct err *err)
{
	int rc;

	if (xen->xs)
		return 0;
	rc = forbid_device(xen, err);
	if (rc < 0)
		return rc;
	xen->xs = xs_open(0);
	if (xen->xs)
		return 0;
	if (errno == EACCES || errno == EPERM)
		return fail(err, errno, "cannot connect to xenstored: not root");
	return fail_sys(err, errno, "cannot connect to xenstored (is it running?)");
}

void xen_close(struct xen *xen)
{
	int saved = errno;

	store_watches_close(xen);
	if (xen->xs)
		xs_close(xen->xs);
	if (xen->xc)
		xc_interface_close(xen->xc);
	xtl_logger_destroy(xen->logger);
	*xen = (struct xen)XEN_INIT;
	errno = saved;
}

int (xen_fail)(struct xen *xen, struct err *err, const char *fmt, ...)
{
	int code = errno;
	char what[256];
	va_list ap;
	int rc;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (xen->detail[0])
		rc = fail(err, code, "%s: %s%s%s", what, xen->detail, code ? ": " : "",
			  code ? strerror(code) : "");
	else
		rc = fail_sys(err, code, "%s", what);
	xen->detail[0] = '\0';
	return rc;
}
