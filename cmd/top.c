/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* top: what guests are using, again and again, on a plain VT100; or once, for scripts. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>

#include "base/json.h"
#include "base/str.h"
#include "base/wait.h"
#include "command.h"
#include "domain/stats.h"
#include "domain/userdata.h"
#include "output.h"
#include "top.h"
#include "xen/host.h"

/* VT100: cursor home, clear to the end of the line, of the screen; reverse video and back. */
#define HOME		"\x1b[H"
#define CLEAR_LINE	"\x1b[K"
#define CLEAR_REST	"\x1b[J"
#define REVERSE		"\x1b[7m"
#define NORMAL		"\x1b[m"
#define HIDE_CURSOR	"\x1b[?25l"
#define SHOW_CURSOR	"\x1b[?25h"

enum { DELAY_MOST_S = 3600, DEFAULT_DELAY_S = 1, DEFAULT_LIVE_DELAY_S = 3, FIRST_LOOK_MS = 200 };

struct top_options {
	bool once, json;
	struct option_uint delay;
	const char *sort;
};

struct screen {
	struct termios old;
	bool raw;
	int lines, columns;
};

static const struct { char key; const char *word; } sort_keys[] = {
	{ 'c', "cpu" }, { 't', "time" }, { 'm', "memory" }, { 'd', "disk" }, { 'n', "network" },
	{ 'i', "id" }, { 'a', "name" },
};

const char *top_sort_word(char key)
{
	for (size_t i = 0; i < ARRAY_SIZE(sort_keys); i++) {
		if (sort_keys[i].key == key)
			return sort_keys[i].word;
	}
	return NULL;
}

const char *top_state(const struct domctl_info *info)
{
	return info->dying ? "dying" :
	       info->shutdown && info->shutdown_reason == DOMCTL_CRASH ? "crashed" :
	       info->shutdown ? "shutdown" : info->paused ? "paused" :
	       info->running ? "running" : info->blocked ? "idle" : "ready";
}

void top_rate(double rate, char buf[TOP_RATE_LEN])
{
	static const char units[] = "BKMGTP";
	size_t unit = 0;

	while (rate >= 999.5 && unit < sizeof(units) - 2) {
		rate /= 1024;
		unit++;
	}
	snprintf(buf, TOP_RATE_LEN, unit && rate < 9.95 ? "%.1f%c" : "%.0f%c",
		 rate < 9999 ? rate : 9999, units[unit]);
}

int top_header(char *buf, size_t size)
{
	return snprintf(buf, size, "%5s %-20s %-8s %9s %6s %8s %8s %5s %6s %6s %6s %6s", "ID",
			"NAME", "STATE", "TIME(s)", "CPU%", "MEM(M)", "MAX(M)", "VCPUS", "READ/s",
			"WRITE/s", "RX/s", "TX/s");
}

int top_row(const struct stats_row *row, char *buf, size_t size)
{
	const struct domctl_info *info = &row->domain->info;
	const char *name = row->domain->name ? row->domain->name : "(null)";
	char shown[24], rates[4][TOP_RATE_LEN], max[16];
	const double values[] = { row->read_rate, row->write_rate, row->rx_rate, row->tx_rate };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		top_rate(values[i], rates[i]);
	if (info->max_pages >= UINT32_MAX)
		snprintf(max, sizeof(max), "no limit");
	else
		snprintf(max, sizeof(max), "%" PRIu64, info->max_pages >> 8);
	return snprintf(buf, size, "%5u %-20s %-8s %9.1f %6.1f %8" PRIu64 " %8s %5u %6s %6s %6s "
			"%6s", info->domid, str_escape(name, strlen(name), shown, sizeof(shown)),
			top_state(info), (double)info->cpu_time_ns / 1e9, row->cpu_percent,
			info->nr_pages >> 8, max, info->nr_online_vcpus, rates[0], rates[1],
			rates[2], rates[3]);
}

/* Numbers to three places: what is behind them is noise. */
static json_t *number(double value)
{
	return json_real((double)(int64_t)(value * 1000 + 0.5) / 1000);
}

static json_t *row_json(const struct stats_row *row)
{
	const struct domctl_info *info = &row->domain->info;
	char uuid[37];

	userdata_format_uuid(info->uuid, uuid);
	return json_pack("{s:I s:o s:s s:s s:f s:o s:I s:o s:I s:I s:o s:o s:o s:o"
			 " s:I s:I s:I s:I}",
			 "domid", (json_int_t)info->domid,
			 "name", row->domain->name ? json_text(row->domain->name) : json_null(),
			 "uuid", uuid, "state", top_state(info),
			 "cpu_seconds", (double)info->cpu_time_ns / 1e9,
			 "cpu_percent", number(row->cpu_percent),
			 "memory_bytes", (json_int_t)info->nr_pages * 4096,
			 "max_memory_bytes", info->max_pages >= UINT32_MAX ? json_null() :
			 json_integer((json_int_t)info->max_pages * 4096),
			 "vcpus", (json_int_t)info->nr_vcpus,
			 "online_vcpus", (json_int_t)info->nr_online_vcpus,
			 "disk_read_bytes_per_second", number(row->read_rate),
			 "disk_written_bytes_per_second", number(row->write_rate),
			 "network_receive_bytes_per_second", number(row->rx_rate),
			 "network_transmit_bytes_per_second", number(row->tx_rate),
			 "disk_read_bytes", (json_int_t)row->totals[STATS_READ_BYTES],
			 "disk_written_bytes", (json_int_t)row->totals[STATS_WRITTEN_BYTES],
			 "network_receive_bytes", (json_int_t)row->totals[STATS_RX_BYTES],
			 "network_transmit_bytes", (json_int_t)row->totals[STATS_TX_BYTES]);
}

static int print_json(const struct stats_row *rows, size_t nr, struct err *err)
{
	scoped(json) json_t *array = json_array();

	for (size_t i = 0; i < nr; i++) {
		if (json_array_append_new(array, row_json(&rows[i])) < 0)
			return fail_nomem(err);
	}
	return output_json(array, err);
}

static void print_table(const struct stats_row *rows, size_t nr)
{
	char line[256];

	top_header(line, sizeof(line));
	puts(line);
	for (size_t i = 0; i < nr; i++) {
		top_row(&rows[i], line, sizeof(line));
		puts(line);
	}
}

static int run_once(struct cmd *cmd, const char *sort, int delay_ms, struct err *err)
{
	const struct top_options *opts = cmd->options;
	scoped(stats) struct stats before = STATS_INIT, now = STATS_INIT;
	scoped(free) struct stats_row *rows = NULL;
	int rc = stats_take(&cmd->xen, &before, err);

	if (rc < 0)
		return rc;
	rc = wait_poll(NULL, 0, wait_deadline(delay_ms));
	if (rc == -EINTR)
		return fail(err, EINTR, "interrupted");
	rc = stats_take(&cmd->xen, &now, err);
	if (rc == 0)
		rc = stats_rates(&before, &now, &rows, err);
	if (rc < 0)
		return rc;
	stats_sort(rows, now.domains.nr, sort);
	if (opts->json)
		return print_json(rows, now.domains.nr, err);
	print_table(rows, now.domains.nr);
	return 0;
}

/* Live */

static int screen_open(struct screen *screen, struct err *err)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &screen->old) < 0)
		return fail_sys(err, errno, "cannot read the terminal's state");
	raw = screen->old;
	raw.c_lflag &= (tcflag_t)~(ICANON | ECHO);
	/* Stopped, or killed by ^\\, it would leave the terminal as it is now. */
	raw.c_cc[VSUSP] = _POSIX_VDISABLE;
	raw.c_cc[VQUIT] = _POSIX_VDISABLE;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
		return fail_sys(err, errno, "cannot set up the terminal");
	screen->raw = true;
	fputs(HIDE_CURSOR HOME CLEAR_REST, stdout);
	return 0;
}

static void scoped_screen(struct screen *screen)
{
	if (!screen->raw)
		return;
	printf("\x1b[%d;1H\n" SHOW_CURSOR, screen->lines);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &screen->old);
}

/* It may change at any time; a terminal that does not tell (a serial line) is a VT100. */
static void screen_measure(struct screen *screen)
{
	struct winsize size;

	screen->lines = 24;
	screen->columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col) {
		screen->lines = size.ws_row;
		screen->columns = size.ws_col;
	}
}

static void put_line(const struct screen *screen, const char *style, const char *text)
{
	/* A character in the last column is kept from wrapping. */
	printf("%s%.*s%s" CLEAR_LINE "\r\n", style, screen->columns - 1, text, *style ? NORMAL : "");
}

static void draw(struct screen *screen, const struct host_memory *mem,
		 const struct stats_row *rows, size_t nr, const char *sort)
{
	char line[256], clock[16] = "";
	time_t now = time(NULL);
	struct tm tm;
	int left;

	screen_measure(screen);
	if (localtime_r(&now, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	fputs(HOME, stdout);
	snprintf(line, sizeof(line), "%s  %zu domains, %" PRIu64 " of %" PRIu64
		 " MiB free, by %s", clock, nr, mem->free_kb >> 10, mem->total_kb >> 10, sort);
	put_line(screen, "", line);
	put_line(screen, "", "keys: q quit; by c cpu, t time, m memory, d disk, n network, i id, "
		 "a name");
	top_header(line, sizeof(line));
	put_line(screen, REVERSE, line);
	left = screen->lines - 4;	/* and the cursor's */
	for (size_t i = 0; i < nr && left > 0; i++, left--) {
		top_row(&rows[i], line, sizeof(line));
		put_line(screen, "", line);
	}
	fputs(CLEAR_REST, stdout);
	fflush(stdout);
}

/* One key: 0, or 1 to quit; -ETIMEDOUT at the deadline, -EINTR. */
static int read_key(const char **sort, int64_t deadline)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	char key;
	int rc = wait_poll(&input, 1, deadline);

	if (rc < 0)
		return rc;
	if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q')
		return 1;
	if (top_sort_word(key))
		*sort = top_sort_word(key);
	return 0;
}

/* Shows what was used since *before, which becomes what is now, until the next look. */
static int show(struct cmd *cmd, struct screen *screen, struct stats *before, const char **sort,
		int delay_ms, struct err *err)
{
	scoped(stats) struct stats now = STATS_INIT;
	scoped(free) struct stats_row *rows = NULL;
	int64_t deadline = wait_deadline(delay_ms);
	struct host_memory mem;
	int rc = stats_take(&cmd->xen, &now, err);

	if (rc == 0)
		rc = host_memory(&cmd->xen, &mem, err);
	if (rc == 0)
		rc = stats_rates(before, &now, &rows, err);
	while (rc == 0) {
		stats_sort(rows, now.domains.nr, *sort);
		draw(screen, &mem, rows, now.domains.nr, *sort);
		rc = read_key(sort, deadline);
	}
	if (rc == -ETIMEDOUT) {
		scoped_stats(before);
		*before = now;
		now = (struct stats)STATS_INIT;
		rc = 0;
	}
	return rc;
}

static int live(struct cmd *cmd, struct screen *screen, const char *sort, int delay_ms,
		struct err *err)
{
	scoped(stats) struct stats before = STATS_INIT;
	int rc = stats_take(&cmd->xen, &before, err);

	/* There is something to see soon: what was used within a moment. */
	if (rc == 0)
		rc = wait_poll(NULL, 0, wait_deadline(FIRST_LOOK_MS));
	for (rc = rc == -ETIMEDOUT ? 0 : rc; rc == 0;)
		rc = show(cmd, screen, &before, &sort, delay_ms, err);
	return rc == 1 || rc == -EINTR ? 0 : rc;
}

static bool known_order(const char *word)
{
	for (size_t i = 0; stats_sort_words[i]; i++) {
		if (strcmp(stats_sort_words[i], word) == 0)
			return true;
	}
	return false;
}

static int run_top(struct cmd *cmd, struct err *err)
{
	const struct top_options *opts = cmd->options;
	scoped(screen) struct screen screen = { .raw = false };
	bool once = opts->once || opts->json;
	const char *sort = opts->sort ? opts->sort : "cpu";
	unsigned int delay_s = opts->delay.given ? opts->delay.value :
		once ? DEFAULT_DELAY_S : DEFAULT_LIVE_DELAY_S;
	int rc;

	if (!known_order(sort))
		return fail(err, EINVAL, "cannot sort by '%.40s': cpu, time, memory, disk, network, "
			    "id and name are known", sort);
	if (delay_s < 1 || delay_s > DELAY_MOST_S)
		return fail(err, EINVAL, "--delay is a number of seconds from 1 to %d",
			    DELAY_MOST_S);
	rc = wait_catch_interrupts(err);
	if (rc == 0 && once)
		return run_once(cmd, sort, (int)delay_s * 1000, err);
	if (rc == 0 && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
		return fail(err, ENOTTY, "the live view needs a terminal: try top --once, or "
			    "--json");
	if (rc == 0)
		rc = screen_open(&screen, err);
	return rc < 0 ? rc : live(cmd, &screen, sort, (int)delay_s * 1000, err);
}

#define AT(member) offsetof(struct top_options, member)

static const struct option_row options[] = {
	{ 0, "once", NULL, "Print what was used during one delay, and end.", OPTION_FLAG,
	  AT(once) },
	{ 0, "json", NULL, "The same as a JSON array; implies --once.", OPTION_FLAG, AT(json) },
	{ 'd', "delay", "SECONDS", "Time between two looks, which rates are about (3; once: 1).",
	  OPTION_UINT, AT(delay) },
	{ 's', "sort", "WORD", "cpu (default), time, memory, disk, network, id or name.",
	  OPTION_STRING, AT(sort) },
};

const struct command cmd_top = {
	.name = "top", .args = "[options]", .help = "Monitor a host and the domains in real time",
	.needs = NEED_XEN | NEED_STORE, COMMAND_OPTIONS(options), .run = run_top,
};
