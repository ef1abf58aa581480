/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stats.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/scope.h"
#include "base/str.h"
#include "xen/xen.h"

#define BUS "/sys/bus/xen-backend/devices"
#define NET "/sys/class/net"

/* Block layer's unit, whatever the disk's own. */
enum { SECTOR = 512, PATH_LEN = 320, DEVICES_MORE = 32 };

/*
 * blkback's files below the device's statistics/ (drivers/block/xen-blkback/xenbus.c), and the
 * link's, crossed: what the host receives the guest has sent.
 */
static const struct {
	const char *file;
	unsigned int unit;
} sources[STATS_COUNTERS] = {
	[STATS_READS] = { "rd_req", 1 }, [STATS_WRITES] = { "wr_req", 1 },
	[STATS_FLUSHES] = { "f_req", 1 }, [STATS_READ_BYTES] = { "rd_sect", SECTOR },
	[STATS_WRITTEN_BYTES] = { "wr_sect", SECTOR },
	[STATS_RX_BYTES] = { "tx_bytes", 1 }, [STATS_RX_PACKETS] = { "tx_packets", 1 },
	[STATS_RX_ERRORS] = { "tx_errors", 1 }, [STATS_RX_DROPS] = { "tx_dropped", 1 },
	[STATS_TX_BYTES] = { "rx_bytes", 1 }, [STATS_TX_PACKETS] = { "rx_packets", 1 },
	[STATS_TX_ERRORS] = { "rx_errors", 1 }, [STATS_TX_DROPS] = { "rx_dropped", 1 },
};

void scoped_stats(struct stats *stats)
{
	domain_list_free(&stats->domains);
	free(stats->devices);
	*stats = (struct stats)STATS_INIT;
}

bool stats_parse_device(const char *name, struct stats_device *out)
{
	bool nic = str_starts(name, "vif-");
	uint64_t domid, devid;
	char text[32], *dash;

	if ((!nic && !str_starts(name, "vbd-")) || strlen(name) >= sizeof(text))
		return false;
	strcpy(text, name + 4);
	dash = strchr(text, '-');
	if (!dash)
		return false;
	*dash = '\0';
	if (str_to_u64(text, XEN_DOMID_MAX, &domid) < 0 ||
	    str_to_u64(dash + 1, UINT32_MAX, &devid) < 0)
		return false;
	*out = (struct stats_device){
		.domid = (uint32_t)domid, .devid = (uint32_t)devid, .nic = nic,
	};
	return true;
}

/* Adds the counters below a folder; false when there are none (any more). */
static bool add_counters(const char *dir, struct stats_device *device)
{
	unsigned int from = device->nic ? STATS_DISK_COUNTERS : 0;
	unsigned int to = device->nic ? STATS_COUNTERS : STATS_DISK_COUNTERS;

	for (unsigned int i = from; i < to; i++) {
		char path[PATH_LEN + 64], text[32];
		uint64_t value;

		snprintf(path, sizeof(path), "%s/statistics/%s", dir, sources[i].file);
		if (file_read_line(path, text, sizeof(text)) < 0 ||
		    str_to_u64(text, UINT64_MAX, &value) < 0)
			return false;
		device->counters[i] += value * sources[i].unit;
	}
	return true;
}

/* A vif's link may have any name (vifname=): it is the one below the device. */
static bool add_nic(const char *bus_name, struct stats_device *device)
{
	char path[PATH_LEN];
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), BUS "/%s/net", bus_name);
	dir = opendir(path);
	for (struct dirent *de; dir && (de = readdir(dir));) {
		if (de->d_name[0] == '.' || strlen(de->d_name) > 15)
			continue;
		snprintf(path, sizeof(path), NET "/%.15s", de->d_name);
		found = add_counters(path, device);
		/* An HVM guest without drivers of its own uses this one (devices/nic.c). */
		snprintf(path, sizeof(path), NET "/%.15s-emu", de->d_name);
		if (found)
			(void)add_counters(path, device);
		break;
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool read_device(const char *bus_name, struct stats_device *device)
{
	char path[PATH_LEN];

	if (!stats_parse_device(bus_name, device))
		return false;
	if (device->nic)
		return add_nic(bus_name, device);
	snprintf(path, sizeof(path), BUS "/%.32s", bus_name);
	return add_counters(path, device);
}

static int compare_devices(const void *va, const void *vb)
{
	const struct stats_device *a = va, *b = vb;

	if (a->domid != b->domid)
		return a->domid < b->domid ? -1 : 1;
	if (a->nic != b->nic)
		return a->nic ? 1 : -1;
	return a->devid < b->devid ? -1 : a->devid > b->devid;
}

static int read_devices(struct stats *stats, struct err *err)
{
	DIR *dir = opendir(BUS);
	size_t cap = 0;
	int rc = 0;

	/* No backend driver, no device. */
	for (struct dirent *de; dir && (de = readdir(dir)) && rc == 0;) {
		struct stats_device device;

		if (!read_device(de->d_name, &device))
			continue;
		if (stats->nr_devices == cap) {
			size_t more = cap + DEVICES_MORE;
			void *grown = realloc(stats->devices, more * sizeof(*stats->devices));

			if (!grown) {
				rc = fail_nomem(err);
				break;
			}
			stats->devices = grown;
			cap = more;
		}
		stats->devices[stats->nr_devices++] = device;
	}
	if (dir)
		closedir(dir);
	if (stats->nr_devices)
		qsort(stats->devices, stats->nr_devices, sizeof(*stats->devices), compare_devices);
	return rc;
}

/* Where xenstored does not answer. */
static int list_unnamed(struct xen *xen, struct domain_list *list, struct err *err)
{
	scoped(free) struct domctl_info *infos = NULL;
	size_t nr;
	int rc = domctl_list(xen, &infos, &nr, err);

	if (rc < 0)
		return rc;
	list->items = calloc(nr + 1, sizeof(*list->items));
	if (!list->items)
		return fail_nomem(err);
	for (; list->nr < nr; list->nr++)
		list->items[list->nr].info = infos[list->nr];
	return 0;
}

int stats_take(struct xen *xen, struct stats *out, struct err *err)
{
	scoped(stats) struct stats stats = STATS_INIT;
	struct timespec now;
	int rc = xen->xs ? domain_list_all(xen, &stats.domains, err) :
		list_unnamed(xen, &stats.domains, err);

	if (rc == 0)
		rc = read_devices(&stats, err);
	if (rc < 0)
		return rc;
	clock_gettime(CLOCK_MONOTONIC, &now);
	stats.taken_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	*out = stats;
	stats = (struct stats)STATS_INIT;
	return 0;
}

static const struct domain_entry *same_domain(const struct stats *stats,
					      const struct domctl_info *info)
{
	for (size_t i = 0; i < stats->domains.nr; i++) {
		const struct domain_entry *entry = &stats->domains.items[i];

		if (entry->info.domid == info->domid &&
		    memcmp(entry->info.uuid, info->uuid, sizeof(info->uuid)) == 0)
			return entry;
	}
	return NULL;
}

static const struct stats_device *same_device(const struct stats *stats,
					      const struct stats_device *device)
{
	return stats->nr_devices ? bsearch(device, stats->devices, stats->nr_devices,
					   sizeof(*device), compare_devices) : NULL;
}

static double rate(uint64_t before, uint64_t now, double seconds)
{
	return seconds > 0 ? (double)(now >= before ? now - before : now) / seconds : 0;
}

static void add_device(struct stats_row *row, const struct stats_device *device,
		       const struct stats_device *old, double seconds)
{
	static const struct stats_device none;
	const uint64_t *was = old ? old->counters : none.counters, *is = device->counters;

	for (unsigned int i = 0; i < STATS_COUNTERS; i++)
		row->totals[i] += is[i];
	row->read_rate += rate(was[STATS_READ_BYTES], is[STATS_READ_BYTES], seconds);
	row->write_rate += rate(was[STATS_WRITTEN_BYTES], is[STATS_WRITTEN_BYTES], seconds);
	row->rx_rate += rate(was[STATS_RX_BYTES], is[STATS_RX_BYTES], seconds);
	row->tx_rate += rate(was[STATS_TX_BYTES], is[STATS_TX_BYTES], seconds);
}

int stats_rates(const struct stats *before, const struct stats *now, struct stats_row **out,
		struct err *err)
{
	double seconds = (double)(now->taken_ns - before->taken_ns) / 1e9;
	struct stats_row *rows = calloc(now->domains.nr + 1, sizeof(*rows));
	size_t d = 0;

	if (!rows)
		return fail_nomem(err);
	for (size_t i = 0; i < now->domains.nr; i++) {
		const struct domain_entry *entry = &now->domains.items[i];
		const struct domain_entry *old = same_domain(before, &entry->info);

		rows[i].domain = entry;
		rows[i].cpu_percent = 100 * rate(old ? old->info.cpu_time_ns : 0,
						 entry->info.cpu_time_ns, seconds) / 1e9;
		while (d < now->nr_devices && now->devices[d].domid < entry->info.domid)
			d++;
		for (; d < now->nr_devices && now->devices[d].domid == entry->info.domid; d++)
			add_device(&rows[i], &now->devices[d],
				   old ? same_device(before, &now->devices[d]) : NULL, seconds);
	}
	*out = rows;
	return 0;
}

/* What is sorted by: the most first, of equal ones the lowest domid. */

static double cpu_of(const struct stats_row *row) { return row->cpu_percent; }
static double time_of(const struct stats_row *row) { return (double)row->domain->info.cpu_time_ns; }
static double memory_of(const struct stats_row *row) { return (double)row->domain->info.nr_pages; }
static double disk_of(const struct stats_row *row) { return row->read_rate + row->write_rate; }
static double network_of(const struct stats_row *row) { return row->rx_rate + row->tx_rate; }
static double id_of(const struct stats_row *row) { return -(double)row->domain->info.domid; }

static double (*const figures[])(const struct stats_row *row) = {
	cpu_of, time_of, memory_of, disk_of, network_of, id_of, NULL,	/* NULL: the name */
};

const char *const stats_sort_words[] = {
	"cpu", "time", "memory", "disk", "network", "id", "name", NULL,
};

static const char *name_of(const struct stats_row *row)
{
	return row->domain->name ? row->domain->name : "";
}

static int compare_rows(const void *va, const void *vb, void *which)
{
	const struct stats_row *a = va, *b = vb;
	double (*figure)(const struct stats_row *row) = figures[*(const size_t *)which];
	double x = figure ? figure(a) : 0, y = figure ? figure(b) : 0;
	int order = figure ? (x < y) - (x > y) : strcmp(name_of(a), name_of(b));

	if (order)
		return order;
	return a->domain->info.domid < b->domain->info.domid ? -1 : 1;
}

bool stats_sort(struct stats_row *rows, size_t nr, const char *word)
{
	for (size_t i = 0; stats_sort_words[i]; i++) {
		if (strcmp(stats_sort_words[i], word) == 0) {
			qsort_r(rows, nr, sizeof(*rows), compare_rows, &i);
			return true;
		}
	}
	return false;
}
