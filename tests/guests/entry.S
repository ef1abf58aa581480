/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ELF notes Xen's builders read, and the two ways in: pv_entry (64 bit,
 * paging set up by the builder, start_info in rsi) and pvh_entry (32 bit,
 * paging off, hvm_start_info in ebx).  Both continue in C on our own stack.
 */
#define __ASSEMBLY__
#include <xen/elfnote.h>

#define STACK_SIZE 16384

	.macro note_string type, text
	.pushsection .note.Xen, "a", @note
	.balign 4
	.long 4, 9002f - 9001f, \type
	.asciz "Xen"
9001:	.asciz "\text"
9002:	.balign 4
	.popsection
	.endm

	.macro note_value type, kind, value
	.pushsection .note.Xen, "a", @note
	.balign 4
	.long 4, 9002f - 9001f, \type
	.asciz "Xen"
9001:	\kind \value
9002:	.balign 4
	.popsection
	.endm

	note_string XEN_ELFNOTE_GUEST_OS, "xlite-tiny"
	note_string XEN_ELFNOTE_GUEST_VERSION, "1"
	note_string XEN_ELFNOTE_XEN_VERSION, "xen-3.0"
	note_string XEN_ELFNOTE_LOADER, "generic"
	note_string XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb"
	note_string XEN_ELFNOTE_PAE_MODE, "yes"
	note_value XEN_ELFNOTE_VIRT_BASE, .quad, 0
	note_value XEN_ELFNOTE_PADDR_OFFSET, .quad, 0
	note_value XEN_ELFNOTE_ENTRY, .quad, pv_entry
	note_value XEN_ELFNOTE_HYPERCALL_PAGE, .quad, hypercall_page
	note_value XEN_ELFNOTE_PHYS32_ENTRY, .long, pvh_entry

	.text
	.code64
	.globl pv_entry
pv_entry:
	cld
	mov	%rsi, %rdi
	mov	$stack_top, %esp
	xor	%ebp, %ebp
	call	pv_start
	ud2

/* Every exception of a PVH guest; pvh.c prints what lies on the stack. */
	.globl pvh_trap
pvh_trap:
	mov	%rsp, %rdi
	and	$-16, %rsp
	call	pvh_trapped
	ud2

	.code32
	.globl pvh_entry
pvh_entry:
	cld
	/* the first 4 GiB one to one in 2 MiB pages: present, writable, large */
	mov	$pvh_l2, %edi
	mov	$0x83, %eax
	mov	$2048, %ecx
1:	mov	%eax, (%edi)
	movl	$0, 4(%edi)
	add	$0x200000, %eax
	add	$8, %edi
	loop	1b
	movl	$pvh_l2 + 0x0003, pvh_l3
	movl	$pvh_l2 + 0x1003, pvh_l3 + 8
	movl	$pvh_l2 + 0x2003, pvh_l3 + 16
	movl	$pvh_l2 + 0x3003, pvh_l3 + 24
	movl	$pvh_l3 + 3, pvh_l4

	mov	$0x20, %eax			/* CR4.PAE */
	mov	%eax, %cr4
	mov	$pvh_l4, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx		/* EFER.LME */
	rdmsr
	bts	$8, %eax
	wrmsr
	mov	%cr0, %eax			/* CR0.PG */
	bts	$31, %eax
	mov	%eax, %cr0
	lgdt	gdt_pointer
	ljmp	$8, $1f

	.code64
1:	mov	$16, %eax
	mov	%eax, %ss
	mov	%eax, %ds
	mov	%eax, %es
	mov	$stack_top, %esp
	xor	%ebp, %ebp
	mov	%ebx, %edi
	call	pvh_start
	ud2

	.section .rodata
	.balign 8
gdt:	.quad	0
	.quad	0x00af9b000000ffff		/* 64-bit code */
	.quad	0x00cf93000000ffff		/* flat data */
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	gdt

	.section .bss.page, "aw", @nobits
	.balign 4096
	.globl hypercall_page, shared_page
hypercall_page:
	.skip	4096
shared_page:
	.skip	4096
pvh_l4:	.skip	4096
pvh_l3:	.skip	4096
pvh_l2:	.skip	4 * 4096
	.skip	STACK_SIZE
stack_top:

	.section .note.GNU-stack, "", @progbits
