/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "builder.h"

#include <errno.h>
#include <stdlib.h>
#include <xenctrl.h>
#include <xenguest.h>

#include "base/scope.h"
#include "image.h"
#include "xen/xen.h"

static const struct builder *const builders[] = {
	[BUILDER_PV] = &builder_pv,
};

void builder_free(struct image *image)
{
	int saved = errno;

	if (!image)
		return;
	if (image->dom)
		xc_dom_release(image->dom);
	kernel_close(&image->kernel);
	scoped_bytes(&image->ramdisk);
	free(image);
	errno = saved;
}

static int ramdisk_open(const struct builder_spec *spec, struct bytes *ramdisk, struct err *err)
{
	size_t memory = spec->memory_kb > SIZE_MAX >> 10 ? SIZE_MAX : spec->memory_kb << 10;
	int rc = file_read(spec->ramdisk, memory, ramdisk, err);

	if (rc == -EFBIG)
		return fail(err, EFBIG, "ramdisk '%s' is larger than the domain's memory (%llu MiB)",
			    spec->ramdisk, (unsigned long long)spec->memory_kb >> 10);
	if (rc < 0)
		return fail_in(err, "ramdisk");
	if (ramdisk->len == 0)
		return fail(err, EINVAL, "ramdisk '%s' is empty", spec->ramdisk);
	return 0;
}

int builder_load(struct xen *xen, const struct builder_spec *spec, struct image **out,
		 struct err *err)
{
	scoped(image) struct image *image = calloc(1, sizeof(*image));
	int rc;

	if (!image)
		return fail_nomem(err);
	image->memory_kb = spec->memory_kb;
	rc = kernel_open(spec->kernel, &image->kernel, err);
	if (rc < 0)
		return rc;
	if (spec->ramdisk) {
		rc = ramdisk_open(spec, &image->ramdisk, err);
		if (rc < 0)
			return rc;
	}
	image->builder = builders[spec->type];
	rc = image->builder->load(xen, spec, image, err);
	if (rc < 0)
		return rc;
	*out = take(image);
	return 0;
}

int builder_build(struct xen *xen, struct image *image, uint32_t domid,
		  const struct builder_channel *store, const struct builder_channel *console,
		  struct builder_rings *rings, struct err *err)
{
	struct xc_dom_image *dom = image->dom;

	dom->guest_domid = domid;
	dom->xenstore_domid = store->domid;
	dom->xenstore_evtchn = store->port;
	dom->console_domid = console->domid;
	dom->console_evtchn = console->port;
	return image->builder->build(xen, image, domid, rings, err);
}
