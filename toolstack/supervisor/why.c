/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "why.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "config/config.h"
#include "devices/device.h"
#include "domain/ending.h"
#include "domain/lookup.h"
#include "events.h"
#include "xen/domctl.h"
#include "xen/host.h"
#include "xen/store.h"
#include "xen/xen.h"

#define LOG_DIR "/var/log/xen"

/* Of a log's end, that much is looked at. */
enum { LOOK_BYTES = 64 * 1024, STAMP_LEN = 24 };

void scoped_why(struct why *why)
{
	for (size_t i = 0; i < why->nr; i++) {
		for (size_t k = 0; k < why->sources[i].nr; k++)
			free(why->sources[i].lines[k]);
		free(why->sources[i].lines);
		free(why->sources[i].from);
	}
	free(why->name);
	*why = (struct why)WHY_INIT;
}

static bool add_line(struct why_source *source, const char *text, size_t len)
{
	char shown[WHY_LINE_MOST];
	char *line = strdup(str_escape(text, len, shown, sizeof(shown)));
	char **lines = realloc(source->lines, (source->nr + 1) * sizeof(*lines));

	if (lines)
		source->lines = lines;
	if (!lines || !line) {
		free(line);
		return false;
	}
	lines[source->nr++] = line;
	return true;
}

static void drop_first(struct why_source *source)
{
	free(source->lines[0]);
	memmove(source->lines, source->lines + 1, --source->nr * sizeof(*source->lines));
}

bool why_tail(struct why_source *source, const char *text, size_t len, size_t most)
{
	size_t from = len, lines = 0;
	bool ok = true;

	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	for (from = len; from > 0; from--) {
		if (text[from - 1] == '\n' && ++lines == most)
			break;
	}
	while (from < len && ok) {
		const char *end = memchr(text + from, '\n', len - from);
		size_t next = end ? (size_t)(end - text) : len, cut = next;

		while (cut > from && text[cut - 1] == '\r')
			cut--;
		ok = add_line(source, text + from, cut - from);
		from = next + 1;
	}
	return ok;
}

/* Takes from (owned). A source that knows nothing is left out. */
static struct why_source *begin(struct why *why, const char *what, char *from)
{
	struct why_source *source = &why->sources[why->nr];

	*source = (struct why_source){ .what = what, .from = from };
	return source;
}

static int end(struct why *why, bool ok, struct err *err)
{
	struct why_source *source = &why->sources[why->nr];

	ok = ok && source->from;
	if (ok && source->nr) {
		why->nr++;
		return 0;
	}
	while (source->nr)
		free(source->lines[--source->nr]);
	free(source->lines);
	free(source->from);
	return ok ? 0 : fail_nomem(err);
}

/* Numbers begin anew with each. */
static time_t booted(void)
{
	struct timespec now, up;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return now.tv_sec - up.tv_sec;
}

static const char *stamp(time_t when, char buf[STAMP_LEN])
{
	struct tm tm;

	if (!localtime_r(&when, &tm) || !strftime(buf, STAMP_LEN, "%F %T", &tm))
		buf[0] = '\0';
	return buf;
}

/* Events: also how a name and a number that are gone belong together. */

struct event_search {
	struct why *why;
	const char *name;		/* NULL: by number */
	struct why_source *source;
	size_t most;
	time_t booted;
	bool ok;
};

static void see_event(const json_t *event, void *arg)
{
	struct event_search *search = arg;
	const char *name = json_string_value(json_object_get(event, "name"));
	const char *kind = json_string_value(json_object_get(event, "event"));
	const char *text = json_string_value(json_object_get(event, "text"));
	json_int_t domid = json_integer_value(json_object_get(event, "domid"));
	double when_s = json_number_value(json_object_get(event, "time"));
	scoped(free) char *line = NULL;
	char when[STAMP_LEN];

	if (!name || !kind || !search->ok ||
	    (search->name ? strcmp(name, search->name) != 0 :
	     domid != search->why->domid || when_s < (double)search->booted))
		return;
	if (!search->why->there && domid > 0 && domid <= XEN_DOMID_MAX) {
		search->why->domid = (uint32_t)domid;
		search->why->known_domid = true;
		search->why->known_number = when_s >= (double)search->booted;
		free(search->why->name);
		search->why->name = strdup(name);
	}
	stamp((time_t)when_s, when);
	line = str_format("%s  domain %lld  %s %s", when, (long long)domid, kind, text ? text : "");
	search->ok = line && add_line(search->source, line, strlen(line));
	if (search->source->nr > search->most)
		drop_first(search->source);
}

static int find_events(struct why *why, const char *name, size_t most, struct err *err)
{
	struct event_search search = {
		.why = why, .name = name, .most = most, .ok = true, .booted = booted(),
		.source = begin(why, "events", strdup(EVENTS_PATH)),
	};
	int rc = events_each(see_event, &search, err), ended = end(why, search.ok, err);

	return rc < 0 ? rc : ended;
}

/* Devices */

/* What is wrong with one, each with the node that says it. */
static int find_device(struct xen *xen, const struct device_entry *entry,
		       struct why_source *source, struct err *err)
{
	char own[96], theirs[96], label[64];
	scoped(free) char *hotplug = str_format("%s/hotplug-error", entry->backend);
	scoped(free) char *state = str_format("%s/state", entry->backend);
	const char *paths[] = { hotplug, own, theirs, state };
	char *values[ARRAY_SIZE(paths)];
	bool ok = true;
	int rc;

	/* drivers/xen/xenbus: xenbus_dev_error(), the backend's and the guest's. */
	snprintf(own, sizeof(own), "/local/domain/%u/error/backend/%s/%u/%u/error",
		 entry->backend_domid, entry->backend_kind, entry->domid, entry->devid);
	snprintf(theirs, sizeof(theirs), "/local/domain/%u/error/device/%s/%u/error",
		 entry->domid, entry->kind_name, entry->devid);
	if (!hotplug || !state)
		return fail_nomem(err);
	rc = store_read_many(paths, ARRAY_SIZE(paths), values, err);
	if (rc < 0)
		return rc;
	device_label(entry->kind, entry->devid, label, sizeof(label));
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		scoped(free) char *value = values[i], *line = NULL;
		uint64_t number = 0;

		if (!value || !*value)
			continue;
		if (i < 3)
			line = str_format("%s: %s (%s)", label, value, paths[i]);
		else if (str_to_u64(value, 16, &number) == 0 && number != 4)
			line = str_format("%s: backend is not connected, but %s (%s)", label,
					  device_state_name((unsigned int)number), paths[i]);
		else
			continue;
		ok = ok && line && add_line(source, line, strlen(line));
	}
	(void)xen;
	return ok ? 0 : fail_nomem(err);
}

static int find_devices(struct xen *xen, struct why *why, struct err *err)
{
	scoped(device_list) struct device_list list = DEVICE_LIST_INIT;
	struct why_source *source = begin(why, "devices", strdup("xenstore"));
	int rc = devices_list(xen, why->domid, &list, err), ended;

	for (size_t i = 0; i < list.nr && rc == 0; i++) {
		if (list.items[i].kind)
			rc = find_device(xen, &list.items[i], source, err);
	}
	ended = end(why, true, err);
	return rc < 0 ? rc : ended;
}

/* Xen's console */

static bool number_at(const char *text, size_t len, const char *number)
{
	size_t n = strlen(number);

	return len >= n && memcmp(text, number, n) == 0 &&
	       (len == n || !isdigit((unsigned char)text[n]));
}

bool why_xen_line(const char *line, size_t len, uint32_t domid)
{
	static const char *const words[] = { "domain ", "Domain ", "dom", "d" };
	char number[16];

	snprintf(number, sizeof(number), "%u", domid);
	for (size_t at = 0; at < len; at++) {
		if (at && isalnum((unsigned char)line[at - 1]))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
			size_t n = strlen(words[i]);

			if (len - at > n && memcmp(line + at, words[i], n) == 0 &&
			    number_at(line + at + n, len - at - n, number))
				return true;
		}
	}
	return false;
}

static int find_in_xen(struct xen *xen, struct why *why, size_t most, struct err *err)
{
	struct why_source *source = begin(why, "Xen", strdup("its console (dmesg)"));
	scoped(free) char *text = NULL;
	bool ok = true;
	size_t len = 0;
	int rc = host_console_ring(xen, false, &text, &len, err), ended;

	for (size_t from = 0; rc == 0 && ok && from < len;) {
		const char *newline = memchr(text + from, '\n', len - from);
		size_t next = newline ? (size_t)(newline - text) : len;

		if (why_xen_line(text + from, next - from, why->domid)) {
			ok = add_line(source, text + from, next - from);
			if (source->nr > most)
				drop_first(source);
		}
		from = next + 1;
	}
	ended = end(why, ok, err);
	return rc < 0 ? rc : ended;
}

/* Logs */

/* One that is not there, or no file, says nothing. */
static int find_log(struct why *why, const char *what, const char *path, time_t since, size_t most,
		    struct err *err)
{
	scoped(free) char *text = malloc(LOOK_BYTES);
	struct err unused;
	size_t size;
	scoped(fd) int fd = file_open_regular(path, &size, &unused);
	struct why_source *source;
	char when[STAMP_LEN], shown[WHY_LINE_MOST];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_mtime < since)
		return 0;
	if (!text)
		return fail_nomem(err);
	n = pread(fd, text, LOOK_BYTES, size > LOOK_BYTES ? (off_t)(size - LOOK_BYTES) : 0);
	source = begin(why, what, str_format("%s, %s", str_escape(path, strlen(path), shown,
							       sizeof(shown)),
					      stamp(st.st_mtime, when)));
	return end(why, why_tail(source, text, n > 0 ? (size_t)n : 0, most), err);
}

static int find_logs(struct why *why, size_t most, struct err *err)
{
	static const struct {
		const char *what, *before, *after;
		bool by_number;
	} logs[] = {
		{ "xl", LOG_DIR "/xl-", ".log", false },
		{ "bootloader", LOG_DIR "/bootloader.", ".log", true },
		{ "QEMU", LOG_DIR "/qemu-dm-", ".log", false },
		{ "console", LOG_DIR "/console/guest-", ".log", false },
	};
	struct err unused;
	char number[16];
	int rc = 0;

	snprintf(number, sizeof(number), "%u", why->domid);
	for (size_t i = 0; i < ARRAY_SIZE(logs) && rc == 0; i++) {
		const char *word = logs[i].by_number ? number : why->name;
		scoped(free) char *path = NULL;

		/* A name that is none must not become another path. */
		if (!word || (logs[i].by_number && !why->known_number) ||
		    (!logs[i].by_number && config_check_name(word, &unused) < 0))
			continue;
		path = str_format("%s%s%s", logs[i].before, word, logs[i].after);
		rc = path ? find_log(why, logs[i].what, path, logs[i].by_number ? booted() : 0,
				     most, err) : fail_nomem(err);
	}
	return rc;
}

/* Who it is, and how it is now */

static void describe(struct why *why, const struct domctl_info *info)
{
	if (info->dying)
		snprintf(why->state, sizeof(why->state), "is dying: it has %" PRIu64 " pages of "
			 "memory still, and %" PRIu64 " are shared", info->nr_pages,
			 info->shared_pages);
	else if (info->shutdown)
		snprintf(why->state, sizeof(why->state), "%s",
			 ending_words(info->shutdown_reason));
	else
		snprintf(why->state, sizeof(why->state), info->paused ? "is there, and paused" :
			 "is there, and runs");
}

static int find_domain(struct xen *xen, const char *word, struct why *why, struct err *err)
{
	struct domctl_info info;
	int rc = domain_lookup(xen, word, &why->domid, err);

	why->known_domid = why->known_number = rc == 0;
	if (rc == 0)
		rc = domctl_info(xen, why->domid, &info, err);
	if (rc == 0) {
		why->there = true;
		describe(why, &info);
		rc = domain_get_name(xen, why->domid, &why->name, err);
	} else {
		snprintf(why->state, sizeof(why->state), "is gone");
	}
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (why->name || str_is_digits(word))
		return 0;
	why->name = strdup(word);
	return why->name ? 0 : fail_nomem(err);
}

int why_find(struct xen *xen, const char *word, size_t most, struct why *out, struct err *err)
{
	scoped(why) struct why why = WHY_INIT;
	scoped(free) char *name = NULL;
	struct domctl_info info;
	struct err unused;
	int rc = find_domain(xen, word, &why, err);

	if (rc < 0)
		return rc;
	name = why.name ? strdup(why.name) : NULL;
	rc = find_events(&why, name, most, err);
	if (rc == 0 && why.there)
		rc = find_devices(xen, &why, err);
	/* Another domain has the number by now. */
	if (!why.there && domctl_info(xen, why.domid, &info, &unused) == 0)
		why.known_number = false;
	if (rc == 0 && why.known_number)
		rc = find_in_xen(xen, &why, most, err);
	if (rc == 0)
		rc = find_logs(&why, most, err);
	if (rc < 0)
		return rc;
	if (!why.there && !why.nr)
		return fail(err, ENOENT, "nothing is known of '%s': there is no such domain, no "
			    "event and no log", word);
	*out = why;
	why = (struct why)WHY_INIT;
	return 0;
}
