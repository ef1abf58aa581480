/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "room.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "balloon.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/wait.h"
#include "config/conf.h"
#include "xen/domctl.h"
#include "xen/host.h"

#define DEFAULT_LOCK "/var/lock/xl"

enum {
	COMING_MS = 3000,	/* what a domain had that was just destroyed comes back by then */
	LOCK_MS = 50,		/* how often another's lock is tried */
	BALLOON_MS = 30000,	/* xl's patience with domain 0, and with one that does not move */
	STALL_MS = 10000,
};

bool room_auto(const char *xen_commandline)
{
	regex_t sizes;
	bool fixed;

	/* xl's words; one of less than the host's memory, or of a part of it, is not fixed. */
	if (regcomp(&sizes, "(^| )dom0_mem=((|min:|max:)[0-9]+[bBkKmMgG]?,?)+($| )",
		    REG_NOSUB | REG_EXTENDED) != 0)
		return true;
	fixed = regexec(&sizes, xen_commandline, 0, NULL, 0) == 0;
	regfree(&sizes);
	return !fixed;
}

static int read_conf(struct xl_conf *conf, struct err *err)
{
	/* Whoever reads a config file tells them. */
	scoped(config_warnings) struct config_warnings unused = { 0 };

	return xl_conf_read(XL_CONF_PATH, conf, &unused, err);
}

static int wants_balloon(struct xen *xen, const struct xl_conf *conf, bool *wants, struct err *err)
{
	char commandline[HOST_COMMANDLINE_MAX];
	int rc = 0;

	*wants = conf->autoballoon == XL_AUTOBALLOON_ON;
	if (conf->autoballoon != XL_AUTOBALLOON_AUTO)
		return 0;
	rc = host_commandline(xen, commandline, err);
	if (rc == 0)
		*wants = room_auto(commandline);
	return rc;
}

static int set_lock(int fd, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

/* Tried again and again: a signal just before a wait in the kernel would be lost. */
static int wait_lock(int fd, const char *path, struct err *err)
{
	int64_t patience = wait_deadline(WAIT_PATIENCE_MS);
	int rc;

	while ((rc = set_lock(fd, F_WRLCK)) == -EAGAIN || rc == -EACCES) {
		if (wait_poll(NULL, 0, wait_deadline(LOCK_MS)) == -EINTR)
			return fail(err, EINTR, "interrupted while waiting for '%s'", path);
		if (wait_now_ms() < patience)
			continue;
		log_info("waiting for '%s', which another create has locked", path);
		patience = INT64_MAX;
	}
	return rc < 0 ? fail_sys(err, -rc, "cannot lock '%s'", path) : 0;
}

/* fcntl's kind of lock, which is xl's; its file stays. */
static int lock_creates(const char *path, int *out, struct err *err)
{
	scoped(fd) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
				 0200);
	struct stat st;
	int rc;

	/* ENXIO: a FIFO that nobody reads. */
	if (fd < 0 && errno != ENXIO)
		return fail_sys(err, errno, "cannot open the lock file '%s' (xl.conf)", path);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return fail(err, EINVAL, "the lock file '%s' (xl.conf) is no regular file", path);
	rc = wait_lock(fd, path, err);
	if (rc == 0)
		*out = take_fd(fd);
	return rc;
}

/* Memory that comes back by itself: Xen still wipes it, or a domain is just dying. */
static int is_coming(struct xen *xen, const struct host_memory *mem, bool *coming,
		     struct err *err)
{
	scoped(free) struct domctl_info *list = NULL;
	size_t nr;
	int rc = domctl_list(xen, &list, &nr, err);

	*coming = mem->scrub_kb > 0;
	for (size_t i = 0; rc == 0 && i < nr; i++)
		*coming |= list[i].dying;
	return rc;
}

static uint64_t available_kb(const struct host_memory *mem)
{
	return mem->free_kb > mem->claimed_kb ? mem->free_kb - mem->claimed_kb : 0;
}

/* Waits a little for what is on its way back; *missing_kb is what there is too little. */
static int wait_for_room(struct xen *xen, uint64_t need_kb, uint64_t *missing_kb, struct err *err)
{
	int64_t deadline = wait_deadline(COMING_MS);

	for (;;) {
		struct host_memory mem;
		bool coming;
		int rc = host_memory(xen, &mem, err);

		if (rc < 0)
			return rc;
		*missing_kb = 0;
		if (need_kb <= available_kb(&mem))
			return 0;
		*missing_kb = need_kb - available_kb(&mem);
		rc = is_coming(xen, &mem, &coming, err);
		if (rc < 0 || !coming || wait_now_ms() >= deadline)
			return rc;
		rc = wait_poll(NULL, 0, wait_deadline(10));
		if (rc == -EINTR)
			return fail(err, EINTR, "interrupted");
	}
}

static int too_little(uint64_t need_kb, uint64_t missing_kb, struct err *err)
{
	return fail(err, ENOMEM, "not enough memory: needs %" PRIu64 " MiB, %" PRIu64 " MiB free; "
		    "give some back with mem-set (of another domain or of Domain-0), or make "
		    "memory= smaller", (need_kb + 1023) >> 10, (need_kb - missing_kb) >> 10);
}

/* One step down for domain 0; *size_kb is what it has been told to have. */
static int shrink_dom0(struct xen *xen, uint64_t missing_kb, uint64_t *size_kb, struct err *err)
{
	int rc;

	if (missing_kb > *size_kb)
		return fail(err, ENOMEM, "domain 0 has less than that itself");
	log_debug("domain 0 is to give %" PRIu64 " KiB", missing_kb);
	rc = domain_set_memory(xen, 0, *size_kb - missing_kb, err);
	if (rc < 0)
		return rc;
	*size_kb -= missing_kb;
	return domain_wait_memory(xen, 0, *size_kb, STALL_MS, NULL, NULL, err);
}

static void restore_dom0(struct xen *xen, uint64_t size_kb)
{
	struct err err;

	if (domain_set_memory(xen, 0, size_kb, &err) < 0)
		log_warn("domain 0 does not get its memory back: %s", err.msg);
}

static int take_from_dom0(struct xen *xen, uint64_t need_kb, uint64_t missing_kb,
			  struct room *room, struct err *err)
{
	int64_t deadline = wait_deadline(BALLOON_MS);
	struct err why;
	uint64_t size_kb, first_kb;
	int rc = domain_get_memory(xen, 0, &first_kb, err);

	if (rc < 0)
		return rc;
	size_kb = first_kb;
	/* Some pages it keeps for itself, so that one step may not do. */
	while (rc == 0 && missing_kb && wait_now_ms() < deadline) {
		rc = shrink_dom0(xen, missing_kb, &size_kb, err);
		if (rc == 0)
			rc = wait_for_room(xen, need_kb, &missing_kb, err);
	}
	if (rc == 0 && !missing_kb) {
		room->before_kb = first_kb;
		room->after_kb = size_kb;
		return 0;
	}
	if (size_kb != first_kb)
		restore_dom0(xen, first_kb);
	if (rc == -EINTR)
		return rc;
	why = *err;
	too_little(need_kb, missing_kb, err);
	return rc < 0 ? fail_in(err, "domain 0 cannot give it (%.200s)", why.msg) : -ENOMEM;
}

int room_make(struct xen *xen, uint64_t need_kb, struct room *room, struct err *err)
{
	scoped(xl_conf) struct xl_conf conf = XL_CONF_INIT;
	uint64_t missing_kb;
	bool balloon;
	int rc;

	room->xen = xen;
	rc = read_conf(&conf, err);
	if (rc == 0)
		rc = wants_balloon(xen, &conf, &balloon, err);
	if (rc == 0 && balloon)
		rc = lock_creates(conf.lockfile ? conf.lockfile : DEFAULT_LOCK, &room->lock, err);
	if (rc == 0)
		rc = wait_for_room(xen, need_kb, &missing_kb, err);
	if (rc == 0 && missing_kb)
		rc = balloon ? take_from_dom0(xen, need_kb, missing_kb, room, err) :
			too_little(need_kb, missing_kb, err);
	return rc;
}

void room_unlock(struct room *room)
{
	if (room->lock >= 0 && set_lock(room->lock, F_UNLCK) < 0)
		room_used(room);
}

void room_used(struct room *room)
{
	room->before_kb = room->after_kb;
	scoped_room(room);
}

/*
 * Under the lock: another create may be counting on what is free just now. Nor when domain 0 has
 * been told something else meanwhile.
 */
void scoped_room(struct room *room)
{
	struct err err;
	uint64_t now_kb;

	if (room->before_kb != room->after_kb && set_lock(room->lock, F_WRLCK) == 0 &&
	    domain_get_memory(room->xen, 0, &now_kb, &err) == 0 && now_kb == room->after_kb)
		restore_dom0(room->xen, room->before_kb);
	scoped_fd(&room->lock);
	*room = (struct room)ROOM_INIT;
}

int room_check(struct xen *xen, uint64_t need_kb, uint64_t *dom0_kb, struct err *err)
{
	scoped(xl_conf) struct xl_conf conf = XL_CONF_INIT;
	uint64_t missing_kb, size_kb;
	bool balloon;
	int rc = read_conf(&conf, err);

	if (rc == 0)
		rc = wants_balloon(xen, &conf, &balloon, err);
	if (rc == 0)
		rc = wait_for_room(xen, need_kb, &missing_kb, err);
	if (rc == 0 && missing_kb && !balloon)
		rc = too_little(need_kb, missing_kb, err);
	if (rc == 0 && missing_kb)
		rc = domain_get_memory(xen, 0, &size_kb, err);
	if (rc == 0 && missing_kb && missing_kb >= size_kb)
		rc = too_little(need_kb, missing_kb, err);
	if (rc == 0)
		*dom0_kb = missing_kb;
	return rc;
}
