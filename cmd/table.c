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

/* Why a command of xl's is not here, and what there is instead; doc/xl.md has the same. */
#define LATER "guests are not saved and moved yet"
#define FLASK "Xen's own tools do it where it was built with Flask: flask-getenforce, " \
	"flask-setenforce, flask-loadpolicy"
#define PSR "what Intel's processors share is xl's to divide: it does so for our guests too"
#define USB "USB devices are what an HVM guest's config gives it (usb, usbdevice)"
#define VKB "keyboards are what a config gives (vkb, vfb)"
#define VDISPL "displays are what a config gives (vfb); no backend for others is in Xen or Linux"
#define VSND "no backend for PV sound is in Xen or Linux; an HVM guest has soundhw"
#define VTPM "no TPM for guests yet"
#define NEWER "it belongs to a later Xen than most hosts run"

struct xl_name {
	const char *name;
	const char *why_not;	/* NULL: it is here */
};

/* All of xl 4.17 to 4.22 (xl_cmdtable.c). */
static const struct xl_name xl_names[] = {
	{ "block-attach", NULL }, { "block-detach", NULL }, { "block-list", NULL },
	{ "button-press", NULL }, { "cd-eject", NULL }, { "cd-insert", NULL },
	{ "channel-list", NULL }, { "claims", NULL }, { "config-update", NULL },
	{ "console", NULL }, { "cpupool-cpu-add", NULL }, { "cpupool-cpu-remove", NULL },
	{ "cpupool-create", NULL }, { "cpupool-destroy", NULL }, { "cpupool-list", NULL },
	{ "cpupool-migrate", NULL }, { "cpupool-numa-split", NULL }, { "cpupool-rename", NULL },
	{ "create", NULL }, { "debug-keys", NULL }, { "destroy", NULL },
	{ "devd", NULL },
	{ "dmesg", NULL }, { "domid", NULL }, { "domname", NULL },
	{ "dt-overlay", "it is for Arm, and xlite for x86" }, { "dump-core", NULL },
	{ "getenforce", FLASK }, { "info", NULL }, { "list", NULL }, { "loadpolicy", FLASK },
	{ "mem-max", NULL }, { "mem-set", NULL }, { "migrate", LATER },
	{ "migrate-receive", LATER }, { "network-attach", NULL }, { "network-detach", NULL },
	{ "network-list", NULL }, { "pause", NULL }, { "pci-assignable-add", NULL },
	{ "pci-assignable-list", NULL }, { "pci-assignable-remove", NULL },
	{ "pci-attach", NULL }, { "pci-detach", NULL }, { "pci-list", NULL },
	{ "psr-cat-set", PSR }, { "psr-cat-show", PSR }, { "psr-cmt-attach", PSR },
	{ "psr-cmt-detach", PSR }, { "psr-cmt-show", PSR }, { "psr-hwinfo", PSR },
	{ "psr-mba-set", PSR }, { "psr-mba-show", PSR }, { "qemu-monitor-command", NULL },
	{ "reboot", NULL },
	{ "remus", "no replication; a cluster manager starts guests elsewhere when a host fails" },
	{ "rename", NULL }, { "restore", LATER }, { "resume", LATER }, { "save", LATER },
	{ "sched-credit", NULL }, { "sched-credit2", NULL }, { "sched-rtds", NULL },
	{ "set-parameters", NULL }, { "setenforce", FLASK }, { "sharing", NULL },
	{ "shutdown", NULL }, { "suspend", LATER }, { "sysrq", NULL }, { "top", NULL },
	{ "trigger", NULL }, { "unpause", NULL }, { "uptime", NULL }, { "usb-list", USB },
	{ "usbctrl-attach", USB }, { "usbctrl-detach", USB }, { "usbdev-attach", USB },
	{ "usbdev-detach", USB }, { "vcpu-list", NULL }, { "vcpu-pin", NULL },
	{ "vcpu-set", NULL }, { "vdispl-attach", VDISPL }, { "vdispl-detach", VDISPL },
	{ "vdispl-list", VDISPL }, { "vkb-attach", VKB }, { "vkb-detach", VKB },
	{ "vkb-list", VKB }, { "vm-list", NULL }, { "vncviewer", NULL },
	{ "vsnd-attach", VSND }, { "vsnd-detach", VSND }, { "vsnd-list", VSND },
	{ "vtpm-attach", VTPM }, { "vtpm-detach", VTPM }, { "vtpm-list", VTPM },
	{ "xenstore-quota-get", NEWER }, { "xenstore-quota-set", NEWER },
};

const char *command_xl_name(unsigned int n)
{
	return n < ARRAY_SIZE(xl_names) ? xl_names[n].name : NULL;
}

const char *command_why_not(const char *xl_name)
{
	for (size_t i = 0; i < ARRAY_SIZE(xl_names); i++) {
		if (strcmp(xl_names[i].name, xl_name) == 0)
			return xl_names[i].why_not;
	}
	return NULL;
}

/* The exact name or the only one with this prefix; *nr_prefix says how many had it. */
static const char *xl_find(const char *word, size_t *nr_prefix)
{
	const char *found = NULL;

	*nr_prefix = 0;
	for (size_t i = 0; i < ARRAY_SIZE(xl_names); i++) {
		if (strcmp(xl_names[i].name, word) == 0) {
			*nr_prefix = 1;
			return xl_names[i].name;
		}
		if (str_starts(xl_names[i].name, word)) {
			(*nr_prefix)++;
			found = xl_names[i].name;
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
