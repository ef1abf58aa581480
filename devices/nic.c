/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stddef.h>

#include "config/nic.h"
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
	return nic_to_json(item, out, err);
}

const struct device_kind device_nic = {
	.name = "vif", .what = "vif", .items = offsetof(struct domain_config, nics),
	.nr_items = offsetof(struct domain_config, nr_nics), .item_size = sizeof(struct nic),
	.json_list = "nics", .json_id = "devid", .to_json = to_json,
	.prepare = prepare, .keys = keys,
};
