/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "builder.h"

#include <errno.h>
#include <stdlib.h>
#include <xen/elfnote.h>
#include <xenctrl.h>
#include <xenguest.h>

#include "base/scope.h"
#include "elfnote.h"
#include "image.h"
#include "xen/xen.h"

static const struct builder *const builders[] = {
	[BUILDER_PV] = &builder_pv,
	[BUILDER_PVH] = &builder_pvh,
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
	scoped_bytes(&image->acpi);
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

int image_add_ramdisk(struct xen *xen, const struct builder_spec *spec, struct image *image,
		      struct err *err)
{
	if (!image->ramdisk.data)
		return 0;
	/*
	 * A limit of its own size keeps libxenguest from gunzipping it: the guest gets
	 * the bytes as they are, and no data is unpacked as root in dom0.
	 */
	xc_dom_module_max_size(image->dom, image->ramdisk.len);
	if (xc_dom_module_mem(image->dom, image->ramdisk.data, image->ramdisk.len, NULL) < 0)
		return xen_fail(xen, err, "ramdisk '%s' cannot be used", spec->ramdisk);
	return 0;
}

/*
 * Page tables and other things come on top: libxenguest says so when they do not fit.
 */
int image_check_fits(const struct builder_spec *spec, const struct image *image,
		     uint64_t kernel_size, struct err *err)
{
	uint64_t need_kb = (kernel_size >> 10) + (image->ramdisk.len >> 10);

	if (need_kb < spec->memory_kb)
		return 0;
	return fail(err, EINVAL, "memory is %llu MiB, but the kernel%s alone %s %llu MiB",
		    (unsigned long long)spec->memory_kb >> 10, spec->ramdisk ? " and ramdisk" : "",
		    spec->ramdisk ? "need" : "needs", (unsigned long long)(need_kb >> 10) + 1);
}

static enum builder_type choose_type(const struct builder_spec *spec, const struct kernel *kernel)
{
	if (spec->type != BUILDER_AUTO)
		return spec->type;
	return elfnote_has(kernel->elf, kernel->len, XEN_ELFNOTE_PHYS32_ENTRY) ? BUILDER_PVH :
		BUILDER_PV;
}

enum builder_type builder_type(const struct image *image)
{
	return image->builder->type;
}

int builder_load(struct xen *xen, const struct builder_spec *spec, struct image **out,
		 struct err *err)
{
	scoped(image) struct image *image = calloc(1, sizeof(*image));
	int rc;

	if (!image)
		return fail_nomem(err);
	image->memory_kb = spec->memory_kb;
	image->max_memory_kb = spec->max_memory_kb;
	image->max_vcpus = spec->max_vcpus;
	image->vcpus = spec->vcpus;
	image->acpi_wanted = spec->acpi;
	rc = kernel_open(spec->kernel, &image->kernel, err);
	if (rc < 0)
		return rc;
	if (spec->ramdisk) {
		rc = ramdisk_open(spec, &image->ramdisk, err);
		if (rc < 0)
			return rc;
	}
	image->builder = builders[choose_type(spec, &image->kernel)];
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
