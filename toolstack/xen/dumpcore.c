/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxc writes a PV guest's core, from the guest's own list of its frames. Of other guests it maps
 * each of the million frames below 4 GiB by itself, most of which are not there: minutes for what
 * takes seconds when many are asked for at once, which is what this file does. Nor does it look where
 * an HVM guest's devices are, which is memory of a PVH guest.
 */
#include "dumpcore.h"

#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>
#include <xen/elfnote.h>
#include <xen/version.h>

#include "base/file.h"
#include "base/scope.h"
#include "domctl.h"
#include "store.h"
#include "xen.h"

enum {
	BATCH = 1024,	/* frames mapped by one call */
	/* Of Xen's that a guest may have mapped, which are not among its pages: shared info and such. */
	NOT_COUNTED = 256,
	SAMPLES = 16,
};

#define MAGIC_NOT_PV	0xf00febeeu	/* of the header's note */
#define NO_PFN		UINT64_MAX	/* a page that went while it was dumped */
#define GFN_4G		((UINT64_C(1) << 32) >> XC_PAGE_SHIFT)

/* The notes' descriptions. */
struct header_desc {
	uint64_t magic, nr_vcpus, nr_pages, page_size;
};

struct version_desc {
	uint64_t major, minor;
	xen_extraversion_t extraversion;
	xen_compile_info_t compile_info;
	xen_capabilities_info_t capabilities;
	xen_changeset_info_t changeset;
	xen_platform_parameters_t platform;
	uint64_t page_size;
};

struct note {
	uint32_t namesz, descsz, type;
	char name[4];
};

/* As it stands in the file: nothing in it needs padding. */
struct notes {
	struct note none;
	struct note header_note;
	struct header_desc header;
	struct note version_note;
	struct version_desc version;
	struct note format_note;
	uint64_t format;
};

static_assert(sizeof(struct notes) == 1384, "as libxc 4.17 writes them");

/* What stands in front of the pages, and behind their list. */
struct layout {
	Elf64_Ehdr ehdr;
	Elf64_Shdr sections[7];
	size_t nr;
	char names[96];
	size_t names_len;
	uint64_t end;		/* of the file, so far */
};

struct dump {
	struct xen *xen;
	struct domctl_info info;
	const char *path;
	int fd;
	struct xenforeignmemory_handle *fmem;
	void *shared_info;	/* NULL: the guest has not mapped it */
	vcpu_guest_context_any_t *vcpus;
	size_t nr_vcpus;
	uint64_t nr_pages;	/* in the file */
	uint64_t end_gfn;
	uint64_t *pfns;		/* nr_pages of them */
	uint64_t nr_found;	/* of these */
};

static void scoped_dump(struct dump *d)
{
	int saved = errno;

	if (d->shared_info)
		xenforeignmemory_unmap(d->fmem, d->shared_info, 1);
	if (d->fmem)
		xenforeignmemory_close(d->fmem);
	free(d->vcpus);
	free(d->pfns);
	errno = saved;
}

/*
 * Of one that is no more nothing was found; and its number may be another's. Xen says that it is dying
 * when it has taken all memory away, which begins with all at once.
 */
static int still_there(const struct dump *d, struct err *err)
{
	xen_pfn_t gfns[SAMPLES];
	int missing[SAMPLES];
	struct domctl_info now;
	size_t nr = d->nr_found < SAMPLES ? d->nr_found : SAMPLES, gone = 0;
	void *pages = NULL;
	int rc = domctl_info(d->xen, d->info.domid, &now, err);

	for (size_t i = 0; i < nr; i++)
		gfns[i] = d->pfns[d->nr_found / nr * i];
	if (rc == 0 && nr)
		pages = xenforeignmemory_map(d->fmem, d->info.domid, PROT_READ, nr, gfns, missing);
	for (size_t i = 0; pages && i < nr; i++)
		gone += missing[i] != 0;
	if (pages)
		xenforeignmemory_unmap(d->fmem, pages, nr);
	if (rc == 0 && (now.dying || memcmp(now.uuid, d->info.uuid, sizeof(now.uuid)) != 0 ||
			(nr && (!pages || gone == nr))))
		rc = fail(err, ENOENT, "domain %u was destroyed", d->info.domid);
	return rc < 0 ? fail_in(err, "while it was dumped") : 0;
}

static int get_vcpus(struct dump *d, struct err *err)
{
	int rc;

	d->vcpus = calloc(d->info.nr_vcpus + 1, sizeof(*d->vcpus));
	if (!d->vcpus)
		return fail_nomem(err);
	/* One that the guest never started has none. */
	for (unsigned int i = 0; i < d->info.nr_vcpus; i++)
		if (xc_vcpu_getcontext(d->xen->xc, d->info.domid, i, &d->vcpus[d->nr_vcpus]) == 0)
			d->nr_vcpus++;
	if (d->nr_vcpus)
		return 0;
	rc = still_there(d, err);
	return rc < 0 ? rc : fail(err, ENODATA, "no vcpu of domain %u has ever been started", d->info.domid);
}

/*
 * The builders put memory below 4 GiB, and what finds no room there above. Where a guest itself
 * puts a page far away, a search up to there would have no end.
 */
uint64_t dumpcore_end_gfn(uint64_t nr_gfns, uint64_t max_pages, uint64_t static_max_kb)
{
	uint64_t pages = static_max_kb / (XC_PAGE_SIZE / 1024);

	if (pages < max_pages)
		pages = max_pages;
	return nr_gfns > GFN_4G && nr_gfns - GFN_4G > pages ? GFN_4G + pages : nr_gfns;
}

static int find_end(struct dump *d, struct err *err)
{
	uint64_t static_max = 0;
	xen_pfn_t nr_gfns;
	struct err ignored;
	char path[64];

	if (xc_domain_nr_gpfns(d->xen->xc, d->info.domid, &nr_gfns) < 0)
		return xen_fail(d->xen, err, "cannot tell where the memory of domain %u ends", d->info.domid);
	/* Xen's own limit follows the target, and is less for one that has been ballooned. */
	snprintf(path, sizeof(path), "/local/domain/%u/memory/static-max", d->info.domid);
	if (store_read_u64(d->xen, NULL, path, &static_max, &ignored) < 0)
		static_max = 0;
	d->end_gfn = dumpcore_end_gfn(nr_gfns, d->info.max_pages, static_max);
	return 0;
}

static int collect(struct dump *d, struct err *err)
{
	struct gnttab_query_size grants = { .dom = (domid_t)d->info.domid };
	xen_pfn_t gfn = d->info.shared_info_gfn;
	int rc;

	/* Its table of grants, and of their states; without that number, as many as it has usually. */
	if (xc_gnttab_query_size(d->xen->xc, &grants) < 0 || grants.status != GNTST_okay)
		grants.nr_frames = 0;
	d->nr_pages = d->info.nr_pages + NOT_COUNTED + 2 * grants.nr_frames;
	d->pfns = calloc(d->nr_pages, sizeof(*d->pfns));
	if (!d->pfns)
		return fail_nomem(err);
	d->fmem = xenforeignmemory_open(d->xen->logger, 0);
	if (!d->fmem)
		return xen_fail(d->xen, err, "cannot map the memory of domain %u", d->info.domid);
	d->shared_info = xenforeignmemory_map(d->fmem, d->info.domid, PROT_READ, 1, &gfn, NULL);
	d->xen->detail[0] = '\0';	/* of that, which may fail */
	rc = find_end(d, err);
	return rc < 0 ? rc : get_vcpus(d, err);
}

static struct note note(uint32_t type, size_t descsz)
{
	return (struct note){ .namesz = sizeof("Xen"), .descsz = (uint32_t)descsz, .type = type,
			      .name = "Xen" };
}

static int get_version(struct xen *xen, struct version_desc *v, struct err *err)
{
	const struct { int what; void *to; } parts[] = {
		{ XENVER_extraversion, &v->extraversion }, { XENVER_compile_info, &v->compile_info },
		{ XENVER_capabilities, &v->capabilities }, { XENVER_changeset, &v->changeset },
		{ XENVER_platform_parameters, &v->platform },
	};
	int version = xc_version(xen->xc, XENVER_version, NULL);
	int rc = version;

	for (size_t i = 0; rc >= 0 && i < ARRAY_SIZE(parts); i++)
		rc = xc_version(xen->xc, parts[i].what, parts[i].to);
	if (rc < 0)
		return xen_fail(xen, err, "cannot ask Xen for its version");
	v->major = (uint64_t)version >> 16;
	v->minor = (uint64_t)version & 0xffff;
	v->page_size = XC_PAGE_SIZE;
	return 0;
}

static int make_notes(const struct dump *d, struct notes *n, struct err *err)
{
	*n = (struct notes){
		.none = note(XEN_ELFNOTE_DUMPCORE_NONE, 0),
		.header_note = note(XEN_ELFNOTE_DUMPCORE_HEADER, sizeof(n->header)),
		.header = { MAGIC_NOT_PV, d->nr_vcpus, d->nr_pages, XC_PAGE_SIZE },
		.version_note = note(XEN_ELFNOTE_DUMPCORE_XEN_VERSION, sizeof(n->version)),
		.format_note = note(XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION, sizeof(n->format)),
		.format = 1,
	};
	return get_version(d->xen, &n->version, err);
}

/* At the layout's end, up to the next section. */
static void add_section(struct layout *l, const char *name, uint32_t type, uint64_t size,
			uint64_t align, uint64_t entsize)
{
	size_t len = strlen(name) + 1;

	l->sections[l->nr++] = (Elf64_Shdr){
		.sh_name = (uint32_t)l->names_len, .sh_type = type, .sh_offset = l->end,
		.sh_size = size, .sh_addralign = align, .sh_entsize = entsize,
	};
	memcpy(l->names + l->names_len, name, len);
	l->names_len += len;
	l->end += size;
}

static void make_layout(const struct dump *d, struct layout *l)
{
	enum { NAMES = 1 };
	size_t nr = d->shared_info ? 7 : 6;

	/* Section 0 is nobody's, and so is its name. */
	*l = (struct layout){ .nr = NAMES, .names_len = 1 };
	l->end = sizeof(l->ehdr) + nr * sizeof(l->sections[0]);
	add_section(l, ".shstrtab", SHT_STRTAB, 0, 0, 0);
	add_section(l, ".note.Xen", SHT_NOTE, sizeof(struct notes), 0, 0);
	add_section(l, ".xen_prstatus", SHT_PROGBITS, d->nr_vcpus * sizeof(*d->vcpus),
		    __alignof__(*d->vcpus), sizeof(*d->vcpus));
	if (d->shared_info)
		add_section(l, ".xen_shared_info", SHT_PROGBITS, XC_PAGE_SIZE,
			    __alignof__(shared_info_any_t), XC_PAGE_SIZE);
	l->end = (l->end + XC_PAGE_SIZE - 1) & XC_PAGE_MASK;
	add_section(l, ".xen_pages", SHT_PROGBITS, d->nr_pages * XC_PAGE_SIZE, XC_PAGE_SIZE, XC_PAGE_SIZE);
	add_section(l, ".xen_pfn", SHT_PROGBITS, d->nr_pages * sizeof(*d->pfns),
		    __alignof__(*d->pfns), sizeof(*d->pfns));
	l->sections[NAMES].sh_offset = l->end;
	l->sections[NAMES].sh_size = l->names_len;
	l->ehdr = (Elf64_Ehdr){
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT,
			     ELFOSABI_SYSV, EV_CURRENT },
		.e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_shoff = sizeof(Elf64_Ehdr), .e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr), .e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = (Elf64_Half)l->nr, .e_shstrndx = NAMES,
	};
}

static int fail_write(const struct dump *d, int rc, struct err *err)
{
	return fail_sys(err, -rc, "cannot dump domain %u to '%s'", d->info.domid, d->path);
}

static const uint8_t zeroes[XC_PAGE_SIZE];

/* All in front of the pages. */
static int write_front(const struct dump *d, const struct layout *l, const struct notes *n)
{
	const struct { const void *data; size_t size; } parts[] = {
		{ &l->ehdr, sizeof(l->ehdr) }, { l->sections, l->nr * sizeof(l->sections[0]) },
		{ n, sizeof(*n) }, { d->vcpus, d->nr_vcpus * sizeof(*d->vcpus) },
		{ d->shared_info, d->shared_info ? XC_PAGE_SIZE : 0 },
	};
	uint64_t at = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(parts); i++) {
		rc = file_write_all(d->fd, parts[i].data, parts[i].size);
		at += parts[i].size;
	}
	return rc < 0 ? rc : file_write_all(d->fd, zeroes, -at & (XC_PAGE_SIZE - 1));
}

/* Those of a batch that are there, run by run. */
static int write_batch(struct dump *d, const uint8_t *pages, size_t nr, const xen_pfn_t *gfns,
		       const int *missing)
{
	for (size_t i = 0, run; i < nr && d->nr_found < d->nr_pages; i += run + 1) {
		int rc;

		for (run = 0; i + run < nr && !missing[i + run] && d->nr_found < d->nr_pages; run++)
			d->pfns[d->nr_found++] = gfns[i + run];
		rc = file_write_all(d->fd, pages + i * XC_PAGE_SIZE, run * XC_PAGE_SIZE);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int write_pages(struct dump *d, struct err *err)
{
	xen_pfn_t gfns[BATCH];
	int missing[BATCH], rc = 0;

	for (uint64_t gfn = 0; rc == 0 && gfn < d->end_gfn && d->nr_found < d->nr_pages; gfn += BATCH) {
		size_t nr = d->end_gfn - gfn < BATCH ? d->end_gfn - gfn : BATCH;
		void *pages;

		for (size_t i = 0; i < nr; i++)
			gfns[i] = gfn + i;
		pages = xenforeignmemory_map(d->fmem, d->info.domid, PROT_READ, nr, gfns, missing);
		if (!pages)
			return xen_fail(d->xen, err, "cannot map the memory of domain %u", d->info.domid);
		rc = write_batch(d, pages, nr, gfns, missing);
		xenforeignmemory_unmap(d->fmem, pages, nr);
	}
	for (uint64_t i = d->nr_found; rc == 0 && i < d->nr_pages; i++) {
		d->pfns[i] = NO_PFN;
		rc = file_write_all(d->fd, zeroes, XC_PAGE_SIZE);
	}
	return rc < 0 ? fail_write(d, rc, err) : 0;
}

static int write_rest(struct dump *d, const struct layout *layout, struct err *err)
{
	int rc = file_write_all(d->fd, d->pfns, d->nr_pages * sizeof(*d->pfns));

	if (rc == 0)
		rc = file_write_all(d->fd, layout->names, layout->names_len);
	/* A pipe cannot. */
	if (rc == 0 && fsync(d->fd) < 0 && errno != EINVAL && errno != EROFS)
		rc = -errno;
	if (rc < 0)
		return fail_write(d, rc, err);
	/* Nobody reads it soon. */
	posix_fadvise(d->fd, 0, 0, POSIX_FADV_DONTNEED);
	return 0;
}

static int write_dump(struct dump *d, struct err *err)
{
	struct layout layout;
	struct notes notes;
	int rc = collect(d, err);

	if (rc == 0)
		rc = make_notes(d, &notes, err);
	if (rc < 0)
		return rc;
	make_layout(d, &layout);
	rc = write_front(d, &layout, &notes);
	if (rc < 0)
		return fail_write(d, rc, err);
	rc = write_pages(d, err);
	if (rc == 0 && !d->nr_found)
		rc = fail(err, ENODATA, "domain %u has no memory", d->info.domid);
	if (rc == 0)
		rc = still_there(d, err);
	return rc < 0 ? rc : write_rest(d, &layout, err);
}

static void remove_part(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
		unlink(path);
}

static int write_not_pv(struct xen *xen, const struct domctl_info *info, const char *path,
			struct err *err)
{
	scoped(fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	scoped(dump) struct dump d = { .xen = xen, .info = *info, .path = path, .fd = fd };
	int rc;

	if (fd < 0)
		return fail_write(&d, -errno, err);
	rc = write_dump(&d, err);
	if (rc < 0)
		remove_part(path);
	return rc;
}

static int write_pv(struct xen *xen, uint32_t domid, const char *path, struct err *err)
{
	int rc;

	errno = 0;	/* several of its ways out leave it alone */
	if (xc_domain_dumpcore(xen->xc, domid, path) == 0)
		return 0;
	rc = xen_fail(xen, err, "cannot dump domain %u to '%s'", domid, path);
	remove_part(path);
	return rc;
}

int dumpcore_write(struct xen *xen, uint32_t domid, const char *path, struct err *err)
{
	struct domctl_info info;
	/* Asked first: what stands at path is written over only for a domain that is there. */
	int rc = domctl_info(xen, domid, &info, err);

	if (rc < 0)
		return rc;
	return info.hvm ? write_not_pv(xen, &info, path, err) : write_pv(xen, domid, path, err);
}
