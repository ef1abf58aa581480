/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "menu_edit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "term.h"

/* One of the words of list, which blanks separate. */
static bool in_words(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (len && *list) {
		size_t n = strcspn(list, " \t,;|&");

		if (n == len && memcmp(list, word, len) == 0)
			return true;
		list += n + !!list[n];
	}
	return false;
}

static bool may(const struct boot_menu *menu, const struct boot_user *user, int entry)
{
	if (user->super && user->entry < 0)
		return true;
	if (entry < 0)
		return false;
	if (user->entry >= 0)
		return user->entry == entry;
	return menu->entries[entry].may && in_words(menu->entries[entry].may, user->name);
}

static bool has_names(const struct boot_menu *menu)
{
	for (size_t i = 0; i < menu->nr_users; i++) {
		if (*menu->users[i].name)
			return true;
	}
	return false;
}

/* False where no password helps. */
static bool anyone_may(const struct boot_menu *menu, int entry)
{
	for (size_t i = 0; i < menu->nr_users; i++) {
		if (may(menu, &menu->users[i], entry))
			return true;
	}
	return false;
}

int menu_login(const struct boot_menu *menu, const struct menu_io *io, int entry,
	       struct menu_user *user)
{
	char name[64] = "", password[256] = "";
	int rc = 1;

	if (user->user && may(menu, user->user, entry))
		return 1;
	if (!anyone_may(menu, entry))
		return 0;
	term_end_line(io);
	if (has_names(menu))
		rc = term_edit(io, "Name: ", name, sizeof(name), false);
	if (rc > 0)
		rc = term_edit(io, "Password: ", password, sizeof(password), true);
	/* A password is looked at only where it could help: checking one is work. */
	for (size_t i = 0; rc > 0 && i < menu->nr_users; i++) {
		const struct boot_user *u = &menu->users[i];

		if (strcmp(u->name, name) != 0 || !may(menu, u, entry) || !boot_user_check(u, password))
			continue;
		user->user = u;
		explicit_bzero(password, sizeof(password));
		return 1;
	}
	explicit_bzero(password, sizeof(password));
	return rc < 0 ? rc : 0;
}

struct editor {
	struct boot_menu *menu;
	const struct menu_io *io;
	struct boot_target *target;
	size_t current, nr;	/* lines: kernel, ramdisks, arguments */
	int drawn;
};

static const char *line_name(const struct editor *e, size_t i)
{
	return i == 0 ? "kernel  " : i + 1 == e->nr ? "args    " : "ramdisk ";
}

static char **line_text(struct editor *e, size_t i)
{
	return i == 0 ? &e->target->kernel.path : i + 1 == e->nr ? &e->target->cmdline :
	       &e->target->initrds[i - 1].path;
}

static void draw(struct editor *e)
{
	size_t first = e->current < TERM_ROWS - 6 ? 0 : e->current - (TERM_ROWS - 7);

	term_up(e->io, e->drawn);
	e->drawn = 2;
	for (size_t i = first; i < e->nr && e->drawn < TERM_ROWS - 4; i++) {
		term_print(e->io, "%s%s", i == e->current ? " > " : "   ", line_name(e, i));
		term_guest_text(e->io, *line_text(e, i), TERM_COLUMNS - 14);
		term_end_line(e->io);
		e->drawn++;
	}
	term_end_line(e->io);
	term_print(e->io, "Up and Down choose a line, Enter edits it, b boots, Escape goes back");
	term_end_line(e->io);
}

/* 0; a file stays as it was when what was typed is no path. */
static int edit_line(struct editor *e, bool *edited)
{
	char **text = line_text(e, e->current);
	char *buf = arena_alloc(&e->menu->arena, CONF_CMDLINE_MAX + 1);
	int rc;

	if (!buf)
		return -ENOMEM;
	snprintf(buf, CONF_CMDLINE_MAX + 1, "%s", *text);
	rc = term_edit(e->io, line_name(e, e->current), buf, CONF_CMDLINE_MAX + 1, false);
	e->drawn = 0;
	if (rc <= 0 || strcmp(buf, *text) == 0)
		return rc < 0 ? rc : 0;
	if (e->current + 1 < e->nr && buf[0] != '/')
		return 0;
	*text = arena_string(&e->menu->arena, buf);
	*edited = true;
	return *text ? 0 : -ENOMEM;
}

static int copy_initrds(struct editor *e)
{
	struct boot_target *t = e->target;
	struct boot_file *copy = arena_alloc_array(&e->menu->arena, t->nr_initrds + 1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (t->nr_initrds)
		memcpy(copy, t->initrds, t->nr_initrds * sizeof(*copy));
	t->initrds = copy;
	return 0;
}

int menu_edit(struct boot_menu *menu, const struct menu_io *io, struct boot_target *target,
	      bool *edited)
{
	struct editor e = { .menu = menu, .io = io, .target = target, .nr = target->nr_initrds + 2 };
	int rc = copy_initrds(&e);

	e.current = e.nr - 1;
	*edited = false;
	term_end_line(io);
	while (rc == 0) {
		int key;

		draw(&e);
		key = term_key(io, -1);
		if (key < 0)
			rc = key;
		else if (key == KEY_UP || key == ('P' & 0x1f))
			e.current -= e.current > 0;
		else if (key == KEY_DOWN || key == ('N' & 0x1f))
			e.current += e.current + 1 < e.nr;
		else if (key == '\r' || key == '\n' || key == 'e')
			rc = edit_line(&e, edited);
		else if (key == 'b' || key == ('X' & 0x1f))
			return 1;
		else if (key == KEY_ESCAPE)
			return 0;
	}
	return rc;
}
