/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * GRUB legacy (0.97, with what Debian, Red Hat and Solaris added): menu.lst, and LILO's
 * file, which only says that there is a LILO.
 */
#include <errno.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "text.h"

struct legacy {
	struct boot_menu *menu;
	struct boot_target *t;	/* of the entry under way; NULL before the first title */
	unsigned int root;	/* the device that its paths are on */
	bool xen;		/* it has modules: what kernel named is a hypervisor */
	char *fallback;
	const char *chosen;	/* default's argument */
};

/* "(hd0,0)/x" or "/x" */
static int make_file(struct legacy *l, const char *word, struct boot_file *out, struct err *err)
{
	struct arena *a = &l->menu->arena;
	const char *end = *word == '(' ? strchr(word, ')') : NULL;
	unsigned int dev = l->root;
	char *name;

	if (end) {
		name = arena_copy(a, word + 1, (size_t)(end - word) - 1);
		if (!name)
			return conf_nomem(err);
		dev = source_by_legacy_name(l->menu->source, name);
		end++;
	}
	out->dev = dev == SOURCE_NO_DEVICE ? l->menu->dev : dev;
	out->path = path_join(a, "/", end ? end : word);
	out->word = arena_string(a, word);
	return out->path && out->word ? 0 : conf_nomem(err);
}

static char *first_file(char **args)
{
	char *word;

	/* "--type=linux", "--no-mem-option" */
	do {
		word = text_word(args);
	} while (word && str_starts(word, "--"));
	return word;
}

static int set_args(struct legacy *l, const char *rest, char **out, struct err *err)
{
	if (rest && strlen(rest) > CONF_CMDLINE_MAX)
		return fail(err, E2BIG, "a command line is longer than %d bytes", CONF_CMDLINE_MAX);
	*out = arena_string(&l->menu->arena, rest ? rest : "");
	if (!*out)
		return conf_nomem(err);
	text_squeeze(*out);
	return 0;
}

static int do_kernel(struct legacy *l, char *args, struct err *err)
{
	char *word = first_file(&args);
	int rc;

	if (!l->t || !word)
		return 0;
	*l->t = (struct boot_target){ .kind = BOOT_LINUX };
	l->xen = false;
	rc = make_file(l, word, &l->t->kernel, err);
	return rc < 0 ? rc : set_args(l, args, &l->t->cmdline, err);
}

static int do_initrd(struct legacy *l, char *args, struct err *err)
{
	char *word;
	int rc = 0;

	while (l->t && rc == 0 && (word = text_word(&args))) {
		struct boot_file f;

		rc = make_file(l, word, &f, err);
		if (rc == 0)
			rc = target_add_initrd(l->menu, l->t, &f, err);
	}
	return rc;
}

/* The first module is dom0's kernel, and what was taken for the kernel the hypervisor. */
static int do_module(struct legacy *l, char *args, struct err *err)
{
	char *word = first_file(&args);
	int rc;

	if (!l->t || !word || !l->t->kernel.path)
		return 0;
	if (l->xen)
		return do_initrd(l, word, err);
	l->xen = true;
	l->t->kind = BOOT_XEN;
	l->t->hypervisor = l->t->kernel;
	l->t->hypervisor_args = l->t->cmdline;
	l->t->nr_initrds = 0;
	rc = make_file(l, word, &l->t->kernel, err);
	return rc < 0 ? rc : set_args(l, args, &l->t->cmdline, err);
}

static int do_title(struct legacy *l, char *args, struct err *err)
{
	struct boot_target *t = arena_alloc(&l->menu->arena, sizeof(*t));
	struct boot_entry *e = t ? menu_add(l->menu, -1, args) : NULL;

	if (!e)
		return conf_no_entry(l->menu, err);
	e->body = l->t = t;
	l->root = l->menu->dev;
	l->xen = false;
	return 0;
}

static int do_root(struct legacy *l, char *args, struct err *err)
{
	char *word = text_word(&args), *end = word ? strchr(word, ')') : NULL;
	unsigned int dev;

	(void)err;
	if (!end || *word != '(')
		return 0;
	*end = '\0';
	dev = source_by_legacy_name(l->menu->source, word + 1);
	l->root = dev == SOURCE_NO_DEVICE ? l->menu->dev : dev;
	return 0;
}

/* Ubuntu's uuid, also for "root UUID". */
static int do_uuid(struct legacy *l, char *args, struct err *err)
{
	char *word = text_word(&args);
	unsigned int dev = word ? source_by_uuid(l->menu->source, word, l->menu->dev) :
				  SOURCE_NO_DEVICE;

	(void)err;
	if (dev != SOURCE_NO_DEVICE)
		l->root = dev;
	return 0;
}

static int do_default(struct legacy *l, char *args, struct err *err)
{
	char *word = text_word(&args);

	(void)err;
	if (!l->t && word)
		l->chosen = word;
	return 0;
}

static int do_timeout(struct legacy *l, char *args, struct err *err)
{
	char *word = text_word(&args);
	long n;

	(void)err;
	if (!word || !text_number(word, 1000000, &n))
		return 0;
	l->menu->has_timeout = true;
	l->menu->timeout_s = (int)n;
	return 0;
}

static int do_fallback(struct legacy *l, char *args, struct err *err)
{
	(void)err;
	if (!l->t)
		l->fallback = args;
	return 0;
}

/* Before the first title it locks editing and entries with "lock", in one that entry. */
static int do_password(struct legacy *l, char *args, struct err *err)
{
	struct boot_menu *menu = l->menu;
	struct boot_user user = {
		.kind = BOOT_SECRET_PLAIN, .entry = l->t ? (int)menu->nr_entries - 1 : -1,
		.super = !l->t,
	};
	char *word = text_word(&args);

	if (word && (strcmp(word, "--md5") == 0 || strcmp(word, "--encrypted") == 0)) {
		user.kind = BOOT_SECRET_CRYPT;
		word = text_word(&args);
	}
	if (!word)
		return 0;
	user.name = arena_string(&menu->arena, "");
	user.secret = word;
	if (!user.name)
		return conf_nomem(err);
	if (l->t)
		menu->entries[menu->nr_entries - 1].locked = true;
	else
		menu->edit_locked = true;
	return menu_add_user(menu, &user, err);
}

/* GRUB asks only for a password that was set, before the first title. */
static int do_lock(struct legacy *l, char *args, struct err *err)
{
	(void)args;
	(void)err;
	if (l->t && l->menu->edit_locked)
		l->menu->entries[l->menu->nr_entries - 1].locked = true;
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct legacy *l, char *args, struct err *err);
} commands[] = {
	{ "title", do_title }, { "root", do_root }, { "rootnoverify", do_root },
	{ "uuid", do_uuid }, { "kernel", do_kernel }, { "kernel$", do_kernel },
	{ "initrd", do_initrd }, { "module", do_module }, { "module$", do_module },
	{ "modulenounzip", do_module }, { "default", do_default }, { "timeout", do_timeout },
	{ "fallback", do_fallback }, { "password", do_password }, { "lock", do_lock },
};

/* "default=0", "default 0", "title  A b" */
static int run_line(struct legacy *l, char *line, struct err *err)
{
	char *name = text_trim(line);
	char *args = name + strcspn(name, " \t=");

	if (*name == '#' || !*name)
		return 0;
	if (*args) {
		*args++ = '\0';
		args += strspn(args, " \t=");
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcasecmp(commands[i].name, name) == 0)
			return commands[i].run(l, args, err);
	}
	return 0;
}

/* The number in the file "default" beside menu.lst, where savedefault keeps it. */
static const char *saved_default(struct boot_menu *menu)
{
	char *folder = path_folder(&menu->arena, menu->path);
	char *path = folder ? path_join(&menu->arena, folder, "default") : NULL;
	struct err ignored = ERR_INIT;
	char *text = NULL, *line, *word;

	if (!path || conf_text(menu, menu->dev, path, &text, &ignored) < 0)
		return "0";
	line = text_line(&text);
	word = line ? text_word(&line) : NULL;
	return word && str_is_digits(word) ? word : "0";
}

static int set_fallback(struct legacy *l, struct err *err)
{
	struct boot_menu *menu = l->menu;
	char *word;
	long n;

	while (l->fallback && (word = text_word(&l->fallback)) &&
	       menu->nr_fallback < CONF_ENTRIES_MAX) {
		int *more;

		if (!text_number(word, CONF_ENTRIES_MAX, &n) || (size_t)n >= menu->nr_entries)
			continue;
		more = arena_grow(&menu->arena, menu->fallback, menu->nr_fallback, sizeof(*more));
		if (!more)
			return conf_nomem(err);
		menu->fallback = more;
		more[menu->nr_fallback++] = (int)n;
	}
	return 0;
}

static int legacy_read(struct boot_menu *menu, struct err *err)
{
	struct legacy l = { .menu = menu, .root = menu->dev, .chosen = "0" };
	char *text, *line;
	int rc = conf_text(menu, menu->dev, menu->path, &text, err);
	long n = 0;

	while (rc == 0 && (line = text_line(&text)))
		rc = run_line(&l, line, err);
	if (rc < 0)
		return rc;
	if (strcmp(l.chosen, "saved") == 0)
		l.chosen = saved_default(menu);
	if (!text_number(l.chosen, CONF_ENTRIES_MAX, &n) || (size_t)n >= menu->nr_entries) {
		menu_note(menu, "the default '%s' names no entry", l.chosen);
		n = 0;
	}
	menu->chosen = menu->nr_entries ? (int)n : -1;
	menu->target = menu_target_body;
	return set_fallback(&l, err);
}

static const char *const legacy_paths[] = {
	"/boot/grub/menu.lst", "/boot/grub/grub.conf", "/grub/menu.lst", "/grub/grub.conf", NULL,
};

const struct conf_language conf_grub_legacy = {
	.name = "grub", .paths = legacy_paths, .read = legacy_read,
};

static int lilo_read(struct boot_menu *menu, struct err *err)
{
	(void)menu;
	return fail(err, ENOTSUP, "LILO boots from a list of disk blocks, which is not read: "
				  "use kernel= and ramdisk=, or another loader in the guest");
}

static const char *const lilo_paths[] = { "/etc/lilo.conf", NULL };

const struct conf_language conf_lilo = {
	.name = "lilo", .paths = lilo_paths, .read = lilo_read,
};
