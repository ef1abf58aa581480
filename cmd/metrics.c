/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* metrics: host and guests for a monitoring system. */
#include <stdio.h>

#include "base/str.h"
#include "command.h"
#include "domain/metrics.h"
#include "supervisor/supervisor.h"

struct metrics_options {
	const char *textfile;
};

static int run_metrics(struct cmd *cmd, struct err *err)
{
	const struct metrics_options *opts = cmd->options;
	scoped(metrics) struct metrics metrics = METRICS_INIT;
	scoped(strbuf) struct strbuf text = STRBUF_INIT;
	int rc = metrics_take(&cmd->xen, &metrics, err);

	if (rc < 0)
		return rc;
	metrics.supervisor_runs = supervisor_runs();
	metrics_print(&metrics, opts->textfile ? METRICS_PROMETHEUS : METRICS_OPENMETRICS, &text);
	if (text.failed)
		return fail_nomem(err);
	if (opts->textfile)
		return metrics_write(opts->textfile, &text, err);
	fputs(text.s, stdout);
	return 0;
}

static const struct option_row options[] = {
	{ 0, "textfile", "FILE", "Write them to FILE, whole or not at all, in the format that\n"
	  "node_exporter's textfile collector reads.", OPTION_STRING,
	  offsetof(struct metrics_options, textfile) },
};

const struct command cmd_metrics = {
	.name = "metrics", .args = "[--textfile=FILE]",
	.help = "Print metrics of the host and its guests (OpenMetrics)",
	/* Opens the store itself: that it does not answer is a metric. */
	.needs = NEED_XEN, COMMAND_OPTIONS(options), .run = run_metrics,
};
