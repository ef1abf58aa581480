/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's command line, as libxl 4.17 builds it (libxl_dm.c), in its order. Pure. One
 * function for each part, so that what an HVM guest has beyond this is one more of them.
 */
#include "qemu.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "config/devices.h"
#include "kind.h"

static bool grow(struct qemu_args *args)
{
	size_t cap = args->cap ? 2 * args->cap : 32;
	char **words = reallocarray(args->words, cap, sizeof(*words));

	if (!words)
		return false;
	args->words = words;
	args->cap = cap;
	return true;
}

void qemu_arg(struct qemu_args *args, const char *fmt, ...)
{
	char *word;
	va_list ap;
	int n;

	if (args->failed || (args->nr + 1 >= args->cap && !grow(args))) {
		args->failed = true;
		return;
	}
	va_start(ap, fmt);
	n = vasprintf(&word, fmt, ap);
	va_end(ap);
	if (n < 0) {
		args->failed = true;
		return;
	}
	args->words[args->nr++] = word;
	args->words[args->nr] = NULL;
}

void scoped_qemu_args(struct qemu_args *args)
{
	for (size_t i = 0; i < args->nr; i++)
		free(args->words[i]);
	free(args->words);
	*args = (struct qemu_args)QEMU_ARGS_INIT;
}

/* In a list of options a comma ends one, two are a comma. */
void qemu_escape(struct strbuf *text, const char *value)
{
	for (const char *p = value; *p; p++)
		strbuf_add(text, *p == ',' ? ",," : p, *p == ',' ? 2 : 1);
}

void qemu_arg_value(struct qemu_args *args, const char *before, const char *value,
		    const char *after)
{
	scoped(strbuf) struct strbuf text = STRBUF_INIT;

	qemu_escape(&text, value);
	if (text.failed)
		args->failed = true;
	qemu_arg(args, "%s%s%s", before, text.s ? text.s : "", after);
}

static void monitor_args(struct qemu_args *args, const char *id, const char *where,
			 const char *value)
{
	qemu_arg(args, "-chardev");
	qemu_arg(args, "socket,id=%s,%s%s,server=on,wait=off", id, where, value);
	qemu_arg(args, "-mon");
	qemu_arg(args, "chardev=%s,mode=control", id);
}

/* Where it listens; QEMU wants "ADDRESS:DISPLAY", with brackets around an IPv6 address. */
static void vnc_args(struct qemu_args *args, const struct vnc_config *vnc)
{
	const char *listen = vnc->listen ? vnc->listen : "127.0.0.1";
	const char *password = vnc->passwd && *vnc->passwd ? ",password=on" : "";
	/* Last of its options; QEMU tries that many ports from the display on. */
	const char *unused = vnc->findunused != TRI_FALSE ? ",to=99" : "";
	uint8_t address[16];

	qemu_arg(args, "-vnc");
	if (inet_pton(AF_INET6, listen, address) == 1)
		qemu_arg(args, "[%s]:%d%s%s", listen, vnc->display, password, unused);
	else if (vnc_names_display(listen))
		qemu_arg(args, "%s%s%s", listen, password, unused);
	else
		qemu_arg(args, "%s:%d%s%s", listen, vnc->display, password, unused);
}

void qemu_display(const struct devices *set, struct qemu_display *display)
{
	const struct domain_config *config = set->config;
	const struct vfb *vfb = config && config->nr_vfbs ? &config->vfbs[0] : NULL;
	struct qemu_display shown = { .vnc = NULL };

	if (config && set->type == DOMAIN_HVM)
		shown = (struct qemu_display){ &config->hvm.vnc, &config->hvm.sdl,
					       config->hvm.keymap };
	else if (vfb)
		shown = (struct qemu_display){ &vfb->vnc, &vfb->sdl, vfb->keymap };
	if (shown.vnc && shown.vnc->enable == TRI_FALSE)
		shown.vnc = NULL;
	if (shown.sdl && shown.sdl->enable != TRI_TRUE)
		shown.sdl = NULL;
	*display = shown;
}

static void display_args(struct qemu_args *args, const struct devices *set)
{
	struct qemu_display display;

	qemu_display(set, &display);
	if (display.vnc) {
		vnc_args(args, display.vnc);
	} else {
		qemu_arg(args, "-vnc");
		qemu_arg(args, "none");
	}
	qemu_arg(args, "-display");
	qemu_arg(args, "none");
	if (display.sdl) {
		qemu_arg(args, "-display");
		qemu_arg(args, "sdl");
	}
	if (display.keymap) {
		qemu_arg(args, "-k");
		qemu_arg(args, "%s", display.keymap);
	}
	if (set->type != DOMAIN_HVM && !display.vnc && !display.sdl)
		qemu_arg(args, "-nographic");
}

static void more_args(struct qemu_args *args, const struct str_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		qemu_arg(args, "%s", list->items[i]);
}

static void jail_args(struct qemu_args *args, uint32_t domid, const struct qemu_jail *jail)
{
	char path[QEMU_PATH_LEN];

	if (!jail || !jail->restricted)
		return;
	qemu_arg(args, "-xen-domid-restrict");
	qemu_arg(args, "-chroot");
	qemu_arg(args, "%s", qemu_root(domid, path));
}

static void machine_args(struct qemu_args *args, const struct devices *set)
{
	const struct domain_config *config = set->config;
	bool hvm = set->type == DOMAIN_HVM;

	if (config)
		more_args(args, &config->dm_args);
	qemu_arg(args, "-machine");
	if (config && hvm)
		qemu_hvm_machine(config, args);
	else
		qemu_arg(args, "xenpv");
	if (!config)
		return;
	more_args(args, hvm ? &config->dm_args_hvm : &config->dm_args_pv);
	qemu_arg(args, "-m");
	qemu_arg(args, "%" PRIu64, (config->max_memkb - (hvm ? config->video_memkb : 0) + 1023) /
		 1024);
}

bool qemu_device_args(const struct devices *set, const struct device_kind *kind,
		      struct qemu_args *args)
{
	bool any = false;

	for (size_t i = 0; i < set->nr; i++) {
		const struct device *dev = &set->items[i];

		if (dev->kind != kind || !kind->qemu_args || !(dev->needs_qemu || dev->emulated))
			continue;
		kind->qemu_args(set, dev, args);
		any |= dev->emulated;
	}
	return any;
}

void qemu_command(const struct devices *set, const char *program, const struct qemu_jail *jail,
		  struct qemu_args *args)
{
	/* A live one's type says what it is, not what it was made from: nothing is known of it. */
	bool hvm = set->config && set->type == DOMAIN_HVM;
	char path[QEMU_PATH_LEN];

	qemu_arg(args, "%s", program);
	/* First, so that whoever looks for its process finds it: qemu.c. */
	qemu_arg(args, "-xen-domid");
	qemu_arg(args, "%u", set->domid);
	qemu_arg(args, "-no-shutdown");
	if (jail && jail->restricted)
		monitor_args(args, "libxl-cmd", "fd=", QEMU_QMP_FD_TEXT);
	else
		monitor_args(args, "libxl-cmd", "path=", qemu_socket(set->domid, QEMU_QMP, path));
	monitor_args(args, "libxenstat-cmd", "path=", qemu_socket(set->domid, QEMU_QMP_STAT, path));
	(void)qemu_device_args(set, &device_channel, args);
	/* Nothing that it makes of its own, and no config file of its own. */
	qemu_arg(args, "-nodefaults");
	qemu_arg(args, "-no-user-config");
	if (!hvm)
		qemu_arg(args, "-xen-attach");
	qemu_arg(args, "-name");
	/* As libxl gives it, but where QEMU would take it for an option. */
	qemu_arg_value(args, strchr(set->name, '=') ? "guest=" : "", set->name, "");
	display_args(args, set);
	if (hvm)
		qemu_hvm_args(set, args);
	jail_args(args, set->domid, jail);
	machine_args(args, set);
	if (hvm)
		qemu_hvm_disk_args(set, args);
	if (jail && *jail->runas) {
		qemu_arg(args, "-runas");
		qemu_arg(args, "%s", jail->runas);
	}
	if (set->model_state) {
		qemu_arg(args, "-incoming");
		qemu_arg(args, "fd:" QEMU_STATE_FD_TEXT);
	}
}
