/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxc writes a PV guest's core, from the guest's own list of its frames. Of other guests it maps
 * each of the million frames below 4 GiB by itself, most of which are not there: minutes for what
 * takes seconds when many are asked for at once, which is what this file does. What it writes is
 * the same to the byte.
 */
#include "dumpcore.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
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
#include "xen.h"

enum { BATCH = 1024 };	/* frames mapped by one call */

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

struct notes {
	struct note none;
	struct note header_note;
	struct header_desc header;
	struct note version_note;
	struct version_desc version;
	struct note format_note;
	uint64_t format;
};

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
	uint32_t domid;
	const char *path;
	int fd;
	struct xenforeignmemory_handle *fmem;
	void *shared_info;	/* NULL: the guest has not mapped it */
	vcpu_guest_context_any_t *vcpus;
	size_t nr_vcpus;
	uint64_t nr_pages, end_gfn;
	uint64_t *pfns;		/* nr_pages of them */
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

static int get_vcpus(struct dump *d, unsigned int max_vcpu_id, struct err *err)
{
	d->vcpus = calloc(max_vcpu_id + 1, sizeof(*d->vcpus));
	if (!d->vcpus)
		return fail_nomem(err);
	/* One that the guest never started has none. */
	for (unsigned int i = 0; i <= max_vcpu_id; i++)
		if (xc_vcpu_getcontext(d->xen->xc, d->domid, i, &d->vcpus[d->nr_vcpus]) == 0)
			d->nr_vcpus++;
	return d->nr_vcpus ? 0 : xen_fail(d->xen, err, "cannot read the registers of domain %u",
					  d->domid);
}

/*
 * The builders put memory below 4 GiB, and what finds no room there above. Where a guest itself
 * puts a page far away, a search up to there would have no end.
 */
static int find_end(struct dump *d, uint64_t max_pages, struct err *err)
{
	uint64_t most = max_pages < UINT64_MAX - GFN_4G ? GFN_4G + max_pages : UINT64_MAX;
	xen_pfn_t nr_gfns;

	if (xc_domain_nr_gpfns(d->xen->xc, d->domid, &nr_gfns) < 0)
		return xen_fail(d->xen, err, "cannot tell where the memory of domain %u ends", d->domid);
	d->end_gfn = nr_gfns < most ? nr_gfns : most;
	return 0;
}

static int collect(struct dump *d, struct err *err)
{
	xc_domaininfo_t info;
	xen_pfn_t gfn;
	int rc;

	if (xc_domain_getinfolist(d->xen->xc, d->domid, 1, &info) != 1 || info.domain != d->domid)
		return fail(err, ENOENT, "domain %u does not exist", d->domid);
	d->nr_pages = info.tot_pages;
	d->pfns = calloc(d->nr_pages + 1, sizeof(*d->pfns));
	if (!d->pfns)
		return fail_nomem(err);
	d->fmem = xenforeignmemory_open(NULL, 0);
	if (!d->fmem)
		return fail_sys(err, errno, "cannot map the memory of domain %u", d->domid);
	gfn = info.shared_info_frame;
	d->shared_info = xenforeignmemory_map(d->fmem, d->domid, PROT_READ, 1, &gfn, NULL);
	rc = find_end(d, info.max_pages, err);
	return rc < 0 ? rc : get_vcpus(d, info.max_vcpu_id, err);
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

static const uint8_t zeroes[XC_PAGE_SIZE];

/* All in front of the pages. */
static int write_front(const struct dump *d, const struct layout *l, const struct notes *n)
{
	uint64_t at = sizeof(l->ehdr) + l->nr * sizeof(l->sections[0]) + sizeof(*n) +
		      d->nr_vcpus * sizeof(*d->vcpus) + (d->shared_info ? XC_PAGE_SIZE : 0);
	int rc = file_write_all(d->fd, &l->ehdr, sizeof(l->ehdr));

	if (rc == 0)
		rc = file_write_all(d->fd, l->sections, l->nr * sizeof(l->sections[0]));
	if (rc == 0)
		rc = file_write_all(d->fd, n, sizeof(*n));
	if (rc == 0)
		rc = file_write_all(d->fd, d->vcpus, d->nr_vcpus * sizeof(*d->vcpus));
	if (rc == 0 && d->shared_info)
		rc = file_write_all(d->fd, d->shared_info, XC_PAGE_SIZE);
	return rc < 0 ? rc : file_write_all(d->fd, zeroes, -at & (XC_PAGE_SIZE - 1));
}

/* Devices, as libxc has it, and not the guest's: the VGA hole, and the end of the first 4 GiB. */
static bool may_be_memory(uint64_t gfn)
{
	return (gfn < 0xa0 || gfn >= 0xc0) && (gfn < 0xf0000 || gfn >= GFN_4G);
}

/* The next frames that may be there, up to BATCH; 0 at the end. */
static size_t next_batch(const struct dump *d, uint64_t *gfn, xen_pfn_t *gfns)
{
	size_t nr = 0;

	for (; nr < BATCH && *gfn < d->end_gfn; ++*gfn)
		if (may_be_memory(*gfn))
			gfns[nr++] = *gfn;
	return nr;
}

/* Those of a batch that are there, run by run. */
static int write_batch(struct dump *d, const uint8_t *pages, size_t nr, const xen_pfn_t *gfns,
		       const int *missing, uint64_t *done)
{
	for (size_t i = 0, run; i < nr && *done < d->nr_pages; i += run + 1) {
		int rc;

		for (run = 0; i + run < nr && !missing[i + run] && *done < d->nr_pages; run++)
			d->pfns[(*done)++] = gfns[i + run];
		rc = file_write_all(d->fd, pages + i * XC_PAGE_SIZE, run * XC_PAGE_SIZE);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int write_pages(struct dump *d)
{
	xen_pfn_t gfns[BATCH];
	int missing[BATCH];
	uint64_t gfn = 0, done = 0;
	size_t nr;
	int rc = 0;

	while (rc == 0 && done < d->nr_pages && (nr = next_batch(d, &gfn, gfns))) {
		void *pages = xenforeignmemory_map(d->fmem, d->domid, PROT_READ, nr, gfns, missing);

		if (!pages)
			return -errno;
		rc = write_batch(d, pages, nr, gfns, missing, &done);
		xenforeignmemory_unmap(d->fmem, pages, nr);
	}
	for (; rc == 0 && done < d->nr_pages; done++) {
		d->pfns[done] = NO_PFN;
		rc = file_write_all(d->fd, zeroes, XC_PAGE_SIZE);
	}
	return rc;
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
	if (rc == 0)
		rc = write_pages(d);
	if (rc == 0)
		rc = file_write_all(d->fd, d->pfns, d->nr_pages * sizeof(*d->pfns));
	if (rc == 0)
		rc = file_write_all(d->fd, layout.names, layout.names_len);
	return rc < 0 ? fail_sys(err, -rc, "cannot dump domain %u to '%s'", d->domid, d->path) : 0;
}

static int write_not_pv(struct xen *xen, uint32_t domid, const char *path, struct err *err)
{
	scoped(fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	scoped(dump) struct dump d = { .xen = xen, .domid = domid, .path = path, .fd = fd };

	if (fd < 0)
		return fail_sys(err, errno, "cannot dump domain %u to '%s'", domid, path);
	return write_dump(&d, err);
}

static int write_pv(struct xen *xen, uint32_t domid, const char *path, struct err *err)
{
	errno = 0;	/* several of its ways out leave it alone */
	if (xc_domain_dumpcore(xen->xc, domid, path) == 0)
		return 0;
	return xen_fail(xen, err, "cannot dump domain %u to '%s'", domid, path);
}

int dumpcore_write(struct xen *xen, uint32_t domid, const char *path, struct err *err)
{
	struct domctl_info info;
	struct stat st;
	/* Asked first: what stands at path is written over only for a domain that is there. */
	int rc = domctl_info(xen, domid, &info, err);

	if (rc < 0)
		return rc;
	rc = (info.hvm ? write_not_pv : write_pv)(xen, domid, path, err);
	if (rc < 0 && lstat(path, &st) == 0 && S_ISREG(st.st_mode))
		unlink(path);
	return rc;
}
