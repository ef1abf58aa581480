# SPDX-License-Identifier: LGPL-2.1-or-later
# out/xlite-boot: reads guests' disks, in a sandbox. A program of its own, so that what parses hostile
# data has neither Xen's libraries nor the toolstack in its address space. Included by the top Makefile.
boot_blk  := blk table mbr gpt crc32c
boot_fs   := fs ext ext_journal fat iso utf
boot_conf := arena text menu conf bls grub grub_script grub_eval grub_core grub_env grub_expand \
	grub_path grub_search grub_test grub_load grub_bls systemd_boot legacy syslinux nolist
boot_base := err str file log

BOOT_CONF_SRCS := $(boot_conf:%=bootloader/conf/%.c) bootloader/source.c
BOOT_SRCS := $(boot_blk:%=bootloader/blk/%.c) $(boot_fs:%=bootloader/fs/%.c) $(BOOT_CONF_SRCS)
BOOT_LIBS := -lext2fs -lcom_err -lz
