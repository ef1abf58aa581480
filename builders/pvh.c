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
#include "base/scope.h"
#include "base/wait.h"
#include "e820.h"
#include "elfnote.h"
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

static_assert(BUILDER_PVH_MAX_VCPUS == HVM_MAX_VCPUS && ACPI_MAX_VCPUS == HVM_MAX_VCPUS,
	      "each vcpu of a PVH guest is in the tables");

static uint64_t whole_pages(uint64_t size)
{
	return (size + XC_PAGE_SIZE - 1) & XC_PAGE_MASK;
}

static int fail_parse(struct xen *xen, const struct builder_spec *spec, struct err *err)
{
	errno = EINVAL;
	return xen_fail(xen, err, "kernel '%s' cannot run as a PVH guest", spec->kernel);
}

static void lay_out(struct xc_dom_image *dom, const struct builder_spec *spec)
{
	uint64_t max_mb = spec->max_memory_kb >> 10;
	struct e820_ram ram = e820_place_ram(max_mb << 20, HOLE_START);

	dom->target_pages = spec->memory_kb >> (XC_PAGE_SHIFT - 10);
	dom->mmio_start = HOLE_START;
	dom->mmio_size = (UINT64_C(1) << 32) - HOLE_START;
	dom->lowmem_end = ram.low_end;
	dom->highmem_end = ram.high_end;
}

static int pvh_load(struct xen *xen, const struct builder_spec *spec, struct image *image,
		    struct err *err)
{
	struct xc_dom_image *dom;
	int rc;

	if (spec->max_vcpus > BUILDER_PVH_MAX_VCPUS)
		return fail(err, EINVAL, "a PVH guest cannot have %u vcpus: %d is the most",
			    spec->max_vcpus, BUILDER_PVH_MAX_VCPUS);
	if (!elfnote_has(image->kernel.elf, image->kernel.len, XEN_ELFNOTE_PHYS32_ENTRY))
		return fail(err, EINVAL, "kernel '%s' cannot run as a PVH guest: it was built "
			    "without PVH support (Linux: CONFIG_PVH)", spec->kernel);
	dom = xc_dom_allocate(xen->xc, spec->cmdline, spec->features);
	if (!dom)
		return fail_nomem(err);
	image->dom = dom;
	dom->container_type = XC_DOM_HVM_CONTAINER;
	dom->claim_enabled = spec->claim;
	dom->max_vcpus = spec->max_vcpus;
	lay_out(dom, spec);
	if (xc_dom_kernel_mem(dom, image->kernel.elf, image->kernel.len) < 0)
		return fail_parse(xen, spec, err);
	rc = image_add_ramdisk(xen, spec, image, err);
	if (rc < 0)
		return rc;
	/* Asks for the hypervisor's capabilities; the domain's number follows in build. */
	if (xc_dom_boot_xen_init(dom, xen->xc, 0) < 0)
		return xen_fail(xen, err, "cannot get the hypervisor's capabilities");
	if (xc_dom_parse_image(dom) < 0)
		return fail_parse(xen, spec, err);
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

/* Memory is there: the kernel into it, and the last words on what it finds. */
static const char *fill(struct xen *xen, struct xc_dom_image *dom, uint32_t domid)
{
	struct e820entry entries[E820_MAX_RANGES];
	struct e820 map = E820_INIT;
	const char *what = NULL;

	make_map(dom, &map);
	for (unsigned int i = 0; i < map.nr; i++)
		entries[i] = (struct e820entry){
			.addr = map.ranges[i].start, .size = map.ranges[i].size,
			.type = map.ranges[i].type,
		};
	/* The start info has the map as well. */
	dom->e820 = entries;
	dom->e820_entries = map.nr;
	if (xc_domain_set_memory_map(xen->xc, domid, entries, map.nr) < 0)
		what = "cannot set its memory map";
	else if (xc_dom_build_image(dom) < 0)
		what = "cannot load its kernel";
	else if (xc_dom_boot_image(dom) < 0)
		what = "cannot set up its first vcpu";
	else if (xc_dom_gnttab_init(dom) < 0)
		what = "cannot set up its grant table";
	dom->e820 = NULL;
	return what;
}

static int pvh_build(struct xen *xen, struct image *image, uint32_t domid,
		     struct builder_rings *rings, struct err *err)
{
	struct xc_dom_image *dom = image->dom;
	unsigned int mb = (unsigned int)(image->max_memory_kb >> 10);
	const char *what = NULL;
	int rc = image->acpi_wanted ? add_acpi(image, err) : 0;

	if (rc < 0)
		return rc;
	errno = 0;
	if (xc_dom_mem_init(dom, mb) < 0)
		what = "cannot lay out its memory";
	else if (xc_dom_boot_mem_init(dom) < 0)
		what = "cannot allocate its memory";
	else if (wait_interrupted())
		return fail(err, EINTR, "interrupted");
	else
		what = fill(xen, dom, domid);
	if (what)
		return xen_fail(xen, err, "domain %u of %llu MiB: %s", domid,
				(unsigned long long)image->memory_kb >> 10, what);
	rings->console_gfn = dom->console_pfn;
	rings->store_gfn = dom->xenstore_pfn;
	return 0;
}

const struct builder builder_pvh = {
	.type = BUILDER_PVH,
	.name = "pvh",
	.load = pvh_load,
	.build = pvh_build,
};
