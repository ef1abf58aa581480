/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire.h"

#include <stddef.h>
#include <string.h>

#define ends(text) (memchr(text, '\0', sizeof(text)) != NULL)

static bool device_fits(const struct boot_device_info *d)
{
	return ends(d->name) && ends(d->fs) && ends(d->uuid) && ends(d->label) && ends(d->note) &&
		ends(d->config) && ends(d->language) && ends(d->problem);
}

static bool entry_fits(const struct boot_entry_info *e)
{
	return ends(e->title) && ends(e->id) && ends(e->place) && ends(e->kernel_path) &&
		ends(e->ramdisk_path) && ends(e->cmdline);
}

static bool kernel_fits(const struct boot_kernel_info *k)
{
	return ends(k->wrapping) && ends(k->packing) && ends(k->version) &&
		(k->bits == 0 || k->bits == 32 || k->bits == 64);
}

static bool result_fits(const struct boot_result *r, const struct wire_request *request)
{
	if (r->kernel_size > request->kernel_max || r->ramdisk_size > request->ramdisk_max)
		return false;
	if (request->action == BOOT_LIST ? r->kernel_size || r->ramdisk_size : !r->kernel_size)
		return false;
	return ends(r->language) && ends(r->title) && ends(r->place) && ends(r->kernel_path) &&
		ends(r->ramdisk_path) && ends(r->cmdline) && kernel_fits(&r->kernel);
}

bool wire_check(const struct wire_message *m, size_t len, const struct wire_request *request)
{
	if (len != sizeof(*m))
		return false;
	switch (m->kind) {
	case MESSAGE_DEVICE:
		return device_fits(&m->device);
	case MESSAGE_ENTRY:
		return entry_fits(&m->entry);
	case MESSAGE_NOTE:
		return ends(m->note);
	case MESSAGE_RESULT:
		return result_fits(&m->result, request);
	case MESSAGE_ERROR:
		return ends(m->error.msg) && m->error.code > 0 && m->error.code < 4096;
	case MESSAGE_MENU_UP:
	case MESSAGE_MENU_DOWN:
		return request->terminal && request->action == BOOT_LOAD;
	default:
		return false;
	}
}
