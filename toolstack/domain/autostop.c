/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* autostart_stop: all guests asked at once, one deadline for all. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "autostart.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/wait.h"
#include "lifecycle.h"
#include "list.h"
#include "runfile.h"
#include "xen/domctl.h"

/* How long the supervisor may take to put away what has ended; what is kept stays. */
enum { TIDY_MS = 10000, LOOK_MS = 20 };

static bool is_listed(const struct domain_entry *entry, const struct autostart *list)
{
	if (entry->info.domid == 0)
		return false;
	for (size_t i = 0; list && entry->name && i < list->nr; i++) {
		if (list->guests[i].name && strcmp(list->guests[i].name, entry->name) == 0)
			return true;
	}
	return !list;
}

static bool wanted(const struct domain_entry *entry, const struct autostart *list)
{
	return is_listed(entry, list) && !entry->info.dying && !entry->info.shutdown;
}

static void report(const struct lifecycle_target *target)
{
	if (target->gone)
		log_info("domain %u is gone", target->domid);
	else
		log_info("domain %u has shut down", target->domid);
}

/* Asks those that are wanted; targets has room for all. A guest that cannot be asked counts too. */
static size_t ask_all(struct xen *xen, const struct domain_list *domains,
		      const struct autostart *list, struct lifecycle_target *targets)
{
	size_t nr = 0;

	for (size_t i = 0; i < domains->nr; i++) {
		const struct domain_entry *entry = &domains->items[i];
		struct lifecycle_target *target = &targets[nr];
		struct err err;

		if (!wanted(entry, list))
			continue;
		log_info("%s: shutting down (domain %u)", entry->name ? entry->name : "(null)",
			 entry->info.domid);
		if (lifecycle_ask(xen, entry->info.domid, LIFECYCLE_POWEROFF, true, target,
				  &err) < 0) {
			log_warn("domain %u: %s", entry->info.domid, err.msg);
			*target = (struct lifecycle_target){ .domid = entry->info.domid };
			memcpy(target->uuid, entry->info.uuid, sizeof(target->uuid));
		}
		nr++;
	}
	return nr;
}

/* Names who has not ended; those that are destroyed count as ended. */
static size_t see_to_late(struct xen *xen, const struct lifecycle_target *targets, size_t nr,
			  const struct autostart_stop *how)
{
	size_t nr_late = 0;

	for (size_t i = 0; i < nr; i++) {
		struct err err;

		if (targets[i].ended)
			continue;
		log_warn("domain %u has not shut down in %d s%s", targets[i].domid,
			 how->timeout_ms / 1000, how->destroy ? ": destroying it" : "");
		if (how->destroy && how->destroy(xen, targets[i].domid, &err) == 0)
			continue;
		if (how->destroy)
			log_warn("domain %u: %s", targets[i].domid, err.msg);
		nr_late++;
	}
	return nr_late;
}

/* The supervisor has yet to see to its end, or to restart it: it is held back. */
static bool is_left(struct xen *xen, const struct domain_entry *entry)
{
	struct runfile_record record;
	struct domctl_info info;
	struct err ignored;	/* it is gone, or not ours */

	return runfile_read(RUNFILE_DIR, entry->name, &record, &ignored) == 0 &&
	       !record.creating && !record.unwatched && record.domid == entry->info.domid &&
	       domctl_info(xen, record.domid, &info, &ignored) == 0 && !info.dying &&
	       info.shutdown && info.shutdown_reason != DOMCTL_SUSPEND;
}

static bool may_return(struct xen *xen, const struct domain_entry *entry,
		       const struct autostart_stop *how)
{
	return runfile_has_end(RUNFILE_DIR, entry->name) || (how->attended() && is_left(xen, entry));
}

static bool is_late(const struct domain_entry *entry, const struct lifecycle_target *targets,
		    size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (targets[i].domid == entry->info.domid && !targets[i].ended)
			return true;
	}
	return false;
}

/*
 * Waits for those whom somebody restarts now, or later: how many still are at the deadline and could
 * not be destroyed. *asked, those in targets, grows by those of them that did not run when all were.
 */
static size_t wait_for_ends(struct xen *xen, const struct domain_list *domains,
			    const struct autostart *list, const struct autostart_stop *how,
			    const struct lifecycle_target *targets, int64_t deadline,
			    size_t *asked)
{
	size_t nr = 0, nr_targets = *asked;
	struct err err;

	runfile_sweep_ends(RUNFILE_DIR);
	for (size_t i = 0; i < domains->nr; i++) {
		const struct domain_entry *entry = &domains->items[i];

		if (!entry->name || !is_listed(entry, list) ||
		    is_late(entry, targets, nr_targets) || !may_return(xen, entry, how))
			continue;
		*asked += !wanted(entry, list);
		while (may_return(xen, entry, how) && wait_now_ms() < deadline &&
		       wait_poll(NULL, 0, wait_deadline(LOOK_MS)) == -ETIMEDOUT)
			continue;
		if (wait_interrupted())
			break;
		if (!may_return(xen, entry, how) || (how->destroy && is_left(xen, entry) &&
		    how->destroy(xen, entry->info.domid, &err) == 0))
			continue;
		log_warn("'%s' is being restarted", entry->name);
		nr++;
	}
	return nr;
}

/* Asks who runs now, and waits: how many they were with those being restarted, 0: none is left. */
static int stop_round(struct xen *xen, const struct autostart *list,
		      const struct autostart_stop *how, int64_t deadline, struct err *err)
{
	scoped(domain_list) struct domain_list domains = DOMAIN_LIST_INIT;
	scoped(free) struct lifecycle_target *targets = NULL;
	int64_t left = deadline - wait_now_ms(), tidy;
	struct err unused;
	size_t nr, nr_late = 0;
	int rc = domain_list_all(xen, &domains, err);

	if (rc < 0)
		return rc;
	targets = calloc(domains.nr + 1, sizeof(*targets));
	if (!targets)
		return fail_nomem(err);
	nr = ask_all(xen, &domains, list, targets);
	rc = lifecycle_wait(xen, targets, nr, LIFECYCLE_ENDED, left > 0 ? (int)left : 0, report, err);
	if (rc < 0 && rc != -EINTR && rc != -ETIMEDOUT)
		return rc;
	if (rc == -ETIMEDOUT)
		nr_late = see_to_late(xen, targets, nr, how);
	else if (rc == 0 &&
		 lifecycle_wait(xen, targets, nr, LIFECYCLE_GONE, TIDY_MS, report, &unused) < 0)
		log_info("what has ended and is kept stays");
	/* Who is to be destroyed has to be there first. */
	tidy = how->destroy ? wait_deadline(TIDY_MS) : deadline;
	if (rc != -EINTR)
		nr_late += wait_for_ends(xen, &domains, list, how, targets,
					 tidy > deadline ? tidy : deadline, &nr);
	if (rc == -EINTR || wait_interrupted())
		return fail(err, EINTR, "interrupted; the guests go on shutting down");
	if (nr_late)
		return fail(err, ETIMEDOUT, "%zu of %zu guests have not shut down", nr_late, nr);
	return (int)nr;
}

int autostart_stop(struct xen *xen, const struct autostart *list,
		   const struct autostart_stop *how, struct err *err)
{
	int64_t deadline = wait_deadline(how->timeout_ms);
	int rc = wait_catch_interrupts(err);

	if (rc < 0)
		return rc;
	/* A guest that restarted meanwhile is another domain. */
	do {
		rc = stop_round(xen, list, how, deadline, err);
	} while (rc > 0);
	return rc;
}
