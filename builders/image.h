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
	struct bytes ramdisk;
	struct bytes acpi;		/* PVH: tables that libxenguest copies from */
	uint64_t memory_kb, max_memory_kb;
	unsigned int max_vcpus, vcpus;
	bool acpi_wanted;
};

struct builder {
	enum builder_type type;
	const char *name;
	int (*load)(struct xen *xen, const struct builder_spec *spec, struct image *image,
		    struct err *err);
	int (*build)(struct xen *xen, struct image *image, uint32_t domid,
		     struct builder_rings *rings, struct err *err);
};

extern const struct builder builder_pv;
extern const struct builder builder_pvh;

/*
 * Opens a kernel file of the host: an ELF as it is, the ELF inside a bzImage or a
 * gzip'd ELF from the cache or unwrapped now.
 */
int kernel_open(const char *path, struct kernel *kernel, struct err *err) must_check;
void kernel_close(struct kernel *kernel);

/* Hands the ramdisk, if there is one, to libxenguest as it is. */
int image_add_ramdisk(struct xen *xen, const struct builder_spec *spec, struct image *image,
		      struct err *err) must_check;

/* Refuses a kernel of kernel_size bytes that, with the ramdisk, is larger than the memory. */
int image_check_fits(const struct builder_spec *spec, const struct image *image,
		     uint64_t kernel_size, struct err *err) must_check;

#endif
