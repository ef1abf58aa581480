/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domain builders: a kernel and a few numbers in, a domain's memory filled and
 * its first vcpu set out. Two steps, so that bad input never costs a domain:
 * builder_load() reads and parses the images before one exists, builder_build()
 * fills one that does. A new guest type is a row in builder.c.
 */
#ifndef BUILDERS_BUILDER_H
#define BUILDERS_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct xen;
struct image;			/* a loaded guest image: kernel, ramdisk, parsed headers */

enum builder_type {
	BUILDER_PV, BUILDER_PVH, BUILDER_HVM,
	BUILDER_AUTO,		/* PVH if the kernel can, else PV: builder_type() tells after load */
};

#define BUILDER_HVM_MAX_VCPUS 128	/* PVH and HVM: Xen's HVM_MAX_VCPUS */

struct builder_spec {
	enum builder_type type;
	const char *kernel;	/* path on the host; HVM: of the firmware that runs first */
	const char *ramdisk;	/* path or NULL */
	const char *cmdline;	/* or NULL */
	const char *features;	/* Xen feature string requested by the config, or NULL */
	uint64_t memory_kb;	/* what the guest starts with; whole MiB are used */
	uint64_t max_memory_kb;	/* not PV: its memory map; populated on demand when more */
	unsigned int max_vcpus;
	unsigned int vcpus;	/* not PV: those online at start */
	/*
	 * PVH: a PV kernel for `kernel` to run, which is a shim then, with a command line of its
	 * own; or NULL.
	 */
	const char *payload, *payload_cmdline;
	bool acpi;		/* PVH: give it ACPI tables; Linux uses one vcpu without */
	bool host_map;		/* PV: a memory map after the host's, for PCI devices */
	bool claim;		/* claim all memory first, so that a lack of it shows at once */

	/* HVM; memory_kb and max_memory_kb are without the video memory. */
	const char *system_firmware;	/* the BIOS; or NULL */
	const char *acpi_firmware, *smbios_firmware;	/* further tables; or NULL */
	uint64_t mmio_hole_kb;	/* what ends at 4 GiB and is no memory; 0: the usual */
	bool apic;
};

/* One end is the guest's, the other belongs to the domain that serves the ring. */
struct builder_channel {
	uint32_t domid, port;
};

/* Tables that were put into a guest's memory; length 0: none. */
struct builder_tables {
	uint64_t address;
	uint32_t length;
};

struct builder_result {
	uint64_t store_gfn, console_gfn;	/* the rings; machine frames for PV */
	struct builder_tables acpi, smbios;	/* HVM: of acpi_firmware and smbios_firmware */
};

/*
 * Reads kernel and ramdisk and parses them. Names the file and what is wrong with it:
 * not a kernel, truncated, no Xen notes, 32-bit, no PVH entry, too large for the memory. The result
 * belongs to the caller. It borrows nothing from spec after the return.
 */
int builder_load(struct xen *xen, const struct builder_spec *spec, struct image **image,
		 struct err *err) must_check;

/* What it was loaded as: never BUILDER_AUTO. */
enum builder_type builder_type(const struct image *image);

/*
 * Populates domid's memory, copies the image, builds page tables and start info, seeds
 * the grant table with the two rings. The domain has its vcpus and memory limit already.
 */
int builder_build(struct xen *xen, struct image *image, uint32_t domid,
		  const struct builder_channel *store, const struct builder_channel *console,
		  struct builder_result *result, struct err *err) must_check;

void builder_free(struct image *image);

static inline void scoped_image(struct image **image)
{
	builder_free(*image);
}

#endif
