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
void qemu_arg_value(struct qemu_args *args, const char *before, const char *value,
		    const char *after)
{
	scoped(strbuf) struct strbuf text = STRBUF_INIT;

	for (const char *p = value; *p; p++)
		strbuf_add(&text, *p == ',' ? ",," : p, *p == ',' ? 2 : 1);
	if (text.failed)
		args->failed = true;
	qemu_arg(args, "%s%s%s", before, text.s ? text.s : "", after);
}

static void monitor_args(struct qemu_args *args, const char *id, const char *path)
{
	qemu_arg(args, "-chardev");
	qemu_arg(args, "socket,id=%s,path=%s,server=on,wait=off", id, path);
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
	size_t len = strlen(listen);
	uint8_t address[16];

	qemu_arg(args, "-vnc");
	if (inet_pton(AF_INET6, listen, address) == 1)
		qemu_arg(args, "[%s]:%d%s%s", listen, vnc->display, password, unused);
	else if (strchr(listen, ':') && listen[len - 1] != ']')
		qemu_arg(args, "%s%s%s", listen, password, unused);
	else
		qemu_arg(args, "%s:%d%s%s", listen, vnc->display, password, unused);
}

static void display_args(struct qemu_args *args, const struct vnc_config *vnc,
			 const struct sdl_config *sdl, const char *keymap)
{
	if (vnc) {
		vnc_args(args, vnc);
	} else {
		qemu_arg(args, "-vnc");
		qemu_arg(args, "none");
	}
	qemu_arg(args, "-display");
	qemu_arg(args, "none");
	if (sdl) {
		qemu_arg(args, "-display");
		qemu_arg(args, "sdl");
	}
	if (keymap) {
		qemu_arg(args, "-k");
		qemu_arg(args, "%s", keymap);
	}
	if (!vnc && !sdl)
		qemu_arg(args, "-nographic");
}

const struct vfb *qemu_vfb(const struct devices *set)
{
	return set->config && set->config->nr_vfbs ? &set->config->vfbs[0] : NULL;
}

static void framebuffer_args(struct qemu_args *args, const struct devices *set)
{
	const struct vfb *vfb = qemu_vfb(set);
	const struct vnc_config *vnc = vfb && vfb->vnc.enable != TRI_FALSE ? &vfb->vnc : NULL;
	const struct sdl_config *sdl = vfb && vfb->sdl.enable == TRI_TRUE ? &vfb->sdl : NULL;

	display_args(args, vnc, sdl, vfb ? vfb->keymap : NULL);
}

static void more_args(struct qemu_args *args, const struct str_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		qemu_arg(args, "%s", list->items[i]);
}

static void machine_args(struct qemu_args *args, const struct domain_config *config)
{
	if (config)
		more_args(args, &config->dm_args);
	qemu_arg(args, "-machine");
	qemu_arg(args, "xenpv");
	if (!config)
		return;
	more_args(args, &config->dm_args_pv);
	qemu_arg(args, "-m");
	qemu_arg(args, "%" PRIu64, (config->max_memkb + 1023) / 1024);
}

void qemu_command(const struct devices *set, const char *program, struct qemu_args *args)
{
	char path[QEMU_PATH_LEN];

	qemu_arg(args, "%s", program);
	/* First, so that whoever looks for its process finds it: qemu.c. */
	qemu_arg(args, "-xen-domid");
	qemu_arg(args, "%u", set->domid);
	qemu_arg(args, "-no-shutdown");
	monitor_args(args, "libxl-cmd", qemu_socket(set->domid, QEMU_QMP, path));
	monitor_args(args, "libxenstat-cmd", qemu_socket(set->domid, QEMU_QMP_STAT, path));
	for (size_t i = 0; i < set->nr; i++) {
		const struct device *dev = &set->items[i];

		if (dev->needs_qemu && dev->kind->qemu_args)
			dev->kind->qemu_args(set, dev, args);
	}
	/* Nothing that it makes of its own, and no config file of its own. */
	qemu_arg(args, "-nodefaults");
	qemu_arg(args, "-no-user-config");
	qemu_arg(args, "-xen-attach");
	qemu_arg(args, "-name");
	qemu_arg_value(args, "", set->name, "");
	framebuffer_args(args, set);
	machine_args(args, set->config);
}
