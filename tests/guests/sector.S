/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A boot sector that sends to the first serial port what the second sector of each BIOS drive
 * says, up to its NUL: the first floppy drive, then the hard disks. "." stands for each that can't
 * be read.
 */
	.code16
	.globl	_start
_start:
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$0x7c00, %sp
	mov	$drives, %si
next:
	lodsb
	cmp	$0xff, %al
	je	end
	mov	%al, drive
	mov	$3, %di			/* a floppy's motor may need it */
try:
	mov	$0x0201, %ax		/* read one sector, */
	mov	$0x7e00, %bx
	mov	$2, %cx			/* cylinder 0, sector 2, */
	mov	drive, %dl
	xor	%dh, %dh		/* head 0 */
	int	$0x13
	jnc	show
	mov	drive, %dl
	xor	%ah, %ah		/* reset */
	int	$0x13
	dec	%di
	jnz	try
	mov	$'.', %al
	call	put
	jmp	next
show:
	mov	$0x7e00, %bx
1:	mov	(%bx), %al
	test	%al, %al
	jz	next
	call	put
	inc	%bx
	jmp	1b
end:
	mov	$'!', %al
	call	put
1:	hlt
	jmp	1b

put:
	mov	%al, %ah
	mov	$0x3fd, %dx
1:	in	%dx, %al
	test	$0x20, %al
	jz	1b
	mov	%ah, %al
	mov	$0x3f8, %dx
	out	%al, %dx
	ret

drive:	.byte	0
drives:	.byte	0, 0x80, 0x81, 0x82, 0xff

	.org	510
	.word	0xaa55
