// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tiny guest: what it does and says is described in README.
 *
 * One thread, no interrupts: serve() looks at the console, the store and the
 * balloon in turn and sleeps in Xen when all three have nothing to do.
 */
#include "tiny.h"
#include "console.h"
#include "event.h"
#include "hypercall.h"
#include "lib.h"
#include "store.h"

#include <xen/arch-x86/hvm/start_info.h>

#define WATCH_SHUTDOWN	1
#define WATCH_TARGET	2
#define PAGES_TO_KB(n)	((n) << (PAGE_SHIFT - 10))
#define KB_TO_PAGES(n)	((n) >> (PAGE_SHIFT - 10))
#define RETRY_AFTER	NSEC_PER_SEC

struct command {
	const char *name;
	void (*run)(const char *arg);
};

/* Where the balloon is with target_pages. */
enum balloon {
	BALLOON_IDLE,		/* there, or no target is known yet */
	BALLOON_BUSY,
	BALLOON_RETRY,		/* stuck, and that has been said */
};

static const struct hvm_start_info *start;
static bool (*nmi_came)(void);
static void (*again)(void);
static bool follow_shutdown, follow_target;
static unsigned long target_pages;
static enum balloon balloon;

static void serve(uint64_t until);

/* It only comes back after a soft reset: as after kexec, but that the next kernel is the same. */
static void run_exit(const char *arg)
{
	hypercall_shutdown(number(arg));
	if (again)
		again();
}

static void run_trap(const char *arg)
{
	(void)arg;
	__asm__ volatile("ud2");
}

static void run_delay(const char *arg)
{
	serve(event_clock() + number(arg) * NSEC_PER_MSEC);
}

static void run_watchdog(const char *arg)
{
	struct sched_watchdog watchdog = { .timeout = number(arg) };

	if (hypercall_sched(SCHEDOP_watchdog, &watchdog) < 0)
		answer("tiny: watchdog: refused");
}

static void run_spin(const char *arg)
{
	(void)arg;
	for (;;)
		__asm__ volatile("pause");
}

static void run_fill(const char *arg)
{
	(void)arg;
	say("filled %lu KiB", PAGES_TO_KB(memory_fill()));
}

static void run_check(const char *arg)
{
	(void)arg;
	answer("tiny: check: %lu pages differ", memory_check());
}

static void run_mem(const char *arg)
{
	(void)arg;
	answer("tiny: mem %lu KiB", PAGES_TO_KB(memory_pages()));
}

static void run_say(const char *arg)
{
	answer("%s", arg);
}

static void run_flood(const char *arg)
{
	unsigned long i, n = number(arg);

	for (i = 1; i <= n; i++)
		answer("flood %lu of %lu", i, n);
}

static void run_read(const char *arg)
{
	char value[1024];
	bool ok = store_read(arg, value, sizeof(value));

	answer("tiny: read %s %s %s", arg, ok ? "=" : "failed:", value);
}

static void run_write(const char *arg)
{
	char path[256], error[64];

	word_next(&arg, path, sizeof(path));
	if (*arg == ' ')
		arg++;
	if (store_write(path, arg, error, sizeof(error)))
		answer("tiny: write %s done", path);
	else
		answer("tiny: write %s failed: %s", path, error);
}

static void run_rm(const char *arg)
{
	char error[64];

	if (store_rm(arg, error, sizeof(error)))
		answer("tiny: rm %s done", arg);
	else
		answer("tiny: rm %s failed: %s", arg, error);
}

/* As long as xenstored lets a guest's node be. */
static void run_huge(const char *arg)
{
	static char value[2001];
	char error[64];
	bool ok;

	memset(value, '9', sizeof(value) - 1);
	ok = store_write(arg, value, error, sizeof(error));
	answer("tiny: huge %s %s", arg, ok ? "done" : error);
}

/* A page of its own (the grant table) at a frame of its choice; not for PV. */
static void run_far(const char *arg)
{
	struct xen_add_to_physmap page = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .gpfn = number(arg),
	};

	answer("tiny: far %s %s", arg, hypercall_memory(XENMEM_add_to_physmap, &page) ? "refused" : "done");
}

static void run_port(const char *arg)
{
	uint16_t value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "d"((uint16_t)number(arg)));
	answer("tiny: port %s = %lu", arg, (unsigned long)value);
}

static void run_map(const char *arg)
{
	const struct hvm_memmap_table_entry *map;
	char types[64] = "";
	size_t len = 0;
	unsigned int i;

	(void)arg;
	if (!start) {
		answer("tiny: map none");
		return;
	}
	map = (void *)start->memmap_paddr;
	for (i = 0; i < start->memmap_entries; i++)
		len += format(types + len, sizeof(types) - len, "%s%u", i ? "," : "", map[i].type);
	answer("tiny: map rsdp=%lx types=%s", (unsigned long)start->rsdp_paddr, types);
}

static void run_churn(const char *arg)
{
	static const char *const values[] = {
		"1", "2", "3", "4", "5", "6", "7", "8", "0", "9", "-1", "4294967302", "", "Closed",
		"6 ", "18446744073709551622",
	};
	unsigned int seed = 1;
	char error[64];

	answer("tiny: churn %s", arg);
	for (;;) {
		seed = seed * 1103515245 + 12345;
		store_write(arg, values[(seed >> 16) % (sizeof(values) / sizeof(values[0]))],
			    error, sizeof(error));
	}
}

static const struct command commands[] = {
	{ "check", run_check },
	{ "churn", run_churn },
	{ "delay", run_delay },
	{ "exit", run_exit },
	{ "far", run_far },
	{ "fill", run_fill },
	{ "flood", run_flood },
	{ "huge", run_huge },
	{ "map", run_map },
	{ "mem", run_mem },
	{ "port", run_port },
	{ "read", run_read },
	{ "rm", run_rm },
	{ "say", run_say },
	{ "spin", run_spin },
	{ "trap", run_trap },
	{ "watchdog", run_watchdog },
	{ "write", run_write },
};

/* "name", "name=argument" and "name argument" are the same. */
static void run(const char *line)
{
	char name[32];
	size_t len = 0, i;

	while (line[len] && line[len] != ' ' && line[len] != '=')
		len++;
	if (len >= sizeof(name))
		return;
	memcpy(name, line, len);
	name[len] = '\0';
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			commands[i].run(line + len + (line[len] ? 1 : 0));
}

/*
 * As Linux does: the request is taken back before it is carried out.  A node
 * that is empty (our own answer) or gone (the first firing) asks for nothing.
 */
static void obey_shutdown(void)
{
	char what[32], error[32];

	if (!store_read("control/shutdown", what, sizeof(what)) || !what[0])
		return;
	store_write("control/shutdown", "", error, sizeof(error));
	say("shutdown %s", what);
	if (strcmp(what, "poweroff") == 0 || strcmp(what, "halt") == 0)
		hypercall_shutdown(SHUTDOWN_poweroff);
	else if (strcmp(what, "reboot") == 0)
		hypercall_shutdown(SHUTDOWN_reboot);
	else
		say("shutdown %s is not known", what);
}

static void read_target(void)
{
	char value[32];

	if (!store_read("memory/target", value, sizeof(value)))
		return;
	target_pages = KB_TO_PAGES(number(value));
	balloon = target_pages == memory_pages() ? BALLOON_IDLE : BALLOON_BUSY;
}

static void follow_balloon(void)
{
	enum memory_step step;

	if (balloon == BALLOON_IDLE)
		return;
	step = memory_step(target_pages);
	if (step == MEMORY_REACHED) {
		say("balloon %lu KiB", PAGES_TO_KB(memory_pages()));
		balloon = BALLOON_IDLE;
	} else if (step == MEMORY_STUCK && balloon == BALLOON_BUSY) {
		say("balloon stuck at %lu KiB", PAGES_TO_KB(memory_pages()));
		balloon = BALLOON_RETRY;
	}
}

/* What came in since the last look; true when there was something. */
static bool look(void)
{
	char line[256];
	unsigned int fired;
	bool typed = console_line(line, sizeof(line));

	if (typed) {
		answer("echo: %s", line);
		run(line);
	}
	if (nmi_came && nmi_came())
		say("nmi");
	fired = store_fired();
	if ((fired & 1u << WATCH_SHUTDOWN) && follow_shutdown)
		obey_shutdown();
	if ((fired & 1u << WATCH_TARGET) && follow_target)
		read_target();
	return typed || fired;
}

/* Lives until the clock passes until; 0: for ever. */
static void serve(uint64_t until)
{
	uint64_t deadline;

	for (;;) {
		bool is_idle = !look();

		follow_balloon();
		if (until && event_clock() >= until)
			return;
		/* what was done may have waited, and so eaten an event */
		if (!is_idle || balloon == BALLOON_BUSY)
			continue;
		deadline = until;
		if (balloon == BALLOON_RETRY)
			deadline = event_clock() + RETRY_AFTER;
		if (until && deadline > until)
			deadline = until;
		event_wait(deadline);
	}
}

static void join_store(void)
{
	static const char *const features[] = { "poweroff", "reboot" };
	char path[64], error[32];
	unsigned int i;

	if (follow_shutdown)
		store_watch("control/shutdown", WATCH_SHUTDOWN);
	for (i = 0; follow_shutdown && i < sizeof(features) / sizeof(features[0]); i++) {
		format(path, sizeof(path), "control/feature-%s", features[i]);
		store_write(path, "1", error, sizeof(error));
	}
	if (follow_target)
		store_watch("memory/target", WATCH_TARGET);
}

void tiny(const struct boot *boot)
{
	const char *rest = boot->cmdline;
	char word[256];

	start = boot->start;
	nmi_came = boot->nmi_came;
	again = boot->again;
	event_init(boot->shared);
	console_init(boot->console, boot->console_port);
	store_init(boot->store, boot->store_port);
	memory_init(&boot->memory);
	console_quiet(word_in(boot->cmdline, "quiet"));
	follow_shutdown = !word_in(boot->cmdline, "noack");
	follow_target = !word_in(boot->cmdline, "noballoon");

	say("%s, %lu MiB, cmdline '%s'", boot->kind,
	    PAGES_TO_KB(memory_pages()) >> 10, boot->cmdline);
	join_store();
	say("ready");
	while (word_next(&rest, word, sizeof(word)))
		run(word);
	for (;;)
		serve(0);
}
