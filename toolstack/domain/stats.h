/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What guests have used: processor time and memory from Xen, blocks from blkback and bytes from
 * netback through sysfs, all as this host counts them; and rates between two such samples. A disk
 * that QEMU serves (qdisk) has no counters here. Seen from the guest: "received" is what it got.
 */
#ifndef DOMAIN_STATS_H
#define DOMAIN_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "list.h"

/* Counters of a device since it was connected; a disk's first, then a network card's. */
enum stats_counter {
	STATS_READS, STATS_WRITES, STATS_FLUSHES, STATS_READ_BYTES, STATS_WRITTEN_BYTES,
	STATS_DISK_COUNTERS,
	STATS_RX_BYTES = STATS_DISK_COUNTERS, STATS_RX_PACKETS, STATS_RX_ERRORS, STATS_RX_DROPS,
	STATS_TX_BYTES, STATS_TX_PACKETS, STATS_TX_ERRORS, STATS_TX_DROPS,
	STATS_COUNTERS,
};

struct stats_device {
	uint32_t domid, devid;
	bool nic;			/* else a disk */
	uint64_t counters[STATS_COUNTERS];
};

struct stats {
	int64_t taken_ns;		/* CLOCK_MONOTONIC */
	struct domain_list domains;
	struct stats_device *devices;	/* owned; by domid, disks first, by devid */
	size_t nr_devices;
};

#define STATS_INIT { .taken_ns = 0 }

/*
 * A device that goes meanwhile is left out. Without the store's handle open, domains have no
 * names.
 */
int stats_take(struct xen *xen, struct stats *stats, struct err *err) must_check;
void scoped_stats(struct stats *stats);

/* "vbd-3-51712", "vif-3-0": a backend's name on its bus. Pure; false for any other. */
bool stats_parse_device(const char *name, struct stats_device *device);

/* One domain in the last of two samples, and what it did between them; since ever if in one only. */
struct stats_row {
	const struct domain_entry *domain;	/* borrowed */
	double cpu_percent;		/* of one processor */
	double read_rate, write_rate, rx_rate, tx_rate;	/* bytes a second */
	uint64_t totals[STATS_COUNTERS];	/* of its devices */
};

/*
 * Pure: a row for each domain of now, in its order; the caller frees *rows. A domain that was not
 * there before, or a counter that is less than it was, starts from nothing.
 */
int stats_rates(const struct stats *before, const struct stats *now, struct stats_row **rows,
		struct err *err) must_check;

/* Pure: sorts by a word of stats_sort_words: by what is used most first, but id and name. */
extern const char *const stats_sort_words[];	/* ends with NULL */
bool stats_sort(struct stats_row *rows, size_t nr, const char *word);

#endif
