/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The PVH builder: a domain with the processor's help and without a PC around it.
 * libxenguest loads the kernel and writes the start info; the memory map and the ACPI
 * tables are ours, as they are libxl's job with xl.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <xen/elfnote.h>
#include <xen/features.h>
#include <xen/hvm/hvm_info_table.h>
#include <xenctrl.h>
#include <xenguest.h>

#include "acpi.h"
#include "base/elfnote.h"
#include "e820.h"
#include "image.h"
#include "xen/xen.h"

/*
 * The hole below 4 GiB begins with the ACPI tables, where libxl has them too; further up are
 * the local APIC and libxenguest's special pages (store and console ring, and so on).
 */
#define HOLE_START UINT64_C(0xfc000000)
#define SPECIAL_START ((uint64_t)(X86_HVM_END_SPECIAL_REGION - X86_HVM_NR_SPECIAL_PAGES)	\
		       << XC_PAGE_SHIFT)
#define SPECIAL_SIZE ((uint64_t)X86_HVM_NR_SPECIAL_PAGES << XC_PAGE_SHIFT)

/* The end of what a BIOS would have occupied: old kernels search the RSDP below. */
#define BIOS_END UINT64_C(0x100000)

static_assert(BUILDER_HVM_MAX_VCPUS == HVM_MAX_VCPUS && ACPI_MAX_VCPUS == HVM_MAX_VCPUS,
	      "each vcpu of a PVH guest is in the tables");

static uint64_t whole_pages(uint64_t size)
{
	return (size + XC_PAGE_SIZE - 1) & XC_PAGE_MASK;
}

static int pvh_explain(struct xen *xen, const struct builder_spec *spec,
		       const struct xc_dom_image *dom, struct err *err)
{
	(void)dom;
	errno = EINVAL;
	return xen_fail(xen, err, "kernel '%s' cannot run as a PVH guest", spec->kernel);
}

static int pvh_load(struct xen *xen, const struct builder_spec *spec, struct image *image,
		    struct err *err)
{
	struct xc_dom_image *dom;
	int rc;

	if (spec->max_vcpus > BUILDER_HVM_MAX_VCPUS)
		return fail(err, EINVAL, "a PVH guest cannot have %u vcpus: %d is the most",
			    spec->max_vcpus, BUILDER_HVM_MAX_VCPUS);
	if (!elfnote_has(image->kernel.elf, image->kernel.len, XEN_ELFNOTE_PHYS32_ENTRY))
		return fail(err, EINVAL, "kernel '%s' cannot run as a PVH guest: it was built "
			    "without PVH support (Linux: CONFIG_PVH)", spec->kernel);
	rc = image_new(xen, spec, image, err);
	if (rc < 0)
		return rc;
	dom = image->dom;
	image_lay_out(spec, dom, HOLE_START);
	rc = image_parse(xen, spec, image, err);
	if (rc < 0)
		return rc;
	/* It lies where it wants; what is below stays free unless memory comes on demand. */
	return image_check_fits(spec, image, dom->kernel_seg.vend -
				(spec->max_memory_kb > spec->memory_kb ?
				 dom->kernel_seg.vstart : 0), err);
}

/*
 * Tables at the start of the hole, RSDP first. Linux before 4.20 looks for the RSDP only
 * where a BIOS would have it and gets one there; whoever else is told by the start info.
 */
static int add_acpi(struct image *image, struct err *err)
{
	struct acpi_spec spec = {
		.base = HOLE_START, .nr_vcpus = image->max_vcpus, .nr_online = image->vcpus,
	};
	struct xc_dom_image *dom = image->dom;
	struct xc_hvm_firmware_module *module = dom->acpi_modules;
	const char *os = xc_dom_guest_os(dom);
	int rc = acpi_tables(&spec, &image->acpi, err);

	if (rc < 0)
		return rc;
	/* Module 0 is the one that the start info points to. */
	if (os && strcmp(os, "linux") == 0 &&
	    !xc_dom_feature_get(dom, XENFEAT_linux_rsdp_unrestricted))
		*module++ = (struct xc_hvm_firmware_module){
			.data = image->acpi.data, .length = ACPI_RSDP_SIZE,
			.guest_addr_out = BIOS_END - 64,
		};
	*module = (struct xc_hvm_firmware_module){
		.data = image->acpi.data, .length = (uint32_t)image->acpi.len,
		.guest_addr_out = HOLE_START,
	};
	return 0;
}

/* What is RAM for the guest, and what is not although Xen has put pages there. */
static void make_map(const struct xc_dom_image *dom, struct e820 *map)
{
	e820_set(map, 0, dom->lowmem_end, E820_TYPE_RAM);
	if (dom->highmem_end)
		e820_set(map, UINT64_C(1) << 32, dom->highmem_end - (UINT64_C(1) << 32),
			 E820_TYPE_RAM);
	e820_set(map, SPECIAL_START, SPECIAL_SIZE, E820_TYPE_RESERVED);
	for (unsigned int i = 0; i < MAX_ACPI_MODULES && dom->acpi_modules[i].length; i++) {
		uint64_t start = dom->acpi_modules[i].guest_addr_out & XC_PAGE_MASK;
		uint64_t end = dom->acpi_modules[i].guest_addr_out + dom->acpi_modules[i].length;

		e820_set(map, start, whole_pages(end) - start, E820_TYPE_ACPI);
	}
}

static int pvh_describe(struct xen *xen, struct image *image, uint32_t domid, struct err *err)
{
	struct e820 map = E820_INIT;
	int rc = image->acpi_wanted ? add_acpi(image, err) : 0;

	if (rc < 0)
		return rc;
	make_map(image->dom, &map);
	return image_set_map(xen, image->dom, domid, &map, err);
}

const struct builder builder_pvh = {
	.type = BUILDER_PVH,
	.load = pvh_load,
	.explain = pvh_explain,
	.describe = pvh_describe,
};
