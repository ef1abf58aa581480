/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What guests use: names on the bus, rates, order, the live view's lines, and metrics. */
#include <stdlib.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/str.h"
#include "cmd/top.h"
#include "domain/metrics.h"
#include "domain/stats.h"
#include "tap.h"
#include "tests/openmetrics.h"

static void test_parse(void)
{
	static const struct { const char *name; bool ok, nic; uint32_t domid, devid; } cases[] = {
		{ "vbd-3-51712", true, false, 3, 51712 }, { "vif-12-0", true, true, 12, 0 },
		{ "vbd-3", false, false, 0, 0 }, { "vbd-3-", false, false, 0, 0 },
		{ "vbd-3-1-2", false, false, 0, 0 }, { "vbd--3", false, false, 0, 0 },
		{ "console-1-0", false, false, 0, 0 }, { "vif-70000-0", false, false, 0, 0 },
		{ "vbd-1-4294967296", false, false, 0, 0 }, { "vbd- 1-1", false, false, 0, 0 },
		{ "vbd-1-51712000000000000000000000000000", false, false, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct stats_device d = { .domid = 99 };
		bool ok = stats_parse_device(cases[i].name, &d);

		is_int(ok, cases[i].ok, "'%s' is one", cases[i].name);
		if (ok)
			ok(d.domid == cases[i].domid && d.devid == cases[i].devid &&
			   d.nic == cases[i].nic, "'%s': which", cases[i].name);
	}
}

static struct domain_entry *fill(struct domain_list *list, uint32_t domid, const char *name,
				 uint64_t cpu_ns, uint64_t pages)
{
	struct domain_entry *entry = &list->items[list->nr++];

	*entry = (struct domain_entry){
		.info = { .domid = domid, .uuid = { (uint8_t)domid }, .cpu_time_ns = cpu_ns,
			  .nr_pages = pages, .max_pages = pages, .nr_vcpus = 2,
			  .nr_online_vcpus = 1, .blocked = true },
		.name = name ? strdup(name) : NULL,
	};
	return entry;
}

static void add(struct stats *stats, const char *name, uint64_t first, uint64_t second)
{
	struct stats_device *d = &stats->devices[stats->nr_devices++];

	ok(stats_parse_device(name, d), "%s", name);
	d->counters[d->nic ? STATS_RX_BYTES : STATS_READ_BYTES] = first;
	d->counters[d->nic ? STATS_TX_BYTES : STATS_WRITTEN_BYTES] = second;
}

/* Two samples, two seconds apart. */
static void two_samples(struct stats *before, struct stats *now)
{
	struct stats *both[] = { before, now };

	for (unsigned int i = 0; i < 2; i++) {
		struct stats *s = both[i];

		*s = (struct stats){ .taken_ns = 5000000000 + i * 2000000000 };
		s->domains.items = calloc(8, sizeof(*s->domains.items));
		s->devices = calloc(8, sizeof(*s->devices));
		fill(&s->domains, 0, "Domain-0", 1000000000 + i * 500000000, 1 << 18);
		fill(&s->domains, 3, "web", i * 3000000000, 4096);
		if (i == 1)
			fill(&s->domains, 4, "\x1b[31mbad\"\\\n", 100000000, 8192);
		fill(&s->domains, 7, i ? NULL : "old", i ? 1000000000 : 9000000000, 2048);
	}
	/* The number is another domain's now. */
	now->domains.items[3].info.uuid[0] = 70;
	add(before, "vbd-3-51712", 1000, 0);
	add(before, "vif-3-0", 4000, 6000);
	add(now, "vbd-3-51712", 3000, 100);
	add(now, "vbd-3-51728", 50, 0);
	add(now, "vif-3-0", 1000, 6000);	/* attached anew */
	add(now, "vif-4-0", 0, 20);
}

static void test_rates(const struct stats *before, const struct stats *now)
{
	struct stats_row *rows = NULL;
	struct err err = ERR_INIT;

	is_int(stats_rates(before, now, &rows, &err), 0, "rates");
	is_int(rows[0].cpu_percent * 10, 250, "dom0: half a second in two");
	is_int(rows[1].cpu_percent, 150, "three seconds in two");
	is_int(rows[1].read_rate, 1025, "two disks, one of them new");
	is_int(rows[1].write_rate, 50, "written");
	is_int(rows[1].rx_rate, 500, "a counter that went back starts from nothing");
	is_int(rows[1].tx_rate, 0, "nothing sent");
	is_int(rows[1].totals[STATS_READ_BYTES], 3050, "all that was read");
	is_int(rows[2].tx_rate, 10, "a new domain: all of it");
	is_int(rows[3].cpu_percent, 50, "another domain of the same number: all of it");
	free(rows);
	is_int(stats_rates(now, now, &rows, &err), 0, "no time between");
	is_int(rows[1].cpu_percent, 0, "is no rate");
	free(rows);
}

static void test_sort(const struct stats *before, const struct stats *now)
{
	static const struct { const char *word; uint32_t first, last; } cases[] = {
		{ "cpu", 3, 4 }, { "time", 3, 4 }, { "memory", 0, 7 }, { "disk", 3, 7 },
		{ "network", 3, 7 }, { "id", 0, 7 }, { "name", 7, 3 },
	};
	struct stats_row *rows = NULL;
	struct err err = ERR_INIT;

	is_int(stats_rates(before, now, &rows, &err), 0, "rates");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ok(stats_sort(rows, 4, cases[i].word), "%s is known", cases[i].word);
		is_int(rows[0].domain->info.domid, cases[i].first, "%s: first", cases[i].word);
		is_int(rows[3].domain->info.domid, cases[i].last, "%s: last", cases[i].word);
	}
	ok(!stats_sort(rows, 4, "size"), "an order that there is not");
	for (size_t i = 0; stats_sort_words[i]; i++) {
		unsigned int keys = 0;

		for (int key = 'a'; key <= 'z'; key++)
			keys += top_sort_word((char)key) == NULL ? 0 :
				strcmp(top_sort_word((char)key), stats_sort_words[i]) == 0;
		is_int(keys, 1, "one key for %s", stats_sort_words[i]);
	}
	free(rows);
}

static void test_top(const struct stats *before, const struct stats *now)
{
	static const struct { double rate; const char *text; } rates[] = {
		{ 0, "0B" }, { 999, "999B" }, { 999.4, "999B" }, { 999.5, "1.0K" },
		{ 1024, "1.0K" }, { 10239, "10K" }, { 1536 * 1024, "1.5M" }, { 2e20, "9999P" },
	};
	struct stats_row *rows = NULL;
	struct err err = ERR_INIT;
	char line[256];

	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		char text[TOP_RATE_LEN];

		top_rate(rates[i].rate, text);
		is_str(text, rates[i].text, "%g a second", rates[i].rate);
	}
	is_int(stats_rates(before, now, &rows, &err), 0, "rates");
	top_header(line, sizeof(line));
	is_str(line, "   ID NAME                 STATE      TIME(s)   CPU%   MEM(M)   MAX(M) VCPUS "
	       "READ/s WRITE/s   RX/s   TX/s", "header");
	top_row(&rows[1], line, sizeof(line));
	is_str(line, "    3 web                  idle           3.0  150.0       16       16     1 "
	       "  1.0K    50B   500B     0B", "a row");
	top_row(&rows[2], line, sizeof(line));
	ok(strstr(line, "\\x1b[31mbad\"") && !strchr(line, '\x1b') && !strchr(line, '\n'),
	   "a hostile name: %s", line);
	free(rows);
}

static void test_label(void)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "web", "web" }, { "a\"b", "a\\\"b" }, { "a\\b", "a\\\\b" },
		{ "a\nb", "a\\\\x0ab" }, { "\x1b[2J", "\\\\x1b[2J" }, { "g\xc3\xa4st", "g\xc3\xa4st" },
		{ "g\xe4st", "g\\\\xe4st" }, { "\xc2\x9b" "2J", "\\\\xc2\\\\x9b2J" }, { "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scoped(strbuf) struct strbuf out = STRBUF_INIT;

		metrics_label(cases[i].text, &out);
		strbuf_add(&out, "", 0);
		is_str(out.s, cases[i].want, "label %zu", i);
	}
}

/* What the reader has to refuse: after a line that is right. */
static void test_reader(void)
{
	static const char head[] = "# HELP a_bytes x\n# TYPE a_bytes gauge\n";
	static const struct { const char *text, *why; } cases[] = {
		{ "a_bytes 1\n# EOF\n", NULL }, { "a_bytes{x=\"\\\"\\\\\\n\"} 1.5\n# EOF\n", NULL },
		{ "# UNIT a_bytes bytes\na_bytes +Inf\n# EOF\n", NULL },
		{ "a_bytes 1\n", "no # EOF" }, { "a_bytes 1\n# EOF\n# EOF\n", "text after # EOF" },
		{ "a_bytes 1\na_bytes 1\n# EOF\n", "a sample twice" },
		{ "a_bytes{x=\"1\",x=\"2\"} 1\n# EOF\n", "a label twice" },
		{ "a_bytes{x=\"1\",} 1\n# EOF\n", "no comma between labels" },
		{ "a_bytes{x=\"\\t\"} 1\n# EOF\n", "a label's value" },
		{ "a_bytes{0x=\"1\"} 1\n# EOF\n", "a label" }, { "a_bytes nan\n# EOF\n", "a value" },
		{ "a_bytes -1\n# EOF\n", "a value" }, { "a_bytes 1 x\n# EOF\n", "a value" },
		{ "# UNIT a_bytes seconds\na_bytes 1\n# EOF\n",
		  "a unit that the name does not end with" },
		{ "\na_bytes 1\n# EOF\n", "an empty or a very long line" },
		{ "a_bytes_total 1\n# EOF\n",
		  "a sample of another family, or with another suffix" },
		{ "a_bytes 1\n# TYPE b gauge\n# HELP b x\nb 1\n# TYPE a_bytes gauge\n# EOF\n",
		  "a family in two places" },
		{ "# TYPE b counter\n# HELP b x\nb 1\n# EOF\n",
		  "a sample of another family, or with another suffix" },
		{ "# TYPE b info\n# HELP b x\nb_info 2\n# EOF\n", "an info that is not 1" },
		{ "# TYPE b stateset\n# HELP b x\nb{c=\"d\"} 1\n# EOF\n",
		  "a stateset without its label, or the reverse" },
		{ "# comment\n# EOF\n", "a comment" }, { "a_bytes 1\n# EOF", "no line end" },
		{ "# TYPE b summary\n# EOF\n", "a type that is none" },
		{ "# HELP a_bytes y\n# EOF\n", "two helps" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct openmetrics *om = calloc(1, sizeof(*om));
		scoped(free) char *text = str_format("%s%s", head, cases[i].text);

		is_int(openmetrics_check(om, text), !cases[i].why, "text %zu", i);
		is_str(om->why, cases[i].why, "text %zu: why", i);
		free(om);
	}
}

/* Another program's judgement, where this machine has it. */
static void judge(const char *what, const char *probe, const char *command, const char *text)
{
	FILE *f;

	if (system(probe) != 0) {
		ok(true, "%s # SKIP not installed", what);
		return;
	}
	f = popen(command, "w");
	if (f)
		fputs(text, f);
	is_int(f ? pclose(f) : -1, 0, "%s", what);
}

static struct metrics host(const struct stats *stats, struct runfile_entry *records)
{
	struct metrics metrics = {
		.host = { .memory = { 4096, 1024, 8, 4 }, .nr_cpus = 2, .xen_major = 4,
			  .xen_minor = 17, .extra = ".5", .scheduler = "credit2" },
		.stats = *stats, .records = records, .nr_records = 2, .store_answers = true,
		.store_seconds = 0.000123456789, .supervisor_runs = true,
	};

	records[0].record = (struct runfile_record){
		.domid = 3, .uuid = { 3 }, .restarts = 2, .started = 1700000000,
	};
	records[1].record = (struct runfile_record){ .creating = true };
	return metrics;
}

static void test_metrics(const struct stats *now)
{
	static const char *const open_lines[] = {
		"\nxen_info{version=\"4.17.5\",scheduler=\"credit2\"} 1\n",
		"\n# UNIT xen_host_memory_free_bytes bytes\nxen_host_memory_free_bytes 1048576\n",
		"\nxen_xenstored_read_seconds 0.000123457\n",
		"\n# TYPE xen_domain_cpu_seconds counter\n",
		"\nxen_domain_cpu_seconds_total{domain=\"Domain-0\",domid=\"0\"} 1.500000000\n",
		"\nxen_domain_disk_read_bytes_total{domain=\"web\",domid=\"3\",device=\"xvdb\"} 50\n",
		"\nxen_domain_network_transmit_bytes_total{domain=\"\\\\x1b[31mbad\\\"\\\\\\\\x0a\","
		"domid=\"4\",device=\"0\"} 20\n",
		"\nxen_domain_state{domain=\"web\",domid=\"3\",xen_domain_state=\"blocked\"} 1\n",
		"\nxen_domain_quick_restarts{domain=\"web\",domid=\"3\"} 2\n",
		"\nxlite_watched_guests 1\n", "\nxlite_unfinished_guests 1\n",
		"\nxen_domain_memory_max_bytes{domain=\"\",domid=\"7\"} 8388608\n", "\n# EOF\n",
	};
	static const char *const text_lines[] = {
		"\n# TYPE xen_domain_cpu_seconds_total counter\n", "\n# TYPE xen_domain_info gauge\n",
		"\n# TYPE xen_domain_state gauge\n",
	};
	scoped(strbuf) struct strbuf open = STRBUF_INIT, text = STRBUF_INIT;
	struct openmetrics *om = calloc(1, sizeof(*om));
	struct runfile_entry records[2] = { { .name = NULL } };
	struct metrics metrics = host(now, records);

	metrics_print(&metrics, METRICS_OPENMETRICS, &open);
	metrics_print(&metrics, METRICS_PROMETHEUS, &text);
	for (size_t i = 0; i < ARRAY_SIZE(open_lines); i++)
		ok(strstr(open.s, open_lines[i]), "has %s", open_lines[i]);
	for (size_t i = 0; i < ARRAY_SIZE(text_lines); i++)
		ok(strstr(text.s, text_lines[i]), "Prometheus' has %s", text_lines[i]);
	ok(!strstr(text.s, "# UNIT"), "and no units");
	ok(openmetrics_check(om, open.s), "OpenMetrics (%s)", om->why ? om->why : "valid");
	free(om);
	judge("the reference parser of OpenMetrics accepts it",
	      "/usr/bin/python3 -c 'import prometheus_client' 2> /dev/null",
	      "/usr/bin/python3 -c 'import sys; from prometheus_client.openmetrics.parser import *; "
	      "list(text_string_to_metric_families(sys.stdin.read()))'", open.s);
	judge("promtool accepts the older format", "command -v promtool > /dev/null",
	      "promtool check metrics", text.s);
}

static void test_write(void)
{
	struct strbuf text = { .s = strdup("x 1\n"), .len = 4 };
	char dir[] = "/tmp/metrics.XXXXXX", path[64], got[8] = "";
	struct err err = ERR_INIT;
	FILE *f;

	ok(mkdtemp(dir), "a folder");
	snprintf(path, sizeof(path), "%s/x.prom", dir);
	is_int(metrics_write(path, &text, &err), 0, "written");
	is_int(metrics_write(path, &text, &err), 0, "and again");
	f = fopen(path, "r");
	ok(f && fread(got, 1, 7, f) == 4 && strcmp(got, "x 1\n") == 0, "there it is");
	if (f)
		fclose(f);
	unlink(path);
	is_int(rmdir(dir), 0, "and nothing else");
	is_int(metrics_write(path, &text, &err), -ENOENT, "no folder");
	free(text.s);
}

int main(void)
{
	scoped(stats) struct stats before = STATS_INIT, now = STATS_INIT;

	two_samples(&before, &now);
	test_parse();
	test_rates(&before, &now);
	test_sort(&before, &now);
	test_top(&before, &now);
	test_label();
	test_reader();
	test_metrics(&now);
	test_write();
	return tap_done();
}
