/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The smaller devices of xl.cfg. All follow one pattern: X_parse() reads one
 * item of the list, X_free() is safe on an empty struct, X_to_json() gives
 * libxl's object. devid is -1 after a parse: where the struct has one, the
 * caller gives it the position in the list, except for p9, whose JSON has none
 * in xl 4.17 (libxl numbers them when it adds them).
 */
#ifndef CONFIG_DEVICES_H
#define CONFIG_DEVICES_H

#include "config/spec.h"

/* For an hvm guest's display as well. */
extern const struct spec_table vnc_table, sdl_table;

struct vfb {
	uint32_t backend_domid;
	char *backend_domname;
	int devid;
	struct vnc_config vnc;
	struct sdl_config sdl;
	char *keymap;
};

enum vkb_backend { VKB_BACKEND_UNSET, VKB_BACKEND_QEMU, VKB_BACKEND_LINUX };

/* VKB_INIT with a devid is also what xl adds beside each vfb. */
struct vkb {
	uint32_t backend_domid;
	char *backend_domname;
	int devid;
	enum vkb_backend backend_type;
	char *unique_id;
	bool disable_keyboard, disable_pointer, abs_pointer, raw_pointer, multi_touch;
	uint32_t width, height, touch_width, touch_height, touch_contacts;
};

enum channel_connection { CHANNEL_UNSET, CHANNEL_PTY, CHANNEL_SOCKET };

struct channel {
	uint32_t backend_domid;
	char *backend_domname;
	int devid;
	char *name;
	enum channel_connection connection;
	char *path;			/* of the socket */
};

enum p9_type { P9_TYPE_UNSET, P9_TYPE_QEMU, P9_TYPE_XEN_9PFSD };

struct p9 {
	uint32_t backend_domid;
	char *backend_domname, *tag, *path, *security_model;
	int devid;
	enum p9_type type;		/* this and what follows: Xen 4.19 and later */
	uint32_t max_space, max_files, max_open_files;
	bool auto_delete;
};

enum usbctrl_type { USBCTRL_AUTO, USBCTRL_PV, USBCTRL_DEVICEMODEL, USBCTRL_QUSB };

struct usbctrl {
	enum usbctrl_type type;
	int devid;
	uint32_t version, ports;	/* 0: the default */
	uint32_t backend_domid;
	char *backend_domname;
};

enum usbdev_type { USBDEV_UNSET, USBDEV_HOSTDEV };

struct usbdev {
	int ctrl;			/* devid of the controller; -1: any */
	uint32_t port;			/* 0: any */
	enum usbdev_type type;
	uint32_t hostbus, hostaddr;
};

struct vtpm {
	uint32_t backend_domid;
	char *backend_domname;
	int devid;
	uint8_t uuid[16];
};

struct pvcalls {
	uint32_t backend_domid;
	char *backend_domname;
	int devid;
};

/* Xen 4.18 and later, Arm. */
enum virtio_transport { VIRTIO_TRANSPORT_UNSET, VIRTIO_TRANSPORT_MMIO };

struct virtio_dev {
	uint32_t backend_domid;
	char *backend_domname, *type;
	enum virtio_transport transport;
	enum tri grant_usage;
	int devid;
	uint32_t irq;
	uint64_t base;
};

struct vdispl_connector {
	char *unique_id;
	uint32_t width, height;
};

struct vdispl {
	uint32_t backend_domid;
	char *backend_domname;
	int devid;
	bool be_alloc;
	struct spec_list connectors;	/* of struct vdispl_connector */
};

struct vsnd_params {
	struct spec_list rates;		/* of uint32_t, Hz */
	struct spec_list formats;	/* of unsigned int, libxl_vsnd_pcm_format */
	uint32_t channels_min, channels_max, buffer_size;
};

struct vsnd_stream {
	char *unique_id;
	unsigned int type;		/* 1 playback, 2 capture */
	struct vsnd_params params;
};

struct vsnd_pcm {
	char *name;
	struct vsnd_params params;
	struct spec_list streams;	/* of struct vsnd_stream */
};

struct vsnd {
	uint32_t backend_domid;
	char *backend_domname;
	int devid;
	char *short_name, *long_name;
	struct vsnd_params params;
	struct spec_list pcms;		/* of struct vsnd_pcm */
};

#define VFB_INIT { .devid = -1 }
#define VKB_INIT { .devid = -1 }
#define CHANNEL_INIT { .devid = -1 }
#define P9_INIT { .devid = -1 }
#define USBCTRL_INIT { .devid = -1 }
#define USBDEV_INIT { .ctrl = -1 }
#define VTPM_INIT { .devid = -1 }
#define PVCALLS_INIT { .devid = -1 }
#define VIRTIO_INIT { .devid = -1 }
#define VDISPL_INIT { .devid = -1 }
#define VSND_INIT { .devid = -1 }

#define DEVICE_FUNCTIONS(kind)								\
	int kind##_parse(const char *spec, const struct spec_defaults *d,		\
			 struct kind *out, struct err *err) must_check;			\
	DEVICE_JSON_FUNCTIONS(kind)
#define DEVICE_JSON_FUNCTIONS(kind)							\
	void kind##_free(struct kind *dev);						\
	int kind##_to_json(const struct kind *dev, json_t **out, struct err *err)	\
		must_check;								\
	int kind##_from_json(json_t *json, struct kind *out, struct err *err) must_check; \
	static inline void scoped_##kind(struct kind *dev)				\
	{										\
		kind##_free(dev);							\
	}

DEVICE_FUNCTIONS(vfb)
DEVICE_FUNCTIONS(vkb)
DEVICE_FUNCTIONS(channel)
DEVICE_FUNCTIONS(p9)
DEVICE_FUNCTIONS(usbctrl)
DEVICE_FUNCTIONS(usbdev)
DEVICE_FUNCTIONS(vtpm)
DEVICE_FUNCTIONS(pvcalls)
DEVICE_FUNCTIONS(vdispl)
DEVICE_JSON_FUNCTIONS(vsnd)

int virtio_parse(const char *spec, const struct spec_defaults *d, struct virtio_dev *out,
		 struct err *err) must_check;
void virtio_free(struct virtio_dev *dev);
int virtio_to_json(const struct virtio_dev *dev, json_t **out, struct err *err) must_check;
int virtio_from_json(json_t *json, struct virtio_dev *out, struct err *err) must_check;

/* One card of vsnd=: its items "card,...", "pcm,...", "stream,..." in order. */
int vsnd_parse(const char *const *items, unsigned int nr, struct vsnd *out,
	       struct err *err) must_check;

#endif
