/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Framebuffers (xen/io/fbif.h): QEMU is the backend and shows the first one over VNC. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/scope.h"
#include "config/devices.h"
#include "kind.h"
#include "qemu.h"

static int prepare(struct devices *set, struct device *dev, unsigned int index, struct err *err)
{
	struct vfb *vfb = dev->item;
	struct qemu_display display = { .vnc = &vfb->vnc, .keymap = vfb->keymap };
	int rc;

	rc = device_backend_domid(set, vfb->backend_domname, vfb->backend_domid,
				  &dev->backend_domid, err);
	if (rc < 0)
		return fail_in(err, "vfb %u", index);
	if (vfb->devid < 0)
		vfb->devid = (int)index;
	dev->devid = (uint32_t)vfb->devid;
	dev->backend_kind = "vfb";
	dev->needs_qemu = dev->backend_domid == 0;
	if (vfb->sdl.enable == TRI_TRUE)
		display.sdl = &vfb->sdl;
	if (vfb->vnc.enable == TRI_FALSE)
		display.vnc = NULL;
	else if (vfb->vnc.listen && vfb->vnc.display && vnc_names_display(vfb->vnc.listen))
		return fail(err, EINVAL, "vfb %u: vncdisplay=%d, but vnclisten '%s' contains a "
			    "display", index, vfb->vnc.display, vfb->vnc.listen);
	rc = qemu_probe(qemu_program(set->config), &display, NULL, err);
	return rc < 0 ? fail_in(err, "vfb %u", index) : 0;
}

static const char *flag(bool on)
{
	return on ? "1" : "0";
}

/* The same words as libxl's defaults, without writing them into the config. */
static void keys(const struct devices *set, const struct device *dev, struct device_keys *keys)
{
	const struct vfb *vfb = dev->item;
	bool vnc = vfb->vnc.enable != TRI_FALSE;
	bool unused = vfb->vnc.findunused == TRI_DEFAULT ? vnc : vfb->vnc.findunused == TRI_TRUE;

	(void)set;
	device_back(keys, "vnc", "%s", flag(vnc));
	if (vfb->vnc.listen || vnc)
		device_back(keys, "vnclisten", "%s", vfb->vnc.listen ? vfb->vnc.listen :
			    "127.0.0.1");
	if (vfb->vnc.passwd)
		device_back(keys, "vncpasswd", "%s", vfb->vnc.passwd);
	device_back(keys, "vncdisplay", "%d", vfb->vnc.display);
	device_back(keys, "vncunused", "%s", flag(unused));
	device_back(keys, "sdl", "%s", flag(vfb->sdl.enable == TRI_TRUE));
	device_back(keys, "opengl", "%s", flag(vfb->sdl.opengl == TRI_TRUE));
	if (vfb->sdl.xauthority)
		device_back(keys, "xauthority", "%s", vfb->sdl.xauthority);
	if (vfb->sdl.display)
		device_back(keys, "display", "%s", vfb->sdl.display);
}

static int to_json(const void *item, json_t **out, struct err *err)
{
	return vfb_to_json(item, out, err);
}

const struct device_kind device_vfb = {
	.name = "vfb", .what = "framebuffer", .items = offsetof(struct domain_config, vfbs),
	.backends = { "vfb" },
	.nr_items = offsetof(struct domain_config, nr_vfbs), .item_size = sizeof(struct vfb),
	.json_list = "vfbs", .json_id = "devid", .guest_adds = 6, .to_json = to_json,
	.prepare = prepare, .keys = keys,
};
