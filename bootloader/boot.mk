# SPDX-License-Identifier: LGPL-2.1-or-later
# out/xlite-boot: reads guests' disks, in a sandbox. A program of its own, so that what parses hostile
# data has neither Xen's libraries nor the toolstack in its address space. Included by the top Makefile.
boot_blk  := blk table mbr gpt crc32c overlay qcow2 vhd lvm md
boot_fs   := fs ext ext_journal fat iso xfs xfs_log xfs_replay runs btrfs btrfs_tree utf
boot_conf := arena text menu conf bls grub grub_script grub_eval grub_core grub_env grub_expand \
	grub_path grub_search grub_test grub_load grub_bls grub_regexp regex \
	systemd_boot legacy syslinux nolist password sha512
# What is in the reader, what starts it (in xlite as well), and what both need of the toolstack.
BOOT_CONF_SRCS := $(boot_conf:%=bootloader/conf/%.c) bootloader/source.c bootloader/image/uki.c
BOOT_SRCS := $(boot_blk:%=bootloader/blk/%.c) $(boot_fs:%=bootloader/fs/%.c) $(BOOT_CONF_SRCS) \
	bootloader/disks.c bootloader/sandbox.c bootloader/child.c bootloader/load.c bootloader/console.c \
	bootloader/image/kernel.c \
	bootloader/wire.c bootloader/bootloader.c bootloader/relay.c bootloader/menu.c bootloader/menu_edit.c bootloader/term.c \
	bootloader/tool.c
BOOT_BASE := $(patsubst %,toolstack/base/%.c,err str file wait json unpack unwrap elfnote lzo)
BOOT_LIBS := -lext2fs -lcom_err -lseccomp -lz -lzstd -llzma -llz4 -lbz2 -lcrypt -ljansson
BOOT_OBJS := $(patsubst %.c,$(OUT)/%.o,$(BOOT_SRCS) $(BOOT_BASE) bootloader/pygrub.c \
	bootloader/main.c)

# Always static: it cannot open libraries in its sandbox, and starts faster.
$(OUT)/xlite-boot: $(BOOT_OBJS)
	$(if $(V),,@echo "  LD      $@")
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(if $(SAN),$(SANITIZE) $(BOOT_LIBS),-static $(BOOT_LIBS))

-include $(BOOT_OBJS:.o=.d)
