# SPDX-License-Identifier: LGPL-2.1-or-later
# make [STATIC=1] [SAN=1] [FAULT=1] [CC=clang] [V=1]; see `make help`.

VERSION := 0.1
PREFIX  ?= /usr/local
OUT     ?= out
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
Q       := $(if $(V),,@)

base    := err log str file json wait
xen     := xen store nodes domctl host evtchn
config  := lexer cfg keys config plan types json specs disk nic pci devices
domain  := runfile userdata layout create destroy lookup list balloon lifecycle
build   := builder kernel unwrap cache pv
cmd     := main options output table
SRCS    := $(wildcard $(base:%=toolstack/base/%.c) $(xen:%=toolstack/xen/%.c) \
	$(config:%=toolstack/config/%.c) $(domain:%=toolstack/domain/%.c) \
	$(build:%=builders/%.c) $(cmd:%=cmd/%.c))

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wpointer-arith -Wwrite-strings -Wcast-qual -Wvla -Wundef \
	-Wformat=2 -Wimplicit-fallthrough -Wnull-dereference $(if $(CI),-Werror)
HARDEN  := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS  ?= -O2 -g
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DXLITE_VERSION='"$(VERSION)"' -I. -Itoolstack $(WARN) \
	$(if $(SAN),$(SANITIZE) -O1,$(HARDEN)) $(CFLAGS)
