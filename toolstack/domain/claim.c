/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "claim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uuid/uuid.h>

#include "base/scope.h"
#include "destroy.h"
#include "lookup.h"
#include "runfile.h"
#include "userdata.h"
#include "xen/domctl.h"

/*
 * A rename by another toolstack rewrites the domain's JSON, which is then newer than our
 * run file: that name has to be read from the store.
 */
static bool record_is_current(const struct runfile_record *record)
{
	char path[128], uuid[37];
	struct stat st;

	uuid_unparse_lower(record->uuid, uuid);
	snprintf(path, sizeof(path), USERDATA_DIR "/userdata-d.%u.%s.libxl-json", record->domid,
		 uuid);
	if (stat(path, &st) < 0)
		return false;
	return st.st_mtim.tv_sec < record->written.tv_sec ||
		(st.st_mtim.tv_sec == record->written.tv_sec &&
		 st.st_mtim.tv_nsec <= record->written.tv_nsec);
}

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

static int has_name(struct xen *xen, const struct domctl_info *info,
		    const struct runfile_entry *ours, const char *name, bool *yes,
		    struct err *err)
{
	scoped(free) char *stored = NULL;
	int rc;

	if (ours && record_is_current(&ours->record)) {
		*yes = strcmp(ours->name, name) == 0;
		return 0;
	}
	rc = domain_get_name(xen, info->domid, &stored, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	*yes = rc == 0 && strcmp(stored, name) == 0;
	return 0;
}

static int check_domains(struct xen *xen, const char *name, const uint8_t uuid[16], struct err *err)
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

int claim_name(struct xen *xen, const char *name, const uint8_t uuid[16], struct runfile *rf,
	       struct err *err)
{
	struct runfile_record record = { .creating = true };
	struct runfile_record old;
	bool found;
	uint32_t debris;
	int rc;

	rc = runfile_lock(RUNFILE_DIR, name, rf, &found, &old, err);
	if (rc < 0)
		return rc;
	if (found && old.creating) {
		rc = domain_reap(xen, &old, &debris, err);
		if (rc < 0)
			return fail_in(err, "removing what an interrupted create left");
		/* From here on the file is ours alone: nothing stands behind the old record. */
		found = false;
	}
	rc = check_domains(xen, name, uuid, err);
	if (rc < 0) {
		/* A live domain's file stays. */
		if (found)
			runfile_unlock(rf);
		return rc;
	}
	memcpy(record.uuid, uuid, sizeof(record.uuid));
	return runfile_write(rf, &record, err);
}
