/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "config/cfg.h"
#include "config/config.h"
#include "domain/destroy.h"
#include "domain/ending.h"
#include "domain/lookup.h"
#include "domain/runfile.h"
#include "domain/userdata.h"
#include "events.h"
#include "supervisor.h"
#include "xen/domctl.h"

enum { PATH_LEN = 512, WORDS_MOST = 64 };

/* "-F", "-qF"... of the options of create that xl and xlite have; after "f" comes the file. */
static bool stays(const char *word)
{
	size_t letters = strcspn(word, "f");

	return word[1] != '-' && strcspn(word, "Fc") < letters;
}

/* "-fFILE", "-qfFILE", "--defconfig=FILE" and that shortened; NULL: the file is another word. */
static const char *file_within(const char *word)
{
	const char *at = strchr(word, word[1] == '-' ? '=' : 'f');

	if (!at || !at[1] || (word[1] == '-' && strncmp(word, "--def", 5) != 0))
		return NULL;
	return at + 1;
}

/* The name that a create's file and settings give. */
static bool gives_name(const char *const *settings, size_t nr, const char *path, const char *name)
{
	scoped(cfg) struct cfg cfg = CFG_INIT;
	const struct cfg_setting *s;
	struct err ignored;	/* a file that is gone or bad says nothing */

	if (path && cfg_parse_file(&cfg, path, &ignored) < 0)
		return false;
	if (cfg_parse_words(&cfg, settings, nr, &ignored) < 0)
		return false;
	s = cfg_find(&cfg, "name");
	return s && s->value.kind == CFG_ATOM && strcmp(s->value.text, name) == 0;
}

bool monitor_stays_for(const char *words, size_t len, const char *cwd, const char *name)
{
	const char *settings[WORDS_MOST], *file = NULL, *within;
	scoped(free) char *path = NULL;
	bool create = false, foreground = false;
	size_t nr = 0;

	for (const char *word = words; word < words + len && *word; word += strlen(word) + 1) {
		if (!create) {
			create = word != words && str_starts("create", word);
		} else if (*word == '-') {
			foreground |= stays(word);
			within = file_within(word);
			file = within ? within : file;
		} else if (strchr(word, '=') && nr < WORDS_MOST) {
			settings[nr++] = word;
		} else if (!file) {
			file = word;
		}
	}
	if (!create || !foreground)
		return false;
	if (file)
		path = *file == '/' ? strdup(file) : str_format("%s/%s", cwd, file);
	return gives_name(settings, nr, path, name);
}

/* libxl_create_logfile() in tools/libs/light; of a guest that is migrated in, "NAME--incoming". */
static bool writes_log_of(const char *proc, const char *pid, const char *name)
{
	scoped(free) char *fd = str_format("%s/%s/fd/1", proc, pid);
	scoped(free) char *log = str_format("/var/log/xen/xl-%s.log", name);
	scoped(free) char *incoming = str_format("/var/log/xen/xl-%s--incoming.log", name);
	char target[PATH_LEN];
	ssize_t n = fd ? readlink(fd, target, sizeof(target) - 1) : -1;

	if (n < 0 || !log || !incoming)
		return false;
	target[n] = '\0';
	return strcmp(target, log) == 0 || strcmp(target, incoming) == 0;
}

static bool looks_after(const char *proc, const char *pid, const char *name)
{
	scoped(free) char *comm = str_format("%s/%s/comm", proc, pid);
	scoped(free) char *cmdline = str_format("%s/%s/cmdline", proc, pid);
	scoped(free) char *cwd = str_format("%s/%s/cwd", proc, pid);
	char text[32], words[4096] = "";

	/* What cannot be read has just ended. */
	if (!comm || !cmdline || !cwd || file_read_line(comm, text, sizeof(text)) < 0 ||
	    (strcmp(text, "xl") != 0 && strcmp(text, "xlite") != 0))
		return false;
	if (writes_log_of(proc, pid, name))
		return true;
	return file_read_line(cmdline, words, sizeof(words) - 1) == 0 &&
	       monitor_stays_for(words, sizeof(words), cwd, name);
}

pid_t monitor_find(const char *proc, const char *name)
{
	DIR *d = opendir(proc);
	struct dirent *de;
	pid_t found = 0;

	while (d && !found && (de = readdir(d))) {
		if (str_is_digits(de->d_name) && atoi(de->d_name) != getpid() &&
		    looks_after(proc, de->d_name, name))
			found = atoi(de->d_name);
	}
	if (d)
		closedir(d);
	return found;
}

/* libvirt's driver keeps its own config of a guest among libxl's files. */
static bool is_libvirts(uint32_t domid, const uint8_t uuid[16])
{
	char path[128], text[37];

	uuid_unparse_lower(uuid, text);
	snprintf(path, sizeof(path), USERDATA_DIR "/userdata-d.%u.%s.libvirt-xml", domid, text);
	return access(path, F_OK) == 0;
}

bool monitor_attends(const struct domctl_info *info, const char *name)
{
	struct runfile_record record;
	struct err ignored;	/* no record: not ours */

	if (name && runfile_read(RUNFILE_DIR, name, &record, &ignored) == 0 &&
	    !record.unwatched && record.domid == info->domid)
		return true;
	return (name && monitor_find("/proc", name)) || is_libvirts(info->domid, info->uuid);
}

/* What it does at its end must be known. */
static int check_config(struct xen *xen, uint32_t domid, struct err *err)
{
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	scoped(json) json_t *json = NULL;

	return ending_config(xen, domid, &config, &json, err);
}

static int check_nobody(const char *name, const struct domctl_info *info, struct err *err)
{
	pid_t pid = monitor_find("/proc", name);

	if (pid)
		return fail(err, EBUSY, "domain %u ('%s') is looked after by process %d, which "
			    "would act at its end as well", info->domid, name, (int)pid);
	if (is_libvirts(info->domid, info->uuid))
		return fail(err, EBUSY, "domain %u ('%s') is libvirt's", info->domid, name);
	return 0;
}

/* The record of one that another toolstack has made, or one that says "alone". */
static int take_over(struct xen *xen, const char *name, const struct domctl_info *info,
		     struct err *err)
{
	struct runfile_record old, record = { .domid = info->domid, .started = time(NULL) };
	struct runfile rf = RUNFILE_INIT;
	bool found, same;
	uint32_t debris;
	int rc = runfile_lock(RUNFILE_DIR, name, &rf, &found, &old, err);

	if (rc < 0)
		return rc;
	memcpy(record.uuid, info->uuid, sizeof(record.uuid));
	same = found && old.domid == record.domid && memcmp(old.uuid, record.uuid, 16) == 0;
	if (same && !old.creating && !old.unwatched)
		rc = fail(err, EALREADY, "domain %u ('%s') is looked after already", info->domid, name);
	/* Nobody would find what a killed create of that name left. */
	else if (found && !same && old.creating)
		rc = domain_reap(xen, &old, &debris, err);
	if (rc == 0)
		rc = runfile_write(&rf, &record, err);
	runfile_unlock(&rf);
	return rc;
}

int monitor_adopt(struct xen *xen, uint32_t domid, struct err *err)
{
	scoped(free) char *name = NULL;
	struct domctl_info info;
	int rc = domctl_info(xen, domid, &info, err);

	if (rc == 0 && (domid == 0 || info.dying))
		rc = fail(err, EINVAL, "domain %u is %s", domid, domid ? "dying" : "no guest");
	if (rc == 0)
		rc = domain_get_name(xen, domid, &name, err);
	if (rc == 0)
		rc = config_check_name(name, err);
	if (rc == 0)
		rc = check_nobody(name, &info, err);
	if (rc == 0)
		rc = check_config(xen, domid, err);
	if (rc == 0)
		rc = take_over(xen, name, &info, err);
	if (rc < 0)
		return rc;
	event_add("watched", name, domid, "%s", "");
	return supervisor_ensure(err);
}
