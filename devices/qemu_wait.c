/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Until a QEMU has taken the set's devices and answers; or why it does not. */
#include "qemu.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <xen/io/xenbus.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/config.h"
#include "kind.h"
#include "qemu_run.h"
#include "qmp.h"
#include "serial.h"
#include "vnc.h"
#include "xen/store.h"

static int fail_dead(const struct devices *set, struct err *err)
{
	const struct qemu *q = set->qemu;
	siginfo_t info = { .si_pid = 0 };
	char said[320];
	int code;

	if (q->link >= 0 && recv(q->link, &code, sizeof(code), MSG_DONTWAIT) == sizeof(code))
		return fail_sys(err, code, "cannot run QEMU '%s'", qemu_program(set->config));
	qemu_log_tail(&q->log, said, sizeof(said));
	if (q->link < 0 || waitid(P_PID, (id_t)q->pid, &info, WEXITED) < 0)
		return fail(err, EPIPE, "QEMU has ended%s", said);
	if (info.si_code != CLD_EXITED)
		return fail(err, EPIPE, "QEMU was killed by signal %d%s", info.si_status, said);
	return fail(err, EPIPE, "QEMU has ended with status %d%s", info.si_status, said);
}

static int is_running(struct xen *xen, uint32_t domid, bool *running, struct err *err)
{
	scoped(free) char *state = NULL;
	char path[64];
	int rc;

	if (*running)
		return 0;
	snprintf(path, sizeof(path), "/local/domain/0/device-model/%u/state", domid);
	rc = store_read(xen, NULL, path, &state, err);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		*running = strcmp(state, "running") == 0;
	return rc;
}

/* The first device whose backend QEMU has not taken yet; NULL when it has them all. */
static int next_waiting(struct devices *set, const struct device **waiting, struct err *err)
{
	char back[DEVICE_PATH_LEN], path[DEVICE_PATH_LEN + 8];

	*waiting = NULL;
	/* It may not see them any more; check_restricted() has left none that it must take. */
	if (set->qemu->jail.restricted)
		return 0;
	for (size_t i = 0; i < set->nr; i++) {
		struct device *dev = &set->items[i];
		uint64_t state = XenbusStateUnknown;
		int rc;

		if (!dev->needs_qemu || dev->refused)
			continue;
		device_back_path(set, dev, back);
		snprintf(path, sizeof(path), "%s/state", back);
		rc = store_read_u64(set->xen, NULL, path, &state, err);
		if (rc < 0 && rc != -ENOENT && rc != -EINVAL)
			return rc;
		if (state == XenbusStateUnknown || state == XenbusStateInitialising) {
			*waiting = dev;
			return 0;
		}
	}
	return 0;
}

static int fail_refused(const struct device *dev, const char *said, struct err *err)
{
	char label[64];

	return fail(err, EIO, "%s: QEMU: %s", device_label(dev->kind, dev->devid, label,
							   sizeof(label)), said);
}

/*
 * QEMU says so in its log and goes on; the backend's state stays. A guest that has it as hardware
 * can do without: that is how it works with xl, which does not look. 1: there was one of these.
 */
static int check_refused(struct devices *set, const struct qemu *q, struct err *err)
{
	char said[320], label[64];
	int any = 0;

	for (size_t i = 0; i < set->nr; i++) {
		struct device *dev = &set->items[i];

		if (!dev->needs_qemu || dev->refused ||
		    !qemu_log_refused(&q->log, dev->backend_kind, dev->devid, said, sizeof(said)))
			continue;
		if (!dev->emulated)
			return fail_refused(dev, said, err);
		log_warn("%s: the guest has it as hardware, not through PV drivers; QEMU: %s",
			 device_label(dev->kind, dev->devid, label, sizeof(label)), said);
		dev->refused = true;
		any = 1;
	}
	return any;
}

static int fail_late(const struct qemu *q, const struct device *dev, struct err *err)
{
	char label[64], said[320];

	qemu_log_tail(&q->log, said, sizeof(said));
	if (dev)
		return fail(err, ETIMEDOUT, "%s: QEMU (process %d) does not take it%s",
			    device_label(dev->kind, dev->devid, label, sizeof(label)), q->pid,
			    said);
	return fail(err, ETIMEDOUT, "QEMU (process %d) has started but does not get ready%s",
		    q->pid, said);
}

/*
 * How often its log is looked at while nothing else happens: a refusal stands only there. inotify
 * would tell, but letting go of that costs the kernel's grace period, a hundredth of a create.
 */
enum { LOG_LOOK_MS = 100 };

/* A change in the store, its death (1), or time (-ETIMEDOUT). */
static int wait_change(struct devices *set, struct qemu *q, int64_t deadline, struct err *err)
{
	struct pollfd fds[2] = {
		{ .fd = store_fd(set->xen), .events = POLLIN },
		{ .fd = q->pidfd, .events = POLLIN },
	};
	int64_t look = wait_deadline(LOG_LOOK_MS);
	int rc = wait_poll(fds, ARRAY_SIZE(fds), look < deadline ? look : deadline);

	if (rc == -EINTR)
		return fail(err, EINTR, "interrupted");
	if (rc == -ETIMEDOUT)
		return rc;
	if (rc < 0)
		return fail_sys(err, -rc, "cannot wait for QEMU");
	for (;;) {
		scoped(free) char *token = NULL;

		rc = store_take_event(set->xen, &token, err);
		if (rc <= 0)
			break;
	}
	return rc < 0 ? rc : fds[1].revents != 0;
}

/* One watch for each sort of backend; undone the same way. */
static int watch_backends(struct devices *set, bool on, struct err *err)
{
	char path[DEVICE_PATH_LEN];
	int rc = 0;

	for (size_t i = 0; i < set->nr && rc == 0; i++) {
		const struct device *dev = &set->items[i];
		size_t k = 0;

		while (!set->items[k].needs_qemu ||
		       strcmp(set->items[k].backend_kind, dev->backend_kind) != 0)
			if (k++ == i)
				break;
		if (!dev->needs_qemu || k != i)
			continue;
		snprintf(path, sizeof(path), "/local/domain/%u/backend/%s/%u", dev->backend_domid,
			 dev->backend_kind, set->domid);
		rc = (on ? store_watch : store_unwatch)(set->xen, path, "qemu", err);
	}
	return rc;
}

/*
 * *watches: of the backends, for who returns from this. Set late: nearly always QEMU has taken all
 * when it runs, and until then each of the nodes that it writes would wake us up on its processor.
 */
static int wait_ready(struct devices *set, struct qemu *q, int64_t deadline, bool *watches,
		      struct err *err)
{
	int64_t patience = wait_deadline(WAIT_PATIENCE_MS);
	/* A restricted one cannot write that: its greeting says it. */
	bool running = q->jail.restricted || (set->live && q->link < 0);
	const struct device *dev = NULL;
	bool changed = true;

	for (;;) {
		int rc = changed ? is_running(set->xen, set->domid, &running, err) : 0;

		if (rc == 0 && running)
			rc = next_waiting(set, &dev, err);
		if (rc < 0 || (running && !dev))
			return rc;
		rc = check_refused(set, q, err);
		if (rc < 0)
			return rc;
		if (rc > 0)
			continue;
		if (running && !*watches) {
			*watches = true;
			rc = watch_backends(set, true, err);
			if (rc < 0)
				return rc;
			continue;
		}
		rc = wait_change(set, q, patience < deadline ? patience : deadline, err);
		changed = rc == 0;
		if (rc == 1)
			return fail_dead(set, err);
		if (rc == -ETIMEDOUT && wait_now_ms() >= deadline)
			return fail_late(q, dev, err);
		if (rc < 0 && rc != -ETIMEDOUT)
			return rc;
		if (wait_now_ms() >= patience) {
			log_info("waiting for QEMU (process %d)", q->pid);
			patience = INT64_MAX;
		}
	}
}

/* By its own keys, or perhaps by arguments for QEMU. */
static bool has_serial(const struct domain_config *config)
{
	return config && config->type == DOMAIN_HVM &&
	       (config->hvm.serial || config->hvm.serial_list.nr || config->dm_args.nr ||
		config->dm_args_hvm.nr);
}

/*
 * It has said "running" before it opened its displays, and listens to nobody until then: so
 * what answers has all it needs.
 */
static int greet(struct devices *set, struct qmp *qmp, int64_t deadline, struct err *err)
{
	struct qemu_display display;
	int rc = 0;

	qemu_display(set, &display);
	if (has_serial(set->config))
		rc = serial_publish(set->xen, set->domid, qmp, deadline, err);
	if (rc == 0 && display.vnc)
		rc = vnc_publish(set->xen, set->domid, display.vnc, qmp, deadline, err);
	return rc < 0 ? rc : qmp_ready(qmp, deadline, err);
}

/* Whether it is dead, or just dying. */
static bool is_dead(const struct qemu *q)
{
	struct pollfd pfd = { .fd = q->pidfd, .events = POLLIN };

	return wait_poll(&pfd, 1, wait_deadline(WAIT_PATIENCE_MS)) > 0;
}

int qemu_wait(struct devices *set, int64_t deadline, struct err *err)
{
	struct qemu *q = set->qemu;
	scoped(qmp) struct qmp qmp = QMP_INIT;
	bool watches = false, is_new;
	char path[64], socket[QEMU_PATH_LEN];
	struct err unwatched;
	int rc;

	snprintf(path, sizeof(path), "/local/domain/0/device-model/%u/state", set->domid);
	rc = store_watch(set->xen, path, "qemu", err);
	if (rc == 0)
		rc = wait_ready(set, q, deadline, &watches, err);
	is_new = rc == 0 && q->link >= 0;
	if (is_new)
		rc = qmp_connect(qemu_socket(set->domid, QEMU_QMP, socket), deadline, &qmp, err);
	/* While it opens its displays. */
	if (watches && watch_backends(set, false, &unwatched) < 0)
		log_debug("%s", unwatched.msg);
	if (store_unwatch(set->xen, path, "qemu", &unwatched) < 0)
		log_debug("%s", unwatched.msg);
	if (is_new && rc == 0)
		rc = greet(set, &qmp, deadline, err);
	if (is_new && rc < 0 && rc != -EINTR && is_dead(q))
		return fail_dead(set, err);
	return rc;
}
