/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The supervisor's files and rules, without a hypervisor. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/scope.h"
#include "domain/coredump.h"
#include "domain/ending.h"
#include "supervisor/events.h"
#include "supervisor/intent.h"
#include "supervisor/monitor.h"
#include "supervisor/successor.h"
#include "tap.h"
#include "xen/domctl.h"
#include "xen/dumpcore.h"

static void test_pause(void)
{
	static const int want[] = { 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, -1, -1 };

	for (unsigned int i = 0; i < ARRAY_SIZE(want); i++)
		is_int(ending_pause(i), want[i], "pause before quick restart %u", i);
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.restart", dir, name);
	f = fopen(path, "w");
	if (f)
		fputs(text, f);
	ok(f && fclose(f) == 0, "a file is written");
}

static void test_intent(const char *dir)
{
	struct intent intent = {
		.domid = 7, .restarts = 3, .uuid = { 1, 2 }, .soft_reset = true, .reason = 5,
		.aside = { .uuid = { 9 } },
	};
	scoped(intent) struct intent back = INTENT_INIT;
	struct err err = ERR_INIT;
	char **names = NULL;
	size_t nr = 0;

	is_int(intent_read(dir, "g", &back, &err), -ENOENT, "none yet");
	intent.config = json_pack("{s:{s:s}}", "c_info", "name", "g");
	ending_aside_name("g", 0, 1, &intent.aside);
	is_int(intent_write(dir, "g", &intent, &err), 0, "written");
	is_int(intent_read(dir, "g", &back, &err), 0, "read");
	ok(back.domid == 7 && back.restarts == 3 && back.soft_reset && back.reason == 5 && memcmp(back.uuid, intent.uuid, 16) == 0 &&
	   memcmp(&back.aside, &intent.aside, sizeof(back.aside)) == 0 &&
	   json_equal(back.config, intent.config), "the same");
	is_int(intent_list(dir, &names, &nr, &err), 0, "listed");
	ok(nr == 1 && strcmp(names[0], "g") == 0, "by its name");
	for (size_t i = 0; i < nr; i++)
		free(names[i]);
	free(names);
	intent_remove(dir, "g");
	scoped_intent(&back);
	is_int(intent_read(dir, "g", &back, &err), -ENOENT, "removed");
	put(dir, "bad", "{ \"domid\": 1 }");
	is_int(intent_read(dir, "bad", &back, &err), -EINVAL, "half of one");
	put(dir, "bad", "{");
	ok(intent_read(dir, "bad", &back, &err) < 0, "no JSON");
	intent_remove(dir, "bad");
	json_decref(intent.config);
}

static void test_no_reset(void)
{
	struct domain_config config = { .type = DOMAIN_PV };
	enum config_action action = CONFIG_ACTION_SOFT_RESET;

	is_str(ending_no_reset(&config, &action),
	       "a pv guest cannot be soft reset: it is destroyed", "pv");
	is_int(action, CONFIG_ACTION_DESTROY, "pv: destroyed");
	action = CONFIG_ACTION_PRESERVE;
	ok(!ending_no_reset(&config, &action) && action == CONFIG_ACTION_PRESERVE,
	   "another action stays");
	config.type = DOMAIN_HVM;
	action = CONFIG_ACTION_SOFT_RESET;
	ok(!ending_no_reset(&config, &action) && action == CONFIG_ACTION_SOFT_RESET, "hvm");
	config.nr_pcidevs = 1;
	is_str(ending_no_reset(&config, &action),
	       "a guest with PCI devices cannot be soft reset: it is restarted", "PCI");
	is_int(action, CONFIG_ACTION_RESTART, "PCI: restarted");
	config.nr_pcidevs = 0;
	config.dm_restrict = TRI_TRUE;
	action = CONFIG_ACTION_SOFT_RESET;
	is_str(ending_no_reset(&config, &action),
	       "a guest with dm_restrict=1 cannot be soft reset: it is restarted", "dm_restrict");
	is_int(action, CONFIG_ACTION_RESTART, "dm_restrict: restarted");
}

static void test_endings(void)
{
	struct domain_config config = {
		.on_poweroff = CONFIG_ACTION_DESTROY, .on_reboot = CONFIG_ACTION_RESTART,
		.on_crash = CONFIG_ACTION_COREDUMP_RESTART, .on_watchdog = CONFIG_ACTION_PRESERVE,
		.on_soft_reset = CONFIG_ACTION_SOFT_RESET,
	};
	struct ending_aside aside;
	char name[CONFIG_NAME_MAX + 1];
	struct err err = ERR_INIT;

	is_int(ending_action(&config, DOMCTL_POWEROFF), CONFIG_ACTION_DESTROY, "poweroff");
	is_int(ending_action(&config, DOMCTL_REBOOT), CONFIG_ACTION_RESTART, "reboot");
	is_int(ending_action(&config, DOMCTL_WATCHDOG), CONFIG_ACTION_PRESERVE, "watchdog");
	is_int(ending_action(&config, DOMCTL_CRASH), CONFIG_ACTION_COREDUMP_RESTART, "crash");
	is_int(ending_action(&config, 77), CONFIG_ACTION_COREDUMP_RESTART, "no reason known");
	is_int(ending_action(&config, DOMCTL_SUSPEND), CONFIG_ACTION_PRESERVE, "suspend");
	ok(ending_dumps(CONFIG_ACTION_COREDUMP_RESTART) && ending_restarts(CONFIG_ACTION_COREDUMP_RESTART),
	   "coredump-restart does both");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ending_aside_name(name, 0, 12, &aside);
	is_int(config_check_name(aside.name, &err), 0, "the longest name can be kept aside");
	ending_aside_name("g", 0, 1, &aside);
	is_str(aside.name, "g-19700101T0000Z", "as xl");
	ending_aside_name("g", 0, 2, &aside);
	is_str(aside.name, "g-19700101T0000Z-2", "another in the same minute");
}

static void test_events(void)
{
	static const char log[] =
		"{\"time\":100.5,\"event\":\"crash\",\"name\":\"a\",\"domid\":1,\"text\":\"\"}\n"
		"{\"time\":200.5,\"event\":\"crash\",\"name\":\"a\",\"domid\":1,\"text\":\"\"}\n"
		"{\"time\":200.5,\"event\":\"crash\",\"name\":\"a b\\\"\",\"domid\":1,\"text\":\"\"}\n"
		"{\"time\":300.5,\"event\":\"crash\",\"name\":\"ab\",\"domid\":1,\"text\":\"a\"}\n"
		"{\"time\":300.5,\"event\":\"crash\",\"name\":\"a\",\"domid\":1,";

	is_int(events_count(log, strlen(log), NULL, "a", 0), 2, "whole lines about a guest");
	is_int(events_count(log, strlen(log), NULL, "a", 150), 1, "of late");
	is_int(events_count(log, strlen(log), NULL, "a b\"", 0), 1, "a name in quotes");
	is_int(events_count(log, strlen(log), "crash", "a", 0), 2, "of a kind");
	is_int(events_count(log, strlen(log), "restart", "a", 0), 0, "and of none");
	is_int(events_count(log, 0, NULL, "a", 0), 0, "none");
}

static void test_monitor(const char *dir)
{
#define WORDS(text) text "\0", sizeof(text) + 1
	static const struct {
		const char *words;
		size_t len;
		bool stays;
	} cases[] = {
		{ WORDS("xl\0create\0-F\0m.cfg"), true },
		{ WORDS("/usr/sbin/xlite\0cr\0m.cfg\0-qc"), true },
		{ WORDS("xl\0-v\0create\0-F\0m.cfg\0name=\"n\""), false },
		{ WORDS("xl\0create\0m.cfg"), false },
		{ WORDS("xl\0create\0-F\0none.cfg"), false },
		{ WORDS("xl\0create\0-F\0--defconfig=m.cfg"), true },
		{ WORDS("xl\0create\0-Ffm.cfg"), true },
		{ WORDS("xl\0create\0-qfm.cfg"), false },
		{ WORDS("xl\0list\0-c\0m.cfg"), false },
		{ WORDS("create\0-F\0m.cfg"), false },
		{ WORDS(""), false },
	};
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/m.cfg", dir);
	f = fopen(path, "w");
	ok(f && fputs("name=\"m\"\n", f) > 0 && fclose(f) == 0, "a config");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		is_int(monitor_stays_for(cases[i].words, cases[i].len, dir, "m"), cases[i].stays,
		       "create %zu", i);
	unlink(path);
}

static void test_cores(void)
{
	const uint64_t mib = 1 << 20;

	is_int(coredump_reserve(100 * mib), 10 * mib, "a small file system: a tenth stays free");
	is_int(coredump_reserve(100 * 1024 * mib), 1024 * mib, "a large one: 1 GiB");
	ok(coredump_size(4096) > 16 * mib && coredump_size(4096) < 19 * mib, "a core of 16 MiB");
	is_int(dumpcore_end_gfn(1000, 16384, 65536), 1000, "less than 4 GiB: as far as there is any");
	is_int(dumpcore_end_gfn(1u << 27, 16384, 65536), (1 << 20) + 16384, "a page far away is left");
	is_int(dumpcore_end_gfn((1 << 20) + 20000, 4096, 80000), (1 << 20) + 20000, "ballooned: all that it had");
	is_int(dumpcore_end_gfn((1 << 20) + 20000, 4096, 0), (1 << 20) + 4096, "nothing known but Xen's limit");
	is_int(dumpcore_end_gfn(1u << 30, UINT64_MAX, 0), 1 << 30, "no limit");
}

int main(void)
{
	char dir[] = "/tmp/xlite-test.XXXXXX";

	if (!mkdtemp(dir))
		return 1;
	test_pause();
	test_intent(dir);
	test_no_reset();
	test_endings();
	test_events();
	test_monitor(dir);
	test_cores();
	rmdir(dir);
	return tap_done();
}
