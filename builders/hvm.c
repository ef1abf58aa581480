/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The HVM builder: a whole PC, of which QEMU is the larger part. What is loaded here is the
 * firmware that runs first (hvmloader, or what is given in its place) and a BIOS beside it;
 * hvmloader makes the tables and the memory map of a PC from the little that it finds.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#define XC_WANT_COMPAT_MAP_FOREIGN_API	/* of libxc's two the one without a handle of its own */
#include <xenctrl.h>	/* before xen/: it chooses what these declare */
#include <xen/hvm/e820.h>
#include <xen/hvm/hvm_info_table.h>
#include <xenguest.h>

#include "base/scope.h"
#include "e820.h"
#include "hvminfo.h"
#include "image.h"
#include "xen/xen.h"

/* What a PC has between its base memory and its BIOS, 0xa0000 to 0xc0000: not populated. */
#define VGA_HOLE_PAGES 0x20

/* Below, hvmloader says itself what is where. */
#define MAP_START UINT64_C(0x100000)

/* hvmloader copies the BIOS to the end of 4 GiB, where Xen keeps less than that free for it. */
#define FIRMWARE_MAX (16u << 20)

static int hvm_explain(struct xen *xen, const struct builder_spec *spec,
		       const struct xc_dom_image *dom, struct err *err)
{
	(void)dom;
	errno = EINVAL;
	return xen_fail(xen, err, "firmware '%s' cannot run as an HVM guest's", spec->kernel);
}

static int read_module(const char *what, const char *path, struct bytes *bytes,
		       struct xc_hvm_firmware_module *module, struct err *err)
{
	int rc;

	if (!path)
		return 0;
	rc = file_read(path, FIRMWARE_MAX, bytes, err);
	if (rc == -EFBIG)
		return fail(err, EFBIG, "%s '%s' is larger than %u MiB", what, path,
			    FIRMWARE_MAX >> 20);
	if (rc < 0)
		return fail_in(err, "%s", what);
	if (bytes->len == 0)
		return fail(err, EINVAL, "%s '%s' is empty", what, path);
	module->data = bytes->data;
	module->length = (uint32_t)bytes->len;
	return 0;
}

static int hvm_load(struct xen *xen, const struct builder_spec *spec, struct image *image,
		    struct err *err)
{
	uint64_t hole_kb = spec->mmio_hole_kb > HVM_BELOW_4G_MMIO_LENGTH >> 10 ?
		spec->mmio_hole_kb : HVM_BELOW_4G_MMIO_LENGTH >> 10;
	struct xc_dom_image *dom;
	int rc;

	if (spec->max_vcpus > BUILDER_HVM_MAX_VCPUS)
		return fail(err, EINVAL, "an HVM guest cannot have %u vcpus: %d is the most",
			    spec->max_vcpus, BUILDER_HVM_MAX_VCPUS);
	rc = image_new(xen, spec, image, err);
	if (rc < 0)
		return rc;
	dom = image->dom;
	dom->device_model = true;
	dom->vga_hole_size = VGA_HOLE_PAGES;
	image_lay_out(spec, dom, (UINT64_C(1) << 32) - (hole_kb << 10));
	rc = read_module("bios", spec->system_firmware, &image->system,
			 &dom->system_firmware_module, err);
	if (rc == 0)
		rc = read_module("acpi_firmware", spec->acpi_firmware, &image->acpi,
				 &dom->acpi_modules[0], err);
	if (rc == 0)
		rc = read_module("smbios_firmware", spec->smbios_firmware, &image->smbios,
				 &dom->smbios_module, err);
	if (rc == 0)
		rc = image_parse(xen, spec, image, err);
	if (rc < 0)
		return rc;
	return image_check_fits(spec, image, dom->kernel_seg.vend + image->system.len +
				image->acpi.len + image->smbios.len, err);
}

static int hvm_describe(struct xen *xen, struct image *image, uint32_t domid, struct err *err)
{
	const struct xc_dom_image *dom = image->dom;
	struct e820 map = E820_INIT;

	e820_set(&map, MAP_START, dom->lowmem_end - MAP_START, E820_TYPE_RAM);
	if (dom->highmem_end)
		e820_set(&map, UINT64_C(1) << 32, dom->highmem_end - (UINT64_C(1) << 32),
			 E820_TYPE_RAM);
	return image_set_map(xen, image->dom, domid, &map, err);
}

static struct builder_tables tables(const struct xc_hvm_firmware_module *module)
{
	return (struct builder_tables){ module->guest_addr_out, module->length };
}

/* libxenguest wrote the table that hvmloader reads for one vcpu; here are the others. */
static int hvm_finish(struct xen *xen, struct image *image, uint32_t domid,
		      struct builder_result *result, struct err *err)
{
	uint8_t *page = xc_map_foreign_range(xen->xc, domid, XC_PAGE_SIZE, PROT_READ | PROT_WRITE,
					     HVM_INFO_PFN);

	if (!page)
		return xen_fail(xen, err, "domain %u: cannot write its HVM info table", domid);
	hvminfo_set((struct hvm_info_table *)(page + HVM_INFO_OFFSET), image->max_vcpus,
		    image->vcpus, image->apic);
	munmap(page, XC_PAGE_SIZE);
	result->acpi = tables(&image->dom->acpi_modules[0]);
	result->smbios = tables(&image->dom->smbios_module);
	return 0;
}

const struct builder builder_hvm = {
	.type = BUILDER_HVM,
	.load = hvm_load,
	.explain = hvm_explain,
	.describe = hvm_describe,
	.finish = hvm_finish,
};
