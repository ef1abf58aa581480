/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices in libxl's JSON of a domain. */
#include <jansson.h>

#include "base/json.h"
#include "base/scope.h"
#include "config/disk.h"
#include "kind.h"

bool device_json_keeps(const struct device_kind *kind)
{
	return kind->json_list;
}

/* A disk is told by its vdev in any spelling, other kinds by their number (0 may be left out). */
static bool is_device(const struct device_kind *kind, const json_t *item, uint32_t devid)
{
	const json_t *id;
	uint32_t number;

	if (kind->json_number)
		return kind->json_number(item) == devid;
	id = json_object_get(item, kind->json_id);
	if (json_is_string(id))
		return disk_devnum(json_string_value(id), &number) == 0 && number == devid;
	return json_is_integer(id) && json_integer_value(id) == (json_int_t)devid;
}

static json_t *json_devices(const struct device_kind *kind, const json_t *config)
{
	return kind->json_list ? json_object_get(config, kind->json_list) : NULL;
}

bool device_json_has(const struct device_kind *kind, const json_t *config, uint32_t devid)
{
	const json_t *list = json_devices(kind, config);

	/* All of them are one device. */
	if (kind->joint)
		return json_array_size(list) > 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (is_device(kind, json_array_get(list, i), devid))
			return true;
	}
	return false;
}

bool device_json_remove(const struct device_kind *kind, json_t *config, uint32_t devid)
{
	json_t *list = json_devices(kind, config);
	bool any = false;

	for (size_t i = json_array_size(list); i-- > 0;) {
		if (is_device(kind, json_array_get(list, i), devid))
			any |= json_array_remove(list, i) == 0;
	}
	/* libxl has no empty lists. */
	if (any && json_array_size(list) == 0)
		json_object_del(config, kind->json_list);
	return any;
}

int device_json_add(const struct device_kind *kind, json_t *config, const void *item,
		    uint32_t devid, struct err *err)
{
	scoped(json) json_t *added = NULL;
	json_t *list;
	int rc = kind->to_json(item, &added, err);

	if (rc < 0)
		return rc;
	device_json_remove(kind, config, kind->json_number ? kind->json_number(added) : devid);
	if (!json_is_array(json_devices(kind, config)) &&
	    json_object_set_new(config, kind->json_list, json_array()) < 0)
		return fail_nomem(err);
	list = json_devices(kind, config);
	return json_array_append(list, added) < 0 ? fail_nomem(err) : 0;
}
