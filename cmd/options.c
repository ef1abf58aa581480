/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "command.h"

enum { ROWS_MAX = 32, LONG_BASE = 0x100 };

/* The table in getopt's form; a long option returns LONG_BASE + its row. */
struct getopt_form {
	char shorts[2 * ROWS_MAX + 3];
	struct option longs[ROWS_MAX + 2];
};

static void form_build(const struct command *command, struct getopt_form *form)
{
	size_t s = 0, l = 0;

	form->shorts[s++] = ':';	/* a missing argument is not an unknown option */
	form->shorts[s++] = 'h';
	form->longs[l++] = (struct option){ "help", no_argument, NULL, 'h' };
	for (size_t i = 0; i < command->nr_options && i < ROWS_MAX; i++) {
		const struct option_row *row = &command->options[i];

		if (row->short_name) {
			form->shorts[s++] = row->short_name;
			if (row->argument)
				form->shorts[s++] = ':';
		}
		if (row->long_name)
			form->longs[l++] = (struct option){ row->long_name,
				row->argument ? required_argument : no_argument, NULL,
				LONG_BASE + (int)i };
	}
	form->shorts[s] = '\0';
	form->longs[l] = (struct option){ NULL, 0, NULL, 0 };
}

static const struct option_row *row_of(const struct command *command, int opt)
{
	if (opt >= LONG_BASE)
		return &command->options[opt - LONG_BASE];
	for (size_t i = 0; i < command->nr_options; i++) {
		if (command->options[i].short_name == opt)
			return &command->options[i];
	}
	return NULL;
}

static int fail_argument(const struct option_row *row, const char *what, struct err *err)
{
	if (row->short_name)
		return fail(err, EINVAL, "option -%c: '%s' is %s", row->short_name, optarg, what);
	return fail(err, EINVAL, "option --%s: '%s' is %s", row->long_name, optarg, what);
}

static int list_add(const struct option_row *row, struct option_list *list, struct err *err)
{
	if (list->nr == OPTION_LIST_MAX)
		return fail_argument(row, "one too many", err);
	list->items[list->nr++] = optarg;
	return 0;
}

static int row_store(const struct option_row *row, struct parsed *out, struct err *err)
{
	void *member = out->options + row->offset;
	uint64_t number;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)member = true;
		return 0;
	case OPTION_COUNT:
		(*(unsigned int *)member)++;
		return 0;
	case OPTION_STRING:
		*(const char **)member = optarg;
		return 0;
	case OPTION_LIST:
		return list_add(row, member, err);
	case OPTION_UINT:
		if (str_to_u64(optarg, UINT32_MAX, &number) < 0)
			return fail_argument(row, "not a number", err);
		*(struct option_uint *)member = (struct option_uint){ true, (unsigned int)number };
		return 0;
	case OPTION_IGNORED:
		return 0;
	}
	return 0;
}

/* xl names only the letter; a long option has none. */
static int fail_option(int opt, char *const *argv, struct err *err)
{
	const char *what = opt == ':' ? "needs an argument" : "not supported";

	if (optind > 0 && str_starts(argv[optind - 1], "--"))
		return fail(err, EINVAL, "option `%s' %s.", argv[optind - 1], what);
	return fail(err, EINVAL, "option `%c' %s.", optopt, what);
}

static int check_words(const struct command *command, const char *prog, const struct parsed *out,
		       struct err *err)
{
	if (out->nr_words < command->min)
		return fail(err, E2BIG, "'%s %s' requires at least %u argument%s.", prog,
			    command->name, command->min, command->min > 1 ? "s" : "");
	if (out->nr_words > command->max)
		return fail(err, E2BIG, "'%s %s' takes at most %u argument%s, not '%s'.", prog,
			    command->name, command->max, command->max == 1 ? "" : "s",
			    out->words[command->max]);
	return 0;
}

int command_parse(const struct command *command, const char *prog, int argc, char **argv,
		  struct parsed *out, struct err *err)
{
	struct getopt_form form;
	int opt, rc;

	*out = (struct parsed){ .words = argv };
	form_build(command, &form);
	opterr = 0;
	optind = 0;	/* start over: main has parsed the global options */
	while ((opt = getopt_long(argc, argv, form.shorts, form.longs, NULL)) != -1) {
		const struct option_row *row = row_of(command, opt);

		if (!row && opt == 'h') {
			out->help = true;
			return 0;
		}
		if (!row)
			return fail_option(opt, argv, err);
		rc = row_store(row, out, err);
		if (rc < 0)
			return rc;
	}
	out->words = argv + optind;
	out->nr_words = (unsigned int)(argc - optind);
	return check_words(command, prog, out, err);
}

/* Further lines of a help text stand under its first. */
static void print_indented(const char *text)
{
	for (const char *p = text; *p; p++) {
		putchar(*p);
		if (*p == '\n')
			printf("%-24s", "");
	}
	putchar('\n');
}

static void print_row(const struct option_row *row)
{
	char left[80];

	if (!row->help)
		return;
	if (row->short_name && row->long_name)
		snprintf(left, sizeof(left), "-%c, --%s%s%s", row->short_name, row->long_name,
			 row->argument ? "=" : "", row->argument ? row->argument : "");
	else if (row->long_name)
		snprintf(left, sizeof(left), "--%s%s%s", row->long_name,
			 row->argument ? "=" : "", row->argument ? row->argument : "");
	else
		snprintf(left, sizeof(left), "-%c%s%s", row->short_name,
			 row->argument ? " " : "", row->argument ? row->argument : "");
	if (strlen(left) > 23)
		printf("%s\n%-24s", left, "");
	else
		printf("%-24s", left);
	print_indented(row->help);
}

void command_print_help(const struct command *command, const char *prog)
{
	printf("Usage: %s [-vtT%s%s] %s %s\n\n%s.\n\n", prog, command->modifies ? "f" : "",
	       command->dryrun ? "N" : "", command->name, command->args ? command->args : "",
	       command->help);
	if (!command->nr_options && !command->more)
		return;
	printf("Options:\n\n");
	for (size_t i = 0; i < command->nr_options; i++)
		print_row(&command->options[i]);
	if (command->more)
		printf("%s%s\n", command->nr_options ? "\n" : "", command->more);
	else
		putchar('\n');
}

void command_print_list(const struct command *const *list, size_t nr, const char *prog)
{
	/* Programs drop exactly these four lines before they read the names. */
	printf("Usage %s [-vfNtT] <subcommand> [args]\n\n%s full list of subcommands:\n\n", prog,
	       prog);
	for (size_t i = 0; i < nr; i++)
		printf(" %-19s %s\n", list[i]->name, list[i]->help);
}
