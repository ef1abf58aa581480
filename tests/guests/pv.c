// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * PV: the builder's page tables are kept as they are.  They map the image,
 * the p2m list, the rings, themselves and some free pages after that (xen.h,
 * "Start-of-day memory layout"); nothing above is ever mapped but for one
 * page at a time through a window, so the balloon can give pages back without
 * touching a page table.
 */
#include "tiny.h"
#include "hypercall.h"
#include "lib.h"

/* present, writable, user, accessed, dirty: guest kernels run in ring 3 */
#define PTE_FLAGS	0x67ul
#define MAP_PER_TABLE	(512 * PAGE_SIZE)
#define FRAMES_PER_PAGE	(PAGE_SIZE / sizeof(xen_pfn_t))
#define ONE_OF_EACH	3	/* L4, L3 and L2: all is mapped below 1 GiB */

static xen_pfn_t *p2m;			/* the builder's list... */
static unsigned long p2m_pages;
static xen_pfn_t *p2m_more;		/* ...and its end, in the spare pages */
static char *window;
static char cmdline[MAX_GUEST_CMDLINE + 1];

static void map_at(void *to, unsigned long pte)
{
	hypercall(__HYPERVISOR_update_va_mapping, (unsigned long)to, pte,
		  UVMF_INVLPG);
}

/* Boot pages have equal virtual and pseudo-physical addresses, see tiny.lds. */
static void *boot_page(unsigned long mfn)
{
	return (void *)(machine_to_phys_mapping[mfn] << PAGE_SHIFT);
}

static xen_pfn_t *slot(unsigned long page)
{
	return page < p2m_pages ? &p2m[page] : &p2m_more[page - p2m_pages];
}

static xen_pfn_t pv_frame(unsigned long page)
{
	return *slot(page);
}

static xen_pfn_t pv_place(unsigned long page)
{
	return page;
}

static void pv_changed(unsigned long page, xen_pfn_t frame)
{
	*slot(page) = frame;
}

static void *pv_map(unsigned long page)
{
	if (!window)
		return NULL;
	map_at(window, *slot(page) << PAGE_SHIFT | PTE_FLAGS);
	return window;
}

static void pv_unmap(void)
{
	if (window)
		map_at(window, 0);
}

static const struct memory_ops pv_ops = {
	.frame = pv_frame, .place = pv_place, .changed = pv_changed,
	.map = pv_map, .unmap = pv_unmap,
};

/*
 * The boot stack's page is the last one in use; of what is mapped after it the
 * last page becomes the window and the others hold p2m entries of pages that
 * the guest did not start with.
 */
static void find_memory(const struct start_info *info, struct memory *memory)
{
	unsigned long used = info->pt_base + (info->nr_pt_frames + 1) * PAGE_SIZE;
	unsigned long end = (info->nr_pt_frames - ONE_OF_EACH) * MAP_PER_TABLE;

	if (end > info->nr_pages << PAGE_SHIFT)
		end = info->nr_pages << PAGE_SHIFT;
	p2m = (xen_pfn_t *)info->mfn_list;
	p2m_pages = info->nr_pages;
	p2m_more = (xen_pfn_t *)used;
	memory->ops = &pv_ops;
	memory->pages = memory->max = info->nr_pages;
	memory->low = end >> PAGE_SHIFT;
	if (end <= used)
		return;
	window = (char *)end - PAGE_SIZE;
	memory->max += (window - (char *)used) / PAGE_SIZE * FRAMES_PER_PAGE;
}

/* Where toolstacks that dump or save the guest find its pages. */
static void publish_p2m(const struct start_info *info, struct shared_info *shared)
{
	shared->arch.max_pfn = info->nr_pages;
	shared->arch.p2m_vaddr = info->mfn_list;
	shared->arch.p2m_cr3 = xen_pfn_to_cr3(p2m[info->pt_base >> PAGE_SHIFT]);
}

void pv_start(struct start_info *info)
{
	struct boot boot = { .kind = "pv", .cmdline = cmdline };

	memcpy(cmdline, info->cmd_line, MAX_GUEST_CMDLINE);
	map_at(shared_page, info->shared_info | PTE_FLAGS);
	boot.shared = (struct shared_info *)shared_page;
	if (info->console.domU.mfn)
		boot.console = boot_page(info->console.domU.mfn);
	boot.console_port = info->console.domU.evtchn;
	if (info->store_mfn)
		boot.store = boot_page(info->store_mfn);
	boot.store_port = info->store_evtchn;
	find_memory(info, &boot.memory);
	publish_p2m(info, boot.shared);
	tiny(&boot);
}
