/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes the man pages: copies a page from stdin and puts in, for a line
 *
 *	@commands	all commands and their options, from cmd/'s table
 *	@keys		all keys of a guest's config, from toolstack/config/keytab.c
 *	@conf		those of xl.conf
 *	@markdown FILE	what a page of doc/ says, less its first heading
 *
 * mdoc(7): a line that begins with a dot is a request, and a backslash an escape.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "cmd/command.h"
#include "config/conf.h"
#include "config/keys.h"

/* Text as it is read on the page; `quoted`: within an argument of a request. */
static void put_text(const char *text, size_t len, bool quoted)
{
	bool first = true;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!quoted && first && (c == '.' || c == '\''))
			fputs("\\&", stdout);
		first = c == '\n';
		if (c == '\\')
			fputs("\\e", stdout);
		else if (c == '"' && quoted)
			fputs("\\(dq", stdout);
		else if (c == '^')
			fputs("\\(ha", stdout);
		else if (c == '~')
			fputs("\\(ti", stdout);
		else if (c != '`')
			putchar(c);
	}
}

static void put(const char *text)
{
	put_text(text, strlen(text), false);
}

/* One argument of a request, whatever it says. */
static void put_argument(const char *text)
{
	fputs(" \"", stdout);
	put_text(text, strlen(text), true);
	putchar('"');
}

/* A help text, which may have line ends where a terminal wants them, as a sentence. */
static void put_sentence(const char *text)
{
	size_t len = strlen(text);

	if (len && text[0] == ' ')
		fputs("\\&", stdout);
	for (size_t i = 0; i < len; i++)
		put_text(text[i] == '\n' ? " " : &text[i], 1, i > 0 && text[i] != '"');
	puts(len && text[len - 1] == '.' ? "" : ".");
}

static void put_option(const struct option_row *row)
{
	if (!row->help)
		return;
	fputs(".It", stdout);
	if (row->short_name)
		printf(" Fl %c", row->short_name);
	if (row->short_name && row->long_name)
		fputs(" ,", stdout);
	if (row->long_name)
		printf(" Fl -%s", row->long_name);
	if (row->argument)
		printf("%s Ar %s", row->long_name ? " Ns = Ns" : "", row->argument);
	putchar('\n');
	put_sentence(row->help);
}

static void put_command(const struct command *command)
{
	printf(".It Ic %s", command->name);
	if (command->args && *command->args) {
		fputs(" No", stdout);
		put_argument(command->args);
	}
	putchar('\n');
	put_sentence(command->help);
	if (command->nr_options) {
		puts(".Bl -tag -width Ds -compact");
		for (size_t i = 0; i < command->nr_options; i++)
			put_option(&command->options[i]);
		puts(".El");
	}
	if (command->more) {
		puts(".Bd -literal");
		put(command->more);
		puts(command->more[strlen(command->more) - 1] == '\n' ? ".Ed" : "\n.Ed");
	}
}

static void put_commands(void)
{
	puts(".Bl -tag -width Ds");
	for (size_t i = 0; i < command_nr; i++)
		put_command(command_list[i]);
	puts(".El");
}

static const char *kind_name(const struct key_row *row)
{
	static const char *const names[] = {
		[KEY_STR] = "string", [KEY_BOOL] = "0 or 1", [KEY_INT] = "number",
		[KEY_MIB] = "MiB", [KEY_ENUM] = "string", [KEY_ENUM_NUM] = "string",
		[KEY_STRS] = "list of strings", [KEY_STR_OR_STRS] = "string or list of strings",
		[KEY_LIST] = "list of strings",
	};

	return (size_t)row->kind < ARRAY_SIZE(names) ? names[row->kind] : NULL;
}

static void put_types(unsigned int types)
{
	static const struct { unsigned int type; const char *name; } names[] = {
		{ KEY_PV, "PV" }, { KEY_PVH, "PVH" }, { KEY_HVM, "HVM" },
	};
	bool any = false;

	if (!types || types == KEY_ALL)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(types & names[i].type))
			continue;
		printf("%s%s", any ? ", " : "For ", names[i].name);
		any = true;
	}
	puts(" guests.");
}

static void put_key(const struct key_row *row)
{
	const char *kind = kind_name(row);

	fputs(".It Va", stdout);
	put_argument(row->name);
	if (kind)
		printf(" No \"(%s)\"", kind);
	putchar('\n');
	put_sentence(row->help);
	put_types(row->types);
	if (row->since)
		printf("Known to xl since 4.%u.\n", row->since);
	if (row->later == KEY_LATER_FAIL)
		puts("Not supported yet: a guest with it is refused.");
	if (row->later == KEY_LATER_WARN)
		puts("Not supported yet: the guest runs without.");
}

static void put_keys(const struct key_row *rows, size_t nr)
{
	puts(".Bl -tag -width Ds -compact");
	for (size_t i = 0; i < nr; i++)
		put_key(&rows[i]);
	puts(".El");
}

enum markdown { MD_TEXT, MD_BULLETS, MD_TABLE, MD_CODE };

struct page {
	enum markdown state;
	bool gap;		/* an empty line came before, which a paragraph begins with */
	bool any;		/* there is text in this section */
};

static void leave(enum markdown state)
{
	if (state == MD_BULLETS || state == MD_TABLE)
		puts(".El");
	else if (state == MD_CODE)
		puts(".Ed");
}

/* Each sentence begins a line, as mdoc wants it. */
static void put_prose(const char *text)
{
	const char *end;

	while ((end = strstr(text, ". ")) && end[2] >= 'A' && end[2] <= 'z') {
		put_text(text, (size_t)(end + 1 - text), false);
		putchar('\n');
		text = end + 2;
	}
	put(text);
	putchar('\n');
}

/* "| what | xl | xlite |": the first cell is the item, the others stand under it. */
static void put_row(char *line)
{
	char *cell, *rest = line + 1;

	fputs(".It", stdout);
	for (int i = 0; (cell = strsep(&rest, "|")) && rest; i++) {
		cell += strspn(cell, " ");
		for (size_t len = strlen(cell); len && cell[len - 1] == ' '; len--)
			cell[len - 1] = '\0';
		if (i == 0)
			put_argument(cell);
		else
			printf("%s%s: ", i == 1 ? "\n" : ";\n", i == 1 ? "xl" : "xlite");
		if (i)
			put(cell);
	}
	putchar('\n');
}

static enum markdown kind_of(const char *line, enum markdown state)
{
	if (str_starts(line, "    "))
		return MD_CODE;
	if (str_starts(line, "* "))
		return MD_BULLETS;
	if (*line == '|')
		return MD_TABLE;
	/* Indented text goes on with its item. */
	return *line == ' ' && state == MD_BULLETS ? MD_BULLETS : MD_TEXT;
}

static void change(struct page *page, enum markdown state)
{
	leave(page->state);
	if (state == MD_CODE)
		puts(".Bd -literal -offset indent");
	else if (state != MD_TEXT)
		printf(".Bl -%s\n", state == MD_BULLETS ? "bullet -compact" : "tag -width Ds");
	page->state = state;
	page->gap = page->gap && state == MD_TEXT;
}

/* What the pages of doc/ use of Markdown. */
static void put_markdown_line(struct page *page, char *line)
{
	enum markdown state = kind_of(line, page->state);

	if (!*line || str_starts(line, "# ")) {
		page->gap = page->any;
		return;
	}
	if (state != page->state)
		change(page, state);
	if (str_starts(line, "## ")) {
		printf(".Ss %s\n", line + 3);
	} else if (state == MD_CODE) {
		put(line + 4);
		putchar('\n');
	} else if (state == MD_TABLE) {
		if (!str_starts(line, "|-") && !str_starts(line, "| what |"))
			put_row(line);
	} else {
		if (*line == '*')
			puts(".It");
		else if (page->gap)
			puts(".Pp");
		put_prose(*line == '*' ? line + 2 : line + strspn(line, " "));
	}
	page->gap = false;
	page->any = !str_starts(line, "## ");
}

static int put_markdown(const char *path)
{
	scoped(file) FILE *in = fopen(path, "re");
	scoped(free) char *line = NULL;
	struct page page = { .state = MD_TEXT };
	size_t size = 0;

	if (!in)
		return -1;
	while (getline(&line, &size, in) > 0) {
		line[strcspn(line, "\n")] = '\0';
		put_markdown_line(&page, line);
	}
	leave(page.state);
	return 0;
}

int main(void)
{
	scoped(free) char *line = NULL;
	size_t size = 0, nr;
	const struct key_row *rows = xl_conf_keys(&nr);

	while (getline(&line, &size, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "@commands") == 0)
			put_commands();
		else if (strcmp(line, "@keys") == 0)
			put_keys(key_table, key_table_size);
		else if (strcmp(line, "@conf") == 0)
			put_keys(rows, nr);
		else if (!str_starts(line, "@markdown "))
			puts(line);
		else if (put_markdown(line + strlen("@markdown ")) < 0)
			return 1;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
