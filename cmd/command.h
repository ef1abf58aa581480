/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A command is a const struct at the foot of its file; main.c has the list of
 * pointers. Help, option parsing, the prefix match, the shell completion and the
 * tests read the same struct, and main opens only what `needs` names.
 *
 * run() returns the exit status (>= 0), or -errno with err filled in: then main
 * prints "PROG: message" (only the message when cmd->plain) and exits with
 * cmd->fail_status. stdout is for the answer alone; main flushes and checks it.
 */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/scope.h"
#include "xen/xen.h"

enum command_need {
	NEED_NOTHING = 0,
	NEED_XEN = 1 << 0,	/* cmd->xen.xc is open in run() */
	NEED_STORE = 1 << 1,	/* cmd->xen.xs is open in run() */
};

enum option_kind {
	OPTION_FLAG,		/* bool: true when given */
	OPTION_COUNT,		/* unsigned int: how often given */
	OPTION_STRING,		/* const char *: the last one's argument, NULL if none */
	OPTION_LIST,		/* struct option_list: the argument of each, in order */
	OPTION_UINT,		/* struct option_uint: a decimal number */
	OPTION_IGNORED,		/* accepted for xl's sake, no argument, nothing stored */
};

struct option_uint {
	bool given;
	unsigned int value;
};

#define OPTION_LIST_MAX 32	/* more are an error */

struct option_list {
	unsigned int nr;
	const char *items[OPTION_LIST_MAX];
};

struct option_row {
	char short_name;	/* 0: none */
	const char *long_name;	/* NULL: none */
	const char *argument;	/* "FILE" in help; NULL: takes none */
	const char *help;	/* NULL: not shown */
	enum option_kind kind;
	size_t offset;		/* of the member in the command's options struct */
};

enum { COMMAND_EXIT_FAILED = 1, COMMAND_EXIT_USAGE = 2 };

#define COMMAND_OPTIONS_MAX 1280		/* bytes in an options struct */
#define COMMAND_ANY UINT32_MAX		/* no limit of words */

struct cmd;

struct command {
	const char *name;
	const char *args;		/* usage, after the name */
	const char *help;		/* one line, no full stop */
	const char *more;		/* printed after the options in its help, or NULL */
	unsigned int needs;		/* enum command_need */
	unsigned int min, max;		/* words after the options */
	const struct option_row *options;
	size_t nr_options;
	bool dryrun;			/* understands the global -N */
	bool modifies;			/* shown as -f in usage, as xl does */
	int (*run)(struct cmd *cmd, struct err *err);
};

/* Fills .options and .nr_options from an array. */
#define COMMAND_OPTIONS(rows) .options = (rows), .nr_options = ARRAY_SIZE(rows)

/* What run() is given. All of it lives until main returns. */
struct cmd {
	const struct command *command;
	const char *prog;		/* basename of argv[0]: "xlite" or "xl" */
	struct xen xen;			/* open as far as `needs` says */
	const void *options;		/* the command's options struct, zero where not given */
	unsigned int nr_words;
	char **words;			/* NULL-terminated; options are taken out (GNU order) */
	char **line;			/* all after the command's name, as given */
	unsigned int verbose;		/* global -v, counted */
	bool dryrun;			/* global -N */
	bool progress;			/* global -t: progress with carriage returns */
	bool plain;			/* the error message is xl's own, without "PROG: " */
	int fail_status;		/* exit status when run() returns < 0; starts as 1 */
};

/* fail() with the words of xl that programs look for: no "PROG: " in front. */
int cmd_fail(struct cmd *cmd, struct err *err, int code, const char *fmt, ...) printf_like(4, 5);

/* The command's help on stdout, then exit status 2 for run() to return. */
int cmd_usage(struct cmd *cmd);

/* A domain by number or name; fails in xl's words ("X is an invalid ..."). */
int cmd_domain(struct cmd *cmd, const char *word, uint32_t *domid, struct err *err) must_check;

/*
 * The same, or, for a word with a shell pattern in it that is no domain's name, all guests whose
 * names match it ("web-*"; never domain 0). At least one; the caller frees *domids.
 */
int cmd_domains(struct cmd *cmd, const char *word, uint32_t **domids, size_t *nr, bool *group,
		struct err *err) must_check;

#define CMD_PATTERN_HELP "A pattern, in quotes lest the shell expand it ('web-*', 'db[0-9]'), means all\n" \
	"guests whose names match.\n"

/*
 * Does it to each of them, whatever becomes of the others: of a group, each failure is a warning
 * and how many there were is the error.
 */
int cmd_each_domain(struct cmd *cmd, const char *word,
		    int (*act)(struct cmd *cmd, uint32_t domid, struct err *err),
		    struct err *err) must_check;

/*
 * Passes rc on; where it is a success, that goes to the events (supervisor/events.h) as "COMMAND
 * WHAT". what must hold no secret.
 */
int cmd_done(struct cmd *cmd, const char *kind, uint32_t domid, const char *what, int rc);

/* The options and words of one command line; for main and its unit test. */
struct parsed {
	char options[COMMAND_OPTIONS_MAX] __attribute__((aligned(16)));
	char **words;			/* into the argv that was given */
	unsigned int nr_words;
	bool help;			/* -h: show help, exit 0 */
};

/*
 * argv[0] is the command's name. -EINVAL with xl's message for a bad option,
 * -E2BIG for the wrong number of words: exit status 2 for both. Reorders argv.
 */
int command_parse(const struct command *command, const char *prog, int argc, char **argv,
		  struct parsed *out, struct err *err) must_check;

/*
 * The command for a word: its own name, else the only xl or xlite name that
 * starts with it. NULL when there is none here; then *known is the name of the xl
 * command that is meant but missing, or NULL.
 */
const struct command *command_find(const struct command *const *list, size_t nr,
				   const char *word, const char **known);

/* Why that command of xl's is not here and what to use instead; NULL for one that is, or is none. */
const char *command_why_not(const char *xl_name);
/* The n-th name of xl's commands in alphabetical order; NULL after the last. */
const char *command_xl_name(unsigned int n);

/* Help of all commands (xl's four header lines first), or of one. */
void command_print_list(const struct command *const *list, size_t nr, const char *prog);
void command_print_help(const struct command *command, const char *prog);

/* All commands of this program. */
extern const struct command *const command_list[];
extern const size_t command_nr;

extern const struct command cmd_autostart, cmd_block_attach, cmd_block_detach, cmd_block_list,
	cmd_boot, cmd_button_press, cmd_cd_eject, cmd_cd_insert, cmd_channel_list, cmd_check,
	cmd_claims, cmd_cleanup, cmd_completion, cmd_config_update, cmd_console,
	cmd_cpupool_cpu_add, cmd_cpupool_cpu_remove, cmd_cpupool_create, cmd_cpupool_destroy,
	cmd_cpupool_list, cmd_cpupool_migrate, cmd_cpupool_numa_split, cmd_cpupool_rename,
	cmd_create, cmd_debug_keys, cmd_destroy, cmd_devd, cmd_devices, cmd_dmesg, cmd_doctor, cmd_domid,
	cmd_domname, cmd_dump_core, cmd_events, cmd_help, cmd_info, cmd_list, cmd_mem_max,
	cmd_mem_set, cmd_metrics, cmd_network_attach, cmd_network_detach, cmd_network_link,
	cmd_network_list, cmd_pause, cmd_pci_assignable_add, cmd_pci_assignable_list,
	cmd_pci_assignable_remove, cmd_pci_attach, cmd_pci_detach, cmd_pci_list,
	cmd_qemu_monitor_command, cmd_reboot, cmd_rename, cmd_sched_credit, cmd_sched_credit2,
	cmd_sched_rtds, cmd_set_parameters, cmd_sharing, cmd_shutdown, cmd_supervise, cmd_sysrq,
	cmd_top, cmd_trigger, cmd_unpause, cmd_uptime, cmd_vcpu_list, cmd_vcpu_pin, cmd_vcpu_set,
	cmd_version, cmd_vm_list, cmd_vnc_password, cmd_vncviewer, cmd_wait,
	cmd_watch, cmd_why;

#endif
