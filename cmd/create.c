/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/create.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "base/json.h"
#include "base/log.h"
#include "base/wait.h"
#include "command.h"
#include "create.h"
#include "config/cfg.h"
#include "config/config.h"
#include "config/conf.h"
#include "domain/affinity.h"
#include "domain/attend.h"
#include "domain/console.h"
#include "domain/destroy.h"
#include "domain/lookup.h"
#include "output.h"
#include "supervisor/events.h"
#include "supervisor/supervisor.h"
#include "vnc.h"
#include "xen/domctl.h"
#include "xen/xen.h"

struct create_options {
	bool console, debug, foreground, unwatched, dryrun, paused, quiet, strict, viewer, autopass;
	bool no_masks;
	const char *file;
};

/* xl's create alone exits with libxl's own numbers: ERROR_FAIL and ERROR_INVAL. */
enum { STATUS_FAIL = 3, STATUS_INVAL = 6 };

/* The one word without "=" is the file, the others are settings; -f goes first. */
static int split_words(struct cmd *cmd, const char **file, const char ***settings, size_t *nr)
{
	const struct create_options *opts = cmd->options;
	const char **list = calloc(cmd->nr_words + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	*file = opts->file;
	*nr = 0;
	for (unsigned int i = 0; i < cmd->nr_words; i++) {
		if (strchr(cmd->words[i], '=')) {
			list[(*nr)++] = cmd->words[i];
		} else if (!*file) {
			*file = cmd->words[i];
		} else {
			free(list);
			return -E2BIG;
		}
	}
	*settings = list;
	return 0;
}

/*
 * CPULISTs speak of the host's cpus. Xen is asked only when there are such lists; on a
 * machine where it cannot be asked (create -n works anywhere) the host stays unknown.
 */
static void ask_host(const struct cfg *cfg, const struct xl_conf *conf, struct affinity_host *host)
{
	scoped(xen) struct xen xen = XEN_INIT;
	struct err unused = ERR_INIT;

	if (!affinity_spoken_of(cfg, conf))
		return;
	if (xen_open(&xen, &unused) < 0 || affinity_host(&xen, host, &unused) < 0)
		log_debug("the host's cpus are not known: %s", unused.msg);
}

static int read_config(struct cmd *cmd, const char *file, const char *const *settings,
		       size_t nr_settings, struct str_list *errors, struct cfg *cfg,
		       struct domain_config *config, struct err *err)
{
	const struct create_options *opts = cmd->options;
	scoped(config_warnings) struct config_warnings warnings = { .errors = errors };
	scoped(xl_conf) struct xl_conf conf = XL_CONF_INIT;
	scoped(affinity_host) struct affinity_host host = AFFINITY_HOST_INIT;
	struct config_options options = {
		.strict = opts->strict, .conf = &conf, .host = &host.host,
	};
	bool dryrun = opts->dryrun || cmd->dryrun;
	int rc;

	rc = xl_conf_read(XL_CONF_PATH, &conf, &warnings, err);
	if (rc < 0)
		return rc;
	if (conf.output_format == XL_OUTPUT_SXP && dryrun)
		log_warn("xl.conf: output_format is sxp, which is not supported: this is JSON");
	if (conf.domid_policy != XL_DOMID_XEN)
		log_warn("xl.conf: domid_policy is random, which is not supported: Xen chooses");
	if (opts->no_masks)
		xl_conf_drop_masks(&conf);
	rc = cfg_parse_file(cfg, file, err);
	/* As xl: a file that cannot be read is its 3, one that says nonsense its 1. */
	if (rc < 0 && rc != -EINVAL)
		cmd->fail_status = STATUS_FAIL;
	if (rc < 0)
		return rc;
	rc = cfg_parse_words(cfg, settings, nr_settings, err);
	if (rc == 0 && !dryrun)
		rc = affinity_say_vcpus(cfg, &conf, err);
	if (rc < 0)
		return rc;
	ask_host(cfg, &conf, &host);
	rc = config_from_cfg(cfg, &options, config, &warnings, err);
	if (rc == 0 && !dryrun)
		rc = config_check_supported(cfg, config, &warnings, err);
	for (size_t i = 0; i < warnings.list.nr; i++)
		log_warn("%s", warnings.list.items[i]);
	return rc;
}

int create_read(struct cmd *cmd, const char *file, bool strict, struct str_list *errors,
		struct domain_config *config, struct err *err)
{
	const struct create_options opts = { .strict = strict, .file = file };
	const void *own = cmd->options;
	scoped(free) const char **settings = NULL;
	scoped(cfg) struct cfg cfg = CFG_INIT;
	size_t nr_settings;
	int rc;

	cmd->options = &opts;
	rc = split_words(cmd, &file, &settings, &nr_settings);
	if (rc == -ENOMEM)
		rc = fail_nomem(err);
	else if (rc < 0 || !file)
		rc = fail(err, CREATE_NO_FILE, "one config file is needed");
	else
		rc = read_config(cmd, file, settings, nr_settings, errors, &cfg, config, err);
	cmd->options = own;
	return rc;
}

static int print_config(struct domain_config *config, FILE *out, struct err *err)
{
	scoped(json) json_t *json = NULL;
	scoped(free) char *text = NULL;
	int rc;

	if (!config->uuid_given)
		uuid_generate_random(config->uuid);
	if (config->hvm.ms_vm_genid_generate)
		uuid_generate_random(config->hvm.ms_vm_genid);
	rc = config_to_json(config, &json, err);
	if (rc < 0)
		return rc;
	rc = json_to_text(json, &text, err);
	if (rc == 0)
		fputs(text, out);
	return rc;
}

static int unpause(struct cmd *cmd, const char *name, uint32_t domid, struct err *err)
{
	const struct create_options *opts = cmd->options;
	int rc = opts->paused ? 0 : domctl_unpause(&cmd->xen, domid, err);

	if (rc == 0 && !opts->paused)
		event_add("running", name, domid, "%s", "");
	return rc;
}

/* The pipes between the console, which is this process, and the child that attends. */
struct attender {
	pid_t pid;
	int start;		/* a byte or the end of the file: let the guest run */
	int successors;		/* domids of those that follow after a restart */
};

static void tell_event(const char *kind, const char *name, uint32_t domid, const char *text)
{
	event_add(kind, name, domid, "%s", text);
}

static void tell_successor(uint32_t domid, void *arg)
{
	const int *fd = arg;

	if (write(*fd, &domid, sizeof(domid)) < 0)
		log_debug("no console follows domain %u", domid);
}

/* The child's status when the guest is anybody's. */
enum { ATTENDER_LEFT = 100 };

static int attend_in_child(struct cmd *cmd, struct domain_config *config, uint32_t domid,
			   int start, int successors, struct err *err)
{
	const struct attend_hooks hooks = {
		.started = tell_successor, .arg = &successors, .told = tell_event,
	};
	char byte;
	int rc;

	signal(SIGPIPE, SIG_IGN);	/* the console may be left before a restart is told */
	/* A connection to xenstored cannot be shared. */
	xen_close(&cmd->xen);
	rc = wait_after_fork(err);
	if (rc == 0)
		rc = xen_open(&cmd->xen, err);
	if (rc == 0)
		rc = xen_open_store(&cmd->xen, err);
	if (rc == 0 && read(start, &byte, 1) < 0 && errno != EINTR)
		rc = fail_sys(err, errno, "cannot wait for the console");
	if (rc == 0)
		rc = unpause(cmd, config->name, domid, err);
	if (rc == 0)
		rc = domain_attend(&cmd->xen, config, domid, &hooks, err);
	if (rc < 0)
		fprintf(stderr, "%s: %s\n", cmd->prog, err->msg);
	return rc < 0 ? STATUS_FAIL : rc > 0 ? ATTENDER_LEFT : 0;
}

static int fork_attender(struct cmd *cmd, struct domain_config *config, uint32_t domid,
			 struct attender *attender, struct err *err)
{
	int start[2], successors[2];

	if (pipe2(start, O_CLOEXEC) < 0)
		return fail_sys(err, errno, "cannot create a pipe");
	if (pipe2(successors, O_CLOEXEC) < 0) {
		close(start[0]);
		close(start[1]);
		return fail_sys(err, errno, "cannot create a pipe");
	}
	attender->pid = fork();
	if (attender->pid == 0) {
		close(start[1]);
		close(successors[0]);
		_exit(attend_in_child(cmd, config, domid, start[0], successors[1], err));
	}
	close(start[0]);
	close(successors[1]);
	attender->start = start[1];
	attender->successors = successors[0];
	if (attender->pid < 0)
		return fail_sys(err, errno, "cannot fork");
	return 0;
}

static void let_run(void *arg)
{
	struct attender *attender = arg;

	scoped_fd(&attender->start);
	attender->start = -1;
}

/* A guest runs without it as well. */
static void start_supervisor(uint32_t domid)
{
	struct err err;

	if (supervisor_ensure(&err) < 0)
		log_warn("domain %u: nobody carries out what its config says about its end: %s",
			 domid, err.msg);
}

/* To the supervisor goes what nobody has seen to: a guest that lives, or one whose attender was left. */
static void hand_over(struct cmd *cmd, const struct domain_config *config, uint32_t domid, int status)
{
	scoped(free) char *name = NULL;
	struct domctl_info info;
	struct err err;
	int rc = domctl_info(&cmd->xen, domid, &info, &err);

	if (rc < 0 || info.dying || memcmp(info.uuid, config->uuid, sizeof(info.uuid)) != 0 ||
	    (info.shutdown && WIFEXITED(status) && WEXITSTATUS(status) != ATTENDER_LEFT))
		return;
	rc = domain_get_name(&cmd->xen, domid, &name, &err);
	if (rc == 0)
		rc = domain_set_watched(name, true, &err);
	if (rc == 0)
		start_supervisor(domid);
	else if (rc != -ENOENT)
		log_warn("domain %u: nobody looks after it: %s", domid, err.msg);
}

/* create -c: the console here, the domain's end in a child, until the user detaches. */
static int run_with_console(struct cmd *cmd, struct domain_config *config, uint32_t domid,
			    struct err *err)
{
	const struct create_options *opts = cmd->options;
	struct attender attender = { .start = -1, .successors = -1 };
	struct console_options console = CONSOLE_OPTIONS_INIT;
	enum console_end end = CONSOLE_DETACHED;
	int status = 0;
	int rc = fork_attender(cmd, config, domid, &attender, err);

	console.ready = let_run;
	console.arg = &attender;
	while (rc == 0) {
		rc = console_attach(&cmd->xen, domid, &console, &end, err);
		let_run(&attender);
		if (rc < 0 || end == CONSOLE_DETACHED ||
		    read(attender.successors, &domid, sizeof(domid)) != sizeof(domid))
			break;
	}
	let_run(&attender);
	if (attender.pid <= 0) {
		scoped_fd(&attender.successors);
		return rc;
	}
	/* Said now: the child may stay for long. */
	if (rc < 0)
		log_warn("lost the console: %s", err->msg);
	if (((rc < 0 || end == CONSOLE_DETACHED) && !opts->foreground) || wait_interrupted())
		kill(attender.pid, SIGTERM);
	while (waitpid(attender.pid, &status, 0) < 0 && errno == EINTR)
		kill(attender.pid, SIGTERM);
	while (read(attender.successors, &domid, sizeof(domid)) == sizeof(domid))
		continue;
	scoped_fd(&attender.successors);
	if (!opts->foreground && !opts->unwatched)
		hand_over(cmd, config, domid, status);
	if (rc < 0 || !WIFEXITED(status))
		return rc < 0 ? rc : STATUS_FAIL;
	return WEXITSTATUS(status) == ATTENDER_LEFT ? 0 : WEXITSTATUS(status);
}

/* After the domain stands: console, start, and whoever stays with it. */
static int start_domain(struct cmd *cmd, struct domain_config *config, uint32_t domid,
			struct err *err)
{
	const struct attend_hooks hooks = { .told = tell_event };
	const struct create_options *opts = cmd->options;
	struct err undo;
	int rc;

	if (opts->console)
		return run_with_console(cmd, config, domid, err);
	rc = unpause(cmd, config->name, domid, err);
	if (rc < 0 && domain_destroy(&cmd->xen, domid, &undo) < 0)
		log_warn("domain %u stays, paused: %s", domid, undo.msg);
	if (rc == 0 && opts->foreground)
		rc = domain_attend(&cmd->xen, config, domid, &hooks, err);
	return rc < 0 ? rc : 0;
}

static int create(struct cmd *cmd, struct domain_config *config, struct err *err)
{
	const struct create_options *opts = cmd->options;
	const struct create_how how = {
		.watched = !opts->foreground && !opts->console && !opts->unwatched,
		.terminal = opts->console && isatty(STDIN_FILENO) ? STDIN_FILENO : -1,
	};
	uint32_t domid;
	int rc;

	rc = domain_check_config(config, err);
	if (rc < 0)
		return rc;
	rc = xen_open(&cmd->xen, err);
	if (rc < 0)
		return rc;
	rc = xen_open_store(&cmd->xen, err);
	if (rc < 0)
		return rc;
	rc = wait_catch_interrupts(err);
	if (rc < 0)
		return rc;
	rc = domain_create(&cmd->xen, config, &how, &domid, err);
	if (rc < 0) {
		rc = fail_in(err, "cannot create '%s'", config->name);
		event_add("error", config->name, 0, "%s", err->msg);
		return rc;
	}
	event_add("create", config->name, domid, "%s", opts->unwatched ? "nobody looks after it" : "");
	if (how.watched)
		start_supervisor(domid);
	if (opts->viewer || opts->autopass)
		vncviewer_start(&cmd->xen, domid, opts->autopass);
	return start_domain(cmd, config, domid, err);
}

static int run_create(struct cmd *cmd, struct err *err)
{
	const struct create_options *opts = cmd->options;
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	scoped(cfg) struct cfg cfg = CFG_INIT;
	scoped(free) const char **settings = NULL;
	bool dryrun = opts->dryrun || cmd->dryrun;
	const char *file;
	size_t nr_settings;
	int rc;

	rc = split_words(cmd, &file, &settings, &nr_settings);
	if (rc == -ENOMEM)
		return fail_nomem(err);
	if (rc < 0 || !file)
		return cmd_usage(cmd);
	if (!opts->quiet)
		log_info("Parsing config from %s", file);
	rc = read_config(cmd, file, settings, nr_settings, NULL, &cfg, &config, err);
	if (rc < 0)
		return rc;
	if (opts->debug || dryrun) {
		rc = print_config(&config, dryrun ? stdout : stderr, err);
		if (rc < 0 || dryrun)
			return rc;
	}
	config_defaults(&config);
	rc = create(cmd, &config, err);
	if (rc < 0)
		cmd->fail_status = rc == -EINVAL || rc == -EOPNOTSUPP || rc == -ENAMETOOLONG ?
			STATUS_INVAL : STATUS_FAIL;
	return rc;
}

#define OFFSET(member) offsetof(struct create_options, member)

static const struct option_row create_options[] = {
	{ 'c', NULL, NULL, "Connect to the console after the domain is created.", OPTION_FLAG,
	  OFFSET(console) },
	{ 'd', NULL, NULL, "Enable debug messages.", OPTION_FLAG, OFFSET(debug) },
	{ 'e', NULL, NULL, "Do not wait in the background for the death of the domain.",
	  OPTION_FLAG, OFFSET(unwatched) },
	{ 'F', NULL, NULL, "Run in foreground until death of the domain.", OPTION_FLAG,
	  OFFSET(foreground) },
	{ 'f', "defconfig", "FILE", "Use the given configuration file.", OPTION_STRING,
	  OFFSET(file) },
	{ 'n', "dryrun", NULL, "Dry run - prints the resulting configuration\n"
	  "(deprecated in favour of global -N option).", OPTION_FLAG, OFFSET(dryrun) },
	{ 'p', NULL, NULL, "Leave the domain paused after it is created.", OPTION_FLAG,
	  OFFSET(paused) },
	{ 'q', "quiet", NULL, "Quiet.", OPTION_FLAG, OFFSET(quiet) },
	{ 'V', "vncviewer", NULL, "Connect to the VNC display after the domain is created.",
	  OPTION_FLAG, OFFSET(viewer) },
	{ 'A', "vncviewer-autopass", NULL, "Pass VNC password to viewer via stdin.", OPTION_FLAG,
	  OFFSET(autopass) },
	{ 0, "strict", NULL, "Refuse a config with a key that is not known.", OPTION_FLAG,
	  OFFSET(strict) },
	{ 0, "ignore-global-affinity-masks", NULL, "Ignore global masks in xl.conf.",
	  OPTION_FLAG, OFFSET(no_masks) },
};

const struct command cmd_create = {
	.name = "create", .args = "<ConfigFile> [options] [vars]",
	.help = "Create a domain from config file <filename>",
	/* Opens Xen itself: a dry run works anywhere. */
	.needs = NEED_NOTHING, .max = COMMAND_ANY, .dryrun = true, .modifies = true,
	COMMAND_OPTIONS(create_options), .run = run_create,
};
