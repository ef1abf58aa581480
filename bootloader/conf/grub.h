/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of the GRUB 2 evaluator. Functions return 0 or a command's status (1:
 * false), or a negative errno when the whole run has to end: out of steps or memory.
 */
#ifndef BOOTLOADER_CONF_GRUB_H
#define BOOTLOADER_CONF_GRUB_H

#include "conf.h"
#include "grub_script.h"

enum {
	GRUB_STEPS_MAX = 1000000,	/* over the whole menu */
	GRUB_CALLS_MAX = 40,	/* functions, source, eval and configfile within each other */
	GRUB_SUBMENUS_MAX = 8,	/* within each other */
	GRUB_VARS_MAX = 2048,	/* in one context */
	GRUB_ARGS_MAX = 2048,	/* of one command */
	GRUB_VALUE_MAX = 64 * 1024,	/* bytes of one word */
	GRUB_ERRORS_MAX = 64,	/* syntax errors until the rest of a file is left */
	GRUB_FUNCTIONS_MAX = 256,
};

struct grub_var {
	struct grub_var *next;
	const char *name, *value;
	bool exported;
};

/* A context: submenus and configfile see only what their surroundings exported. */
struct grub_env {
	struct grub_var *buckets[64];
	unsigned int nr;
};

struct grub_function {
	struct grub_function *next;
	const char *name;
	struct grub_cmd *body;
};

struct grub_args {
	char **v;
	size_t n;
};

/* Why no further command runs; loops, functions and files take it back. */
enum grub_flow { GRUB_RUN, GRUB_BREAK, GRUB_CONTINUE, GRUB_RETURN, GRUB_STOP };

/* What linux, initrd, multiboot and the like have loaded so far. */
struct grub_loaded {
	bool kernel, hypervisor, module, chained;
	struct boot_target target;
};

struct grub {
	struct boot_menu *menu;
	struct grub_env *env;
	struct grub_function *functions;
	unsigned int nr_functions, nr_errors;
	unsigned int steps, depth, submenu_depth;
	unsigned int levels;	/* of loops that break and continue still have to leave */
	enum grub_flow flow;
	int status;		/* $? */
	struct grub_args params;	/* $1 ... */
	int parent;		/* the submenu that menuentry adds to */
	unsigned int home;	/* the device of the first file read */
	bool in_entry;		/* an entry's body runs, not the file */
	struct grub_loaded loaded;
};

/* An entry's body; also in boot_entry. */
struct grub_body {
	struct grub_cmd *block;
	struct grub_args params;
	struct grub_env *env;
	const char *spec;	/* a submenu's default, once its body was run */
	struct grub_loaded *direct;	/* no body: what the file itself loaded */
};

/* grub_env.c: variables; NULL when not set. */
const char *grub_get(const struct grub *g, const char *name);
int grub_set(struct grub *g, const char *name, const char *value, struct err *err) must_check;
void grub_unset(struct grub *g, const char *name);
int grub_export(struct grub *g, const char *name, struct err *err) must_check;
/* A copy in the arena: of everything, or of what is exported. */
int grub_env_copy(struct grub *g, const struct grub_env *from, bool all, struct grub_env **out,
		  struct err *err) must_check;
int grub_presets(struct grub *g, struct err *err) must_check;

/* grub_expand.c: words to arguments. */
int grub_expand(struct grub *g, const struct grub_word *words, struct grub_args *out,
		struct err *err) must_check;
int grub_args_add(struct grub *g, struct grub_args *args, char *s, struct err *err) must_check;

/* grub_eval.c */
int grub_run(struct grub *g, const struct grub_cmd *cmds, struct err *err) must_check;
int grub_run_text(struct grub *g, const char *text, const char *name, struct err *err) must_check;
/* -ENOENT and the like are status 1. */
int grub_run_file(struct grub *g, unsigned int dev, const char *path, struct err *err) must_check;
int grub_steps(struct grub *g, unsigned int nr, struct err *err) must_check;
static inline int must_check grub_step(struct grub *g, struct err *err)
{
	return grub_steps(g, 1, err);
}

/* One call deeper, or -ELOOP; the caller takes it back from g->depth. */
int grub_enter(struct grub *g, struct err *err) must_check;

/* grub_path.c: "(hd0,1)/x", "/x" ($root). False: no such device, or no path. */
bool grub_path(struct grub *g, const char *word, unsigned int *dev, const char **path);
/* For what is to be booted: a device that is not there any more is the home device. */
int grub_file(struct grub *g, const char *word, struct boot_file *out, struct err *err) must_check;
/* The device of "(hd0,1)" or "hd0,1". */
unsigned int grub_device(const char *word, const struct grub *g);

typedef int (*grub_command_fn)(struct grub *g, const struct grub_args *args,
			       const struct grub_cmd *cmd, struct err *err);

struct grub_command {
	const char *name;
	grub_command_fn run;
};

/* Each file's commands; NULL-terminated by name. */
extern const struct grub_command grub_core_commands[], grub_env_commands[], grub_load_commands[],
	grub_search_commands[], grub_menu_commands[], grub_test_commands[];
grub_command_fn grub_command_find(const char *name);

/* grub_test.c */
int grub_test(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
	      struct err *err);
/* grub_bls.c */
int grub_blscfg(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		struct err *err);
/* grub_regexp.c */
int grub_regexp(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		struct err *err);
/* grub_load.c: what has been loaded as a target; -ENOEXEC when it is nothing to boot. */
int grub_loaded_target(struct grub *g, struct boot_target *out, struct err *err) must_check;
/* grub.c: the default of the menu that configfile made, which is run; -ENOEXEC. */
int grub_run_default(struct grub *g, struct err *err) must_check;

/* "name=value" in args: the value of "--name=value" or "--name value"; see grub_path.c. */
struct grub_option {
	const char *name;	/* "--id", or "-i" */
	bool has_value;
	bool value_optional;	/* only with '=' */
};

/*
 * Takes options out of args as GRUB does, wherever they stand, up to "--". seen() gets
 * each with its value (or NULL); unknown options are left out. What remains is in rest.
 */
int grub_options(struct grub *g, const struct grub_args *args, const struct grub_option *options,
		 void (*seen)(void *arg, const char *name, char *value), void *arg,
		 struct grub_args *rest, struct err *err) must_check;

#endif
