/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "base/wait.h"
#include "userdata.h"
#include "xen/domctl.h"
#include "xen/store.h"
#include "xen/xen.h"

int balloon_plan(const struct balloon *now, uint64_t want_kb, uint64_t *target_kb,
		 struct err *err)
{
	uint64_t target;

	if (want_kb <= now->video_kb)
		return fail(err, EINVAL, "domain %u: %" PRIu64 " KiB is not more than its video "
			    "memory, %" PRIu64 " KiB", now->domid, want_kb, now->video_kb);
	target = want_kb - now->video_kb;
	if (target > now->static_max_kb)
		return fail(err, EINVAL, "domain %u: %" PRIu64 " MiB is more than its maximum, %"
			    PRIu64 " MiB (maxmem, or mem-max)", now->domid, target / 1024,
			    now->static_max_kb / 1024);
	if (now->domid == 0 && target < BALLOON_DOM0_MIN_KB)
		return fail(err, EINVAL, "domain 0 cannot run with less than %d MiB",
			    BALLOON_DOM0_MIN_KB / 1024);
	*target_kb = target;
	return 0;
}

static int memory_path(char *path, size_t size, uint32_t domid, const char *node)
{
	return snprintf(path, size, "/local/domain/%u/memory/%s", domid, node);
}

static int memory_read(struct xen *xen, const struct store_txn *txn, uint32_t domid,
		       const char *node, uint64_t *kb, struct err *err)
{
	char path[64];

	memory_path(path, sizeof(path), domid, node);
	return store_read_u64(xen, txn, path, kb, err);
}

static int memory_write(struct xen *xen, const struct store_txn *txn, uint32_t domid,
			const char *node, uint64_t kb, struct err *err)
{
	char path[64], text[24];

	memory_path(path, sizeof(path), domid, node);
	snprintf(text, sizeof(text), "%" PRIu64, kb);
	return store_write(xen, txn, path, text, err);
}

/* Nobody has written dom0's nodes until a toolstack first wants them. */
static int read_or_init(struct xen *xen, const struct store_txn *txn, uint32_t domid,
			const char *node, uint64_t dom0_kb, uint64_t *kb, struct err *err)
{
	int rc = memory_read(xen, txn, domid, node, kb, err);

	if (rc != -ENOENT || domid != 0)
		return rc;
	*kb = dom0_kb;
	return memory_write(xen, txn, domid, node, dom0_kb, err);
}

static int balloon_read(struct xen *xen, const struct store_txn *txn,
			const struct domctl_info *info, struct balloon *now, struct err *err)
{
	int rc;

	*now = (struct balloon){ .domid = info->domid };
	rc = read_or_init(xen, txn, info->domid, "target", info->nr_pages * 4, &now->target_kb,
			  err);
	if (rc == 0)
		rc = read_or_init(xen, txn, info->domid, "static-max", info->max_pages * 4,
				  &now->static_max_kb, err);
	if (rc == 0)
		rc = memory_read(xen, txn, info->domid, "videoram", &now->video_kb, err);
	return rc == -ENOENT && now->static_max_kb ? 0 : rc;
}

int domain_get_memory(struct xen *xen, uint32_t domid, uint64_t *size_kb, struct err *err)
{
	struct domctl_info info;
	uint64_t target_kb, video_kb = 0;
	int rc = domctl_info(xen, domid, &info, err);

	if (rc < 0)
		return rc;
	*size_kb = info.nr_pages * 4;
	rc = memory_read(xen, NULL, domid, "target", &target_kb, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	rc = memory_read(xen, NULL, domid, "videoram", &video_kb, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	*size_kb = target_kb + video_kb;
	return 0;
}

/* Xen's limit first: a guest that sees a larger target may take it at once. */
static int enforce(struct xen *xen, const struct domctl_info *info, const struct balloon *now,
		   uint64_t target_kb, struct err *err)
{
	int rc = domctl_set_max_mem(xen, info->domid,
				    target_kb + now->video_kb + BALLOON_SLACK_KB, err);

	/* dom0 as a PVH guest is not populated on demand. */
	if (rc == 0 && info->hvm && info->domid != 0)
		rc = domctl_set_pod_target(xen, info->domid, (target_kb + BALLOON_SLACK_KB) / 4,
					   err);
	return rc;
}

/* One try; -EAGAIN when somebody else's change came between. */
static int try_set(struct xen *xen, const struct domctl_info *info, uint64_t want_kb,
		   struct err *err)
{
	scoped(store_txn) struct store_txn txn = STORE_TXN_INIT;
	char uuid[37], path[64], text[24];
	struct balloon now;
	uint64_t target;
	int rc;

	rc = store_txn_start(xen, &txn, err);
	if (rc == 0)
		rc = balloon_read(xen, &txn, info, &now, err);
	if (rc == 0)
		rc = balloon_plan(&now, want_kb, &target, err);
	if (rc == 0)
		rc = enforce(xen, info, &now, target, err);
	if (rc == 0)
		rc = memory_write(xen, &txn, info->domid, "target", target, err);
	if (rc < 0)
		return rc;
	userdata_format_uuid(info->uuid, uuid);
	snprintf(path, sizeof(path), "/vm/%s/memory", uuid);
	snprintf(text, sizeof(text), "%" PRIu64, target / 1024);
	rc = store_write(xen, &txn, path, text, err);
	if (rc == 0)
		rc = store_txn_commit(&txn, err);
	return rc;
}

/* The lock that libxl holds meanwhile, and the domain that is still there under it. */
static int lock_domain(struct xen *xen, uint32_t domid, struct domctl_info *info,
		       struct userdata_lock *lock, struct err *err)
{
	struct userdata ud = { .domid = domid };
	int rc = domctl_info(xen, domid, info, err);

	if (rc < 0)
		return rc;
	memcpy(ud.uuid, info->uuid, sizeof(ud.uuid));
	rc = userdata_lock(&ud, lock, err);
	if (rc == 0)
		rc = domctl_info(xen, domid, info, err);
	return rc;
}

int domain_set_memory(struct xen *xen, uint32_t domid, uint64_t want_kb, struct err *err)
{
	scoped(userdata_lock) struct userdata_lock lock = USERDATA_LOCK_INIT;
	struct domctl_info info;
	int rc = lock_domain(xen, domid, &info, &lock, err);

	if (rc < 0)
		return rc;
	do
		rc = try_set(xen, &info, want_kb, err);
	while (rc == -EAGAIN);
	return rc;
}

int domain_set_max_memory(struct xen *xen, uint32_t domid, uint64_t max_kb, struct err *err)
{
	scoped(userdata_lock) struct userdata_lock lock = USERDATA_LOCK_INIT;
	struct domctl_info info;
	uint64_t target;
	int rc = lock_domain(xen, domid, &info, &lock, err);

	if (rc == 0)
		rc = memory_read(xen, NULL, domid, "target", &target, err);
	if (rc < 0)
		return rc;
	if (max_kb < target)
		return fail(err, EINVAL, "domain %u: %" PRIu64 " MiB is less than its current "
			    "target, %" PRIu64 " MiB (mem-set)", domid, max_kb / 1024,
			    target / 1024);
	rc = domctl_set_max_mem(xen, domid, max_kb + BALLOON_SLACK_KB, err);
	if (rc == 0)
		rc = memory_write(xen, NULL, domid, "static-max", max_kb, err);
	return rc;
}

/*
 * A guest may keep a few pages more or less than the target: what it cannot return and what Xen gave
 * it on top. Linux (drivers/xen/xen-balloon.c, target_diff) takes the target, which is without the
 * video memory, for all that it has.
 */
static bool reached(uint64_t have_kb, uint64_t want_kb, uint64_t video_kb)
{
	const uint64_t slack = 2 * BALLOON_SLACK_KB;

	return have_kb + video_kb + slack >= want_kb && have_kb <= want_kb + slack;
}

int domain_wait_memory(struct xen *xen, uint32_t domid, uint64_t want_kb, int stall_ms,
		       balloon_progress progress, void *arg, struct err *err)
{
	enum { STEP_MS = 100 };		/* Xen tells nobody when a domain's size changes */
	int64_t deadline = wait_deadline(stall_ms);
	struct pollfd none = { .fd = -1 };
	uint64_t last_kb = 0, video_kb = 0;
	int rc = memory_read(xen, NULL, domid, "videoram", &video_kb, err);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	for (;;) {
		struct domctl_info info;
		uint64_t have_kb;

		rc = domctl_info(xen, domid, &info, err);
		if (rc < 0)
			return rc;
		have_kb = info.nr_pages * 4;
		if (progress)
			progress(have_kb, want_kb, arg);
		if (reached(have_kb, want_kb, video_kb))
			return 0;
		if (info.shutdown || info.dying)
			return fail(err, ENOENT, "domain %u has shut down", domid);
		if (have_kb != last_kb)
			deadline = wait_deadline(stall_ms);
		last_kb = have_kb;
		if (wait_now_ms() >= deadline)
			return fail(err, ETIMEDOUT, "domain %u stays at %" PRIu64 " MiB and does "
				    "not follow to %" PRIu64 " MiB", domid, have_kb / 1024,
				    want_kb / 1024);
		rc = wait_poll(&none, 0, wait_deadline(STEP_MS));
		if (rc == -EINTR)
			return fail(err, EINTR, "interrupted; the target stays set");
	}
}
