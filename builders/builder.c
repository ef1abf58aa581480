/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "builder.h"

#include <errno.h>
#include <stdlib.h>
#include <xen/elfnote.h>
#include <xenctrl.h>
#include <xenguest.h>

#include "base/elfnote.h"
#include "base/scope.h"
#include "image.h"
#include "xen/xen.h"

static const struct builder *const builders[] = {
	[BUILDER_PV] = &builder_pv,
	[BUILDER_PVH] = &builder_pvh,
	[BUILDER_HVM] = &builder_hvm,
};

void builder_free(struct image *image)
{
	int saved = errno;

	if (!image)
		return;
	if (image->dom)
		xc_dom_release(image->dom);
	kernel_close(&image->kernel);
	kernel_close(&image->payload);
	scoped_bytes(&image->ramdisk);
	scoped_bytes(&image->acpi);
	scoped_bytes(&image->system);
	scoped_bytes(&image->smbios);
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
	image->host_map = spec->host_map;
	image->max_vcpus = spec->max_vcpus;
	image->vcpus = spec->vcpus;
	image->acpi_wanted = spec->acpi;
	image->apic = spec->apic;
	rc = kernel_open(spec->type == BUILDER_HVM ? "firmware" : spec->payload ? "pvshim" :
			 "kernel", spec->kernel, &image->kernel, err);
	if (rc == 0 && spec->payload)
		rc = kernel_open("kernel", spec->payload, &image->payload, err);
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
		  struct builder_result *result, struct err *err)
{
	bool pv = image->builder->type == BUILDER_PV;
	struct xc_dom_image *dom = image->dom;
	int rc;

	dom->guest_domid = domid;
	dom->xenstore_domid = store->domid;
	dom->xenstore_evtchn = store->port;
	dom->console_domid = console->domid;
	dom->console_evtchn = console->port;
	rc = image_build(xen, image, domid, err);
	if (rc < 0)
		return rc;
	*result = (struct builder_result){
		.store_gfn = pv ? xc_dom_p2m(dom, dom->xenstore_pfn) : dom->xenstore_pfn,
		.console_gfn = pv ? xc_dom_p2m(dom, dom->console_pfn) : dom->console_pfn,
	};
	if (!image->builder->finish)
		return 0;
	return image->builder->finish(xen, image, domid, result, err);
}
