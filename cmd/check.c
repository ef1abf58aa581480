/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* check: whether a config's domain could be created. doctor: whether this host is in order. */
#include <errno.h>
#include <stdio.h>

#include "base/findings.h"
#include "base/log.h"
#include "command.h"
#include "config/config.h"
#include "create.h"
#include "domain/preflight.h"
#include "output.h"
#include "supervisor/doctor.h"

struct check_options {
	bool json, strict, offline;
	const char *file;
};

static void add_warning(const char *text, void *arg)
{
	findings_add(arg, FINDING_WARNING, "config", NULL, "%s", text);
}

/* As create_read(); what is wrong is among found. */
static int read_all(struct cmd *cmd, struct domain_config *config, struct findings *found,
		    struct err *err)
{
	const struct check_options *opts = cmd->options;
	scoped(config_warnings) struct config_warnings errors = { 0 };
	int rc = create_read(cmd, opts->file, opts->strict, &errors.list, config, err);

	for (size_t i = 0; i < errors.list.nr; i++)
		findings_add(found, FINDING_ERROR, "config", NULL, "%s", errors.list.items[i]);
	/* What no key is to blame for. */
	if (rc < 0 && rc != -CREATE_NO_FILE && !errors.list.nr)
		findings_add(found, FINDING_ERROR, "config", NULL, "%s", err->msg);
	return rc;
}

static void look_at_host(struct cmd *cmd, struct domain_config *config, struct findings *found)
{
	struct err err = ERR_INIT;
	int rc = xen_open(&cmd->xen, &err);

	if (rc == 0)
		rc = xen_open_store(&cmd->xen, &err);
	if (rc == 0)
		preflight_host(&cmd->xen, config, found);
	else
		findings_add(found, FINDING_ERROR, "host", "on other machines: check --offline",
			     "%s", err.msg);
}

static int run_check(struct cmd *cmd, struct err *err)
{
	const struct check_options *opts = cmd->options;
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	scoped(findings) struct findings found = FINDINGS_INIT;
	int rc;

	log_divert_warnings(add_warning, &found);
	rc = read_all(cmd, &config, &found, err);
	if (rc == 0) {
		config_defaults(&config);
		preflight_config(&config, &found);
		if (!opts->offline)
			look_at_host(cmd, &config, &found);
	}
	log_divert_warnings(NULL, NULL);
	if (rc == -CREATE_NO_FILE)
		return cmd_usage(cmd);
	if (!findings_count(&found, FINDING_ERROR))
		findings_add(&found, FINDING_OK, "config", NULL, "'%s' %s", config.name,
			     opts->offline ? "is valid" : "could be created");
	rc = output_findings(&found, opts->json, err);
	return rc < 0 ? rc : findings_count(&found, FINDING_ERROR) ? COMMAND_EXIT_FAILED : 0;
}

struct doctor_options {
	bool json;
};

static int run_doctor(struct cmd *cmd, struct err *err)
{
	const struct doctor_options *opts = cmd->options;
	scoped(findings) struct findings found = FINDINGS_INIT;
	int rc;

	doctor_look(&cmd->xen, &found);
	rc = output_findings(&found, opts->json, err);
	return rc < 0 ? rc : findings_count(&found, FINDING_ERROR) ? COMMAND_EXIT_FAILED : 0;
}

#define AT(member) offsetof(struct check_options, member)

static const struct option_row check_options[] = {
	{ 'f', "defconfig", "FILE", "Use the given configuration file.", OPTION_STRING, AT(file) },
	{ 0, "strict", NULL, "A key that is not known is an error.", OPTION_FLAG, AT(strict) },
	{ 0, "offline", NULL, "Only what needs no Xen host.", OPTION_FLAG, AT(offline) },
	{ 0, "json", NULL, "As a JSON array.", OPTION_FLAG, AT(json) },
};

static const struct option_row doctor_options[] = {
	{ 0, "json", NULL, "As a JSON array.", OPTION_FLAG, offsetof(struct doctor_options, json) },
};

const struct command cmd_check = {
	.name = "check", .args = "<ConfigFile> [options] [vars]",
	.help = "Check whether a config's domain could be created, and create nothing",
	.more = "Prints all that is wrong, a line each. Exit status: 0 nothing but warnings; 1 errors.",
	.max = COMMAND_ANY, COMMAND_OPTIONS(check_options), .run = run_check,
};

const struct command cmd_doctor = {
	.name = "doctor", .args = "[--json]",
	.help = "Check this host: Xen, its daemons and drivers, memory, leftovers",
	.more = "Exit status: 0 nothing but warnings; 1 errors.",
	COMMAND_OPTIONS(doctor_options), .run = run_doctor,
};
