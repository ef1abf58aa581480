# SPDX-License-Identifier: LGPL-2.1-or-later
# `make` builds out/xlite; `make help` lists the rest.
# STATIC=0 shared libraries (default: one static binary); SAN=1 sanitizers; FAULT=1 failing calls;
# CC=clang; V=1.

VERSION := 0.1
PREFIX  ?= /usr/local
OUT     ?= out$(if $(SAN),/san)$(if $(FAULT),/fault)
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
Q       := $(if $(V),,@)

base    := err log str file json wait findings unpack unwrap elfnote lzo
xen     := xen store wire watch readmany nodes domctl host console_ring dumpcore passthrough pool sched
config  := cfg types lists fields config_json keys keytab keyparse config conf spec spec_json \
	disk devnum nic pci devices media platform vnuma cpuid cpuid_json cpulist size
domain  := runfile userdata layout create boot platform firmware viridian vcpus affinity placement \
	cpupool update cpuid claim \
	destroy held reset attach cdrom lookup list lifecycle balloon paths ending coredump attend console hostparts \
	trigger bootload bootdisk bootprog stats metrics await preflight room autostart autostop
build   := builder image kernel cache pv pvh hvm hvminfo acpi e820
devices := devices kinds bus json disk diskplan diskborrow diskqemu diskmedium loop diskuse imagehead nic \
	nicplan link vfb vkb channel p9 qemu qemu_args monitor qemu_hvm qemu_jail qemu_log \
	qemu_probe qemu_start qemu_wait qmp serial vnc script list remove pcihost pcistore \
	pciqemu pciassign pcidev pcilive machine driver
boot    := bootloader wire relay tool
super   := supervisor guests drives dying start successor intent events monitor why doctor
cmd     := main command qemu options table output help list info vcpu memory lifecycle console \
	create destroy devd supervise watch events netlink devices block cdrom network vnc channel \
	trigger pci boot metrics top wait why check pin sched rtds cpupool groups update \
	autostart completion candidates

SRCS    := $(base:%=toolstack/base/%.c) $(xen:%=toolstack/xen/%.c) \
	$(config:%=toolstack/config/%.c) $(domain:%=toolstack/domain/%.c) \
	$(super:%=toolstack/supervisor/%.c) $(build:%=builders/%.c) $(devices:%=devices/%.c) $(boot:%=bootloader/%.c) \
	$(cmd:%=cmd/%.c)
OBJS    := $(SRCS:%.c=$(OUT)/%.o)

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wpointer-arith -Wwrite-strings -Wcast-qual -Wvla -Wundef \
	-Wformat=2 -Wimplicit-fallthrough -Wnull-dereference $(if $(CI),-Werror)
HARDEN  := -D_FORTIFY_SOURCE=2 -fstack-protector-strong $(if $(filter 0,$(STATIC)),-fPIE,-fno-pie)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS  ?= -O2 -g
XEN_VERSION := $(shell pkg-config --modversion xencontrol 2>/dev/null | cut -d. -f1,2)
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DXLITE_VERSION='"$(VERSION)"' -iquote . -iquote toolstack \
	-DXEN_BUILT_VERSION='"$(XEN_VERSION)"' $(WARN) $(CFLAGS) $(if $(SAN),$(SANITIZE),$(HARDEN))

# Loading shared libraries costs more than the rest of a small create, and -static-pie's relocations
# half as much as it (doc/speed.md): so neither; sanitizers want libc's. libxenguest registers its
# loaders by constructors: --whole-archive.
STATIC  ?= 1
XENLIBS := -Wl,--whole-archive -lxenguest -Wl,--no-whole-archive -lxenctrl -lxendevicemodel \
	-lxenforeignmemory -lxencall -lxengnttab -lxenevtchn -lxenhypfs -lxenstore -lxentoollog -lxentoolcore
LIBS    := $(XENLIBS) -ljansson -luuid -lz -llzma -lzstd -llz4 -lbz2
ifdef SAN
LINK    := $(SANITIZE) $(if $(findstring clang,$(CC)),,-static-libasan -static-libubsan) \
	-Wl,-Bstatic $(LIBS) -Wl,-Bdynamic
else ifeq ($(STATIC),0)
LINK    := -pie $(filter-out -Wl%,$(LIBS))
else
LINK    := -static $(LIBS)
endif
LDFLAGS += -Wl,-z,relro,-z,now -Wl,--as-needed

all: $(OUT)/xlite $(OUT)/xlite-boot

$(OUT)/xlite: $(if $(FAULT),$(OUT)/renamed.o $(OUT)/fault.o,$(OBJS))
	$(if $(V),,@echo "  LD      $@")
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LINK)

$(OUT)/%.o: %.c Makefile
	$(if $(V),,@echo "  CC      $<")
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

include bootloader/boot.mk
include doc/install.mk
include tests/tests.mk
include tests/guests/tiny.mk

clean:
	rm -rf out

help:
	@echo 'make [STATIC=0|SAN=1|CC=clang]   build out/xlite: static, or with shared libraries'
	@echo 'make install [DESTDIR= PREFIX= XL_LINK=1]  XL_LINK: also as xl; uninstall: the reverse'
	@echo 'make demo           see it work on a real Xen, under QEMU'
	@echo 'make check          all tests; check-unit: no Xen, no root, seconds; check-long: hours'
	@echo 'make check-corpus   config files from the wild; bench: xl and xlite side by side'

-include $(OBJS:.o=.d)
.PHONY: all clean help
