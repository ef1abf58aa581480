/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/scope.h"
#include "grub.h"
#include "text.h"

int grub_steps(struct grub *g, unsigned int nr, struct err *err)
{
	g->steps += nr;
	if (g->steps > GRUB_STEPS_MAX)
		return fail(err, ETIME, "the script takes more than %d steps", GRUB_STEPS_MAX);
	return 0;
}

int grub_enter(struct grub *g, struct err *err)
{
	if (g->depth >= GRUB_CALLS_MAX)
		return fail(err, ELOOP, "functions and files call each other more than %d deep",
			    GRUB_CALLS_MAX);
	g->depth++;
	return 0;
}

static const struct grub_function *find_function(const struct grub *g, const char *name)
{
	const struct grub_function *f = g->functions;

	while (f && strcmp(f->name, name) != 0)
		f = f->next;
	return f;
}

static int define_function(struct grub *g, const struct grub_cmd *cmd, struct err *err)
{
	struct grub_function *f;

	if (g->nr_functions >= GRUB_FUNCTIONS_MAX)
		return fail(err, E2BIG, "more than %d functions", GRUB_FUNCTIONS_MAX);
	f = arena_alloc(&g->menu->arena, sizeof(*f));
	if (!f)
		return conf_nomem(err);
	/* A later one of the same name stands in front. */
	*f = (struct grub_function){ g->functions, cmd->name, cmd->body };
	g->functions = f;
	g->nr_functions++;
	return 0;
}

static int call_function(struct grub *g, const struct grub_function *f,
			 const struct grub_args *args, struct err *err)
{
	struct grub_args saved = g->params;
	int rc = grub_enter(g, err);

	if (rc < 0)
		return rc;
	g->params = (struct grub_args){ args->v + 1, args->n - 1 };
	g->status = 0;
	rc = grub_run(g, f->body, err);
	g->params = saved;
	g->depth--;
	if (g->flow == GRUB_RETURN)
		g->flow = GRUB_RUN;
	return rc < 0 ? rc : g->status;
}

static int assign(struct grub *g, char *word, struct err *err)
{
	char *equals = strchr(word, '=');
	int rc;

	*equals = '\0';
	rc = grub_set(g, word, equals + 1, err);
	*equals = '=';
	return rc;
}

static int dispatch(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		    struct err *err)
{
	grub_command_fn run = grub_command_find(args->v[0]);
	const struct grub_function *f;

	if (run)
		return run(g, args, cmd, err);
	f = find_function(g, args->v[0]);
	if (f)
		return call_function(g, f, args, err);
	if (args->v[0][0] != '=' && strchr(args->v[0], '='))
		return assign(g, args->v[0], err);
	/* GRUB complains about a command that it does not know, and goes on as if it had worked. */
	return 0;
}

static int run_simple(struct grub *g, const struct grub_cmd *cmd, struct err *err)
{
	struct grub_args args = { .n = 0 };
	bool invert = false;
	int rc = grub_expand(g, cmd->words, &args, err);

	if (rc < 0)
		return rc;
	if (args.n && strcmp(args.v[0], "!") == 0) {
		invert = true;
		args.v++;
		args.n--;
	}
	if (!args.n)
		return 0;
	rc = dispatch(g, &args, cmd, err);
	if (rc < 0)
		return rc;
	g->status = invert ? !rc : rc;
	return 0;
}

static int run_if(struct grub *g, const struct grub_cmd *cmd, struct err *err)
{
	int rc = grub_run(g, cmd->cond, err);

	if (rc < 0 || g->flow != GRUB_RUN)
		return rc;
	if (g->status == 0)
		return grub_run(g, cmd->body, err);
	g->status = 0;
	return grub_run(g, cmd->orelse, err);
}

/* After a loop's body: true when the loop goes on. */
static bool loops_on(struct grub *g)
{
	bool again = g->flow == GRUB_CONTINUE && g->levels <= 1;

	if (g->flow != GRUB_BREAK && g->flow != GRUB_CONTINUE)
		return g->flow == GRUB_RUN;
	if (g->levels <= 1)
		g->flow = GRUB_RUN;
	else
		g->levels--;
	return again;
}

static int run_while(struct grub *g, const struct grub_cmd *cmd, struct err *err)
{
	for (;;) {
		int rc = grub_step(g, err);

		if (rc == 0)
			rc = grub_run(g, cmd->cond, err);
		if (rc < 0 || g->flow != GRUB_RUN)
			return rc;
		if ((g->status == 0) == (cmd->kind == GRUB_UNTIL))
			return 0;
		rc = grub_run(g, cmd->body, err);
		if (rc < 0)
			return rc;
		if (!loops_on(g))
			return 0;
	}
}

static int run_for(struct grub *g, const struct grub_cmd *cmd, struct err *err)
{
	struct grub_args values = { .n = 0 };
	int rc = grub_expand(g, cmd->words, &values, err);

	for (size_t i = 0; i < values.n && rc == 0; i++) {
		rc = grub_step(g, err);
		if (rc == 0)
			rc = grub_set(g, cmd->name, values.v[i], err);
		if (rc == 0)
			rc = grub_run(g, cmd->body, err);
		if (rc == 0 && !loops_on(g))
			break;
	}
	return rc;
}

static int run_one(struct grub *g, const struct grub_cmd *cmd, struct err *err)
{
	switch (cmd->kind) {
	case GRUB_COMMAND: return run_simple(g, cmd, err);
	case GRUB_IF: return run_if(g, cmd, err);
	case GRUB_WHILE:
	case GRUB_UNTIL: return run_while(g, cmd, err);
	case GRUB_FOR: return run_for(g, cmd, err);
	case GRUB_FUNCTION: return define_function(g, cmd, err);
	}
	return 0;
}

int grub_run(struct grub *g, const struct grub_cmd *cmds, struct err *err)
{
	int rc = 0;

	for (; cmds && rc == 0 && g->flow == GRUB_RUN; cmds = cmds->next) {
		rc = grub_step(g, err);
		if (rc == 0)
			rc = run_one(g, cmds, err);
	}
	return rc;
}

int grub_run_text(struct grub *g, const char *text, const char *name, struct err *err)
{
	struct grub_parser parser = GRUB_PARSER_INIT(&g->menu->arena, text);
	int rc = grub_enter(g, err);

	if (rc < 0)
		return rc;
	while (g->flow == GRUB_RUN) {
		struct grub_cmd *cmd = NULL;

		rc = grub_parse(&parser, &cmd, err);
		if (rc == 0)
			break;
		if (rc == -EINVAL && ++g->nr_errors <= GRUB_ERRORS_MAX) {
			/* GRUB shows the error and goes on behind it. */
			menu_note(g->menu, "%s: %s", name, err->msg);
			g->status = 1;
			continue;
		}
		/* What is not GRUB's language at all is left where it stands. */
		if (rc == -EINVAL)
			rc = 0;
		if (rc == 0)
			break;
		if (rc == 1)
			rc = grub_run(g, cmd, err);
		if (rc < 0)
			break;
	}
	g->depth--;
	return rc < 0 ? rc : 0;
}

int grub_run_file(struct grub *g, unsigned int dev, const char *path, struct err *err)
{
	struct err ignored = ERR_INIT;
	char *text;
	int rc = conf_text(g->menu, dev, path, &text, &ignored);

	if (rc == -ENOMEM)
		return conf_nomem(err);
	if (rc < 0)
		return 1;
	rc = grub_run_text(g, text, path, err);
	if (g->flow == GRUB_RETURN)
		g->flow = GRUB_RUN;
	return rc < 0 ? rc : g->status;
}

/* What changes nothing here, as far as booting goes, and works in GRUB. */
static bool is_quiet(const char *name)
{
	static const char *const quiet[] = {
		"insmod", "rmmod", "echo", "save_env", "list_env", "terminal_input",
		"terminal_output", "terminal", "terminfo", "serial", "loadfont", "background_image",
		"background_color", "gfxpayload", "play", "sleep", "true", ":", "clear", "gettext",
		"devicetree", "clear_menu", "nativedisk", "lsmod", "ls", "cat", "keymap", "pager",
		"outb", "usb", "videoinfo", "cpuid", "drivemap", "parttool", "acpi", "fwsetup",
		"efi-watchdog", "fix_video", "rdmsr", "verify_detached", "trust", "color",
		"hiddenentry", "fakebios", "loadbios", "smbios", "read", "net_dhcp", "net_bootp",
	};

	for (size_t i = 0; i < ARRAY_SIZE(quiet); i++) {
		if (strcmp(quiet[i], name) == 0)
			return true;
	}
	return false;
}

static int cmd_quiet(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		     struct err *err)
{
	(void)g;
	(void)args;
	(void)cmd;
	(void)err;
	return 0;
}

grub_command_fn grub_command_find(const char *name)
{
	static const struct grub_command *const tables[] = {
		grub_core_commands, grub_env_commands, grub_test_commands, grub_search_commands,
		grub_load_commands, grub_menu_commands,
	};

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		for (const struct grub_command *c = tables[i]; c->name; c++) {
			if (strcmp(c->name, name) == 0)
				return c->run;
		}
	}
	return is_quiet(name) ? cmd_quiet : NULL;
}
