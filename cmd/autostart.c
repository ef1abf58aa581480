/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* autostart: the guests of /etc/xen/auto, with the host or by hand. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "command.h"
#include "domain/autostart.h"
#include "output.h"
#include "supervisor/successor.h"
#include "supervisor/supervisor.h"

struct autostart_options {
	const char *dir;
	struct option_uint jobs, timeout;
	bool destroy, auto_only, json;
};

enum { JOBS = 4, TIMEOUT_S = 300, TIMEOUT_MOST_S = 1000000 };

/* LSB's status of what is not running. */
enum { STATUS_NOT_RUNNING = 3 };

static const char *state(const struct autostart_guest *guest)
{
	return !guest->name ? "unreadable" : guest->runs ? "running" : guest->saved ? "saved" :
		"stopped";
}

static void print_guest(const struct autostart_guest *guest)
{
	char name[4100], id[16] = "-";

	if (guest->runs)
		snprintf(id, sizeof(id), "%u", guest->domid);
	printf("%-32s %5s %-10s %s\n", guest->name ?
	       output_name(guest->name, name, sizeof(name)) : "-", id, state(guest), guest->file);
}

static json_t *guest_json(const struct autostart_guest *guest)
{
	return json_pack("{s:o s:o s:s s:o}",
			 "name", guest->name ? json_text(guest->name) : json_null(),
			 "domid", guest->runs ? json_integer(guest->domid) : json_null(),
			 "state", state(guest), "file", json_text(guest->file));
}

/* 0 when all run. */
static int do_status(struct cmd *cmd, const struct autostart *list, struct err *err)
{
	const struct autostart_options *opts = cmd->options;
	scoped(json) json_t *array = opts->json ? json_array() : NULL;
	int rc = 0, status = 0;

	if (!opts->json)
		printf("%-32s %5s %-10s %s\n", "Name", "ID", "State", "File");
	for (size_t i = 0; i < list->nr; i++) {
		if (!list->guests[i].runs)
			status = STATUS_NOT_RUNNING;
		if (!opts->json)
			print_guest(&list->guests[i]);
		else if (json_array_append_new(array, guest_json(&list->guests[i])) < 0)
			return fail_nomem(err);
	}
	if (opts->json)
		rc = output_json(array, err);
	return rc < 0 ? rc : status;
}

static int do_start(struct cmd *cmd, const struct autostart *list, struct err *err)
{
	const struct autostart_options *opts = cmd->options;

	return autostart_start(list, opts->jobs.given ? opts->jobs.value : JOBS, err);
}

static int stop(struct cmd *cmd, const struct autostart *list, struct err *err)
{
	const struct autostart_options *opts = cmd->options;
	unsigned int seconds = opts->timeout.given ? opts->timeout.value : TIMEOUT_S;
	struct autostart_stop how = {
		.destroy = opts->destroy ? successor_destroy : NULL, .attended = supervisor_runs,
	};

	if (seconds > TIMEOUT_MOST_S)
		return fail(err, ERANGE, "a timeout of %u seconds is too long", seconds);
	how.timeout_ms = (int)seconds * 1000;
	return autostart_stop(&cmd->xen, list, &how, err);
}

static int do_stop(struct cmd *cmd, const struct autostart *list, struct err *err)
{
	const struct autostart_options *opts = cmd->options;

	return stop(cmd, opts->auto_only ? list : NULL, err);
}

/* Others of the host would not come back. */
static int do_restart(struct cmd *cmd, const struct autostart *list, struct err *err)
{
	const struct autostart_options *opts = cmd->options;
	scoped(autostart) struct autostart again = AUTOSTART_INIT;
	int rc = stop(cmd, list, err);

	if (rc == 0)
		rc = autostart_read(&cmd->xen, opts->dir ? opts->dir : AUTOSTART_DIR, &again, err);
	return rc < 0 ? rc : do_start(cmd, &again, err);
}

static int run_autostart(struct cmd *cmd, struct err *err)
{
	static const struct {
		const char *word;
		int (*run)(struct cmd *cmd, const struct autostart *list, struct err *err);
	} verbs[] = {
		{ "start", do_start }, { "stop", do_stop }, { "status", do_status },
		{ "restart", do_restart },
	};
	const struct autostart_options *opts = cmd->options;
	scoped(autostart) struct autostart list = AUTOSTART_INIT;
	int rc;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(cmd->words[0], verbs[i].word) != 0)
			continue;
		rc = autostart_read(&cmd->xen, opts->dir ? opts->dir : AUTOSTART_DIR, &list, err);
		return rc < 0 ? rc : verbs[i].run(cmd, &list, err);
	}
	return cmd_usage(cmd);
}

#define AT(member) offsetof(struct autostart_options, member)

static const struct option_row autostart_options[] = {
	{ 'd', "dir", "DIR", "The config files, or links to them (" AUTOSTART_DIR ")",
	  OPTION_STRING, AT(dir) },
	{ 'j', "jobs", "N", "start: at most so many guests at a time (4)", OPTION_UINT, AT(jobs) },
	{ 't', "timeout", "SECONDS", "stop: how long all guests together may take (300)",
	  OPTION_UINT, AT(timeout) },
	{ 0, "destroy", NULL, "stop: destroy those that have not shut down by then", OPTION_FLAG,
	  AT(destroy) },
	{ 0, "auto-only", NULL, "stop: leave guests alone that are not started by it", OPTION_FLAG,
	  AT(auto_only) },
	{ 0, "json", NULL, "status: as a JSON array", OPTION_FLAG, AT(json) },
};

const struct command cmd_autostart = {
	.name = "autostart", .args = "start|stop|status|restart [options]",
	.help = "Start the guests of " AUTOSTART_DIR " in the order of its files, or stop all guests",
	.needs = NEED_XEN | NEED_STORE, .min = 1, .max = 1, COMMAND_OPTIONS(autostart_options),
	.run = run_autostart,
};
