/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way through libxenguest that all guest types go. */
#include "image.h"

#include <errno.h>
#include <xenctrl.h>
#include <xenguest.h>

#include "base/wait.h"
#include "e820.h"
#include "xen/xen.h"

int image_new(struct xen *xen, const struct builder_spec *spec, struct image *image,
	      struct err *err)
{
	struct xc_dom_image *dom = xc_dom_allocate(xen->xc, spec->cmdline, spec->features);

	if (!dom)
		return fail_nomem(err);
	image->dom = dom;
	dom->container_type = image->builder->type == BUILDER_PV ? XC_DOM_PV_CONTAINER :
		XC_DOM_HVM_CONTAINER;
	dom->claim_enabled = spec->claim;
	dom->max_vcpus = spec->max_vcpus;
	return 0;
}

/*
 * A limit of the ramdisk's own size keeps libxenguest from gunzipping it: the guest gets the bytes
 * as they are, and no data is unpacked as root in dom0. A shim's kernel has to pass as well; a
 * ramdisk that is smaller than that when unpacked arrives so, as with xl.
 */
static void limit_modules(const struct image *image)
{
	size_t max = image->payload.len > image->ramdisk.len ? image->payload.len :
		image->ramdisk.len;

	if (max)
		xc_dom_module_max_size(image->dom, max);
}

/* Module 0 is the shim's kernel, the next one that kernel's ramdisk. */
static int add_payload(struct xen *xen, const struct builder_spec *spec, struct image *image,
		       struct err *err)
{
	if (!image->payload.elf)
		return 0;
	if (xc_dom_module_mem(image->dom, image->payload.elf, image->payload.len,
			      spec->payload_cmdline) < 0)
		return xen_fail(xen, err, "kernel '%s' cannot be used", spec->payload);
	return 0;
}

static int add_ramdisk(struct xen *xen, const struct builder_spec *spec, struct image *image,
		       struct err *err)
{
	if (!image->ramdisk.data)
		return 0;
	if (xc_dom_module_mem(image->dom, image->ramdisk.data, image->ramdisk.len, NULL) < 0)
		return xen_fail(xen, err, "ramdisk '%s' cannot be used", spec->ramdisk);
	return 0;
}

int image_parse(struct xen *xen, const struct builder_spec *spec, struct image *image,
		struct err *err)
{
	struct xc_dom_image *dom = image->dom;
	int rc;

	if (xc_dom_kernel_mem(dom, image->kernel.elf, image->kernel.len) < 0)
		return image->builder->explain(xen, spec, dom, err);
	limit_modules(image);
	rc = add_payload(xen, spec, image, err);
	if (rc == 0)
		rc = add_ramdisk(xen, spec, image, err);
	if (rc < 0)
		return rc;
	/* Asks for the hypervisor's capabilities; the domain's number follows in build. */
	if (xc_dom_boot_xen_init(dom, xen->xc, 0) < 0)
		return xen_fail(xen, err, "cannot get the hypervisor's capabilities");
	return xc_dom_parse_image(dom) < 0 ? image->builder->explain(xen, spec, dom, err) : 0;
}

/*
 * Page tables and other things come on top: libxenguest says so when they do not fit.
 */
int image_check_fits(const struct builder_spec *spec, const struct image *image,
		     uint64_t kernel_size, struct err *err)
{
	uint64_t need_kb = (kernel_size >> 10) + (image->payload.len >> 10) +
		(image->ramdisk.len >> 10);

	if (need_kb < spec->memory_kb)
		return 0;
	return fail(err, EINVAL, "memory is %llu MiB, but the %s%s alone %s %llu MiB",
		    (unsigned long long)spec->memory_kb >> 10,
		    spec->type == BUILDER_HVM ? "firmware" : "kernel",
		    spec->ramdisk ? " and ramdisk" : "",
		    spec->ramdisk ? "need" : "needs", (unsigned long long)(need_kb >> 10) + 1);
}

void image_lay_out(const struct builder_spec *spec, struct xc_dom_image *dom, uint64_t hole_start)
{
	uint64_t max_mb = spec->max_memory_kb >> 10;
	struct e820_ram ram = e820_place_ram(max_mb << 20, hole_start);

	dom->target_pages = spec->memory_kb >> (XC_PAGE_SHIFT - 10);
	dom->mmio_start = hole_start;
	dom->mmio_size = (UINT64_C(1) << 32) - hole_start;
	dom->lowmem_end = ram.low_end;
	dom->highmem_end = ram.high_end;
}

int image_set_map(struct xen *xen, struct xc_dom_image *dom, uint32_t domid,
		  const struct e820 *map, struct err *err)
{
	struct e820entry *entries = xc_dom_malloc(dom, map->nr * sizeof(*entries));

	if (!entries)
		return fail_nomem(err);
	for (unsigned int i = 0; i < map->nr; i++)
		entries[i] = (struct e820entry){
			.addr = map->ranges[i].start, .size = map->ranges[i].size,
			.type = map->ranges[i].type,
		};
	/* The start info has the map as well. */
	dom->e820 = entries;
	dom->e820_entries = map->nr;
	if (xc_domain_set_memory_map(xen->xc, domid, entries, map->nr) < 0)
		return xen_fail(xen, err, "domain %u: cannot set its memory map", domid);
	return 0;
}

int image_build(struct xen *xen, struct image *image, uint32_t domid, struct err *err)
{
	struct xc_dom_image *dom = image->dom;
	bool pv = image->builder->type == BUILDER_PV;
	unsigned long long mb = image->memory_kb >> 10;
	const char *what = NULL;
	int rc;

	errno = 0;
	if (xc_dom_mem_init(dom, (unsigned int)(pv ? mb : image->max_memory_kb >> 10)) < 0)
		what = "cannot lay out its memory";
	else if (xc_dom_boot_mem_init(dom) < 0)
		what = "cannot allocate its memory";
	if (what)
		return xen_fail(xen, err, "domain %u of %llu MiB: %s", domid, mb, what);
	if (wait_interrupted())
		return fail(err, EINTR, "interrupted");
	rc = image->builder->describe ? image->builder->describe(xen, image, domid, err) : 0;
	if (rc < 0)
		return rc;
	errno = 0;
	if (xc_dom_build_image(dom) < 0)
		what = "cannot load its kernel";
	else if (xc_dom_boot_image(dom) < 0)
		what = "cannot set up its first vcpu";
	else if (xc_dom_gnttab_init(dom) < 0)
		what = "cannot set up its grant table";
	return what ? xen_fail(xen, err, "domain %u of %llu MiB: %s", domid, mb, what) : 0;
}
