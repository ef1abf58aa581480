/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the menu asks for line by line: an entry's kernel, ramdisks and arguments; passwords. */
#ifndef BOOTLOADER_MENU_EDIT_H
#define BOOTLOADER_MENU_EDIT_H

#include "menu.h"

/* Who has shown a password; one is enough for as long as the menu is up. */
struct menu_user {
	const struct boot_user *user;	/* NULL: nobody */
};

/*
 * May entry be booted (-1: may entries be edited)? Asks for name and password where the
 * user so far may not. 1: yes, 0: no, negative: what io->key says.
 */
int menu_login(const struct boot_menu *menu, const struct menu_io *io, int entry,
	       struct menu_user *user);

/* 1: *target is to be booted as it is now, 0: given up; -ENOMEM, or what io->key says. */
int menu_edit(struct boot_menu *menu, const struct menu_io *io, struct boot_target *target,
	      bool *edited);

#endif
