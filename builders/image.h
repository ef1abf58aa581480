/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the builders share among themselves; others use builder.h. */
#ifndef BUILDERS_IMAGE_H
#define BUILDERS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "builder.h"

struct builder;
struct e820;
struct xc_dom_image;

/* A kernel as an ELF file, on the heap or mapped from the cache. */
struct kernel {
	const void *elf;
	size_t len;
	void *map;		/* to munmap, NULL when on the heap */
	void *heap;		/* to free */
};

#define KERNEL_INIT { .elf = NULL }

struct image {
	const struct builder *builder;
	struct xc_dom_image *dom;	/* libxenguest's state */
	struct kernel kernel;
	struct kernel payload;		/* for the shim that kernel is then */
	struct bytes ramdisk;
	struct bytes acpi;		/* tables that libxenguest copies from */
	struct bytes system, smbios;	/* HVM: the BIOS and further tables, in the same way */
	uint64_t memory_kb, max_memory_kb;
	unsigned int max_vcpus, vcpus;
	bool acpi_wanted, apic, host_map;
};

struct builder {
	enum builder_type type;
	/* Reads and checks what is to be built; image has its kernel and ramdisk. */
	int (*load)(struct xen *xen, const struct builder_spec *spec, struct image *image,
		    struct err *err);
	/* Fails with the words for what libxenguest says of the kernel. */
	int (*explain)(struct xen *xen, const struct builder_spec *spec,
		       const struct xc_dom_image *dom, struct err *err);
	/* What the guest is told of its memory, which is there now. Optional. */
	int (*describe)(struct xen *xen, struct image *image, uint32_t domid, struct err *err);
	/* After image_build(): what is left to do, and what to add to the result. Optional. */
	int (*finish)(struct xen *xen, struct image *image, uint32_t domid,
		      struct builder_result *result, struct err *err);
};

extern const struct builder builder_pv;
extern const struct builder builder_pvh;
extern const struct builder builder_hvm;

/*
 * Opens a kernel file of the host: an ELF as it is, the ELF inside a bzImage or a
 * gzip'd ELF from the cache or unwrapped now. what it is for messages: "kernel".
 */
int kernel_open(const char *what, const char *path, struct kernel *kernel,
		struct err *err) must_check;
void kernel_close(struct kernel *kernel);

/* The steps, in this order; image.c. */

/* libxenguest's state for a guest of image->builder's type. */
int image_new(struct xen *xen, const struct builder_spec *spec, struct image *image,
	      struct err *err) must_check;

/* Not PV: memory as spec has it, around a hole that ends at 4 GiB. */
void image_lay_out(const struct builder_spec *spec, struct xc_dom_image *dom,
		   uint64_t hole_start);

/*
 * Hands over the kernel, what it runs, and the ramdisk as it is, and has libxenguest read their
 * headers.
 */
int image_parse(struct xen *xen, const struct builder_spec *spec, struct image *image,
		struct err *err) must_check;

/* Refuses a kernel of kernel_size bytes that, with the ramdisk, is larger than the memory. */
int image_check_fits(const struct builder_spec *spec, const struct image *image,
		     uint64_t kernel_size, struct err *err) must_check;

/* Populates the memory, describes and fills it, sets out the first vcpu and the grant table. */
int image_build(struct xen *xen, struct image *image, uint32_t domid,
		struct err *err) must_check;

/* The memory map that Xen tells the guest, and its start info; for describe(). */
int image_set_map(struct xen *xen, struct xc_dom_image *dom, uint32_t domid,
		  const struct e820 *map, struct err *err) must_check;

#endif
