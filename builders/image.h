/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the builders share among themselves; others use builder.h. */
#ifndef BUILDERS_IMAGE_H
#define BUILDERS_IMAGE_H

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
	uint64_t memory_kb;
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

/*
 * Opens a kernel file of the host: an ELF as it is, the ELF inside a bzImage or a
 * gzip'd ELF from the cache or unwrapped now.
 */
int kernel_open(const char *path, struct kernel *kernel, struct err *err) must_check;
void kernel_close(struct kernel *kernel);

#endif
