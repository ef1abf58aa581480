/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/wait.h"
#include "devices/device.h"
#include "drives.h"
#include "events.h"
#include "intent.h"
#include "xen/store.h"

int guests_init(struct guests *guests, struct xen *xen, struct err *err)
{
	struct rlimit limit;

	/* One for each QEMU. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);	/* what there is has to do */
	}
	guests->xen = xen;
	guests->models = epoll_create1(EPOLL_CLOEXEC);
	return guests->models < 0 ? fail_sys(err, errno, "cannot watch device models") : 0;
}

static struct guest *find(struct guests *guests, const char *name)
{
	for (size_t i = 0; i < guests->nr; i++) {
		if (strcmp(guests->items[i].name, name) == 0)
			return &guests->items[i];
	}
	return NULL;
}

static struct guest *add(struct guests *guests, const char *name, struct err *err)
{
	char *copy = strdup(name);

	if (copy && guests->nr == guests->cap) {
		size_t cap = guests->cap ? 2 * guests->cap : 16;
		struct guest *grown = reallocarray(guests->items, cap, sizeof(*grown));

		if (!grown) {
			free(copy);
			copy = NULL;
		} else {
			guests->items = grown;
			guests->cap = cap;
		}
	}
	if (!copy) {
		fail_nomem(err);
		return NULL;
	}
	guests->items[guests->nr] = (struct guest){ .name = copy, .model = { .fd = -1 } };
	return &guests->items[guests->nr++];
}

static void forget_model(struct guest *guest)
{
	scoped_fd(&guest->model.fd);	/* epoll forgets it as well */
	guest->model = (struct guest_model){ .fd = -1 };
}

/* Of a guest that is new, or whose QEMU may be: its record is written anew when one is started. */
static void watch_model(struct guests *guests, struct guest *guest)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = guest->record.domid };
	struct guest_model found = { .fd = -1 };
	struct err err;

	if (guest->model.fd >= 0)
		return;
	if (devices_open_model(guests->xen, guest->record.domid, &found.pid, &found.fd, &err) < 0) {
		log_warn("'%s': nobody notices the end of its device model: %s", guest->name, err.msg);
		return;
	}
	if (found.pid <= 0 || found.pid == guest->model.pid)
		return;
	if (found.fd < 0) {
		found.ended = wait_now_ms();
	} else if (epoll_ctl(guests->models, EPOLL_CTL_ADD, found.fd, &event) < 0) {
		log_warn("'%s': nobody notices the end of its device model: %s", guest->name,
			 strerror(errno));
		close(found.fd);
		return;
	}
	guest->model = found;
}

void guests_take_models(struct guests *guests)
{
	struct epoll_event events[16];
	int nr = epoll_wait(guests->models, events, ARRAY_SIZE(events), 0);

	for (int i = 0; i < nr; i++) {
		for (size_t k = 0; k < guests->nr; k++) {
			struct guest *guest = &guests->items[k];

			if (guest->record.domid != events[i].data.u32 || guest->model.fd < 0)
				continue;
			scoped_fd(&guest->model.fd);
			guest->model.fd = -1;
			guest->model.ended = wait_now_ms();
		}
	}
}

/*
 * Whoever can write there could keep us busy: after an event nobody listens for a while.
 * (One watch for all of a guest's disks: what is below the frontends goes with the guest.)
 */
enum { DRIVES_PAUSE_MS = 1000 };

static void change_watch(struct guests *guests, struct guest *guest, bool on)
{
	char path[64], token[32];
	struct err err;
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/device/vbd", guest->record.domid);
	snprintf(token, sizeof(token), GUESTS_DRIVES_TOKEN "%u", guest->record.domid);
	rc = on ? store_watch(guests->xen, path, token, &err) :
		store_unwatch(guests->xen, path, token, &err);
	if (rc < 0)
		log_warn("'%s': %s", guest->name, err.msg);
	guest->drives.watched = on && rc == 0;
	guest->drives.fresh = on;
	guest->drives.again = 0;
}

static void watch_drives(struct guests *guests, struct guest *guest)
{
	struct err err;
	int rc = drives_any(guests->xen, guest->record.domid, false, &err);

	if (rc < 0)
		log_warn("'%s': %s", guest->name, err.msg);
	else if (rc > 0)
		change_watch(guests, guest, true);
}

static void forget_drives(struct guests *guests, struct guest *guest)
{
	if (guest->drives.watched)
		change_watch(guests, guest, false);
	guest->drives = (struct guest_drives){ .watched = false };
}

void guests_drop(struct guests *guests, struct guest *guest)
{
	forget_model(guest);
	forget_drives(guests, guest);
	free(guest->name);
	*guest = guests->items[--guests->nr];
}

void guests_free(struct guests *guests)
{
	while (guests->nr)
		guests_drop(guests, &guests->items[0]);
	free(guests->items);
	scoped_fd(&guests->models);
	*guests = (struct guests)GUESTS_INIT;
}

void guests_take_drives(struct guests *guests, uint32_t domid)
{
	struct err err;

	for (size_t i = 0; i < guests->nr; i++) {
		struct guest *guest = &guests->items[i];

		if (guest->record.domid != domid || !guest->drives.watched)
			continue;
		if (!guest->drives.fresh) {
			change_watch(guests, guest, false);
			guest->drives.again = wait_deadline(DRIVES_PAUSE_MS);
		}
		guest->drives.fresh = false;
		guest->drives.eject = drives_any(guests->xen, domid, true, &err) > 0;
	}
}

static void watch_drives_again(struct guests *guests)
{
	for (size_t i = 0; i < guests->nr; i++) {
		struct guest *guest = &guests->items[i];

		if (guest->drives.again && guest->drives.again <= wait_now_ms())
			change_watch(guests, guest, true);
	}
}

static bool same_domain(const struct runfile_record *a, const struct runfile_record *b)
{
	return a->domid == b->domid && memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0;
}

/* It has a new name: the store has one watch for a path and a token, and the old name's is that. */
static void take_over(struct guests *guests, const struct guest *guest)
{
	for (size_t i = 0; i < guests->nr; i++) {
		struct guest *other = &guests->items[i];

		if (other != guest && same_domain(&other->record, &guest->record))
			forget_drives(guests, other);
	}
}

/* A process that ends closes its files, which we see, some time before it lets go of its locks. */
enum { UNFINISHED_MS = 1000 };

static void tell_unfinished(struct guests *guests)
{
	for (size_t i = guests->nr; i-- > 0;) {
		struct guest *guest = &guests->items[i];

		if (guest->state != GUEST_MADE || guest->due > wait_now_ms())
			continue;
		/* Whoever makes it still will close the record again. */
		if (!runfile_is_held(RUNFILE_DIR, guest->name))
			event_add("unfinished", guest->name, guest->record.domid, "its create was "
				  "killed: what is left goes with the next create of that name, or "
				  "`xlite cleanup`");
		guests_drop(guests, guest);
	}
}

void guests_do_due(struct guests *guests)
{
	watch_drives_again(guests);
	tell_unfinished(guests);
}

int64_t guests_next_due(const struct guests *guests)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < guests->nr; i++) {
		const struct guest *guest = &guests->items[i];

		if (guest->state == GUEST_MADE && guest->due < next)
			next = guest->due;
		if (guest->drives.again && guest->drives.again < next)
			next = guest->drives.again;
	}
	return next;
}

int guests_take_record(struct guests *guests, const char *name, bool told, struct err *err)
{
	struct guest *guest = find(guests, name);
	struct runfile_record record;
	int rc;

	/* Its child sees to it; when that has ended the record is looked at again. */
	if (guest && (guest->state == GUEST_WORKING || guest->state == GUEST_ENDED))
		return 0;
	rc = runfile_read(RUNFILE_DIR, name, &record, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc < 0 && guest && guest->state != GUEST_MADE && !told) {
		guest->gone = true;
		return 0;
	}
	if (rc < 0 || (!record.creating && record.unwatched)) {
		if (guest)
			guests_drop(guests, guest);
		return 0;
	}
	if (!guest)
		guest = add(guests, name, err);
	if (!guest)
		return -ENOMEM;
	/* Destroyed, and there is a next one of that name already. */
	if (!told && guest->state != GUEST_MADE && !same_domain(&guest->record, &record))
		event_add("destroyed", name, guest->record.domid, "%s", "");
	guest->gone = false;
	if (record.creating) {
		forget_model(guest);
		forget_drives(guests, guest);
		guest->state = GUEST_MADE;
		guest->record = record;
		guest->due = wait_deadline(UNFINISHED_MS);
		return 0;
	}
	if (guest->state == GUEST_MADE || !same_domain(&guest->record, &record)) {
		guest->state = GUEST_LIVES;
		guest->failed = false;
		forget_model(guest);
		forget_drives(guests, guest);
		guest->record = record;
		take_over(guests, guest);
		watch_drives(guests, guest);
	}
	guest->record = record;
	watch_model(guests, guest);
	return 0;
}

static int take_intent(struct guests *guests, const char *name, struct err *err)
{
	struct guest *guest = find(guests, name);

	if (!guest)
		guest = add(guests, name, err);
	if (!guest)
		return -ENOMEM;
	if (guest->state == GUEST_MADE || guest->state == GUEST_LIVES) {
		guest->state = GUEST_ENDED;
		guest->matter = MATTER_END;
		guest->waited = false;
		guest->due = 0;
	}
	return 0;
}

int guests_take_all(struct guests *guests, struct err *err)
{
	struct runfile_entry *list = NULL;
	char **names = NULL;
	size_t nr = 0, nr_names = 0;
	int rc = runfile_list(RUNFILE_DIR, &list, &nr, err);

	for (size_t i = 0; i < nr && rc == 0; i++)
		rc = guests_take_record(guests, list[i].name, false, err);
	runfile_list_free(list, nr);
	if (rc == 0)
		rc = intent_list(RUNFILE_DIR, &names, &nr_names, err);
	for (size_t i = 0; i < nr_names; i++) {
		if (rc == 0)
			rc = take_intent(guests, names[i], err);
		free(names[i]);
	}
	free(names);
	return rc;
}
