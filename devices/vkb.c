/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keyboards and pointers (xen/io/kbdif.h): QEMU's, or a "linux" backend in user space. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/io/kbdif.h>

#include "base/scope.h"
#include "config/devices.h"
#include "kind.h"

/* The one that every HVM guest has, beside its emulated keyboard: no item of a config. */
static const struct vkb standard = VKB_INIT;

static int prepare(struct devices *set, struct device *dev, unsigned int index, struct err *err)
{
	struct vkb *vkb = dev->item;
	int rc;

	if (!vkb) {
		dev->backend_kind = "vkbd";
		dev->needs_qemu = true;
		return 0;
	}
	rc = device_backend_domid(set, vkb->backend_domname, vkb->backend_domid,
				  &dev->backend_domid, err);
	if (rc < 0)
		return fail_in(err, "vkb %u", index);
	if (vkb->devid < 0)
		vkb->devid = (int)index;
	dev->devid = (uint32_t)vkb->devid;
	dev->backend_kind = vkb->backend_type == VKB_BACKEND_LINUX ? "vinput" : "vkbd";
	dev->needs_qemu = vkb->backend_type != VKB_BACKEND_LINUX && dev->backend_domid == 0;
	return 0;
}

static void number(struct device_keys *keys, const char *name, bool wanted, uint32_t value)
{
	if (wanted)
		device_back(keys, name, "%u", value);
}

static void keys(const struct devices *set, const struct device *dev, struct device_keys *keys)
{
	const struct vkb *vkb = dev->item ? dev->item : &standard;

	(void)set;
	if (vkb->unique_id)
		device_back(keys, XENKBD_FIELD_UNIQUE_ID, "%s", vkb->unique_id);
	number(keys, XENKBD_FIELD_FEAT_DSBL_KEYBRD, vkb->disable_keyboard, 1);
	number(keys, XENKBD_FIELD_FEAT_DSBL_POINTER, vkb->disable_pointer, 1);
	number(keys, XENKBD_FIELD_FEAT_ABS_POINTER, vkb->abs_pointer, 1);
	number(keys, XENKBD_FIELD_FEAT_RAW_POINTER, vkb->raw_pointer, 1);
	number(keys, XENKBD_FIELD_FEAT_MTOUCH, vkb->multi_touch, 1);
	number(keys, XENKBD_FIELD_MT_WIDTH, vkb->multi_touch, vkb->touch_width);
	number(keys, XENKBD_FIELD_MT_HEIGHT, vkb->multi_touch, vkb->touch_height);
	number(keys, XENKBD_FIELD_MT_NUM_CONTACTS, vkb->multi_touch, vkb->touch_contacts);
	number(keys, XENKBD_FIELD_WIDTH, vkb->width, vkb->width);
	number(keys, XENKBD_FIELD_HEIGHT, vkb->height, vkb->height);
}

static int to_json(const void *item, json_t **out, struct err *err)
{
	return vkb_to_json(item, out, err);
}

const struct device_kind device_vkb = {
	.name = "vkbd", .what = "keyboard", .items = offsetof(struct domain_config, vkbs),
	.backends = { "vkbd" },
	.nr_items = offsetof(struct domain_config, nr_vkbs), .item_size = sizeof(struct vkb),
	.json_list = "vkbs", .json_id = "devid", .guest_adds = 5, .to_json = to_json,
	.prepare = prepare, .keys = keys,
};
