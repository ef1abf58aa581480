/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A QEMU that may touch little (dm_restrict, device_model_user), as libxl 4.17 has it: a user
 * of its own, an empty root, namespaces, limits, and its domain alone in the hypervisor's eyes.
 * xen.git docs/features/qemu-deprivilege.pandoc says what each is for.
 */
#include "qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/scope.h"
#include "config/config.h"
#include "config/disk.h"
#include "xen/store.h"

#define PASSWD "/etc/passwd"
#define USER_BASE "xen-qemuuser-range-base"	/* its number plus the domain's */
#define USER_SHARED "xen-qemuuser-shared"
#define USER_REAPER "xen-qemuuser-reaper"	/* runs nothing */
#define REAPER_LOCK "/var/run/xen/dm-reaper-lock"	/* libxl's */

enum { LOG_LIMIT = 256 * 1024 };

struct user {
	uint32_t uid, gid;
	char name[64];
};

/*
 * By name, or by number when name is NULL; -ENOENT, without a message: there is none. Local users
 * only: a static program has no NSS.
 */
static int find_user(const char *name, uint32_t uid, struct user *out, struct err *err)
{
	FILE *file = fopen(PASSWD, "re");
	const struct passwd *pw;
	int rc = -ENOENT;

	if (!file)
		return fail_sys(err, errno, "cannot read " PASSWD);
	while (rc < 0 && (pw = fgetpwent(file)) != NULL) {
		if (name ? strcmp(pw->pw_name, name) != 0 : pw->pw_uid != uid)
			continue;
		*out = (struct user){ .uid = pw->pw_uid, .gid = pw->pw_gid };
		snprintf(out->name, sizeof(out->name), "%s", pw->pw_name);
		rc = 0;
	}
	if (rc < 0 && ferror(file))
		rc = fail_sys(err, EIO, "cannot read " PASSWD);
	fclose(file);
	return rc;
}

static int fail_root(const char *name, struct err *err)
{
	return fail(err, EINVAL, "user '%s' is root, who is not restricted", name);
}

static int own_user(const struct user *base, uint32_t domid, struct qemu_jail *jail,
		    struct err *err)
{
	uint32_t uid = base->uid + domid;
	struct user other;
	int rc;

	if (!base->uid)
		return fail_root(USER_BASE, err);
	rc = domid ? find_user(NULL, uid, &other, err) : -ENOENT;
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == 0)
		return fail(err, EEXIST, "user %u (" USER_BASE " + %u) is '%s'", uid, domid,
			    other.name);
	jail->kill_uid = uid;
	snprintf(jail->runas, sizeof(jail->runas), "%u:%u", uid, base->gid);
	return 0;
}

static int named_user(const char *name, struct qemu_jail *jail, struct err *err)
{
	struct user user;
	int rc = find_user(name, 0, &user, err);

	if (rc == -ENOENT)
		return fail(err, ENOENT, "device_model_user '%.60s' is not in " PASSWD, name);
	if (rc < 0)
		return rc;
	if (!user.uid)
		return fail_root(name, err);
	jail->kill_uid = user.uid;
	snprintf(jail->runas, sizeof(jail->runas), "%s", user.name);
	return 0;
}

int qemu_jail_plan(const struct domain_config *config, uint32_t domid, struct qemu_jail *jail,
		   struct err *err)
{
	struct user user;
	int rc;

	*jail = (struct qemu_jail){ .restricted = config && config->dm_restrict == TRI_TRUE };
	if (!config || config->type != DOMAIN_HVM)
		return 0;
	if (config->device_model_user)
		return named_user(config->device_model_user, jail, err);
	if (!jail->restricted)
		return 0;
	rc = find_user(USER_BASE, 0, &user, err);
	if (rc == 0)
		return own_user(&user, domid, jail, err);
	if (rc == -ENOENT)
		rc = find_user(USER_SHARED, 0, &user, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc < 0)
		return fail(err, ENOENT, "dm_restrict=1 needs a user for QEMU: neither " USER_BASE
			    " nor " USER_SHARED " is in " PASSWD ", and there is no "
			    "device_model_user");
	if (!user.uid)
		return fail_root(USER_SHARED, err);
	snprintf(jail->runas, sizeof(jail->runas), "%s", USER_SHARED);
	return 0;
}

/* A file that the guest writes to is QEMU's to make longer. */
static bool writes_disks(const struct domain_config *config)
{
	for (size_t i = 0; i < config->nr_disks; i++) {
		if (config->disks[i].readwrite)
			return true;
	}
	return false;
}

int qemu_jail_enter(const struct domain_config *config)
{
	static const struct { __rlimit_resource_t what; rlim_t limit; } limits[] = {
		{ RLIMIT_FSIZE, LOG_LIMIT }, { RLIMIT_CORE, 0 }, { RLIMIT_MSGQUEUE, 0 },
		{ RLIMIT_LOCKS, 0 }, { RLIMIT_MEMLOCK, 0 },
	};

	if (unshare(CLONE_NEWNS | CLONE_NEWIPC) < 0)
		return -errno;
	for (size_t i = writes_disks(config) ? 1 : 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit limit = { limits[i].limit, limits[i].limit };

		if (setrlimit(limits[i].what, &limit) < 0)
			return -errno;
	}
	return 0;
}

/* Connected to before QEMU runs: its greeting is the sign that it does. */
static int listen_at(int fd, const char *path, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return fail_sys(err, errno, "cannot remove '%s'", path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 1) < 0)
		return fail_sys(err, errno, "cannot listen at '%s'", path);
	return 0;
}

int qemu_jail_make(struct xen *xen, uint32_t domid, const struct qemu_jail *jail, int fd,
		   struct err *err)
{
	char path[QEMU_PATH_LEN], uid[16];
	int rc = 0;

	if (jail->kill_uid) {
		snprintf(path, sizeof(path), "/local/domain/%u/image/device-model-kill-uid", domid);
		snprintf(uid, sizeof(uid), "%u", jail->kill_uid);
		rc = store_write(xen, NULL, path, uid, err);
	}
	if (rc < 0 || !jail->restricted)
		return rc;
	rc = qemu_jail_remove(domid, err);
	if (rc < 0)
		return rc;
	if (mkdir(qemu_root(domid, path), 0) < 0)
		return fail_sys(err, errno, "cannot create '%s'", path);
	return listen_at(fd, qemu_socket(domid, QEMU_QMP, path), err);
}

int qemu_jail_remove(uint32_t domid, struct err *err)
{
	char path[QEMU_PATH_LEN];

	if (rmdir(qemu_root(domid, path)) < 0 && errno != ENOENT)
		return fail_sys(err, errno, "cannot remove '%s'", path);
	return 0;
}

/*
 * In a child. Nobody of that user can kill it first: its real user is another, who runs nothing.
 * The lock is for two that do this at once.
 */
static int reap(uint32_t uid, uint32_t reaper)
{
	int fd = open(REAPER_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || flock(fd, LOCK_EX) < 0 || setresuid(reaper, uid, 0) < 0)
		return errno;
	return kill(-1, SIGKILL) < 0 && errno != ESRCH ? errno : 0;
}

static int reap_in_child(uint32_t uid, uint32_t reaper, struct err *err)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return fail_sys(err, errno, "cannot end QEMU's processes (user %u)", uid);
	if (pid == 0)
		_exit(reap(uid, reaper));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return fail_sys(err, WIFEXITED(status) ? WEXITSTATUS(status) : EIO,
			"cannot end QEMU's processes (user %u)", uid);
}

int qemu_jail_kill(struct xen *xen, uint32_t domid, struct err *err)
{
	struct user reaper = { .uid = 0 };
	char path[QEMU_PATH_LEN];
	uint64_t uid;
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/image/device-model-kill-uid", domid);
	rc = store_read_u64(xen, NULL, path, &uid, err);
	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	if (uid == 0 || uid >= UINT32_MAX)
		return fail(err, EINVAL, "'%s' is no user whose processes may be killed", path);
	rc = find_user(USER_REAPER, 0, &reaper, err);
	if (rc == -ENOENT)
		rc = find_user(USER_BASE, 0, &reaper, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	rc = reap_in_child((uint32_t)uid, reaper.uid ? reaper.uid : (uint32_t)uid, err);
	return rc < 0 ? rc : store_rm(xen, NULL, path, err);
}
