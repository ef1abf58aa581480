/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "intent.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "domain/runfile.h"

#define SUFFIX RUNFILE_RESTART_SUFFIX

void scoped_intent(struct intent *intent)
{
	json_decref(intent->config);
	intent->config = NULL;
}

static char *intent_path(const char *dir, const char *name)
{
	return str_format("%s/%s" SUFFIX, dir, name);
}

int intent_write(const char *dir, const char *name, const struct intent *intent, struct err *err)
{
	scoped(free) char *path = intent_path(dir, name), *text = NULL;
	scoped(json) json_t *json = NULL;
	char uuid[37], aside[37];
	int rc;

	uuid_unparse_lower(intent->uuid, uuid);
	uuid_unparse_lower(intent->aside.uuid, aside);
	json = json_pack("{s:I s:s s:I s:b s:I s:o s:s s:O}", "domid", (json_int_t)intent->domid,
			 "uuid", uuid, "restarts", (json_int_t)intent->restarts,
			 "soft_reset", intent->soft_reset, "reason", (json_int_t)intent->reason,
			 "aside", json_text(intent->aside.name), "aside_uuid", aside,
			 "config", intent->config);
	if (!path)
		return fail_nomem(err);
	rc = json ? json_to_text(json, &text, err) : fail_nomem(err);
	if (rc == 0)
		rc = file_replace_synced(path, text, strlen(text), 0600, err);
	/* One that may not be on disk is followed by nobody, nor is the one before it. */
	if (rc < 0)
		unlink(path);
	return rc;
}

static int parse(json_t *json, struct intent *intent)
{
	const char *uuid, *aside, *aside_uuid;
	json_int_t domid, restarts, reason = 0;
	int soft_reset = 0;		/* older records do not say it */
	json_t *config;

	if (json_unpack(json, "{s:I s:s s:I s?b s?I s:s s:s s:O}", "domid", &domid, "uuid", &uuid,
			"restarts", &restarts, "soft_reset", &soft_reset, "reason", &reason,
			"aside", &aside, "aside_uuid", &aside_uuid, "config", &config) < 0)
		return -EINVAL;
	intent->config = config;
	if (uuid_parse(uuid, intent->uuid) < 0 || uuid_parse(aside_uuid, intent->aside.uuid) < 0 ||
	    strlen(aside) >= sizeof(intent->aside.name) || !json_is_object(config))
		return -EINVAL;
	intent->domid = (uint32_t)domid;
	intent->restarts = (unsigned int)restarts;
	intent->soft_reset = soft_reset;
	intent->reason = (unsigned int)reason;
	strcpy(intent->aside.name, aside);
	return 0;
}

int intent_read(const char *dir, const char *name, struct intent *intent, struct err *err)
{
	scoped(bytes) struct bytes text = BYTES_INIT;
	scoped(free) char *path = intent_path(dir, name);
	scoped(json) json_t *json = NULL;
	int rc;

	if (!path)
		return fail_nomem(err);
	rc = file_read(path, JSON_MAX_BYTES, &text, err);
	if (rc == 0)
		rc = json_from_text(text.data, text.len, &json, err);
	if (rc == 0 && parse(json, intent) < 0)
		rc = fail(err, EINVAL, "it is no record of a restart");
	return rc < 0 && rc != -ENOENT ? fail_in(err, "'%s'", path) : rc;
}

bool intent_exists(const char *dir, const char *name)
{
	scoped(free) char *path = intent_path(dir, name);

	return path && access(path, F_OK) == 0;
}

void intent_remove(const char *dir, const char *name)
{
	scoped(free) char *path = intent_path(dir, name);

	if (path)
		unlink(path);
}

int intent_list(const char *dir, char ***out, size_t *out_nr, struct err *err)
{
	DIR *d = opendir(dir);
	char **names = NULL;
	struct dirent *de;
	size_t nr = 0;
	int rc = 0;

	if (!d && errno != ENOENT)
		return fail_sys(err, errno, "cannot list '%s'", dir);
	while (d && rc == 0 && (de = readdir(d))) {
		size_t len = str_stem(de->d_name, SUFFIX);
		char **grown;

		if (!len)
			continue;
		grown = reallocarray(names, nr + 1, sizeof(*grown));
		if (grown) {
			names = grown;
			names[nr] = strndup(de->d_name, len);
		}
		if (grown && names[nr])
			nr++;
		else
			rc = fail_nomem(err);
	}
	if (d)
		closedir(d);
	*out = names;
	*out_nr = nr;
	return rc;
}

int intent_find(const char *dir, const uint8_t uuid[16], char **name, struct err *err)
{
	char **names = NULL;
	size_t nr = 0;
	int rc = intent_list(dir, &names, &nr, err);

	*name = NULL;
	for (size_t i = 0; i < nr; i++) {
		scoped(intent) struct intent intent = INTENT_INIT;
		struct err ignored;	/* it is nobody's */

		if (!*name && intent_read(dir, names[i], &intent, &ignored) == 0 &&
		    memcmp(intent.uuid, uuid, sizeof(intent.uuid)) == 0)
			*name = names[i];
		else
			free(names[i]);
	}
	free(names);
	return rc;
}
