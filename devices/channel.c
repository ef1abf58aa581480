/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Channels: consoles from number 1 on (xen/io/console.h), with a name that the guest reads.
 * xenconsoled serves number 0 alone, so these are QEMU's.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "config/devices.h"
#include "kind.h"
#include "qemu.h"
#include "xen/store.h"

/* xen.git LIBXL_XENCONSOLE_LIMIT: what a console may buffer, bytes. */
#define CONSOLE_LIMIT 1048576

static int prepare(struct devices *set, struct device *dev, unsigned int index, struct err *err)
{
	struct channel *channel = dev->item;
	int rc;

	if (!channel->name)
		return fail(err, EINVAL, "channel %u has no name=", index);
	if (channel->connection == CHANNEL_UNSET)
		return fail(err, EINVAL, "channel '%s' has no connection=, pty or socket",
			    channel->name);
	if (channel->connection == CHANNEL_SOCKET && !channel->path)
		return fail(err, EINVAL, "channel '%s' has connection=socket and no path=",
			    channel->name);
	rc = device_backend_domid(set, channel->backend_domname, channel->backend_domid,
				  &dev->backend_domid, err);
	if (rc < 0)
		return fail_in(err, "channel '%s'", channel->name);
	/*
	 * xl 4.17 numbers them from 0, where the console is, and so loses the first; its list
	 * counts from 1, as this does.
	 */
	channel->devid = (int)index + 1;
	dev->devid = index + 1;
	dev->backend_kind = "console";
	dev->needs_qemu = dev->backend_domid == 0;
	return 0;
}

static void keys(const struct devices *set, const struct device *dev, struct device_keys *keys)
{
	const struct channel *channel = dev->item;
	bool socket = channel->connection == CHANNEL_SOCKET;

	(void)set;
	device_back(keys, "protocol", "vt100");
	device_back(keys, "name", "%s", channel->name);
	device_back(keys, "connection", "%s", socket ? "socket" : "pty");
	if (socket)
		device_back(keys, "path", "%s", channel->path);
	device_front(keys, "protocol", "vt100");
	device_front_ro(keys, "name", "%s", channel->name);
	device_front_ro(keys, "limit", "%d", CONSOLE_LIMIT);
	device_front_ro(keys, "type", "ioemu");
	if (socket)
		device_front_ro(keys, "output", "chardev:libxl-channel%u", dev->devid);
	else
		device_front_ro(keys, "output", "pty");
	/* QEMU writes the name of a pty here. */
	device_front_ro(keys, "tty", "%s", "");
}

/* A pty is made by the console's backend itself, when it reads "output". */
static void qemu_args(const struct devices *set, const struct device *dev, struct qemu_args *args)
{
	const struct channel *channel = dev->item;
	char before[64];

	(void)set;
	if (channel->connection != CHANNEL_SOCKET)
		return;
	snprintf(before, sizeof(before), "socket,id=libxl-channel%u,path=", dev->devid);
	qemu_arg(args, "-chardev");
	qemu_arg_value(args, before, channel->path, ",server=on,wait=off");
}

/* QEMU removes its socket when it ends, but not when it was killed. */
static int disconnect(struct xen *xen, const struct device_entry *entry, struct err *err)
{
	scoped(free) char *path = NULL;
	struct stat st;
	int rc;

	if (entry->backend_domid != 0)
		return 0;
	rc = device_read(xen, entry->copy, "path", &path, err);
	/* A pty has no path. */
	if (rc == 0 && path && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && unlink(path) < 0)
		log_debug("cannot remove '%s': %s", path, strerror(errno));
	return rc;
}

static int to_json(const void *item, json_t **out, struct err *err)
{
	return channel_to_json(item, out, err);
}

const struct device_kind device_channel = {
	.name = "console", .what = "channel", .items = offsetof(struct domain_config, channels),
	.backends = { "console" },
	.nr_items = offsetof(struct domain_config, nr_channels), .item_size = sizeof(struct channel),
	.json_list = "channels", .json_id = "devid", .guest_adds = 2, .to_json = to_json,
	.prepare = prepare, .keys = keys, .qemu_args = qemu_args, .disconnect = disconnect,
};
