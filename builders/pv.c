/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The PV builder: libxenguest does the work, this gives it its input and its order. */
#include <errno.h>
#include <string.h>
#include <xenctrl.h>
#include <xenguest.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/wait.h"
#include "image.h"
#include "xen/xen.h"

/* Gives the words for what libxenguest says only by the guest type it found. */
static int fail_parse(struct xen *xen, const struct builder_spec *spec,
		      const struct xc_dom_image *dom, struct err *err)
{
	if (dom->guest_type && strstr(dom->guest_type, "x86_32"))
		return fail(err, EOPNOTSUPP, "kernel '%s' is 32-bit: this hypervisor runs 64-bit PV "
			    "guests only", spec->kernel);
	if (strstr(xen->detail, "Not a Xen-ELF image") || strstr(xen->detail, "no loader found"))
		return fail(err, EINVAL, "kernel '%s' has no Xen notes for PV: it was built without "
			    "support for running as a PV guest", spec->kernel);
	errno = EINVAL;
	return xen_fail(xen, err, "kernel '%s' cannot run as a PV guest", spec->kernel);
}

static int pv_load(struct xen *xen, const struct builder_spec *spec, struct image *image,
		   struct err *err)
{
	struct xc_dom_image *dom;
	int rc;

	dom = xc_dom_allocate(xen->xc, spec->cmdline, spec->features);
	if (!dom)
		return fail_nomem(err);
	image->dom = dom;
	dom->container_type = XC_DOM_PV_CONTAINER;
	dom->flags = 0;
	dom->claim_enabled = spec->claim;
	dom->max_vcpus = spec->max_vcpus;
	if (xc_dom_kernel_mem(dom, image->kernel.elf, image->kernel.len) < 0)
		return fail_parse(xen, spec, dom, err);
	rc = image_add_ramdisk(xen, spec, image, err);
	if (rc < 0)
		return rc;
	/* Asks for the hypervisor's capabilities; the domain's number follows in build. */
	if (xc_dom_boot_xen_init(dom, xen->xc, 0) < 0)
		return xen_fail(xen, err, "cannot get the hypervisor's capabilities");
	if (xc_dom_parse_image(dom) < 0)
		return fail_parse(xen, spec, dom, err);
	return image_check_fits(spec, image, dom->kernel_seg.vend - dom->kernel_seg.vstart, err);
}

static int pv_build(struct xen *xen, struct image *image, uint32_t domid,
		    struct builder_rings *rings, struct err *err)
{
	struct xc_dom_image *dom = image->dom;
	unsigned int mb = (unsigned int)(image->memory_kb >> 10);
	const char *what = NULL;

	errno = 0;
	if (xc_dom_mem_init(dom, mb) < 0)
		what = "cannot lay out its memory";
	else if (xc_dom_boot_mem_init(dom) < 0)
		what = "cannot allocate its memory";
	else if (wait_interrupted())
		return fail(err, EINTR, "interrupted");
	else if (xc_dom_build_image(dom) < 0)
		what = "cannot load its kernel";
	else if (xc_dom_boot_image(dom) < 0)
		what = "cannot set up its first vcpu";
	else if (xc_dom_gnttab_init(dom) < 0)
		what = "cannot set up its grant table";
	if (what)
		return xen_fail(xen, err, "domain %u of %u MiB: %s", domid, mb, what);
	rings->console_gfn = xc_dom_p2m(dom, dom->console_pfn);
	rings->store_gfn = xc_dom_p2m(dom, dom->xenstore_pfn);
	return 0;
}

const struct builder builder_pv = {
	.type = BUILDER_PV,
	.name = "pv",
	.load = pv_load,
	.build = pv_build,
};
