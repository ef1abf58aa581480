// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * PVH, and HVM without a firmware: entry.S has mapped the first 4 GiB one to one.
 * Memory above that can be ballooned but not filled.
 */
#include "tiny.h"
#include "console.h"
#include "hypercall.h"

#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/arch-x86/cpuid.h>
#include <xen/arch-x86/hvm/start_info.h>

#define MAPPED_PAGES	(1ul << (32 - PAGE_SHIFT))
#define FIRST_MIB	(0x100000ul >> PAGE_SHIFT)
#define MAX_BANKS	8
#define NR_TRAPS	32
#define IDT_GATE	0x8e00		/* present, 64-bit interrupt gate */
#define CODE_SELECTOR	8
#define NMI_VECTOR	2
#define CALLBACK_VECTOR	0xf3

/*
 * Where Linux puts it as well: no memory of ours is there, so none is lost
 * (params.h and memory.h leave the place to the guest).
 */
#define SHARED_INFO_PAGE	(0xfe700000ul >> PAGE_SHIFT)

/* Page n of the guest is frame n - first + frame in the bank that holds it. */
struct bank {
	unsigned long first, pages, frame;
};

struct gate {
	uint16_t low, selector, flags, middle;
	uint32_t high, zero;
};

void pvh_trap(void);

static struct bank banks[MAX_BANKS];
static unsigned int nr_banks;
static struct gate idt[NR_TRAPS];
static volatile bool nmi;

static xen_pfn_t pvh_frame(unsigned long page)
{
	unsigned int i = 0;

	while (i + 1 < nr_banks && page >= banks[i + 1].first)
		i++;
	return page - banks[i].first + banks[i].frame;
}

static void pvh_changed(unsigned long page, xen_pfn_t frame)
{
	(void)page;
	(void)frame;
}

static void *pvh_map(unsigned long page)
{
	unsigned long frame = pvh_frame(page);

	return frame < MAPPED_PAGES ? (void *)(frame << PAGE_SHIFT) : NULL;
}

static void pvh_unmap(void)
{
}

static const struct memory_ops pvh_ops = {
	.frame = pvh_frame, .place = pvh_frame, .changed = pvh_changed,
	.map = pvh_map, .unmap = pvh_unmap,
};

void pvh_trapped(const unsigned long *stack)
{
	unsigned long cr2;

	__asm__("mov %%cr2, %0" : "=r"(cr2));
	say("trap, stack %lx %lx %lx %lx, cr2 %lx", stack[0], stack[1], stack[2],
	    stack[3], cr2);
	hypercall_shutdown(SHUTDOWN_crash);
}

__attribute__((interrupt)) static void pvh_nmi(void *frame)
{
	(void)frame;
	nmi = true;
}

static bool pvh_nmi_came(void)
{
	bool came = nmi;

	nmi = false;
	return came;
}

static void set_gate(unsigned int vector, uint64_t handler)
{
	idt[vector] = (struct gate){
		.low = handler, .selector = CODE_SELECTOR, .flags = IDT_GATE,
		.middle = handler >> 16, .high = handler >> 32,
	};
}

/* Without this a fault would be a triple fault, which Xen takes for a reboot. */
static void catch_traps(void)
{
	struct { uint16_t limit; uint64_t base; } __attribute__((packed)) idtr = {
		sizeof(idt) - 1, (uint64_t)idt,
	};
	unsigned int i;

	for (i = 0; i < NR_TRAPS; i++)
		set_gate(i, (uint64_t)pvh_trap);
	set_gate(NMI_VECTOR, (uint64_t)pvh_nmi);
	__asm__ volatile("lidt %0" :: "m"(idtr));
}

static void cpuid(uint32_t leaf, uint32_t out[4])
{
	__asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
			 : "a"(leaf), "c"(0));
}

/* cpuid.h: Xen's leaves may stand behind another hypervisor's. */
static void fill_hypercall_page(void)
{
	uint64_t page = (uint64_t)hypercall_page;
	uint32_t base = XEN_CPUID_FIRST_LEAF, regs[4];

	for (; base < XEN_CPUID_FIRST_LEAF + 0x10000; base += 0x100) {
		cpuid(base, regs);
		if (regs[1] == XEN_CPUID_SIGNATURE_EBX &&
		    regs[2] == XEN_CPUID_SIGNATURE_ECX &&
		    regs[3] == XEN_CPUID_SIGNATURE_EDX)
			break;
	}
	cpuid(base + 2, regs);
	__asm__ volatile("wrmsr" :: "c"(regs[1]), "a"((uint32_t)page),
			 "d"((uint32_t)(page >> 32)) : "memory");
}

/*
 * By this a toolstack knows that somebody listens to control/shutdown. The vector is never taken:
 * interrupts stay off here.
 */
static void set_callback(void)
{
	struct xen_hvm_param arg = {
		.domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ,
		.value = (uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | CALLBACK_VECTOR,
	};

	hypercall(__HYPERVISOR_hvm_op, HVMOP_set_param, (unsigned long)&arg, 0);
}

static uint64_t get_param(uint32_t index)
{
	struct xen_hvm_param arg = { .domid = DOMID_SELF, .index = index };

	if (hypercall(__HYPERVISOR_hvm_op, HVMOP_get_param, (unsigned long)&arg, 0))
		return 0;
	return arg.value;
}

static void map_shared_info(struct boot *boot)
{
	struct xen_add_to_physmap arg = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info,
		.gpfn = SHARED_INFO_PAGE,
	};

	hypercall_memory(XENMEM_add_to_physmap, &arg);
	boot->shared = (struct shared_info *)(SHARED_INFO_PAGE << PAGE_SHIFT);
}

/* The highest address that the builder has put something at, in pages. */
static unsigned long used_pages(const struct hvm_start_info *info)
{
	uint64_t end = (uint64_t)image_end, here;

	here = (uint64_t)(info + 1);
	end = here > end ? here : end;
	here = info->cmdline_paddr + PAGE_SIZE;
	end = here > end ? here : end;
	here = info->memmap_paddr +
	       info->memmap_entries * sizeof(struct hvm_memmap_table_entry);
	end = here > end ? here : end;
	return (end + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/*
 * In hvmloader's place of an HVM guest there is a map as well, of what is above the first MiB:
 * what is below counts, and is left alone.
 */
static bool find_memory(const struct hvm_start_info *info, struct memory *memory)
{
	const struct hvm_memmap_table_entry *map = (void *)info->memmap_paddr;
	bool hvm = false;
	unsigned int i;

	memory->ops = &pvh_ops;
	for (i = 0; info->version && i < info->memmap_entries; i++) {
		unsigned long first = map[i].addr >> PAGE_SHIFT;
		unsigned long pages = map[i].size >> PAGE_SHIFT;

		if (map[i].type != XEN_HVM_MEMMAP_TYPE_RAM || nr_banks == MAX_BANKS)
			continue;
		if (first == FIRST_MIB) {
			hvm = true;
			pages += first;
			first = 0;
		}
		banks[nr_banks++] = (struct bank){ memory->pages, pages, first };
		memory->pages += pages;
	}
	memory->max = memory->pages;
	memory->low = used_pages(info);
	return hvm;
}

static const struct hvm_start_info *started;

static void pvh_again(void)
{
	nr_banks = 0;
	pvh_start(started);
}

void pvh_start(const struct hvm_start_info *info)
{
	struct boot boot = { .kind = "pvh", .cmdline = "", .start = info, .nmi_came = pvh_nmi_came,
			     .again = pvh_again };
	uint64_t page;

	started = info;
	catch_traps();
	fill_hypercall_page();
	map_shared_info(&boot);
	if (info->cmdline_paddr)
		boot.cmdline = (const char *)info->cmdline_paddr;
	page = get_param(HVM_PARAM_CONSOLE_PFN);
	boot.console = page ? (void *)(page << PAGE_SHIFT) : NULL;
	boot.console_port = get_param(HVM_PARAM_CONSOLE_EVTCHN);
	page = get_param(HVM_PARAM_STORE_PFN);
	boot.store = page ? (void *)(page << PAGE_SHIFT) : NULL;
	boot.store_port = get_param(HVM_PARAM_STORE_EVTCHN);
	if (find_memory(info, &boot.memory)) {
		boot.kind = "hvm";
		set_callback();
	}
	tiny(&boot);
}
