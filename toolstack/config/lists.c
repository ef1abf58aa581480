/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "config/devices.h"
#include "config/disk.h"
#include "config/nic.h"
#include "config/pci.h"
#include "config/platform.h"

/* The element's own functions behind one type: void * for the struct. */
#define ANY_JSON(type, fn)								\
	static void fn##_free_any(void *el) { fn##_free(el); }				\
	static int fn##_to_any(const void *el, json_t **out, struct err *err)		\
	{										\
		return fn##_to_json(el, out, err);					\
	}										\
	static int fn##_from_any(json_t *json, void *out, struct err *err)		\
	{										\
		return fn##_from_json(json, out, err);					\
	}
#define ANY_PARSE(fn)									\
	static int fn##_any(const char *spec, const struct spec_defaults *d, void *out,	\
			    struct err *err)						\
	{										\
		return fn##_parse(spec, d, out, err);					\
	}
#define LIST(name, type, fn, devid_, parse_)						\
	const struct list_kind list_##name = {						\
		#fn, sizeof(struct type), offsetof(struct domain_config, name),		\
		offsetof(struct domain_config, nr_##name), devid_, parse_,		\
		fn##_free_any, fn##_to_any, fn##_from_any,				\
	}
#define DEVICE(name, type, fn, devid_)							\
	ANY_PARSE(fn) ANY_JSON(type, fn) LIST(name, type, fn, devid_, fn##_any)
#define NUMBERED(name, type, fn) DEVICE(name, type, fn, offsetof(struct type, devid))

DEVICE(disks, disk, disk, LIST_NO_DEVID);
NUMBERED(nics, nic, nic);
DEVICE(pcidevs, pci_dev, pci, LIST_NO_DEVID);
NUMBERED(vfbs, vfb, vfb);
NUMBERED(vkbs, vkb, vkb);
NUMBERED(virtios, virtio_dev, virtio);
NUMBERED(vtpms, vtpm, vtpm);
DEVICE(p9s, p9, p9, LIST_NO_DEVID);	/* xl 4.17 forgets the number it gave */
NUMBERED(pvcalls, pvcalls, pvcalls);
NUMBERED(vdispls, vdispl, vdispl);
NUMBERED(channels, channel, channel);
NUMBERED(usbctrls, usbctrl, usbctrl);
DEVICE(usbdevs, usbdev, usbdev, LIST_NO_DEVID);

ANY_JSON(vsnd, vsnd)
LIST(vsnds, vsnd, vsnd, offsetof(struct vsnd, devid), NULL);

static int u64_from_json(json_t *object, const char *name, uint64_t *out, struct err *err)
{
	json_t *json = json_object_get(object, name);

	if (!json)
		return 0;
	if (!json_is_integer(json) || json_integer_value(json) < 0)
		return fail(err, EINVAL, "%s is not a number", name);
	*out = (uint64_t)json_integer_value(json);
	return 0;
}

static int vnuma_node_from_json(json_t *json, struct vnuma_node *out, struct err *err)
{
	json_t *distances = json_object_get(json, "distances");
	json_t *vcpus = json_object_get(json, "vcpus");
	uint64_t pnode = 0;
	int rc = u64_from_json(json, "memkb", &out->mem_kb, err);

	if (rc == 0)
		rc = u64_from_json(json, "pnode", &pnode, err);
	if (rc < 0)
		return rc;
	out->pnode = (uint32_t)pnode;
	for (size_t i = 0; i < json_array_size(vcpus); i++)
		bitmap_set(&out->vcpus, (unsigned int)json_integer_value(json_array_get(vcpus, i)));
	if (json_array_size(distances) == 0)
		return 0;
	out->distances = calloc(json_array_size(distances), sizeof(*out->distances));
	if (!out->distances)
		return fail_nomem(err);
	for (; out->nr_distances < json_array_size(distances); out->nr_distances++)
		out->distances[out->nr_distances] = (uint32_t)
			json_integer_value(json_array_get(distances, out->nr_distances));
	return 0;
}

ANY_JSON(vnuma_node, vnuma_node)
LIST(vnuma, vnuma_node, vnuma_node, LIST_NO_DEVID, NULL);

static int ioport_from_json(json_t *json, struct ioport_range *out, struct err *err)
{
	uint64_t first = 0, number = 0;
	int rc = u64_from_json(json, "first", &first, err);

	if (rc == 0)
		rc = u64_from_json(json, "number", &number, err);
	out->first = (uint32_t)first;
	out->number = (uint32_t)number;
	return rc;
}

static int iomem_from_json(json_t *json, struct iomem_range *out, struct err *err)
{
	int rc = u64_from_json(json, "start", &out->start, err);

	out->gfn = IOMEM_GFN_SAME;
	if (rc == 0)
		rc = u64_from_json(json, "number", &out->number, err);
	return rc < 0 ? rc : u64_from_json(json, "gfn", &out->gfn, err);
}

#define PLAIN(name, type, fn)								\
	static int fn##_any(const char *spec, const struct spec_defaults *d, void *out,	\
			    struct err *err)						\
	{										\
		(void)d;								\
		return fn##_parse(spec, out, err);					\
	}										\
	static int fn##_to_any(const void *el, json_t **out, struct err *err)		\
	{										\
		return fn##_to_json(el, out, err);					\
	}										\
	static int fn##_from_any(json_t *json, void *out, struct err *err)		\
	{										\
		return fn##_from_json(json, out, err);					\
	}										\
	const struct list_kind list_##name = {						\
		#fn, sizeof(type), offsetof(struct domain_config, name),		\
		offsetof(struct domain_config, nr_##name), LIST_NO_DEVID, fn##_any,	\
		NULL, fn##_to_any, fn##_from_any,					\
	}

static int irq_to_json(const uint32_t *irq, json_t **out, struct err *err)
{
	*out = json_integer(*irq);
	return *out ? 0 : fail_nomem(err);
}

static int irq_from_json(json_t *json, uint32_t *out, struct err *err)
{
	if (!json_is_integer(json) || json_integer_value(json) < 0 ||
	    json_integer_value(json) > UINT32_MAX)
		return fail(err, EINVAL, "not an interrupt number");
	*out = (uint32_t)json_integer_value(json);
	return 0;
}

PLAIN(ioports, struct ioport_range, ioport);
PLAIN(iomem, struct iomem_range, iomem);
PLAIN(irqs, uint32_t, irq);

/* llc_colors= items are ranges, which keys.c counts out; in JSON they look like irqs. */
const struct list_kind list_llc_colors = {
	"llc_color", sizeof(uint32_t), offsetof(struct domain_config, llc_colors),
	offsetof(struct domain_config, nr_llc_colors), LIST_NO_DEVID, NULL, NULL, irq_to_any,
	irq_from_any,
};

static int dtdev_any(const char *spec, const struct spec_defaults *d, void *out, struct err *err)
{
	(void)d;
	*(char **)out = strdup(spec);
	return *(char **)out ? 0 : fail_nomem(err);
}

static void dtdev_free_any(void *el)
{
	free(*(char **)el);
}

static int dtdev_to_any(const void *el, json_t **out, struct err *err)
{
	*out = json_object();
	return json_add(*out, "path", json_text(*(char *const *)el), err);
}

static int dtdev_from_any(json_t *json, void *out, struct err *err)
{
	const char *path = json_string_value(json_object_get(json, "path"));

	return path ? dtdev_any(path, NULL, out, err) : fail(err, EINVAL, "path is missing");
}

const struct list_kind list_dtdevs = {
	"dtdev", sizeof(char *), offsetof(struct domain_config, dtdevs),
	offsetof(struct domain_config, nr_dtdevs), LIST_NO_DEVID, dtdev_any, dtdev_free_any,
	dtdev_to_any, dtdev_from_any,
};

static int rdm_to_any(const void *el, json_t **out, struct err *err)
{
	return rdm_to_json(el, out, err);
}

static int rdm_from_any(json_t *json, void *out, struct err *err)
{
	return rdm_from_json(json, out, err);
}

const struct list_kind list_rdms = {
	"rdm", sizeof(struct rdm), offsetof(struct domain_config, rdms),
	offsetof(struct domain_config, nr_rdms), LIST_NO_DEVID, NULL, NULL, rdm_to_any,
	rdm_from_any,
};

/* The array's pointer, by memcpy because its type differs by kind. */
static char *array_get(const struct list_kind *kind, const struct domain_config *config)
{
	char *array;

	memcpy(&array, (const char *)config + kind->array, sizeof(array));
	return array;
}

static void array_set(const struct list_kind *kind, struct domain_config *config, void *array)
{
	memcpy((char *)config + kind->array, &array, sizeof(array));
}

static size_t *count_of(const struct list_kind *kind, struct domain_config *config)
{
	return (size_t *)((char *)config + kind->nr);
}

static int grow(const struct list_kind *kind, struct domain_config *config, struct err *err)
{
	size_t nr = *count_of(kind, config);
	char *more;

	if (nr == LIST_MAX)
		return fail(err, E2BIG, "more than %d of %s", LIST_MAX, kind->what);
	more = reallocarray(array_get(kind, config), nr + 1, kind->size);
	if (!more)
		return fail_nomem(err);
	array_set(kind, config, more);
	memset(more + nr * kind->size, 0, kind->size);
	return 0;
}

void *list_add(const struct list_kind *kind, struct domain_config *config, struct err *err)
{
	if (grow(kind, config, err) < 0)
		return NULL;
	return array_get(kind, config) + (*count_of(kind, config))++ * kind->size;
}

int list_parse(const struct list_kind *kind, struct domain_config *config, const char *spec,
	       const struct spec_defaults *d, struct err *err)
{
	size_t *nr = count_of(kind, config);
	char *el;
	int rc = grow(kind, config, err);

	if (rc < 0)
		return rc;
	/* Only counted once it is whole: a failed parse leaves nothing to free. */
	el = array_get(kind, config) + *nr * kind->size;
	rc = kind->parse(spec, d, el, err);
	if (rc < 0)
		return rc;
	/* A vif may have said its own. */
	if (kind->devid != LIST_NO_DEVID && *(int *)(el + kind->devid) < 0)
		*(int *)(el + kind->devid) = (int)*nr;
	(*nr)++;
	return 0;
}

void list_free(const struct list_kind *kind, struct domain_config *config)
{
	char *array = array_get(kind, config);
	size_t *nr = count_of(kind, config);

	for (size_t i = 0; kind->free && i < *nr; i++)
		kind->free(array + i * kind->size);
	free(array);
	array_set(kind, config, NULL);
	*nr = 0;
}

int list_to_json(const struct list_kind *kind, const struct domain_config *config,
		 json_t **out, struct err *err)
{
	const char *array = array_get(kind, config);
	size_t nr = *(const size_t *)((const char *)config + kind->nr);
	scoped(json) json_t *list = NULL;

	*out = NULL;
	if (nr == 0)
		return 0;
	list = json_array();
	for (size_t i = 0; list && i < nr; i++) {
		json_t *el = NULL;
		int rc = kind->to_json(array + i * kind->size, &el, err);

		if (rc < 0)
			return rc;
		if (json_array_append_new(list, el) < 0)
			return fail_nomem(err);
	}
	*out = take(list);
	return *out ? 0 : fail_nomem(err);
}

int list_from_json(const struct list_kind *kind, struct domain_config *config, json_t *json,
		   struct err *err)
{
	size_t *nr = count_of(kind, config);

	if (!json_is_array(json))
		return fail(err, EINVAL, "not an array");
	for (size_t i = 0; i < json_array_size(json); i++) {
		int rc = grow(kind, config, err);

		if (rc == 0)
			rc = kind->from_json(json_array_get(json, i),
					     array_get(kind, config) + *nr * kind->size, err);
		if (rc < 0)
			return fail_in(err, "%s %zu", kind->what, i);
		(*nr)++;
	}
	return 0;
}
