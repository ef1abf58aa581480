/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entries of the Boot Loader Specification (uapi-group.org/specifications): type 1,
 * files /loader/entries/NAME.conf, and type 2, unified kernel images /EFI/Linux/NAME.efi,
 * which have an os-release(5) in them. Used by systemd-boot's menu and GRUB's blscfg.
 */
#ifndef BOOTLOADER_CONF_BLS_H
#define BOOTLOADER_CONF_BLS_H

#include "conf.h"

struct bls_entry {
	unsigned int dev;
	const char *folder;	/* that it is in */
	char *id;		/* the file's name without suffix and counted tries */
	char *file;		/* the file's name */
	char *title, *version, *machine_id, *sort_key;	/* or NULL */
	char *linux_path;	/* "linux", "efi" or "uki"; NULL: none given */
	bool efi;
	char **initrds;
	size_t nr_initrds;
	char *options;		/* all lines, joined; NULL: none given */
	char *users;		/* "grub_users", or NULL */
	bool unrestricted;	/* "grub_arg --unrestricted" */
	bool exhausted;		/* all its tries were counted down: it goes last */
};

struct bls_list {
	struct bls_entry *entries;
	size_t nr;
};

/* Adds the *.conf of a folder, or the *.efi; entries for other architectures are left out. */
int bls_read_entries(struct boot_menu *menu, unsigned int dev, const char *folder,
		     struct bls_list *list, struct err *err) must_check;
int bls_read_images(struct boot_menu *menu, unsigned int dev, const char *folder,
		    struct bls_list *list, struct err *err) must_check;

/* The specification's order; and that of GRUB's blscfg, which looks at file names only. */
void bls_sort(struct bls_list *list);
void bls_sort_names(struct bls_list *list);

/* path, or /boot/path where only that exists and the entries are in /boot themselves. */
char *bls_path(struct boot_menu *menu, unsigned int dev, const char *folder, const char *path);

/*
 * Adds value to b, its $name and ${name} replaced by what variable() adds: those that Red
 * Hat's GRUB knows in entries ($kernelopts), as text, whatever quotes they stand in.
 */
void bls_expand(struct abuf *b, const char *value,
		void (*variable)(void *arg, struct abuf *b, const char *name, size_t len), void *arg);

#endif
