/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GRUB's commands that steer the script itself. */
#include <errno.h>
#include <string.h>

#include "grub.h"
#include "text.h"

static int cmd_false(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		     struct err *err)
{
	(void)g;
	(void)args;
	(void)cmd;
	(void)err;
	return 1;
}

/* break [n] and continue [n] */
static int cmd_leave(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		     struct err *err)
{
	long levels = 1;

	(void)cmd;
	(void)err;
	if (args->n > 1 && (!text_number(args->v[1], 1000, &levels) || !levels))
		return 1;
	g->levels = (unsigned int)levels;
	g->flow = args->v[0][0] == 'b' ? GRUB_BREAK : GRUB_CONTINUE;
	return 0;
}

static int cmd_return(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		      struct err *err)
{
	long status = g->status;

	(void)cmd;
	(void)err;
	if (args->n > 1 && !text_number(args->v[1], 255, &status))
		return 1;
	g->flow = GRUB_RETURN;
	return (int)status;
}

static int cmd_stop(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		    struct err *err)
{
	(void)cmd;
	(void)err;
	/* Without a kernel, boot is an error like any other. */
	if (strcmp(args->v[0], "boot") == 0 && !g->loaded.kernel && !g->loaded.hypervisor)
		return 1;
	g->flow = GRUB_STOP;
	return 0;
}

static int cmd_shift(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		     struct err *err)
{
	long n = 1;

	(void)cmd;
	(void)err;
	if ((args->n > 1 && !text_number(args->v[1], GRUB_ARGS_MAX, &n)) ||
	    (size_t)n > g->params.n)
		return 1;
	g->params.v += n;
	g->params.n -= (size_t)n;
	return 0;
}

static int cmd_setparams(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
			 struct err *err)
{
	(void)cmd;
	(void)err;
	g->params = (struct grub_args){ args->v + 1, args->n - 1 };
	return 0;
}

static int cmd_eval(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		    struct err *err)
{
	struct abuf text = ABUF_INIT(&g->menu->arena, GRUB_VALUE_MAX);
	char *s;
	int rc;

	(void)cmd;
	for (size_t i = 1; i < args->n; i++) {
		if (i > 1)
			abuf_char(&text, ' ');
		abuf_string(&text, args->v[i]);
	}
	s = abuf_text(&text);
	if (!s)
		return 1;
	g->status = 0;
	rc = grub_run_text(g, s, "eval", err);
	return rc < 0 ? rc : g->status;
}

static int cmd_source(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		      struct err *err)
{
	const char *path;
	unsigned int dev;
	int rc;

	(void)cmd;
	if (args->n < 2)
		return 1;
	if (!grub_path(g, args->v[1], &dev, &path))
		return 0;
	/* GRUB says that a file is not there, but not by the status. */
	rc = grub_run_file(g, dev, path, err);
	return rc < 0 ? rc : 0;
}

/* Sets config_file and config_directory as GRUB does when it reads a configuration. */
static int set_config_place(struct grub *g, char *word, struct err *err)
{
	char *folder = path_folder(&g->menu->arena, word);
	int rc = folder ? grub_set(g, "config_file", word, err) : conf_nomem(err);

	return rc < 0 ? rc : grub_set(g, "config_directory", folder, err);
}

/* Where the entries begin that the configfile of a submenu takes the place of. */
static size_t first_child(const struct boot_menu *menu, int parent)
{
	size_t i = menu->nr_entries;

	while (i && menu->entries[i - 1].parent == parent)
		i--;
	return i;
}

/*
 * configfile: another file's menu, in a context of its own. It replaces ours, or the
 * submenu's that is read, when it offers something: what comes after the command runs in
 * GRUB only when that menu is left by hand. In an entry that is booted its default is run.
 */
static int cmd_configfile(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
			  struct err *err)
{
	struct boot_menu *menu = g->menu;
	struct grub_env *outer = g->env;
	struct boot_entry *entries = menu->entries;
	size_t nr = menu->nr_entries, first = 0;
	bool boots = g->in_entry && g->parent < 0, offers;
	const char *path;
	unsigned int dev;
	int rc, status;

	(void)cmd;
	if (args->n < 2)
		return 1;
	if (!grub_path(g, args->v[1], &dev, &path))
		return 0;
	rc = grub_enter(g, err);
	if (rc == 0)
		rc = grub_env_copy(g, outer, false, &g->env, err);
	if (rc == 0)
		rc = set_config_place(g, args->v[1], err);
	if (rc < 0)
		return rc;
	if (g->parent >= 0)
		first = first_child(menu, g->parent);
	else
		menu->entries = NULL;
	menu->nr_entries = first;
	status = grub_run_file(g, dev, path, err);
	if (status < 0)
		return status;
	offers = menu->nr_entries > first;
	if (offers || g->flow == GRUB_STOP || g->loaded.kernel) {
		g->flow = GRUB_STOP;
		rc = boots && offers ? grub_run_default(g, err) : 0;
	}
	if (boots || !offers) {
		menu->entries = entries;
		menu->nr_entries = nr;
		g->env = outer;
	}
	g->depth--;
	return rc;
}

/* What would open further devices; a path on one is not found, and this says why. */
static int cmd_not_read(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
			struct err *err)
{
	(void)cmd;
	(void)err;
	menu_note(g->menu, "%s: %s", args->v[0], args->v[0][0] == 'c' ?
		  "encrypted disks are not read" : "disk images within the disk are not read");
	return 1;
}

const struct grub_command grub_core_commands[] = {
	{ "false", cmd_false }, { "break", cmd_leave }, { "continue", cmd_leave },
	{ "return", cmd_return }, { "exit", cmd_stop }, { "halt", cmd_stop },
	{ "reboot", cmd_stop }, { "boot", cmd_stop }, { "shift", cmd_shift },
	{ "setparams", cmd_setparams }, { "eval", cmd_eval }, { "source", cmd_source },
	{ ".", cmd_source }, { "extract_entries_source", cmd_source },
	{ "configfile", cmd_configfile }, { "normal", cmd_configfile },
	{ "extract_entries_configfile", cmd_configfile }, { "loopback", cmd_not_read },
	{ "cryptomount", cmd_not_read }, { .name = NULL },
};
