/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "command.h"

static int global_options(struct cmd *cmd, int argc, char **argv)
{
	int opt;

	opterr = 0;
	while ((opt = getopt(argc, argv, "+vftTNh")) != -1) {
		switch (opt) {
		case 'v':
			cmd->verbose++;
			log_level = LOG_DEBUG;
			break;
		case 't':
			cmd->progress = true;
			break;
		case 'N':
			cmd->dryrun = true;
			break;
		case 'f':	/* xl reads it and does nothing with it */
		case 'T':
			break;
		case 'h':
			command_print_list(command_list, command_nr, cmd->prog);
			return 0;
		default:
			fprintf(stderr, "unknown global option\n");
			return COMMAND_EXIT_FAILED;
		}
	}
	return -1;
}

static int open_needs(struct cmd *cmd, struct err *err)
{
	int rc = 0;

	if (cmd->command->needs & NEED_XEN)
		rc = xen_open(&cmd->xen, err);
	if (rc == 0 && cmd->command->needs & NEED_STORE)
		rc = xen_open_store(&cmd->xen, err);
	return rc;
}

static int run_command(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct parsed parsed;
	int rc;

	/* getopt sorts argv in place, so what `line` needs is read before. */
	cmd->line = argv + 1;
	rc = command_parse(cmd->command, cmd->prog, argc, argv, &parsed, err);
	if (rc < 0) {
		fprintf(stderr, "%s\n%s", err->msg, rc == -E2BIG ? "\n" : "");
		if (rc == -E2BIG)
			command_print_help(cmd->command, cmd->prog);
		return COMMAND_EXIT_USAGE;
	}
	if (parsed.help) {
		command_print_help(cmd->command, cmd->prog);
		return 0;
	}
	if (cmd->dryrun && !cmd->command->dryrun)
		return cmd_fail(cmd, err, EINVAL, "command does not implement -N (dryrun) option");
	cmd->options = parsed.options;
	cmd->words = parsed.words;
	cmd->nr_words = parsed.nr_words;
	rc = open_needs(cmd, err);
	if (rc == 0)
		rc = cmd->command->run(cmd, err);
	xen_close(&cmd->xen);
	return rc;
}

static int dispatch(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	const char *known;

	if (argc == 0) {
		command_print_list(command_list, command_nr, cmd->prog);
		return COMMAND_EXIT_FAILED;
	}
	cmd->command = command_find(command_list, command_nr, argv[0], &known);
	if (cmd->command)
		return run_command(cmd, argc, argv, err);
	if (known)
		return cmd_fail(cmd, err, ENOSYS, "command not implemented: xl's '%s' is not in "
				"xlite: %s", known, command_why_not(known));
	return cmd_fail(cmd, err, ENOENT, "command not implemented");
}

/* A descriptor 0 to 2 that is closed would be the next file that is opened. */
static bool open_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return false;
	}
	return true;
}

/* A full disk or a closed pipe must not look like success. */
static int finish_stdout(const char *prog, int status)
{
	if (!ferror(stdout) && fflush(stdout) == 0)
		return status;
	fprintf(stderr, "%s: cannot write the output: %s\n", prog, strerror(errno));
	return status ? status : COMMAND_EXIT_FAILED;
}

int main(int argc, char **argv)
{
	const char *slash = argv[0] ? strrchr(argv[0], '/') : NULL;
	struct cmd cmd = { .xen = XEN_INIT, .fail_status = COMMAND_EXIT_FAILED };
	struct err err = ERR_INIT;
	int rc;

	if (!open_standard_fds())
		return COMMAND_EXIT_FAILED;
	/* Ignored, as some callers leave it, it would have the kernel forget how children ended. */
	signal(SIGCHLD, SIG_DFL);
	cmd.prog = slash ? slash + 1 : argv[0] ? argv[0] : "xlite";
	rc = global_options(&cmd, argc, argv);
	if (rc < 0)
		rc = dispatch(&cmd, argc - optind, argv + optind, &err);
	if (rc < 0) {
		/* What the command printed before comes first, also in one file. */
		fflush(stdout);
		fprintf(stderr, "%s%s%s\n", cmd.plain ? "" : cmd.prog, cmd.plain ? "" : ": ",
			err.msg);
		rc = cmd.fail_status;
	}
	return finish_stdout(cmd.prog, rc);
}
