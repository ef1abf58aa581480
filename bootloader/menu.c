/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "menu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "menu_edit.h"
#include "term.h"

enum {
	SHOWN = TERM_ROWS - 8,	/* entries at a time */
	COUNTDOWN_S = 10,	/* where the configuration names no time */
	ALONE_S = 60,		/* at most, where nobody may be */
};

struct view {
	struct boot_menu *menu;
	const struct menu_io *io;
	int level;		/* the submenu that is shown; -1: the top */
	size_t current;		/* the entry that is marked */
	int left_s;		/* of the countdown; -1: none runs */
	int drawn;		/* lines on the terminal that the next drawing replaces */
	bool second;		/* nothing changed but the countdown */
	const char *message;	/* under the entries: a few words of ours */
	char reason[512];	/* and what the guest's configuration has to do with it */
	struct menu_user user;
};

static bool in_level(const struct view *v, size_t i)
{
	return v->menu->entries[i].parent == v->level;
}

/* The entry of this level before (-1) or behind (1) the marked one, or that itself. */
static size_t neighbour(const struct view *v, int step)
{
	size_t i = v->current;

	while (step > 0 ? i + 1 < v->menu->nr_entries : i > 0) {
		i += (size_t)step;
		if (in_level(v, i))
			return i;
	}
	return v->current;
}

static void mark_first(struct view *v)
{
	for (size_t i = 0; i < v->menu->nr_entries; i++) {
		if (in_level(v, i)) {
			v->current = i;
			return;
		}
	}
}

static void draw_entry(const struct view *v, size_t i)
{
	const struct boot_entry *e = &v->menu->entries[i];

	term_print(v->io, "%s", i == v->current ? " > " : "   ");
	term_guest_text(v->io, e->title, TERM_COLUMNS - 8);
	term_print(v->io, "%s", e->submenu ? " ..." : "");
	term_end_line(v->io);
}

/* The entries around the marked one; their number. */
static int draw_entries(const struct view *v)
{
	size_t before = 0, seen = 0, first;
	int drawn = 0;

	for (size_t i = 0; i < v->current; i++)
		before += in_level(v, i);
	first = before < SHOWN ? 0 : before - SHOWN + 1;
	for (size_t i = 0; i < v->menu->nr_entries && drawn < SHOWN; i++) {
		if (!in_level(v, i) || seen++ < first)
			continue;
		draw_entry(v, i);
		drawn++;
	}
	return drawn;
}

static void draw_status(const struct view *v)
{
	if (v->left_s >= 0) {
		term_print(v->io, "The marked entry boots in %d s", v->left_s);
	} else if (v->message) {
		term_print(v->io, "%s", v->message);
		term_guest_text(v->io, v->reason, TERM_COLUMNS - 1 - (int)strlen(v->message));
	}
	term_end_line(v->io);
}

static void draw(struct view *v)
{
	int lines;

	/* Where sequences do nothing, the rest would come again each second. */
	if (v->second) {
		term_up(v->io, 1);
		draw_status(v);
		return;
	}
	term_up(v->io, v->drawn);
	lines = draw_entries(v);
	term_end_line(v->io);
	term_print(v->io, "Up and Down choose, Enter boots, e edits%s",
		   v->level >= 0 ? ", Escape goes back" : "");
	term_end_line(v->io);
	draw_status(v);
	lines += 3;
	/* What was longer before leaves nothing behind. */
	for (; lines < v->drawn; lines++)
		term_end_line(v->io);
	v->drawn = lines;
}

static void say(struct view *v, const char *message, const struct err *err)
{
	v->left_s = -1;
	v->message = message;
	snprintf(v->reason, sizeof(v->reason), "%s", err ? err->msg : "");
}

/* 1: may; 0: may not, which has been said; negative: the terminal is gone. */
static int log_in(struct view *v, int entry)
{
	const struct boot_user *before = v->user.user;
	int rc = menu_login(v->menu, v->io, entry, &v->user);

	v->left_s = -1;
	if (rc != 1 || v->user.user != before)
		v->drawn = 0;
	if (rc == 0)
		say(v, "No access", NULL);
	return rc;
}

static int may_edit(struct view *v)
{
	return v->menu->edit_locked ? log_in(v, -1) : 1;
}

/* A submenu's lock is one of all that is in it: the menu may have begun there. */
static int may_boot(struct view *v)
{
	int rc = 1;

	for (int i = (int)v->current; i >= 0 && rc > 0; i = v->menu->entries[i].parent) {
		if (v->menu->entries[i].locked)
			rc = log_in(v, i);
	}
	return rc;
}

/* 1: choice is made; 0: the menu goes on. */
static int boot_current(struct view *v, struct menu_choice *choice)
{
	struct err err = ERR_INIT;
	int rc = may_boot(v);

	if (rc <= 0)
		return rc;
	if (v->menu->entries[v->current].submenu) {
		v->level = (int)v->current;
		mark_first(v);
		if (!in_level(v, v->current))
			v->level = v->menu->entries[v->level].parent;
		return 0;
	}
	rc = boot_menu_target(v->menu, v->current, &choice->target, &err);
	if (rc < 0) {
		say(v, "Cannot boot this: ", &err);
		return 0;
	}
	choice->entry = v->current;
	choice->by_user = true;
	return 1;
}

static int edit_current(struct view *v, struct menu_choice *choice)
{
	struct err err = ERR_INIT;
	int rc;

	if (v->menu->entries[v->current].submenu)
		return 0;
	rc = may_edit(v);
	/* To boot a locked entry by way of editing it is no way. */
	if (rc > 0)
		rc = may_boot(v);
	if (rc <= 0)
		return rc;
	rc = boot_menu_target(v->menu, v->current, &choice->target, &err);
	if (rc < 0) {
		say(v, "Cannot edit this: ", &err);
		return 0;
	}
	choice->entry = v->current;
	choice->by_user = true;
	rc = menu_edit(v->menu, v->io, &choice->target, &choice->edited);
	v->drawn = 0;
	return rc;
}

static int press(struct view *v, int key, struct menu_choice *choice)
{
	v->left_s = -1;
	v->message = NULL;
	switch (key) {
	case KEY_UP: case 'P' & 0x1f: case 'k': v->current = neighbour(v, -1); return 0;
	case KEY_DOWN: case 'N' & 0x1f: case 'j': v->current = neighbour(v, 1); return 0;
	case KEY_ESCAPE: case KEY_LEFT:
		if (v->level >= 0) {
			v->current = (size_t)v->level;
			v->level = v->menu->entries[v->level].parent;
		}
		return 0;
	case '\r': case '\n': case KEY_RIGHT: return boot_current(v, choice);
	case 'e': return edit_current(v, choice);
	default: return 0;
	}
}

/* A second went by, or a key was pressed. */
static int step(struct view *v, struct menu_choice *choice)
{
	int key = term_key(v->io, v->left_s > 0 ? 1000 : -1);

	v->second = key == -ETIMEDOUT && v->left_s > 0;
	if (v->second) {
		/* What starts by itself starts whatever is locked: that guards the console. */
		v->left_s--;
		return 0;
	}
	return key < 0 ? key : press(v, key, choice);
}

/* Nobody is there to be told that the entry boots nothing: that is the caller's to find. */
static int countdown_over(struct view *v, struct menu_choice *choice)
{
	if (v->left_s != 0)
		return 0;
	*choice = (struct menu_choice){ .entry = v->current };
	return 1;
}

void menu_bound(struct boot_menu *menu)
{
	if (menu->timeout_s < 0)
		menu->has_timeout = false;
	else if (menu->timeout_s > ALONE_S)
		menu->timeout_s = ALONE_S;
}

int menu_run(struct boot_menu *menu, const struct menu_io *io, struct menu_choice *choice,
	     struct err *err)
{
	struct view v = {
		.menu = menu, .io = io, .current = (size_t)menu->chosen,
		.left_s = menu->has_timeout ? menu->timeout_s : COUNTDOWN_S,
		.level = menu->entries[menu->chosen].parent,
	};
	int rc;

	*choice = (struct menu_choice){ .entry = 0 };
	rc = countdown_over(&v, choice);
	if (rc == 0) {
		term_print(io, "\r\nBoot menu from ");
		term_guest_text(io, menu->path ? menu->path : "", TERM_COLUMNS - 20);
		term_print(io, " (%s)\r\n\r\n", menu->language);
	}
	while (rc == 0) {
		draw(&v);
		rc = step(&v, choice);
		if (rc == 0)
			rc = countdown_over(&v, choice);
	}
	if (rc == -ENOMEM)
		return fail(err, ENOMEM, "the menu needs too much memory");
	return rc < 0 ? fail(err, ECANCELED, "the boot menu's terminal is gone") : 0;
}
