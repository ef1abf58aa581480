/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/findings.h"
#include "base/scope.h"
#include "base/str.h"
#include "config/conf.h"
#include "devices/device.h"
#include "devices/link.h"
#include "domain/firmware.h"
#include "domain/room.h"
#include "domain/runfile.h"
#include "domain/userdata.h"
#include "intent.h"
#include "supervisor.h"
#include "xen/domctl.h"
#include "xen/host.h"
#include "xen/store.h"
#include "xen/xen.h"

enum { STORE_MS = 5000, SPACE_LEAST_MB = 64, TEXT_LEN = 256, WORDS_LEN = 4096 };

struct doctor {
	struct xen *xen;
	struct findings *out;
	struct xl_conf conf;
	struct host_info host;
	struct domctl_info *domains;	/* owned */
	size_t nr;
};

static void ok(struct doctor *d, const char *what, const char *text)
{
	findings_add(d->out, FINDING_OK, what, NULL, "%s", text);
}

static const struct domctl_info *find_domain(const struct doctor *d, uint32_t domid)
{
	for (size_t i = 0; i < d->nr; i++) {
		if (d->domains[i].domid == domid)
			return &d->domains[i];
	}
	return NULL;
}

/*
 * Xen's word, which is asked after something was seen: the list is old by then. With a uuid: whether
 * that domain is gone, else any of the number.
 */
static bool is_gone(const struct doctor *d, uint32_t domid, const char *uuid)
{
	struct domctl_info info;
	struct err unused;
	char now[37];
	int rc = domctl_info(d->xen, domid, &info, &unused);

	if (rc < 0 || !uuid)
		return rc == -ENOENT;
	userdata_format_uuid(info.uuid, now);
	return strcmp(now, uuid) != 0;
}

/* The kernel */

static void check_kernel(struct doctor *d)
{
	static const struct {
		const char *path, *what, *todo;
		enum finding_level level;	/* when it is missing */
	} parts[] = {
		{ "/dev/xen/privcmd", "hypercalls (/dev/xen/privcmd)", "modprobe xen-privcmd",
		  FINDING_ERROR },
		{ "/dev/xen/evtchn", "event channels (/dev/xen/evtchn)", "modprobe xen-evtchn",
		  FINDING_ERROR },
		{ "/dev/xen/gntdev", "grants for QEMU and xenconsoled (/dev/xen/gntdev)",
		  "modprobe xen-gntdev", FINDING_ERROR },
		{ "/dev/xen/xenbus", "the kernel's way to xenstored (/dev/xen/xenbus)",
		  "a kernel with CONFIG_XEN_BACKEND", FINDING_WARNING },
		{ "/sys/bus/xen-backend/drivers/vbd", "disks (blkback)", "modprobe xen-blkback",
		  FINDING_WARNING },
		{ "/sys/bus/xen-backend/drivers/vif", "networks (netback)", "modprobe xen-netback",
		  FINDING_WARNING },
		{ "/dev/loop-control", "disks in files (loop)", "modprobe loop", FINDING_WARNING },
		{ "/dev/net/tun", "emulated network cards of HVM guests (tun)", "modprobe tun",
		  FINDING_WARNING },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		bool there = access(parts[i].path, F_OK) == 0;

		findings_add(d->out, there ? FINDING_OK : parts[i].level, "kernel",
			     there ? NULL : parts[i].todo, there ? "this kernel has %s" :
			     "this kernel has nothing for %s", parts[i].what);
	}
}

/* Xen */

static void check_xen(struct doctor *d)
{
	struct err err = ERR_INIT;
	char caps[32] = "";

	if (xen_open(d->xen, &err) < 0 || host_info(d->xen, &d->host, &err) < 0 ||
	    domctl_list(d->xen, &d->domains, &d->nr, &err) < 0) {
		findings_add(d->out, FINDING_ERROR, "xen", "boot into Xen, and be root", "%s",
			     err.msg);
		xen_close(d->xen);
		return;
	}
	findings_add(d->out, FINDING_OK, "xen", NULL, "Xen %u.%u%s answers; this program was built "
		     "for %s", d->host.xen_major, d->host.xen_minor, d->host.extra,
		     XEN_BUILT_VERSION);
	if (file_read_line("/proc/xen/capabilities", caps, sizeof(caps)) < 0 || !*caps)
		findings_add(d->out, FINDING_WARNING, "xen", "mount -t xenfs xenfs /proc/xen",
			     "/proc/xen/capabilities does not say control_d: init scripts look there");
	findings_add(d->out, d->host.cap_hvm ? FINDING_OK : FINDING_WARNING, "guests",
		     d->host.cap_hvm ? NULL : "switch virtualization on in the machine's firmware",
		     d->host.cap_hvm ? "it can run PVH and HVM guests%s%s" :
		     "it cannot run PVH and HVM guests%s%s",
		     d->host.cap_hvm && !d->host.cap_hap ? ", with shadow paging alone" : "",
		     d->host.cap_directio ? ", and give them PCI devices" :
		     ", and no PCI devices (no IOMMU)");
}

/* What an HVM guest would be given: QEMU, hvmloader, SeaBIOS. */
static void check_model(struct doctor *d)
{
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	scoped(devices) struct devices devices = DEVICES_INIT;
	struct firmware firmware;
	struct err err = ERR_INIT;

	if (!d->host.cap_hvm)
		return;
	config_init(&config);
	config.type = DOMAIN_HVM;
	config_defaults(&config);
	if (firmware_find(&config, &firmware, &err) < 0)
		findings_add(d->out, FINDING_WARNING, "hvm", "HVM guests need it", "%s", err.msg);
	else if (devices_prepare(&devices, d->xen, &config, &err) < 0)
		findings_add(d->out, FINDING_WARNING, "hvm",
			     "HVM guests, and some devices of others, need it", "%s", err.msg);
	else
		ok(d, "hvm", "QEMU and firmware for HVM guests are there");
}

/* Daemons */

static void check_store(struct doctor *d)
{
	struct err err = ERR_INIT;
	double seconds;

	if (store_ping(STORE_MS, &seconds, &err) < 0 ||
	    (d->xen->xc && xen_open_store(d->xen, &err) < 0))
		findings_add(d->out, FINDING_ERROR, "xenstored",
			     "start it, once: guests do not survive a second start", "%s", err.msg);
	else
		findings_add(d->out, FINDING_OK, "xenstored", NULL, "xenstored answers (%.1f ms)",
			     seconds * 1000);
}

/* Calls see() with the number of each process of that name. */
static void each_process(const char *name, void (*see)(const char *pid, void *arg), void *arg)
{
	DIR *dir = opendir("/proc");

	for (struct dirent *de; dir && (de = readdir(dir));) {
		char path[300], comm[32];

		snprintf(path, sizeof(path), "/proc/%s/comm", de->d_name);
		if (str_is_digits(de->d_name) && file_read_line(path, comm, sizeof(comm)) == 0 &&
		    (!name || strcmp(comm, name) == 0))
			see(de->d_name, arg);
	}
	if (dir)
		closedir(dir);
}

struct process { bool found, stopped; };

static void see_consoled(const char *pid, void *arg)
{
	struct process *process = arg;
	char path[64], stat[256];
	const char *state;

	process->found = true;
	snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
	if (file_read_line(path, stat, sizeof(stat)) < 0)
		return;
	state = strrchr(stat, ')');
	process->stopped |= state && strlen(state) > 2 && state[2] == 'T';
}

static bool still_runs(const struct doctor *d, const struct domctl_info *then)
{
	struct domctl_info now;
	struct err unused;

	return domctl_info(d->xen, then->domid, &now, &unused) == 0 && !now.dying &&
	       !now.shutdown && memcmp(now.uuid, then->uuid, sizeof(now.uuid)) == 0;
}

/* Guests whose rings it should have taken long ago: they have been introduced and run. */
static size_t count_without_tty(struct doctor *d, uint32_t *first)
{
	size_t nr = 0;

	for (size_t i = 0; i < d->nr && d->xen->xs; i++) {
		const struct domctl_info *info = &d->domains[i];
		scoped(free) char *ring = NULL, *tty = NULL;
		struct err unused;
		char path[64];

		snprintf(path, sizeof(path), "/local/domain/%u/console/ring-ref", info->domid);
		if (!info->domid || info->dying || info->shutdown || !info->cpu_time_ns ||
		    store_read(d->xen, NULL, path, &ring, &unused) < 0)
			continue;
		snprintf(path, sizeof(path), "/local/domain/%u/console/tty", info->domid);
		if (store_read(d->xen, NULL, path, &tty, &unused) == 0 && *tty)
			continue;
		if (!still_runs(d, info))
			continue;
		if (!nr++)
			*first = info->domid;
	}
	return nr;
}

static void check_consoled(struct doctor *d)
{
	static const char todo[] = "start xenconsoled: guests have no console, and some wait for it";
	struct process process = { false, false };
	uint64_t domid = 0;
	uint32_t first = 0;
	struct err unused;
	size_t nr;

	if (d->xen->xs && store_read_u64(d->xen, NULL, "/tool/xenconsoled/domid", &domid,
					 &unused) == 0 && domid)
		process.found = true;	/* in a domain of its own: out of sight */
	else
		each_process("xenconsoled", see_consoled, &process);
	nr = count_without_tty(d, &first);
	if (!process.found)
		findings_add(d->out, FINDING_ERROR, "xenconsoled", todo, "xenconsoled does not run");
	else if (process.stopped)
		findings_add(d->out, FINDING_ERROR, "xenconsoled", "kill -CONT it",
			     "xenconsoled is stopped");
	else if (nr)
		findings_add(d->out, FINDING_ERROR, "xenconsoled", "restart it: that keeps guests",
			     "xenconsoled runs, but %zu running guests have no terminal (domain %u "
			     "is the first)", nr, first);
	else
		ok(d, "xenconsoled", "xenconsoled runs, and every guest has its terminal");
}

/* Guests that it should look after, and restarts that wait. */
static void check_supervisor(struct doctor *d)
{
	struct runfile_entry *list = NULL;
	char **names = NULL;
	size_t nr = 0, nr_names = 0, watched = 0;
	struct err unused;

	if (runfile_list(RUNFILE_DIR, &list, &nr, &unused) < 0)
		nr = 0;
	for (size_t i = 0; i < nr; i++) {
		const struct runfile_record *r = &list[i].record;

		watched += !r->creating && !r->unwatched && find_domain(d, r->domid);
	}
	runfile_list_free(list, nr);
	if (intent_list(RUNFILE_DIR, &names, &nr_names, &unused) < 0)
		nr_names = 0;
	for (size_t i = 0; i < nr_names; i++)
		free(names[i]);
	free(names);
	if (supervisor_runs())
		findings_add(d->out, FINDING_OK, "supervisor", NULL, "the supervisor runs, and looks "
			     "after %zu guests", watched);
	else if (watched || nr_names)
		findings_add(d->out, FINDING_ERROR, "supervisor", "run xlite supervise (the next "
			     "create starts it)", "no supervisor runs: %zu guests are not looked after, "
			     "%zu restarts are not done", watched, nr_names);
	else
		ok(d, "supervisor", "no supervisor runs, and no guest needs it");
}

/* Configuration */

static void check_conf(struct doctor *d)
{
	scoped(config_warnings) struct config_warnings warnings = { 0 };
	struct err err = ERR_INIT;

	if (xl_conf_read(XL_CONF_PATH, &d->conf, &warnings, &err) < 0) {
		findings_add(d->out, FINDING_ERROR, "xl.conf", NULL, "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < warnings.list.nr; i++)
		findings_add(d->out, FINDING_WARNING, "xl.conf", NULL, "%s",
			     warnings.list.items[i]);
	if (!warnings.list.nr)
		ok(d, "xl.conf", "'" XL_CONF_PATH "' is in order");
}

static void check_bridges(struct doctor *d)
{
	const char *bridge = d->conf.vif_bridge ? d->conf.vif_bridge : "xenbr0";
	char list[TEXT_LEN], state[16] = "";

	link_list_bridges(list, sizeof(list));
	if (!*list)
		findings_add(d->out, FINDING_WARNING, "bridge", "make one if guests shall have "
			     "networks", "there is no network bridge");
	else if (!link_is_bridge(bridge))
		findings_add(d->out, FINDING_WARNING, "bridge", "set vif.default.bridge in xl.conf, "
			     "or bridge= in each vif", "the default bridge '%s' is not there, but %s",
			     bridge, list);
	else if (link_attribute(bridge, "operstate", state, sizeof(state)) == 0 &&
		 strcmp(state, "down") == 0 && link_attribute(bridge, "flags", list, sizeof(list)) == 0 &&
		 !(strtoul(list, NULL, 0) & 1))	/* IFF_UP; one without ports is "down" as well */
		findings_add(d->out, FINDING_WARNING, "bridge", "ip link set it up",
			     "the default bridge '%s' is not up", bridge);
	else
		findings_add(d->out, FINDING_OK, "bridge", NULL, "the default bridge '%s' is there",
			     bridge);
}

/* xl's rule: auto is off where Xen's command line says how much dom0 has. */
static void check_memory(struct doctor *d)
{
	bool fixed = !room_auto(d->host.commandline);
	bool balloons = d->conf.autoballoon == XL_AUTOBALLOON_ON ||
		(d->conf.autoballoon == XL_AUTOBALLOON_AUTO && !fixed);
	uint64_t free_mb = d->host.memory.free_kb >> 10;

	if (fixed && d->conf.autoballoon == XL_AUTOBALLOON_ON)
		findings_add(d->out, FINDING_WARNING, "memory", "set autoballoon=\"auto\" in xl.conf",
			     "dom0_mem= says how much memory dom0 has, but autoballoon is on");
	else if (!fixed)
		findings_add(d->out, FINDING_WARNING, "memory", "give Xen dom0_mem=SIZE,max:SIZE",
			     "dom0 began with all memory, and gives it to guests %s: what it has "
			     "for itself is left to chance", balloons ? "one by one" :
			     "only by mem-set");
	findings_add(d->out, free_mb ? FINDING_OK : FINDING_WARNING, "memory", NULL, "%" PRIu64
		     " MiB of memory are free for guests", free_mb);
}

static void check_space(struct doctor *d)
{
	static const char *const folders[] = { "/var/log/xen", USERDATA_DIR, "/run" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		struct statvfs fs;
		uint64_t mb;

		if (statvfs(folders[i], &fs) < 0) {
			findings_add(d->out, FINDING_WARNING, "space", "mkdir it", "'%s': %s",
				     folders[i], strerror(errno));
			continue;
		}
		mb = (uint64_t)fs.f_bavail * fs.f_frsize >> 20;
		if (mb < SPACE_LEAST_MB)
			findings_add(d->out, FINDING_WARNING, "space", NULL, "'%s' has only %" PRIu64
				     " MiB left", folders[i], mb);
	}
}

/* Leftovers */

static void check_dying(struct doctor *d)
{
	for (size_t i = 0; i < d->nr; i++) {
		struct domctl_info info;
		struct err unused;

		if (d->domains[i].dying &&
		    domctl_info(d->xen, d->domains[i].domid, &info, &unused) == 0 && info.dying)
			findings_add(d->out, FINDING_WARNING, "leftover", "end what maps its memory: "
				     "a QEMU, a backend, xenconsoled", "domain %u is dying, and has %"
				     PRIu64 " pages still", info.domid, info.nr_pages);
	}
}

/* Nobody holds its file, and it says so still: the list is older than the lock. */
static bool is_cut_off(const char *name)
{
	scoped(free) char *path = str_format(RUNFILE_DIR "/%s" RUNFILE_SUFFIX, name);
	/* file_lock() would make one that has gone just now. */
	scoped(fd) int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	struct runfile_record record;
	struct err unused;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || !file_is_at(fd, path))
		return false;
	return runfile_read(RUNFILE_DIR, name, &record, &unused) < 0 || record.creating;
}

static void check_creates(struct doctor *d)
{
	struct runfile_entry *list = NULL;
	struct err err = ERR_INIT;
	size_t nr = 0;

	if (runfile_list(RUNFILE_DIR, &list, &nr, &err) < 0)
		findings_add(d->out, FINDING_WARNING, "leftover", NULL, "%s", err.msg);
	for (size_t i = 0; i < nr; i++) {
		if (list[i].record.creating && is_cut_off(list[i].name))
			findings_add(d->out, FINDING_WARNING, "leftover", "xlite cleanup",
				     "a create of '%s' was cut off", list[i].name);
	}
	runfile_list_free(list, nr);
}

/* Folders of domains that are not there. */
static void check_nodes(struct doctor *d)
{
	static const char *const roots[] = { "/local/domain", "/libxl" };

	for (size_t i = 0; i < ARRAY_SIZE(roots) && d->xen->xs; i++) {
		char **names = NULL;
		unsigned int nr = 0;
		struct err unused;

		if (store_list(d->xen, NULL, roots[i], &names, &nr, &unused) < 0)
			continue;
		for (unsigned int k = 0; k < nr; k++) {
			scoped(free) char *todo = str_format("xenstore-rm %s/%s", roots[i], names[k]);
			scoped(free) char *node = str_format("%s/%s", roots[i], names[k]);
			scoped(free) char *value = NULL;
			uint64_t domid;

			if (str_to_u64(names[k], XEN_DOMID_MAX, &domid) == 0 &&
			    is_gone(d, (uint32_t)domid, NULL) && node &&
			    store_read(d->xen, NULL, node, &value, &unused) == 0)
				findings_add(d->out, FINDING_WARNING, "leftover", todo,
					     "xenstore has %s/%s, and there is no such domain",
					     roots[i], names[k]);
		}
		store_list_free(names);
	}
}

/* userdata-X.DOMID.UUID.NAME; the uuid tells one from a later domain of the number. */
static void check_files(struct doctor *d)
{
	DIR *dir = opendir(USERDATA_DIR);

	for (struct dirent *de; dir && (de = readdir(dir));) {
		char uuid[37] = "";
		uint32_t domid;
		char kind;

		if (sscanf(de->d_name, "userdata-%c.%" SCNu32 ".%36[0-9a-f-].", &kind, &domid,
			   uuid) != 3)
			continue;
		if (is_gone(d, domid, uuid) && faccessat(dirfd(dir), de->d_name, F_OK, 0) == 0)
			findings_add(d->out, FINDING_WARNING, "leftover", "remove it", "'" USERDATA_DIR
				     "/%s' is of a domain that is gone", de->d_name);
	}
	if (dir)
		closedir(dir);
}

/* A QEMU says whom it serves by "-xen-domid N", near the front. */
static void see_model(const char *pid, void *arg)
{
	struct doctor *d = arg;
	char path[64], todo[64], words[WORDS_LEN];
	scoped(fd) int fd = -1;
	bool next = false;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%.16s/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? 0 : read(fd, words, sizeof(words) - 1);
	if (len <= 0)
		return;
	words[len] = '\0';
	for (const char *word = words; word < words + len; word += strlen(word) + 1) {
		uint64_t domid;

		if (next && str_to_u64(word, XEN_DOMID_MAX, &domid) == 0 &&
		    is_gone(d, (uint32_t)domid, NULL) && access(path, F_OK) == 0) {
			snprintf(todo, sizeof(todo), "kill %.16s", pid);
			findings_add(d->out, FINDING_WARNING, "leftover", todo, "process %s is the "
				     "QEMU of domain %" PRIu64 ", which is gone", pid, domid);
		}
		next = strcmp(word, "-xen-domid") == 0;
	}
}

static void check_leftovers(struct doctor *d)
{
	size_t before = d->out->nr;

	check_dying(d);
	check_creates(d);
	check_nodes(d);
	check_files(d);
	each_process(NULL, see_model, d);
	if (d->out->nr == before)
		ok(d, "leftover", "no domain, create, file, node or QEMU is left over");
}

static void (*const checks[])(struct doctor *d) = {
	check_kernel, check_xen, check_store, check_conf, check_space, check_bridges,
};
/* Those that need the hypervisor. */
static void (*const host_checks[])(struct doctor *d) = {
	check_consoled, check_supervisor, check_model, check_memory, check_leftovers,
};

void doctor_look(struct xen *xen, struct findings *out)
{
	struct doctor d = { .xen = xen, .out = out, .conf = XL_CONF_INIT };

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		checks[i](&d);
	for (size_t i = 0; i < ARRAY_SIZE(host_checks) && xen->xc; i++)
		host_checks[i](&d);
	free(d.domains);
	xl_conf_free(&d.conf);
}
