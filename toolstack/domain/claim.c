/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "claim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "config/config.h"
#include "destroy.h"
#include "lookup.h"
#include "runfile.h"
#include "xen/domctl.h"

static const struct runfile_entry *find_ours(const struct runfile_entry *ours, size_t nr,
					     const struct domctl_info *info)
{
	for (size_t i = 0; i < nr; i++) {
		if (!ours[i].record.creating && ours[i].record.domid == info->domid &&
		    memcmp(ours[i].record.uuid, info->uuid, 16) == 0)
			return &ours[i];
	}
	return NULL;
}

/*
 * Our own domain's file answers "not this name" alone. Where it says "this name", and for
 * others' domains, the store does: another toolstack may have renamed it.
 */
static int has_name(struct xen *xen, const struct domctl_info *info,
		    const struct runfile_entry *ours, const char *name, bool *yes,
		    struct err *err)
{
	scoped(free) char *stored = NULL;
	int rc;

	*yes = false;
	if (ours && strcmp(ours->name, name) != 0)
		return 0;
	rc = domain_get_name(xen, info->domid, &stored, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	*yes = strcmp(stored, name) == 0;
	return 0;
}

int claim_check(struct xen *xen, const char *name, const uint8_t uuid[16], struct err *err)
{
	scoped(free) struct domctl_info *list = NULL;
	struct runfile_entry *ours = NULL;
	size_t nr, nr_ours = 0;
	int rc;

	rc = domctl_list(xen, &list, &nr, err);
	if (rc < 0)
		return rc;
	rc = runfile_list(RUNFILE_DIR, &ours, &nr_ours, err);
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		bool taken = false;

		rc = has_name(xen, &list[i], find_ours(ours, nr_ours, &list[i]), name, &taken,
			      err);
		if (rc == 0 && taken)
			rc = fail(err, EEXIST, "a domain called '%s' exists already (domain %u)",
				  name, list[i].domid);
		else if (rc == 0 && !list[i].dying && memcmp(list[i].uuid, uuid, 16) == 0)
			rc = fail(err, EEXIST, "domain %u has the same uuid already",
				  list[i].domid);
	}
	runfile_list_free(ours, nr_ours);
	return rc;
}

/* Another toolstack gave the domain of this record another name: its file follows. */
static int follow_rename(struct xen *xen, const struct runfile_record *record, struct err *err)
{
	scoped(runfile) struct runfile rf = RUNFILE_INIT;
	scoped(free) char *name = NULL;
	struct runfile_record old;
	struct domctl_info info;
	bool found;
	int rc;

	rc = domctl_info(xen, record->domid, &info, err);
	if (rc == 0 && memcmp(info.uuid, record->uuid, sizeof(info.uuid)) == 0)
		rc = domain_get_name(xen, record->domid, &name, err);
	if (rc < 0 || !name)
		return rc == -ENOENT ? 0 : rc;	/* gone: the file was stale */
	/* A name that ours cannot have names no file either. */
	if (config_check_name(name, err) < 0)
		return 0;
	rc = runfile_lock(RUNFILE_DIR, name, &rf, &found, &old, err);
	if (rc == 0)
		rc = runfile_write(&rf, record, err);
	if (rc == 0)
		runfile_unlock(&rf);
	return rc;
}

int claim_name(struct xen *xen, const char *name, const uint8_t uuid[16], bool patient,
	       struct runfile *rf, struct err *err)
{
	struct runfile_record record = { .creating = true };
	struct runfile_record old;
	bool found;
	uint32_t debris;
	int rc;

	rc = patient ? runfile_lock_patiently(RUNFILE_DIR, name, rf, &found, &old, err) :
		runfile_lock(RUNFILE_DIR, name, rf, &found, &old, err);
	if (rc < 0)
		return rc;
	if (found && old.creating) {
		rc = domain_reap(xen, &old, &debris, err);
		if (rc < 0) {
			/* Still there, so its record stays as well. */
			runfile_unlock(rf);
			return fail_in(err, "removing what an interrupted create left");
		}
		/* From here on the file is ours alone: nothing stands behind the old record. */
		found = false;
	}
	rc = claim_check(xen, name, uuid, err);
	if (rc < 0) {
		/* A live domain's file stays. */
		if (found)
			runfile_unlock(rf);
		return rc;
	}
	if (found) {
		rc = follow_rename(xen, &old, err);
		if (rc < 0) {
			runfile_unlock(rf);
			return rc;
		}
	}
	memcpy(record.uuid, uuid, sizeof(record.uuid));
	return runfile_write(rf, &record, err);
}
