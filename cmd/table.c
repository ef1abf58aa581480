/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which command a word means. People and programs type unique prefixes of xl's
 * names, so a word that picks out one of these keeps its meaning whatever xlite
 * adds, and one that xl finds ambiguous is not given a meaning here.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "command.h"

/* All of xl 4.17 to 4.22 (xl_cmdtable.c). */
static const char *const xl_names[] = {
	"block-attach", "block-detach", "block-list", "button-press", "cd-eject", "cd-insert",
	"channel-list", "claims", "config-update", "console", "cpupool-cpu-add",
	"cpupool-cpu-remove", "cpupool-create", "cpupool-destroy", "cpupool-list",
	"cpupool-migrate", "cpupool-numa-split", "cpupool-rename", "create", "debug-keys",
	"destroy", "devd", "dmesg", "domid", "domname", "dt-overlay", "dump-core", "getenforce",
	"info", "list", "loadpolicy", "mem-max", "mem-set", "migrate", "migrate-receive",
	"network-attach", "network-detach", "network-list", "pause", "pci-assignable-add",
	"pci-assignable-list", "pci-assignable-remove", "pci-attach", "pci-detach", "pci-list",
	"psr-cat-set", "psr-cat-show", "psr-cmt-attach", "psr-cmt-detach", "psr-cmt-show",
	"psr-hwinfo", "psr-mba-set", "psr-mba-show", "qemu-monitor-command", "reboot", "remus",
	"rename", "restore", "resume", "save", "sched-credit", "sched-credit2", "sched-rtds",
	"set-parameters", "setenforce", "sharing", "shutdown", "suspend", "sysrq", "top",
	"trigger", "unpause", "uptime", "usb-list", "usbctrl-attach", "usbctrl-detach",
	"usbdev-attach", "usbdev-detach", "vcpu-list", "vcpu-pin", "vcpu-set", "vdispl-attach",
	"vdispl-detach", "vdispl-list", "vkb-attach", "vkb-detach", "vkb-list", "vm-list",
	"vncviewer", "vsnd-attach", "vsnd-detach", "vsnd-list", "vtpm-attach", "vtpm-detach",
	"vtpm-list", "xenstore-quota-get", "xenstore-quota-set",
};

/* The exact name or the only one with this prefix; *nr_prefix says how many had it. */
static const char *xl_find(const char *word, size_t *nr_prefix)
{
	const char *found = NULL;

	*nr_prefix = 0;
	for (size_t i = 0; i < ARRAY_SIZE(xl_names); i++) {
		if (strcmp(xl_names[i], word) == 0) {
			*nr_prefix = 1;
			return xl_names[i];
		}
		if (str_starts(xl_names[i], word)) {
			(*nr_prefix)++;
			found = xl_names[i];
		}
	}
	return *nr_prefix == 1 ? found : NULL;
}

static const struct command *find_exact(const struct command *const *list, size_t nr,
					const char *name)
{
	for (size_t i = 0; i < nr; i++) {
		if (strcmp(list[i]->name, name) == 0)
			return list[i];
	}
	return NULL;
}

static const struct command *find_prefix(const struct command *const *list, size_t nr,
					 const char *word)
{
	const struct command *found = NULL;

	for (size_t i = 0; i < nr; i++) {
		if (!str_starts(list[i]->name, word))
			continue;
		if (found)
			return NULL;
		found = list[i];
	}
	return found;
}

const struct command *command_find(const struct command *const *list, size_t nr,
				   const char *word, const char **known)
{
	const struct command *exact = find_exact(list, nr, word);
	const char *xl_name;
	size_t nr_prefix;

	*known = NULL;
	if (exact || !*word)
		return exact;
	xl_name = xl_find(word, &nr_prefix);
	if (!nr_prefix)
		return find_prefix(list, nr, word);
	if (!xl_name)
		return NULL;
	exact = find_exact(list, nr, xl_name);
	if (!exact)
		*known = xl_name;
	return exact;
}
