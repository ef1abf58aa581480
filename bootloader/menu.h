/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The menu of a boot configuration on a terminal: choosing with the arrow keys, a
 * countdown, submenus, editing what an entry boots, passwords. VT100's cursor movements
 * are all it uses of a terminal, and what it writes can be read as plain text too.
 *
 * It runs beside the configuration's reader, in the sandbox: io is all it knows of the
 * world. What the guest wrote is escaped before it goes to the terminal.
 */
#ifndef BOOTLOADER_MENU_H
#define BOOTLOADER_MENU_H

#include "conf/conf.h"

struct menu_io {
	/* The next byte typed; -ETIMEDOUT after timeout_ms (-1: never), -EPIPE when the terminal
	   is gone, other errors end the menu too. */
	int (*key)(void *arg, int timeout_ms);
	/* All of text; what cannot be written is lost. */
	void (*write)(void *arg, const char *text, size_t len);
	void *arg;
};

struct menu_choice {
	size_t entry;
	bool by_user;		/* else the countdown ran out, and target is not filled */
	struct boot_target target;	/* as the entry has it, or as it was edited; in the menu's memory */
	bool edited;
};

/*
 * Shows menu until an entry is chosen, by a key or by the countdown's end. -ECANCELED
 * when the terminal is gone, -ENOMEM; an entry that boots nothing is said to the user who
 * chose it, and the menu stays. Time that passes while it waits for keys is the user's.
 */
int menu_run(struct boot_menu *menu, const struct menu_io *io, struct menu_choice *choice,
	     struct err *err) must_check;

/* For a terminal where nobody may be: the countdown ends, whatever the guest says of it. */
void menu_bound(struct boot_menu *menu);

#endif
