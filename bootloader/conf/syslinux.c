/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SYSLINUX, EXTLINUX and ISOLINUX, with the menu directives of (vesa)menu.c32 and the
 * FDT ones of U-Boot. Files are relative to the folder of the first configuration file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/scope.h"
#include "base/str.h"
#include "text.h"

enum {
	DEPTH_MAX = 16,		/* of includes within includes */
	INCLUDES_MAX = 100,	/* in all */
};

/* A LABEL's body. */
struct label {
	char *kernel;
	bool is_linux;		/* named by LINUX: whatever its name looks like */
	bool other;		/* boots something that no guest kernel is: LOCALBOOT, CONFIG... */
	char *append;		/* NULL: the global one is used */
	char *initrd;		/* INITRD's value, in front of one in append */
};

struct syslinux {
	struct boot_menu *menu;
	char *folder;
	struct label *label;	/* under way; NULL outside */
	int parent;		/* of MENU BEGIN */
	unsigned int depth, includes;
	bool in_text;		/* TEXT HELP */
	bool implicit;
	char *append;		/* the global one */
	char *first, *on_timeout;	/* DEFAULT's and ONTIMEOUT's arguments */
	int menu_default;	/* by MENU DEFAULT; -1 */
};

static struct boot_entry *entry_of(struct syslinux *s)
{
	return &s->menu->entries[s->menu->nr_entries - 1];
}

static char *limit(char *value)
{
	if (strlen(value) > CONF_CMDLINE_MAX)
		value[CONF_CMDLINE_MAX] = '\0';
	return value;
}

static int do_label(struct syslinux *s, char *args, struct err *err)
{
	struct label *label = arena_alloc(&s->menu->arena, sizeof(*label));
	struct boot_entry *e = label ? menu_add(s->menu, s->parent, args) : NULL;

	if (!e)
		return conf_no_entry(s->menu, err);
	e->id = args;
	e->body = s->label = label;
	return 0;
}

static int do_kernel(struct syslinux *s, char *args, struct err *err)
{
	(void)err;
	if (s->label)
		s->label->kernel = args;
	return 0;
}

static int do_linux(struct syslinux *s, char *args, struct err *err)
{
	if (s->label)
		s->label->is_linux = true;
	return do_kernel(s, args, err);
}

static int do_other(struct syslinux *s, char *args, struct err *err)
{
	(void)args;
	(void)err;
	if (s->label)
		s->label->other = true;
	return 0;
}

static int do_append(struct syslinux *s, char *args, struct err *err)
{
	(void)err;
	/* "APPEND -" is the empty one. */
	if (strcmp(args, "-") == 0)
		args[0] = '\0';
	if (s->label)
		s->label->append = limit(args);
	else
		s->append = limit(args);
	return 0;
}

static int do_initrd(struct syslinux *s, char *args, struct err *err)
{
	(void)err;
	if (s->label)
		s->label->initrd = args;
	return 0;
}

static int do_default(struct syslinux *s, char *args, struct err *err)
{
	(void)err;
	s->first = args;
	return 0;
}

static int do_ontimeout(struct syslinux *s, char *args, struct err *err)
{
	(void)err;
	s->on_timeout = args;
	return 0;
}

/* In tenths of a second; 0 is for ever. */
static int do_timeout(struct syslinux *s, char *args, struct err *err)
{
	long n;

	(void)err;
	if (!text_number(args, 1000000, &n))
		return 0;
	s->menu->has_timeout = true;
	s->menu->timeout_s = n ? (int)((n + 9) / 10) : -1;
	return 0;
}

static int do_implicit(struct syslinux *s, char *args, struct err *err)
{
	(void)err;
	s->implicit = strcmp(args, "0") != 0;
	return 0;
}

static int do_allowoptions(struct syslinux *s, char *args, struct err *err)
{
	(void)err;
	if (strcmp(args, "0") == 0)
		s->menu->edit_locked = true;
	return 0;
}

static int do_text(struct syslinux *s, char *args, struct err *err)
{
	(void)err;
	s->in_text = strncasecmp(args, "help", 4) == 0;
	return 0;
}

static int read_file(struct syslinux *s, const char *path, struct err *err);

/* A file that does not exist is passed over, as SYSLINUX does. */
static int do_include(struct syslinux *s, char *args, struct err *err)
{
	char *word = text_word(&args), *path;
	struct err why = ERR_INIT;
	int rc;

	path = word ? path_join(&s->menu->arena, s->folder, word) : NULL;
	if (!path)
		return word ? conf_nomem(err) : 0;
	if (s->depth >= DEPTH_MAX || ++s->includes > INCLUDES_MAX) {
		menu_note(s->menu, "%s: not read, there are too many includes", path);
		return 0;
	}
	s->depth++;
	rc = read_file(s, path, &why);
	s->depth--;
	if (rc == -ENOMEM || rc == -E2BIG)
		return (fail)(err, -rc, "%s", why.msg);
	if (rc < 0)
		menu_note(s->menu, "%s: %s", path, why.msg);
	return 0;
}

/* "^Boot" shows a B that is a hot key. */
static int menu_label(struct syslinux *s, char *args, struct err *err)
{
	char *out = args;

	(void)err;
	for (const char *in = args; *in; in++) {
		if (*in != '^')
			*out++ = *in;
	}
	*out = '\0';
	if (s->label)
		entry_of(s)->title = args;
	return 0;
}

static int menu_default_here(struct syslinux *s, char *args, struct err *err)
{
	(void)args;
	(void)err;
	if (s->label)
		s->menu_default = (int)s->menu->nr_entries - 1;
	return 0;
}

static int menu_begin(struct syslinux *s, char *args, struct err *err)
{
	struct boot_entry *e = menu_add(s->menu, s->parent, args);

	if (!e)
		return conf_no_entry(s->menu, err);
	e->id = *args ? args : NULL;
	e->submenu = true;
	s->parent = (int)s->menu->nr_entries - 1;
	s->label = NULL;
	return 0;
}

static int menu_end(struct syslinux *s, char *args, struct err *err)
{
	(void)args;
	(void)err;
	if (s->parent >= 0)
		s->parent = s->menu->entries[s->parent].parent;
	s->label = NULL;
	return 0;
}

/* Inside MENU BEGIN it names the submenu. */
static int menu_title(struct syslinux *s, char *args, struct err *err)
{
	(void)err;
	if (s->parent >= 0)
		s->menu->entries[s->parent].title = args;
	return 0;
}

static int add_password(struct syslinux *s, char *secret, int entry, struct err *err)
{
	struct boot_user user = {
		.name = arena_string(&s->menu->arena, ""), .secret = secret, .entry = entry,
		.super = entry < 0,
		.kind = secret[0] == '$' ? BOOT_SECRET_CRYPT : BOOT_SECRET_PLAIN,
	};

	return user.name ? menu_add_user(s->menu, &user, err) : conf_nomem(err);
}

static int menu_password(struct syslinux *s, char *args, struct err *err)
{
	if (!s->label)
		return 0;
	entry_of(s)->locked = true;
	/* Without a password of its own, the master's is wanted. */
	return *args ? add_password(s, args, (int)s->menu->nr_entries - 1, err) : 0;
}

/* MENU MASTER PASSWD x */
static int menu_master(struct syslinux *s, char *args, struct err *err)
{
	char *word = text_word(&args);

	if (!word || strcasecmp(word, "passwd") != 0 || !args)
		return 0;
	s->menu->edit_locked = true;
	return add_password(s, text_trim(args), -1, err);
}

typedef int (*directive_fn)(struct syslinux *s, char *args, struct err *err);

struct directive {
	const char *name;
	directive_fn run;
};

static const struct directive menu_directives[] = {
	{ "label", menu_label }, { "default", menu_default_here }, { "begin", menu_begin },
	{ "end", menu_end }, { "title", menu_title }, { "passwd", menu_password },
	{ "master", menu_master }, { "include", do_include },
};

static int run_directive(struct syslinux *s, const struct directive *table, size_t nr, char *line,
			 struct err *err)
{
	char *name = text_trim(line);
	char *args = name + strcspn(name, " \t\v\f");

	if (*args)
		*args++ = '\0';
	for (size_t i = 0; i < nr; i++) {
		if (strcasecmp(table[i].name, name) == 0)
			return table[i].run(s, text_trim(args), err);
	}
	return 0;
}

static int do_menu(struct syslinux *s, char *args, struct err *err)
{
	return run_directive(s, menu_directives, ARRAY_SIZE(menu_directives), args, err);
}

static const struct directive directives[] = {
	{ "label", do_label }, { "kernel", do_kernel }, { "linux", do_linux },
	{ "initrd", do_initrd }, { "append", do_append }, { "default", do_default },
	{ "ontimeout", do_ontimeout }, { "timeout", do_timeout }, { "include", do_include },
	{ "implicit", do_implicit }, { "allowoptions", do_allowoptions }, { "menu", do_menu },
	{ "text", do_text }, { "com32", do_kernel }, { "localboot", do_other },
	{ "config", do_other }, { "boot", do_other }, { "bss", do_other }, { "pxe", do_other },
	{ "fdimage", do_other }, { "comboot", do_other },
};

static int run_line(struct syslinux *s, char *line, struct err *err)
{
	line = text_trim(line);
	if (s->in_text) {
		s->in_text = strncasecmp(line, "endtext", 7) != 0;
		return 0;
	}
	if (*line == '#' || !*line)
		return 0;
	return run_directive(s, directives, ARRAY_SIZE(directives), line, err);
}

static int read_file(struct syslinux *s, const char *path, struct err *err)
{
	char *text, *line;
	int rc = conf_text(s->menu, s->menu->dev, path, &text, err);

	while (rc == 0 && (line = text_line(&text)))
		rc = run_line(s, line, err);
	return rc;
}

/* In the configuration's folder; at the root when only that exists, as pygrub has it. */
static int make_file(struct boot_menu *menu, const char *word, struct boot_file *out,
		     struct err *err)
{
	char *folder = path_folder(&menu->arena, menu->path);
	char *root;

	out->dev = menu->dev;
	out->word = arena_string(&menu->arena, word);
	out->path = folder ? path_join(&menu->arena, folder, word) : NULL;
	root = path_join(&menu->arena, "/", word);
	if (!out->word || !out->path || !root)
		return conf_nomem(err);
	if (!conf_is_file(menu, menu->dev, out->path) && conf_is_file(menu, menu->dev, root))
		out->path = root;
	return 0;
}

static int add_initrds(struct boot_menu *menu, char *list, struct boot_target *t, struct err *err)
{
	char *word;
	int rc = 0;

	while (rc == 0 && (word = strsep(&list, ","))) {
		struct boot_file f;

		word = text_trim(word);
		if (!*word)
			continue;
		rc = make_file(menu, word, &f, err);
		if (rc == 0)
			rc = target_add_initrd(menu, t, &f, err);
	}
	return rc;
}

/* Takes initrd= out of a command line, in place; the last one counts. */
static int take_initrd(struct boot_menu *menu, char *cmdline, char **initrd, struct err *err)
{
	char *in = cmdline, *out = cmdline, *word;

	*initrd = NULL;
	while ((word = text_word(&in))) {
		size_t len = strlen(word);

		if (str_starts(word, "initrd=")) {
			*initrd = arena_string(&menu->arena, word + 7);
			if (!*initrd)
				return conf_nomem(err);
			continue;
		}
		if (out != cmdline)
			*out++ = ' ';
		memmove(out, word, len);
		out += len;
	}
	*out = '\0';
	return 0;
}

static bool ends_in(const char *s, const char *end)
{
	size_t len = strlen(s), n = strlen(end);

	return len >= n && strcasecmp(s + len - n, end) == 0;
}

/* mboot.c32: "xen.gz args --- vmlinuz args --- initrd" */
static int mboot_target(struct boot_menu *menu, char *append, struct boot_target *t,
			struct err *err)
{
	char *part[3] = { append, NULL, NULL };
	char *word;
	int rc;

	t->kind = BOOT_XEN;
	for (int i = 1; i < 3; i++) {
		part[i] = part[i - 1] ? strstr(part[i - 1], "---") : NULL;
		if (part[i]) {
			*part[i] = '\0';
			part[i] += 3;
		}
	}
	word = text_word(&part[0]);
	if (!word || !part[1])
		return fail(err, ENOEXEC, "the entry starts a multiboot kernel without modules");
	rc = make_file(menu, word, &t->hypervisor, err);
	t->hypervisor_args = text_squeeze(part[0] ? part[0] : word + strlen(word));
	word = text_word(&part[1]);
	if (rc == 0 && !word)
		return fail(err, ENOEXEC, "the entry names no kernel");
	if (rc == 0)
		rc = make_file(menu, word, &t->kernel, err);
	t->cmdline = text_squeeze(part[1] ? part[1] : word + strlen(word));
	while (rc == 0 && part[2] && (word = text_word(&part[2]))) {
		struct boot_file f;

		if (strcmp(word, "---") == 0)
			continue;
		rc = make_file(menu, word, &f, err);
		if (rc == 0)
			rc = target_add_initrd(menu, t, &f, err);
	}
	return rc;
}

static int syslinux_target(struct boot_menu *menu, size_t entry, struct boot_target *out,
			   struct err *err)
{
	static const char *const others[] = { ".c32", ".com", ".cbt", ".bin", ".bs", ".bss", ".0",
					      ".img" };
	const struct label *label = menu->entries[entry].body;
	struct syslinux *s = menu->state;
	struct boot_target t = { .kind = BOOT_LINUX };
	char *append, *kernel, *initrd;
	int rc;

	append = arena_string(&menu->arena, label->append ? label->append :
					    s->append ? s->append : "");
	kernel = arena_string(&menu->arena, label->kernel ? label->kernel : "");
	if (!append || !kernel)
		return conf_nomem(err);
	if (label->other || !*kernel)
		return fail(err, ENOEXEC, "the entry boots no kernel of its own");
	if (ends_in(kernel, "mboot.c32"))
		rc = mboot_target(menu, append, &t, err);
	else
		rc = make_file(menu, kernel, &t.kernel, err);
	for (size_t i = 0; i < ARRAY_SIZE(others) && t.kind == BOOT_LINUX; i++) {
		if (!label->is_linux && ends_in(kernel, others[i]))
			return fail(err, ENOEXEC, "the entry boots no Linux kernel");
	}
	if (rc == 0 && t.kind == BOOT_LINUX) {
		t.cmdline = append;
		rc = take_initrd(menu, append, &initrd, err);
		if (label->initrd)
			initrd = arena_string(&menu->arena, label->initrd);
		if (rc == 0 && initrd)
			rc = add_initrds(menu, initrd, &t, err);
	}
	if (rc == 0)
		*out = t;
	return rc;
}

static int find_label(const struct boot_menu *menu, const char *name)
{
	for (size_t i = 0; i < menu->nr_entries; i++) {
		const struct boot_entry *e = &menu->entries[i];

		if (!e->submenu && e->id && strcasecmp(e->id, name) == 0)
			return (int)i;
	}
	return -1;
}

/* "DEFAULT vmlinuz root=/dev/sda1" where no label has that name: a kernel and its options. */
static int add_command(struct syslinux *s, char *kernel, char *options, struct err *err)
{
	int rc = do_label(s, kernel, err);

	if (rc < 0)
		return rc;
	s->label->kernel = kernel;
	s->label->append = options;
	s->menu->chosen = (int)s->menu->nr_entries - 1;
	return 0;
}

/* DEFAULT or ONTIMEOUT: a label (U-Boot takes the whole line, blanks and all), or a kernel. */
static int choose(struct syslinux *s, const char *line, struct err *err)
{
	struct boot_menu *menu = s->menu;
	char *rest = arena_string(&menu->arena, line), *word;
	struct boot_file f;
	struct label *label;
	int rc;

	menu->chosen = find_label(menu, line);
	if (menu->chosen >= 0)
		return 0;
	word = rest ? text_word(&rest) : NULL;
	if (!word)
		return rest ? conf_nomem(err) : 0;
	menu->chosen = find_label(menu, word);
	if (menu->chosen >= 0) {
		/* What stands behind the label is added to its options. */
		label = menu->entries[menu->chosen].body;
		label->append = arena_format(&menu->arena, "%s %s",
					     label->append ? label->append :
					     s->append ? s->append : "", rest ? rest : "");
		return label->append ? 0 : conf_nomem(err);
	}
	rc = make_file(menu, word, &f, err);
	if (rc < 0 || !s->implicit || ends_in(word, ".c32"))
		return rc;
	if (menu->nr_entries && !conf_is_file(menu, f.dev, f.path))
		return 0;
	return add_command(s, word, rest, err);
}

static int set_default(struct syslinux *s, struct err *err)
{
	struct boot_menu *menu = s->menu;
	int rc = 0;

	s->parent = -1;
	/* What is wanted here is what happens when nobody presses a key. */
	if (s->on_timeout)
		rc = choose(s, s->on_timeout, err);
	if (rc == 0 && menu->chosen < 0 && s->first)
		rc = choose(s, s->first, err);
	if (menu->chosen < 0)
		menu->chosen = s->menu_default;
	for (size_t i = 0; menu->chosen < 0 && i < menu->nr_entries; i++)
		menu->chosen = menu_leaf(menu, (int)i);
	return rc;
}

static int syslinux_read(struct boot_menu *menu, struct err *err)
{
	struct syslinux *s = arena_alloc(&menu->arena, sizeof(*s));
	int rc;

	if (!s)
		return conf_nomem(err);
	*s = (struct syslinux){
		.menu = menu, .folder = path_folder(&menu->arena, menu->path), .parent = -1,
		.implicit = true, .menu_default = -1,
	};
	if (!s->folder)
		return conf_nomem(err);
	menu->state = s;
	menu->target = syslinux_target;
	rc = read_file(s, menu->path, err);
	return rc < 0 ? rc : set_default(s, err);
}

static const char *const syslinux_paths[] = {
	"/boot/extlinux/extlinux.conf", "/boot/extlinux.conf", "/extlinux/extlinux.conf",
	"/extlinux.conf", "/boot/syslinux/extlinux.conf", "/boot/syslinux/syslinux.cfg",
	"/syslinux/syslinux.cfg", "/syslinux/extlinux.conf", "/syslinux.cfg",
	"/boot/isolinux/isolinux.cfg", "/isolinux/isolinux.cfg", "/isolinux.cfg",
	"/EFI/syslinux/syslinux.cfg", NULL,
};

const struct conf_language conf_syslinux = {
	.name = "syslinux", .paths = syslinux_paths, .read = syslinux_read,
};
