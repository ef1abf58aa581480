/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "userdata.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"

#define JSON_KIND "libxl-json"

void userdata_format_uuid(const uint8_t u[16], char text[37])
{
	snprintf(text, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
		 u[13], u[14], u[15]);
}

static const char *userdata_dir(const struct userdata *ud)
{
	return ud->dir ? ud->dir : USERDATA_DIR;
}

static char *userdata_path(const struct userdata *ud, const char *class, const char *kind)
{
	char uuid[37];

	userdata_format_uuid(ud->uuid, uuid);
	return str_format("%s/userdata-%s.%u.%s.%s", userdata_dir(ud), class, ud->domid, uuid,
			  kind);
}

static int take_lock(const struct userdata *ud, const char *kind, struct userdata_lock *lock,
		     struct err *err)
{
	scoped(free) char *path = userdata_path(ud, "l", kind);
	int rc;

	if (!path)
		return fail_nomem(err);
	rc = file_mkdirs(userdata_dir(ud), 0755, err);
	if (rc == 0)
		rc = file_lock(path, 1, &lock->fd, err);
	if (rc == 0)
		lock->path = take(path);
	return rc;
}

int userdata_lock(const struct userdata *ud, struct userdata_lock *lock, struct err *err)
{
	scoped(free) char *half = userdata_path(ud, "d", JSON_KIND FILE_REPLACE_SUFFIX);
	int rc = half ? take_lock(ud, "domain-userdata-lock", lock, err) : fail_nomem(err);

	/* Of one that was killed while it wrote. */
	if (rc == 0)
		unlink(half);
	return rc;
}

int userdata_lock_changes(const struct userdata *ud, struct userdata_lock *lock, struct err *err)
{
	return take_lock(ud, "libxl-device-changes-lock", lock, err);
}

void scoped_userdata_lock(struct userdata_lock *lock)
{
	int saved = errno;

	/* Unlink first: who waits for this lock then sees that its file is gone. */
	if (lock->fd >= 0)
		unlink(lock->path);
	scoped_fd(&lock->fd);
	free(lock->path);
	*lock = (struct userdata_lock)USERDATA_LOCK_INIT;
	errno = saved;
}

int userdata_read_bytes(const struct userdata *ud, const char *kind, size_t max,
			struct bytes *out, struct err *err)
{
	scoped(free) char *path = userdata_path(ud, "d", kind);

	return path ? file_read(path, max, out, err) : fail_nomem(err);
}

int userdata_write_bytes(const struct userdata *ud, const char *kind, const void *data,
			 size_t len, struct err *err)
{
	scoped(free) char *path = userdata_path(ud, "d", kind);
	int rc = path ? file_mkdirs(userdata_dir(ud), 0755, err) : fail_nomem(err);

	return rc < 0 ? rc : file_replace(path, data, len, 0600, err);
}

int userdata_read(const struct userdata *ud, struct json_t **json, struct err *err)
{
	scoped(free) char *path = userdata_path(ud, "d", JSON_KIND);
	scoped(bytes) struct bytes text = BYTES_INIT;
	int rc;

	if (!path)
		return fail_nomem(err);
	rc = userdata_read_bytes(ud, JSON_KIND, JSON_MAX_BYTES, &text, err);
	if (rc < 0)
		return rc;
	rc = json_from_text(text.data, strnlen(text.data, text.len), json, err);
	if (rc < 0)
		return fail_in(err, "%s", path);
	return 0;
}

int userdata_write(const struct userdata *ud, const struct json_t *json, struct err *err)
{
	scoped(free) char *text = NULL;
	int rc = json_to_text(json, &text, err);

	return rc < 0 ? rc : userdata_write_bytes(ud, JSON_KIND, text, strlen(text) + 1, err);
}

/* As glob() returns it. */
static int list_all(const struct userdata *ud, glob_t *found)
{
	scoped(free) char *pattern = userdata_path(ud, "?", "*");

	return pattern ? glob(pattern, GLOB_ERR, NULL, found) : GLOB_NOSPACE;
}

bool userdata_exists(const struct userdata *ud)
{
	glob_t found;

	if (list_all(ud, &found) != 0)
		return false;
	globfree(&found);
	return true;
}

int userdata_remove_all(const struct userdata *ud, struct err *err)
{
	glob_t found;
	int r, rc = 0;

	r = list_all(ud, &found);
	if (r == GLOB_NOMATCH)
		return 0;
	if (r != 0)
		return fail_sys(err, r == GLOB_NOSPACE ? ENOMEM : errno, "cannot list '%s'",
				userdata_dir(ud));
	for (size_t i = 0; i < found.gl_pathc && rc == 0; i++) {
		/* Once it is gone somebody else may make it anew: its holder removes it. */
		if (strstr(found.gl_pathv[i], ".domain-userdata-lock"))
			continue;
		if (unlink(found.gl_pathv[i]) < 0 && errno != ENOENT)
			rc = fail_sys(err, errno, "cannot remove '%s'", found.gl_pathv[i]);
	}
	globfree(&found);
	return rc;
}
