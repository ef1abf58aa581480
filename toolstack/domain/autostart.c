/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "autostart.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/cfg.h"
#include "destroy.h"
#include "lifecycle.h"
#include "list.h"

void autostart_free(struct autostart *list)
{
	for (size_t i = 0; i < list->nr; i++) {
		free(list->guests[i].file);
		free(list->guests[i].name);
		free(list->guests[i].why);
	}
	free(list->guests);
	*list = (struct autostart)AUTOSTART_INIT;
}

static int is_config(const struct dirent *entry)
{
	static const char *const leavings[] = { "~", ".dpkg-old", ".dpkg-new", ".dpkg-dist",
		".dpkg-bak", ".rpmsave", ".rpmorig", ".rpmnew" };
	size_t len = strlen(entry->d_name);

	for (size_t i = 0; i < ARRAY_SIZE(leavings); i++) {
		size_t end = strlen(leavings[i]);

		if (len > end && strcmp(entry->d_name + len - end, leavings[i]) == 0)
			return 0;
	}
	return entry->d_name[0] != '.';
}

/* By bytes, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Only its name is of interest: the create reads the rest, and says what is wrong with it. */
static int read_name(struct autostart_guest *guest, struct err *err)
{
	scoped(cfg) struct cfg cfg = CFG_INIT;
	struct err why = ERR_INIT;
	const struct cfg_setting *name = NULL;

	if (cfg_parse_file(&cfg, guest->file, &why) == 0) {
		name = cfg_find(&cfg, "name");
		if (!name || name->value.kind != CFG_ATOM)
			name = NULL;
	}
	if (name)
		guest->name = strdup(name->value.text);
	else
		guest->why = strdup(why.code ? why.msg : "it gives no name");
	return guest->name || guest->why ? 0 : fail_nomem(err);
}

static int look_up(struct autostart_guest *guest, const struct domain_list *domains,
		   struct err *err)
{
	scoped(free) char *saved = NULL;
	int rc = read_name(guest, err);

	if (rc < 0 || !guest->name)
		return rc;
	saved = str_format(AUTOSTART_SAVE_DIR "/%s", guest->name);
	if (!saved)
		return fail_nomem(err);
	guest->saved = access(saved, F_OK) == 0;
	for (size_t i = 0; i < domains->nr; i++) {
		if (!domains->items[i].name || strcmp(domains->items[i].name, guest->name) != 0)
			continue;
		guest->runs = true;
		guest->domid = domains->items[i].info.domid;
	}
	return 0;
}

int autostart_read(struct xen *xen, const char *dir, struct autostart *list, struct err *err)
{
	scoped(domain_list) struct domain_list domains = DOMAIN_LIST_INIT;
	struct dirent **entries = NULL;
	int rc = domain_list_all(xen, &domains, err);
	int nr = rc < 0 ? 0 : scandir(dir, &entries, is_config, by_name);

	if (nr < 0 && errno != ENOENT)
		return fail_sys(err, errno, "cannot read '%s'", dir);
	if (nr > 0) {
		list->guests = calloc((size_t)nr, sizeof(*list->guests));
		if (!list->guests)
			rc = fail_nomem(err);
	}
	for (int i = 0; i < nr; i++) {
		struct autostart_guest *guest = list->guests ? &list->guests[list->nr] : NULL;

		if (rc == 0 && guest) {
			list->nr++;
			guest->file = str_format("%s/%s", dir, entries[i]->d_name);
			rc = guest->file ? look_up(guest, &domains, err) : fail_nomem(err);
		}
		free(entries[i]);
	}
	free(entries);
	return rc;
}

static int spawn_create(const struct autostart_guest *guest, const sigset_t *mask, pid_t *pid)
{
	char self[] = "xlite", verb[] = "create", quiet[] = "-q", option[] = "-f";
	char *const args[] = { self, verb, quiet, option, guest->file, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int rc;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, mask);
	rc = posix_spawn(pid, "/proc/self/exe", &files, &attr, args, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

/* Whether it can be started, and if not, why that is said. */
static bool may_start(const struct autostart_guest *guest, size_t *nr_failed)
{
	if (guest->runs) {
		log_info("%s: runs already (domain %u)", guest->name, guest->domid);
		return false;
	}
	if (!guest->name)
		log_warn("%s: not started: %s", guest->file, guest->why);
	else if (guest->saved)
		log_warn("%s: not started: it is saved in " AUTOSTART_SAVE_DIR "/%s, which this "
			 "version cannot restore (remove that to start it anew)", guest->name,
			 guest->name);
	else
		return true;
	(*nr_failed)++;
	return false;
}

/* The children at work: pids[i] is guest i's, 0 for none. */
struct starters {
	const struct autostart *list;
	pid_t *pids;
	size_t nr_running, nr_failed;
	sigset_t mask;		/* for the children: as it was */
	int ended;		/* readable when one has */
	bool interrupted;	/* and they have been told */
};

static void interrupt_all(struct starters *s)
{
	for (size_t i = 0; i < s->list->nr; i++) {
		if (s->pids[i] > 0)
			kill(s->pids[i], SIGTERM);
	}
	s->interrupted = true;
}

static pid_t wait_for_one(struct starters *s, int *status)
{
	struct pollfd pfd = { .fd = s->ended, .events = POLLIN };
	struct signalfd_siginfo info;
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, status, s->interrupted ? 0 : WNOHANG);
		if (pid > 0 || (pid < 0 && errno != EINTR))
			return pid;
		if (s->interrupted)
			continue;
		if (wait_poll(&pfd, 1, INT64_MAX) < 0)
			interrupt_all(s);
		while (read(s->ended, &info, sizeof(info)) > 0)
			continue;
	}
}

static void reap_one(struct starters *s)
{
	int status;
	pid_t pid = wait_for_one(s, &status);

	/* Cannot be; but then there is nobody to wait for. */
	if (pid < 0) {
		log_warn("what became of %zu guests is not known: %s", s->nr_running,
			 strerror(errno));
		s->nr_failed += s->nr_running;
		s->nr_running = 0;
	}
	for (size_t i = 0; i < s->list->nr; i++) {
		if (pid < 0 || s->pids[i] != pid)
			continue;
		s->pids[i] = 0;
		s->nr_running--;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
			log_info("%s: started", s->list->guests[i].name);
			return;
		}
		s->nr_failed++;
		log_warn("%s: not started", s->list->guests[i].name);
	}
}

static void start_one(struct starters *s, size_t i)
{
	int rc;

	if (!may_start(&s->list->guests[i], &s->nr_failed))
		return;
	rc = spawn_create(&s->list->guests[i], &s->mask, &s->pids[i]);
	if (rc == 0) {
		s->nr_running++;
		return;
	}
	s->nr_failed++;
	log_warn("%s: not started: cannot start a process: %s", s->list->guests[i].name,
		 strerror(rc));
}

/* A child's end as something to poll for, beside the signals that interrupt. */
static int watch_children(struct starters *s, struct err *err)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &child, &s->mask) < 0)
		return fail_sys(err, errno, "cannot block a signal");
	s->ended = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->ended < 0 ? fail_sys(err, errno, "cannot wait for children") : 0;
}

static void start_all(struct starters *s, unsigned int jobs)
{
	for (size_t i = 0; i < s->list->nr; i++) {
		while (s->nr_running && s->nr_running >= jobs)
			reap_one(s);
		if (wait_interrupted())
			break;
		start_one(s, i);
	}
	while (s->nr_running)
		reap_one(s);
}

int autostart_start(const struct autostart *list, unsigned int jobs, struct err *err)
{
	scoped(free) pid_t *pids = calloc(list->nr + 1, sizeof(*pids));
	struct starters s = { .list = list, .pids = pids };
	int rc;

	if (!pids)
		return fail_nomem(err);
	rc = wait_catch_interrupts(err);
	if (rc == 0)
		rc = watch_children(&s, err);
	if (rc < 0)
		return rc;
	start_all(&s, jobs);
	close(s.ended);
	sigprocmask(SIG_SETMASK, &s.mask, NULL);
	if (wait_interrupted())
		return fail(err, EINTR, "interrupted");
	if (s.nr_failed)
		return fail(err, EIO, "%zu of %zu guests have not been started", s.nr_failed,
			    list->nr);
	return 0;
}
