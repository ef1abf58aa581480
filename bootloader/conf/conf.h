/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Boot configurations: what a guest's own loader would offer and start. Read from a
 * source (../source.h), by the language whose file is found first; the result is a
 * menu of entries, each of which can be asked for what it boots.
 *
 * Everything here was written by the guest. Strings are any bytes but NUL, and messages
 * quote them as they are: escape both wherever they are printed. Paths and devices are only names
 * to ask the source for. Work and memory are bounded for the whole menu: what takes more is refused.
 *
 * All strings and arrays belong to the menu and live until boot_menu_free().
 */
#ifndef BOOTLOADER_CONF_CONF_H
#define BOOTLOADER_CONF_CONF_H

#include "arena.h"
#include "bootloader/source.h"

enum {
	CONF_FILE_MAX = 1024 * 1024,	/* bytes of one file */
	CONF_MEMORY_MAX = 16 * 1024 * 1024,	/* bytes of one menu, with all it took to read it */
	CONF_ENTRIES_MAX = 1000,
	CONF_NAMES_MAX = 4096,		/* in one folder */
	CONF_CMDLINE_MAX = 16 * 1024,
	CONF_INITRDS_MAX = 64,
	CONF_NOTES_MAX = 16,
};

struct boot_file {
	unsigned int dev;	/* index into the source's devices */
	char *path;		/* absolute on that device */
	char *word;		/* as the configuration has it, variables replaced: "($root)/x" */
};

enum boot_kind {
	BOOT_LINUX,		/* kernel, initrds and cmdline are what to start */
	BOOT_EFI,		/* kernel is an EFI program; a unified kernel image has its own initrd,
				   and its own command line, which cmdline (not empty) replaces */
	BOOT_XEN,		/* starts a hypervisor: kernel and initrds are its modules */
};

struct boot_target {
	enum boot_kind kind;
	struct boot_file kernel;
	struct boot_file *initrds;	/* to be handed over one after the other */
	size_t nr_initrds;
	char *cmdline;		/* words separated by one blank; "" when there are none */
	struct boot_file hypervisor;	/* BOOT_XEN: what is left out, and its arguments */
	char *hypervisor_args;
};

struct boot_entry {
	char *title;
	char *id;		/* or NULL */
	int parent;		/* the submenu that this stands in: an index; -1: the top */
	bool submenu;		/* has entries of its own and boots nothing */
	int stands_for;		/* a submenu: the entry in it that is its default, or -1: the first */
	bool locked;		/* wants a password at the menu: one of the users below, see may. It
				   guards the console: the default entry starts without one */
	char *may;		/* names that may boot it beside the superusers, separated by blanks */
	void *body;		/* of the language that read it */
};

enum boot_secret {
	BOOT_SECRET_PLAIN,
	BOOT_SECRET_CRYPT,	/* $1$ (GRUB legacy's --md5), $5$, $6$ */
	BOOT_SECRET_PBKDF2,	/* grub.pbkdf2.sha512.ROUNDS.SALT.HASH */
};

struct boot_user {
	char *name;		/* "" in languages whose passwords have no user */
	enum boot_secret kind;
	char *secret;
	bool super;		/* may edit, and boot every entry */
	int entry;		/* the password of this entry alone; -1: of all */
};

struct boot_menu {
	const char *language;	/* "grub2", "bls", "syslinux", "grub", "none" */
	unsigned int dev;	/* where it was found */
	char *path;
	struct boot_entry *entries;
	size_t nr_entries;
	int chosen;		/* the default: an entry that is no submenu; -1: there is none */
	int *fallback;		/* to try in this order when that cannot be loaded */
	size_t nr_fallback;
	int timeout_s;		/* -1: wait for ever */
	bool has_timeout;	/* it was given */
	bool one_shot;		/* chosen holds for this boot only (next_entry); nothing is written
				   back, so the guest has to clear it */
	bool edit_locked;	/* editing wants a superuser's password */
	struct boot_user *users;
	size_t nr_users;
	char **notes;		/* what was left out or not understood, for a diagnosis */
	size_t nr_notes;

	const struct source *source;
	struct arena arena;
	int (*target)(struct boot_menu *menu, size_t entry, struct boot_target *out,
		      struct err *err);
	void *state;		/* of the language */
};

/* A menu may be moved (copied, and the original forgotten). */
#define BOOT_MENU_INIT { .chosen = -1, .arena = ARENA_INIT(CONF_MEMORY_MAX) }

void boot_menu_free(struct boot_menu *menu);

static inline void scoped_boot_menu(struct boot_menu *menu)
{
	boot_menu_free(menu);
}

/*
 * Reads dev's boot configuration: menu has to be empty (BOOT_MENU_INIT). -ENOENT when
 * there is none; other errors say what is wrong with the one that was found. A file
 * that offers no entry does not count as one, and is named in the message. -E2BIG: this one
 * takes too much memory or too many steps; -ENOMEM, -ETIME: the whole run has no more.
 */
int conf_read(const struct source *source, unsigned int dev, struct boot_menu *menu,
	      struct err *err) must_check;

/* One file (or folder of BLS entries); language NULL: by its name, and by looks. */
int conf_read_file(const struct source *source, unsigned int dev, const char *path,
		   const char *language, struct boot_menu *menu, struct err *err) must_check;

/*
 * For a device without one: /vmlinuz, /boot/vmlinuz, the newest of /boot, with its initrd,
 * before those that have none. The others stand in for one that is damaged.
 */
int conf_guess(const struct source *source, unsigned int dev, struct boot_menu *menu,
	       struct err *err) must_check;

/*
 * What an entry boots; GRUB scripts run here. Whether the files exist is not looked
 * at. -ENOEXEC when it boots nothing that a guest could (memtest, another loader).
 */
int boot_menu_target(struct boot_menu *menu, size_t entry, struct boot_target *out,
		     struct err *err) must_check;

/*
 * The entry that GRUB's default= would mean: an index, id or title, steps into
 * submenus separated by '>' (">>" is a '>' in a title). A submenu stands for its first
 * entry. -1: there is none.
 */
int boot_menu_find(const struct boot_menu *menu, const char *spec);

/*
 * The same as pygrub has it, which knows no submenus: a number counts what boots something, in
 * boot_menu_next()'s order, and a title is one of any level. What is neither goes by the above.
 */
int boot_menu_find_flat(const struct boot_menu *menu, const char *spec);

/* Each submenu is followed by what is in it; the first after -1. -1: there is no more. */
int boot_menu_next(const struct boot_menu *menu, int entry);

/* "1>0": an entry's place as GRUB counts, in buf. */
const char *boot_menu_place(const struct boot_menu *menu, size_t entry, char *buf, size_t size);

/* True when typed is the password; compares in constant time. Costly for PBKDF2 (bounded). */
bool boot_user_check(const struct boot_user *user, const char *typed);

/*
 * The languages, in the order in which they are looked for. find() reads what it finds
 * in its usual places; -ENOENT when there is nothing.
 */
struct conf_language {
	const char *name;
	const char *const *paths;	/* NULL-terminated; the first that exists is read */
	/* Further places, where names have to be looked for; NULL: none. */
	int (*find)(struct boot_menu *menu, struct err *err);
	int (*read)(struct boot_menu *menu, struct err *err);	/* menu->dev and ->path are set */
};

extern const struct conf_language conf_grub2, conf_bls, conf_syslinux, conf_grub_legacy, conf_lilo;

#endif
