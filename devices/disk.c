/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks: raw files and block devices through blkback, without a script unless the config
 * names one; other formats through QEMU.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <xen/io/xenbus.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "diskplan.h"
#include "xen/store.h"

#define BLKBACK "/sys/bus/xen-backend"

static int open_disk(struct devices *set, struct device *dev, struct err *err)
{
	const struct disk *disk = dev->item;
	struct disk_plan *plan = dev->plan;
	int rc;

	(void)set;
	if (plan->served != DISK_BY_FILE)
		return 0;
	rc = loop_attach(plan->fd, disk->target, !disk->readwrite, &plan->loop, err);
	if (rc < 0)
		return fail_in(err, "disk '%.60s'", disk->vdev);
	/* The loop device has it now, and with it the claim. */
	scoped_fd(&plan->fd);
	plan->fd = -1;
	return 0;
}

/* What the default script tells blkback (block-common.sh, write_dev). */
static void native_keys(const struct disk_plan *plan, struct device_keys *keys)
{
	bool file = plan->served == DISK_BY_FILE;
	dev_t rdev = file ? plan->loop.rdev : plan->st.st_rdev;

	if (file)
		device_back_only(keys, "node", "%s", plan->loop.path);
	device_back_only(keys, "physical-device", "%x:%x", major(rdev), minor(rdev));
	device_back_only(keys, "physical-device-path", "%s", file ? plan->loop.path :
			 plan->device);
	device_back_only(keys, "hotplug-status", "connected");
}

static void keys(const struct devices *set, const struct device *dev, struct device_keys *keys)
{
	const struct disk *disk = dev->item;
	const struct disk_plan *plan = dev->plan;
	const char *type = disk->cdrom ? "cdrom" : "disk";
	bool discard = disk->discard == TRI_DEFAULT ? disk->readwrite : disk->discard == TRI_TRUE;

	device_back(keys, "params", "%s", plan->params);
	if (plan->script)
		device_back(keys, "script", "%s", plan->script);
	device_back(keys, "removable", "%d", disk->removable);
	device_back(keys, "bootable", "1");
	device_back(keys, "dev", "%s", disk->vdev);
	device_back(keys, "type", "%s", disk_backend_name(plan->backend));
	device_back(keys, "mode", "%s", disk->forced ? "w!" : disk->readwrite ? "w" : "r");
	device_back(keys, "device-type", "%s", type);
	if (disk->direct_io_safe)
		device_back(keys, "direct-io-safe", "1");
	device_back(keys, "discard-enable", "%d", discard);
	device_back(keys, "specification", "xen");
	if (plan->served == DISK_BY_FILE || plan->served == DISK_BY_DEVICE)
		native_keys(plan, keys);
	device_front(keys, "virtual-device", "%u", dev->devid);
	device_front(keys, "device-type", "%s", type);
	device_front(keys, "trusted", "%d", disk->trusted != TRI_FALSE);
	/* Linux before 2.6.26 does not write it itself. */
	if (set->type == DOMAIN_PV)
		device_front(keys, "protocol", "x86_64-abi");
}

/* What the backend says by itself when it has failed; else that it is silent. */
static int fail_backend(struct devices *set, const struct device *dev, struct err *err)
{
	int rc = device_wait_backend(set, dev, 0, wait_now_ms(), err);

	if (access(BLKBACK "/drivers/vbd", F_OK) < 0)
		return fail(err, ENODEV, "this host has no disk backend: modprobe xen-blkback");
	return rc < 0 ? rc : fail(err, ETIMEDOUT, "its backend did not take it");
}

/* The backend's XenbusState, as far as it can be had. */
static unsigned int backend_state(struct devices *set, const struct device *dev)
{
	scoped(free) char *path = NULL, *state = NULL;
	char back[DEVICE_PATH_LEN];
	struct err ignored;	/* an answer is not needed */

	device_back_path(set, dev, back);
	path = str_format("%s/state", back);
	if (!path || store_read(set->xen, NULL, path, &state, &ignored) < 0)
		return XenbusStateUnknown;
	return device_parse_state(state);
}

static bool gave_up(unsigned int state)
{
	return state == XenbusStateClosing || state == XenbusStateClosed;
}

/*
 * blkback shows the device when it has opened it; no watch tells that, so: looking. While it
 * is at it (InitWait) it has as much time as libxl gives the script and it together.
 */
static int wait_blkback(struct devices *set, const struct device *dev, int64_t deadline,
			struct err *err)
{
	const struct disk_plan *plan = dev->plan;
	int64_t patience = wait_deadline(WAIT_PATIENCE_MS);
	int64_t limit = wait_deadline(DEVICE_SCRIPT_MS);
	unsigned int looks = 0;
	char path[96];
	int pause_ms = 1;

	snprintf(path, sizeof(path), BLKBACK "/devices/vbd-%u-%u/physical_device", set->domid,
		 dev->devid);
	while (access(path, F_OK) < 0) {
		/* The store is asked seldom: what we wait for needs it too. */
		unsigned int state = ++looks % 8 ? XenbusStateInitWait : backend_state(set, dev);
		int64_t now = wait_now_ms();

		if (gave_up(state) || now >= limit ||
		    (now >= deadline && state != XenbusStateInitWait))
			return fail_backend(set, dev, err);
		if (now >= patience) {
			log_info("waiting for blkback to open '%s'", plan->params);
			patience = INT64_MAX;
		}
		if (wait_poll(NULL, 0, wait_deadline(pause_ms)) == -EINTR)
			return fail(err, EINTR, "interrupted");
		pause_ms = pause_ms < 32 ? pause_ms * 2 : 50;
	}
	return 0;
}

static int run_script(struct xen *xen, const char *script, const char *action,
		      const char *backend, struct err *err)
{
	struct script_call call = {
		.script = script, .action = action, .backend = backend, .type = "vbd",
	};

	return script_run(xen, &call, DEVICE_SCRIPT_MS, err);
}

/* What QEMU shall open instead of the target; with none libxl leaves the disk to PV drivers, too. */
static int read_made(struct devices *set, struct device *dev, const char *back, struct err *err)
{
	scoped(free) char *path = str_format("%s/physical-device-path", back);
	struct disk_plan *plan = dev->plan;
	int rc;

	if (!dev->emulated)
		return 0;
	if (!path)
		return fail_nomem(err);
	rc = store_read(set->xen, NULL, path, &plan->device, err);
	if (rc != -ENOENT)
		return rc;
	log_warn("disk '%s': its script does not say what it made (physical-device-path): the guest "
		 "sees it through PV drivers alone", ((const struct disk *)dev->item)->vdev);
	dev->emulated = false;
	return 0;
}

static int connect_disk(struct devices *set, struct device *dev, int64_t deadline,
			struct err *err)
{
	struct disk_plan *plan = dev->plan;
	char back[DEVICE_PATH_LEN];
	int rc = 0;

	device_back_path(set, dev, back);
	switch (plan->served) {
	case DISK_BY_QEMU:
		break;
	case DISK_ELSEWHERE:
		if (plan->backend == DISK_BACKEND_PHY)
			rc = device_wait_backend(set, dev, 1U << XenbusStateInitWait |
						 1U << XenbusStateInitialised |
						 1U << XenbusStateConnected, deadline, err);
		break;
	case DISK_BY_SCRIPT:
		rc = device_wait_backend(set, dev, 1U << XenbusStateInitWait, deadline, err);
		if (rc == 0)
			rc = run_script(set->xen, plan->script, "add", back, err);
		if (rc == 0)
			rc = read_made(set, dev, back, err);
		break;
	case DISK_BY_FILE:
	case DISK_BY_DEVICE:
		rc = wait_blkback(set, dev, deadline, err);
		if (rc == 0)
			loop_close(&plan->loop);
		break;
	}
	return rc;
}

/* The loop device that xl's block script made goes with the disk, as it would with xl. */
static int detach_loop(struct xen *xen, const struct device_entry *entry, struct err *err)
{
	scoped(free) char *node = NULL, *params = NULL;
	struct stat st;
	int rc = device_read(xen, entry->backend, "node", &node, err);

	if (rc == 0)
		rc = device_read(xen, entry->copy, "params", &params, err);
	if (rc == 0 && node && params && str_starts(node, "/dev/loop") && stat(params, &st) == 0)
		loop_detach(node, &st);
	return rc;
}

static int disconnect(struct xen *xen, const struct device_entry *entry, struct err *err)
{
	scoped(free) char *script = NULL;
	struct err failed;
	int rc;

	if (entry->backend_domid != 0 || strcmp(entry->backend_kind, "vbd") != 0)
		return 0;
	rc = device_read(xen, entry->copy, "script", &script, err);
	if (rc < 0 || !script)
		return rc;
	if (strcmp(script, DISK_DEFAULT_SCRIPT) == 0)
		return detach_loop(xen, entry, err);
	if (run_script(xen, script, "remove", entry->backend, &failed) < 0)
		log_warn("disk %u of domain %u: %s", entry->devid, entry->domid, failed.msg);
	return 0;
}

/* In a driver domain: what native_keys() says in the toolstack's own. */
static int tell_device(struct xen *xen, const char *back, const char *params,
		       const struct loop *loop, dev_t rdev, struct err *err)
{
	char device[32];
	const struct device_word words[] = {
		{ "node", loop ? loop->path : NULL },
		{ "physical-device-path", loop ? loop->path : params },
		{ "physical-device", device }, { "hotplug-status", "connected" },
	};

	snprintf(device, sizeof(device), "%x:%x", major(rdev), minor(rdev));
	return device_tell(xen, back, "params", params, words, ARRAY_SIZE(words), err);
}

static int serve_path(struct xen *xen, const struct device_entry *entry, const char *path,
		      bool readonly, int *keep, struct err *err)
{
	scoped(fd) int fd = open(path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
	struct loop loop = LOOP_INIT;
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_sys(err, errno, "cannot open '%s'", path);
	if (S_ISBLK(st.st_mode))
		return tell_device(xen, entry->backend, path, NULL, st.st_rdev, err);
	if (!S_ISREG(st.st_mode))
		return fail(err, EINVAL, "'%s' is neither a file nor a block device", path);
	rc = loop_attach(fd, path, readonly, &loop, err);
	if (rc == 0)
		rc = tell_device(xen, entry->backend, path, &loop, loop.rdev, err);
	if (rc < 0)
		loop_close(&loop);
	else
		*keep = loop.fd;
	return rc;
}

static int serve(struct xen *xen, const struct device_entry *entry, int *keep, struct err *err)
{
	scoped(free) char *params = NULL, *script = NULL, *mode = NULL;
	int rc = device_read(xen, entry->backend, "params", &params, err);

	if (rc == 0)
		rc = device_read(xen, entry->backend, "script", &script, err);
	if (rc == 0)
		rc = device_read(xen, entry->backend, "mode", &mode, err);
	if (rc < 0)
		return rc;
	if (script && strcmp(script, DISK_DEFAULT_SCRIPT) != 0)
		return run_script(xen, script, "add", entry->backend, err);
	if (!params || !*params)
		return fail(err, ENOENT, "its nodes name no image");
	return serve_path(xen, entry, params, !mode || *mode != 'w', keep, err);
}

static int to_json(const void *item, json_t **out, struct err *err)
{
	return disk_to_json(item, out, err);
}

const struct device_kind device_disk = {
	.name = "vbd", .what = "disk", .items = offsetof(struct domain_config, disks),
	.backends = { "vbd", "qdisk" },
	.nr_items = offsetof(struct domain_config, nr_disks), .item_size = sizeof(struct disk),
	.guest_adds = 3,	/* ring-ref, event-channel, feature-persistent */
	.guest_adds_queue = 3,	/* queue-N with the first two of these */
	.json_list = "disks", .json_id = "vdev", .to_json = to_json,
	.prepare = disk_prepare, .open = open_disk, .keys = keys, .qemu_args = disk_qemu_args,
	.connect = connect_disk, .disconnect = disconnect, .serve = serve,
	.free_plan = disk_free_plan,
};
