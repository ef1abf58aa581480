/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench [-r ROUNDS] [SCENARIO...]: xl, xlite and the floor in turn, in dom0
 *
 * Everything is timed from spawn to exit. In each round each contender does the
 * same once, so that a machine that slows down slows all of them; a ratio is the
 * median of the rounds' ratios. Rounds are repeated while the floor's (else xl's)
 * middle half spreads over more than 15 % of its median, three times at most, and
 * the calmest set counts. JSON with all times (microseconds) goes to stdout, the
 * table to stderr. Exit status: 1 when a limit is passed, 2 trouble.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run.h"
#include "tests/bed/hoststate.h"
#include "tests/fault/storeproxy.h"
#include "toolstack/base/scope.h"

#define PROXY_DIR "/tmp/bench-store"
#define TINY "/xlite/guests/tiny"
#define MIB "32"
#define HVM_MIB "128"
#define TINY_CFG "/root/bench-tiny.cfg"
#define PVH_CFG "/root/bench-pvh.cfg"
#define HVM_CFG "/root/bench-hvm.cfg"
#define LINUX_CFG "/root/bench-linux.cfg"
#define DEVICES_CFG "/root/bench-devices.cfg"
#define IMAGE "/root/bench.img"
#define BRIDGE "xenbr0"

enum { MAX_SPREAD = 15, TRIES = 3, GUESTS = 40, HUNDRED = 99, VBD_GUESTS = 4, VBDS = 25, BOOT_S = 120 };

static const char *const names[] = { "xl", "xlite", "floor" };

static const char *const what_names[] = { "create", "destroy", "list", "block-attach",
	"block-detach", "network-attach", "network-detach", "boot-find", "boot-read",
	"boot-copy", "boot-unpack", "reboot" };

/* A row of the table; a limit of 0 says that there is none. */
struct row {
	const char *name;
	enum what what;
	double of_xl, of_floor;
};

enum mode { GUEST, LISTING, HOTPLUG, READING, RESTART };

struct scenario {
	const char *name, *config;
	unsigned int guests;	/* that are there meanwhile */
	enum mode mode;		/* what is timed: create -p and destroy, list, attach and detach, boot, reboot */
	bool floor;
	bool vbds;		/* the guests that are there have VBDS disks each */
	struct row rows[4];
};

static const struct scenario scenarios[] = {
	{ "tiny", TINY_CFG, 0, GUEST, true, false,
	  { { "create -p, tiny guest", CREATE, 0.30, 1.3 }, { "destroy", DESTROY, 0.30, 0 } } },
	{ "pvh", PVH_CFG, 0, GUEST, false, false,
	  { { "create -p, tiny PVH guest", CREATE, 0.30, 0 }, { "destroy of it", DESTROY, 0.30, 0 } } },
	{ "devices", DEVICES_CFG, 0, GUEST, true, false,
	  { { "create -p, file disk and vif", CREATE, 0.08, 0 },
	    { "destroy of it", DESTROY, 0.10, 0 } } },
	/* The floor is the start of its QEMU alone, for a domain that stands already. */
	{ "hvm", HVM_CFG, 0, GUEST, true, false,
	  { { "create -p, HVM; floor: QEMU alone", CREATE, 0.75, 1.2 },
	    { "destroy of it", DESTROY, 0.10, 0 } } },
	{ "list", NULL, GUESTS, LISTING, false, false,
	  { { "list, 40 guests", LIST, 0.40, 0 } } },
	{ "many", TINY_CFG, GUESTS, GUEST, true, false,
	  { { "create -p, 40 guests there", CREATE, 0, 1.2 },
	    { "destroy, 40 guests there", DESTROY, 0, 0 } } },
	{ "hundred", TINY_CFG, HUNDRED, GUEST, true, false,
	  { { "create -p, the 100th", CREATE, 0, 1.2 },
	    { "destroy, 99 guests there", DESTROY, 0, 0 } } },
	{ "reboot", TINY_CFG, 0, RESTART, false, false,
	  { { "from a guest's reboot to the next one", REBOOT, 0.10, 0 } } },
	{ "vbds", DEVICES_CFG, VBD_GUESTS, GUEST, true, true,
	  { { "create -p, disk and vif, 100 vbds", CREATE, 0, 1.2 },
	    { "destroy of it", DESTROY, 0, 0 } } },
	{ "linux", LINUX_CFG, 0, GUEST, false, false,
	  { { "create -p, Debian's kernel, cached", CREATE, 0.15, 0 },
	    { "destroy of it", DESTROY, 0, 0 } } },
	{ "hotplug", LINUX_CFG, 0, HOTPLUG, false, false,
	  { { "block-attach, running guest", BLOCK_ATTACH, 0.15, 0 },
	    { "block-detach", BLOCK_DETACH, 0.15, 0 },
	    { "network-attach", NETWORK_ATTACH, 0.15, 0 },
	    { "network-detach", NETWORK_DETACH, 0.15, 0 } } },
	/*
	 * In xl's place Debian's pygrub with all that it does; the floor reads the two files into a
	 * file in memory, as the reader does for the builder.
	 */
	{ "boot", NULL, 0, READING, true, false,
	  { { "default entry of a disk; pygrub", BOOT_FIND, 0.10, 0 },
	    { "so read into memory; floor: cat", BOOT_READ, 0, 2.0 },
	    { "so with kernel, ramdisk taken out", BOOT_COPY, 0.35, 0 },
	    { "so with the kernel unpacked", BOOT_UNPACK, 0, 0 } } },
};

static void settle(const struct hoststate *before)
{
	unsigned int differences = 0;
	struct err err = ERR_INIT;

	if (hoststate_settle(before, 20000, stderr, &differences, &err) < 0)
		die(err.msg);
	if (differences)
		die("the host is not as before");
}

static void remember(struct hoststate *state)
{
	struct err err = ERR_INIT;

	if (hoststate_take(state, HOST_DOMAINS | HOST_PROCESSES | HOST_DEVICES, &err) < 0)
		die(err.msg);
}

/* The firmware that xlite gives its guests, so that the floor need not look for it. */
static long model_alone(char *domid, size_t size)
{
	static const char *const places[] = { "/usr/lib/xen-4.17/boot/hvmloader",
		"/usr/lib/xen-4.20/boot/hvmloader" };
	char text[4096];
	size_t i = 0;

	while (i < ARRAY_SIZE(places) - 1 && access(places[i], F_OK) < 0)
		i++;
	run((const char *const[]){ "floor", "hvm", places[i], HVM_MIB, NULL }, environ, domid, size,
	    NULL);
	domid[strcspn(domid, "\n")] = '\0';
	return RUN(text, "floor", "model", domid);
}

static void note_model(void)
{
	char text[4096], domid[4096];

	RUN(domid, "xlite", "domid", "bench");
	domid[strcspn(domid, "\n")] = '\0';
	RUN(text, "floor", "note", domid);
}

static void one_guest(const struct scenario *s, int who, struct set *set, unsigned int round)
{
	char text[4096], domid[4096];

	if (who == FLOOR) {
		set->us[CREATE][who][round] = strcmp(s->config, HVM_CFG) == 0 ?
			model_alone(domid, sizeof(domid)) : strcmp(s->config, TINY_CFG) == 0 ?
			RUN(domid, "floor", "create", TINY, MIB, "bench") :
			RUN(domid, "floor", "create", TINY, MIB, "bench", IMAGE, BRIDGE);
		domid[strcspn(domid, "\n")] = '\0';
		set->us[DESTROY][who][round] = RUN(text, "floor", "destroy", domid);
	} else {
		set->us[CREATE][who][round] = RUN(text, names[who], "create", "-pq", s->config);
		if (who == XLITE && strcmp(s->config, HVM_CFG) == 0)
			note_model();
		set->us[DESTROY][who][round] = RUN(text, names[who], "destroy", "bench");
	}
}

/* Attached by one, detached by the same; the guest's part of a detach is in the time. */
static void one_hotplug(int who, struct set *set, unsigned int round)
{
	char text[4096];

	set->us[BLOCK_ATTACH][who][round] = RUN(text, names[who], "block-attach", "bench",
						"format=raw,vdev=xvdb,target=" IMAGE);
	set->us[BLOCK_DETACH][who][round] = RUN(text, names[who], "block-detach", "bench", "xvdb");
	set->us[NETWORK_ATTACH][who][round] = RUN(text, names[who], "network-attach", "bench",
						  "bridge=" BRIDGE);
	set->us[NETWORK_DETACH][who][round] = RUN(text, names[who], "network-detach", "bench", "0");
}

static void measure(const struct scenario *s, unsigned int rounds, struct set *set)
{
	scoped(hoststate) struct hoststate before = HOSTSTATE_INIT;
	int contenders = s->floor ? CONTENDERS : FLOOR;
	struct set warm = { 0 };
	char text[4096];

	set->rounds = rounds;
	remember(&before);
	for (unsigned int round = 0; round <= rounds; round++) {
		/* The first one fills the page cache and the kernel cache. */
		struct set *into = round ? set : &warm;

		for (int i = 0; i < contenders; i++) {
			int who = (i + (int)round) % contenders;

			unsigned int at = round ? round - 1 : 0;

			if (s->mode == LISTING)
				into->us[LIST][who][at] = RUN(text, names[who], "list");
			else if (s->mode == HOTPLUG)
				one_hotplug(who, into, at);
			else if (s->mode == RESTART)
				reboot_once(who, names[who], TINY_CFG, into, at);
			else if (s->mode == READING)
				one_boot(who, into, at);
			else
				one_guest(s, who, into, at);
			settle(&before);
		}
	}
	set->spread = spread(set, s->rows[0].what, s->floor ? FLOOR : XL);
}

/* VBDS disks for guest number i. */
static void add_disks(char *setting, size_t size, unsigned int i)
{
	size_t len = (size_t)snprintf(setting, size, "disk=[");
	char image[64];

	for (unsigned int k = 0; k < VBDS; k++) {
		snprintf(image, sizeof(image), "/root/bench-%u-%u.img", i, k);
		make_image(image);
		len += (size_t)snprintf(setting + len, size - len, "\"%s,raw,xvd%c,rw\",", image,
					'a' + (int)k);
	}
	snprintf(setting + len, size - len, "]");
}

static void remove_disks(unsigned int i)
{
	char image[64];

	for (unsigned int k = 0; k < VBDS; k++) {
		snprintf(image, sizeof(image), "/root/bench-%u-%u.img", i, k);
		unlink(image);
	}
}

static void guests(const struct scenario *s, bool there)
{
	char name[16], setting[32], disks[VBDS * 48] = "disk=[]", text[4096];

	for (unsigned int i = 0; i < s->guests; i++) {
		snprintf(name, sizeof(name), "many%u", i);
		snprintf(setting, sizeof(setting), "name=\"%s\"", name);
		if (there && s->vbds)
			add_disks(disks, sizeof(disks), i);
		if (there)
			RUN(text, "xlite", "create", "-pq", TINY_CFG, setting, disks, "memory=8");
		else
			RUN(text, "xlite", "destroy", name);
		if (!there && s->vbds)
			remove_disks(i);
	}
}

static bool log_has(const char *path, const char *words)
{
	static char text[65536];
	scoped(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	return strstr(text, words);
}

/* A guest with drivers, for what attaches and detaches. */
static void running_guest(bool there)
{
	char text[4096];

	if (!there) {
		RUN(text, "xlite", "destroy", "bench");
		return;
	}
	unlink("/var/log/xen/console/guest-bench.log");
	RUN(text, "xlite", "create", "-q", LINUX_CFG);
	for (long end = now_us() + BOOT_S * 1000000L; now_us() < end; usleep(100000)) {
		if (log_has("/var/log/xen/console/guest-bench.log", "guest: ready"))
			return;
	}
	die("the Linux guest does not start");
}

static void print_json(const struct scenario *s, const struct set *set, unsigned int try)
{
	for (int what = 0; what < WHATS; what++) {
		for (int who = 0; who < CONTENDERS; who++) {
			if (!set->us[what][who][0])
				continue;
			printf(",\n  {\"scenario\": \"%s\", \"try\": %u, \"spread\": %u, \"what\": \"%s\", "
			       "\"who\": \"%s\", \"us\": [", s->name, try, set->spread, what_names[what],
			       names[who]);
			for (unsigned int i = 0; i < set->rounds; i++)
				printf("%s%ld", i ? ", " : "", set->us[what][who][i]);
			printf("]}");
		}
	}
	fflush(stdout);
}

static bool print_ratio(double ratio, double limit)
{
	fprintf(stderr, " %6.2f", ratio);
	if (limit > 0)
		fprintf(stderr, " <= %.2f%c", limit, ratio > limit ? '!' : ' ');
	else
		fprintf(stderr, "         ");
	return limit > 0 && ratio > limit;
}

static bool print_row(const struct scenario *s, const struct row *row, const struct set *set)
{
	bool over;

	fprintf(stderr, "%-36s %8.1f %8.1f", row->name, median_ms(set, row->what, XL),
		median_ms(set, row->what, XLITE));
	if (s->floor)
		fprintf(stderr, " %8.1f", median_ms(set, row->what, FLOOR));
	else
		fprintf(stderr, "        -");
	over = print_ratio(median_ratio(set, row->what, XLITE, XL), row->of_xl);
	if (s->floor)
		over |= print_ratio(median_ratio(set, row->what, XLITE, FLOOR), row->of_floor);
	fprintf(stderr, "\n");
	return over;
}

static bool bench(const struct scenario *s, unsigned int rounds)
{
	static struct set best, set;
	bool over = false;

	best.spread = ~0U;
	guests(s, true);
	if (s->mode == HOTPLUG)
		running_guest(true);
	if (s->mode == READING)
		boot_disk(true);
	for (unsigned int try = 0; try < TRIES && best.spread > MAX_SPREAD; try++) {
		memset(&set, 0, sizeof(set));
		measure(s, rounds, &set);
		print_json(s, &set, try);
		if (set.spread < best.spread)
			best = set;
	}
	if (s->mode == HOTPLUG)
		running_guest(false);
	if (s->mode == READING) {
		over |= peak_memory();
		boot_disk(false);
	}
	guests(s, false);
	for (size_t i = 0; i < ARRAY_SIZE(s->rows) && s->rows[i].name; i++)
		over |= print_row(s, &s->rows[i], &best);
	if (best.spread > MAX_SPREAD)
		fprintf(stderr, "  (not calm: the middle half spreads over %u %%)\n", best.spread);
	return over;
}

/* On the wire, by a process between. */
static unsigned long store_requests(int who, bool devices)
{
	static volatile struct storeproxy_state *state;
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", dir[] = "XENSTORED_RUNDIR=" PROXY_DIR;
	char *env[] = { path, dir, NULL };
	char text[4096];
	unsigned long nr;

	if (!state)
		state = storeproxy_start(PROXY_DIR);
	if (!state)
		die(PROXY_DIR);
	state->requests = 0;
	if (who == FLOOR)
		run((const char *const[]){ "floor", "create", TINY, MIB, "bench",
					   devices ? IMAGE : NULL, BRIDGE, NULL }, env, text,
		    sizeof(text), NULL);
	else
		run((const char *const[]){ names[who], "create", "-pq",
					   devices ? DEVICES_CFG : TINY_CFG, NULL }, env,
		    text, sizeof(text), NULL);
	nr = state->requests;
	RUN(text, "xl", "destroy", "bench");
	return nr;
}

/* Of a second guest: the first one's create starts the supervisor, the only one there is. */
static unsigned int processes_left(void)
{
	scoped(hoststate) struct hoststate before = HOSTSTATE_INIT;
	scoped(hoststate) struct hoststate after = HOSTSTATE_INIT;
	unsigned int nr = 0;
	char text[4096];

	RUN(text, "xlite", "create", "-pq", TINY_CFG, "name=\"first\"");
	remember(&before);
	RUN(text, "xlite", "create", "-pq", TINY_CFG);
	remember(&after);
	RUN(text, "xlite", "destroy", "bench");
	RUN(text, "xlite", "destroy", "first");
	for (size_t i = 0; i < after.nr_items; i++)
		nr += strncmp(after.items[i], "process", 7) == 0;
	for (size_t i = 0; i < before.nr_items; i++)
		nr -= strncmp(before.items[i], "process", 7) == 0;
	return nr;
}

static bool count_requests(const char *what, bool devices, unsigned long limit)
{
	unsigned long requests[CONTENDERS];

	for (int who = 0; who < CONTENDERS; who++)
		requests[who] = store_requests(who, devices);
	printf(",\n  {\"scenario\": \"counts\", \"what\": \"%s\", \"store requests\": "
	       "{\"xl\": %lu, \"xlite\": %lu, \"floor\": %lu}}", what, requests[XL],
	       requests[XLITE], requests[FLOOR]);
	fprintf(stderr, "%-36s %8lu %8lu %8lu xlite <= %lu%s\n", what, requests[XL],
		requests[XLITE], requests[FLOOR], limit, requests[XLITE] > limit ? "!" : "");
	return requests[XLITE] > limit;
}

static bool counts(void)
{
	unsigned int processes = processes_left();
	bool over = count_requests("store requests of a create", false, 75);

	over |= count_requests("so with a file disk and a vif", true, 155);
	storeproxy_stop(PROXY_DIR);
	printf(",\n  {\"scenario\": \"counts\", \"processes\": %u}", processes);
	fprintf(stderr, "%-36s %17u          xlite 0%s\n", "processes left per guest", processes,
		processes ? "!" : "");
	return over || processes;
}

static bool wanted(const char *name, char **list)
{
	for (char **p = list; *p; p++) {
		if (strcmp(*p, name) == 0)
			return true;
	}
	return !*list;
}

int main(int argc, char **argv)
{
	unsigned int rounds = 9, creates = MAX_ROUNDS;
	bool over = false;
	int opt;

	while ((opt = getopt(argc, argv, "r:n:")) != -1) {
		unsigned int *number = opt == 'n' ? &creates : &rounds;

		*number = opt == '?' ? 0 : (unsigned int)atoi(optarg);
		if (*number < 1 || *number > MAX_ROUNDS)
			die("usage: bench [-r ROUNDS] [-n CREATES of the curve] [SCENARIO...]");
	}
	write_config(TINY_CFG, "name=\"bench\"\nkernel=\"" TINY "\"\nmemory=" MIB "\n");
	write_config(PVH_CFG, "name=\"bench\"\nkernel=\"" TINY "\"\ntype=\"pvh\"\nmemory=" MIB "\n");
	write_config(HVM_CFG, "name=\"bench\"\ntype=\"hvm\"\nmemory=" HVM_MIB "\n");
	write_config(LINUX_CFG, "name=\"bench\"\nkernel=\"/srv/guests/vmlinuz\"\n"
		     "ramdisk=\"/srv/guests/initrd\"\nmemory=256\nextra=\"console=hvc0 quiet\"\n");
	write_config(DEVICES_CFG, "name=\"bench\"\nkernel=\"" TINY "\"\nmemory=" MIB "\n"
		     "disk=[\"" IMAGE ",raw,xvda,rw\"]\nvif=[\"bridge=" BRIDGE "\"]\n");
	make_image(IMAGE);
	printf("[{\"rounds\": %u}", rounds);
	fprintf(stderr, "%-36s %8s %8s %8s %s\n", "milliseconds, medians", "xl", "xlite", "floor",
		"xlite/xl  limit  xlite/floor limit");
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		if (wanted(scenarios[i].name, argv + optind))
			over |= bench(&scenarios[i], rounds);
	}
	/* Minutes: only when asked for. */
	if (argv[optind] && wanted("curve", argv + optind))
		over |= curve(names, TINY, TINY_CFG, creates);
	if (wanted("counts", argv + optind))
		over |= counts();
	printf("\n]\n");
	unlink(TINY_CFG);
	unlink(PVH_CFG);
	unlink(HVM_CFG);
	unlink("/root/bench-model");
	unlink(LINUX_CFG);
	unlink(DEVICES_CFG);
	unlink(IMAGE);
	return over;
}
