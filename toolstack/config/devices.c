/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/devices.h"

#include <errno.h>
#include <string.h>
#include <xen/io/kbdif.h>

#include "base/scope.h"
#include "base/str.h"

#define OFF(type, member) .offset = offsetof(struct type, member)
#define TABLE(name, type, text)								\
	static const struct spec_table name = {						\
		.what = text, .size = sizeof(struct type), .fields = type##_fields,	\
		.nr_fields = ARRAY_SIZE(type##_fields),					\
	}
#define NAMES(name, list) \
	static const struct spec_names name = { .json = list, .nr = ARRAY_SIZE(list), .nocase = true }

/* The rows that nearly all devices begin with. */
#define BACKEND_ROWS(type)								\
	{ .json = "backend_domid", .kind = SPEC_UINT, OFF(type, backend_domid) },	\
	{ .key = "backend", .json = "backend_domname", .kind = SPEC_STR, OFF(type, backend_domname) }
#define DEVID_ROW(type) { .json = "devid", .kind = SPEC_DEVID, OFF(type, devid) }
#define ROW(type, word, name, what, member) \
	{ .key = word, .json = name, .kind = what, OFF(type, member) }

/* ---- vfb: a display, of its own or an hvm guest's ---- */

static const struct spec_field vnc_config_fields[] = {
	ROW(vnc_config, "vnc", "enable", SPEC_DEFBOOL, enable),
	ROW(vnc_config, "vnclisten", "listen", SPEC_STR, listen),
	ROW(vnc_config, "vncpasswd", "passwd", SPEC_STR, passwd),
	{ .key = "vncdisplay", .json = "display", .kind = SPEC_UINT, OFF(vnc_config, display),
	  .max = 65535 - 5900 },
	ROW(vnc_config, "vncunused", "findunused", SPEC_DEFBOOL, findunused),
};

const struct spec_table vnc_table = {
	.what = "vnc", .size = sizeof(struct vnc_config), .fields = vnc_config_fields,
	.nr_fields = ARRAY_SIZE(vnc_config_fields),
};

static const struct spec_field sdl_config_fields[] = {
	ROW(sdl_config, "sdl", "enable", SPEC_DEFBOOL, enable),
	ROW(sdl_config, "opengl", "opengl", SPEC_DEFBOOL, opengl),
	ROW(sdl_config, "display", "display", SPEC_STR, display),
	ROW(sdl_config, "xauthority", "xauthority", SPEC_STR, xauthority),
};

const struct spec_table sdl_table = {
	.what = "sdl", .size = sizeof(struct sdl_config), .fields = sdl_config_fields,
	.nr_fields = ARRAY_SIZE(sdl_config_fields),
};

/* xend's choice of the display; vnc is what a vfb has anyway. */
static int set_vfb_type(void *obj, const char *value, const struct spec_defaults *d,
			struct err *err)
{
	struct vfb *vfb = obj;

	if (!strcmp(value, "vnc"))
		return 0;
	if (strcmp(value, "sdl"))
		return spec_complain(d, err, "unknown vfb type '%.60s', valid are vnc, sdl", value);
	if (!vfb->vnc.enable)
		vfb->vnc.enable = TRI_FALSE;
	vfb->sdl.enable = TRI_TRUE;
	return 0;
}

static const struct spec_field vfb_fields[] = {
	BACKEND_ROWS(vfb),
	DEVID_ROW(vfb),
	{ .json = "vnc", .kind = SPEC_STRUCT, .sub = &vnc_table, OFF(vfb, vnc) },
	{ .json = "sdl", .kind = SPEC_STRUCT, .sub = &sdl_table, OFF(vfb, sdl) },
	ROW(vfb, "keymap", "keymap", SPEC_STR, keymap),
	{ .key = "type", .kind = SPEC_ALIAS, .set = set_vfb_type },
};

TABLE(vfb_table, vfb, "vfb");

/* xl skips unknown keys in silence; here they are complaints. */
int vfb_parse(const char *spec, const struct spec_defaults *d, struct vfb *out, struct err *err)
{
	scoped(vfb) struct vfb vfb = VFB_INIT;
	int rc;

	rc = spec_parse(&vfb_table, &vfb, spec, SPEC_UNKNOWN_COMPLAIN, d, err);
	if (rc < 0)
		return rc;
	*out = vfb;
	vfb = (struct vfb)VFB_INIT;
	return 0;
}

/* ---- vkb ---- */

static const char *const vkb_backends[] = { NULL, "qemu", "linux" };
NAMES(vkb_backend_names, vkb_backends);

static const struct spec_field vkb_fields[] = {
	BACKEND_ROWS(vkb),
	DEVID_ROW(vkb),
	{ .key = "backend-type", .json = "backend_type", .kind = SPEC_ENUM,
	  .names = &vkb_backend_names, OFF(vkb, backend_type) },
	ROW(vkb, XENKBD_FIELD_UNIQUE_ID, "unique_id", SPEC_STR, unique_id),
	ROW(vkb, XENKBD_FIELD_FEAT_DSBL_KEYBRD, "feature_disable_keyboard", SPEC_BOOL,
	    disable_keyboard),
	ROW(vkb, XENKBD_FIELD_FEAT_DSBL_POINTER, "feature_disable_pointer", SPEC_BOOL,
	    disable_pointer),
	ROW(vkb, XENKBD_FIELD_FEAT_ABS_POINTER, "feature_abs_pointer", SPEC_BOOL, abs_pointer),
	ROW(vkb, XENKBD_FIELD_FEAT_RAW_POINTER, "feature_raw_pointer", SPEC_BOOL, raw_pointer),
	ROW(vkb, XENKBD_FIELD_FEAT_MTOUCH, "feature_multi_touch", SPEC_BOOL, multi_touch),
	ROW(vkb, XENKBD_FIELD_WIDTH, "width", SPEC_UINT, width),
	ROW(vkb, XENKBD_FIELD_HEIGHT, "height", SPEC_UINT, height),
	ROW(vkb, XENKBD_FIELD_MT_WIDTH, "multi_touch_width", SPEC_UINT, touch_width),
	ROW(vkb, XENKBD_FIELD_MT_HEIGHT, "multi_touch_height", SPEC_UINT, touch_height),
	ROW(vkb, XENKBD_FIELD_MT_NUM_CONTACTS, "multi_touch_num_contacts", SPEC_UINT,
	    touch_contacts),
};

TABLE(vkb_table, vkb, "vkb");

int vkb_parse(const char *spec, const struct spec_defaults *d, struct vkb *out, struct err *err)
{
	scoped(vkb) struct vkb vkb = VKB_INIT;
	bool sized;
	int rc;

	rc = spec_parse(&vkb_table, &vkb, spec, SPEC_UNKNOWN_FAIL, d, err);
	if (rc < 0)
		return rc;
	if (!vkb.backend_type)
		return fail(err, EINVAL, "vkb spec '%.200s' has no backend-type=, qemu or linux",
			    spec);
	sized = vkb.touch_width || vkb.touch_height || vkb.touch_contacts;
	if (vkb.multi_touch && !sized)
		return fail(err, EINVAL, "vkb with " XENKBD_FIELD_FEAT_MTOUCH " needs "
			    XENKBD_FIELD_MT_WIDTH ", " XENKBD_FIELD_MT_HEIGHT " and "
			    XENKBD_FIELD_MT_NUM_CONTACTS);
	vkb.multi_touch = sized;
	*out = vkb;
	vkb = (struct vkb)VKB_INIT;
	return 0;
}

/* ---- channel ---- */

static const char *const connections[] = { NULL, "pty", "socket" };
NAMES(connection_names, connections);

static const struct spec_field channel_union_fields[] = {
	{ .key = "path", .json = "path", .kind = SPEC_STR, OFF(channel, path),
	  .when = CHANNEL_SOCKET },
};

static const struct spec_table channel_union = {
	.what = "channel", .size = sizeof(struct channel), .fields = channel_union_fields,
	.nr_fields = ARRAY_SIZE(channel_union_fields),
};

static const struct spec_field channel_fields[] = {
	BACKEND_ROWS(channel),
	DEVID_ROW(channel),
	ROW(channel, "name", "name", SPEC_STR, name),
	{ .key = "connection", .json = "connection", .kind = SPEC_UNION, .sub = &channel_union,
	  .names = &connection_names, OFF(channel, connection) },
};

TABLE(channel_table, channel, "channel");

int channel_parse(const char *spec, const struct spec_defaults *d, struct channel *out,
		  struct err *err)
{
	scoped(channel) struct channel channel = CHANNEL_INIT;
	int rc;

	rc = spec_parse(&channel_table, &channel, spec, SPEC_UNKNOWN_COMPLAIN, d, err);
	if (rc < 0)
		return rc;
	if (!channel.connection)
		return fail(err, EINVAL, "channel spec '%.200s' has no connection=, pty or socket",
			    spec);
	if (channel.connection == CHANNEL_SOCKET && !channel.path)
		return fail(err, EINVAL, "channel spec '%.200s' has connection=socket and no path=",
			    spec);
	*out = channel;
	channel = (struct channel)CHANNEL_INIT;
	return 0;
}

/* ---- p9 ---- */

static const char *const p9_types[] = { NULL, "qemu", "xen_9pfsd" };
NAMES(p9_type_names, p9_types);

static const struct spec_field p9_fields[] = {
	BACKEND_ROWS(p9),
	ROW(p9, "tag", "tag", SPEC_STR, tag),
	ROW(p9, "path", "path", SPEC_STR, path),
	ROW(p9, "security_model", "security_model", SPEC_STR, security_model),
	DEVID_ROW(p9),
	{ .key = "type", .json = "type", .kind = SPEC_ENUM, .names = &p9_type_names,
	  OFF(p9, type) },
	ROW(p9, "max-space", "max_space", SPEC_UINT, max_space),
	ROW(p9, "max-files", "max_files", SPEC_UINT, max_files),
	ROW(p9, "max-open-files", "max_open_files", SPEC_UINT, max_open_files),
	ROW(p9, "auto-delete", "auto_delete", SPEC_BOOL, auto_delete),
};

TABLE(p9_table, p9, "p9");

int p9_parse(const char *spec, const struct spec_defaults *d, struct p9 *out, struct err *err)
{
	scoped(p9) struct p9 p9 = P9_INIT;
	int rc;

	rc = spec_parse(&p9_table, &p9, spec, SPEC_UNKNOWN_FAIL, d, err);
	if (rc < 0)
		return rc;
	/* The daemon of Xen 4.19 has defaults for all but the tag. */
	if (!p9.tag || (p9.type != P9_TYPE_XEN_9PFSD && (!p9.path || !p9.security_model)))
		return fail(err, EINVAL, "p9 spec '%.200s' has no %s=", spec,
			    !p9.tag ? "tag" : !p9.path ? "path" : "security_model");
	*out = p9;
	p9 = (struct p9)P9_INIT;
	return 0;
}

/* ---- usb controllers and devices ---- */

static const char *const usbctrl_types[] = { "auto", "pv", "devicemodel", "qusb" };
NAMES(usbctrl_type_names, usbctrl_types);

static const struct spec_field usbctrl_fields[] = {
	{ .key = "type", .json = "type", .kind = SPEC_ENUM, .names = &usbctrl_type_names,
	  OFF(usbctrl, type) },
	DEVID_ROW(usbctrl),
	{ .key = "version", .json = "version", .kind = SPEC_UINT, OFF(usbctrl, version), .max = 3 },
	{ .key = "ports", .json = "ports", .kind = SPEC_UINT, OFF(usbctrl, ports), .max = 31 },
	{ .json = "backend_domid", .kind = SPEC_UINT, OFF(usbctrl, backend_domid) },
	{ .json = "backend_domname", .kind = SPEC_STR, OFF(usbctrl, backend_domname) },
};

TABLE(usbctrl_table, usbctrl, "usbctrl");

int usbctrl_parse(const char *spec, const struct spec_defaults *d, struct usbctrl *out,
		  struct err *err)
{
	scoped(usbctrl) struct usbctrl usbctrl = USBCTRL_INIT;
	int rc;

	rc = spec_parse(&usbctrl_table, &usbctrl, spec, SPEC_UNKNOWN_FAIL, d, err);
	if (rc < 0)
		return rc;
	*out = usbctrl;
	usbctrl = (struct usbctrl)USBCTRL_INIT;
	return 0;
}

static const char *const usbdev_types[] = { NULL, "hostdev" };
NAMES(usbdev_type_names, usbdev_types);

static const struct spec_field usbdev_union_fields[] = {
	{ .key = "hostbus", .json = "hostbus", .kind = SPEC_UINT, .max = 255,
	  OFF(usbdev, hostbus), .when = USBDEV_HOSTDEV },
	{ .key = "hostaddr", .json = "hostaddr", .kind = SPEC_UINT, .max = 255,
	  OFF(usbdev, hostaddr), .when = USBDEV_HOSTDEV },
};

static const struct spec_table usbdev_union = {
	.what = "usbdev", .size = sizeof(struct usbdev), .fields = usbdev_union_fields,
	.nr_fields = ARRAY_SIZE(usbdev_union_fields),
};

static const struct spec_field usbdev_fields[] = {
	{ .key = "controller", .json = "ctrl", .kind = SPEC_DEVID, OFF(usbdev, ctrl) },
	{ .key = "port", .json = "port", .kind = SPEC_UINT, OFF(usbdev, port), .max = 31 },
	{ .key = "type", .json = "type", .kind = SPEC_UNION, .sub = &usbdev_union,
	  .names = &usbdev_type_names, OFF(usbdev, type) },
};

TABLE(usbdev_table, usbdev, "usbdev");

int usbdev_parse(const char *spec, const struct spec_defaults *d, struct usbdev *out,
		 struct err *err)
{
	scoped(usbdev) struct usbdev usbdev = USBDEV_INIT;
	int rc;

	rc = spec_parse(&usbdev_table, &usbdev, spec, SPEC_UNKNOWN_FAIL, d, err);
	if (rc < 0)
		return rc;
	if (!usbdev.hostbus || !usbdev.hostaddr)
		return fail(err, EINVAL, "usbdev spec '%.200s' has no %s=", spec,
			    usbdev.hostbus ? "hostaddr" : "hostbus");
	/* libxl's default too; without it the JSON of the union has no place for the numbers. */
	usbdev.type = USBDEV_HOSTDEV;
	*out = usbdev;
	usbdev = (struct usbdev)USBDEV_INIT;
	return 0;
}

/* ---- vtpm, pvcalls, virtio ---- */

static const struct spec_field vtpm_fields[] = {
	BACKEND_ROWS(vtpm),
	DEVID_ROW(vtpm),
	ROW(vtpm, "uuid", "uuid", SPEC_UUID, uuid),
};

TABLE(vtpm_table, vtpm, "vtpm");

int vtpm_parse(const char *spec, const struct spec_defaults *d, struct vtpm *out,
	       struct err *err)
{
	scoped(vtpm) struct vtpm vtpm = VTPM_INIT;
	int rc;

	rc = spec_parse(&vtpm_table, &vtpm, spec, SPEC_UNKNOWN_FAIL, d, err);
	if (rc < 0)
		return rc;
	if (!vtpm.backend_domname)
		return fail(err, EINVAL, "vtpm spec '%.200s' has no backend=", spec);
	*out = vtpm;
	vtpm = (struct vtpm)VTPM_INIT;
	return 0;
}

static const struct spec_field pvcalls_fields[] = {
	BACKEND_ROWS(pvcalls),
	DEVID_ROW(pvcalls),
};

TABLE(pvcalls_table, pvcalls, "pvcalls");

int pvcalls_parse(const char *spec, const struct spec_defaults *d, struct pvcalls *out,
		  struct err *err)
{
	scoped(pvcalls) struct pvcalls pvcalls = PVCALLS_INIT;
	int rc;

	rc = spec_parse(&pvcalls_table, &pvcalls, spec, SPEC_UNKNOWN_FAIL, d, err);
	if (rc < 0)
		return rc;
	*out = pvcalls;
	pvcalls = (struct pvcalls)PVCALLS_INIT;
	return 0;
}

static const char *const virtio_transports[] = { NULL, "mmio" };
NAMES(virtio_transport_names, virtio_transports);

static const struct spec_field virtio_dev_fields[] = {
	BACKEND_ROWS(virtio_dev),
	ROW(virtio_dev, "type", "type", SPEC_STR, type),
	{ .key = "transport", .json = "transport", .kind = SPEC_ENUM,
	  .names = &virtio_transport_names, OFF(virtio_dev, transport) },
	ROW(virtio_dev, "grant_usage", "grant_usage", SPEC_DEFBOOL, grant_usage),
	DEVID_ROW(virtio_dev),
	{ .json = "irq", .kind = SPEC_UINT, OFF(virtio_dev, irq) },
	{ .json = "base", .kind = SPEC_U64, OFF(virtio_dev, base) },
};

TABLE(virtio_table, virtio_dev, "virtio");

int virtio_parse(const char *spec, const struct spec_defaults *d, struct virtio_dev *out,
		 struct err *err)
{
	struct virtio_dev virtio = VIRTIO_INIT;
	int rc;

	rc = spec_parse(&virtio_table, &virtio, spec, SPEC_UNKNOWN_FAIL, d, err);
	if (rc < 0) {
		virtio_free(&virtio);
		return rc;
	}
	*out = virtio;
	return 0;
}

/* ---- what is the same for all ---- */

#define FUNCTIONS(name, type)								\
	void name##_free(struct type *dev)						\
	{										\
		spec_free(&name##_table, dev);						\
	}										\
	int name##_to_json(const struct type *dev, json_t **out, struct err *err)	\
	{										\
		return spec_to_json(&name##_table, dev, out, err);			\
	}										\
	int name##_from_json(json_t *json, struct type *out, struct err *err)		\
	{										\
		return spec_from_json(&name##_table, json, out, err);			\
	}

FUNCTIONS(vfb, vfb)
FUNCTIONS(vkb, vkb)
FUNCTIONS(channel, channel)
FUNCTIONS(p9, p9)
FUNCTIONS(usbctrl, usbctrl)
FUNCTIONS(usbdev, usbdev)
FUNCTIONS(vtpm, vtpm)
FUNCTIONS(pvcalls, pvcalls)
FUNCTIONS(virtio, virtio_dev)
