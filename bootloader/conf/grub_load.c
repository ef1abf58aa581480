/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What GRUB's loader commands name: noted, not loaded. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "grub.h"
#include "text.h"

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* As GRUB hands an argument to Linux: with blanks in quotes, quotes and '\' escaped. */
static void add_argument(struct abuf *b, const char *arg)
{
	bool blanks = strpbrk(arg, " \t\n");

	if (b->len)
		abuf_char(b, ' ');
	if (blanks)
		abuf_char(b, '"');
	for (const char *c = arg; *c; c++) {
		bool hex = c[0] == '\\' && c[1] == 'x' && is_hex(c[2]) && is_hex(c[3]);

		if (strchr("\\'\"", *c) && !hex)
			abuf_char(b, '\\');
		abuf_char(b, *c);
	}
	if (blanks)
		abuf_char(b, '"');
}

/* args from first on as one line. */
static int join(struct grub *g, const struct grub_args *args, size_t first, char **out,
		struct err *err)
{
	struct abuf b = ABUF_INIT(&g->menu->arena, CONF_CMDLINE_MAX);

	for (size_t i = first; i < args->n; i++)
		add_argument(&b, args->v[i]);
	*out = abuf_text(&b);
	if (*out)
		return 0;
	return b.len > CONF_CMDLINE_MAX / 2 ?
		fail(err, E2BIG, "a command line is longer than %d bytes", CONF_CMDLINE_MAX) :
		conf_nomem(err);
}

/* The first argument that is not an option ("--nounzip"); 0: there is none. */
static size_t first_file(const struct grub_args *args)
{
	for (size_t i = 1; i < args->n; i++) {
		if (!str_starts(args->v[i], "--"))
			return i;
	}
	return 0;
}

static int cmd_linux(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		     struct err *err)
{
	struct boot_target t = { .kind = BOOT_LINUX };
	size_t file = first_file(args);
	int rc;

	(void)cmd;
	/* What was loaded before is gone, as in GRUB. */
	g->loaded = (struct grub_loaded){ .kernel = false };
	if (!file)
		return 1;
	rc = grub_file(g, args->v[file], &t.kernel, err);
	if (rc == 0)
		rc = join(g, args, file + 1, &t.cmdline, err);
	if (rc < 0)
		return rc;
	g->loaded.target = t;
	g->loaded.kernel = true;
	return 0;
}

static int add_initrd(struct grub *g, const char *word, struct err *err)
{
	struct boot_file f;
	int rc = grub_file(g, word, &f, err);

	return rc < 0 ? rc : target_add_initrd(g->menu, &g->loaded.target, &f, err);
}

static int cmd_initrd(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		      struct err *err)
{
	int rc = 0;

	(void)cmd;
	if (!g->loaded.kernel)
		return 1;
	/* A second initrd command replaces what the first one loaded. */
	g->loaded.target.nr_initrds = 0;
	g->loaded.target.initrds = NULL;
	for (size_t i = 1; i < args->n && rc == 0; i++) {
		if (str_starts(args->v[i], "newc:"))
			menu_note(g->menu, "initrd %s: left out", args->v[i]);
		else if (!str_starts(args->v[i], "--"))
			rc = add_initrd(g, args->v[i], err);
	}
	return rc;
}

/*
 * Multiboot's first version hands on the arguments without the file's name, where Xen
 * expects one: grub-mkconfig writes the word "placeholder" there.
 */
static size_t skip_placeholder(const struct grub_args *args, size_t i)
{
	return i + (i < args->n && strcmp(args->v[i], "placeholder") == 0);
}

static int cmd_multiboot(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
			 struct err *err)
{
	struct boot_target t = { .kind = BOOT_XEN };
	size_t file = first_file(args);
	int rc;

	(void)cmd;
	g->loaded = (struct grub_loaded){ .kernel = false };
	if (!file)
		return 1;
	rc = grub_file(g, args->v[file], &t.hypervisor, err);
	if (rc == 0)
		rc = join(g, args, skip_placeholder(args, file + 1), &t.hypervisor_args, err);
	if (rc < 0)
		return rc;
	g->loaded.target = t;
	g->loaded.hypervisor = true;
	return 0;
}

/* The first module is the kernel of dom0, the others are its ramdisks. */
static int cmd_module(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		      struct err *err)
{
	struct boot_target *t = &g->loaded.target;
	size_t file = first_file(args);
	int rc;

	(void)cmd;
	g->loaded.module = true;
	if (!g->loaded.hypervisor || !file)
		return 1;
	if (g->loaded.kernel)
		return add_initrd(g, args->v[file], err);
	rc = grub_file(g, args->v[file], &t->kernel, err);
	if (rc == 0)
		rc = join(g, args, skip_placeholder(args, file + 1), &t->cmdline, err);
	g->loaded.kernel = rc == 0;
	return rc;
}

static int cmd_chainloader(struct grub *g, const struct grub_args *args,
			   const struct grub_cmd *cmd, struct err *err)
{
	size_t file = first_file(args);
	size_t len = file ? strlen(args->v[file]) : 0;
	int rc;

	if (len < 4 || strcasecmp(args->v[file] + len - 4, ".efi") != 0) {
		g->loaded = (struct grub_loaded){ .chained = true };
		return 0;
	}
	rc = cmd_linux(g, args, cmd, err);
	g->loaded.target.kind = BOOT_EFI;
	g->loaded.chained = true;
	return rc;
}

int grub_loaded_target(struct grub *g, struct boot_target *out, struct err *err)
{
	const struct grub_loaded *l = &g->loaded;

	if (l->kernel) {
		*out = l->target;
		return 0;
	}
	if (l->hypervisor)
		return fail(err, ENOEXEC, "the entry starts a multiboot kernel without modules");
	if (l->module)
		return fail(err, ENOEXEC, "the entry has modules but no hypervisor to load them");
	if (l->chained)
		return fail(err, ENOEXEC, "the entry starts another boot loader");
	return fail(err, ENOEXEC, "the entry loads no Linux kernel");
}

const struct grub_command grub_load_commands[] = {
	{ "linux", cmd_linux }, { "linux16", cmd_linux }, { "linuxefi", cmd_linux },
	{ "initrd", cmd_initrd }, { "initrd16", cmd_initrd }, { "initrdefi", cmd_initrd },
	{ "multiboot", cmd_multiboot }, { "multiboot2", cmd_multiboot },
	{ "xen_hypervisor", cmd_multiboot }, { "module", cmd_module }, { "module2", cmd_module },
	{ "xen_module", cmd_module }, { "chainloader", cmd_chainloader }, { .name = NULL },
};
