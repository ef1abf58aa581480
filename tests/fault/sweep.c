/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sweep [-v] [-k STEP] SWEEP CONFIG NAME [block|network|pci SPEC ID]
 *
 * Runs xlite again and again in dom0, each time with another call that fails, or
 * before which a signal arrives (fault.c), and looks afterwards whether the host is
 * as it was. CONFIG describes the guest NAME; sweeps of attach and detach let it stand
 * paused and give it the device SPEC, which ID then names. Without -k each call is taken, with it
 * each STEPth, the same ones each time. Failures go to stdout, with -v every run; the last line
 * counts. Exit status: 0 all well, 1 something failed, 2 trouble.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#include "tests/bed/hoststate.h"
#include "tests/fault/storeproxy.h"
#include "toolstack/base/scope.h"

#define PROGRAM "/xlite/bin/xlite-fault"

/* Not a variable of fault.c: the request fails between xlite and xenstored. */
#define STORE_AT "XENSTORED_RUNDIR"
#define STORE_DIR "/tmp/sweep-store"

enum { RUN_MS = 60000, SETTLE_MS = 20000, CALM_LOOKS = 100, REPORT_FD = 3 };

struct outcome {
	int status;		/* as waitpid gives it */
	bool late;		/* had to be killed */
	unsigned long hit;	/* number of the call that failed; 0: none did */
	char call[64];		/* its name */
	int code;		/* errno it was given */
	char path[256];		/* of the store request or open() that failed, or "" */
	unsigned long calls[4];	/* library, file, all, store requests */
	char text[4096];	/* what it printed */
};

struct bench {
	const char *config, *name;
	const char *attach, *detach, *spec, *id;	/* of a device */
	bool verbose;
	struct hoststate before;
	unsigned long hits, ended;	/* runs that met their call, and did not succeed */
};

/* What is done while a call fails. */
enum deed { CREATE, DESTROY, ATTACH, DETACH };

/* One kind of sweep. */
struct sweep {
	const char *name, *variable;
	int count;		/* which of outcome.calls */
	enum deed deed;
	const char *optional;	/* calls without which the command may succeed: " a b " */
	/* Whether the outcome is right, and the steps after which the host must be clean. */
	const char *(*judge)(const struct bench *b, const struct sweep *s,
			     const struct outcome *o);
};

static char text_of_fd(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return text[0];
}

/* Waits with a limit: a hang is a failed run, not a hung sweep. */
static void wait_child(pid_t pid, struct outcome *o)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

	if (pidfd < 0 || poll(&pfd, 1, RUN_MS) == 0) {
		o->late = true;
		kill(pid, SIGKILL);
	}
	waitpid(pid, &o->status, 0);
	if (pidfd >= 0)
		close(pidfd);
}

static void read_report(int fd, struct outcome *o)
{
	char text[512];
	const char *calls;

	text_of_fd(fd, text, sizeof(text));
	if (sscanf(text, "hit %lu %63s %d%*[ ]%255[^\n]", &o->hit, o->call, &o->code, o->path) < 1)
		o->hit = 0;
	calls = strstr(text, "calls ");
	if (calls && sscanf(calls, "calls %lu %lu %lu", &o->calls[0], &o->calls[1],
			    &o->calls[2]) != 3)
		o->calls[0] = 0;
}

static volatile struct storeproxy_state *proxy;

static int use_proxy(unsigned long n)
{
	if (!proxy)
		proxy = storeproxy_start(STORE_DIR);
	if (!proxy)
		return -1;
	proxy->requests = proxy->hit = 0;
	proxy->fail_at = n;
	return 0;
}

static void ask_proxy(struct outcome *o)
{
	o->calls[3] = proxy->requests;
	o->hit = proxy->hit;
	if (!o->hit)
		return;
	o->code = proxy->code;
	snprintf(o->call, sizeof(o->call), "xs_%s", proxy->type == XS_UNWATCH ? "unwatch" : "request");
	for (size_t i = 0; i < sizeof(o->path) - 1; i++)
		o->path[i] = proxy->path[i];
}

static int spawn(char *const *argv, char *const *env, int out, int report, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, out, 2);
	posix_spawn_file_actions_adddup2(&actions, report, REPORT_FD);
	r = posix_spawn(pid, PROGRAM, &actions, NULL, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

enum { WORDS_MAX = 6 };

/* Runs xlite with variable=n (NULL: nothing fails). */
static void run(struct outcome *o, const char *variable, unsigned long n,
		const char *const *words)
{
	char setting[64] = "A=", fd_setting[32];
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", prog[] = "xlite";
	char *env[] = { path, fd_setting, setting, NULL };
	char *argv[WORDS_MAX + 2] = { prog };
	bool by_proxy = variable && strcmp(variable, STORE_AT) == 0;
	scoped(fd) int out = memfd_create("out", MFD_CLOEXEC);
	scoped(fd) int report = memfd_create("report", MFD_CLOEXEC);
	pid_t pid;

	*o = (struct outcome){ .status = -1 };
	for (size_t i = 0; words[i] && i < WORDS_MAX; i++)
		argv[i + 1] = strdup(words[i]);
	snprintf(fd_setting, sizeof(fd_setting), "XLITE_FAULT_FD=%d", REPORT_FD);
	if (by_proxy)
		snprintf(setting, sizeof(setting), STORE_AT "=" STORE_DIR);
	else if (variable)
		snprintf(setting, sizeof(setting), "%s=%lu", variable, n);
	if (by_proxy && use_proxy(n) < 0)
		snprintf(o->text, sizeof(o->text), "sweep: " STORE_DIR ": %s\n", strerror(errno));
	else if (spawn(argv, env, out, report, &pid) == 0) {
		wait_child(pid, o);
		text_of_fd(out, o->text, sizeof(o->text));
		o->text[strcspn(o->text, "\n") == 0 ? 0 : strlen(o->text)] = '\0';
		read_report(report, o);
		if (by_proxy)
			ask_proxy(o);
	}
	for (size_t i = 1; i < ARRAY_SIZE(argv); i++)
		free(argv[i]);
}

#define RUN(o, variable, n, ...) \
	run(o, variable, n, (const char *const[]){ __VA_ARGS__, NULL })

static bool succeeded(const struct outcome *o)
{
	return WIFEXITED(o->status) && WEXITSTATUS(o->status) == 0;
}

static void create(const struct bench *b, struct outcome *o, const char *variable,
		   unsigned long n)
{
	RUN(o, variable, n, "create", "-epq", b->config);
}

static void destroy(const struct bench *b, struct outcome *o, const char *variable,
		    unsigned long n)
{
	RUN(o, variable, n, "destroy", b->name);
}

static void attach(const struct bench *b, struct outcome *o, const char *variable,
		   unsigned long n)
{
	RUN(o, variable, n, b->attach, b->name, b->spec);
}

/* By force: the guest is paused and cannot agree. */
static void detach(const struct bench *b, struct outcome *o, const char *variable,
		   unsigned long n)
{
	RUN(o, variable, n, b->detach, "--force", b->name, b->id);
}

static const struct {
	void (*run)(const struct bench *b, struct outcome *o, const char *variable,
		    unsigned long n);
	enum deed before;	/* has to be done first; its own number: nothing has */
	enum deed undo;
} deeds[] = {
	[CREATE] = { create, CREATE, DESTROY },
	[DESTROY] = { destroy, CREATE, DESTROY },
	[ATTACH] = { attach, ATTACH, DETACH },
	[DETACH] = { detach, ATTACH, DETACH },
};

static bool was_there(const struct bench *b, const char *item)
{
	size_t key = strcspn(item, "\t") + 1;

	for (size_t i = 0; i < b->before.nr_items; i++) {
		if (strncmp(b->before.items[i], item, key) == 0)
			return true;
	}
	return false;
}

/* By name, and where the name is gone already by number: what a person would do. */
static bool destroy_rest(const struct bench *b)
{
	scoped(hoststate) struct hoststate now = HOSTSTATE_INIT;
	struct outcome o;
	struct err err;

	destroy(b, &o, NULL, 0);
	if (succeeded(&o))
		return true;
	if (hoststate_take(&now, HOST_DOMAINS, &err) < 0)
		return false;
	for (size_t i = 0; i < now.nr_items; i++) {
		char number[16];

		if (sscanf(now.items[i], "domain %15[0-9]", number) != 1 ||
		    was_there(b, now.items[i]) || strstr(now.items[i], "dying"))
			continue;
		RUN(&o, NULL, 0, "destroy", number);
		if (!succeeded(&o))
			return false;
	}
	return true;
}

/* The reason must be told, and whose fault it is. */
static const char *judge_message(const struct outcome *o)
{
	/* What it waited for may stand before. */
	if (strncmp(o->text, "xlite: ", 7) != 0 && !strstr(o->text, "\nxlite: "))
		return "no message";
	/* libxenguest leaves errno to chance when it dislikes a kernel or a firmware. */
	if (!strstr(o->text, strerror(o->code)) && !strstr(o->text, "out of memory") &&
	    !(strncmp(o->call, "xc_dom_", 7) == 0 &&
	      (strstr(o->text, "kernel '") || strstr(o->text, "firmware '"))))
		return "the message does not give the reason";
	if (strncmp(o->call, "xs_", 3) == 0 && !strstr(o->text, "xenstore"))
		return "the message does not speak of xenstore";
	if (strcmp(o->call, "xs_request") == 0 && o->path[0] == '/' && !strstr(o->text, o->path))
		return "the message does not name the node";
	return NULL;
}

static const char *const looks[] = {
	"*/backend/*/state", "/sys/*", "/proc/*",
	/* A domain is found without its name in the store. */
	"/local/domain/*/name",
};

static const char *judge_failure(const struct sweep *s, const struct outcome *o)
{
	char word[80];

	if (!WIFEXITED(o->status))
		return "died of a signal";
	if (!succeeded(o))
		return judge_message(o);
	/* No command fails for that; it has said so. */
	if (strstr(o->text, "an event is lost"))
		return NULL;
	snprintf(word, sizeof(word), " %s ", o->call);
	/* What a domain is called it finds in the store as well. */
	if (s->deed != CREATE && fnmatch("/run/xlite/*.dom", o->path, 0) == 0)
		return NULL;
	/* Nor is every look needed: at a backend while waiting for something else, at the kernel. */
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++) {
		if (fnmatch(looks[i], o->path, 0) == 0)
			return NULL;
	}
	return strstr(s->optional, word) ? NULL : "exit status 0";
}

/* What a person would do: detach it again, which may find that nothing is left. */
static bool detach_rest(const struct bench *b)
{
	struct outcome o;

	detach(b, &o, NULL, 0);
	return succeeded(&o) || strstr(o.text, b->id);
}

static bool undo_rest(const struct bench *b, enum deed deed)
{
	return deeds[deed].undo == DESTROY ? destroy_rest(b) : detach_rest(b);
}

static const char *judge_create(const struct bench *b, const struct sweep *s,
				const struct outcome *o)
{
	const char *why = judge_failure(s, o);

	if (succeeded(o) && !undo_rest(b, s->deed))
		return "it cannot be undone";
	return why;
}

static const char *judge_destroy(const struct bench *b, const struct sweep *s,
				 const struct outcome *o)
{
	const char *why = judge_failure(s, o);

	if (!succeeded(o) && !undo_rest(b, s->deed))
		return "a second one does not finish it";
	return why;
}

static bool was_killed(const struct outcome *o, int sig)
{
	return WIFSIGNALED(o->status) && WTERMSIG(o->status) == sig;
}

/* Its record says that the domain is complete: what comes then are events, and handles to close. */
static bool is_whole(const struct bench *b)
{
	scoped(fd) int fd = -1;
	char path[128], text[16] = "";

	snprintf(path, sizeof(path), "/run/xlite/%s.dom", b->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && strncmp(text, "creating", 8) != 0;
}

static const char *clean_up(void)
{
	struct outcome o;

	RUN(&o, NULL, 0, "cleanup");
	return succeeded(&o) ? NULL : "cleanup failed";
}

static const char *judge_killed(const struct bench *b, const struct sweep *s,
				const struct outcome *o)
{
	if (!was_killed(o, SIGKILL))
		return "was not killed";
	if ((s->deed != CREATE || is_whole(b)) && !undo_rest(b, s->deed))
		return "it cannot be undone";
	return clean_up();
}

static const char *judge_again(const struct bench *b, const struct sweep *s,
			       const struct outcome *o)
{
	struct outcome second;

	(void)s;
	if (!was_killed(o, SIGKILL))
		return "was not killed";
	if (is_whole(b))
		return destroy_rest(b) ? NULL : "it cannot be destroyed";
	create(b, &second, NULL, 0);
	if (!succeeded(&second)) {
		printf("# %s", second.text);
		clean_up();
		return "the next create of the name fails";
	}
	return destroy_rest(b) ? NULL : "the second one cannot be destroyed";
}

static const char *judge_interrupted(const struct bench *b, const struct sweep *s,
				     const struct outcome *o)
{
	(void)s;
	/* Before there is anything to undo, the signal may just end it. */
	if (was_killed(o, SIGINT))
		return NULL;
	if (succeeded(o))
		return undo_rest(b, s->deed) ? NULL : "it cannot be undone";
	return strstr(o->text, "interrupted") ? NULL : "the message does not say so";
}

static const struct sweep sweeps[] = {
	/* xs_read: a look at a backend's state while waiting for something else. */
	{ "create-fail", "XLITE_FAIL_AT", 0, CREATE, " xs_read ", judge_create },
	/* send: who stops watching need not be heard. */
	{ "create-file", "XLITE_FAIL_FILE_AT", 1, CREATE, " openat pread send ", judge_create },
	{ "create-store", STORE_AT, 3, CREATE, " xs_unwatch ", judge_create },
	{ "create-int", "XLITE_INT_AT", 2, CREATE, " ", judge_interrupted },
	{ "create-kill", "XLITE_KILL_AT", 2, CREATE, " ", judge_killed },
	{ "create-again", "XLITE_KILL_AT", 2, CREATE, " ", judge_again },
	/* Xen itself takes devices from a domain that ends. */
	{ "destroy-fail", "XLITE_FAIL_AT", 0, DESTROY, " xc_deassign_device xs_is_domain_introduced"
	  " xs_directory xs_read xs_transaction_start xs_transaction_end xs_rm "
	  "xc_domain_getinfolist xenforeignmemory_open xenforeignmemory_map ",
	  judge_destroy },
	{ "destroy-file", "XLITE_FAIL_FILE_AT", 1, DESTROY, " open openat pread mkdir ", judge_destroy },
	{ "destroy-store", STORE_AT, 3, DESTROY, " xs_request xs_unwatch ", judge_destroy },
	{ "destroy-kill", "XLITE_KILL_AT", 2, DESTROY, " ", judge_killed },
	{ "attach-fail", "XLITE_FAIL_AT", 0, ATTACH, " xs_read xc_domain_getinfolist ", judge_create },
	{ "attach-file", "XLITE_FAIL_FILE_AT", 1, ATTACH, " openat pread send ", judge_create },
	{ "attach-store", STORE_AT, 3, ATTACH, " xs_unwatch ", judge_create },
	{ "attach-int", "XLITE_INT_AT", 2, ATTACH, " ", judge_interrupted },
	{ "attach-kill", "XLITE_KILL_AT", 2, ATTACH, " ", judge_killed },
	/* Xen is asked twice, before the nodes go and after; the first answer counts. */
	{ "detach-fail", "XLITE_FAIL_AT", 0, DETACH, " xc_deassign_device"
	  " xs_directory xs_read xs_transaction_start xs_transaction_end xs_rm "
	  "xc_domain_getinfolist ", judge_destroy },
	{ "detach-file", "XLITE_FAIL_FILE_AT", 1, DETACH, " openat pread ", judge_destroy },
	{ "detach-store", STORE_AT, 3, DETACH, " xs_request xs_unwatch ", judge_destroy },
	{ "detach-kill", "XLITE_KILL_AT", 2, DETACH, " ", judge_killed },
};

/* What just goes (a domain, its memory) would be missed later: two looks that are the same. */
static int take_calm(struct hoststate *state, struct err *err)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000000 };
	bool calm = false;
	int rc = hoststate_take(state, HOST_ALL, err);

	for (int i = 0; rc == 0 && !calm && i < CALM_LOOKS; i++) {
		struct hoststate next = HOSTSTATE_INIT;

		nanosleep(&pause, NULL);
		rc = hoststate_take(&next, HOST_ALL, err);
		calm = rc == 0 && hoststate_diff(state, &next, NULL) == 0;
		hoststate_free(state);
		*state = next;
	}
	return rc;
}

/* Compares; what differs now is taken for given in the next run. */
static const char *compare(struct bench *b)
{
	unsigned int differences = 0;
	struct outcome o;
	struct err err;

	if (hoststate_settle(&b->before, SETTLE_MS, stdout, &differences, &err) < 0)
		return "cannot compare the host";
	if (!differences)
		return NULL;
	clean_up();
	destroy_rest(b);
	if (b->attach)
		create(b, &o, NULL, 0);
	hoststate_free(&b->before);
	if (take_calm(&b->before, &err) < 0)
		return "cannot compare the host";
	return "the host is not as before";
}

/* One run with call n failing: 0 well, 1 failed. */
static int one(struct bench *b, const struct sweep *s, unsigned long n)
{
	struct outcome o;
	const char *why, *left;

	if (deeds[s->deed].before != s->deed) {
		deeds[deeds[s->deed].before].run(b, &o, NULL, 0);
		if (!succeeded(&o)) {
			printf("not ok: %s %lu: cannot get so far: %s\n", s->name, n, o.text);
			return 1;
		}
	}
	deeds[s->deed].run(b, &o, s->variable, n);
	b->hits += o.hit == n;
	b->ended += !succeeded(&o);
	/* How often it looks while it waits differs from time to time. */
	if (o.hit != n && succeeded(&o))
		why = undo_rest(b, s->deed) ? NULL : "it cannot be undone";
	else
		why = o.late ? "hangs" : o.hit != n ? "made fewer calls" : s->judge(b, s, &o);
	left = compare(b);
	if (why || left || b->verbose)
		printf("%s: %s %lu %s %s (%s): status %#x%s%s%s%s: %s%s", why || left ? "not ok" : "ok",
		       s->name, n, o.call, o.path, o.code ? strerror(o.code) : "signal", o.status,
		       why ? ", " : "", why ? why : "", left ? ", " : "", left ? left : "", o.text,
		       o.text[0] ? "" : "\n");
	fflush(stdout);
	return why || left;
}

/* The deed's opposite pair twice: the first time may do more than the others. *count: its calls. */
static bool rehearse(struct bench *b, const struct sweep *s, unsigned long *count)
{
	enum deed undo = deeds[s->deed].undo, deed = undo == DESTROY ? CREATE : ATTACH;
	const char *variable = strcmp(s->variable, STORE_AT) == 0 ? STORE_AT : NULL;
	struct outcome made, gone;

	for (int i = 0; i < 2; i++) {
		deeds[deed].run(b, &made, i ? variable : NULL, 0);
		deeds[undo].run(b, &gone, i ? variable : NULL, 0);
		if (!succeeded(&made) || !succeeded(&gone)) {
			fprintf(stderr, "sweep: '%s' does not work: %s%s\n", b->name, made.text,
				gone.text);
			return false;
		}
	}
	*count = (s->deed == deed ? made : gone).calls[s->count];
	return true;
}

static int sweep_calls(struct bench *b, const struct sweep *s, unsigned long step)
{
	unsigned long failures = 0, runs = 0, count;
	const char *why;
	struct err err;

	if (strcmp(s->variable, STORE_AT) == 0 && use_proxy(0) < 0) {
		fprintf(stderr, "sweep: " STORE_DIR ": %s\n", strerror(errno));
		return 2;
	}
	if (take_calm(&b->before, &err) < 0) {
		fprintf(stderr, "sweep: %s\n", err.msg);
		return 2;
	}
	if (!rehearse(b, s, &count))
		return 2;
	why = compare(b);
	if (why) {
		printf("not ok: %s, without a failure: %s\n", s->name, why);
		failures++;
	}
	for (unsigned long n = (step + 1) / 2; n <= count; n += step, runs++)
		failures += (unsigned long)one(b, s, n);
	hoststate_free(&b->before);
	storeproxy_stop(STORE_DIR);
	printf("%s: %lu of %lu calls, %lu failed\n", s->name, runs, count, failures);
	/* Where nothing was made to fail, nothing was shown. */
	if (2 * b->hits < runs || !b->ended)
		printf("not ok: %s: %lu runs met their call, %lu did not succeed\n", s->name, b->hits,
		       b->ended);
	return failures || !runs || 2 * b->hits < runs || !b->ended ? 1 : 0;
}

static int sweep(struct bench *b, const struct sweep *s, unsigned long step)
{
	struct outcome o;
	int status;

	if (!b->attach)
		return sweep_calls(b, s, step);
	create(b, &o, NULL, 0);
	if (!succeeded(&o)) {
		fprintf(stderr, "sweep: no guest: %s\n", o.text);
		return 2;
	}
	status = sweep_calls(b, s, step);
	destroy_rest(b);
	return status;
}

/* The words after the options: false when they are not a sweep's. */
static bool take_words(struct bench *b, const struct sweep *s, int nr, char **words)
{
	static const char *const commands[][3] = {
		{ "block", "block-attach", "block-detach" },
		{ "network", "network-attach", "network-detach" },
		{ "pci", "pci-attach", "pci-detach" },
	};
	bool device = s->deed == ATTACH || s->deed == DETACH;

	if (nr != (device ? 6 : 3) || strcmp(s->name, words[0]) != 0)
		return false;
	b->config = words[1];
	b->name = words[2];
	if (!device)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(words[3], commands[i][0]) == 0) {
			b->attach = commands[i][1];
			b->detach = commands[i][2];
		}
	}
	b->spec = words[4];
	b->id = words[5];
	return b->attach;
}

int main(int argc, char **argv)
{
	struct bench b = { .before = HOSTSTATE_INIT };
	unsigned long step = 1;
	int opt;

	while ((opt = getopt(argc, argv, "vk:")) != -1) {
		if (opt == 'v')
			b.verbose = true;
		else if (opt == 'k')
			step = strtoul(optarg, NULL, 10);
		else
			argc = 0;
	}
	for (size_t i = 0; step && i < ARRAY_SIZE(sweeps); i++) {
		if (take_words(&b, &sweeps[i], argc - optind, argv + optind))
			return sweep(&b, &sweeps[i], step);
	}
	fprintf(stderr, "usage: sweep [-v] [-k STEP] SWEEP CONFIG NAME "
		"[block|network|pci SPEC ID]; sweeps:");
	for (size_t i = 0; i < ARRAY_SIZE(sweeps); i++)
		fprintf(stderr, " %s", sweeps[i].name);
	fprintf(stderr, "\n");
	return 2;
}
