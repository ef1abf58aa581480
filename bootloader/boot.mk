# SPDX-License-Identifier: LGPL-2.1-or-later
# out/xlite-boot: reads guests' disks, in a sandbox. A program of its own, so that what parses hostile
# data has neither Xen's libraries nor the toolstack in its address space. Included by the top Makefile.
boot_blk  := blk table mbr gpt crc32c
boot_fs   := fs ext ext_journal
boot_conf :=
boot_base := err str file log

BOOT_SRCS := $(boot_blk:%=bootloader/blk/%.c) $(boot_fs:%=bootloader/fs/%.c) \
	$(boot_conf:%=bootloader/conf/%.c)
BOOT_LIBS := -lext2fs -lcom_err -lz
