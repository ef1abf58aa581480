/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host and its guests as metrics: OpenMetrics 1.0 (prometheus.io/docs/specs/om), and the
 * older text format of Prometheus, the only one that node_exporter's textfile collector reads.
 * Both have the same names, labels and values; of the older one counters' families are called
 * as their samples (..._total), and what it has no type for is a gauge.
 */
#ifndef DOMAIN_METRICS_H
#define DOMAIN_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "runfile.h"
#include "stats.h"
#include "xen/host.h"

struct strbuf;

enum metrics_format { METRICS_OPENMETRICS, METRICS_PROMETHEUS };

struct metrics {
	struct host_info host;
	struct stats stats;
	struct runfile_entry *records;	/* of the guests that xlite made; owned */
	size_t nr_records;
	bool store_answers, supervisor_runs;
	double store_seconds;		/* that one read took */
};

#define METRICS_INIT { .records = NULL }

/*
 * With the hypervisor open. That xenstored does not answer is one of the metrics; then
 * guests have no names. supervisor_runs is the caller's.
 */
int metrics_take(struct xen *xen, struct metrics *metrics, struct err *err) must_check;
void scoped_metrics(struct metrics *metrics);

/* Pure. */
void metrics_print(const struct metrics *metrics, enum metrics_format format,
		   struct strbuf *out);

/* Pure: appends text between a label's quotes: valid UTF-8, no control characters, escaped. */
void metrics_label(const char *text, struct strbuf *out);

/* FILE is the old one or the new one, never half, whoever else writes there at the same time. */
int metrics_write(const char *file, const struct strbuf *text, struct err *err) must_check;

#endif
