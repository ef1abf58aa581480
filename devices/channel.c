/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stddef.h>

#include "config/devices.h"
#include "kind.h"

static int prepare(struct devices *set, struct device *dev, unsigned int index, struct err *err)
{
	(void)set, (void)dev, (void)index;
	return fail(err, EOPNOTSUPP, "not supported yet");
}

static void keys(const struct devices *set, const struct device *dev, struct device_keys *keys)
{
	(void)set, (void)dev, (void)keys;
}

static int to_json(const void *item, json_t **out, struct err *err)
{
	return channel_to_json(item, out, err);
}

const struct device_kind device_channel = {
	.name = "console", .what = "channel", .items = offsetof(struct domain_config, channels),
	.nr_items = offsetof(struct domain_config, nr_channels), .item_size = sizeof(struct channel),
	.json_list = "channels", .json_id = "devid", .to_json = to_json,
	.prepare = prepare, .keys = keys,
};
