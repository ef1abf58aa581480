/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "domain/create.h"
#include "domain/runfile.h"
#include "dying.h"
#include "events.h"
#include "guests.h"
#include "intent.h"
#include "start.h"
#include "successor.h"
#include "xen/domctl.h"
#include "xen/store.h"
#include "xen/xen.h"

/* PAUSED_MS: between the end of a QEMU and that of its domain, when somebody destroys both. */
enum { CHILDREN_MOST = 8, TRIES_MOST = 3, PAUSED_MS = 10000, LOCK_MS = 2000 };

struct supervisor {
	struct xen xen;
	struct guests guests;
	struct dying dying;
	unsigned int children;
	int64_t look_again;		/* when, though nothing happens */
	int lock, records, signals;	/* descriptors */
};

static const struct domctl_info *find_domain(const struct domctl_info *list, size_t nr,
					     const struct runfile_record *record)
{
	for (size_t i = 0; i < nr; i++) {
		if (list[i].domid == record->domid && !list[i].dying &&
		    memcmp(list[i].uuid, record->uuid, sizeof(list[i].uuid)) == 0)
			return &list[i];
	}
	return NULL;
}

/* It stays as it ended, also for the next supervisor. */
static void leave(struct guest *guest)
{
	struct err err;

	guest->state = GUEST_DONE;
	if (domain_set_watched(guest->name, false, &err) < 0)
		log_warn("'%s': %s", guest->name, err.msg);
}

static unsigned int restarts_after(const struct guest *guest)
{
	bool quick = time(NULL) - guest->record.started < ENDING_QUICK_S;

	return quick ? guest->record.restarts + 1 : 0;
}

/* Whoever suspends a guest saves it or lets it run again. */
static bool has_ended(const struct domctl_info *info)
{
	return info->shutdown && info->shutdown_reason != DOMCTL_SUSPEND;
}

static void let_child(struct guest *guest, enum guest_matter matter)
{
	guest->matter = matter;
	guest->waited = false;
	guest->state = GUEST_ENDED;
	guest->restarts = restarts_after(guest);
	guest->due = 0;
}

/* Its QEMU has ended and it has not: whoever destroys a domain pauses it and ends its QEMU first. */
static void look_at_model(struct supervisor *s, struct guest *guest, const struct domctl_info *info)
{
	int64_t patience = guest->model.ended + PAUSED_MS;

	if (!guest->model.ended || guest->model.told || guest->state != GUEST_LIVES)
		return;
	if (info->paused && wait_now_ms() < patience) {
		if (patience < s->look_again)
			s->look_again = patience;
		return;
	}
	let_child(guest, MATTER_MODEL);
}

/* Which guests have ended, and which are no more. */
static int look(struct supervisor *s, struct err *err)
{
	scoped(free) struct domctl_info *list = NULL;
	size_t nr;
	int rc = domctl_list(&s->xen, &list, &nr, err);

	s->look_again = rc == 0 ? dying_look(&s->dying, &s->guests, list, nr) : INT64_MAX;
	for (size_t i = s->guests.nr; rc == 0 && i-- > 0;) {
		struct guest *guest = &s->guests.items[i];
		const struct domctl_info *info;

		if (guest->state != GUEST_LIVES && guest->state != GUEST_DONE &&
		    guest->state != GUEST_HELD)
			continue;
		info = find_domain(list, nr, &guest->record);
		if (!info) {
			/* Destroyed; by us with its record, by another toolstack without. */
			event_add("destroyed", guest->name, guest->record.domid, "%s", "");
			runfile_drop(RUNFILE_DIR, guest->name, guest->record.domid,
				     guest->record.uuid);
			guests_drop(&s->guests, guest);
		} else if (guest->gone) {
			guests_drop(&s->guests, guest);	/* renamed: it has another record */
		} else if (guest->state == GUEST_HELD) {
			/* What it was held for is not its end. */
			if (guest->matter == MATTER_MODEL && has_ended(info))
				let_child(guest, MATTER_END);
		} else if (!has_ended(info)) {
			guest->state = GUEST_LIVES;
			guest->failed = false;
			look_at_model(s, guest, info);
			if (guest->state == GUEST_LIVES && guest->drives.eject)
				let_child(guest, MATTER_EJECT);
		} else if (guest->state == GUEST_LIVES && guest->failed) {
			leave(guest);
		} else if (guest->state == GUEST_LIVES) {
			let_child(guest, MATTER_END);
		}
	}
	return rc;
}

static int spawn(struct supervisor *s, struct guest *guest, struct err *err)
{
	char self[] = "xlite", verb[] = "supervise", end[] = "--end", waited[] = "waited";
	char domid[16], uuid[37], restarts[16];
	char matters[][8] = { "end", "model", "eject" };
	char *const args[] = { self, verb, end, guest->name, domid, uuid, restarts,
			       matters[guest->matter], guest->waited ? waited : NULL, NULL };
	int rc;

	snprintf(domid, sizeof(domid), "%u", guest->record.domid);
	snprintf(restarts, sizeof(restarts), "%u", guest->restarts);
	uuid_unparse_lower(guest->record.uuid, uuid);
	rc = start_self(args, &guest->child, err);
	if (rc < 0)
		return rc;
	guest->state = GUEST_WORKING;
	s->children++;
	return 0;
}

/* Starts what is due; *next is when more will be. */
static void spawn_due(struct supervisor *s, int64_t *next)
{
	int64_t now = wait_now_ms();

	*next = INT64_MAX;
	for (size_t i = 0; i < s->guests.nr; i++) {
		struct guest *guest = &s->guests.items[i];
		struct err err;

		if ((guest->state != GUEST_ENDED && guest->state != GUEST_HELD) ||
		    s->children >= CHILDREN_MOST)
			continue;
		if (guest->due <= now && spawn(s, guest, &err) < 0) {
			log_warn("'%s': %s", guest->name, err.msg);
			guest->due = wait_deadline(1000);
		}
		if (guest->state != GUEST_WORKING && guest->due < *next)
			*next = guest->due;
	}
}

/*
 * A child that was killed is tried again: what it did stands, and nothing is done twice. Whoever the
 * record that it left is about is looked at as any other.
 */
static int child_ended(struct supervisor *s, struct guest *guest, int status, struct err *err)
{
	s->children--;
	guest->child = 0;
	if (WIFSIGNALED(status) && guest->tries++ < TRIES_MOST) {
		guest->state = GUEST_ENDED;
		guest->due = 0;
		return 0;
	}
	if (!WIFEXITED(status)) {
		event_add("error", guest->name, guest->record.domid, "it was killed %d times while "
			  "its config was carried out", TRIES_MOST + 1);
		/* A guest must not come back days later. */
		intent_remove(RUNFILE_DIR, guest->name);
	}
	guest->tries = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == SUCCESSOR_HELD) {
		guest->state = GUEST_HELD;
		guest->waited = true;
		guest->due = wait_deadline(1000 * ending_pause(guest->restarts - 1));
		/* The child has destroyed nothing: whoever did has still to be told. */
		return guests_take_record(&s->guests, guest->name, false, err);
	}
	guest->state = GUEST_LIVES;
	guest->failed = status != 0 && guest->matter == MATTER_END;
	guest->model.told |= guest->matter == MATTER_MODEL;
	guest->drives.eject = false;
	return guests_take_record(&s->guests, guest->name, guest->matter != MATTER_EJECT, err);
}

static int reap(struct supervisor *s, struct err *err)
{
	struct signalfd_siginfo info;
	int status, rc = 0;
	pid_t pid;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info))
		continue;
	while (rc == 0 && (pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < s->guests.nr; i++) {
			if (s->guests.items[i].child != pid)
				continue;
			rc = child_ended(s, &s->guests.items[i], status, err);
			break;
		}
		if (WIFSIGNALED(status))
			runfile_sweep_ends(RUNFILE_DIR);
	}
	return rc;
}

static int take_changes(struct supervisor *s, struct err *err)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while ((n = read(s->records, buf, sizeof(buf))) > 0) {
		const struct inotify_event *event;

		for (char *p = buf; p < buf + n; p += sizeof(*event) + event->len) {
			scoped(free) char *name = NULL;
			size_t len;
			int rc;

			event = (const struct inotify_event *)(void *)p;
			if (event->mask & IN_Q_OVERFLOW)
				return guests_take_all(&s->guests, err);
			len = event->len ? str_stem(event->name, RUNFILE_SUFFIX) : 0;
			if (!len)
				continue;
			name = strndup(event->name, len);
			rc = name ? guests_take_record(&s->guests, name, false, err) :
				fail_nomem(err);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

static int take_store_events(struct supervisor *s, struct err *err)
{
	for (;;) {
		scoped(free) char *token = NULL;
		uint64_t domid;
		int rc = store_take_event(&s->xen, &token, err);

		if (rc <= 0)
			return rc;
		if (str_starts(token, GUESTS_DRIVES_TOKEN) &&
		    str_to_u64(token + strlen(GUESTS_DRIVES_TOKEN), XEN_DOMID_MAX, &domid) == 0)
			guests_take_drives(&s->guests, (uint32_t)domid);
	}
}

static bool has_work(const struct supervisor *s)
{
	for (size_t i = 0; i < s->guests.nr; i++) {
		if (s->guests.items[i].state != GUEST_DONE)
			return true;
	}
	return dying_any(&s->dying);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Until there is nobody left: 0; or the user interrupts: -EINTR. */
static int serve(struct supervisor *s, bool stay, struct err *err)
{
	while (stay || has_work(s)) {
		struct pollfd fds[] = {
			{ .fd = store_fd(&s->xen), .events = POLLIN },
			{ .fd = s->records, .events = POLLIN },
			{ .fd = s->signals, .events = POLLIN },
			{ .fd = s->guests.models, .events = POLLIN },
		};
		int64_t next;
		int rc;

		guests_do_due(&s->guests);
		/* Those that came beside the reply to a request are seen by no poll. */
		rc = take_store_events(s, err);
		if (rc == 0)
			rc = look(s, err);
		if (rc < 0)
			return rc;
		spawn_due(s, &next);
		if (!stay && !has_work(s))
			break;
		next = earlier(next, earlier(s->look_again, guests_next_due(&s->guests)));
		rc = wait_poll(fds, ARRAY_SIZE(fds), next);
		if (rc < 0 && rc != -ETIMEDOUT)
			return rc;
		guests_take_models(&s->guests);
		rc = take_changes(s, err);
		if (rc == 0)
			rc = reap(s, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int open_all(struct supervisor *s, struct err *err)
{
	sigset_t child;
	int rc;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	s->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	s->records = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (s->signals < 0 || s->records < 0 ||
	    inotify_add_watch(s->records, RUNFILE_DIR, IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_TO) < 0)
		return fail_sys(err, errno, "cannot watch '%s'", RUNFILE_DIR);
	/* Of a child whose supervisor was killed as well. */
	runfile_sweep_ends(RUNFILE_DIR);
	rc = guests_init(&s->guests, &s->xen, err);
	if (rc == 0)
		rc = wait_catch_interrupts(err);
	if (rc == 0)
		rc = xen_open(&s->xen, err);
	if (rc == 0)
		rc = xen_open_store(&s->xen, err);
	return rc < 0 ? rc : store_watch(&s->xen, "@releaseDomain", "end", err);
}

static void close_all(struct supervisor *s)
{
	start_unlock(&s->lock);
	xen_close(&s->xen);
	scoped_fd(&s->records);
	scoped_fd(&s->signals);
	guests_free(&s->guests);
	dying_free(&s->dying);
}

/*
 * Whoever has made a guest asks whether there is a supervisor after its record stands, and one
 * that goes looks at the records after it has let go of the lock: one of them sees the other.
 */
static int run(struct supervisor *s, bool stay, struct err *err)
{
	int rc = open_all(s, err);

	while (rc == 0) {
		rc = guests_take_all(&s->guests, err);
		if (rc == 0 && s->lock < 0 && !has_work(s))
			return 0;
		if (rc == 0 && s->lock < 0)
			rc = start_lock(&s->lock, err);
		if (rc < 0 || s->lock < 0)
			return rc;
		rc = serve(s, stay, err);
		start_unlock(&s->lock);
	}
	return rc;
}

/* One that a create has started ends with its last guest; the service's takes its place then. */
static int await_lock(struct supervisor *s, struct err *err)
{
	int rc = wait_catch_interrupts(err);

	while (rc == 0) {
		if (wait_poll(NULL, 0, wait_deadline(LOCK_MS)) == -EINTR)
			return -EINTR;
		rc = start_lock(&s->lock, err);
	}
	return rc;
}

int supervisor_run(bool stay, struct err *err)
{
	struct supervisor s = {
		.xen = XEN_INIT, .guests = GUESTS_INIT, .lock = -1, .records = -1, .signals = -1,
	};
	int rc = start_lock(&s.lock, err);

	if (rc == 0 && stay)
		rc = await_lock(&s, err);
	if (rc > 0)
		rc = run(&s, stay, err);
	close_all(&s);
	return rc == -EINTR ? 0 : rc;
}
