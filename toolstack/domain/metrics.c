/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/scope.h"
#include "base/str.h"
#include "config/disk.h"
#include "userdata.h"
#include "xen/store.h"
#include "xen/xen.h"

#define PAGE 4096.0

enum { STORE_MS = 5000 };

enum metric_type { GAUGE, COUNTER, INFO, STATESET };

/* What a sample is about: the host where domain is NULL. */
struct subject {
	const struct metrics *all;
	const struct domain_entry *domain;
	const struct runfile_record *record;	/* NULL: not xlite's */
	const struct stats_device *device;
};

enum per { HOST, DOMAIN, RECORD, DISK, NIC };

struct metric {
	const char *name;		/* of the family; its unit is its last part */
	enum metric_type type;
	const char *unit;		/* NULL: none */
	enum per per;
	const char *help;
	double (*value)(const struct subject *s);	/* NULL: the device's counter */
	enum stats_counter counter;
};

static double one(const struct subject *s) { (void)s; return 1; }

/* Host */
static double cpus(const struct subject *s) { return s->all->host.nr_cpus; }
static double kb(uint64_t value) { return (double)value * 1024; }
static double mem_all(const struct subject *s) { return kb(s->all->host.memory.total_kb); }
static double mem_free(const struct subject *s) { return kb(s->all->host.memory.free_kb); }
static double mem_scrub(const struct subject *s) { return kb(s->all->host.memory.scrub_kb); }
static double mem_claimed(const struct subject *s) { return kb(s->all->host.memory.claimed_kb); }
static double domains(const struct subject *s) { return (double)s->all->stats.domains.nr; }
static double store_up(const struct subject *s) { return s->all->store_answers; }
static double store_time(const struct subject *s) { return s->all->store_seconds; }
static double supervised(const struct subject *s) { return s->all->supervisor_runs; }

static double count_records(const struct subject *s, bool creating)
{
	size_t nr = 0;

	for (size_t i = 0; i < s->all->nr_records; i++) {
		const struct runfile_record *r = &s->all->records[i].record;

		nr += creating ? r->creating : !r->creating && !r->unwatched;
	}
	return (double)nr;
}

static double watched(const struct subject *s) { return count_records(s, false); }
static double creating(const struct subject *s) { return count_records(s, true); }

/* Domains */
static double cpu_time(const struct subject *s) { return (double)s->domain->info.cpu_time_ns / 1e9; }
static double memory(const struct subject *s) { return (double)s->domain->info.nr_pages * PAGE; }
static double vcpus(const struct subject *s) { return s->domain->info.nr_vcpus; }
static double online(const struct subject *s) { return s->domain->info.nr_online_vcpus; }
static double restarts(const struct subject *s) { return s->record->restarts; }
static double started(const struct subject *s) { return (double)s->record->started; }

/* dom0 has no limit: Xen's number for that is all ones, of 32 or 64 bits. */
static double max_memory(const struct subject *s)
{
	uint64_t pages = s->domain->info.max_pages;

	return pages >= UINT32_MAX ? INFINITY : (double)pages * PAGE;
}

static const struct metric metrics_table[] = {
	{ "xen", INFO, NULL, HOST, "Hypervisor", one, 0 },
	{ "xen_host_cpus", GAUGE, NULL, HOST, "Online processors of the host", cpus, 0 },
	{ "xen_host_memory_bytes", GAUGE, "bytes", HOST, "Memory of the host", mem_all, 0 },
	{ "xen_host_memory_free_bytes", GAUGE, "bytes", HOST, "Memory that no domain has", mem_free,
	  0 },
	{ "xen_host_memory_scrub_bytes", GAUGE, "bytes", HOST,
	  "Freed memory that Xen still wipes", mem_scrub, 0 },
	{ "xen_host_memory_claimed_bytes", GAUGE, "bytes", HOST,
	  "Free memory that is promised to domains that are being built", mem_claimed, 0 },
	{ "xen_host_domains", GAUGE, NULL, HOST, "Domains, dom0 and dying ones among them", domains,
	  0 },
	{ "xen_xenstored_up", GAUGE, NULL, HOST, "Whether xenstored answers", store_up, 0 },
	{ "xen_xenstored_read_seconds", GAUGE, "seconds", HOST,
	  "What one read from xenstored took just now", store_time, 0 },
	{ "xlite_supervisor_up", GAUGE, NULL, HOST,
	  "Whether xlite supervise runs: it need not where no guest is watched", supervised, 0 },
	{ "xlite_watched_guests", GAUGE, NULL, HOST,
	  "Guests whose end is the supervisor's to carry out", watched, 0 },
	{ "xlite_unfinished_guests", GAUGE, NULL, HOST,
	  "Guests that are being made, or were when their create was killed", creating, 0 },

	{ "xen_domain", INFO, NULL, DOMAIN, "Domain", one, 0 },
	{ "xen_domain_state", STATESET, NULL, DOMAIN, "What Xen says of the domain", NULL, 0 },
	{ "xen_domain_cpu_seconds", COUNTER, "seconds", DOMAIN, "Processor time used", cpu_time, 0 },
	{ "xen_domain_memory_bytes", GAUGE, "bytes", DOMAIN, "Memory that the domain has", memory, 0 },
	{ "xen_domain_memory_max_bytes", GAUGE, "bytes", DOMAIN,
	  "Memory that the domain may have", max_memory, 0 },
	{ "xen_domain_vcpus", GAUGE, NULL, DOMAIN, "Virtual processors, offline ones among them",
	  vcpus, 0 },
	{ "xen_domain_online_vcpus", GAUGE, NULL, DOMAIN, "Virtual processors that are online",
	  online, 0 },
	{ "xen_domain_start_time_seconds", GAUGE, "seconds", RECORD,
	  "When the guest was complete, since the epoch", started, 0 },
	{ "xen_domain_quick_restarts", GAUGE, NULL, RECORD,
	  "Restarts within a minute each that led to this domain", restarts, 0 },

	{ "xen_domain_disk_reads", COUNTER, NULL, DISK, "Read requests", NULL, STATS_READS },
	{ "xen_domain_disk_writes", COUNTER, NULL, DISK, "Write requests", NULL, STATS_WRITES },
	{ "xen_domain_disk_flushes", COUNTER, NULL, DISK, "Flush requests", NULL, STATS_FLUSHES },
	{ "xen_domain_disk_read_bytes", COUNTER, "bytes", DISK, "Bytes read", NULL,
	  STATS_READ_BYTES },
	{ "xen_domain_disk_written_bytes", COUNTER, "bytes", DISK, "Bytes written", NULL,
	  STATS_WRITTEN_BYTES },

	{ "xen_domain_network_receive_bytes", COUNTER, "bytes", NIC, "Bytes that the guest got", NULL,
	  STATS_RX_BYTES },
	{ "xen_domain_network_receive_packets", COUNTER, NULL, NIC, "Packets that the guest got",
	  NULL, STATS_RX_PACKETS },
	{ "xen_domain_network_receive_errors", COUNTER, NULL, NIC,
	  "Packets that failed on their way to the guest", NULL, STATS_RX_ERRORS },
	{ "xen_domain_network_receive_drops", COUNTER, NULL, NIC,
	  "Packets to the guest that were dropped", NULL, STATS_RX_DROPS },
	{ "xen_domain_network_transmit_bytes", COUNTER, "bytes", NIC, "Bytes that the guest sent",
	  NULL, STATS_TX_BYTES },
	{ "xen_domain_network_transmit_packets", COUNTER, NULL, NIC, "Packets that the guest sent",
	  NULL, STATS_TX_PACKETS },
	{ "xen_domain_network_transmit_errors", COUNTER, NULL, NIC,
	  "Packets from the guest that failed", NULL, STATS_TX_ERRORS },
	{ "xen_domain_network_transmit_drops", COUNTER, NULL, NIC,
	  "Packets from the guest that were dropped", NULL, STATS_TX_DROPS },
};

/* Text */

static bool is_plain(const char *text)
{
	json_t *utf8 = json_string(text);	/* NULL when it is not */

	json_decref(utf8);
	for (const unsigned char *p = (const void *)text; *p; p++) {
		/* C0, DEL, and C1, which is a byte of its own after C2. */
		if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))
			return false;
	}
	return utf8;
}

void metrics_label(const char *text, struct strbuf *out)
{
	char shown[1024];

	if (!is_plain(text))
		text = str_escape(text, strlen(text), shown, sizeof(shown));
	for (const char *p = text; *p; p++) {
		if (*p == '\\' || *p == '"')
			strbuf_add(out, "\\", 1);
		strbuf_add(out, p, 1);
	}
}

static void add_label(struct strbuf *out, const char *name, const char *value)
{
	strbuf_printf(out, "%s=\"", name);
	metrics_label(value, out);
	strbuf_printf(out, "\",");
}

static void add_domain_labels(const struct subject *s, struct strbuf *out)
{
	char vdev[DISK_VDEV_MAX];

	add_label(out, "domain", s->domain->name ? s->domain->name : "");
	strbuf_printf(out, "domid=\"%u\",", s->domain->info.domid);
	if (s->device && s->device->nic)
		strbuf_printf(out, "device=\"%u\",", s->device->devid);
	else if (s->device)
		add_label(out, "device", disk_vdev(s->device->devid, vdev));
}

static void add_info_labels(const struct subject *s, struct strbuf *out)
{
	const struct host_info *host = &s->all->host;
	char version[64], uuid[37];

	if (s->domain) {
		userdata_format_uuid(s->domain->info.uuid, uuid);
		add_label(out, "uuid", uuid);
		/* All that Xen knows: a PVH guest is one of these as well. */
		add_label(out, "virtualization", s->domain->info.hvm ? "hvm" : "pv");
		return;
	}
	snprintf(version, sizeof(version), "%u.%u%s", host->xen_major, host->xen_minor, host->extra);
	add_label(out, "version", version);
	add_label(out, "scheduler", host->scheduler);
}

/* Whole numbers as such; seconds to the nanosecond. */
static void add_value(double value, struct strbuf *out)
{
	if (isinf(value))
		strbuf_printf(out, " +Inf\n");
	else if (value < 9007199254740992.0 && (double)(uint64_t)value == value)
		strbuf_printf(out, " %.0f\n", value);
	else
		strbuf_printf(out, " %.9f\n", value);
}

static void add_sample(const struct metric *m, const struct subject *s, const char *state,
		       double value, struct strbuf *out)
{
	strbuf_printf(out, "%s%s", m->name, m->type == COUNTER ? "_total" :
		      m->type == INFO ? "_info" : "");
	if (s->domain || m->type == INFO) {
		strbuf_add(out, "{", 1);
		if (s->domain)
			add_domain_labels(s, out);
		if (m->type == INFO)
			add_info_labels(s, out);
		if (state)
			add_label(out, m->name, state);
		if (!out->failed)
			out->s[out->len - 1] = '}';	/* over the last comma */
	}
	add_value(value, out);
}

static void add_states(const struct metric *m, const struct subject *s, struct strbuf *out)
{
	const struct domctl_info *info = &s->domain->info;
	const struct {
		const char *name;
		bool is;
	} states[] = {
		{ "running", info->running }, { "blocked", info->blocked },
		{ "paused", info->paused }, { "shutdown", info->shutdown },
		{ "crashed", info->shutdown && info->shutdown_reason == DOMCTL_CRASH },
		{ "dying", info->dying },
	};

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		add_sample(m, s, states[i].name, states[i].is, out);
}

static void add_subject(const struct metric *m, const struct subject *s, struct strbuf *out)
{
	if (m->type == STATESET)
		add_states(m, s, out);
	else if (m->value)
		add_sample(m, s, NULL, m->value(s), out);
	else
		add_sample(m, s, NULL, (double)s->device->counters[m->counter], out);
}

static const struct runfile_record *find_record(const struct metrics *all,
						const struct domctl_info *info)
{
	for (size_t i = 0; i < all->nr_records; i++) {
		const struct runfile_record *r = &all->records[i].record;

		if (!r->creating && r->domid == info->domid &&
		    memcmp(r->uuid, info->uuid, sizeof(r->uuid)) == 0)
			return r;
	}
	return NULL;
}

static const struct domain_entry *find_domain(const struct metrics *all, uint32_t domid)
{
	for (size_t i = 0; i < all->stats.domains.nr; i++) {
		if (all->stats.domains.items[i].info.domid == domid)
			return &all->stats.domains.items[i];
	}
	return NULL;
}

static void add_samples(const struct metric *m, const struct metrics *all, struct strbuf *out)
{
	struct subject s = { .all = all };

	if (m->per == HOST) {
		add_subject(m, &s, out);
	} else if (m->per == DISK || m->per == NIC) {
		for (size_t i = 0; i < all->stats.nr_devices; i++) {
			s.device = &all->stats.devices[i];
			s.domain = find_domain(all, s.device->domid);
			if (s.domain && s.device->nic == (m->per == NIC))
				add_subject(m, &s, out);
		}
	} else {
		for (size_t i = 0; i < all->stats.domains.nr; i++) {
			s.domain = &all->stats.domains.items[i];
			s.record = find_record(all, &s.domain->info);
			if (m->per == DOMAIN || s.record)
				add_subject(m, &s, out);
		}
	}
}

void metrics_print(const struct metrics *all, enum metrics_format format, struct strbuf *out)
{
	static const char *const types[] = { "gauge", "counter", "info", "stateset" };

	for (size_t i = 0; i < ARRAY_SIZE(metrics_table); i++) {
		const struct metric *m = &metrics_table[i];
		bool open = format == METRICS_OPENMETRICS;
		/* There, a family is called as its samples, and gauges are all but counters. */
		const char *suffix = open ? "" : m->type == COUNTER ? "_total" :
			m->type == INFO ? "_info" : "";
		const char *type = types[open || m->type == COUNTER ? m->type : GAUGE];

		strbuf_printf(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", m->name, suffix, m->help,
			      m->name, suffix, type);
		if (open && m->unit)
			strbuf_printf(out, "# UNIT %s %s\n", m->name, m->unit);
		add_samples(m, all, out);
	}
	strbuf_printf(out, "# EOF\n");
}

/* Reading them */

void scoped_metrics(struct metrics *metrics)
{
	scoped_stats(&metrics->stats);
	runfile_list_free(metrics->records, metrics->nr_records);
	*metrics = (struct metrics)METRICS_INIT;
}

/* Nothing is asked of one that does not answer. */
static void ask_store(struct xen *xen, struct metrics *metrics)
{
	struct err err;

	metrics->store_answers = store_ping(STORE_MS, &metrics->store_seconds, &err) == 0 &&
		xen_open_store(xen, &err) == 0;
}

int metrics_take(struct xen *xen, struct metrics *metrics, struct err *err)
{
	int rc = host_info(xen, &metrics->host, err);

	if (rc < 0)
		return rc;
	ask_store(xen, metrics);
	rc = runfile_list(RUNFILE_DIR, &metrics->records, &metrics->nr_records, err);
	return rc < 0 ? rc : stats_take(xen, &metrics->stats, err);
}

int metrics_write(const char *file, const struct strbuf *text, struct err *err)
{
	/* Each has a name of its own: anybody may hold a lock that would keep two apart. */
	scoped(free) char *tmp = str_format("%s.XXXXXX", file);
	scoped(fd) int fd = -1;
	int rc;

	if (!tmp)
		return fail_nomem(err);
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return fail_sys(err, errno, "cannot create a file beside '%s'", file);
	rc = file_write_all(fd, text->s, text->len);
	if (rc == 0 && (fchmod(fd, 0644) < 0 || rename(tmp, file) < 0))
		rc = -errno;
	if (rc == 0)
		return 0;
	unlink(tmp);
	return fail_sys(err, -rc, "cannot write '%s'", file);
}
