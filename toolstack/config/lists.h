/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The arrays of struct domain_config (devices, port ranges, ...): one row per
 * kind says where the array is and how an element is read, freed and put into
 * JSON. A new device kind is one row here, one in the key table, one among
 * the JSON fields.
 */
#ifndef CONFIG_LISTS_H
#define CONFIG_LISTS_H

#include "config/spec.h"

#define LIST_MAX 4096

struct list_kind {
	const char *what;		/* one element, for messages */
	size_t size;			/* of an element */
	size_t array, nr;		/* offsets in struct domain_config */
	size_t devid;			/* offset of devid in the element, or LIST_NO_DEVID */
	/* One element from its text; NULL: it is made of several (keys.c). */
	int (*parse)(const char *spec, const struct spec_defaults *d, void *out,
		     struct err *err);
	void (*free)(void *element);	/* NULL: owns nothing */
	int (*to_json)(const void *element, json_t **out, struct err *err);
	int (*from_json)(json_t *json, void *out, struct err *err);
};

#define LIST_NO_DEVID SIZE_MAX

extern const struct list_kind list_disks, list_nics, list_pcidevs, list_rdms, list_vfbs,
	list_vkbs, list_virtios, list_vtpms, list_p9s, list_pvcalls, list_vdispls, list_vsnds,
	list_channels, list_usbctrls, list_usbdevs, list_ioports, list_iomem, list_irqs,
	list_llc_colors, list_dtdevs, list_vnuma;

/* Room for one more, zeroed, which counts from now on; NULL and err: no room. */
void *list_add(const struct list_kind *kind, struct domain_config *config, struct err *err);

/* Parses one element and adds it; its devid, if it has one, is its position. */
int list_parse(const struct list_kind *kind, struct domain_config *config, const char *spec,
	       const struct spec_defaults *d, struct err *err) must_check;

void list_free(const struct list_kind *kind, struct domain_config *config);

/* *out is an array, or NULL for an empty list. */
int list_to_json(const struct list_kind *kind, const struct domain_config *config,
		 json_t **out, struct err *err) must_check;
int list_from_json(const struct list_kind *kind, struct domain_config *config, json_t *json,
		   struct err *err) must_check;

#endif
