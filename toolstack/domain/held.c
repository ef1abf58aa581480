/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "held.h"

#include <glob.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/scope.h"
#include "xen/domctl.h"

/* A list for people, cut where there is no more room. */
struct who {
	char text[256];
	size_t len;
};

static void add(struct who *who, const char *name, const char *number)
{
	if (who->len < sizeof(who->text))
		who->len += (size_t)snprintf(who->text + who->len, sizeof(who->text) - who->len,
					     *number ? "%s%s (%s)" : "%s%s",
					     who->len ? ", " : "", name, number);
}

/* Backends in this host's kernel that have not let go of domid: "vbd-5-51712, vif-5-0". */
static void add_backends(struct who *who, uint32_t domid)
{
	static const char dir[] = "/sys/bus/xen-backend/devices/";
	glob_t found;
	char pattern[64];

	snprintf(pattern, sizeof(pattern), "%s*-%u-*", dir, domid);
	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		add(who, found.gl_pathv[i] + strlen(dir), "");
	globfree(&found);
}

/* By libxenforeignmemory or libxengnttab; of which domain the file does not tell. */
static bool maps_domains(const char *path)
{
	scoped(file) FILE *f = fopen(path, "re");
	scoped(free) char *line = NULL;
	size_t size = 0;

	while (f && getline(&line, &size, f) > 0)
		if (strstr(line, "xen/privcmd") || strstr(line, "xen/gntdev"))
			return true;
	return false;
}

/* A QEMU is one domain's, and says whose. */
static bool is_anothers(const char *pid, uint32_t domid)
{
	char path[64], words[4096], number[16];
	scoped(file) FILE *f = NULL;
	bool next = false;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
	snprintf(number, sizeof(number), "%u", domid);
	f = fopen(path, "re");
	len = f ? fread(words, 1, sizeof(words) - 1, f) : 0;
	words[len] = '\0';
	for (const char *word = words; word < words + len; word += strlen(word) + 1) {
		if (next)
			return strcmp(word, number) != 0;
		next = strcmp(word, "-xen-domid") == 0;
	}
	return false;
}

static void add_processes(struct who *who, uint32_t domid)
{
	glob_t found;

	if (glob("/proc/[0-9]*/maps", 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char pid[16], path[64], name[32] = "";
		scoped(file) FILE *f = NULL;

		if (sscanf(found.gl_pathv[i], "/proc/%15[0-9]", pid) != 1 ||
		    !maps_domains(found.gl_pathv[i]) || is_anothers(pid, domid))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", pid);
		f = fopen(path, "re");
		if (f && fgets(name, sizeof(name), f))
			name[strcspn(name, "\n")] = '\0';
		add(who, name, pid);
	}
	globfree(&found);
}

void held_explain(const struct domctl_info *info, char *text, size_t size)
{
	struct who backends = { .len = 0 }, processes = { .len = 0 };

	add_backends(&backends, info->domid);
	if (!backends.len)
		add_processes(&processes, info->domid);
	snprintf(text, size, "%" PRIu64 " page(s) of it are in use by %s%s", info->nr_pages,
		 backends.len ? "backend " : processes.len ? "another guest, or one of: " : "another guest",
		 backends.len ? backends.text : processes.text);
}

void held_warn(struct xen *xen, uint32_t domid)
{
	struct domctl_info info;
	char who[512];
	struct err gone;

	if (domctl_info(xen, domid, &info, &gone) < 0 || !info.dying)
		return;
	held_explain(&info, who, sizeof(who));
	log_warn("domain %u is still dying: %s", domid, who);
}
