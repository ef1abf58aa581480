/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The PV builder: libxenguest does the work, this gives it its input and its order. */
#include <errno.h>
#include <string.h>
#include <xenctrl.h>
#include <xenguest.h>

#include "base/log.h"
#include "e820.h"
#include "image.h"
#include "xen/xen.h"

/* Gives the words for what libxenguest says only by the guest type it found. */
static int pv_explain(struct xen *xen, const struct builder_spec *spec,
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

/* libxenguest cuts it without a word. */
static void warn_cut(const char *cmdline)
{
	size_t len = cmdline ? strlen(cmdline) : 0;

	if (len >= MAX_GUEST_CMDLINE)
		log_warn("the kernel's command line has %zu characters: a PV guest gets the first "
			 "%d", len, MAX_GUEST_CMDLINE - 1);
}

static int pv_load(struct xen *xen, const struct builder_spec *spec, struct image *image,
		   struct err *err)
{
	int rc = image_new(xen, spec, image, err);

	if (rc == 0)
		rc = image_parse(xen, spec, image, err);
	if (rc < 0)
		return rc;
	warn_cut(spec->cmdline);
	return image_check_fits(spec, image, image->dom->kernel_seg.vend -
				image->dom->kernel_seg.vstart, err);
}

static int pv_describe(struct xen *xen, struct image *image, uint32_t domid, struct err *err)
{
	enum { HOST_RANGES = 128 };	/* libxl's E820MAX: Xen tells no more */
	struct e820entry entries[HOST_RANGES];
	struct e820_range host[HOST_RANGES];
	struct e820 map = E820_INIT;
	int nr;

	if (!image->host_map)
		return 0;
	nr = xc_get_machine_memory_map(xen->xc, entries, HOST_RANGES);
	if (nr < 0)
		return xen_fail(xen, err, "cannot get the host's memory map");
	for (int i = 0; i < nr; i++)
		host[i] = (struct e820_range){ entries[i].addr, entries[i].size,
					       (enum e820_type)entries[i].type };
	e820_host(host, (unsigned int)nr, image->memory_kb, image->max_memory_kb, &map);
	return image_set_map(xen, image->dom, domid, &map, err);
}

const struct builder builder_pv = {
	.type = BUILDER_PV,
	.load = pv_load,
	.explain = pv_explain,
	.describe = pv_describe,
};
