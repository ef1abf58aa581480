/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/disk.h"
#include "kind.h"
#include "xen/store.h"

/* As long as it may write out what it holds of its disks; a wait from 1 s on is told. */
enum { STOP_MS = 30000 };

static const char *const programs[] = {
	"/usr/libexec/xen-qemu-system-i386",	/* Debian */
	"/usr/lib/xen/bin/qemu-system-i386",	/* Xen's own build */
};

/* enum of libxl: device_model_version */
enum { MODEL_TRADITIONAL = 1 };

const char *qemu_socket(uint32_t domid, const char *name, char path[QEMU_PATH_LEN])
{
	snprintf(path, QEMU_PATH_LEN, "/var/run/xen/%s-%u", name, domid);
	return path;
}

const char *qemu_root(uint32_t domid, char path[QEMU_PATH_LEN])
{
	snprintf(path, QEMU_PATH_LEN, "/var/run/xen/qemu-root-%u", domid);
	return path;
}

const char *qemu_comm(uint32_t domid, char comm[QEMU_COMM_LEN])
{
	snprintf(comm, QEMU_COMM_LEN, "for-qemu-%u", domid % 100000);
	return comm;
}

const char *qemu_program(const struct domain_config *config)
{
	if (config && config->device_model)
		return config->device_model;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		if (access(programs[i], F_OK) == 0)
			return programs[i];
	}
	return programs[0];
}

static int check_model(const struct domain_config *config, struct err *err)
{
	if (config->device_model_version == MODEL_TRADITIONAL)
		return fail(err, EOPNOTSUPP, "device_model_version=\"qemu-xen-traditional\" is not "
			    "supported, only qemu-xen is");
	if (config->device_model_stubdomain == TRI_TRUE)
		return fail(err, EOPNOTSUPP, "device_model_stubdomain_override=1 is not supported");
	/* Its backends open what they serve when the guest connects: too late for such a one. */
	if (config->type != DOMAIN_HVM && config->dm_restrict == TRI_TRUE)
		return fail(err, EOPNOTSUPP, "dm_restrict=1 is for hvm guests");
	if (config->type != DOMAIN_HVM && config->device_model_user)
		return fail(err, EOPNOTSUPP, "device_model_user is for hvm guests");
	return 0;
}

static int check_program(const struct domain_config *config, struct err *err)
{
	const char *program = qemu_program(config);

	if (access(program, X_OK) == 0)
		return 0;
	if (config && config->device_model)
		return fail_sys(err, errno, "device_model_override '%s'", program);
	if (errno == ENOENT)
		return fail(err, ENOENT, "there is no QEMU for Xen: '%s' (package qemu-system-xen)",
			    program);
	return fail_sys(err, errno, "cannot run QEMU '%s'", program);
}

/*
 * A backend opens its event channel when the guest connects, which is too late. The keyboard has a
 * PS/2 twin, and a cdrom's PV twin is used by no guest.
 */
static int check_restricted(const struct devices *set, struct err *err)
{
	char label[64];

	for (size_t i = 0; set->config->dm_restrict == TRI_TRUE && i < set->nr; i++) {
		const struct device *dev = &set->items[i];

		if (!dev->needs_qemu || dev->kind == &device_vkb ||
		    (dev->kind == &device_disk && ((const struct disk *)dev->item)->cdrom))
			continue;
		return fail(err, EOPNOTSUPP, "dm_restrict=1: %s would be served by QEMU, which a "
			    "restricted one cannot do",
			    device_label(dev->kind, dev->devid, label, sizeof(label)));
	}
	return 0;
}

int devices_check_config(const struct domain_config *config, struct err *err)
{
	return config->type == DOMAIN_HVM ? qemu_hvm_check(config, err) : 0;
}

static int check_hvm(const struct devices *set, struct err *err)
{
	const struct domain_config *config = set->config;
	struct qemu_display display;
	struct qemu_jail jail;
	int rc = check_model(config, err);

	if (rc == 0)
		rc = devices_check_config(config, err);
	if (rc == 0)
		rc = check_restricted(set, err);
	if (rc == 0)
		rc = qemu_jail_plan(config, 0, &jail, err);
	if (rc == 0)
		rc = check_program(config, err);
	qemu_display(set, &display);
	return rc == 0 ? qemu_probe(qemu_program(config), &display, &config->hvm, err) : rc;
}

int qemu_check(const struct devices *set, struct err *err)
{
	char label[64];
	int rc = 0, pid = 0;
	size_t i = 0;

	if (set->type == DOMAIN_HVM && set->config)
		return check_hvm(set, err);
	while (i < set->nr && !set->items[i].needs_qemu)
		i++;
	if (i == set->nr)
		return 0;
	if (set->live)
		rc = qemu_find(set->xen, set->domid, &pid, err);
	/* An HVM guest has had one: another would be another machine. */
	if (rc == 0 && set->live && set->type == DOMAIN_HVM && !pid)
		rc = fail(err, ESRCH, "domain %u's has ended", set->domid);
	if (rc == 0 && set->config)
		rc = check_model(set->config, err);
	if (rc == 0 && !pid)
		rc = check_program(set->config, err);
	if (rc < 0)
		return fail_in(err, "%s needs a device model",
			       device_label(set->items[i].kind, set->items[i].devid, label,
					    sizeof(label)));
	return 0;
}

static size_t read_proc(int pid, const char *name, char *buf, size_t size)
{
	char path[64];
	scoped(fd) int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, buf, size - 1);
	if (n < 0)
		n = 0;
	buf[n] = '\0';
	return (size_t)n;
}

/* dm_restrict: one that its guest has taken over can change its words, but not where it is. */
static bool is_jailed(int pid, uint32_t domid)
{
	char path[32], root[QEMU_PATH_LEN];
	struct stat its, ours;

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	return stat(path, &its) == 0 && stat(qemu_root(domid, root), &ours) == 0 &&
	       its.st_dev == ours.st_dev && its.st_ino == ours.st_ino;
}

/*
 * 1: its words have "-xen-domid" and the number near the front, whoever started it, or it is in
 * that domain's jail; 0: neither; -EAGAIN: it has no words. The name before the words: it changes
 * first, in the middle of an exec, and there are no words for a moment.
 */
static int serves(int pid, uint32_t domid)
{
	char text[4096], number[16], comm[QEMU_COMM_LEN];
	size_t len = read_proc(pid, "comm", text, sizeof(text));
	bool next = false;

	if (len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	/* Ours, before its exec. */
	if (strcmp(text, qemu_comm(domid, comm)) == 0 || is_jailed(pid, domid))
		return 1;
	len = read_proc(pid, "cmdline", text, sizeof(text));
	snprintf(number, sizeof(number), "%u", domid);
	for (const char *word = text; word < text + len; word += strlen(word) + 1) {
		if (next)
			return strcmp(word, number) == 0;
		next = strcmp(word, "-xen-domid") == 0;
	}
	return len ? 0 : -EAGAIN;
}

/* poll(), not wait_poll(): what is interrupted is taken down all the same. */
static bool ended(int pidfd, int timeout_ms)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
	int n;

	do {
		n = poll(&pfd, 1, timeout_ms);
	} while (n < 0 && errno == EINTR);
	return n != 0;
}

static bool is_model(int pid, int pidfd, uint32_t domid)
{
	int64_t deadline = wait_deadline(WAIT_PATIENCE_MS);
	int rc;

	do {
		rc = serves(pid, domid);
	} while (rc == -EAGAIN && !ended(pidfd, 5) && wait_now_ms() < deadline);
	return rc == 1;
}

enum { PID_PATH_LEN = 48 };

static const char *pid_path(uint32_t domid, char path[PID_PATH_LEN])
{
	snprintf(path, PID_PATH_LEN, "/local/domain/%u/image/device-model-pid", domid);
	return path;
}

int devices_have_models(const uint32_t *domids, size_t nr, bool *has, struct err *err)
{
	scoped(free) char (*paths)[PID_PATH_LEN] = calloc(nr + 1, sizeof(*paths));
	scoped(free) const char **list = calloc(nr + 1, sizeof(*list));
	scoped(free) char **pids = calloc(nr + 1, sizeof(*pids));
	int rc;

	if (!paths || !list || !pids)
		return fail_nomem(err);
	for (size_t i = 0; i < nr; i++)
		list[i] = pid_path(domids[i], paths[i]);
	rc = store_read_many(list, nr, pids, err);
	for (size_t i = 0; i < nr; i++) {
		has[i] = pids[i];
		free(pids[i]);
	}
	return rc;
}

/* *pid is 0 when there is no such node; *pidfd is -1 when the process is gone or another. */
int devices_open_model(struct xen *xen, uint32_t domid, int *pid, int *pidfd, struct err *err)
{
	char path[PID_PATH_LEN];
	uint64_t value;
	int rc;

	*pid = 0;
	*pidfd = -1;
	pid_path(domid, path);
	rc = store_read_u64(xen, NULL, path, &value, err);
	if (rc == -ENOENT)
		return 0;
	if (rc < 0 && rc != -EINVAL)
		return rc;
	*pid = rc == 0 && value > 1 && value <= INT32_MAX ? (int)value : -1;
	if (*pid < 0)
		return 0;
	/* Opened before the look at /proc: the number cannot become another's in between. */
	*pidfd = pidfd_open(*pid, 0);
	/* EINVAL, with newer kernels ENOENT: by now the number is a thread's. */
	if (*pidfd < 0 && errno != ESRCH && errno != EINVAL && errno != ENOENT)
		return fail_sys(err, errno, "cannot watch QEMU (process %d)", *pid);
	if (*pidfd >= 0 && !is_model(*pid, *pidfd, domid)) {
		close(*pidfd);
		*pidfd = -1;
	}
	return 0;
}

int qemu_open(struct xen *xen, uint32_t domid, int *pid, int *pidfd, struct err *err)
{
	int rc = devices_open_model(xen, domid, pid, pidfd, err);

	if (rc == 0 && *pidfd < 0)
		*pid = 0;
	return rc;
}

int qemu_find(struct xen *xen, uint32_t domid, int *pid, struct err *err)
{
	scoped(fd) int pidfd = -1;

	return qemu_open(xen, domid, pid, &pidfd, err);
}

/* SIGTERM as SIGHUP, which libxl sends: QEMU flushes and closes its disks, then ends. */
static int kill_model(int pid, int pidfd, struct err *err)
{
	if (pidfd_send_signal(pidfd, SIGTERM, NULL, 0) < 0 && errno != ESRCH)
		return fail_sys(err, errno, "cannot end QEMU (process %d)", pid);
	/* One that was stopped takes the other signal when it goes on. */
	(void)pidfd_send_signal(pidfd, SIGCONT, NULL, 0);
	if (!ended(pidfd, WAIT_PATIENCE_MS)) {
		log_info("waiting for QEMU (process %d) to end", pid);
		if (!ended(pidfd, STOP_MS - WAIT_PATIENCE_MS)) {
			log_warn("QEMU (process %d) has not ended after %d s and is killed", pid,
				 STOP_MS / 1000);
			(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
			if (!ended(pidfd, WAIT_PATIENCE_MS))
				return fail(err, ETIMEDOUT, "QEMU (process %d) cannot be killed",
					    pid);
		}
	}
	/* When it is a child of this process. */
	(void)waitpid(pid, NULL, WNOHANG);
	return 0;
}

int qemu_stop(struct xen *xen, uint32_t domid, struct err *err)
{
	scoped(fd) int pidfd = -1;
	char path[QEMU_PATH_LEN];
	int pid, rc;

	rc = devices_open_model(xen, domid, &pid, &pidfd, err);
	if (rc < 0 || pid == 0)
		return rc;
	if (pidfd >= 0)
		rc = kill_model(pid, pidfd, err);
	if (rc == 0)
		rc = qemu_jail_kill(xen, domid, err);
	if (rc == 0)
		rc = qemu_jail_remove(domid, err);
	if (rc < 0)
		return rc;
	unlink(qemu_socket(domid, QEMU_QMP, path));
	unlink(qemu_socket(domid, QEMU_QMP_STAT, path));
	snprintf(path, sizeof(path), "/local/domain/0/device-model/%u", domid);
	rc = store_rm(xen, NULL, path, err);
	if (rc < 0)
		return rc;
	/* Last: as long as it stands, all of this is found again. */
	return store_rm(xen, NULL, pid_path(domid, path), err);
}

int devices_stop_model(struct xen *xen, uint32_t domid, struct err *err)
{
	return qemu_stop(xen, domid, err);
}
