/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The menu: keys up to the first NUL, then a menu.lst. What goes to the terminal is
 * printable, or one of the few sequences of bootloader/menu.h.
 */
#include <errno.h>

#include "bootconf.h"
#include "bootloader/menu.h"

struct keys {
	const uint8_t *p, *end;
	bool escape;
};

static int next_key(void *arg, int timeout_ms)
{
	struct keys *k = arg;

	if (k->p == k->end)
		return -EPIPE;
	if (*k->p == 0xff && timeout_ms >= 0) {
		k->p++;
		return -ETIMEDOUT;
	}
	return *k->p++;
}

static void check_output(void *arg, const char *text, size_t len)
{
	struct keys *k = arg;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		bootconf_require((c >= 0x20 && c < 0x7f) || c == '\r' || c == '\n' || c == 0x1b);
		if (k->escape)
			bootconf_require(c == '[');
		k->escape = c == 0x1b;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, 0, size) : NULL;
	scoped(boot_menu) struct boot_menu menu = BOOT_MENU_INIT;
	scoped(free) char *text = NULL;
	struct keys keys = { .p = data, .end = end };
	struct menu_io io = { next_key, check_output, &keys };
	struct memfile file = { 0, "/menu.lst", NULL, 0 };
	struct memsource mem = { &file, 1 };
	struct source source = { &memsource_ops, &mem, bootconf_devices,
				 ARRAY_SIZE(bootconf_devices) };
	struct menu_choice choice;
	struct err err = ERR_INIT;

	if (!end)
		return 0;
	text = strndup((const char *)end + 1, size - (size_t)(end - data) - 1);
	file.text = text;
	if (!text || conf_read_file(&source, 0, file.path, "grub", &menu, &err) < 0)
		return 0;
	if (menu_run(&menu, &io, &choice, &err) == 0 && choice.by_user)
		bootconf_check_target(&choice.target);
	return 0;
}
