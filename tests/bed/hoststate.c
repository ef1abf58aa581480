/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hoststate.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenstore.h>

#include "toolstack/base/scope.h"

#define MAX_DOMAINS 1024

/* Xen frees some pages late and keeps a few: grant frames of dom0, its own heap. */
#define MEMORY_SLACK_KB 256

/* Stands for the command line of a process that has none any more. */
#define ZOMBIE "(zombie)"

/* What may be new after a domain has come and gone; xl leaves these too. */
static const char *const residue[] = {
	"store /local/domain/0/backend",
	"store /local/domain/0/backend/[a-z0-9]*([!/])",
	"store /local/domain/0/device-model",
	"store /local/domain/0/libxl",
	"store /local/domain/0/libxl/disable_udev",
	"store /local/domain/0/memory*",
	"store /vm",
	"store /libxl",
	"file /run/xlite",
	"file /run/xen/domid-history",
	"file /run/lock/xl",
	"file /run/xen-hotplug",
};

static const char *const file_roots[] = {
	"/run", "/tmp", "/var/tmp", "/var/lib/xen",
};

void hoststate_free(struct hoststate *state)
{
	for (size_t i = 0; i < state->nr_items; i++)
		free(state->items[i]);
	free(state->items);
	*state = (struct hoststate)HOSTSTATE_INIT;
}

void scoped_hoststate(struct hoststate *state)
{
	int saved = errno;

	hoststate_free(state);
	errno = saved;
}

static bool is_residue(const char *item)
{
	size_t key = strcspn(item, "\t");
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%.*s", (int)key, item);
	for (size_t i = 0; i < ARRAY_SIZE(residue); i++)
		if (!fnmatch(residue[i], name, FNM_EXTMATCH))
			return true;
	return false;
}

/* Takes ownership of item; NULL means that memory ran out while making it. */
static int add_item(struct hoststate *state, char *item, struct err *err)
{
	if (!item)
		return fail_nomem(err);
	if (is_residue(item)) {
		free(item);
		return 0;
	}
	if (state->nr_items == state->max_items) {
		size_t max = state->max_items ? 2 * state->max_items : 256;
		char **items = realloc(state->items, max * sizeof(*items));

		if (!items) {
			free(item);
			return fail_nomem(err);
		}
		state->items = items;
		state->max_items = max;
	}
	state->items[state->nr_items++] = item;
	return 0;
}

static int add(struct hoststate *state, struct err *err, const char *fmt, ...)
	printf_like(3, 4);

static int add(struct hoststate *state, struct err *err, const char *fmt, ...)
{
	char *item;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&item, fmt, ap);
	va_end(ap);
	if (len < 0)
		return fail_nomem(err);
	/* one line per item in the text form */
	for (char *p = item; *p; p++)
		if (*p == '\n')
			*p = ' ';
	return add_item(state, item, err);
}

static int take_domains(struct hoststate *state, xc_interface *xch,
			struct err *err)
{
	scoped(free) xc_domaininfo_t *info = calloc(MAX_DOMAINS, sizeof(*info));
	int nr, rc = 0;

	if (!info)
		return fail_nomem(err);
	nr = xc_domain_getinfolist(xch, 0, MAX_DOMAINS, info);
	if (nr < 0)
		return fail_sys(err, errno, "cannot list the domains");
	for (int i = 0; i < nr && rc == 0; i++)
		rc = add(state, err, "domain %u\t%s", info[i].domain,
			 info[i].flags & XEN_DOMINF_dying ? "dying" : "");
	return rc;
}

static int take_memory(struct hoststate *state, xc_interface *xch,
		       struct err *err)
{
	uint64_t page_kb = XC_PAGE_SIZE / 1024;
	xc_physinfo_t info = { 0 };

	if (xc_physinfo(xch, &info) < 0)
		return fail_sys(err, errno, "cannot read the host's memory");
	state->free_kb = (info.free_pages + info.scrub_pages) * page_kb;
	state->claimed_kb = info.outstanding_pages * page_kb;
	return 0;
}

static void perms_text(struct xs_handle *xsh, const char *path, char *text,
		       size_t size)
{
	unsigned int nr = 0;
	scoped(free) struct xs_permissions *perms =
		xs_get_permissions(xsh, XBT_NULL, path, &nr);
	size_t len = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < nr && len < size; i++)
		len += snprintf(text + len, size - len, "%s%c%u", i ? "," : "",
				"nrwb"[perms[i].perms & 3], perms[i].id);
}

static int take_store(struct hoststate *state, struct xs_handle *xsh,
		      const char *path, struct err *err)
{
	unsigned int nr = 0;
	scoped(free) char *value = xs_read(xsh, XBT_NULL, path, NULL);
	scoped(free) char **names = xs_directory(xsh, XBT_NULL, path, &nr);
	char perms[256];
	int rc;

	/* gone since its parent was listed */
	if (!value && !names)
		return 0;
	perms_text(xsh, path, perms, sizeof(perms));
	rc = add(state, err, "store %s\t\"%s\" (%s)", path, value ? value : "",
		 perms);
	for (unsigned int i = 0; i < nr && rc == 0; i++) {
		scoped(free) char *child = NULL;

		if (asprintf(&child, "%s/%s", path[1] ? path : "", names[i]) < 0) {
			child = NULL;
			return fail_nomem(err);
		}
		rc = take_store(state, xsh, child, err);
	}
	return rc;
}

/* The first line of a file, with blanks for NULs; "" when it cannot be read. */
static void read_line(const char *path, char *text, size_t size)
{
	scoped(file) FILE *f = fopen(path, "re");
	size_t len = f ? fread(text, 1, size - 1, f) : 0;

	for (size_t i = 0; i < len; i++)
		if (!text[i])
			text[i] = ' ';
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	while (len && text[len - 1] == ' ')
		text[--len] = '\0';
}

static int parent_of(int pid)
{
	char path[64], text[512];
	const char *end;
	int ppid = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	read_line(path, text, sizeof(text));
	end = strrchr(text, ')');
	if (!end || sscanf(end, ") %*c %d", &ppid) != 1)
		return -1;
	return ppid;
}

static bool is_ancestor(int pid)
{
	for (int p = getpid(); p > 1; p = parent_of(p))
		if (p == pid)
			return true;
	return false;
}

static int take_processes(struct hoststate *state, struct err *err)
{
	const struct dirent *entry;
	DIR *dir = opendir("/proc");
	int rc = 0;

	if (!dir)
		return fail_sys(err, errno, "cannot list the processes");
	while (rc == 0 && (entry = readdir(dir))) {
		char path[PATH_MAX], text[256];
		int pid = atoi(entry->d_name), ppid;

		if (pid <= 2)
			continue;
		ppid = parent_of(pid);
		/* gone, a kernel thread, or whoever is asking */
		if (ppid < 0 || ppid == 2 || is_ancestor(pid))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
		read_line(path, text, sizeof(text));
		rc = add(state, err, "process %d\t%s", pid,
			 text[0] ? text : ZOMBIE);
	}
	closedir(dir);
	return rc;
}

/* "kind NAME\tfirst line of BASE/NAME/FILE" for all entries that have FILE. */
static int take_sysfs(struct hoststate *state, const char *kind,
		      const char *base, const char *file, struct err *err)
{
	const struct dirent *entry;
	DIR *dir = opendir(base);
	int rc = 0;

	while (dir && rc == 0 && (entry = readdir(dir))) {
		char path[PATH_MAX], text[256];

		snprintf(path, sizeof(path), "%s/%s/%s", base, entry->d_name,
			 file);
		if (entry->d_name[0] == '.' || access(path, F_OK))
			continue;
		read_line(path, text, sizeof(text));
		rc = add(state, err, "%s %s\t%s", kind, entry->d_name, text);
	}
	if (dir)
		closedir(dir);
	return rc;
}

static int take_mounts(struct hoststate *state, struct err *err)
{
	scoped(file) FILE *f = fopen("/proc/self/mounts", "re");
	char line[1024], what[512], where[512];
	int rc = 0;

	while (f && rc == 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "%511s %511s", what, where) == 2)
			rc = add(state, err, "mount %s\t%s", where, what);
	return rc;
}

static int take_devices(struct hoststate *state, struct err *err)
{
	int rc = take_sysfs(state, "loop", "/sys/block", "loop/backing_file",
			    err);

	if (rc == 0)
		rc = take_sysfs(state, "link", "/sys/class/net", "address",
				err);
	return rc ? rc : take_mounts(state, err);
}

static int take_files(struct hoststate *state, const char *path, struct err *err)
{
	const struct dirent *entry;
	DIR *dir = opendir(path);
	int rc = 0;

	while (dir && rc == 0 && (entry = readdir(dir))) {
		scoped(free) char *child = NULL;
		struct stat st;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (asprintf(&child, "%s/%s", path, entry->d_name) < 0) {
			child = NULL;
			rc = fail_nomem(err);
		} else if (lstat(child, &st) == 0) {
			rc = add(state, err, "file %s\tmode %o", child, st.st_mode);
			if (rc == 0 && S_ISDIR(st.st_mode))
				rc = take_files(state, child, err);
		}
	}
	if (dir)
		closedir(dir);
	return rc;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int take_xen(struct hoststate *state, xc_interface *xch, struct err *err)
{
	int rc = 0;

	if (state->what & HOST_DOMAINS)
		rc = take_domains(state, xch, err);
	if (rc == 0 && state->what & HOST_MEMORY)
		rc = take_memory(state, xch, err);
	return rc;
}

int hoststate_take(struct hoststate *state, unsigned int what, struct err *err)
{
	xc_interface *xch = NULL;
	struct xs_handle *xsh = NULL;
	int rc = 0;

	state->what = what;
	if (what & (HOST_DOMAINS | HOST_MEMORY)) {
		xch = xc_interface_open(NULL, NULL, 0);
		rc = xch ? take_xen(state, xch, err) :
			fail_sys(err, errno, "cannot open the hypervisor");
		xc_interface_close(xch);
	}
	if (rc == 0 && what & HOST_STORE) {
		xsh = xs_open(0);
		rc = xsh ? take_store(state, xsh, "/", err) :
			fail_sys(err, errno, "cannot open xenstore");
		xs_close(xsh);
	}
	if (rc == 0 && what & HOST_PROCESSES)
		rc = take_processes(state, err);
	if (rc == 0 && what & HOST_DEVICES)
		rc = take_devices(state, err);
	for (size_t i = 0; i < ARRAY_SIZE(file_roots); i++)
		if (rc == 0 && what & HOST_FILES)
			rc = take_files(state, file_roots[i], err);
	if (rc < 0)
		hoststate_free(state);
	else if (state->nr_items)
		qsort(state->items, state->nr_items, sizeof(char *), by_text);
	return rc;
}

int hoststate_save(const struct hoststate *state, const char *path,
		   struct err *err)
{
	scoped(file) FILE *f = fopen(path, "we");

	if (!f)
		return fail_sys(err, errno, "cannot write '%s'", path);
	fprintf(f, "%u %llu %llu\n", state->what,
		(unsigned long long)state->free_kb,
		(unsigned long long)state->claimed_kb);
	for (size_t i = 0; i < state->nr_items; i++)
		fprintf(f, "%s\n", state->items[i]);
	if (fflush(f) || ferror(f))
		return fail_sys(err, errno, "cannot write '%s'", path);
	return 0;
}

int hoststate_load(struct hoststate *state, const char *path, struct err *err)
{
	scoped(file) FILE *f = fopen(path, "re");
	unsigned long long free_kb, claimed_kb;
	scoped(free) char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int rc = 0;

	if (!f)
		return fail_sys(err, errno, "cannot read '%s'", path);
	if (fscanf(f, "%u %llu %llu\n", &state->what, &free_kb, &claimed_kb) != 3)
		return fail(err, EINVAL, "'%s' is not a saved state", path);
	state->free_kb = free_kb;
	state->claimed_kb = claimed_kb;
	while (rc == 0 && (len = getline(&line, &size, f)) > 0) {
		line[len - 1] = '\0';
		rc = add_item(state, strdup(line), err);
	}
	if (rc < 0)
		hoststate_free(state);
	return rc;
}

static unsigned int report(FILE *out, const char *what, const char *item)
{
	if (out)
		fprintf(out, "%s %s\n", what, item);
	return 1;
}

static unsigned int diff_memory(const struct hoststate *before,
				const struct hoststate *after, FILE *out)
{
	int64_t lost_kb = before->free_kb - after->free_kb;
	char text[80];
	unsigned int nr = 0;

	if (!(before->what & HOST_MEMORY))
		return 0;
	if (lost_kb > MEMORY_SLACK_KB || lost_kb < -MEMORY_SLACK_KB) {
		snprintf(text, sizeof(text), "free memory by %lld KiB",
			 (long long)-lost_kb);
		nr += report(out, "changed:", text);
	}
	if (before->claimed_kb != after->claimed_kb) {
		snprintf(text, sizeof(text), "claimed memory, now %llu KiB",
			 (unsigned long long)after->claimed_kb);
		nr += report(out, "changed:", text);
	}
	return nr;
}

/* Order of two items by "kind key". */
static int by_key(const char *a, const char *b)
{
	size_t len_a = strcspn(a, "\t"), len_b = strcspn(b, "\t");
	int order = memcmp(a, b, len_a < len_b ? len_a : len_b);

	return order ? order : (int)len_a - (int)len_b;
}

/* Is item a node or file below the one that was reported last? */
static bool is_below(const char *item, const char *last)
{
	size_t len = last ? strcspn(last, "\t") : 0;

	return last && !strncmp(item, last, len) && item[len] == '/';
}

/* A process that had ended, and whose parent has looked at it since: no loss. */
static bool was_zombie(const char *item)
{
	const char *text = strchr(item, '\t');

	return !strncmp(item, "process ", 8) && text && !strcmp(text, "\t" ZOMBIE);
}

unsigned int hoststate_diff(const struct hoststate *before,
			    const struct hoststate *after, FILE *out)
{
	unsigned int nr = diff_memory(before, after, out);
	const char *last_new = NULL;
	size_t i = 0, j = 0;

	while (i < before->nr_items || j < after->nr_items) {
		const char *old = i < before->nr_items ? before->items[i] : NULL;
		const char *new = j < after->nr_items ? after->items[j] : NULL;
		int order = !old ? 1 : !new ? -1 : by_key(old, new);

		if (order < 0 && !was_zombie(old))
			nr += report(out, "gone:", old);
		else if (order > 0 && !is_below(new, last_new))
			nr += report(out, "left behind:", last_new = new);
		else if (order == 0 && strcmp(old, new))
			nr += report(out, "changed:", new);
		i += order <= 0;
		j += order >= 0;
	}
	return nr;
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

int hoststate_settle(const struct hoststate *before, int timeout_ms, FILE *out,
		     unsigned int *differences, struct err *err)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000000 };
	long long end = now_ms() + timeout_ms;

	for (;;) {
		scoped(hoststate) struct hoststate after = HOSTSTATE_INIT;
		bool last = now_ms() >= end;
		int rc = hoststate_take(&after, before->what, err);

		if (rc < 0)
			return rc;
		*differences = hoststate_diff(before, &after, last ? out : NULL);
		if (*differences == 0 || last)
			return 0;
		nanosleep(&pause, NULL);
	}
}
