/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who serves a disk, as libxl chooses; what cannot be a disk is refused before there is a domain. */
#include "diskplan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "diskuse.h"
#include "imagehead.h"

void disk_free_plan(struct device *dev)
{
	struct disk_plan *plan = dev->plan;

	if (!plan)
		return;
	loop_close(&plan->loop);
	scoped_fd(&plan->fd);
	free(plan->params);
	free(plan->script);
	free(plan->device);
	free(plan);
	dev->plan = NULL;
}

/* What xl's words mean that xlite has nobody for. */
static int check_supported(const struct disk *disk, struct err *err)
{
	if (disk->backend == DISK_BACKEND_TAP)
		return fail(err, EOPNOTSUPP, "backendtype tap (blktap) is not supported, nor is it "
			    "by xl: use phy or qdisk");
	if (disk->specification == DISK_SPECIFICATION_VIRTIO ||
	    disk->backend == DISK_BACKEND_STANDALONE)
		return fail(err, EOPNOTSUPP, "virtio disks (specification virtio, backendtype "
			    "standalone) are not supported");
	if (disk->transport != DISK_TRANSPORT_UNSET)
		return fail(err, EINVAL, "a transport is for virtio disks only");
	if (disk->colo_enable == TRI_TRUE)
		return fail(err, EOPNOTSUPP, "COLO is not supported");
	return 0;
}

/* libxl's order: phy where it can, else QEMU. */
static int choose_backend(const struct devices *set, const struct disk *disk, const char *script,
			  enum disk_backend *backend, struct err *err)
{
	bool qdisk_only = disk->format != DISK_FORMAT_RAW ||
		(disk->cdrom && set->type == DOMAIN_HVM);

	if (disk->backend == DISK_BACKEND_PHY && qdisk_only) {
		if (disk->format == DISK_FORMAT_RAW)
			return fail(err, EINVAL, "a cdrom of an HVM guest cannot have backendtype "
				    "phy: leave it out");
		return fail(err, EINVAL, "backendtype phy serves raw disks, not format %s: leave "
			    "it out, or say qdisk", disk_format_name(disk->format));
	}
	*backend = qdisk_only || disk->backend == DISK_BACKEND_QDISK ? DISK_BACKEND_QDISK :
		DISK_BACKEND_PHY;
	if (*backend == DISK_BACKEND_QDISK && script)
		return fail(err, EINVAL, "script '%.100s' cannot be used with QEMU (%s)", script,
			    disk->format != DISK_FORMAT_RAW ? disk_format_name(disk->format) :
			    "backendtype qdisk");
	return 0;
}

const char *disk_script(const struct disk *disk)
{
	const char *script = disk->script;

	if (!script || !*script || strcmp(script, "block") == 0 ||
	    strcmp(script, DISK_DEFAULT_SCRIPT) == 0)
		return NULL;
	return script;
}

/* A path that a later start finds again, from wherever it is made. */
static int make_absolute(struct disk *disk, struct err *err)
{
	scoped(free) char *path = NULL;

	if (*disk->target == '/')
		return 0;
	if (disk->phy) {
		path = str_format("/dev/%s", disk->target);
		if (!path)
			return fail_nomem(err);
		/* xl takes such a name for a file of the current folder. */
		if (access(path, F_OK) < 0 && access(disk->target, F_OK) == 0)
			free(take(path));
	}
	if (!path)
		return file_absolute(&disk->target, err);
	free(disk->target);
	disk->target = take(path);
	return 0;
}

static int check_type(const char *path, const struct stat *st, struct err *err)
{
	const char *what = S_ISDIR(st->st_mode) ? "a directory" :
		S_ISFIFO(st->st_mode) ? "a FIFO" :
		S_ISSOCK(st->st_mode) ? "a socket" :
		S_ISCHR(st->st_mode) ? "a character device" : NULL;

	if (what)
		return fail(err, EINVAL, "'%s' is %s, neither an image nor a block device", path,
			    what);
	return 0;
}

static const char *read_format(int fd, off_t size)
{
	char first[IMAGEHEAD_SECTOR], last[IMAGEHEAD_SECTOR];
	ssize_t nr_first = pread(fd, first, sizeof(first), 0);
	ssize_t nr_last = pread(fd, last, sizeof(last), size - IMAGEHEAD_SECTOR);

	return imagehead_format(first, nr_first > 0 ? (size_t)nr_first : 0, last,
				nr_last > 0 ? (size_t)nr_last : 0);
}

/* Whether format= takes it. */
static bool is_offered(const char *format)
{
	for (enum disk_format f = DISK_FORMAT_UNSET + 1; f <= DISK_FORMAT_QED; f++) {
		if (strcmp(disk_format_name(f), format) == 0)
			return true;
	}
	return false;
}

/* A format that guests may write into their disks is never believed, only mentioned. */
static void check_format(const struct disk *disk, int fd, off_t size)
{
	const char *format = disk->format == DISK_FORMAT_RAW ? read_format(fd, size) : NULL;

	if (format)
		log_warn("disk '%s': '%s' looks like a %s image but is used as raw, as the config "
			 "says%s%s", disk->vdev, disk->target, format,
			 is_offered(format) ? "; if it is one, say format=" : "",
			 is_offered(format) ? format : "");
}

static int open_target(const struct disk *disk, struct disk_plan *plan, struct err *err)
{
	bool writes = disk->readwrite && S_ISREG(plan->st.st_mode);
	int readonly = 0;
	struct stat st;
	off_t size;

	/* Root could, but xl's script does not either. */
	if (writes && !(plan->st.st_mode & 0222))
		return fail(err, EACCES, "'%s' is write-protected (mode %03o): say access r, or "
			    "change its mode", disk->target, plan->st.st_mode & 0777U);
	plan->fd = open(disk->target, (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK |
			O_NOCTTY);
	if (plan->fd < 0)
		return fail_sys(err, errno, "cannot open '%s'%s", disk->target,
				writes ? " for writing" : "");
	if (fstat(plan->fd, &st) < 0)
		return fail_sys(err, errno, "cannot stat '%s'", disk->target);
	if (st.st_ino != plan->st.st_ino || st.st_dev != plan->st.st_dev)
		return fail(err, EAGAIN, "'%s' has just been replaced", disk->target);
	if (S_ISBLK(st.st_mode) && disk->readwrite &&
	    ioctl(plan->fd, BLKROGET, &readonly) == 0 && readonly)
		return fail(err, EROFS, "'%s' is a read-only device: say access r", disk->target);
	size = lseek(plan->fd, 0, SEEK_END);
	if (size < IMAGEHEAD_SECTOR)
		return fail(err, EINVAL, S_ISBLK(st.st_mode) ?
			    "'%s' has no size: is there no medium in it?" :
			    size > 0 ? "'%s' is shorter than a sector" : "'%s' is empty",
			    disk->target);
	check_format(disk, plan->fd, size);
	return 0;
}

static const struct disk_plan *plan_of(const struct device *dev)
{
	return dev->plan;
}

static bool same_disk(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode))
		return a->st_rdev == b->st_rdev;
	return a->st_mode && b->st_mode && a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Another disk of this set that is the same; NULL: none. */
static const struct device *find_twin(const struct devices *set, const struct device *dev)
{
	for (const struct device *other = set->items; other < dev; other++) {
		if (other->kind == &device_disk && other->plan &&
		    same_disk(&plan_of(other)->st, &plan_of(dev)->st))
			return other;
	}
	return NULL;
}

static int claim_target(struct devices *set, struct device *dev, struct disk_plan *plan,
			struct err *err)
{
	const struct disk *disk = dev->item, *other;
	const struct device *twin;

	if (disk->forced)
		return 0;
	twin = find_twin(set, dev);
	other = twin ? twin->item : NULL;
	if (other && (disk->readwrite || other->readwrite))
		return fail(err, EBUSY, "'%s' is disk '%s' already, and one of them is for writing",
			    disk->target, other->vdev);
	/* Our own claim would stand against us. */
	if (other && S_ISBLK(plan->st.st_mode))
		return 0;
	return diskuse_claim(set->xen, plan->fd, disk->target, !disk->readwrite,
			     wait_deadline(DEVICE_WAIT_MS), err);
}

/* The path that the block script would write: a link's end. */
static int find_device(const struct disk *disk, struct disk_plan *plan, struct err *err)
{
	struct stat link;

	if (lstat(disk->target, &link) == 0 && S_ISLNK(link.st_mode))
		plan->device = realpath(disk->target, NULL);
	else
		plan->device = strdup(disk->target);
	return plan->device ? 0 : fail_sys(err, errno, "cannot follow '%s'", disk->target);
}

/* A file or device of this host. */
static int prepare_local(struct devices *set, struct device *dev, struct disk_plan *plan,
			 struct err *err)
{
	struct disk *disk = dev->item;
	int rc = make_absolute(disk, err);

	if (rc < 0)
		return rc;
	if (stat(disk->target, &plan->st) < 0)
		return fail_sys(err, errno, "cannot find '%s'", disk->target);
	rc = check_type(disk->target, &plan->st, err);
	if (rc == 0)
		rc = open_target(disk, plan, err);
	if (rc == 0)
		rc = claim_target(set, dev, plan, err);
	if (rc == 0 && S_ISBLK(plan->st.st_mode))
		rc = find_device(disk, plan, err);
	return rc;
}

static int prepare_script(const char *script, struct disk_plan *plan, struct err *err)
{
	char path[PATH_MAX];
	int rc = script_path(script, path, sizeof(path), err);

	if (rc < 0)
		return rc;
	plan->script = strdup(path);
	return plan->script ? 0 : fail_nomem(err);
}

bool disk_is_file_name(const char *target)
{
	return *target == '/' || !strchr(target, ':');
}

static int decide(struct devices *set, struct device *dev, struct disk_plan *plan, struct err *err)
{
	struct disk *disk = dev->item;
	const char *script = disk_script(disk);
	bool local = dev->backend_domid == 0, empty = disk->format == DISK_FORMAT_EMPTY;
	int rc = check_supported(disk, err);

	if (rc == 0)
		rc = choose_backend(set, disk, script, &plan->backend, err);
	if (rc < 0)
		return rc;
	if (empty && !disk->cdrom)
		return fail(err, EINVAL, "format empty is for a cdrom only");
	if (empty && disk->target && *disk->target)
		return fail(err, EINVAL, "format empty and a target '%.100s'", disk->target);
	if (!empty && (!disk->target || !*disk->target))
		return fail(err, EINVAL, "it has no target");
	dev->backend_kind = plan->backend == DISK_BACKEND_QDISK ? "qdisk" : "vbd";
	/* QEMU makes no PV disk of an HVM guest's empty drive; with libxl nobody looks. */
	dev->needs_qemu = plan->backend == DISK_BACKEND_QDISK && local &&
		!(empty && set->type == DOMAIN_HVM);
	if (!local)
		plan->served = DISK_ELSEWHERE;
	else if (plan->backend == DISK_BACKEND_QDISK)
		plan->served = DISK_BY_QEMU;
	else if (script)
		plan->served = DISK_BY_SCRIPT;
	if (script && local)
		return prepare_script(script, plan, err);
	if (local && !empty && (plan->served != DISK_BY_QEMU || disk_is_file_name(disk->target)))
		rc = prepare_local(set, dev, plan, err);
	if (rc == 0 && plan->served == DISK_BY_FILE && S_ISBLK(plan->st.st_mode))
		plan->served = DISK_BY_DEVICE;
	return rc;
}

/* What the backend's nodes say: fixed here, so that keys() cannot fail. */
static int name_nodes(struct device *dev, struct disk_plan *plan, struct err *err)
{
	static const char *const protocols[] = {
		[DISK_FORMAT_QCOW] = "qcow", [DISK_FORMAT_QCOW2] = "qcow2",
		[DISK_FORMAT_VHD] = "vhd", [DISK_FORMAT_RAW] = "aio",
		[DISK_FORMAT_EMPTY] = "aio", [DISK_FORMAT_QED] = "qed",
	};
	const struct disk *disk = dev->item;
	const char *target = disk->target ? disk->target : "", *script = disk_script(disk);

	if (plan->backend == DISK_BACKEND_QDISK) {
		plan->params = str_format("%s:%s", protocols[disk->format], target);
		return plan->params ? 0 : fail_nomem(err);
	}
	plan->params = strdup(target);
	if (!plan->script && script && *script == '/')
		plan->script = strdup(script);
	else if (!plan->script)
		plan->script = str_format(SCRIPT_DIR "/%s", script ? script : "block");
	return plan->params && plan->script ? 0 : fail_nomem(err);
}

const char *disk_file(const struct disk *disk)
{
	const char *target = disk->target;

	if (!target || !*target || disk->backend_domname || disk->backend_domid ||
	    disk_script(disk) || (disk->phy && *target != '/') || !disk_is_file_name(target))
		return NULL;
	return target;
}

int disk_prepare(struct devices *set, struct device *dev, unsigned int index, struct err *err)
{
	struct disk *disk = dev->item;
	struct disk_plan *plan = calloc(1, sizeof(*plan));
	int rc;

	(void)index;
	if (!plan)
		return fail_nomem(err);
	plan->fd = -1;
	plan->loop = (struct loop)LOOP_INIT;
	dev->plan = plan;
	dev->backend_kind = "vbd";
	if (disk_devnum(disk->vdev, &dev->devid) < 0)
		return fail(err, EINVAL, "disk '%.60s': unknown vdev", disk->vdev);
	rc = device_backend_domid(set, disk->backend_domname, disk->backend_domid,
				  &dev->backend_domid, err);
	if (rc == 0)
		rc = decide(set, dev, plan, err);
	if (rc == 0)
		rc = name_nodes(dev, plan, err);
	if (rc == 0)
		rc = disk_show(set, dev, err);
	return rc < 0 ? fail_in(err, "disk '%.60s'", disk->vdev) : 0;
}
