/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A 32-bit PV kernel, as far as a toolstack looks at it before it says no. */
#include <xen/elfnote.h>

	.text
	.globl _start
_start:	hlt

	.macro note type, data:vararg
	.long 4, 2f - 1f, \type
	.asciz "Xen"
1:	\data
2:	.balign 4
	.endm

	.section .note.Xen, "a", @note
	note XEN_ELFNOTE_GUEST_OS, .asciz "none"
	note XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
	note XEN_ELFNOTE_LOADER, .asciz "generic"
	note XEN_ELFNOTE_PAE_MODE, .asciz "yes"
	note XEN_ELFNOTE_VIRT_BASE, .long 0
	note XEN_ELFNOTE_PADDR_OFFSET, .long 0
	note XEN_ELFNOTE_ENTRY, .long _start
	.section .note.GNU-stack, "", @progbits
