/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diskuse.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/disk.h"
#include "loop.h"
#include "xen/domctl.h"
#include "xen/store.h"
#include "xen/xen.h"

#define VBDS "/sys/bus/xen-backend/devices"
#define QDISKS "/local/domain/0/backend/qdisk"

enum { BRIEF_MS = 3000, MAX_KIN = 256 };

/* How long it is worth waiting for a user. */
enum stay { STAYS, GOING, BRIEF };

/* Who uses the disk that fd has open. */
struct search {
	struct xen *xen;
	const char *path;
	int fd;
	struct stat st;
	bool readonly;
	/* The image that it is, or stands on: 0 for other block devices. */
	dev_t file_dev;
	ino_t file_ino;
	/* Itself and all devices upon it, then (from nr_upon on) all that it is made of. */
	dev_t kin[MAX_KIN];
	size_t nr_kin, nr_upon;
	char user[200];			/* "" while there is none */
	enum stay stay;
	bool harmless;			/* somebody reads only, as we do */
};

static void scoped_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool is_kin(const struct search *s, dev_t dev)
{
	for (size_t i = 0; i < s->nr_kin; i++) {
		if (s->kin[i] == dev)
			return true;
	}
	return false;
}

static void add_kin(struct search *s, dev_t dev)
{
	if (s->nr_kin < MAX_KIN && !is_kin(s, dev))
		s->kin[s->nr_kin++] = dev;
}

static void printf_like(3, 4) found(struct search *s, enum stay stay, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->user, sizeof(s->user), fmt, ap);
	va_end(ap);
	s->stay = stay;
}

/* What somebody else's use means for ours: false when both only read. */
static bool conflicts(struct search *s, bool they_only_read)
{
	if (s->readonly && they_only_read)
		s->harmless = true;
	return !s->readonly || !they_only_read;
}

static bool read_dev(const char *path, const char *fmt, dev_t *dev)
{
	unsigned int major, minor;
	char text[32], *end;

	if (file_read_line(path, text, sizeof(text)) < 0 || !isxdigit((unsigned char)*text))
		return false;
	major = (unsigned int)strtoul(text, &end, *fmt == 'x' ? 16 : 10);
	if (*end != ':')
		return false;
	minor = (unsigned int)strtoul(end + 1, &end, *fmt == 'x' ? 16 : 10);
	*dev = makedev(major, minor);
	return *end == '\0';
}

/* Adds the devices whose folders (or links to them) stand in /sys/dev/block/M:m/SUB. */
static void add_linked(struct search *s, dev_t dev, const char *sub)
{
	char folder[64], path[400];
	struct dirent *entry;
	scoped(dir) DIR *dir = NULL;
	dev_t other;

	snprintf(folder, sizeof(folder), "/sys/dev/block/%u:%u/%s", major(dev), minor(dev), sub);
	dir = opendir(folder);
	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		/* In the device's own folder those of its partitions are the ones with a number. */
		snprintf(path, sizeof(path), "%s/%s/partition", folder, entry->d_name);
		if (!*sub && (entry->d_type != DT_DIR || access(path, F_OK) < 0))
			continue;
		snprintf(path, sizeof(path), "%s/%s/dev", folder, entry->d_name);
		if (read_dev(path, "d", &other))
			add_kin(s, other);
	}
}

static bool is_partition(dev_t dev)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", major(dev), minor(dev));
	return access(path, F_OK) == 0;
}

static void add_whole(struct search *s, dev_t dev)
{
	char path[64];
	dev_t whole;

	if (!is_partition(dev))
		return;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../dev", major(dev), minor(dev));
	if (read_dev(path, "d", &whole))
		add_kin(s, whole);
}

/* Loop devices on our image or on one of the devices found so far. */
static void add_loops(struct search *s)
{
	scoped(dir) DIR *dir = opendir("/sys/block");
	struct loop_status status;
	struct dirent *entry;
	struct err ignored;	/* a device that came or went meanwhile */
	char path[300];
	struct stat st;

	while (dir && (entry = readdir(dir))) {
		if (!str_starts(entry->d_name, "loop"))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		if (loop_status(path, &status, &ignored) < 0 || stat(path, &st) < 0)
			continue;
		if ((s->file_ino && status.file_dev == s->file_dev &&
		     status.file_ino == s->file_ino) ||
		    (status.file_rdev && is_kin(s, status.file_rdev)))
			add_kin(s, st.st_rdev);
	}
}

static void find_kin(struct search *s)
{
	struct loop_status status;
	struct err ignored;	/* no loop device */

	s->nr_kin = 0;
	s->file_dev = s->st.st_dev;
	s->file_ino = s->st.st_ino;
	if (S_ISBLK(s->st.st_mode)) {
		s->file_ino = 0;
		add_kin(s, s->st.st_rdev);
		/* (A partition of a loop device shares its status, but not its image.) */
		if (!is_partition(s->st.st_rdev) &&
		    loop_status(s->path, &status, &ignored) == 0 && !status.file_rdev) {
			s->file_dev = status.file_dev;
			s->file_ino = status.file_ino;
		}
	}
	add_loops(s);
	for (size_t i = 0; i < s->nr_kin; i++) {
		add_linked(s, s->kin[i], "");
		add_linked(s, s->kin[i], "holders");
	}
	s->nr_upon = s->nr_kin;
	for (size_t i = 0; i < s->nr_kin; i++) {
		if (i < s->nr_upon && s->kin[i] != s->st.st_rdev)
			continue;
		add_whole(s, s->kin[i]);
		add_linked(s, s->kin[i], "slaves");
	}
}

/* Guests */

/* Its domain dies or has gone, or its toolstack takes this disk away. */
static bool is_going(struct xen *xen, uint32_t domid, const char *backend)
{
	scoped(free) char *path = str_format("%s/online", backend), *online = NULL;
	struct domctl_info info;
	struct err ignored;	/* then it is not going */
	int rc = domctl_info(xen, domid, &info, &ignored);

	if (rc == -ENOENT || (rc == 0 && info.dying))
		return true;
	rc = path ? store_read(xen, NULL, path, &online, &ignored) : -ENOMEM;
	return rc == -ENOENT || (rc == 0 && strcmp(online, "0") == 0);
}

static void found_guest(struct search *s, const char *kind, uint32_t domid, uint32_t devid)
{
	char path[80], vdev[DISK_VDEV_MAX], shown[100];
	scoped(free) char *name = NULL;
	struct err ignored;	/* no name, then */
	enum stay stay;

	snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
	if (store_read(s->xen, NULL, path, &name, &ignored) == 0)
		str_escape(name, strlen(name), shown, sizeof(shown));
	snprintf(path, sizeof(path), "/local/domain/0/backend/%s/%u/%u", kind, domid, devid);
	stay = is_going(s->xen, domid, path) ? GOING : STAYS;
	disk_vdev(devid, vdev);
	if (name)
		found(s, stay, "in use by guest '%s' (%s)", shown, vdev);
	else
		found(s, stay, "in use by guest %u (%s)", domid, vdev);
}

/* blkback's disks. */
static void find_vbd(struct search *s)
{
	scoped(dir) DIR *dir = opendir(VBDS);
	unsigned int domid, devid;
	struct dirent *entry;
	char path[400], mode[8];
	dev_t dev;

	while (!*s->user && dir && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, "vbd-%u-%u", &domid, &devid) != 2)
			continue;
		snprintf(path, sizeof(path), VBDS "/%s/physical_device", entry->d_name);
		if (!read_dev(path, "x", &dev) || !is_kin(s, dev))
			continue;
		snprintf(path, sizeof(path), VBDS "/%s/mode", entry->d_name);
		if (conflicts(s, file_read_line(path, mode, sizeof(mode)) == 0 &&
				*mode && !strchr(mode, 'w')))
			found_guest(s, "vbd", domid, devid);
	}
}

/* Whether the file or device called path is the one in question. */
static bool is_it(const struct search *s, const char *path)
{
	struct stat st;

	if (*path != '/' || stat(path, &st) < 0)
		return false;
	if (S_ISBLK(st.st_mode))
		return is_kin(s, st.st_rdev);
	return s->file_ino && st.st_dev == s->file_dev && st.st_ino == s->file_ino;
}

static void check_qdisk(struct search *s, const char *dom, const char *dev)
{
	scoped(free) char *params_path = str_format(QDISKS "/%s/%s/params", dom, dev);
	scoped(free) char *mode_path = str_format(QDISKS "/%s/%s/mode", dom, dev);
	scoped(free) char *params = NULL, *mode = NULL;
	struct err ignored;	/* it goes away just now */
	uint64_t domid, devid;
	const char *colon;

	if (!params_path || !mode_path || str_to_u64(dom, UINT32_MAX, &domid) < 0 ||
	    str_to_u64(dev, UINT32_MAX, &devid) < 0 ||
	    store_read(s->xen, NULL, params_path, &params, &ignored) < 0)
		return;
	colon = strchr(params, ':');
	if (!colon || !is_it(s, colon + 1))
		return;
	if (store_read(s->xen, NULL, mode_path, &mode, &ignored) < 0 ||
	    conflicts(s, !strchr(mode, 'w')))
		found_guest(s, "qdisk", (uint32_t)domid, (uint32_t)devid);
}

/* QEMU's disks stand nowhere but in the store. */
static void find_qdisk(struct search *s)
{
	char **doms = NULL, **devs = NULL;
	unsigned int nr_doms, nr_devs;
	struct err ignored;	/* mostly: no such folder */
	char path[64];

	if (!s->xen->xs || store_list(s->xen, NULL, QDISKS, &doms, &nr_doms, &ignored) < 0)
		return;
	for (unsigned int i = 0; i < nr_doms && !*s->user; i++) {
		snprintf(path, sizeof(path), QDISKS "/%.20s", doms[i]);
		if (store_list(s->xen, NULL, path, &devs, &nr_devs, &ignored) < 0)
			continue;
		for (unsigned int k = 0; k < nr_devs && !*s->user; k++)
			check_qdisk(s, doms[i], devs[k]);
		store_list_free(devs);
	}
	store_list_free(doms);
}

/*
 * QEMU locks bytes of its images for what it does to them (block/file-posix.c: RAW_LOCK_PERM_BASE
 * and the permissions' bits), but for its PV disks, which are in the store. So it is known of
 * floppies, and of every other QEMU on this host.
 */
enum { QEMU_READS = 100, QEMU_WRITES = 101 };

static bool qemu_locked(int fd, off_t byte)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static void find_qemu(struct search *s)
{
	bool writes = qemu_locked(s->fd, QEMU_WRITES);

	if ((writes || qemu_locked(s->fd, QEMU_READS)) && conflicts(s, !writes))
		found(s, BRIEF, "in use by a QEMU");
}

/* This host */

/* Copies a field of a /proc file: octal escapes stand for blanks and the like. */
static void unescape(const char *from, size_t len, char *to, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < size; i++) {
		if (from[i] == '\\' && i + 3 < len && strspn(from + i + 1, "01234567") >= 3) {
			to[n++] = (char)((from[i + 1] - '0') << 6 | (from[i + 2] - '0') << 3 |
					 (from[i + 3] - '0'));
			i += 3;
		} else {
			to[n++] = from[i];
		}
	}
	to[n] = '\0';
}

/* The nth field (from 0), separated by single blanks; NULL when there are fewer. */
static const char *field(const char *line, unsigned int n, size_t *len)
{
	while (n-- && line) {
		line = strchr(line, ' ');
		if (line)
			line++;
	}
	if (line)
		*len = strcspn(line, " \n");
	return line;
}

bool diskuse_parse_mount(const char *line, struct diskuse_mount *mount)
{
	size_t dev_len, where_len, source_len, options_len;
	const char *dev = field(line, 2, &dev_len), *where = field(line, 4, &where_len);
	const char *rest = strstr(line, " - ");
	const char *source = rest ? field(rest + 3, 1, &source_len) : NULL;
	const char *options = rest ? field(rest + 3, 2, &options_len) : NULL;
	unsigned int major, minor;

	if (!where || !options || sscanf(dev, "%u:%u", &major, &minor) != 2)
		return false;
	mount->dev = makedev(major, minor);
	/* The superblock's flag: a mount point may be read-only by itself. */
	mount->readonly = str_starts(options, "ro") && (options_len == 2 || options[2] == ',');
	unescape(source, source_len, mount->source, sizeof(mount->source));
	unescape(where, where_len, mount->where, sizeof(mount->where));
	return true;
}

static void find_mount(struct search *s)
{
	scoped(file) FILE *f = fopen("/proc/self/mountinfo", "re");
	scoped(free) char *line = NULL;
	struct diskuse_mount mount;
	size_t size = 0;

	while (!*s->user && f && getline(&line, &size, f) > 0) {
		if (!diskuse_parse_mount(line, &mount))
			continue;
		/* btrfs has a device number of its own. */
		if (major(mount.dev) ? !is_kin(s, mount.dev) :
		    !str_starts(mount.source, "/dev/") || !is_it(s, mount.source))
			continue;
		if (conflicts(s, mount.readonly))
			found(s, STAYS, "mounted on '%.150s'", mount.where);
	}
}

static void find_swap(struct search *s)
{
	scoped(file) FILE *f = fopen("/proc/swaps", "re");
	scoped(free) char *line = NULL;
	char path[256];
	size_t size = 0;

	while (!*s->user && f && getline(&line, &size, f) > 0) {
		unescape(line, strcspn(line, " \t\n"), path, sizeof(path));
		if (is_it(s, path))
			found(s, STAYS, "swap space of this host");
	}
}

/* A device upon ours is a user even while nobody uses it: it may write at any time. */
static void find_holder(struct search *s)
{
	struct loop_status status;
	struct err ignored;	/* no loop device */
	char path[64], link[256];
	const char *name;
	ssize_t n;

	for (size_t i = 0; i < s->nr_upon && !*s->user; i++) {
		bool loop, reads;

		if (s->kin[i] == s->st.st_rdev || is_partition(s->kin[i]))
			continue;
		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(s->kin[i]),
			 minor(s->kin[i]));
		n = readlink(path, link, sizeof(link) - 1);
		if (n <= 0)
			continue;
		link[n] = '\0';
		name = strrchr(link, '/') ? strrchr(link, '/') + 1 : link;
		loop = str_starts(name, "loop");
		snprintf(path, sizeof(path), "/dev/%.40s", name);
		if (loop && loop_status(path, &status, &ignored) < 0)
			continue;
		/* One without autoclear may be left over from long ago. */
		if (loop && !status.autoclear)
			continue;
		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/ro", major(s->kin[i]),
			 minor(s->kin[i]));
		reads = file_read_line(path, link, 8) == 0 && *link == '1';
		if (conflicts(s, reads))
			found(s, loop ? BRIEF : STAYS, loop ? "attached to /dev/%.40s" :
			      "held by %.40s", name);
	}
}

static void find_user(struct search *s)
{
	*s->user = '\0';
	s->harmless = false;
	find_kin(s);
	find_vbd(s);
	if (!*s->user)
		find_qdisk(s);
	if (!*s->user)
		find_qemu(s);
	if (!*s->user)
		find_mount(s);
	if (!*s->user)
		find_swap(s);
	if (!*s->user)
		find_holder(s);
}

/* Claims */

/*
 * A lease is only given while nobody else has the file open (for reading: has it open for
 * writing); nobody is told about it, since it is given back at once.
 */
static bool nobody_has_it(int fd, bool readonly)
{
	/* The signal for who opens it at this very moment: one that is ignored. */
	if (fcntl(fd, F_SETSIG, SIGURG) < 0 ||
	    fcntl(fd, F_SETLEASE, readonly ? F_RDLCK : F_WRLCK) < 0)
		return false;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return true;
}

/* Takes the place of fd by an exclusive opening, which mounts and holders respect. */
static bool open_exclusively(int fd)
{
	scoped(fd) int own = -1;
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	return own >= 0 && dup3(own, fd, O_CLOEXEC) >= 0;
}

/* What the kernel lets us have: ours says that no other claim of this kind is there. */
static bool try_claim(struct search *s, int fd, bool *ours)
{
	if (S_ISBLK(s->st.st_mode)) {
		*ours = *ours || open_exclusively(fd);
		return false;
	}
	/* The lock belongs to the open file, and so stays with a loop device. */
	*ours = flock(fd, (s->readonly ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 ||
		errno != EWOULDBLOCK;
	return *ours && nobody_has_it(fd, s->readonly);
}

static int pause_for(struct search *s, int *pause_ms, int64_t *patience, struct err *err)
{
	if (wait_now_ms() >= *patience) {
		log_info("waiting for '%s': %s", s->path, s->user);
		*patience = INT64_MAX;
	}
	if (wait_poll(NULL, 0, wait_deadline(*pause_ms)) == -EINTR)
		return fail(err, EINTR, "interrupted");
	*pause_ms = *pause_ms < 40 ? *pause_ms * 2 : 50;
	return 0;
}

int diskuse_claim(struct xen *xen, int fd, const char *path, bool readonly, int64_t deadline,
		  struct err *err)
{
	struct search s = { .xen = xen, .path = path, .fd = fd, .readonly = readonly };
	int64_t patience = wait_deadline(WAIT_PATIENCE_MS), brief = wait_deadline(BRIEF_MS);
	bool ours = false;
	int pause_ms = 5;

	if (fstat(fd, &s.st) < 0)
		return fail_sys(err, errno, "cannot stat '%s'", path);
	for (;;) {
		int rc;

		if (try_claim(&s, fd, &ours))
			return 0;
		find_user(&s);
		if (!*s.user && (ours || s.harmless))
			return 0;
		if (!*s.user)
			found(&s, BRIEF, "in use by another program");
		/* What a guest had is let go of a moment after it. */
		if (s.stay == GOING)
			brief = wait_deadline(BRIEF_MS);
		if (s.stay == STAYS || wait_now_ms() >= (s.stay == BRIEF ? brief : deadline))
			return fail(err, EBUSY, "'%s' is %s", path, s.user);
		rc = pause_for(&s, &pause_ms, &patience, err);
		if (rc < 0)
			return rc;
	}
}
